//! BER-TLV: every element read is written back to bytes that read the same.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::tlv::{self, Reader};

target!(|bytes: &[u8]| {
    let mut reader = Reader::new(bytes);
    while let Some(read) = reader.next_element()? {
        let written = tlv::element(read.tag, read.value);
        let again = tlv::whole(&written, read.tag).expect("what was written is read");
        assert_eq!(again.value, read.value);
        assert!(written.len() <= read.raw.len(), "writing is shortest");
    }
    Ok(())
});
