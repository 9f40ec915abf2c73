//! PGP words: bytes as words that can be read aloud.
//!
//! Source: Juola and Zimmermann, PGPfone owner's manual, appendix "PGP word list". Bytes at even positions (from 0) use
//! the list of two-syllable words, those at odd positions the three-syllable one, so a word left out, doubled or
//! swapped with its neighbour shows.

/// Line n holds the two words of byte n: two syllables, then three.
const LISTS: &str = include_str!("pgp-words.txt");

/// The word for `byte` at position `at` of a string of bytes.
fn word(byte: u8, at: usize) -> &'static str {
    LISTS.split_ascii_whitespace().nth(usize::from(byte) * 2 + at % 2).unwrap_or_default()
}

/// Words of both lists together.
pub const WORDS: u16 = 512;

/// The words of both lists together; passphrases are made of them. All differ, whatever their case.
pub fn every_word() -> impl Iterator<Item = &'static str> {
    LISTS.split_ascii_whitespace()
}

/// One word of both lists together, from 0 to [`WORDS`].
pub fn any_word(index: u16) -> Option<&'static str> {
    every_word().nth(index.into())
}

/// The words of `bytes`, separated by single spaces.
pub(crate) fn words(bytes: &[u8]) -> String {
    let words: Vec<_> = bytes.iter().enumerate().map(|(at, byte)| word(*byte, at)).collect();
    words.join(" ")
}

/// The value of a word at its position.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The byte it stands for.
    Byte(u8),
    /// It belongs to the other list: a word is missing, doubled or out of order.
    OtherList,
    /// It is in neither list.
    Unknown,
}

/// Looks `typed` up for position `at`, whatever its case.
pub(crate) fn find(typed: &str, at: usize) -> Found {
    // A position in the lists counts both words of each byte.
    match LISTS.split_ascii_whitespace().position(|word| word.eq_ignore_ascii_case(typed)) {
        Some(position) if position % 2 != at % 2 => Found::OtherList,
        Some(position) => u8::try_from(position / 2).map_or(Found::Unknown, Found::Byte),
        None => Found::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn both_lists_hold_256_words_and_no_word_stands_twice() {
        assert_eq!(LISTS.lines().count(), 256);
        assert!(LISTS.lines().all(|line| line.split(' ').count() == 2));
        let words: BTreeSet<_> = LISTS.split_ascii_whitespace().map(str::to_ascii_lowercase).collect();
        assert_eq!(words.len(), WORDS.into());
        assert!(any_word(WORDS - 1).is_some() && any_word(WORDS).is_none());
    }

    #[test]
    fn both_lists_are_in_alphabetical_order_but_for_the_one_published_exception() {
        let descents = |list| {
            let words: Vec<_> = LISTS.lines().filter_map(|line| line.split(' ').nth(list)).collect();
            let pairs = words.windows(2).map(|pair| (pair[0], pair[1]));
            pairs.filter(|(a, b)| a.to_ascii_lowercase() > b.to_ascii_lowercase()).collect::<Vec<_>>()
        };
        assert_eq!(descents(0), []);
        assert_eq!(descents(1), [("applicant", "Apollo")]);
    }

    #[test]
    fn no_word_can_be_taken_for_hex() {
        assert!(LISTS.split_ascii_whitespace().all(|word| word.bytes().any(|byte| !byte.is_ascii_hexdigit())));
    }

    #[test]
    fn every_byte_is_found_again_by_its_word_in_any_case_and_only_at_its_parity() {
        for byte in 0..=255 {
            for at in 0..2 {
                let word = word(byte, at);
                assert_eq!(find(word, at), Found::Byte(byte));
                assert_eq!(find(&word.to_ascii_uppercase(), at + 2), Found::Byte(byte));
                assert_eq!(find(word, at + 1), Found::OtherList);
                assert_eq!(find(&format!("{word}s"), at), Found::Unknown);
            }
        }
    }

    #[test]
    fn published_examples_read_as_published() {
        // Fingerprints that articles about the list and other implementations give as examples.
        for (bytes, expected) in [
            (
                "e58294f2e9a227486e8b061b31cc528fd7fa3f19",
                "topmost Istanbul Pluto vagabond treadmill Pacific brackish dictator goldfish Medusa afflict bravado \
                 chatter revolver Dupont midsummer stopwatch whimsical cowbell bottomless",
            ),
            (
                "d1d464c004f00fb5c9a4c8d8e433e7fb7ff56256",
                "stairway souvenir flytrap recipe adrift upcoming artist positive spearhead Pandora spaniel stupendous \
                 tonic concurrent transit Wichita lockup visitor flagpole escapade",
            ),
        ] {
            let bytes: Vec<_> =
                (0..bytes.len()).step_by(2).map(|at| u8::from_str_radix(&bytes[at..at + 2], 16).unwrap()).collect();
            assert_eq!(words(&bytes), expected);
        }
    }
}
