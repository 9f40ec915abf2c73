//! Which Debian source packages the image's binaries were built from: names, versions and digests for the lock.
//!
//! The build does not need them. A person who passes the image on has to offer them, and the lock says exactly which.

use crate::archive::Archive;
use crate::lock::{Entry, Kind};
use crate::run::Failure;
use crate::shipped;

/// The sources of these packages, as names and versions.
pub(crate) fn versions(debs: &[Entry]) -> Result<Vec<(&'static str, String)>, Failure> {
    let version = |(source, package): (&'static str, &'static str)| {
        let deb = debs.iter().find(|entry| entry.kind == Kind::Deb && entry.name == package);
        Ok((source, built_from(&deb.ok_or(Failure::NotLocked(package))?.version).to_owned()))
    };
    shipped::sources().map(version).collect()
}

/// The lock's line of a source, as the archive offers it.
pub(crate) fn entry(archive: &Archive, name: &str, version: &str) -> Result<Entry, Failure> {
    let digest = archive.source(name, version)?;
    Ok(Entry { kind: Kind::Source, name: name.into(), version: version.into(), arch: "source".into(), digest })
}

/// The source version of a binary version: Debian counts a rebuild without a change as `+b1`.
fn built_from(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, count)) if !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit()) => source,
        _ => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_built_again_has_the_source_of_the_first() {
        for (binary, source) in [
            ("12.2.0-14+deb12u1", "12.2.0-14+deb12u1"),
            ("1.12+b1", "1.12"),
            ("1.12+b", "1.12+b"),
            ("2+bzr", "2+bzr"),
            ("4.2-1", "4.2-1"),
        ] {
            assert_eq!(built_from(binary), source, "{binary}");
        }
    }
}
