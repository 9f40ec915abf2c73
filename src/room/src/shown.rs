//! Strings that devices say of themselves, made harmless before anything looks at them.

use core::fmt;

/// A string from outside: printable ASCII only, of limited length.
///
/// Shape: at most [`Shown::LEN_MAX`] characters. Everything that is not printable ASCII stands as `?`, so that no
/// device can move the cursor, change colours, or look like another one by letters that resemble ours.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shown(String);

impl Shown {
    /// Most characters kept; what is longer ends in `...`, which no shorter string of a device can be taken for.
    pub const LEN_MAX: usize = 40;

    /// Filters what a device said; surrounding blanks (serials are padded with them) are dropped.
    pub fn new(said: &str) -> Self {
        let said = said.trim_matches([' ', '\n', '\0']);
        let filtered = said.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
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
}
