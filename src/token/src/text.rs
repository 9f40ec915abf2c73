//! Text of other authors, shown so that it cannot speak for this program.
//!
//! A label, a USB string or a wrong identifier may hold escape sequences that move the cursor, or bidirectional
//! controls that turn the rest of the line around.

use core::fmt::{self, Write as _};

/// A foreign string, safe to print: control characters, bidirectional and invisible characters, unusual spaces and
/// combining marks are shown as `\u{..}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Foreign<'a>(pub &'a str);

impl fmt::Display for Foreign<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::with_capacity(self.0.len());
        for character in self.0.chars() {
            match character {
                '\'' | '"' => shown.push(character),
                other => write!(shown, "{}", other.escape_debug())?,
            }
        }
        f.pad(&shown)
    }
}

/// Whether [`Foreign`] shows this character as itself. The backslash is doubled there, but hides nothing.
pub fn is_plain(character: char) -> bool {
    matches!(character, '\'' | '"' | '\\') || character.escape_debug().count() == 1
}

/// Bytes in upper-case hex without separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_speak_for_this_program_is_escaped() {
        #[track_caller]
        fn check(text: &str, want: &str) {
            assert_eq!(Foreign(text).to_string(), want);
        }
        check("Schlüssel 'a' \"b\" 鍵", "Schlüssel 'a' \"b\" 鍵");
        check("\u{1b}[2J\u{7}\r\n", r"\u{1b}[2J\u{7}\r\n");
        check("key\u{202e}gpj", r"key\u{202e}gpj");
        check("\u{2066}a\u{2069}\u{200f}", r"\u{2066}a\u{2069}\u{200f}");
        check("\u{9b}31m", r"\u{9b}31m");
        check("a\u{200b}b\u{feff}\u{ad}", r"a\u{200b}b\u{feff}\u{ad}");
        check("a\u{a0}b\u{3000}\u{2028}", r"a\u{a0}b\u{3000}\u{2028}");
        check("e\u{301}", r"e\u{301}");
        check(r"\u{1b}", r"\\u{1b}");
        assert_eq!(format!("[{:<6}]", Foreign("ab")), "[ab    ]");
    }

    #[test]
    fn plain_characters_are_those_shown_as_themselves() {
        for (character, plain) in [('a', true), (' ', true), ('"', true), ('\\', true), ('é', true), ('\n', false)] {
            assert_eq!(is_plain(character), plain, "{character:?}");
        }
        for character in ['\u{202e}', '\u{1b}', '\u{301}', '\u{a0}', '\u{200b}', '\u{e000}'] {
            assert!(!is_plain(character), "{character:?}");
        }
    }
}
