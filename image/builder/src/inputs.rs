//! Gets the locked inputs, or says in words why it cannot; and writes the lock anew when a person asks.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_publish::Digest;

use crate::lock::{Drift, Entry, Kind};
use crate::run::{Failure, at, digest, fresh_dir, make_dir, read_text, run, write};
use crate::{packages, sources};

/// Components of the Rust toolchain that shape the bits; others (documentation, sources, lints) may come and go.
const RUST_COMPONENTS: [&str; 3] = ["rustc", "rust-std", "cargo"];
/// The one host and target.
const RUST_HOST: &str = "x86_64-unknown-linux-gnu";

/// Makes sure every locked package lies in the cache with the right bytes; asks the archive only for missing ones.
pub(crate) fn fetch(lock: &[Entry], cache: &Path, scratch: &Path) -> Result<Vec<(Entry, PathBuf)>, Failure> {
    let store = cache.join("debs");
    make_dir(&store)?;
    let debs = || lock.iter().filter(|entry| entry.kind == Kind::Deb);
    let place = |entry: &Entry| store.join(format!("{}.deb", entry.digest));
    let missing: Vec<&Entry> = debs().filter(|entry| !place(entry).exists()).collect();
    if !missing.is_empty() {
        // First what the archive says it has, so that a changed or vanished package is named before anything is fetched.
        update()?;
        let offers = offers(missing.iter().copied(), scratch)?;
        for entry in &missing {
            let offered = offer_for(&offers, entry).and_then(|offer| offer.digest);
            entry.judge("the archive offers", offered.ok_or_else(|| gone(entry, &place(entry)))?)?;
        }
        fresh_dir(scratch)?;
        run(download(missing.iter().copied()).current_dir(scratch))?;
        for file in at("list", scratch, std::fs::read_dir(scratch))? {
            let file = at("list", scratch, file)?.path();
            let target = store.join(format!("{}.deb", digest(&file)?));
            // Copied beside its place and renamed: a cut-off copy never bears the name of a whole one.
            let partial = target.with_extension("partial");
            at("store", &partial, std::fs::copy(&file, &partial))?;
            at("store", &target, std::fs::rename(&partial, &target))?;
        }
    }
    let mut found = Vec::new();
    for entry in debs() {
        let path = place(entry);
        if !path.exists() {
            entry.judge("apt delivered other bytes than it offered, digest", Digest::new([0; 32]))?;
        }
        entry.judge("the cached file has", digest(&path)?)?;
        found.push((entry.clone(), path));
    }
    Ok(found)
}

/// A package the archive dropped, with what a stranger does to have it at `place` all the same.
fn gone(entry: &Entry, place: &Path) -> Drift {
    let Entry { arch, digest, .. } = entry;
    let (input, place) = (entry.input(), place.display());
    let rebuilds =
        format!("takes {input} for {arch} with SHA-256 {digest} from Debian's snapshot archive and puts it at {place}");
    Drift::Gone { input, rebuilds }
}

/// A package as apt's listings name it.
struct Offer {
    name: String,
    version: String,
    arch: String,
    /// Missing where apt prints a weaker digest only.
    digest: Option<Digest>,
}

/// What the archive offers now for these names and versions.
fn offers<'a>(wanted: impl Iterator<Item = &'a Entry> + Clone, scratch: &Path) -> Result<Vec<Offer>, Failure> {
    // In an empty directory, because apt prints nothing for a file that already lies in it; one by one if the whole
    // list is refused, because apt then stops at the first version it does not know.
    fresh_dir(scratch)?;
    let ask = |entries: &mut dyn Iterator<Item = &'a Entry>| {
        run(download(entries).arg("--print-uris").current_dir(scratch)).map(|text| printed(&text))
    };
    if let Ok(all) = ask(&mut wanted.clone()) {
        return Ok(all);
    }
    Ok(wanted.flat_map(|entry| ask(&mut std::iter::once(entry)).unwrap_or_default()).collect())
}

/// Asks the archive what it has today.
fn update() -> Result<(), Failure> {
    let update = "[ \"$(id -u)\" = 0 ] || exec sudo apt-get -qq update; apt-get -qq update";
    run(Command::new("sh").args(["-euc", update])).map(drop)
}

fn download<'a>(entries: impl Iterator<Item = &'a Entry>) -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-qq", "download"]).env("LC_ALL", "C");
    command.args(entries.map(|entry| format!("{}={}", entry.name, entry.version)));
    command
}

/// Reads apt's `'URI' NAME_VERSION_ARCH.deb SIZE HASH` lines; anything else is small talk.
fn printed(text: &str) -> Vec<Offer> {
    let offer = |line: &str| {
        let mut words = line.strip_prefix('\'')?.split(' ').skip(1);
        let (file, _size, hash) = (words.next()?, words.next()?, words.next()?);
        let mut parts = file.strip_suffix(".deb")?.split('_');
        let (name, version, arch) = (parts.next()?, parts.next()?, parts.next()?);
        let digest = hash.strip_prefix("SHA256:").and_then(|hex| hex.parse().ok());
        // apt writes the colon of an epoch as %3a.
        Some(Offer { name: name.into(), version: version.replace("%3a", ":"), arch: arch.into(), digest })
    };
    text.lines().filter_map(offer).collect()
}

/// The lock as it would be today: all that `packages` depend on, on an empty machine, and the installed toolchain.
pub(crate) fn refresh(packages: &Path, scratch: &Path, sysroot: &Path) -> Result<Vec<Entry>, Failure> {
    let packages = packages::read(&read_text(packages)?)?;
    // Before anything is asked, or it would be about what the archive had when somebody asked last.
    update()?;
    fresh_dir(scratch)?;
    let preferences = scratch.join("preferences");
    write(&preferences, packages::preferences(&packages))?;
    let mut install = Command::new("apt-get");
    install.env("LC_ALL", "C").args(["-qq", "-y", "--print-uris", "--no-install-recommends"]);
    install.arg("-o").arg(format!("Dir::Etc::preferences={}", preferences.display()));
    install.args(["-o", "Dir::Etc::preferencesparts=/dev/null", "-o", "Dir::State::status=/dev/null", "install"]);
    install.args(packages.iter().map(|package| &package.name));
    // This listing knows what is needed but carries MD5 for most packages; the other one knows the SHA-256.
    let needed = printed(&run(&mut install)?).into_iter().map(|Offer { name, version, arch, .. }| {
        let digest = Digest::new([0; 32]);
        Entry { kind: Kind::Deb, name, version, arch, digest }
    });
    let mut entries: Vec<Entry> = needed.collect();
    let offers = offers(entries.iter(), scratch)?;
    for entry in &mut entries {
        let Some(digest) = offer_for(&offers, entry).and_then(|offer| offer.digest) else {
            return Err(Failure::NotOffered(entry.input()));
        };
        entry.digest = digest;
    }
    entries.extend(sources::locked(&entries, scratch)?);
    entries.push(toolchain(sysroot)?);
    Ok(entries)
}

fn offer_for<'a>(offers: &'a [Offer], entry: &Entry) -> Option<&'a Offer> {
    offers.iter().find(|offer| (&offer.name, &offer.version) == (&entry.name, &entry.version))
}

/// The installed Rust toolchain as a lock line: a digest over the names and digests of its files.
pub(crate) fn toolchain(sysroot: &Path) -> Result<Entry, Failure> {
    let version = run(Command::new(sysroot.join("bin/rustc")).arg("--version"))?;
    let version = version.split(' ').nth(1).unwrap_or_default().to_string();
    let mut sums = String::new();
    for component in RUST_COMPONENTS {
        let manifest = sysroot.join(format!("lib/rustlib/manifest-{component}-{RUST_HOST}"));
        let listed = read_text(&manifest)?;
        let mut files: Vec<&str> = listed.lines().filter_map(|line| line.strip_prefix("file:")).collect();
        files.retain(|file| file.starts_with("bin/") || file.starts_with("lib/") || file.starts_with("libexec/"));
        files.sort_unstable();
        for file in files {
            sums += &format!("{} {file}\n", digest(&sysroot.join(file))?);
        }
    }
    let digest = Digest::of(sums.as_bytes());
    Ok(Entry { kind: Kind::Rust, name: "rust".into(), version, arch: RUST_HOST.into(), digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apts_listing_is_read_with_its_epoch_and_digest() {
        let hex = "ae95fe63d4c553f8d0e6c86cb1ab566f3894a43743eb19ab585cd97d82f26514";
        let text = format!("Reading package lists...\n'http://a/b.deb' gcc_4%3a12.2.0-3_amd64.deb 5216 SHA256:{hex}\n");
        let [offer] = printed(&text).try_into().unwrap_or_else(|_| panic!("one line"));
        assert_eq!((offer.name.as_str(), offer.version.as_str(), offer.arch.as_str()), ("gcc", "4:12.2.0-3", "amd64"));
        assert_eq!(offer.digest, hex.parse().ok());
        let [weak] = printed(&text.replace("SHA256", "MD5Sum")).try_into().unwrap_or_else(|_| panic!("one line"));
        assert_eq!(weak.digest, None);
    }

    #[test]
    fn who_rebuilds_what_the_archive_dropped_is_told_what_to_put_where() {
        let digest = Digest::of(b"package");
        let (name, version, arch) = ("make".into(), "4.3-4.1".into(), "amd64".into());
        let entry = Entry { kind: Kind::Deb, name, version, arch, digest };
        let said = gone(&entry, Path::new("/cache/debs/it.deb")).to_string();
        assert!(said.starts_with("GONE: make 4.3-4.1 is no longer offered"), "{said}");
        let takes = format!("takes make 4.3-4.1 for amd64 with SHA-256 {digest} from Debian's snapshot archive");
        assert!(said.contains(&takes) && said.contains("puts it at /cache/debs/it.deb"), "{said}");
        assert!(said.contains("maintains the image runs scripts/inputs --refresh"), "{said}");
    }

    #[test]
    fn one_changed_byte_of_a_cached_package_is_tampered() {
        let cache = std::env::temp_dir().join(format!("conclave-debs-{}", std::process::id()));
        let digest = Digest::of(b"package");
        let (name, version, arch) = ("make".into(), "4.3-4.1".into(), "amd64".into());
        let lock = [Entry { kind: Kind::Deb, name, version, arch, digest }];
        let deb = cache.join(format!("debs/{digest}.deb"));
        make_dir(&cache.join("debs")).unwrap();
        std::fs::write(&deb, b"package").unwrap();
        assert_eq!(fetch(&lock, &cache, &cache.join("scratch")).unwrap(), [(lock[0].clone(), deb.clone())]);
        std::fs::write(&deb, b"packagE").unwrap();
        let changed = fetch(&lock, &cache, &cache.join("scratch")).unwrap_err().to_string();
        assert!(changed.starts_with("TAMPERED: make 4.3-4.1 should have SHA-256"), "{changed}");
        assert!(changed.contains("the cached file has"), "{changed}");
        std::fs::remove_dir_all(cache).unwrap();
    }
}
