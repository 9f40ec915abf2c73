//! PKCS#15 TokenInfo: a label read is written to a file that reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::pkcs15::TokenInfo;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = TokenInfo::parse(bytes)
        && let Some(label) = &read.label
    {
        assert_eq!(TokenInfo::parse(&TokenInfo::to_der(label)), Ok(read));
    }
});
