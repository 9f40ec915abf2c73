//! Keyboards on USB: a thing that says it is one may be anything, so it counts only after a code that stands on the
//! screen was typed on it. Until then its keys go into that code and nowhere else.

use super::devices::Port;
use crate::key::{Key, KeyboardId, Press};
use crate::shown::Shown;

/// Digits of a code.
pub const CODE_LEN: usize = 6;
/// Wrong codes after which a keyboard is refused until it is plugged in again: whoever sees the screen needs one try,
/// whoever does not has these out of a million.
pub const TRIES: u8 = 3;

/// What must be typed on a keyboard before it counts. Shown to everybody in the room, so no secret.
///
/// Shape: [`CODE_LEN`] decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code([u8; CODE_LEN]);

impl Code {
    /// The code of random bytes. Six digits out of 32 bits favour none by more than one part in four thousand.
    pub fn new(random: [u8; 4]) -> Self {
        let mut rest = u32::from_le_bytes(random);
        Self([(); CODE_LEN].map(|()| {
            let digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            digit
        }))
    }

    /// The digits.
    pub fn digits(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// A keyboard on USB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyboard {
    /// As its keys name it.
    pub id: KeyboardId,
    /// Where.
    pub port: Port,
    /// What it calls itself.
    pub product: Shown,
    /// Whether it counts.
    pub standing: Standing,
}

/// Whether a keyboard counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not before this code was typed on it.
    Asked {
        /// The code.
        code: Code,
        /// What was typed of it, digits only.
        typed: String,
        /// Further codes it may get wrong.
        left: u8,
    },
    /// It does.
    Counts,
    /// It never will, in this plugging: too many wrong codes.
    Refused,
}

/// The keyboards on USB, in the order they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyboards(Vec<Keyboard>);

impl Keyboards {
    /// A keyboard came.
    pub fn came(&mut self, id: KeyboardId, port: Port, product: Shown, code: Code) {
        let standing = Standing::Asked { code, typed: String::new(), left: TRIES };
        self.0.push(Keyboard { id, port, product, standing });
    }

    /// A keyboard went.
    pub fn went(&mut self, id: KeyboardId) {
        self.0.retain(|keyboard| keyboard.id != id);
    }

    /// Every one that is plugged in.
    pub fn all(&self) -> &[Keyboard] {
        &self.0
    }

    /// The first one that waits for its code.
    pub fn asked(&self) -> Option<&Keyboard> {
        self.0.iter().find(|keyboard| matches!(keyboard.standing, Standing::Asked { .. }))
    }

    /// Whether this key press counts. One of a keyboard that does not count goes into its code.
    pub fn counts(&mut self, press: Press) -> bool {
        let Some(keyboard) = self.0.iter_mut().find(|keyboard| keyboard.id == press.keyboard) else { return true };
        match &mut keyboard.standing {
            Standing::Counts => return true,
            Standing::Refused => {}
            Standing::Asked { code, typed, left } => {
                match press.key {
                    Key::Char(digit @ '0'..='9') => typed.push(digit),
                    Key::Backspace => drop(typed.pop()),
                    _ => {}
                }
                if typed == code.digits() {
                    keyboard.standing = Standing::Counts;
                } else if typed.len() == CODE_LEN {
                    typed.clear();
                    *left -= 1;
                    if *left == 0 {
                        keyboard.standing = Standing::Refused;
                    }
                }
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: KeyboardId = KeyboardId(3);

    fn plugged() -> Keyboards {
        let mut keyboards = Keyboards::default();
        keyboards.came(ID, Shown::new("1-3"), Shown::new("Keys"), Code::new(654_321_u32.to_le_bytes()));
        keyboards
    }

    /// Types on the keyboard; whether any of it counted.
    fn types(keyboards: &mut Keyboards, text: &str) -> bool {
        let press = |key| Press { key, keyboard: ID };
        text.chars().fold(false, |counted, typed| keyboards.counts(press(Key::Char(typed))) | counted)
    }

    #[test]
    fn a_code_is_six_digits_of_its_random_bytes() {
        assert_eq!(Code::new(7_u32.to_le_bytes()).digits(), "700000");
        assert_eq!(Code::new([0xff; 4]).digits(), "592769");
        assert_eq!(
            plugged().all()[0].standing,
            Standing::Asked { code: Code(*b"123456"), typed: String::new(), left: 3 }
        );
    }

    #[test]
    fn nothing_typed_on_it_counts_before_its_code_and_everything_after() {
        let mut keyboards = plugged();
        assert!(!types(&mut keyboards, "off\n12345"));
        assert!(keyboards.asked().is_some());
        assert!(!types(&mut keyboards, "6"), "the last digit of the code is no key of anything else");
        assert_eq!(keyboards.asked(), None);
        assert!(types(&mut keyboards, "o"));
    }

    #[test]
    fn every_key_but_digits_and_backspace_is_dropped() {
        let mut keyboards = plugged();
        for key in [Key::Enter, Key::Escape, Key::Function(10), Key::Tab, Key::Up, Key::Char('x'), Key::Backspace] {
            assert!(!keyboards.counts(Press { key, keyboard: ID }), "{key:?}");
        }
        types(&mut keyboards, "129");
        keyboards.counts(Press { key: Key::Backspace, keyboard: ID });
        types(&mut keyboards, "3456");
        assert_eq!(keyboards.all()[0].standing, Standing::Counts);
    }

    #[test]
    fn after_three_wrong_codes_the_right_one_is_too_late() {
        let mut keyboards = plugged();
        assert!(!types(&mut keyboards, "000000000000"));
        assert!(keyboards.asked().is_some());
        assert!(!types(&mut keyboards, "000000"));
        assert_eq!(keyboards.all()[0].standing, Standing::Refused);
        assert!(!types(&mut keyboards, "123456"));
        assert!(!types(&mut keyboards, "off"));
        // Plugged in again it is asked again.
        keyboards.went(ID);
        assert_eq!(keyboards.all(), []);
    }

    #[test]
    fn a_wrong_code_before_the_right_one_is_forgiven() {
        let mut keyboards = plugged();
        types(&mut keyboards, "000000123456");
        assert!(types(&mut keyboards, "x"));
    }

    #[test]
    fn each_keyboard_has_its_own_code_and_the_built_in_one_none() {
        let mut keyboards = plugged();
        let other = KeyboardId(4);
        keyboards.came(other, Shown::new("1-4"), Shown::new("Keys"), Code(*b"777777"));
        assert!(keyboards.counts(Press { key: Key::Enter, keyboard: KeyboardId(0) }));
        assert!(!types(&mut keyboards, "123456"));
        assert_eq!(keyboards.asked().map(|keyboard| keyboard.id), Some(other));
        assert!(!keyboards.counts(Press { key: Key::Enter, keyboard: other }));
    }
}
