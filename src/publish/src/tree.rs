//! The state of the sources and inputs of an image: whether strangers can rebuild the image from the commit it names.

/// The differences between the commit and the sources and inputs from which an image was built.
///
/// **Shape**: no word, or one or both of two words behind the commit, where an image, its screens and its record name
/// it.
/// **Source**: the builder of the image; no running program can know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// As committed, from the inputs the commit locks: strangers can rebuild it.
    Clean,
    /// Sources that are in no commit.
    Dirty,
    /// Debian packages in place of locked ones that the archive had dropped.
    Moved,
    /// Both.
    DirtyAndMoved,
}

/// Says that sources were changed.
const DIRTY: &str = "DIRTY";
/// Says that inputs moved.
const MOVED: &str = "MOVED INPUTS";
/// Says both.
const BOTH: &str = "DIRTY, MOVED INPUTS";

impl Tree {
    /// The state in which sources were `changed`, inputs `moved`, or both.
    pub const fn of(changed: bool, moved: bool) -> Self {
        match (changed, moved) {
            (false, false) => Self::Clean,
            (true, false) => Self::Dirty,
            (false, true) => Self::Moved,
            (true, true) => Self::DirtyAndMoved,
        }
    }

    /// The words for it, beside or in place of the commit; nothing where strangers can rebuild it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Clean => "",
            Self::Dirty => DIRTY,
            Self::Moved => MOVED,
            Self::DirtyAndMoved => BOTH,
        }
    }

    /// The state that a record tells of, from the record's words about the build: version, commit and [`Self::words`].
    pub fn told(build: &str) -> Self {
        Self::of(build.contains(DIRTY), build.contains(MOVED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_told_from_its_own_words() {
        for tree in [Tree::Clean, Tree::Dirty, Tree::Moved, Tree::DirtyAndMoved] {
            assert_eq!(Tree::told(&format!("0.1.0 0123456789abcdef {}", tree.words())), tree);
        }
        assert_eq!(Tree::told("0.1.0"), Tree::Clean);
    }
}
