//! The package archive as apt authenticates it, asked with lists of its own: nothing of this machine's apt is changed, no
//! root is needed, and a machine of another Debian release asks for the same suites.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_publish::Digest;

use crate::lock::{Entry, Kind};
use crate::packages::{self, Package, RELEASE};
use crate::run::{Failure, fresh_dir, make_dir, run, write};

/// Suites of a release that move, as their names end.
const MOVING: [&str; 2] = ["-updates", "-security"];
/// Asks apt where Debian's packages come from: mirror, suite, component.
const TARGETS: [&str; 5] =
    ["indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages", "Origin: Debian"];

/// The archive of today.
pub(crate) struct Archive {
    /// Where this build's apt has its lists, sources and preferences.
    place: PathBuf,
}

/// One version of a package, as the archive's index has it.
#[derive(Debug, PartialEq, Eq)]
struct Offer<'a> {
    name: &'a str,
    version: &'a str,
    digest: Digest,
}

/// The archive's answer about one exact version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It has it, with these bytes.
    Bytes(Digest),
    /// It no longer has it.
    Nothing,
}

impl Archive {
    /// Fetches the signed lists of packages and sources from the mirrors this machine uses.
    pub(crate) fn open(place: &Path) -> Result<Self, Failure> {
        make_dir(&place.join("lists/partial"))?;
        let archive = Self { place: place.into() };
        let suites = archive.suites()?;
        let lines =
            ["deb", "deb-src"].into_iter().flat_map(|kind| suites.iter().map(move |suite| format!("{kind} {suite}\n")));
        write(&archive.place.join("sources.list"), lines.collect::<String>())?;
        write(&archive.place.join("preferences"), "")?;
        // A suite that cannot be asked must not pass for one that has nothing newer.
        run(archive.apt("apt-get").args(["-qq", "--error-on=any", "update"]))?;
        Ok(archive)
    }

    /// The suites of the release at this machine's mirrors, as a list of sources names them.
    fn suites(&self) -> Result<Vec<String>, Failure> {
        let known = suites(&run(Command::new("apt-get").args(TARGETS))?);
        if !known.is_empty() {
            return Ok(known);
        }
        // This machine never asked. Its other sources may fail: only Debian's sources count.
        let asked = run(self.lists("apt-get").args(["-qq", "update"]));
        let known = suites(&run(self.lists("apt-get").args(TARGETS))?);
        if known.is_empty() { Err(asked.err().unwrap_or(Failure::NoArchive)) } else { Ok(known) }
    }

    /// apt with this machine's sources and lists of its own.
    fn lists(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("LC_ALL", "C").args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none"]);
        command.arg("-o").arg(format!("Dir::State::lists={}", self.place.join("lists").display()));
        command.arg("-o").arg(format!("Dir::Cache={}", self.place.display()));
        command
    }

    /// apt with nothing of this machine but its mirrors, its proxy and the keys it trusts.
    fn apt(&self, program: &str) -> Command {
        let mut command = self.lists(program);
        command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", self.place.join("sources.list").display()));
        command.arg("-o").arg(format!("Dir::Etc::preferences={}", self.place.join("preferences").display()));
        command.args(["-o", "Dir::Etc::sourceparts=-", "-o", "Dir::Etc::preferencesparts=/dev/null"]);
        command.args(["-o", "Dir::State::status=/dev/null"]);
        command
    }

    /// The archive's answers about these versions, in their order.
    pub(crate) fn offered(&self, wanted: &[&Entry]) -> Result<Vec<Offered>, Failure> {
        let mut show = self.apt("apt-cache");
        let listed = match run(show.arg("show").args(wanted.iter().map(|entry| &entry.name))) {
            Err(Failure::Command { tail, .. }) if tail.contains("No packages found") => String::new(),
            listed => listed?,
        };
        let offers: Vec<Offer<'_>> = listed.split("\n\n").filter_map(offer).collect();
        let offered = |entry: &&Entry| {
            let same =
                |offer: &&Offer<'_>| (offer.name, offer.version) == (entry.name.as_str(), entry.version.as_str());
            let digests: Vec<Digest> = offers.iter().filter(same).map(|offer| offer.digest).collect();
            // More than one suite may have it.
            let right = digests.iter().find(|digest| **digest == entry.digest);
            right.or(digests.first()).map_or(Offered::Nothing, |digest| Offered::Bytes(*digest))
        };
        Ok(wanted.iter().map(offered).collect())
    }

    fn download(&self, entries: &[&Entry]) -> Command {
        let mut command = self.apt("apt-get");
        command.args(["-qq", "download"]);
        command.args(entries.iter().map(|entry| format!("{}={}", entry.name, entry.version)));
        command
    }

    /// Fetches these into an emptied directory; apt compares them with its signed lists.
    pub(crate) fn fetch(&self, entries: &[&Entry], into: &Path) -> Result<(), Failure> {
        fresh_dir(into)?;
        run(self.download(entries).current_dir(into)).map(drop)
    }

    /// All that the `named` ones of `packages` and the files `at_hand` depend on, on an empty machine, by the suites that
    /// `packages` come from.
    pub(crate) fn resolve(
        &self,
        packages: &[Package],
        named: &[&str],
        at_hand: &[(&Entry, PathBuf)],
    ) -> Result<Vec<Entry>, Failure> {
        write(&self.place.join("preferences"), packages::preferences(packages))?;
        let mut install = self.apt("apt-get");
        install.args(["-qq", "-y", "--print-uris", "--no-install-recommends", "install"]);
        install.args(at_hand.iter().map(|(_, file)| file)).args(named);
        // This listing knows the needed packages but carries MD5 for most of them; the index knows the SHA-256.
        let mut entries = printed(&run(&mut install)?);
        // Files are listed, too, and need not be in the index.
        entries
            .retain(|listed| !at_hand.iter().any(|(at, _)| (&at.name, &at.version) == (&listed.name, &listed.version)));
        let offered = self.offered(&entries.iter().collect::<Vec<_>>())?;
        for (entry, offered) in entries.iter_mut().zip(offered) {
            match offered {
                Offered::Bytes(digest) => entry.digest = digest,
                Offered::Nothing => return Err(Failure::NotOffered(entry.input())),
            }
        }
        Ok(entries)
    }

    /// The digest of the `.dsc` file of a source package, which names the digests of all its other files.
    pub(crate) fn source(&self, name: &str, version: &str) -> Result<Digest, Failure> {
        let listed = run(self.apt("apt-get").args(["-qq", "--print-uris", "source"]).arg(format!("{name}={version}")))?;
        description(&listed).ok_or_else(|| Failure::NoSource(format!("{name} {version}")))
    }

    /// Which package each of these needs, as pairs of names.
    pub(crate) fn needs(&self, names: &[&str]) -> Result<Vec<(String, String)>, Failure> {
        let listed = run(self.apt("apt-cache").args(["depends", "--important"]).args(names))?;
        Ok(needs(&listed))
    }
}

/// The release's suites at the mirrors of a listing of [`TARGETS`], whatever release the machine is of.
fn suites(targets: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in targets.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [mirror, suite, "main"] = *words.as_slice() else { continue };
        let (_, ending) = suite.split_once('-').map_or((suite, String::new()), |(name, end)| (name, format!("-{end}")));
        let suite = format!("{mirror} {RELEASE}{ending} main");
        if (ending.is_empty() || MOVING.contains(&ending.as_str())) && !found.contains(&suite) {
            found.push(suite);
        }
    }
    found
}

/// Reads apt's `'URI' NAME_VERSION_ARCH.deb SIZE HASH` lines, without the hash, which is MD5; anything else is small talk.
fn printed(text: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let file = line.strip_prefix('\'')?.split(' ').nth(1)?;
        let mut parts = file.strip_suffix(".deb")?.split('_');
        let (name, version, arch) = (parts.next()?, parts.next()?, parts.next()?);
        // apt writes the colon of an epoch as %3a.
        let version = version.replace("%3a", ":");
        Some(Entry { kind: Kind::Deb, name: name.into(), version, arch: arch.into(), digest: Digest::new([0; 32]) })
    };
    text.lines().filter_map(entry).collect()
}

/// Reads one record of an index; one without a SHA-256 is no offer.
fn offer(record: &str) -> Option<Offer<'_>> {
    let value = |name: &str| record.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    Some(Offer { name: value("Package")?, version: value("Version")?, digest: value("SHA256")?.parse().ok()? })
}

/// The digest of the `.dsc` file among apt's `'URI' FILE SIZE SHA256:HEX` lines.
fn description(listed: &str) -> Option<Digest> {
    listed.lines().find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let [_uri, file, _len, hash] = words.as_slice() else { return None };
        file.ends_with(".dsc").then(|| hash.strip_prefix("SHA256:")?.parse().ok())?
    })
}

/// Reads a listing of `apt-cache depends`: a package at the margin, `Depends: NAME` and `PreDepends: NAME` set in below it.
fn needs(listed: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut package = "";
    for line in listed.lines() {
        match line.trim_start_matches([' ', '|']).split_once("epends: ") {
            Some((_, needed)) => found.push((package.to_owned(), needed.to_owned())),
            None if !line.starts_with(' ') => package = line,
            None => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_listing_is_read_with_its_epoch() {
        let text = "Reading package lists...\n'http://a/b.deb' gcc_4%3a12.2.0-3_amd64.deb 5216 MD5Sum:00\n";
        let [entry] = printed(text).try_into().unwrap_or_else(|_| panic!("one line"));
        assert_eq!((entry.name.as_str(), entry.version.as_str(), entry.arch.as_str()), ("gcc", "4:12.2.0-3", "amd64"));
    }

    #[test]
    fn a_record_of_the_index_is_an_offer_if_it_has_a_sha_256() {
        let digest = Digest::of(b"deb");
        let text =
            format!("Package: gcc\nVersion: 4:12.2.0-3\nMD5sum: 00\nSHA256: {digest}\nDescription: a\n Version: 5\n");
        assert_eq!(offer(&text), Some(Offer { name: "gcc", version: "4:12.2.0-3", digest }));
        assert_eq!(offer(&text.replace("SHA256", "SHA1")), None);
        assert_eq!(offer(""), None);
    }

    #[test]
    fn every_machine_of_debian_asks_for_the_same_suites() {
        let bookworm = "http://m/debian/ bookworm main\nhttp://m/debian/ bookworm-updates main\n\
                        http://m/debian/ bookworm main\nhttp://m/security/ bookworm-security main\n";
        let same = ["http://m/debian/ bookworm main", "http://m/debian/ bookworm-updates main"];
        let same = [&same[..], &["http://m/security/ bookworm-security main"]].concat();
        assert_eq!(suites(bookworm), same);
        assert_eq!(suites(&bookworm.replace("bookworm", "trixie")), same);
        let others = "http://m/debian/ trixie-backports main\nhttp://m/debian/ trixie contrib\n\nx\n";
        assert_eq!(suites(others), Vec::<String>::new());
    }

    #[test]
    fn the_description_is_found_among_the_files_of_a_source() {
        let digest = Digest::of(b"dsc");
        let text = format!("'u' a.orig.tar.xz 9 SHA256:{}\n'u' a_1.dsc 9 SHA256:{digest}\n", Digest::of(b"tar"));
        assert_eq!(description(&text), Some(digest));
        assert_eq!(description(&text.replace(".dsc", ".xyz")), None);
        assert_eq!(description(&text.replace("SHA256", "MD5Sum")), None);
    }

    #[test]
    fn what_needs_what_is_read_from_apts_listing() {
        let text = "gcc\n  PreDepends: dpkg\n |Depends: cpp\n  Depends: gcc-12\n    other\nbc\n";
        let pairs = [("gcc", "dpkg"), ("gcc", "cpp"), ("gcc", "gcc-12")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(needs(text), pairs);
    }
}
