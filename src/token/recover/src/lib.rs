//! Opens and makes DKEK-wrapped key blobs in clear: for tests and for disaster recovery, when every token is gone and
//! the shares are not.
//!
//! The appliance never links this crate: it hands blobs from token to token and cannot see into them.
#![forbid(unsafe_code)]

mod key;
mod payload;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use smartcard_hsm::dkek::{
    Dkek, Purpose,
    blob::{self, Blob, BlobError, RANDOM_LEN},
};
use thiserror::Error;
use zeroize::Zeroizing;

pub use key::{ClearKey, EcKey, RsaCrtKey, RsaKey};

/// The reasons for which a blob gives no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The bytes are no blob, or a blob of another DKEK, or they were altered.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// After decryption the padding is not 80 and then zeros. The MAC was right: the maker of the blob was wrong.
    #[error("payload does not end in 80 and zeros")]
    Padding,
    /// The payload ends inside a field.
    #[error("payload ends inside {field}")]
    Short {
        /// The field.
        field: &'static str,
    },
    /// Bytes follow the last field.
    #[error("{extra} bytes follow the last field of the payload")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// The size the payload states fits no key of this kind.
    #[error("payload states a key size of {found}")]
    Size {
        /// Bits, or bytes for AES.
        found: u16,
    },
    /// The value of a field cannot belong to a key of the stated size.
    #[error("{field} has {found} bytes, expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// Most bytes, or the exact number for points and moduli.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// Coefficient a is left out, and this crate does not know the a of this curve.
    #[error("coefficient a is left out on a curve unknown here")]
    CurveUnknown,
}

/// The reasons for which no blob can be made of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MakeError {
    /// Tokens refuse CRT values above 2048 bits with 6A80; such keys travel by their private exponent.
    #[error("RSA key of {bits} bits with CRT values: tokens take them up to 2048 bits, expected the private exponent")]
    CrtTooLong {
        /// Bits of the modulus.
        bits: u16,
    },
    /// A field that does not fit the size of the key.
    #[error("{field} has {found} bytes, expected {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// Most bytes, or the exact number for points.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
}

/// The key in a blob. In this order: KCV, MAC, decryption, padding, fields; nothing is decrypted that does not
/// authenticate.
///
/// Errors: every [`OpenError`].
/// Source: CardContact `scsh-scripts` DKEK.js; fields left out or short as pico-hsm v4.2 writes them.
pub fn open(bytes: &[u8], dkek: &Dkek) -> Result<ClearKey, OpenError> {
    let blob = Blob::parse(bytes)?;
    blob.check(dkek)?;
    let mut payload = Zeroizing::new(blob.ciphertext.to_vec());
    let mut cipher = cbc::Decryptor::<Aes256>::new(dkek.derive(Purpose::Encrypt).expose().into(), &IV.into());
    // `Blob::parse` lets only whole blocks through: nothing remains.
    for block in payload.as_chunks_mut().0 {
        cipher.decrypt_block(block.into());
    }
    key::read(blob.kind, payload::unpad(&payload)?)
}

/// Makes the blob of a key, as WRAP would answer it, with `random` at the head of its payload.
///
/// Errors: [`MakeError`]; a CRT key above 2048 bits is refused because tokens refuse its blob.
pub fn make(key: &ClearKey, dkek: &Dkek, random: [u8; RANDOM_LEN]) -> Result<Vec<u8>, MakeError> {
    let kind = key.kind();
    let mut payload = payload::pad(key::write(key, random)?);
    let mut cipher = cbc::Encryptor::<Aes256>::new(dkek.derive(Purpose::Encrypt).expose().into(), &IV.into());
    for block in payload.as_chunks_mut().0 {
        cipher.encrypt_block(block.into());
    }
    let mut out = Vec::new();
    out.extend_from_slice(dkek.kcv().bytes());
    out.push(kind as u8);
    for list in [kind.algorithm(), kind.allowed(), &[], &[]] {
        out.extend_from_slice(&(list.len() as u16).to_be_bytes());
        out.extend_from_slice(list);
    }
    out.extend_from_slice(&payload);
    let mac = blob::mac(dkek, &out);
    out.extend_from_slice(&mac);
    Ok(out)
}

/// The payload begins with random bytes, so the initialisation vector may be constant.
const IV: [u8; blob::BLOCK_LEN] = [0; blob::BLOCK_LEN];
