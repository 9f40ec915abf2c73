//! Key blobs: header and sizes are read, and nothing passes the MAC but the seed that has it.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::{
    dkek::{Dkek, blob::Blob},
    secret::Secret,
};

target!(|bytes: &[u8]| {
    let blob = Blob::parse(bytes)?;
    assert_eq!(blob.bytes(), bytes);
    assert!(blob.sizes().len() <= 2);
    let unknown = Dkek::new(Secret::filled(|key| key.fill(0x5a)));
    Err(blob.check(&unknown).expect_err("no such key is known").into())
});
