//! A key press as the room sees it: its meaning, and the keyboard it came from.

/// A keyboard of this boot, in the order they were first seen; the built-in one need not be the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyboardId(pub u8);

/// The meaning of a key under the layout in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// Enter, on either part of the keyboard.
    Enter,
    /// Takes the last character back.
    Backspace,
    /// To the next field.
    Tab,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Back out of a question without an answer.
    Escape,
    /// F1 to F12.
    Function(u8),
}

/// A key going down. Releases and repeats never reach the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    /// Its meaning.
    pub key: Key,
    /// Where it was pressed.
    pub keyboard: KeyboardId,
}
