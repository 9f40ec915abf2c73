//! Answers to reset.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::atr::Atr;

target!(|bytes: &[u8]| {
    Atr::parse(bytes)?;
    Ok(())
});
