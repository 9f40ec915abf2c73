//! PKCS#15 descriptions of certificates.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::pkcs15::CertificateDescription;

target!(|bytes: &[u8]| {
    CertificateDescription::parse(bytes)?;
    Ok(())
});
