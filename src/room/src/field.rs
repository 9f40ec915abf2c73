//! A line that may be seen while it is typed. Secrets have fields of their own.

use crate::key::Key;

/// A line of typed text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    text: String,
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
    }
}
