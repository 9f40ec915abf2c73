//! Keyboards on USB: a thing that says it is one may be anything, so it is let in only when a person asked for it, or
//! where the machine has no keyboard of its own. It counts only after a code that stands on the screen was typed on it;
//! until then its keys go into that code and nowhere else.

use super::devices::Port;
use crate::key::{Key, KeyboardId, Press};
use crate::shown::Shown;

/// Digits of a code.
pub const CODE_LEN: usize = 6;
/// Wrong codes after which a keyboard is refused until it is plugged in again: whoever sees the screen needs one try,
/// whoever does not has these out of a million.
pub const TRIES: u8 = 3;
/// How long a machine may take to find its own keyboard, before one on USB is let in without being asked for: the
/// kernel looks for it beside everything else.
///
/// **Units**: milliseconds.
pub const OWN_MS: u64 = 3_000;

/// The code that must be typed on a keyboard before it counts. Everybody in the room sees it, so it is no secret.
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
    /// The name that it reports.
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
        /// The digits of it that were typed.
        typed: String,
        /// Further codes it may get wrong.
        left: u8,
    },
    /// It does.
    Counts,
    /// It never will, in this plugging: too many wrong codes.
    Refused,
}

/// The machine's own keyboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Own {
    /// Nothing was told of it yet.
    #[default]
    NotTold,
    /// It was found.
    Found,
    /// It was not; since the clock showed this, if it was read since.
    Missing {
        /// Milliseconds since power-on.
        since_ms: Option<u64>,
    },
    /// It was not for [`OWN_MS`]: there is none.
    No,
}

/// The keyboards: those on USB in the order they came, and whether the machine has one of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyboards {
    usb: Vec<Keyboard>,
    own: Own,
}

impl Keyboards {
    /// The machine's own keyboard was found, or was not.
    pub fn own(&mut self, found: bool) {
        self.own = match (found, self.own) {
            (true, _) => Own::Found,
            (false, Own::NotTold | Own::Found) => Own::Missing { since_ms: None },
            (false, missing @ (Own::Missing { .. } | Own::No)) => missing,
        };
    }

    /// The clock since power-on shows this.
    ///
    /// **Units**: milliseconds.
    pub fn read(&mut self, mono_ms: u64) {
        self.own = match self.own {
            Own::Missing { since_ms: None } => Own::Missing { since_ms: Some(mono_ms) },
            Own::Missing { since_ms: Some(since) } if mono_ms.saturating_sub(since) >= OWN_MS => Own::No,
            own @ (Own::NotTold | Own::Found | Own::Missing { .. } | Own::No) => own,
        };
    }

    /// Whether there is no keyboard at all: no person can do anything then.
    pub fn are_none(&self) -> bool {
        matches!(self.own, Own::Missing { .. } | Own::No) && self.usb.is_empty()
    }

    /// Whether a keyboard on USB is let in without being asked for: no person could ask for it.
    pub fn come_unasked(&self) -> bool {
        self.own == Own::No
    }

    /// A keyboard came.
    pub fn came(&mut self, id: KeyboardId, port: Port, product: Shown, code: Code) {
        let standing = Standing::Asked { code, typed: String::new(), left: TRIES };
        self.usb.push(Keyboard { id, port, product, standing });
    }

    /// A keyboard went.
    pub fn went(&mut self, id: KeyboardId) {
        self.usb.retain(|keyboard| keyboard.id != id);
    }

    /// Every one that is plugged in.
    pub fn all(&self) -> &[Keyboard] {
        &self.usb
    }

    /// The first one that waits for its code.
    pub fn asked(&self) -> Option<&Keyboard> {
        self.usb.iter().find(|keyboard| matches!(keyboard.standing, Standing::Asked { .. }))
    }

    /// Whether this key press counts. One of a keyboard that does not count goes into its code.
    pub fn counts(&mut self, press: Press) -> bool {
        let Some(keyboard) = self.usb.iter_mut().find(|keyboard| keyboard.id == press.keyboard) else { return true };
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
    fn a_keyboard_comes_unasked_only_where_the_machines_own_was_missing_for_three_seconds() {
        let mut keyboards = Keyboards::default();
        let mut after = |found: Option<bool>, mono_ms: u64| {
            found.into_iter().for_each(|found| keyboards.own(found));
            keyboards.read(mono_ms);
            (keyboards.are_none(), keyboards.come_unasked())
        };
        assert_eq!(after(None, 90_000), (false, false), "nothing was told of it");
        // The screens began late: the three seconds begin with the first report.
        assert_eq!(after(Some(false), 91_000), (true, false));
        assert_eq!(after(Some(false), 93_999), (true, false), "said again, it is no other absence");
        assert_eq!(after(None, 94_000), (true, true));
        assert_eq!(after(None, 95_000), (true, true));
        assert_eq!(after(Some(true), 96_000), (false, false), "found late");
        assert_eq!(after(None, 900_000), (false, false));
        // It went, and another three seconds are waited.
        assert_eq!(after(Some(false), 901_000), (true, false));
        assert_eq!(after(None, 904_000), (true, true));
    }

    #[test]
    fn a_keyboard_on_usb_is_a_keyboard() {
        let mut keyboards = plugged();
        keyboards.own(false);
        assert!(!keyboards.are_none());
        keyboards.went(ID);
        assert!(keyboards.are_none());
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
