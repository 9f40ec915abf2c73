//! CCID messages from the reader.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::ccid;

fuzz_target!(|bytes: &[u8]| {
    if ccid::decode(bytes).is_ok() {
        assert_eq!(ccid::announced_len(bytes), Some(bytes.len()));
    }
});
