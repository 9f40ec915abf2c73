//! A line nobody may read while it is typed.

use smartcard_hsm::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::key::Key;

/// A line for a PIN or a passphrase.
///
/// **Secret**: wiped when it is taken, cleared or dropped. The screen shows how many characters stand in it, no more.
pub struct SecretField(Zeroizing<Vec<u8>>);

impl SecretField {
    /// Most characters it takes: six words of the longest kind have room to spare.
    pub const LEN_MAX: usize = 128;

    /// How many characters stand in it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes what was typed, and is empty.
    pub fn take(&mut self) -> SecretBytes {
        SecretBytes::new(core::mem::replace(&mut self.0, empty()))
    }

    /// Takes a key. Characters that are not printable ASCII are not taken: no secret here has one.
    pub fn press(&mut self, key: Key) {
        match key {
            Key::Char(typed) if self.0.len() < Self::LEN_MAX && (typed == ' ' || typed.is_ascii_graphic()) => {
                self.0.push(typed as u8);
            }
            Key::Backspace => {
                if let Some(last) = self.0.last_mut() {
                    *last = 0;
                }
                self.0.pop();
            }
            _ => {}
        }
    }
}

impl Default for SecretField {
    fn default() -> Self {
        Self(empty())
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
        let place = field.0.as_ptr();
        for typed in "aé\n ".chars().cycle().take(600) {
            field.press(Key::Char(typed));
        }
        assert_eq!((field.len(), field.0.as_ptr()), (SecretField::LEN_MAX, place));
        field.press(Key::Backspace);
        assert_eq!(field.take().expose().len(), SecretField::LEN_MAX - 1);
        assert!(field.is_empty());
    }
}
