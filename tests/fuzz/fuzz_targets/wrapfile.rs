//! Wrap files: each file that is read is written back to the same bytes.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::dkek::wrapfile::WrapFile;

target!(|bytes: &[u8]| {
    assert_eq!(WrapFile::parse(bytes)?.to_file().expect("what was read can be written"), bytes);
    Ok(())
});
