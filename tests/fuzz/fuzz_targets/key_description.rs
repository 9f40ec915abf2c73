//! PKCS#15 descriptions of private keys.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::pkcs15::KeyDescription;

target!(|bytes: &[u8]| {
    KeyDescription::parse(bytes)?;
    Ok(())
});
