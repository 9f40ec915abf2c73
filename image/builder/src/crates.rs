//! The locked crates: which they are, and that the ones on this machine have the bytes `Cargo.lock` says.
//!
//! Cargo compares a crate with its lock when it downloads it, and never again: one changed later in its cache is
//! vendored and compiled as if nothing had happened.

use std::path::{Path, PathBuf};

use conclave_publish::Digest;

use crate::lock::judge;
use crate::run::{Failure, at, digest};

/// A crate from the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Locked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// SHA-256 of its `.crate` file.
    pub(crate) digest: Digest,
}

/// The crates a `Cargo.lock` pins; those of this tree have no digest there and are left out.
pub(crate) fn locked(text: &str) -> Result<Vec<Locked>, Failure> {
    let mut found = Vec::new();
    for package in text.split("[[package]]\n").skip(1) {
        let value = |key: &str| {
            package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
        };
        if value("source").is_none() {
            continue;
        }
        let pinned = || Some((value("name")?, value("version")?, value("checksum")?.parse().ok()?));
        let Some((name, version, digest)) = pinned() else {
            return Err(Failure::CargoLock(package.lines().next().unwrap_or_default().into()));
        };
        found.push(Locked { name: name.into(), version: version.into(), digest });
    }
    Ok(found)
}

/// Compares every crate file in cargo's cache with the lock.
pub(crate) fn verify(locked: &[Locked], cargo_home: &Path) -> Result<(), Failure> {
    let cache = cargo_home.join("registry/cache");
    for registry in at("list", &cache, std::fs::read_dir(&cache))? {
        let registry = at("list", &cache, registry)?.path();
        for Locked { name, version, digest: wanted } in locked {
            let file: PathBuf = registry.join(format!("{name}-{version}.crate"));
            // One that is missing is cargo's to name.
            if file.exists() {
                judge(format!("{name} {version}"), *wanted, "cargo's cache has", digest(&file)?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{make_dir, write};

    const TEXT: &str = "version = 4\n\n[[package]]\nname = \"conclave\"\nversion = \"0.1.0\"\ndependencies = [\n \"der\",\n]\n\n\
        [[package]]\nname = \"der\"\nversion = \"0.8.0\"\nsource = \"registry+index\"\nchecksum = \"DIGEST\"\n";

    fn text(bytes: &[u8]) -> String {
        TEXT.replace("DIGEST", &Digest::of(bytes).to_string())
    }

    #[test]
    fn crates_of_the_registry_are_read_with_their_digests() {
        let [der] = locked(&text(b"crate")).unwrap().try_into().unwrap();
        assert_eq!(der, Locked { name: "der".into(), version: "0.8.0".into(), digest: Digest::of(b"crate") });
    }

    #[test]
    fn a_crate_of_the_registry_without_a_digest_is_refused() {
        assert!(locked(TEXT).unwrap_err().to_string().contains("name = \"der\""));
        assert!(locked(&text(b"crate").replace("checksum", "check")).is_err());
    }

    #[test]
    fn one_changed_byte_of_a_cached_crate_is_tampered() {
        let home = std::env::temp_dir().join(format!("conclave-crates-{}", std::process::id()));
        let registry = home.join("registry/cache/index");
        make_dir(&registry).unwrap();
        let locked = locked(&text(b"crate")).unwrap();
        verify(&locked, &home).unwrap();
        write(&registry.join("der-0.8.0.crate"), b"crate").unwrap();
        verify(&locked, &home).unwrap();
        write(&registry.join("der-0.8.0.crate"), b"cratE").unwrap();
        let changed = verify(&locked, &home).unwrap_err().to_string();
        assert!(changed.starts_with("TAMPERED: der 0.8.0 should have SHA-256"), "{changed}");
        std::fs::remove_dir_all(home).unwrap();
    }
}
