//! `inputs.lock`: every outside input of the image, by version and digest. Crates have their own lock, `Cargo.lock`.

use conclave_publish::Digest;

/// The beginning of a lock file; the rest is one input per line.
const HEADER: &str = "# Every input of the image from outside this tree, by digest. Written by scripts/inputs --refresh; crates: Cargo.lock.
# deb NAME VERSION ARCH SHA256, for each package the build room is unpacked from
# rust VERSION HOST SHA256, over the files of rustc, rust-std and cargo
# src NAME VERSION SHA256, of the .dsc of each Debian source package whose binaries are in the image
";
/// Most lines a lock may have: a hundred packages are needed.
const ENTRIES_MAX: usize = 1000;

/// One pinned input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) arch: String,
    pub(crate) digest: Digest,
}

/// Where an input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A Debian package, as the archive serves it.
    Deb,
    /// The Rust toolchain, as installed.
    Rust,
    /// A Debian source package, named for people who pass the image on; the build does not need it.
    Source,
}

/// Why a lock file is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LockError {
    #[error(
        "inputs.lock line {0}: expected `deb NAME VERSION ARCH SHA256`, `rust VERSION HOST SHA256` or `src NAME VERSION SHA256`, found `{1}`"
    )]
    Line(usize, String),
    #[error("inputs.lock: {0} is named twice")]
    Twice(String),
    #[error("inputs.lock: more than {ENTRIES_MAX} lines")]
    TooLong,
}

/// Reads a lock file; refuses anything that `write` would not have written.
pub(crate) fn read(text: &str) -> Result<Vec<Entry>, LockError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        if entries.len() == ENTRIES_MAX {
            return Err(LockError::TooLong);
        }
        let entry = entry(line).ok_or_else(|| LockError::Line(index + 1, line.into()))?;
        if entries.iter().any(|other| (other.kind, &other.name) == (entry.kind, &entry.name)) {
            return Err(LockError::Twice(entry.name));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn entry(line: &str) -> Option<Entry> {
    let words: Vec<&str> = line.split(' ').collect();
    let (kind, name, version, arch, digest) = match *words.as_slice() {
        ["deb", name, version, arch, digest] => (Kind::Deb, name, version, arch, digest),
        ["rust", version, host, digest] => (Kind::Rust, "rust", version, host, digest),
        ["src", name, version, digest] => (Kind::Source, name, version, "source", digest),
        _ => return None,
    };
    // Names become arguments and file names: only the characters that Debian allows in them (Debian Policy 5.6.1,
    // 5.6.12).
    let plain = |word: &str| !word.is_empty() && !word.starts_with('-') && word.bytes().all(allowed);
    if ![name, version, arch].into_iter().all(plain) {
        return None;
    }
    let digest: Digest = digest.parse().ok().filter(|read: &Digest| read.to_string() == digest)?;
    Some(Entry { kind, name: name.into(), version: version.into(), arch: arch.into(), digest })
}

fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.:~_".contains(&byte)
}

/// The lock file of these inputs: sorted, so that a refresh changes only the lines that changed.
pub(crate) fn write(mut entries: Vec<Entry>) -> String {
    entries.sort();
    let lines = entries.iter().map(|Entry { kind, name, version, arch, digest }| match kind {
        Kind::Deb => format!("deb {name} {version} {arch} {digest}\n"),
        Kind::Rust => format!("rust {version} {arch} {digest}\n"),
        Kind::Source => format!("src {name} {version} {digest}\n"),
    });
    std::iter::once(HEADER.to_string()).chain(lines).collect()
}

/// How an input differs from the lock.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Drift {
    /// Archive or toolchain moved on. No person did anything wrong. `ways` says how a person gets the same bits; a
    /// fresh lock can never give them.
    #[error(
        "GONE: {input}.\nThis is ordinary: it moved on. {ways} Whoever maintains the image runs scripts/inputs --refresh and \
         reviews the change of inputs.lock as a commit of its own: that makes another image."
    )]
    Gone { input: String, ways: String },
    /// The same version with other bytes: never ordinary.
    #[error(
        "TAMPERED: {input} should have SHA-256 {}, {who} {}. The same version must never have other bytes. \
         Do not refresh the lock; find out who changed it.", digests.0, digests.1
    )]
    Tampered { input: String, who: &'static str, digests: Box<(Digest, Digest)> },
}

impl Entry {
    /// Compares the file that a source offers or delivers for this very version with the lock.
    pub(crate) fn judge(&self, who: &'static str, found: Digest) -> Result<(), Drift> {
        judge(self.input(), self.digest, who, found)
    }

    /// Name and version, for people.
    pub(crate) fn input(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// Compares the digest found for a locked input with its digest in the lock.
pub(crate) fn judge(input: String, locked: Digest, who: &'static str, found: Digest) -> Result<(), Drift> {
    if found == locked { Ok(()) } else { Err(Drift::Tampered { input, who, digests: Box::new((locked, found)) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "deb gcc-12 12.2.0-14+deb12u1 amd64 \
                        00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn what_was_written_is_read_back_sorted() {
        let source = LINE.replace("deb ", "src ").replace(" amd64", "");
        let other = LINE.replace("gcc-12", "bc").replace("amd64", "all");
        let entries = read(&format!("{source}\n{LINE}\n{other}\n")).unwrap();
        let text = write(entries.clone());
        assert!(text.starts_with(HEADER));
        let again = read(&text).unwrap();
        assert_eq!(again.iter().map(|e| e.name.as_str()).collect::<Vec<_>>(), ["bc", "gcc-12", "gcc-12"]);
        assert_eq!(write(again), text);
    }

    #[test]
    fn each_defect_of_a_line_is_refused() {
        for bad in [
            LINE.replace("deb ", "rpm "),
            LINE.replace(" amd64", ""),
            LINE.replace("gcc-12", "-o"),
            LINE.replace("gcc-12", "../gcc"),
            LINE.replace("12.2.0-14+deb12u1", "12;id"),
            LINE.replace("ff", "f"),
            format!("{LINE} more"),
            String::new(),
        ] {
            assert_eq!(read(&bad.clone()).is_ok(), bad.is_empty(), "{bad}");
            assert!(read(&format!("{LINE}\n{bad}\n")).is_err(), "{bad}");
        }
        assert_eq!(read(&format!("{LINE}\n{LINE}\n")), Err(LockError::Twice("gcc-12".into())));
    }

    #[test]
    fn a_version_whose_bytes_changed_is_tampered() {
        let entry = read(LINE).unwrap().remove(0);
        assert_eq!(entry.judge("the archive offers", entry.digest), Ok(()));
        let changed = entry.judge("the archive offers", Digest::of(b"other")).unwrap_err().to_string();
        assert!(changed.starts_with("TAMPERED: gcc-12 12.2.0-14+deb12u1 should have"), "{changed}");
        assert!(changed.contains("Do not refresh"), "{changed}");
    }
}
