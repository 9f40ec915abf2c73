//! A line that no person may read while it is typed.

use smartcard_hsm::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::key::Key;

/// A line for a PIN or a passphrase.
///
/// **Secret**: wiped when it is taken, cleared or dropped. The screen shows how many characters stand in it, no more.
pub struct SecretField {
    typed: Zeroizing<Vec<u8>>,
    /// The last key was a character that is not taken.
    refused: bool,
}

impl SecretField {
    /// Most characters it takes: six words of the longest kind have room to spare.
    pub const LEN_MAX: usize = 128;

    /// How many characters stand in it.
    pub fn len(&self) -> usize {
        self.typed.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty()
    }

    /// Whether the last key was a character that is not taken, and so is none of the secret's here.
    pub fn refused(&self) -> bool {
        self.refused
    }

    /// Its bytes, for a comparison in place.
    pub fn expose(&self) -> &[u8] {
        &self.typed
    }

    /// Takes the typed bytes; the line is empty then.
    pub fn take(&mut self) -> SecretBytes {
        self.refused = false;
        SecretBytes::new(core::mem::replace(&mut self.typed, empty()))
    }

    /// Takes a key. Characters that are not printable ASCII are not taken: no secret that is made here has one.
    pub fn press(&mut self, key: Key) {
        self.refused = matches!(key, Key::Char(typed) if !typed.is_ascii());
        match key {
            Key::Char(typed) if self.typed.len() < Self::LEN_MAX && (typed == ' ' || typed.is_ascii_graphic()) => {
                self.typed.push(typed as u8);
            }
            Key::Backspace => {
                if let Some(last) = self.typed.last_mut() {
                    *last = 0;
                }
                self.typed.pop();
            }
            _ => {}
        }
    }
}

impl Default for SecretField {
    fn default() -> Self {
        Self { typed: empty(), refused: false }
    }
}

/// Reserved at once: a buffer that grows leaves copies behind.
fn empty() -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(SecretField::LEN_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_128_printable_characters_in_one_place_of_memory() {
        let mut field = SecretField::default();
        let place = field.typed.as_ptr();
        for typed in "aé\n ".chars().cycle().take(600) {
            field.press(Key::Char(typed));
        }
        assert_eq!((field.len(), field.typed.as_ptr()), (SecretField::LEN_MAX, place));
        field.press(Key::Backspace);
        assert_eq!(field.take().expose().len(), SecretField::LEN_MAX - 1);
        assert!(field.is_empty());
    }

    #[test]
    fn a_character_that_cannot_be_typed_is_said_until_the_next_key() {
        let mut field = SecretField::default();
        field.press(Key::Char('ü'));
        assert!(field.refused() && field.is_empty());
        field.press(Key::Char('u'));
        assert!(!field.refused() && field.len() == 1);
        field.press(Key::Char('ß'));
        field.take();
        assert!(!field.refused());
    }
}
