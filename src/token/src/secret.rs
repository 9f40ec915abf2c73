//! Secrets as types: boxed so that a move leaves no copy, wiped on drop, never printed, never cloned.
//!
//! A value is filled in place and read through [`Secret::expose`] or [`SecretBytes::expose`]; each call site is a
//! place to review.

use core::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A secret of fixed length.
///
/// Secret: lives as long as its owner holds it; wiped on drop. There is no `Clone`, `Deref` or `Display`, and `Debug`
/// prints the length only.
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// A secret written in place by `fill`, so that no copy of it passes over the stack.
    pub fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }

    /// A copy of `bytes`, which stay with the caller to wipe. `None` unless there are exactly `N`.
    pub fn copied_from(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == N).then(|| Self::filled(|secret| secret.copy_from_slice(bytes)))
    }

    /// The bytes themselves. The caller must not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>(..)")
    }
}

/// Equal in time that does not depend on the bytes.
impl<const N: usize> PartialEq for Secret<N> {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl<const N: usize> Eq for Secret<N> {}

/// A secret of variable length: PINs, passphrases, wrapped payloads in clear.
///
/// Secret: as [`Secret`]; `Debug` does not even print the length.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over a buffer that already wipes itself.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// A copy of `bytes`, which stay with the caller to wipe.
    pub fn copied_from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes themselves. The caller must not copy them into anything that is not wiped.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// Equal in time that depends on the lengths only.
impl PartialEq for SecretBytes {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for SecretBytes {}

/// Appends `bytes` to a buffer that wipes itself; when it has to grow, the old bytes are wiped as well, which a plain
/// `Vec` would leave behind.
pub fn append(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    let len = buffer.len() + bytes.len();
    if len > buffer.capacity() {
        let mut grown = Zeroizing::new(Vec::with_capacity(len.next_power_of_two()));
        grown.extend_from_slice(buffer);
        *buffer = grown;
    }
    buffer.extend_from_slice(bytes);
}

/// A user PIN: 6 to 16 bytes, sent to the token as they are.
///
/// Source: INITIALIZE DEVICE tag 81 and VERIFY accept 6 to 16 bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct Pin(SecretBytes);

impl Pin {
    /// Fewest bytes the applet accepts.
    pub const LEN_MIN: usize = 6;
    /// Most bytes the applet accepts.
    pub const LEN_MAX: usize = 16;

    /// A PIN the applet can hold. `None` if the length is outside 6 to 16; the bytes are wiped either way.
    pub fn new(bytes: SecretBytes) -> Option<Self> {
        (Self::LEN_MIN..=Self::LEN_MAX).contains(&bytes.expose().len()).then_some(Self(bytes))
    }

    /// The PIN's bytes, for the APDU that carries it.
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }
}

/// A security-officer PIN: exactly 8 bytes, usually written as 16 hex digits.
pub type SoPin = Secret<8>;

/// The SO-PIN every factory-new token has, in public documents of the vendor: `3537363231383830`.
pub const SO_PIN_PUBLISHED: [u8; 8] = *b"57621880";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_prints_the_bytes() {
        let pin = Pin::new(SecretBytes::copied_from(b"648219")).unwrap();
        assert_eq!(format!("{pin:?}"), "Pin(SecretBytes(..))");
        assert_eq!(format!("{:?}", Secret::<2>::filled(|s| *s = [7, 8])), "Secret<2>(..)");
    }

    #[test]
    fn an_appended_buffer_keeps_every_byte_and_grows_in_steps() {
        let mut buffer = Zeroizing::new(Vec::new());
        for (chunk, capacity) in [(&b"abc"[..], 4), (b"", 4), (b"defgh", 8), (b"i", 16)] {
            append(&mut buffer, chunk);
            assert_eq!(buffer.capacity(), capacity);
        }
        assert_eq!(buffer.as_slice(), b"abcdefghi");
    }

    #[test]
    fn a_pin_has_6_to_16_bytes() {
        for (len, ok) in [(0, false), (5, false), (6, true), (16, true), (17, false)] {
            assert_eq!(Pin::new(SecretBytes::copied_from(&vec![b'1'; len])).is_some(), ok, "{len}");
        }
    }

    #[test]
    fn equality_sees_every_byte_and_the_length() {
        assert_eq!(Secret::<3>::copied_from(b"abc"), Secret::<3>::copied_from(b"abc"));
        assert_ne!(Secret::<3>::copied_from(b"abc"), Secret::<3>::copied_from(b"abd"));
        assert_eq!(Secret::<3>::copied_from(b"ab"), None);
        assert_ne!(SecretBytes::copied_from(b"ab"), SecretBytes::copied_from(b"abc"));
    }
}
