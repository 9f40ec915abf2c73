//! CCID messages from the reader.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::ccid;

target!(|bytes: &[u8]| {
    ccid::decode(bytes)?;
    assert_eq!(ccid::announced_len(bytes), Some(bytes.len()));
    Ok(())
});
