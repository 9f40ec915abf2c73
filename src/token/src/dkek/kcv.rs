//! Key check value: a DKEK compared without being seen.

use core::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::Dkek;

/// Key check value of a DKEK: lets two parties compare keys without seeing them.
///
/// Shape: 8 bytes, the first 8 of SHA-256 over the 32-byte DKEK. Shown as 16 hex digits in groups of four.
/// Source: layout, OpenSC `card-sc-hsm.c`; value, `sc-hsm-tool` and pico-hsm v4.2 on the shares of the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kcv([u8; 8]);

/// Why a KCV is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KcvError {
    /// All bytes are zero: a token without a complete DKEK answers this. It is never the KCV of a DKEK.
    #[error("KCV 0000 0000 0000 0000: the token holds no complete DKEK")]
    Zero,
}

impl Kcv {
    /// Bytes of a KCV.
    pub const LEN: usize = 8;

    pub(super) fn of(dkek: &Dkek) -> Self {
        let mut digest = Zeroizing::new([0; 32]);
        Sha256::new().chain_update(dkek.expose()).finalize_into((&mut *digest).into());
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        Self([a, b, c, d, e, f, g, h])
    }

    /// The KCV a token or a file states.
    ///
    /// Errors: [`KcvError::Zero`], so that "no DKEK" can never compare equal to "no DKEK".
    pub fn stated(bytes: [u8; Self::LEN]) -> Result<Self, KcvError> {
        if bytes == [0; Self::LEN] { Err(KcvError::Zero) } else { Ok(Self(bytes)) }
    }

    /// The bytes as they stand in replies and blobs.
    pub fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Display for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f_, g, h] = self.0;
        write!(f, "{a:02x}{b:02x} {c:02x}{d:02x} {e:02x}{f_:02x} {g:02x}{h:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kcv_of_zeros_is_refused() {
        assert_eq!(Kcv::stated([0; 8]), Err(KcvError::Zero));
        let stated = Kcv::stated([0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
        assert_eq!(stated.to_string(), "0000 0000 0000 0001");
    }
}
