//! Gets the locked inputs, or says in words why it cannot; and writes the lock again when a person asks.

use std::path::{Path, PathBuf};
use std::process::Command;

use conclave_publish::Digest;

use crate::archive::{Archive, Offered};
use crate::build::Places;
use crate::lock::{self, Drift, Entry, Kind};
use crate::packages::Package;
use crate::run::{Failure, at, digest, fresh_dir, make_dir, read_text, run};
use crate::{kept, packages, sources};

/// Components of the Rust toolchain that shape the bits; others (documentation, sources, lints) may come and go.
const RUST_COMPONENTS: [&str; 3] = ["rustc", "rust-std", "cargo"];
/// The one host and target.
const RUST_HOST: &str = "x86_64-unknown-linux-gnu";

/// How inputs are looked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search<'a> {
    /// A folder, or the address of one, where packages lie that the archive may have dropped.
    pub(crate) from: Option<&'a str>,
    /// Whether an offered package is taken in place of a package that the archive dropped; the image then says so.
    pub(crate) offered: bool,
}

/// The inputs from which an image is built.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// The packages with their files.
    pub(crate) debs: Vec<(Entry, PathBuf)>,
    /// The lock these inputs would be locked by: the tree's own where nothing moved.
    pub(crate) used: Vec<Entry>,
    /// The packages that were taken in place of locked packages.
    pub(crate) moved: Vec<Moved>,
}

/// How the packages of an image differ from the locked ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// The archive dropped the first; the second is taken.
    Replaced(Entry, Entry),
    /// The archive dropped it, and nothing needs it any more.
    Unneeded(Entry),
    /// A package that replaces others needs it, too.
    Added(Entry),
}

impl std::fmt::Display for Moved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Replaced(locked, taken) => write!(f, "{} is gone, {} is taken", locked.input(), taken.version),
            Self::Unneeded(locked) => write!(f, "{} is gone, nothing needs it now", locked.input()),
            Self::Added(taken) => write!(f, "{} is needed now", taken.input()),
        }
    }
}

/// Makes sure every package lies in the cache with the right bytes; asks the archive only for missing ones.
pub(crate) fn collect(places: &Places, search: Search<'_>) -> Result<Inputs, Failure> {
    let image = places.tree.join("image");
    let lock = lock::read(&read_text(&image.join("inputs.lock"))?)?;
    let store = Store { place: places.cache.join("debs") };
    make_dir(&store.place)?;
    let is_deb = |entry: &&Entry| entry.kind == Kind::Deb;
    if let Some(from) = search.from {
        let missing: Vec<&Entry> = lock.iter().filter(is_deb).filter(|entry| !store.has(entry)).collect();
        kept::take(from, &missing, &places.work.join("kept"), &store)?;
    }
    let missing: Vec<&Entry> = lock.iter().filter(is_deb).filter(|entry| !store.has(entry)).collect();
    let mut used = lock.clone();
    let mut moved = Vec::new();
    if !missing.is_empty() {
        let archive = Archive::open(&places.work.join("apt"))?;
        // The archive's answer, before anything is fetched, so that a changed or vanished package is named first.
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for (&entry, offered) in missing.iter().zip(archive.offered(&missing)?) {
            match offered {
                Offered::Bytes(offered) => {
                    entry.judge("the archive offers", offered)?;
                    there.push(entry);
                }
                Offered::Nothing => gone.push(entry),
            }
        }
        if !gone.is_empty() && !search.offered {
            return Err(dropped(&gone).into());
        }
        store.download(&archive, &there, &places.work.join("fetch"))?;
        if !gone.is_empty() {
            (used, moved) = replace(&archive, &image, &store, &lock, &gone)?;
            let new: Vec<&Entry> = used.iter().filter(is_deb).filter(|entry| !store.has(entry)).collect();
            store.download(&archive, &new, &places.work.join("fetch"))?;
        }
    }
    let debs = used.iter().filter(is_deb).map(|entry| Ok((entry.clone(), store.sound(entry)?)));
    Ok(Inputs { debs: debs.collect::<Result<_, Failure>>()?, used, moved })
}

/// The lock with the offered packages in place of the packages that the archive dropped, and the differences of the
/// two.
fn replace(
    archive: &Archive,
    image: &Path,
    store: &Store,
    lock: &[Entry],
    gone: &[&Entry],
) -> Result<(Vec<Entry>, Vec<Moved>), Failure> {
    let packages = packages::read(&read_text(&image.join("packages.txt"))?)?;
    let is_gone = |name: &str| gone.iter().any(|entry| entry.name == name);
    let named: Vec<&str> = packages.iter().map(|package| package.name.as_str()).filter(|name| is_gone(name)).collect();
    let at_hand = lock.iter().filter(|entry| entry.kind == Kind::Deb && store.has(entry));
    let at_hand: Vec<(&Entry, PathBuf)> = at_hand.map(|entry| (entry, store.path(entry))).collect();
    let resolved = archive
        .resolve(&packages, &named, &at_hand)
        .map_err(|apt| Failure::NotReplaced { gone: dropped(gone).to_string(), apt: apt.to_string() })?;
    let find = |name: &str| resolved.iter().find(|entry| entry.name == name);
    let (mut used, mut moved) = (Vec::new(), Vec::new());
    for entry in lock.iter().filter(|entry| entry.kind != Kind::Source) {
        if entry.kind == Kind::Deb && is_gone(&entry.name) {
            let taken = find(&entry.name).cloned();
            used.extend(taken.clone());
            let unneeded = || Moved::Unneeded(entry.clone());
            moved.push(taken.map_or_else(unneeded, |taken| Moved::Replaced(entry.clone(), taken)));
        } else {
            used.push(entry.clone());
        }
    }
    for new in resolved.iter().filter(|new| !lock.iter().any(|old| (old.kind, &old.name) == (Kind::Deb, &new.name))) {
        used.push(new.clone());
        moved.push(Moved::Added(new.clone()));
    }
    used.extend(replaced_sources(archive, lock, &used)?);
    Ok((used, moved))
}

/// The sources of these packages: as locked where their versions are, or as the archive offers them.
fn replaced_sources(archive: &Archive, lock: &[Entry], used: &[Entry]) -> Result<Vec<Entry>, Failure> {
    let mut found = Vec::new();
    for (source, version) in sources::versions(used)? {
        let locked = lock.iter().find(|old| (old.kind, &*old.name, &*old.version) == (Kind::Source, source, &*version));
        found.push(match locked {
            Some(locked) => locked.clone(),
            None => sources::entry(archive, source, &version)?,
        });
    }
    Ok(found)
}

/// Packages that the archive dropped, with the way for a stranger to have them all the same.
fn dropped(gone: &[&Entry]) -> Drift {
    let line = |entry: &&Entry| format!("\n  {} for {}, SHA-256 {}", entry.input(), entry.arch, entry.digest);
    let lines: String = gone.iter().map(line).collect();
    Drift::Gone {
        input: format!("the package archive of this machine no longer offers{lines}"),
        ways: "Whoever rebuilds a published commit puts these, from the folder `inputs` beside the published image or from \
               Debian's snapshot archive, into one folder under any names and adds --from FOLDER, or --from ADDRESS of a \
               folder where each is called SHA256.deb. Whoever rehearses or tests adds --offered: the image is then built \
               from what the archive offers now, says MOVED INPUTS on every screen and is refused where it counts."
            .into(),
    }
}

/// Packages by the digest of their bytes.
pub(crate) struct Store {
    place: PathBuf,
}

impl Store {
    /// Where a package lies, or would.
    pub(crate) fn path(&self, entry: &Entry) -> PathBuf {
        self.place.join(format!("{}.deb", entry.digest))
    }

    fn has(&self, entry: &Entry) -> bool {
        self.path(entry).exists()
    }

    /// Takes a file in under the digest of its bytes.
    pub(crate) fn take(&self, file: &Path) -> Result<(), Failure> {
        let target = self.place.join(format!("{}.deb", digest(file)?));
        // Copied beside its place and renamed: a cut-off copy never bears the name of a whole one.
        let partial = target.with_extension("partial");
        at("store", &partial, std::fs::copy(file, &partial))?;
        at("store", &target, std::fs::rename(&partial, &target))
    }

    fn download(&self, archive: &Archive, entries: &[&Entry], scratch: &Path) -> Result<(), Failure> {
        if entries.is_empty() {
            return Ok(());
        }
        archive.fetch(entries, scratch)?;
        for file in at("list", scratch, std::fs::read_dir(scratch))? {
            self.take(&at("list", scratch, file)?.path())?;
        }
        fresh_dir(scratch)
    }

    /// The file of a package, if its bytes are the right ones.
    fn sound(&self, entry: &Entry) -> Result<PathBuf, Failure> {
        let path = self.path(entry);
        if !path.exists() {
            entry.judge("apt delivered other bytes than it offered, digest", Digest::new([0; 32]))?;
        }
        entry.judge("the cached file has", digest(&path)?)?;
        Ok(path)
    }
}

/// The lock as it would be today: all that `packages` depend on, on an empty machine, and the installed toolchain.
pub(crate) fn refresh(packages: &[Package], archive: &Archive, sysroot: &Path) -> Result<Vec<Entry>, Failure> {
    let named: Vec<&str> = packages.iter().map(|package| package.name.as_str()).collect();
    let mut entries = archive.resolve(packages, &named, &[])?;
    for (source, version) in sources::versions(&entries)? {
        entries.push(sources::entry(archive, source, &version)?);
    }
    entries.push(toolchain(sysroot)?);
    Ok(entries)
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
    use crate::run::write;

    fn entry(bytes: &[u8]) -> Entry {
        let (name, version, arch) = ("make".into(), "1:4.3-4.1".into(), "amd64".into());
        Entry { kind: Kind::Deb, name, version, arch, digest: Digest::of(bytes) }
    }

    /// A tree with a lock that names one package, and an empty cache, in a folder of its own.
    fn tree(name: &str) -> (Places, PathBuf) {
        let top = std::env::temp_dir().join(format!("conclave-inputs-{name}-{}", std::process::id()));
        fresh_dir(&top.join("image")).unwrap();
        write(&top.join("image/inputs.lock"), lock::write(vec![entry(b"package")])).unwrap();
        let places = Places { work: top.join("work"), cache: top.join("cache"), tree: top.clone() };
        make_dir(&places.cache.join("debs")).unwrap();
        (places, top)
    }

    #[test]
    fn who_rebuilds_what_the_archive_dropped_is_told_what_to_bring() {
        let (one, two) = (entry(b"one"), entry(b"two"));
        let said = dropped(&[&one, &two]).to_string();
        for entry in [one, two] {
            let line = format!("\n  make 1:4.3-4.1 for amd64, SHA-256 {}", entry.digest);
            assert!(said.starts_with("GONE: ") && said.contains(&line), "{said}");
        }
        for way in ["--from FOLDER", "Debian's snapshot archive", "--offered", "scripts/inputs --refresh"] {
            assert!(said.contains(way), "{said}");
        }
    }

    #[test]
    fn one_changed_byte_of_a_cached_package_is_tampered() {
        let (places, top) = tree("cached");
        let file = places.cache.join(format!("debs/{}.deb", Digest::of(b"package")));
        write(&file, b"package").unwrap();
        let inputs = collect(&places, Search::default()).unwrap();
        assert_eq!((inputs.debs, inputs.moved), (vec![(entry(b"package"), file.clone())], vec![]));
        write(&file, b"packagE").unwrap();
        let changed = collect(&places, Search::default()).unwrap_err().to_string();
        assert!(changed.starts_with("TAMPERED: make 1:4.3-4.1 should have SHA-256"), "{changed}");
        assert!(changed.contains("the cached file has"), "{changed}");
        std::fs::remove_dir_all(top).unwrap();
    }

    #[test]
    fn a_kept_package_is_known_by_its_bytes_and_one_of_its_name_with_others_is_tampered() {
        let (places, top) = tree("kept");
        let kept = top.join("kept");
        let collect = || collect(&places, Search { from: kept.to_str(), offered: false });
        for name in [
            format!("{}.deb", Digest::of(b"package")),
            "make_1%3a4.3-4.1_amd64.deb".into(),
            "make_4.3-4.1_amd64.deb".into(),
        ] {
            fresh_dir(&kept).unwrap();
            write(&kept.join(&name), b"packagE").unwrap();
            let changed = collect().unwrap_err().to_string();
            assert!(changed.starts_with("TAMPERED: make 1:4.3-4.1 should have SHA-256"), "{name}: {changed}");
        }
        fresh_dir(&kept).unwrap();
        write(&kept.join("other.deb"), b"another package").unwrap();
        write(&kept.join("any name.deb"), b"package").unwrap();
        assert_eq!(collect().unwrap().moved, []);
        assert_eq!(std::fs::read_dir(places.cache.join("debs")).unwrap().count(), 1, "what is not locked is not taken");
        std::fs::remove_dir_all(top).unwrap();
    }
}
