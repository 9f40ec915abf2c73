//! Passphrases of share files: strict for those that seal, tolerant for those that open.

use core::ops::Deref;

use thiserror::Error;

use crate::secret::{Secret, SecretBytes};

/// The passphrase that opens a share file: any bytes, because other tools take any.
///
/// Secret: typed or recombined, used once for the key derivation, wiped.
#[derive(Debug, PartialEq, Eq)]
pub struct Passphrase(SecretBytes);

impl Passphrase {
    /// Most bytes a passphrase may have here.
    pub const LEN_MAX: usize = 255;

    /// A passphrase for opening.
    ///
    /// Errors: [`PassphraseError::Length`].
    pub fn new(bytes: SecretBytes) -> Result<Self, PassphraseError> {
        match bytes.expose().len() {
            1..=Self::LEN_MAX => Ok(Self(bytes)),
            found => Err(PassphraseError::Length { least: 1, most: Self::LEN_MAX, found }),
        }
    }

    /// The bytes, for the key derivation.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// A passphrase good enough to seal a share with: at least 20 printable ASCII characters, or the 8 random bytes of a
/// passphrase split.
///
/// Secret: shown to its custodian once, typed back, wiped. Derefs to the passphrase that opens the file again.
#[derive(Debug, PartialEq, Eq)]
pub struct SealingPassphrase(Passphrase);

impl SealingPassphrase {
    /// Fewest characters.
    pub const LEN_MIN: usize = 20;

    /// A passphrase for sealing.
    ///
    /// Errors: every [`PassphraseError`].
    pub fn new(bytes: SecretBytes) -> Result<Self, PassphraseError> {
        let found = bytes.expose().len();
        if !(Self::LEN_MIN..=Passphrase::LEN_MAX).contains(&found) {
            return Err(PassphraseError::Length { least: Self::LEN_MIN, most: Passphrase::LEN_MAX, found });
        }
        if let Some(at) = bytes.expose().iter().position(|byte| !(b' '..=b'~').contains(byte)) {
            return Err(PassphraseError::NotPrintable { position: at + 1 });
        }
        Ok(Self(Passphrase(bytes)))
    }

    /// The secret of a passphrase split. No person types it.
    pub(super) fn of_split(secret: &Secret<8>) -> Self {
        Self(Passphrase(SecretBytes::copied_from(secret.expose())))
    }
}

impl Deref for SealingPassphrase {
    type Target = Passphrase;

    fn deref(&self) -> &Passphrase {
        &self.0
    }
}

/// Why a passphrase is refused. Says nothing about its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PassphraseError {
    /// Too short or too long.
    #[error("passphrase of {found} bytes, expected {least} to {most}")]
    Length {
        /// Fewest bytes.
        least: usize,
        /// Most bytes.
        most: usize,
        /// Bytes there are.
        found: usize,
    },
    /// A byte no keyboard layout agrees on.
    #[error("character {position} of the passphrase is not printable ASCII (space to ~)")]
    NotPrintable {
        /// Counted from 1, in bytes.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_passphrases_have_20_to_255_printable_characters() {
        #[track_caller]
        fn check(bytes: &[u8], want: Result<(), PassphraseError>) {
            assert_eq!(SealingPassphrase::new(SecretBytes::copied_from(bytes)).map(drop), want);
        }
        let length = |found| Err(PassphraseError::Length { least: 20, most: 255, found });
        check(&[b'a'; 19], length(19));
        check(&[b'a'; 20], Ok(()));
        check(&[b'~'; 255], Ok(()));
        check(&[b' '; 256], length(256));
        check("nineteen characters \u{fc}".as_bytes(), Err(PassphraseError::NotPrintable { position: 21 }));
        check(b"a line end at the end\n", Err(PassphraseError::NotPrintable { position: 22 }));
    }

    #[test]
    fn passphrases_for_opening_have_1_to_255_bytes() {
        for (len, ok) in [(0, false), (1, true), (255, true), (256, false)] {
            assert_eq!(Passphrase::new(SecretBytes::copied_from(&vec![0xff; len])).is_ok(), ok, "{len}");
        }
    }
}
