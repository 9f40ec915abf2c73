//! Labels and identifiers of objects.

use core::fmt;

use super::Pkcs15Error;
use crate::{
    text::{Foreign, Hex, is_plain},
    tlv::Tlv,
};

/// The name that people use for an object or a token: CKA_LABEL.
///
/// Shape: 1 to 254 bytes of UTF-8. Shown with everything escaped that could act on a screen.
/// Source: OpenSC keeps labels in 255 bytes with a terminator.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// Most bytes.
    pub const LEN_MAX: usize = 254;

    /// A label to be written: every character must show as itself, so that the words read aloud are the words that are
    /// there.
    ///
    /// Errors: [`Pkcs15Error::LabelLength`], [`Pkcs15Error::LabelCharacter`].
    pub fn new(text: &str) -> Result<Self, Pkcs15Error> {
        match text.chars().find(|character| !is_plain(*character)) {
            Some(found) => Err(Pkcs15Error::LabelCharacter { found }),
            None => Self::read(text.as_bytes()),
        }
    }

    /// The label in an element, if there is one and it is not empty.
    pub(super) fn of(element: Option<Tlv<'_>>) -> Result<Option<Self>, Pkcs15Error> {
        element.filter(|element| !element.value.is_empty()).map(|element| Self::read(element.value)).transpose()
    }

    /// A label as it is on a token. Bytes that are no UTF-8 become U+FFFD.
    fn read(bytes: &[u8]) -> Result<Self, Pkcs15Error> {
        let text = String::from_utf8_lossy(bytes);
        if !(1..=Self::LEN_MAX).contains(&text.len()) {
            return Err(Pkcs15Error::LabelLength { found: text.len() });
        }
        Ok(Self(text.into_owned()))
    }

    /// The characters as they are: for comparison and for the token, never for a screen.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Foreign(&self.0).fmt(f)
    }
}

/// CKA_ID: it ties a key to its certificate.
///
/// Shape: 1 to 255 bytes, shown in hex as `pkcs11-tool --id` takes it.
/// Source: OpenSC `SC_PKCS15_MAX_ID_SIZE`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CkaId(Vec<u8>);

impl CkaId {
    /// Most bytes.
    pub const LEN_MAX: usize = 255;

    /// An identifier of these bytes.
    ///
    /// Errors: [`Pkcs15Error::IdLength`].
    pub fn new(bytes: &[u8]) -> Result<Self, Pkcs15Error> {
        if !(1..=Self::LEN_MAX).contains(&bytes.len()) {
            return Err(Pkcs15Error::IdLength { found: bytes.len() });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for CkaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_1_to_254_bytes() {
        for (len, ok) in [(0, false), (1, true), (254, true), (255, false)] {
            let want = if ok { Ok(()) } else { Err(Pkcs15Error::LabelLength { found: len }) };
            assert_eq!(Label::new(&"a".repeat(len)).map(drop), want);
            assert_eq!(Label::read(&vec![b'a'; len]).map(drop), want);
        }
        // The escape of a byte is longer than the byte.
        assert_eq!(Label::read(&[0xff; 85]), Err(Pkcs15Error::LabelLength { found: 255 }));
    }

    #[test]
    fn a_label_that_would_be_escaped_is_not_written() {
        assert_eq!(Label::new("Zürich 'root' №1").unwrap().as_str(), "Zürich 'root' №1");
        for found in ['\u{1b}', '\n', '\u{202e}', '\u{200b}', '\u{301}', '\u{a0}'] {
            assert_eq!(Label::new(&format!("key{found}")), Err(Pkcs15Error::LabelCharacter { found }));
        }
        let error = Label::new("a\u{1b}[2J").unwrap_err().to_string();
        assert_eq!(error, "label with the character U+001B, expected only characters that show as themselves");
    }

    #[test]
    fn a_label_on_a_token_is_read_as_it_is_and_shown_escaped() {
        #[track_caller]
        fn check(bytes: &[u8], want: &str) {
            assert_eq!(Label::read(bytes).unwrap().to_string(), want);
        }
        check(b"\x1b]0;owned\x07key", r"\u{1b}]0;owned\u{7}key");
        check("a\u{202e}b".as_bytes(), r"a\u{202e}b");
        check(b"Z\xfcrich", "Z\u{fffd}rich");
        assert_eq!(format!("{:<5}|", Label::read(b"ab").unwrap()), "ab   |");
    }

    #[test]
    fn an_id_has_1_to_255_bytes() {
        for (len, ok) in [(0, false), (1, true), (255, true), (256, false)] {
            let want = if ok { Ok(()) } else { Err(Pkcs15Error::IdLength { found: len }) };
            assert_eq!(CkaId::new(&vec![1; len]).map(drop), want);
        }
        assert_eq!(CkaId::new(&[0x10, 0xaf]).unwrap().to_string(), "10AF");
    }
}
