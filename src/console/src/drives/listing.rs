//! The contents of a drive's root directory, and which of them count.

use conclave_publish::FileName;

/// Folders and files that systems make by themselves on whatever is plugged into them, in whatever capitals.
///
/// Source: Windows (index, recycle bin), macOS (index, events, bin, views), freedesktop.org Trash specification 1.0.
const OF_SYSTEMS: [&str; 8] = [
    "System Volume Information",
    "$RECYCLE.BIN",
    ".Trashes",
    ".Spotlight-V100",
    ".fseventsd",
    ".TemporaryItems",
    ".DS_Store",
    ".Trash",
];
/// Names that macOS gives the second half of a file, and freedesktop.org a person's bin.
const BEGINS_OF_SYSTEMS: [&str; 2] = ["._", ".Trash-"];

/// The contents of a root directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Names and lengths of the files with names that every system reads alike. Units: bytes.
    pub files: Vec<(FileName, u64)>,
    /// The number of all others: folders, and files with other names. Files that systems make by themselves do not
    /// count.
    pub others: usize,
}

impl Listing {
    /// Takes a name into account; `len` of a file, none of anything else.
    pub fn add(&mut self, name: &[u8], len: Option<u64>) {
        match (FileName::new(name), len) {
            _ if is_of_system(name) => {}
            (Ok(name), Some(len)) => self.files.push((name, len)),
            _ => self.others += 1,
        }
    }
}

fn is_of_system(name: &[u8]) -> bool {
    let begins = |with: &str| name.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()));
    OF_SYSTEMS.iter().any(|of| name.eq_ignore_ascii_case(of.as_bytes())) || BEGINS_OF_SYSTEMS.into_iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_counts_but_what_systems_make_by_themselves() {
        let mut listing = Listing::default();
        for of in OF_SYSTEMS.into_iter().chain(["system volume information", "._share-1.pbe", ".Trash-1000"]) {
            listing.add(of.as_bytes(), None);
            listing.add(of.as_bytes(), Some(1));
        }
        assert_eq!(listing, Listing::default());
        listing.add(b"share-1.pbe", Some(7));
        assert_eq!(listing.files, [(FileName::new(b"share-1.pbe").unwrap(), 7)]);
        let others: [&[u8]; 8] =
            [b"photos.d", b"two words", b".hidden", b"\xfcbung", b".Trashes2", b"$RECYCLE", b".", b"CON"];
        for (at, name) in others.into_iter().enumerate() {
            listing.add(name, (at > 0).then_some(1));
            assert_eq!(listing.others, at + 1, "{name:?}");
        }
    }
}
