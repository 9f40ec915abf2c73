//! PKCS#15 descriptions of data objects.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::pkcs15::DataDescription;

target!(|bytes: &[u8]| {
    DataDescription::parse(bytes)?;
    Ok(())
});
