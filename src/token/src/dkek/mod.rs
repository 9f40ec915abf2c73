//! DKEK: the key under which tokens hand keys to each other, and the file formats it travels in.
//!
//! Lowest first: [`Kcv`], passphrases, the shares and their combination; then the files: share (`.pbe`), passphrase
//! split, key blob, wrap file. A blob is parsed and MAC-checked here; opening it takes `smartcard-hsm-recover`, which
//! the appliance does not link.

pub mod blob;
pub mod share;
pub mod split;
pub mod stretch;
pub mod wrapfile;

mod kcv;
mod passphrase;

use sha2::{Digest, Sha256};
use thiserror::Error;

pub use kcv::{Kcv, KcvError};
pub use passphrase::{Passphrase, PassphraseError, SealingPassphrase};

use crate::secret::Secret;

/// One of the n parts; the XOR of all parts is the DKEK.
///
/// Secret: each share alone tells nothing about the DKEK; all together are the DKEK. Lives in the Vault between reading
/// its file and sending it to the tokens.
#[derive(Debug, PartialEq, Eq)]
pub struct Share(Secret<32>);

impl Share {
    /// The share these 32 bytes are.
    pub fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for the APDU that imports the share and for the cipher that seals it.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// Device key encryption key: wraps keys on one token and unwraps them on every other that holds the same.
///
/// Secret: a person with the DKEK and a blob has the key in the blob.
#[derive(Debug, PartialEq, Eq)]
pub struct Dkek(Secret<32>);

/// Why shares do not combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CombineError {
    /// Nothing to combine.
    #[error("no DKEK share given, expected at least one")]
    NoShare,
    /// The same share was given twice. XOR would cancel both, and the DKEK would hang on the other shares alone.
    #[error("DKEK share {second} is the same as share {first}; expected every share once")]
    Twice {
        /// Position of the one, counted from 1.
        first: usize,
        /// Position of the other, counted from 1.
        second: usize,
    },
}

impl Dkek {
    /// XOR of all shares, in any order.
    ///
    /// Errors: every [`CombineError`].
    /// Source: OpenSC `sc-hsm-tool.c` and the applet combine alike; KCV as pico-hsm v4.2 computed it.
    pub fn combine(shares: &[&Share]) -> Result<Self, CombineError> {
        if shares.is_empty() {
            return Err(CombineError::NoShare);
        }
        for (at, share) in shares.iter().enumerate() {
            if let Some(before) = shares.iter().take(at).position(|other| other == share) {
                return Err(CombineError::Twice { first: before + 1, second: at + 1 });
            }
        }
        Ok(Self(Secret::filled(|sum| {
            for share in shares {
                sum.iter_mut().zip(share.expose()).for_each(|(sum, byte)| *sum ^= byte);
            }
        })))
    }

    /// The DKEK a (simulated) token has in its memory, however it came there.
    pub fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for deriving keys from them.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The key check value, which may be compared in public.
    pub fn kcv(&self) -> Kcv {
        Kcv::of(self)
    }

    /// The key a blob is encrypted (1) or authenticated (2) with: SHA-256 over the DKEK and the number as 32 bits.
    pub fn derive(&self, purpose: Purpose) -> Secret<32> {
        Secret::filled(|key| {
            let digest = Sha256::new().chain_update(self.expose()).chain_update((purpose as u32).to_be_bytes());
            digest.finalize_into(key.into());
        })
    }
}

/// The purpose of a key that is derived from the DKEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// AES-256-CBC over a blob's payload.
    Encrypt = 1,
    /// AES-256-CMAC over a blob.
    Authenticate = 2,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Test value: 32 bytes from 64 hex digits.
    pub(crate) fn secret(hex: &str) -> Secret<32> {
        assert_eq!(hex.len(), 64);
        Secret::filled(|bytes| {
            for (at, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
            }
        })
    }

    const SHARE_1: &str = "e1459f00516d9679347076c7aad42b19eb34811f48662254f43e31d600e61d90";
    const SHARE_2: &str = "a1184771baf19d17b8a6ab46ce0feb8f7dd0ab7ef7763db83c76e2af3829a7fb";
    pub(crate) const DKEK: &str = "405dd871eb9c0b6e8cd6dd8164dbc09696e42a61bf101fecc848d37938cfba6b";

    #[test]
    fn shares_combine_in_any_order_to_the_dkek_of_the_vectors() {
        let (one, two) = (Share::new(secret(SHARE_1)), Share::new(secret(SHARE_2)));
        let dkek = Dkek::new(secret(DKEK));
        assert_eq!(Dkek::combine(&[&one, &two]), Ok(Dkek::new(secret(DKEK))));
        assert_eq!(Dkek::combine(&[&two, &one]), Ok(Dkek::new(secret(DKEK))));
        assert_eq!(dkek.kcv().to_string(), "b445 a693 b81e 2202");
        assert_eq!(
            dkek.derive(Purpose::Encrypt),
            secret("a4ac4105d2cd9ca3cbaa8ce7a168ca1c6dff3849b7e318966a095b5fede87919")
        );
        assert_eq!(
            dkek.derive(Purpose::Authenticate),
            secret("d49269814a294fae03ca9d71cbac090b55fb010029878e581a1c29a22e9a04f9")
        );
    }

    #[test]
    fn a_share_given_twice_is_refused_and_so_is_none() {
        let (one, two) = (Share::new(secret(SHARE_1)), Share::new(secret(SHARE_2)));
        let again = Share::new(secret(SHARE_1));
        assert_eq!(Dkek::combine(&[&one, &two, &again]), Err(CombineError::Twice { first: 1, second: 3 }));
        assert_eq!(Dkek::combine(&[]), Err(CombineError::NoShare));
    }
}
