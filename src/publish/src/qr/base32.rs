//! Base32: bytes in characters that a QR symbol packs densely and that survive being copied as text.
//!
//! Source: RFC 4648 §6, without padding; only the one spelling is read.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Characters for that many bytes.
pub(super) const fn encoded_len(bytes: usize) -> usize {
    (8 * bytes).div_ceil(5)
}

/// Bytes that fit into that many characters.
pub(super) const fn decoded_len(characters: usize) -> usize {
    5 * characters / 8
}

pub(super) fn encode(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 == 1);
    let character = |at: usize| {
        let value = (5 * at..5 * at + 5).fold(0, |value, at| value << 1 | usize::from(bit(at)));
        ALPHABET.get(value).map_or('A', |character| char::from(*character))
    };
    (0..encoded_len(bytes.len())).map(character).collect()
}

/// `None` for another character, for a length that no bytes have, or for a bit that is set in the filling of the last
/// character.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let values = text.bytes().map(|character| ALPHABET.iter().position(|known| *known == character));
    let values = values.collect::<Option<Vec<_>>>()?;
    let bit = |at: usize| values.get(at / 5).is_some_and(|value| value >> (4 - at % 5) & 1 == 1);
    let byte = |at: usize| (8 * at..8 * at + 8).fold(0, |byte, at| byte << 1 | u8::from(bit(at)));
    let bytes: Vec<_> = (0..decoded_len(text.len())).map(byte).collect();
    (encode(&bytes) == text).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_come_out_without_their_padding() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
            assert_eq!(encoded_len(bytes.len()), text.len());
            assert_eq!(decoded_len(text.len()), bytes.len());
        }
    }

    #[test]
    fn another_spelling_is_refused() {
        // Small letters, padding, digits outside the alphabet, a length no bytes have, bits set beyond the last byte.
        for text in ["my", "MY======", "M1", "M0", "M8", "M", "MYA", "MZ", "MZXR", "MY\n", "ＭＹ"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
