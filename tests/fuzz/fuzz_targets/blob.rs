//! Key blobs: header and sizes are read, and nothing passes the MAC but the seed that has it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::{
    dkek::{Dkek, blob::Blob},
    secret::Secret,
};

fuzz_target!(|bytes: &[u8]| {
    let Ok(blob) = Blob::parse(bytes) else { return };
    assert_eq!(blob.bytes(), bytes);
    assert!(blob.sizes().len() <= 2);
    let unknown = Dkek::new(Secret::filled(|key| key.fill(0x5a)));
    assert!(blob.check(&unknown).is_err());
});
