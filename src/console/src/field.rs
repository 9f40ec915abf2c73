//! A line that may be seen while it is typed. It is wiped all the same: people type secrets where none are asked for.

use core::fmt;

use zeroize::Zeroizing;

use conclave_ceremony::public::Text;

use crate::key::Key;

/// A line of typed text.
///
/// Secret: wiped when it closes; `Debug` does not print it.
#[derive(PartialEq, Eq)]
pub struct Field {
    text: Zeroizing<String>,
    /// Characters and bytes it takes.
    max: (usize, usize),
}

impl Default for Field {
    fn default() -> Self {
        Self::taking((Self::LEN_MAX, Self::LEN_MAX * char::MAX.len_utf8()))
    }
}

impl Clone for Field {
    fn clone(&self) -> Self {
        let mut field = Self::taking(self.max);
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

    /// A line for free text: as long as a text of the record.
    pub fn words() -> Self {
        Self::taking((Text::LEN_MAX, Text::LEN_MAX))
    }

    fn taking(max: (usize, usize)) -> Self {
        // All it can ever need, so that growing leaves no copy behind.
        Self { text: Zeroizing::new(String::with_capacity(max.1)), max }
    }

    /// Whether it takes no more.
    pub fn is_full(&self) -> bool {
        !self.takes('x')
    }

    fn takes(&self, typed: char) -> bool {
        self.text.chars().count() < self.max.0 && self.text.len() + typed.len_utf8() <= self.max.1
    }

    /// The text of the line.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Wipes it.
    pub fn clear(&mut self) {
        *self = Self::taking(self.max);
    }

    /// Takes a key. Returns whether it was one for this field.
    pub fn press(&mut self, key: Key) -> bool {
        match key {
            Key::Char(typed) => {
                if self.takes(typed) {
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
        assert_eq!((field.text().chars().count(), field.is_full()), (64, true));
        assert!(field.press(Key::Backspace));
        assert_eq!(field.text().chars().count(), 63);
        assert!(!field.press(Key::Enter));
        assert_eq!(field.clone(), field);
        assert_eq!(format!("{field:?}"), "Field(..)");
    }

    #[test]
    fn what_somebody_has_to_say_is_as_long_as_the_record_takes_it() {
        let mut field = Field::words();
        for _ in 0..300 {
            field.press(Key::Char('ö'));
        }
        assert_eq!((field.text().len(), field.is_full()), (Text::LEN_MAX, true));
        assert!(Text::new(field.text()).is_ok());
        field.press(Key::Backspace);
        assert!(!field.is_full());
    }
}
