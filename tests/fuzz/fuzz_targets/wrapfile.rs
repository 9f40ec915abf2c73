//! Wrap files: what is read is written back to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::dkek::wrapfile::WrapFile;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = WrapFile::parse(bytes) {
        assert_eq!(file.to_file().expect("what was read can be written"), bytes);
    }
});
