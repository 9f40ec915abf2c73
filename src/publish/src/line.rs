//! Text that stands on one line of ASCII and reads the same everywhere.

use core::fmt;

use thiserror::Error;

/// Printable ASCII without a space at either end or two in a row, so that a copy on paper reproduces it exactly.
///
/// Shape: 1 to [`Self::LEN_MAX`] bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line(String);

impl Line {
    /// Most bytes of a line.
    pub const LEN_MAX: usize = 64;

    /// Checks `text`.
    pub fn new(text: &str) -> Result<Self, LineError> {
        if text.is_empty() || text.len() > Self::LEN_MAX {
            return Err(LineError::Length { found: text.len() });
        }
        if let Some(found) = text.chars().find(|c| !matches!(c, ' '..='~')) {
            return Err(LineError::Character { found });
        }
        if text.starts_with(' ') || text.ends_with(' ') || text.contains("  ") {
            return Err(LineError::Spaces);
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// Empty or too long.
    #[error("{found} bytes, expected 1 to {}", Line::LEN_MAX)]
    Length {
        /// Bytes there are.
        found: usize,
    },
    /// A control character or one outside ASCII.
    #[error("contains {found:?}, expected printable ASCII")]
    Character {
        /// The first character of this kind.
        found: char,
    },
    /// A space that paper does not show.
    #[error("expected no space at the beginning or end and no two in a row")]
    Spaces,
}

/// Outside bytes as an error quotes them: at most 60 characters, bytes that are no text as U+FFFD.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_ascii_of_1_to_64_bytes_is_a_line() {
        for text in ["x", "SAFIRE metadata signing 2026", "~!", &"x".repeat(64)] {
            assert_eq!(Line::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn what_paper_or_a_terminal_could_change_is_refused() {
        for (text, error) in [
            ("", LineError::Length { found: 0 }),
            (&"x".repeat(65), LineError::Length { found: 65 }),
            ("a\nb", LineError::Character { found: '\n' }),
            ("a\tb", LineError::Character { found: '\t' }),
            ("\u{1b}[2J", LineError::Character { found: '\u{1b}' }),
            ("\u{7f}", LineError::Character { found: '\u{7f}' }),
            ("Zürich", LineError::Character { found: 'ü' }),
            (" a", LineError::Spaces),
            ("a ", LineError::Spaces),
            ("a  b", LineError::Spaces),
        ] {
            assert_eq!(Line::new(text), Err(error), "{text:?}");
        }
    }
}
