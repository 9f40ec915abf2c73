//! PKCS#15 descriptions of private keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::pkcs15::KeyDescription;

fuzz_target!(|bytes: &[u8]| {
    let _ = KeyDescription::parse(bytes);
});
