//! PKCS#15 TokenInfo: a label read is written to a file that reads the same.
#![no_main]

use conclave_fuzz::{plain, target};
use smartcard_hsm::pkcs15::TokenInfo;

target!(|bytes: &[u8]| {
    let read = TokenInfo::parse(bytes)?;
    if let Some(label) = &read.label {
        plain(label);
        assert_eq!(TokenInfo::parse(&TokenInfo::to_der(label)), Ok(read));
    }
    Ok(())
});
