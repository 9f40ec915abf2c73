//! A SHA-256 digest as people read, say and type it.
//!
//! Source: FIPS 180-4; the grouping is this project's own, the words are those of [`crate::words`].

use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::typed::{TypedError, compare_typed, decode_typed};
use crate::words::words;

/// A SHA-256 digest: of a medium, a plan, a key, a file, a transcript.
///
/// Shape: 32 bytes. [`fmt::Display`] gives 64 lower-case hex digits, as `sha256sum` prints them.
///
/// Source: FIPS 180-4; the words, Juola and Zimmermann's PGP word list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; Self::LEN]);

impl Digest {
    /// Bytes of a digest.
    pub const LEN: usize = 32;

    /// A digest computed elsewhere.
    pub const fn new(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// The digest of `data`.
    pub fn of(data: &[u8]) -> Self {
        Self(Sha256::digest(data).into())
    }

    /// The digest itself.
    pub const fn bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// The sixteen groups of four hex digits a digest is shown and challenged in, first to last.
    pub fn groups(&self) -> [Group; 16] {
        let (groups, _) = self.0.as_chunks();
        core::array::from_fn(|at| Group(groups.get(at).copied().unwrap_or_default()))
    }

    /// The thirty-two PGP words, separated by single spaces.
    pub fn words(&self) -> String {
        words(&self.0)
    }

    /// Compares with the whole digest as a person typed it, in hex or in PGP words; see [`decode_typed`].
    ///
    /// Errors: the typed text is neither, is incomplete, or differs.
    pub fn compare(&self, typed: &str) -> Result<(), TypedError> {
        compare_typed(typed, &self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads a digest as people write it, in hex or in PGP words.
impl FromStr for Digest {
    type Err = TypedError;

    fn from_str(typed: &str) -> Result<Self, TypedError> {
        let bytes = decode_typed(typed)?;
        let found = bytes.len();
        bytes.try_into().map(Self).map_err(|_| TypedError::Length { expected: Self::LEN, found })
    }
}

/// One of the sixteen groups of a digest.
///
/// Shape: 2 bytes. [`fmt::Display`] gives four lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Group([u8; 2]);

impl Group {
    /// The two PGP words of this group, first from the two-syllable list.
    pub fn words(&self) -> String {
        words(&self.0)
    }

    /// Compares with this group as a person typed it: four hex digits, or its two PGP words.
    ///
    /// Errors: the typed text is neither, is incomplete, or differs. They do not tell the right value, because a
    /// challenge may still be open.
    pub fn compare(&self, typed: &str) -> Result<(), TypedError> {
        compare_typed(typed, &self.0)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{first:02x}{second:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-4 example: SHA-256 of "abc".
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_digest_is_shown_whole_in_sixteen_groups_of_four_hex_digits() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.to_string(), ABC);
        assert_eq!(digest.groups().map(|group| group.to_string()).concat(), ABC);
        assert_eq!(digest.groups()[15].to_string(), "15ad");
    }

    #[test]
    fn the_words_of_the_groups_are_the_words_of_the_digest() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.groups().map(|group| group.words()).join(" "), digest.words());
        assert_eq!(digest.words().split(' ').count(), 32);
    }

    #[test]
    fn a_digest_is_read_back_from_what_it_shows() {
        let digest = Digest::of(b"abc");
        assert_eq!(ABC.parse(), Ok(digest));
        assert_eq!(digest.words().parse(), Ok(digest));
        assert_eq!(digest.groups().map(|group| group.to_string()).join("  ").parse(), Ok(digest));
        assert_eq!(ABC[..62].parse::<Digest>(), Err(TypedError::Length { expected: 32, found: 31 }));
        assert_eq!(format!("{ABC}00").parse::<Digest>(), Err(TypedError::Length { expected: 32, found: 33 }));
    }

    #[test]
    fn a_digest_differing_in_one_bit_is_refused() {
        let digest = Digest::of(b"abc");
        assert_eq!(digest.compare(ABC), Ok(()));
        assert_eq!(digest.compare(&ABC.replace("ba78", "ba79")), Err(TypedError::Different { group: 1 }));
        assert_eq!(digest.compare(&ABC.replace("15ad", "15ac")), Err(TypedError::Different { group: 16 }));
    }
}
