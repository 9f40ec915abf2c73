//! PKCS#15 descriptions of certificates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::pkcs15::CertificateDescription;

fuzz_target!(|bytes: &[u8]| {
    let _ = CertificateDescription::parse(bytes);
});
