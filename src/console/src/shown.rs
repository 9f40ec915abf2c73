//! Strings that devices say of themselves, made harmless before anything looks at them.

use core::fmt;

/// A string from outside: printable ASCII only, of limited length.
///
/// Shape: at most [`Shown::LEN_MAX`] characters. Everything that is not printable ASCII stands as `?`, so that no
/// device can move the cursor, change colours, or look like another one by letters that resemble ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shown(String);

impl Shown {
    /// Most characters kept. A longer string ends in `...`; no shorter string of a device can be taken for it.
    pub const LEN_MAX: usize = 40;

    /// Filters a string of a device; surrounding blanks (serials are padded with them) are dropped.
    pub fn new(said: &str) -> Self {
        let said = said.trim_matches([' ', '\n', '\0']);
        let filtered = said.chars().map(filtered);
        if said.chars().count() <= Self::LEN_MAX {
            Self(filtered.collect())
        } else {
            Self(filtered.take(Self::LEN_MAX - 3).chain("...".chars()).collect())
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The serial number a device on USB says of itself: compared whole, shown shortened.
///
/// Shape: at most [`Serial::LEN_MAX`] characters of printable ASCII, filtered as [`Shown`] is; empty if the device says
/// none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(String);

impl Serial {
    /// Most characters: a string descriptor of USB has room for 126.
    pub const LEN_MAX: usize = 128;
    /// Characters shown of the beginning and of the end of a serial that is longer than [`Shown::LEN_MAX`].
    const ENDS: [usize; 2] = [19, 18];

    /// Filters a serial of a device. A serial longer than USB can carry counts as no serial: nothing may be compared
    /// with a part of it.
    pub fn new(said: &str) -> Self {
        let said = said.trim_matches([' ', '\n', '\0']);
        if said.chars().count() > Self::LEN_MAX { Self::default() } else { Self(said.chars().map(filtered).collect()) }
    }

    /// The whole serial.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the device says none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shortened in the middle, because makers count at the end.
impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, last] = Self::ENDS;
        let ends = || Some((self.0.get(..first)?, self.0.get(self.0.len().checked_sub(last)?..)?));
        match ends() {
            Some((first, last)) if self.0.len() > Shown::LEN_MAX => f.pad(&format!("{first}...{last}")),
            _ => f.pad(&self.0),
        }
    }
}

/// The character shown for a character from outside.
fn filtered(c: char) -> char {
    if c == ' ' || c.is_ascii_graphic() { c } else { '?' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_says_cannot_steer_the_screen() {
        assert_eq!(Shown::new("DENK0404144         ").as_str(), "DENK0404144");
        assert_eq!(Shown::new("a\x1b[2Jb\u{202e}c\u{430}").as_str(), "a?[2Jb?c?");
        assert_eq!(Shown::new(&"x".repeat(40)).as_str(), "x".repeat(40));
        assert_eq!(Shown::new(&"x".repeat(5000)).as_str(), format!("{}...", "x".repeat(37)));
        assert_eq!(Shown::new("").as_str(), "");
    }

    #[test]
    fn a_serial_is_compared_whole_and_shown_by_its_ends() {
        let long = |end: &str| Serial::new(&format!("{}{end}\n", "0123456789".repeat(12)));
        let (one, twin) = (long("-FOR-001"), long("-FOR-002"));
        assert_eq!((one.as_str().len(), &one.as_str()[..37]), (128, &twin.as_str()[..37]));
        assert_ne!(one, twin);
        assert_eq!(one.to_string(), "0123456789012345678...0123456789-FOR-001");
        assert_eq!(one.to_string().len(), Shown::LEN_MAX);
        let whole = "x".repeat(Shown::LEN_MAX);
        assert_eq!(Serial::new(&whole).to_string(), whole);
        assert_eq!(Serial::new(" DENK\u{fc}1  \0").as_str(), "DENK?1");
        // No part of a longer one is compared with anything.
        assert!(Serial::new(&"x".repeat(129)).is_empty());
    }
}
