//! A line that may be seen while it is typed. It is wiped all the same: people type secrets where none are asked for.

use core::fmt;

use zeroize::Zeroizing;

use crate::key::Key;

/// A line of typed text.
///
/// Secret: wiped when it closes; `Debug` does not print it.
#[derive(PartialEq, Eq)]
pub struct Field {
    text: Zeroizing<String>,
}

impl Default for Field {
    fn default() -> Self {
        // All it can ever need, so that growing leaves no copy behind.
        Self { text: Zeroizing::new(String::with_capacity(Self::LEN_MAX * char::MAX.len_utf8())) }
    }
}

impl Clone for Field {
    fn clone(&self) -> Self {
        let mut field = Self::default();
        field.text.push_str(&self.text);
        field
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Field(..)")
    }
}

impl Field {
    /// Most characters a line takes; further ones are not taken.
    pub const LEN_MAX: usize = 64;

    /// What stands in it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes a key. Returns whether it was one for this field.
    pub fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(typed) => {
                if self.text.chars().count() < Self::LEN_MAX {
                    self.text.push(typed);
                }
                true
            }
            Key::Backspace => {
                self.text.pop();
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_64_characters_and_gives_them_back() {
        let mut field = Field::default();
        for _ in 0..70 {
            assert!(field.press(Key::Char('ö')));
        }
        assert_eq!(field.text().chars().count(), 64);
        assert!(field.press(Key::Backspace));
        assert_eq!(field.text().chars().count(), 63);
        assert!(!field.press(Key::Enter));
        assert_eq!(field.clone(), field);
        assert_eq!(format!("{field:?}"), "Field(..)");
    }
}
