//! Public values of a transcript: bytes of known size, bounded bytes, bounded text.
//!
//! An entry holds nothing that could be a secret by mistake: no `String`, no `Vec<u8>`, no PIN type; only these, each
//! made where somebody decided that the value is public.

use core::fmt;

use conclave_publish::Digest;
use serde::{Deserialize, Serialize, de};
use thiserror::Error;

use crate::alike::shows_nothing;

/// Bytes of a known size: digests, nonces, check values, serial numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Octets<const N: usize>(#[serde(with = "serde_bytes")] pub [u8; N]);

impl<const N: usize> fmt::Display for Octets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Debug for Octets<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for Octets<32> {
    fn from(digest: Digest) -> Self {
        Self(*digest.bytes())
    }
}

impl From<Octets<32>> for Digest {
    fn from(octets: Octets<32>) -> Self {
        Self::new(octets.0)
    }
}

/// Public bytes of varying size: certificates, attestations, signatures, statements.
///
/// Shape: at most [`Self::LEN_MAX`] bytes; a decoder refuses more.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Bytes(#[serde(with = "serde_bytes")] Vec<u8>);

impl Bytes {
    /// Most bytes of one value: an RSA-4096 attestation with its certificate has room to spare.
    pub const LEN_MAX: usize = 8_192;

    /// Takes public bytes; `None` if there are too many.
    pub fn new(bytes: Vec<u8>) -> Option<Self> {
        (bytes.len() <= Self::LEN_MAX).then_some(Self(bytes))
    }

    /// The bytes.
    pub fn get(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes, SHA-256 {}", self.0.len(), Digest::of(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = serde_bytes::deserialize(from)?;
        let len = bytes.len();
        Self::new(bytes).ok_or_else(|| de::Error::invalid_length(len, &"at most 8192 bytes"))
    }
}

/// A line of public text: a label, a serial, words of a person about the ceremony.
///
/// Shape: 1 to [`Self::LEN_MAX`] bytes of UTF-8, nothing that [`shows_nothing`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Text(String);

/// A text that cannot stand in a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Empty or too long.
    #[error("expected 1 to {} bytes of text, found {found}", Text::LEN_MAX)]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A character that [`shows_nothing`]: a control, or one that is not drawn.
    #[error("U+{:04X} at byte {at} cannot be written down: leave it out", *.found as u32)]
    Character {
        /// Where.
        at: usize,
        /// Which.
        found: char,
    },
}

impl Text {
    /// Most bytes.
    pub const LEN_MAX: usize = 400;

    /// Checks a text.
    pub fn new(text: &str) -> Result<Self, TextError> {
        if text.is_empty() || text.len() > Self::LEN_MAX {
            return Err(TextError::Length { found: text.len() });
        }
        match text.char_indices().find(|(_, c)| shows_nothing(*c)) {
            Some((at, found)) => Err(TextError::Character { at, found }),
            None => Ok(Self(text.to_owned())),
        }
    }

    /// Words of this program or of a device, made fit: what cannot be written down is left out, the rest cut to size.
    pub fn fitted(words: &str) -> Self {
        let mut text = String::new();
        for c in words.chars().filter(|c| !shows_nothing(*c)) {
            if text.len() + c.len_utf8() > Self::LEN_MAX {
                break;
            }
            text.push(c);
        }
        if text.is_empty() { Self("(nothing)".into()) } else { Self(text) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: de::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}
