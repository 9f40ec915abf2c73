//! The list of a bundle's files: names, sizes and SHA-256, which `sha256sum -c` checks as it stands.
//!
//! Source: the check file format of GNU coreutils (digest, two spaces, name). Lines that begin with `#` are comments in
//! it; the sizes stand in these comments. FAT's rules narrow the names.

use std::collections::BTreeSet;
use std::fmt::Write;

use thiserror::Error;

use crate::digest::Digest;
use crate::line::quoted;

/// First line of a manifest.
const HEADER: &str = "# conclave-manifest-v1";

/// A name that every system involved writes, lists and compares alike.
///
/// Shape: 1 to [`Self::LEN_MAX`] bytes; parts of ASCII letters, digits, `.`, `_` and `-`, separated by single `/`. A
/// part begins with a letter, digit or `_`, does not end with `.` and is no device name of DOS. So it is relative, never
/// climbs, is never taken for an option and is kept by FAT as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Most bytes of a name. FAT allows 255 characters; the rest is a margin for a folder around the bundle.
    pub const LEN_MAX: usize = 200;

    /// Checks a name as it comes from a medium or a plan.
    pub fn new(name: &[u8]) -> Result<Self, FileNameError> {
        let Ok(name) = core::str::from_utf8(name) else {
            return Err(FileNameError::NotText { found: quoted(name) });
        };
        if name.is_empty() || name.len() > Self::LEN_MAX {
            return Err(FileNameError::Length { found: name.len() });
        }
        if let Some(found) = name.chars().find(|c| !(c.is_ascii_alphanumeric() || "/._-".contains(*c))) {
            return Err(FileNameError::Character { name: name.to_owned(), found });
        }
        if name.starts_with('/') {
            return Err(FileNameError::Absolute { name: name.to_owned() });
        }
        if let Some(part) = name.split('/').find(|part| !is_plain(part)) {
            return Err(FileNameError::Part { name: name.to_owned(), part: part.to_owned() });
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether one part of a name is no step upwards, hidden file, option or device.
fn is_plain(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || matches!(stem.as_bytes(), [b'C', b'O', b'M', b'0'..=b'9'] | [b'L', b'P', b'T', b'0'..=b'9']);
    !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && !is_device
}

/// Faults of a file name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileNameError {
    /// Not UTF-8.
    #[error("file name {found:?} is not text: expected ASCII letters, digits, `.`, `_`, `-` and `/`")]
    NotText {
        /// As much of it as can be shown, at most 60 characters.
        found: String,
    },
    /// Empty or too long.
    #[error("file name of {found} bytes: expected 1 to {}", FileName::LEN_MAX)]
    Length {
        /// Bytes found.
        found: usize,
    },
    /// A character outside the allowed ones: control characters, spaces, backslashes, colons, other scripts.
    #[error("file name {name:?} contains {found:?}: expected ASCII letters, digits, `.`, `_`, `-` and `/`")]
    Character {
        /// The name.
        name: String,
        /// The first character of this kind.
        found: char,
    },
    /// It begins with `/`.
    #[error("file name {name:?} is absolute: expected one relative to the bundle")]
    Absolute {
        /// The name.
        name: String,
    },
    /// A part that is empty, climbs, is hidden, looks like an option, ends with a dot or names a device.
    #[error(
        "file name {name:?} has the part {part:?}: expected parts that begin with a letter, digit or `_`, do not end with `.` and name no device"
    )]
    Part {
        /// The name.
        name: String,
        /// The first part of this kind.
        part: String,
    },
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name within the bundle.
    pub name: FileName,
    /// Its length. Units: bytes.
    pub size: u64,
    /// SHA-256 of its contents.
    pub digest: Digest,
}

/// The files of a bundle, each once, in the byte order of their names.
///
/// Source: the check file of GNU coreutils, with sizes as comments; `docs/formats.md`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest(Vec<Item>);

impl Manifest {
    /// Most files of a bundle.
    pub const ITEMS_MAX: usize = 4096;

    /// Puts `items` in order.
    ///
    /// Errors: more than [`Self::ITEMS_MAX`], or two names that FAT holds for the same.
    pub fn new(mut items: Vec<Item>) -> Result<Self, ManifestError> {
        if items.len() > Self::ITEMS_MAX {
            return Err(ManifestError::TooMany { found: items.len() });
        }
        items.sort_by(|left, right| left.name.cmp(&right.name));
        let mut seen = BTreeSet::new();
        match items.iter().find(|item| !seen.insert(item.name.0.to_ascii_lowercase())) {
            Some(item) => Err(ManifestError::Duplicate { name: item.name.clone() }),
            None => Ok(Self(items)),
        }
    }

    /// The files, in order.
    pub fn items(&self) -> &[Item] {
        &self.0
    }

    /// The manifest as a file: ASCII, LF line ends. The only form [`Self::parse`] accepts.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        for Item { name, size, digest } in &self.0 {
            // Writing to a String does not fail.
            let _ = write!(text, "# {size} bytes\n{digest}  {}\n", name.0);
        }
        text
    }

    /// Reads a manifest back.
    ///
    /// Errors: any deviation from the text that [`Self::to_text`] writes for the same files.
    pub fn parse(text: &[u8]) -> Result<Self, ManifestError> {
        let mut lines = text.split(|byte| *byte == b'\n').enumerate();
        let wrong = |line, expected, found| ManifestError::Line { line, expected, found: quoted(found) };
        let header = lines.next().map_or(&[][..], |(_, line)| line);
        if header != HEADER.as_bytes() {
            return Err(wrong(1, "`# conclave-manifest-v1`", header));
        }
        let mut items = Vec::new();
        while let (Some((at, size)), Some((_, entry))) = (lines.next(), lines.next()) {
            if items.len() == Self::ITEMS_MAX {
                return Err(ManifestError::TooMany { found: items.len() + 1 });
            }
            let size = parse_size(size).ok_or_else(|| wrong(at + 1, "`# N bytes`", size))?;
            let expected = "64 lower-case hex digits, two spaces, a name";
            let (digest, name) = parse_entry(entry).ok_or_else(|| wrong(at + 2, expected, entry))?;
            let name = FileName::new(name).map_err(|source| ManifestError::Name { line: at + 2, source })?;
            items.push(Item { name, size, digest });
        }
        let manifest = Self::new(items)?;
        // The lines do not show their order, leading zeros, capital digits, a missing or an additional last line.
        if manifest.to_text().as_bytes() == text { Ok(manifest) } else { Err(ManifestError::NotExact) }
    }
}

fn parse_size(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"# ")?.strip_suffix(b" bytes")?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn parse_entry(line: &[u8]) -> Option<(Digest, &[u8])> {
    let (digest, rest) = line.split_at_checked(2 * Digest::LEN)?;
    let digest = core::str::from_utf8(digest).ok()?.parse().ok()?;
    Some((digest, rest.strip_prefix(b"  ")?))
}

/// Faults of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// More files than a bundle may have.
    #[error("{found} files, expected at most {}", Manifest::ITEMS_MAX)]
    TooMany {
        /// How many.
        found: usize,
    },
    /// Two names that are the same where capitals do not count.
    #[error("file name {:?} stands twice (capitals do not count on FAT)", name.as_str())]
    Duplicate {
        /// The second of them.
        name: FileName,
    },
    /// A line of another form.
    #[error("line {line} of the manifest is {found:?}: expected {expected}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// Its form.
        expected: &'static str,
        /// At most 60 characters of the line there is.
        found: String,
    },
    /// A name that is refused.
    #[error("line {line} of the manifest")]
    Name {
        /// Counted from 1.
        line: usize,
        /// Why.
        source: FileNameError,
    },
    /// The text is readable, but it is not the text that this list is written as.
    #[error(
        "the manifest is not in its one form: names in byte order, sizes without leading zeros, digests in lower case, one LF after every line"
    )]
    NotExact,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, contents: &[u8]) -> Item {
        Item {
            name: FileName::new(name.as_bytes()).unwrap(),
            size: contents.len() as u64,
            digest: Digest::of(contents),
        }
    }

    fn two() -> Manifest {
        Manifest::new(vec![item("keys/ksk.pem", b"abc"), item("Zone.txt", b"")]).unwrap()
    }

    /// `two()`, as a file.
    const TWO: &str = "# conclave-manifest-v1\n\
        # 0 bytes\n\
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  Zone.txt\n\
        # 3 bytes\n\
        ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  keys/ksk.pem\n";

    #[test]
    fn a_manifest_is_written_in_byte_order_and_read_back() {
        assert_eq!(two().to_text(), TWO);
        assert_eq!(Manifest::parse(TWO.as_bytes()), Ok(two()));
        let empty = Manifest::new(vec![]).unwrap();
        assert_eq!(Manifest::parse(empty.to_text().as_bytes()), Ok(empty));
    }

    #[test]
    fn plain_names_are_accepted() {
        for name in ["a", "keys/ksk-2026_1.pem", "_/x.tar.gz", "Console.txt", "COM", "nul-1", &"n".repeat(200)] {
            assert!(FileName::new(name.as_bytes()).is_ok(), "{name}");
        }
    }

    #[test]
    fn hostile_names_are_refused_each_for_its_own_reason() {
        let part = |name: &str, part: &str| FileNameError::Part { name: name.to_owned(), part: part.to_owned() };
        for (name, bad) in [
            ("../etc/passwd", ".."),
            ("keys/../../x", ".."),
            ("keys/..", ".."),
            ("./x", "."),
            ("keys//x", ""),
            ("keys/", ""),
            (".hidden", ".hidden"),
            ("-rf", "-rf"),
            ("keys/-rf", "-rf"),
            ("ends.with.", "ends.with."),
            ("con", "con"),
            ("keys/NUL.txt", "NUL.txt"),
            ("lpt1.pem", "lpt1.pem"),
        ] {
            assert_eq!(FileName::new(name.as_bytes()), Err(part(name, bad)));
        }
        for (name, found) in [
            ("two words", ' '),
            ("line\nbreak", '\n'),
            ("nul\0", '\0'),
            ("C:x", ':'),
            ("back\\slash", '\\'),
            ("schlüssel", 'ü'),
            ("x\u{202e}gpj.exe", '\u{202e}'),
            ("*", '*'),
        ] {
            assert_eq!(FileName::new(name.as_bytes()), Err(FileNameError::Character { name: name.to_owned(), found }));
        }
        assert_eq!(FileName::new(b"/etc/passwd"), Err(FileNameError::Absolute { name: "/etc/passwd".to_owned() }));
        assert_eq!(FileName::new(b"\xFFx"), Err(FileNameError::NotText { found: "\u{fffd}x".to_owned() }));
        assert_eq!(FileName::new(b""), Err(FileNameError::Length { found: 0 }));
        assert_eq!(FileName::new(&[b'n'; 201]), Err(FileNameError::Length { found: 201 }));
    }

    #[test]
    fn names_that_differ_in_capitals_only_are_duplicates() {
        let twice = Manifest::new(vec![item("Keys/a", b"1"), item("keys/A", b"2")]);
        assert!(matches!(twice, Err(ManifestError::Duplicate { .. })), "{twice:?}");
    }

    #[test]
    fn a_bundle_has_at_most_4096_files() {
        let items = |n: usize| (0..n).map(|at| item(&format!("f{at}"), b"")).collect::<Vec<_>>();
        let full = Manifest::new(items(4096)).unwrap();
        assert_eq!(Manifest::parse(full.to_text().as_bytes()), Ok(full.clone()));
        assert_eq!(Manifest::new(items(4097)), Err(ManifestError::TooMany { found: 4097 }));
        // Reading stops at the first file too many: the second is not looked at.
        let more = full.to_text() + "# 0 bytes\n" + &"0".repeat(64) + "  z\n# 0 bytes\nnothing\n";
        assert_eq!(Manifest::parse(more.as_bytes()), Err(ManifestError::TooMany { found: 4097 }));
    }

    #[track_caller]
    fn refused(from: &str, to: &str, expected: ManifestError) {
        assert!(TWO.contains(from));
        assert_eq!(Manifest::parse(TWO.replacen(from, to, 1).as_bytes()), Err(expected), "{from:?} -> {to:?}");
    }

    #[test]
    fn only_the_exact_form_is_read() {
        let line = |line, expected, found: &str| ManifestError::Line { line, expected, found: found.to_owned() };
        let size = "`# N bytes`";
        let entry = "64 lower-case hex digits, two spaces, a name";
        let header = "`# conclave-manifest-v1`";
        refused("-v1", "-v2", line(1, header, "# conclave-manifest-v2"));
        refused("-v1\n", "-v1\r\n", line(1, header, "# conclave-manifest-v1\r"));
        refused(TWO, "", line(1, header, ""));
        let first = TWO.lines().nth(2).unwrap();
        refused("# 0 bytes\n", "", line(2, size, &first[..60]));
        refused("# 3 bytes", "# -3 bytes", line(4, size, "# -3 bytes"));
        refused("# 3 bytes", "# 99999999999999999999 bytes", line(4, size, "# 99999999999999999999 bytes"));
        refused("  Zone", " Zone", line(3, entry, &first[..60]));
        refused("  Zone", " *Zone", line(3, entry, &first[..60]));
        refused("e3b0", "e3b", line(3, entry, &format!("e3b{}", &first[4..61])));
        refused("e3b0", "g3b0", line(3, entry, &format!("g{}", &first[1..60])));
        refused("e3b0", "E3b0", ManifestError::NotExact);
        refused("# 3", "# 03", ManifestError::NotExact);
        refused("# 3", "# +3", ManifestError::NotExact);
        refused("ksk.pem\n", "ksk.pem", ManifestError::NotExact);
        refused("ksk.pem\n", "ksk.pem\n\n", line(6, size, ""));
        refused("ksk.pem\n", "ksk.pem\n# 1 bytes\n", line(7, entry, ""));
        refused("Zone", "zone", ManifestError::NotExact);
        let climbing = FileName::new(b"../ksk.pem").unwrap_err();
        refused("keys/ksk", "../ksk", ManifestError::Name { line: 5, source: climbing });
    }
}
