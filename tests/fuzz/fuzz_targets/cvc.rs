//! Card-verifiable certificates and requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::cvc::Cvc;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = Cvc::parse(bytes)
        && let Ok(key) = certificate.key(None)
    {
        assert!(!key.spki().is_empty());
    }
});
