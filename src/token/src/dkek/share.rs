//! DKEK share file (`.pbe`): one share, encrypted under a passphrase, as `sc-hsm-tool` writes and reads it.
//!
//! Shape: exactly 64 bytes: `Salted__`, salt (8), AES-256-CBC (48) of the share (32) and a whole block of padding.
//! Source: OpenSC `sc-hsm-tool.c`.

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Passphrase, SealingPassphrase, Share, stretch::Stretch};
use crate::secret::Secret;

/// Bytes of a share file.
pub const FILE_LEN: usize = 64;

const MAGIC: &[u8; 8] = b"Salted__";
/// The share fills two blocks, so PKCS#7 adds a third, all of it 10h.
const PADDING: [u8; 16] = [0x10; 16];

/// Random bytes that make one passphrase give another key in every file. Not secret.
pub type Salt = [u8; 8];

/// A share as its file holds it: only the passphrase opens it.
///
/// Not secret, but a person who has it may try passphrases for ever: it goes to its custodian's drive and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedShare {
    salt: Salt,
    body: [[u8; 16]; 3],
}

/// Why a share file gives no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ShareError {
    /// Cut short, or something follows.
    #[error("share file of {found} bytes, expected exactly {FILE_LEN}")]
    Length {
        /// Bytes there are.
        found: usize,
    },
    /// Another kind of file.
    #[error("the file does not begin with Salted__, as every DKEK share does")]
    Foreign,
    /// The decrypted padding is wrong: the passphrase is, or the file was altered.
    #[error("the share file does not open with this passphrase")]
    Passphrase,
}

impl SealedShare {
    /// Reads a share file.
    ///
    /// Errors: [`ShareError::Length`], [`ShareError::Foreign`].
    pub fn parse(file: &[u8]) -> Result<Self, ShareError> {
        let wrong_length = ShareError::Length { found: file.len() };
        let file = <&[u8; FILE_LEN]>::try_from(file).map_err(|_| wrong_length)?;
        let (salt, body) = file.strip_prefix(MAGIC).and_then(<[u8]>::split_first_chunk).ok_or(ShareError::Foreign)?;
        let body = body.as_chunks().0.try_into().map_err(|_| wrong_length)?;
        Ok(Self { salt: *salt, body })
    }

    /// The bytes of the file.
    pub fn to_file(&self) -> [u8; FILE_LEN] {
        let mut file = [0; FILE_LEN];
        let bytes = MAGIC.iter().chain(&self.salt).chain(self.body.as_flattened());
        file.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        file
    }

    /// Encrypts a share. `progress` hears how many rounds of [`super::stretch::ROUNDS`] are done.
    pub fn seal(
        share: &Share,
        passphrase: &SealingPassphrase,
        salt: Salt,
        stretch: &dyn Stretch,
        progress: &mut dyn FnMut(u32),
    ) -> Self {
        let key = stretch.stretch(passphrase, &salt, progress);
        let mut cipher = cbc::Encryptor::<Aes256>::new(key.key().into(), key.iv().into());
        let mut body = Zeroizing::new([PADDING; 3]);
        body.as_flattened_mut().iter_mut().zip(share.expose()).for_each(|(to, from)| *to = *from);
        for block in &mut *body {
            cipher.encrypt_block(block.into());
        }
        Self { salt, body: *body }
    }

    /// Decrypts the share. `progress` hears how many rounds of [`super::stretch::ROUNDS`] are done.
    ///
    /// Strict where `sc-hsm-tool` is not: it takes any valid PKCS#7 padding, so about one wrong passphrase in 256
    /// passes there and a wrong share reaches the token. Here only the padding the format has will do.
    ///
    /// Errors: [`ShareError::Passphrase`].
    pub fn open(
        &self,
        passphrase: &Passphrase,
        stretch: &dyn Stretch,
        progress: &mut dyn FnMut(u32),
    ) -> Result<Share, ShareError> {
        let key = stretch.stretch(passphrase, &self.salt, progress);
        let mut cipher = cbc::Decryptor::<Aes256>::new(key.key().into(), key.iv().into());
        let mut body = Zeroizing::new(self.body);
        for block in &mut *body {
            cipher.decrypt_block(block.into());
        }
        let [share @ .., padding] = &*body;
        if *padding != PADDING {
            return Err(ShareError::Passphrase);
        }
        Ok(Share::new(Secret::filled(|bytes| bytes.copy_from_slice(share.as_flattened()))))
    }
}

// Opening and sealing take the real key derivation, some seconds each: they are tested in `tests/dkek`.
#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = include_bytes!("../../../../tests/vectors/token/dkek/share1.pbe");

    #[test]
    fn a_file_of_another_length_or_kind_is_refused() {
        #[track_caller]
        fn check(file: &[u8], want: ShareError) {
            assert_eq!(SealedShare::parse(file), Err(want));
        }
        check(&FILE[..63], ShareError::Length { found: 63 });
        check(&[FILE, b"\n"].concat(), ShareError::Length { found: 65 });
        check(&[], ShareError::Length { found: 0 });
        check(&[b"salted__", &FILE[8..]].concat(), ShareError::Foreign);
        assert_eq!(SealedShare::parse(FILE).unwrap().to_file(), FILE);
    }
}
