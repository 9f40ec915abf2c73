//! Which Debian source packages the image's binaries were built from: names, versions and digests for the lock.
//!
//! The build does not need them. Whoever passes the image on has to offer them, and the lock says exactly which.

use std::path::Path;
use std::process::Command;

use conclave_publish::Digest;

use crate::lock::{Entry, Kind};
use crate::run::{Failure, fresh_dir, make_dir, run, write};
use crate::shipped;

/// Asks the archives this machine uses for the sources of these packages, without changing what the machine asks for.
pub(crate) fn locked(debs: &[Entry], scratch: &Path) -> Result<Vec<Entry>, Failure> {
    fresh_dir(scratch)?;
    make_dir(&scratch.join("lists/partial"))?;
    let format = "deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)";
    let binary = ["Created-By: Packages", "Origin: Debian"];
    let archives = run(Command::new("apt-get").args(["indextargets", "--format", format]).args(binary))?;
    write(&scratch.join("sources.list"), archives)?;
    run(apt(scratch).args(["-qq", "update"]))?;
    let entry = |(source, package): (&str, &'static str)| {
        let Some(deb) = debs.iter().find(|entry| entry.name == package) else {
            return Err(Failure::NotLocked(package));
        };
        let version = built_from(&deb.version);
        let listed = run(apt(scratch).args(["-qq", "--print-uris", "source"]).arg(format!("{source}={version}")))?;
        let digest = description(&listed).ok_or_else(|| Failure::NoSource(format!("{source} {version}")))?;
        Ok(Entry { kind: Kind::Source, name: source.into(), version: version.into(), arch: "source".into(), digest })
    };
    shipped::sources().map(entry).collect()
}

/// `apt-get` with lists of its own below `scratch`.
fn apt(scratch: &Path) -> Command {
    let mut command = Command::new("apt-get");
    let set = |name: &str, value: &Path| format!("{name}={}", value.display());
    command.env("LC_ALL", "C").args(["-o", "APT::Sandbox::User=root", "-o", "Dir::Etc::sourceparts=-"]);
    command.args(["-o", &set("Dir::State::lists", &scratch.join("lists"))]);
    command.args(["-o", &set("Dir::Etc::sourcelist", &scratch.join("sources.list"))]);
    command.args(["-o", &set("Dir::Cache", scratch)]);
    command
}

/// The source version of a binary one: what Debian built again without a change counts it as `+b1`.
fn built_from(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, count)) if !count.is_empty() && count.bytes().all(|digit| digit.is_ascii_digit()) => source,
        _ => version,
    }
}

/// The digest of the `.dsc` file among apt's `'URI' FILE SIZE SHA256:HEX` lines; it names the digests of all others.
fn description(listed: &str) -> Option<Digest> {
    listed.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [_uri, file, _len, hash] = words.as_slice() else { return None };
        file.ends_with(".dsc").then(|| hash.strip_prefix("SHA256:")?.parse().ok())?
    })
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

    #[test]
    fn the_description_is_found_among_the_files_of_a_source() {
        let digest = Digest::of(b"dsc");
        let text = format!("'u' a.orig.tar.xz 9 SHA256:{}\n'u' a_1.dsc 9 SHA256:{digest}\n", Digest::of(b"tar"));
        assert_eq!(description(&text), Some(digest));
        assert_eq!(description(&text.replace(".dsc", ".xyz")), None);
        assert_eq!(description(&text.replace("SHA256", "MD5Sum")), None);
    }
}
