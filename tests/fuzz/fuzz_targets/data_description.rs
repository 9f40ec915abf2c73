//! PKCS#15 descriptions of data objects.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::pkcs15::DataDescription;

fuzz_target!(|bytes: &[u8]| {
    let _ = DataDescription::parse(bytes);
});
