//! Keyboard layouts of our own: evdev key codes to characters.
//!
//! Keys are read below the kernel's keymaps, so that a typed secret never enters the tty layer. Only the characters of
//! these tables can be typed; dead keys type their accent as a character of its own.
//! Source: key codes, Linux `input-event-codes.h`; arrangements, ANSI INCITS 154 (us), BS 4822 (uk), DIN 2137-1 T1
//! (de).

use crate::key::Key;

/// A layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// United States.
    Us,
    /// United Kingdom.
    Uk,
    /// Germany and Austria.
    De,
}

/// Which modifiers are down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Either Shift.
    pub shift: bool,
    /// The right Alt key, AltGr where it is printed so.
    pub alt_gr: bool,
    /// Caps Lock is on.
    pub caps_lock: bool,
}

/// Rows of keys that type characters: first key code, then one character a key.
struct Rows {
    plain: [(u16, &'static str); 5],
    shift: [(u16, &'static str); 5],
    alt_gr: &'static [(u16, char)],
}

// Codes: 2 starts the digits, 16 the row of Q, 30 the row of A (up to 41, the key left of 1), 43 is beside Enter and
// starts the row of Z, 86 is the extra key beside the left Shift. A space in a row is a key that types nothing.
const US: Rows = Rows {
    plain: [(2, "1234567890-="), (16, "qwertyuiop[]"), (30, "asdfghjkl;'`"), (43, "\\zxcvbnm,./"), (86, "\\")],
    shift: [(2, "!@#$%^&*()_+"), (16, "QWERTYUIOP{}"), (30, "ASDFGHJKL:\"~"), (43, "|ZXCVBNM<>?"), (86, "|")],
    alt_gr: &[],
};

const UK: Rows = Rows {
    plain: [(2, "1234567890-="), (16, "qwertyuiop[]"), (30, "asdfghjkl;'`"), (43, "#zxcvbnm,./"), (86, "\\")],
    shift: [(2, "!\"£$%^&*()_+"), (16, "QWERTYUIOP{}"), (30, "ASDFGHJKL:@¬"), (43, "~ZXCVBNM<>?"), (86, "|")],
    alt_gr: &[(41, '|')],
};

const DE: Rows = Rows {
    plain: [(2, "1234567890ß'"), (16, "qwertzuiopü+"), (30, "asdfghjklöä^"), (43, "#yxcvbnm,.-"), (86, "<")],
    shift: [(2, "!\"§$%&/()=?`"), (16, "QWERTZUIOPÜ*"), (30, "ASDFGHJKLÖÄ°"), (43, "'YXCVBNM;:_"), (86, ">")],
    alt_gr: &[
        (3, '²'),
        (8, '{'),
        (9, '['),
        (10, ']'),
        (11, '}'),
        (12, '\\'),
        (16, '@'),
        (27, '~'),
        (50, 'µ'),
        (86, '|'),
    ],
};

impl Layout {
    /// Every layout, in the order they are offered.
    pub const ALL: [Self; 3] = [Self::Us, Self::Uk, Self::De];

    /// The short name people know it by.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::Uk => "uk",
            Self::De => "de",
        }
    }

    /// The next one, the first after the last.
    pub const fn next(self) -> Self {
        match self {
            Self::Us => Self::Uk,
            Self::Uk => Self::De,
            Self::De => Self::Us,
        }
    }

    const fn rows(self) -> &'static Rows {
        match self {
            Self::Us => &US,
            Self::Uk => &UK,
            Self::De => &DE,
        }
    }

    /// The meaning of the key with this evdev code. `None` for a key without a meaning here.
    pub fn key(self, code: u16, modifiers: Modifiers) -> Option<Key> {
        let fixed = match code {
            1 => Some(Key::Escape),
            14 => Some(Key::Backspace),
            15 => Some(Key::Tab),
            28 | 96 => Some(Key::Enter),
            57 => Some(Key::Char(' ')),
            59..=68 => u8::try_from(code - 58).ok().map(Key::Function),
            87 | 88 => u8::try_from(code - 76).ok().map(Key::Function),
            103 => Some(Key::Up),
            108 => Some(Key::Down),
            _ => None,
        };
        fixed.or_else(|| self.typed(code, modifiers).map(Key::Char))
    }

    fn typed(self, code: u16, modifiers: Modifiers) -> Option<char> {
        let rows = self.rows();
        if modifiers.alt_gr {
            return rows.alt_gr.iter().find(|(at, _)| *at == code).map(|(_, typed)| *typed);
        }
        let plain = in_rows(&rows.plain, code).or_else(|| keypad(code))?;
        // Caps Lock turns letters only, and Shift turns them back.
        let upper = modifiers.shift != (modifiers.caps_lock && plain.is_alphabetic());
        if upper { in_rows(&rows.shift, code).or(Some(plain)) } else { Some(plain) }
    }
}

fn in_rows(rows: &[(u16, &str)], code: u16) -> Option<char> {
    rows.iter().find_map(|(first, row)| row.chars().nth(usize::from(code.checked_sub(*first)?))).filter(|c| *c != ' ')
}

/// The number block, as with Num Lock on: its other meaning is not offered.
fn keypad(code: u16) -> Option<char> {
    match code {
        55 => Some('*'),
        98 => Some('/'),
        _ => "789-456+1230.".chars().nth(usize::from(code.checked_sub(71)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Modifiers = Modifiers { shift: false, alt_gr: false, caps_lock: false };
    const SHIFT: Modifiers = Modifiers { shift: true, ..PLAIN };
    const ALT_GR: Modifiers = Modifiers { alt_gr: true, ..PLAIN };
    const CAPS: Modifiers = Modifiers { caps_lock: true, ..PLAIN };

    #[track_caller]
    fn check(layout: Layout, code: u16, modifiers: Modifiers, want: char) {
        assert_eq!(layout.key(code, modifiers), Some(Key::Char(want)));
    }

    #[test]
    fn keys_people_confuse_between_layouts_type_what_is_printed_on_them() {
        // Y and Z, the key right of L, the key beside the left Shift, Shift-2, Shift-3.
        for (layout, y, z, semicolon, extra, shift_2, shift_3) in [
            (Layout::Us, 'y', 'z', ';', '\\', '@', '#'),
            (Layout::Uk, 'y', 'z', ';', '\\', '"', '£'),
            (Layout::De, 'z', 'y', 'ö', '<', '"', '§'),
        ] {
            check(layout, 21, PLAIN, y);
            check(layout, 44, PLAIN, z);
            check(layout, 39, PLAIN, semicolon);
            check(layout, 86, PLAIN, extra);
            check(layout, 3, SHIFT, shift_2);
            check(layout, 4, SHIFT, shift_3);
        }
        check(Layout::De, 16, ALT_GR, '@');
        assert_eq!(Layout::Us.key(16, ALT_GR), None);
    }

    #[test]
    fn every_printable_ascii_character_can_be_typed_in_every_layout() {
        for layout in Layout::ALL {
            let typed: Vec<char> = (0..128)
                .flat_map(|code| [PLAIN, SHIFT, ALT_GR].map(|modifiers| layout.key(code, modifiers)))
                .filter_map(|key| if let Some(Key::Char(typed)) = key { Some(typed) } else { None })
                .collect();
            for wanted in ' '..='~' {
                assert!(typed.contains(&wanted), "{} cannot type {wanted:?}", layout.name());
            }
        }
    }

    #[test]
    fn caps_lock_turns_letters_only() {
        check(Layout::Us, 30, CAPS, 'A');
        check(Layout::Us, 30, Modifiers { shift: true, ..CAPS }, 'a');
        check(Layout::Us, 2, CAPS, '1');
        check(Layout::De, 39, CAPS, 'Ö');
    }

    #[test]
    fn keys_without_a_character_keep_their_meaning() {
        for (code, want) in [
            (1, Key::Escape),
            (28, Key::Enter),
            (96, Key::Enter),
            (59, Key::Function(1)),
            (68, Key::Function(10)),
            (87, Key::Function(11)),
            (88, Key::Function(12)),
        ] {
            assert_eq!(Layout::Us.key(code, PLAIN), Some(want));
        }
        for (code, digit) in [(71, '7'), (82, '0'), (83, '.')] {
            check(Layout::Us, code, PLAIN, digit);
        }
        // Control, Print Screen, and beyond the tables.
        for code in [29, 99, 42, 0, 500] {
            assert_eq!(Layout::Us.key(code, PLAIN), None, "{code}");
        }
    }
}
