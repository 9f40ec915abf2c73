//! Card-verifiable certificates and requests.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::cvc::Cvc;

target!(|bytes: &[u8]| {
    assert!(!Cvc::parse(bytes)?.key(None)?.spki().is_empty());
    Ok(())
});
