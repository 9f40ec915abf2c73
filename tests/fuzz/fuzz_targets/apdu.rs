//! Command and response APDUs: a command read is written to bytes that read the same.
#![no_main]

use conclave_fuzz::{target, told};
use smartcard_hsm::apdu::{Apdu, Reply};

target!(|bytes: &[u8]| {
    told(Reply::parse(bytes.to_vec().into()).map(drop).map_err(Into::into));
    let read = Apdu::parse(bytes)?;
    let written = read.to_bytes().expect("what was read can be written");
    let again = Apdu::parse(&written).expect("what was written is read");
    assert_eq!(again.header(), read.header());
    assert_eq!(again.body_bytes(), read.body_bytes());
    assert_eq!(again.reply_len_max(), read.reply_len_max());
    Ok(())
});
