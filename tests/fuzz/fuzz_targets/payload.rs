//! The content of a key blob: sealed again, opened, and, if it is a key, made into a blob that opens to the same
//! key.
#![no_main]

use aes::Aes256;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
use conclave_fuzz::{plain, target};
use smartcard_hsm::{
    dkek::{
        Dkek, Purpose,
        blob::{self, Kind},
    },
    secret::Secret,
};
use smartcard_hsm_recover::{MakeError, make, open};

target!(|bytes: &[u8]| {
    let Some((&kind, payload)) = bytes.split_first() else { return Ok(()) };
    let kind = Kind::ALL[usize::from(kind) % Kind::ALL.len()];
    let dkek = Dkek::new(Secret::filled(|key| key.fill(0x5a)));
    let mut payload = payload.to_vec();
    // Method 2 of ISO/IEC 9797-1, unless the fuzzer filled a block with its own.
    if payload.len() % 16 != 0 || payload.is_empty() {
        payload.push(0x80);
        payload.resize(payload.len().next_multiple_of(16), 0);
    }
    let mut cipher = cbc::Encryptor::<Aes256>::new(dkek.derive(Purpose::Encrypt).expose().into(), &[0; 16].into());
    for block in payload.as_chunks_mut().0 {
        cipher.encrypt_block(block.into());
    }
    let algorithm = kind.algorithm();
    let mut sealed = dkek.kcv().bytes().to_vec();
    sealed.extend([kind as u8, 0, algorithm.len() as u8]);
    sealed.extend(algorithm);
    sealed.extend([0; 6]);
    sealed.extend(payload);
    let mac = blob::mac(&dkek, &sealed);
    sealed.extend(mac);

    let key = open(&sealed, &dkek)?;
    match make(&key, &dkek, [7; 8]) {
        Ok(made) => assert_eq!(open(&made, &dkek), Ok(key)),
        // Read for the sake of recovery, but tokens would refuse it.
        Err(error @ (MakeError::CrtTooLong { .. } | MakeError::Field { .. })) => plain(error),
    }
    Ok(())
});
