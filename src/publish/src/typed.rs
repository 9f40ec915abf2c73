//! The answer that a person types when asked for a digest: case and spacing are forgiven, and nothing else.

use thiserror::Error;

use crate::words::{Found, find};

/// Most bytes one answer may stand for: a SHA-512 digest.
const BYTES_MAX: usize = 64;

/// Faults of a typed digest or group. No variant tells the right value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TypedError {
    /// A character that no digest is written with.
    #[error("character {at} is {found:?}: expected hex digits 0 to 9 and a to f, or PGP words")]
    Character {
        /// Its place, counted from 1 without spaces.
        at: usize,
        /// The character.
        found: char,
    },
    /// A hex digit without its partner.
    #[error("{found} hex digits: expected an even number; one is missing or one too many")]
    OddDigits {
        /// How many were typed.
        found: usize,
    },
    /// A word that is in neither list.
    #[error("word {at} is {found:?}, which is not a PGP word: check its spelling")]
    Word {
        /// Its place, counted from 1.
        at: usize,
        /// The word, cut at 20 characters.
        found: String,
    },
    /// A word of the list for the other position.
    #[error("word {at} cannot stand there: a word before it is missing, doubled or out of order")]
    WordOrder {
        /// Its place, counted from 1.
        at: usize,
    },
    /// Another number of bytes than asked for.
    #[error("{found} bytes typed, expected {expected} (a byte is two hex digits or one word)")]
    Length {
        /// Bytes asked for.
        expected: usize,
        /// Bytes typed.
        found: usize,
    },
    /// More bytes than any digest has.
    #[error("more than {BYTES_MAX} bytes typed: expected one digest (a byte is two hex digits or one word)")]
    TooLong,
    /// Complete, and another value.
    #[error("group {group} differs: this is not the digest it is compared with")]
    Different {
        /// The first group that differs, counted from 1 within the typed text.
        group: usize,
    },
}

/// Reads hex digits or PGP words, as a person types them.
///
/// Case does not matter. Hex digits may be spaced in any way; words are separated by one or more spaces. Spaces are
/// ASCII ones, tabs and line ends included.
///
/// Errors: anything else, and more than 64 bytes.
pub fn decode_typed(typed: &str) -> Result<Vec<u8>, TypedError> {
    // No PGP word consists of hex digits alone, so one letter beyond f decides.
    let is_words = typed.bytes().any(|byte| matches!(byte, b'g'..=b'z' | b'G'..=b'Z'));
    let bytes = if is_words { decode_words(typed)? } else { decode_hex(typed)? };
    if bytes.len() > BYTES_MAX { Err(TypedError::TooLong) } else { Ok(bytes) }
}

/// Compares the typed text with the `expected` bytes.
pub(crate) fn compare_typed(typed: &str, expected: &[u8]) -> Result<(), TypedError> {
    let bytes = decode_typed(typed)?;
    if bytes.len() != expected.len() {
        return Err(TypedError::Length { expected: expected.len(), found: bytes.len() });
    }
    match bytes.iter().zip(expected).position(|(typed, expected)| typed != expected) {
        Some(at) => Err(TypedError::Different { group: at / 2 + 1 }),
        None => Ok(()),
    }
}

fn decode_words(typed: &str) -> Result<Vec<u8>, TypedError> {
    let words = typed.split_ascii_whitespace().take(BYTES_MAX + 1).enumerate();
    words
        .map(|(at, word)| match find(word, at) {
            Found::Byte(byte) => Ok(byte),
            Found::OtherList => Err(TypedError::WordOrder { at: at + 1 }),
            Found::Unknown => Err(TypedError::Word { at: at + 1, found: word.chars().take(20).collect() }),
        })
        .collect()
}

fn decode_hex(typed: &str) -> Result<Vec<u8>, TypedError> {
    let mut bytes = Vec::new();
    let mut high = None;
    let digits = typed.chars().filter(|typed| !typed.is_ascii_whitespace());
    for (at, typed) in digits.take(2 * (BYTES_MAX + 1)).enumerate() {
        let Some(digit) = typed.to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            return Err(TypedError::Character { at: at + 1, found: typed });
        };
        high = match high {
            None => Some(digit << 4),
            Some(high) => {
                bytes.push(high | digit);
                None
            }
        };
    }
    if high.is_some() {
        return Err(TypedError::OddDigits { found: bytes.len() * 2 + 1 });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(typed: &str, expected: Result<&[u8], TypedError>) {
        assert_eq!(decode_typed(typed), expected.map(<[u8]>::to_vec), "{typed:?}");
    }

    #[test]
    fn case_and_spacing_do_not_matter() {
        for typed in ["e58294f2", "E582 94F2", " e5 82\t9 4f2\n", "e582  94f2"] {
            check(typed, Ok(&[0xE5, 0x82, 0x94, 0xF2]));
        }
        for typed in ["topmost Istanbul Pluto vagabond", "TOPMOST  istanbul\tpluto\nVagabond "] {
            check(typed, Ok(&[0xE5, 0x82, 0x94, 0xF2]));
        }
        check("", Ok(&[]));
    }

    #[test]
    fn nothing_else_is_forgiven() {
        let character = |at, found| Err(TypedError::Character { at, found });
        let word = |at, found: &str| Err(TypedError::Word { at, found: found.to_owned() });
        // Separators people use elsewhere.
        check("e5:82", character(3, ':'));
        check("e5-82", character(3, '-'));
        check("0_1", character(2, '_'));
        // Full-width digits, a no-break space, a letter that looks like a digit.
        check("e5８2", character(3, '８'));
        check("e5\u{a0}82", character(3, '\u{a0}'));
        check("e5О2", character(3, 'О'));
        check("l5", word(1, "l5"));
        check("O5", word(1, "O5"));
        check("0xe5", word(1, "0xe5"));
        check("e58", Err(TypedError::OddDigits { found: 3 }));
        check("topmostIstanbul", word(1, "topmostIstanbul"));
        check("topmost, Istanbul", word(1, "topmost,"));
        check("topmost Istanbull", word(2, "Istanbull"));
        check("top most", word(1, "top"));
        check("e5 Istanbul", word(1, "e5"));
    }

    #[test]
    fn a_missing_doubled_or_swapped_word_is_noticed() {
        check("topmost Pluto vagabond", Err(TypedError::WordOrder { at: 2 }));
        check("topmost topmost", Err(TypedError::WordOrder { at: 2 }));
        check("Istanbul topmost", Err(TypedError::WordOrder { at: 1 }));
    }

    #[test]
    fn an_endless_answer_is_refused() {
        check(&"00".repeat(BYTES_MAX), Ok(&[0; BYTES_MAX]));
        check(&"00".repeat(BYTES_MAX + 1), Err(TypedError::TooLong));
        check(&"0".repeat(1_000_001), Err(TypedError::TooLong));
        check(&"topmost Istanbul ".repeat(100_000), Err(TypedError::TooLong));
        let endless = "z".repeat(1_000_000);
        check(&endless, Err(TypedError::Word { at: 1, found: "z".repeat(20) }));
    }

    #[test]
    fn comparison_is_of_length_and_of_every_byte() {
        let expected = [1, 2, 3, 4];
        assert_eq!(compare_typed("01020304", &expected), Ok(()));
        assert_eq!(compare_typed("010203", &expected), Err(TypedError::Length { expected: 4, found: 3 }));
        assert_eq!(compare_typed("0102030405", &expected), Err(TypedError::Length { expected: 4, found: 5 }));
        assert_eq!(compare_typed("", &expected), Err(TypedError::Length { expected: 4, found: 0 }));
        assert_eq!(compare_typed("01020305", &expected), Err(TypedError::Different { group: 2 }));
    }
}
