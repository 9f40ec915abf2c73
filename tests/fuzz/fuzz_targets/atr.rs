//! Answers to reset.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::atr::Atr;

fuzz_target!(|bytes: &[u8]| {
    let _ = Atr::parse(bytes);
});
