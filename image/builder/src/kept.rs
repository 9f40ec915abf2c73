//! Packages that the archive dropped. They are taken by digest from a folder, or from the address of one, in which a
//! person kept them. A folder of this kind is laid beside an image so that other people can rebuild it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::inputs::Store;
use crate::lock::Entry;
use crate::run::{Failure, at, digest, fresh_dir, make_dir, run};

/// Most bytes one package may have; the kernel's source has 140 million.
const PACKAGE_LEN_MAX: &str = "1000000000";
/// The status with which curl ends where a server does not have a file.
const NOT_THERE: i32 = 22;

/// Takes the packages that it finds; the others are still missing. A file with the name of a package must be that
/// package.
pub(crate) fn take(from: &str, wanted: &[&Entry], scratch: &Path, store: &Store) -> Result<(), Failure> {
    if from.starts_with("http://") || from.starts_with("https://") {
        return take_from_address(from, wanted, scratch, store);
    }
    let folder = Path::new(from);
    for file in at("list", folder, std::fs::read_dir(folder))? {
        let path = at("list", folder, file)?.path();
        if path.extension().is_none_or(|extension| extension != "deb") {
            continue;
        }
        let found = digest(&path)?;
        if wanted.iter().any(|entry| entry.digest == found) {
            store.take(&path)?;
        } else if let Some(named) = wanted.iter().find(|entry| is_called(entry, &path)) {
            named.judge("the folder's file of that name has", found)?;
        }
    }
    Ok(())
}

/// Whether a file is called as this package: by its digest, or by name and version as apt or the archive call it.
fn is_called(entry: &Entry, path: &Path) -> bool {
    let Entry { name, version, arch, digest, .. } = entry;
    let without_epoch = version.split_once(':').map_or(version.as_str(), |(_, version)| version);
    let names = [
        format!("{digest}"),
        format!("{name}_{}_{arch}", version.replace(':', "%3a")),
        format!("{name}_{without_epoch}_{arch}"),
    ];
    path.file_stem().is_some_and(|stem| names.iter().any(|name| stem == name.as_str()))
}

fn take_from_address(from: &str, wanted: &[&Entry], scratch: &Path, store: &Store) -> Result<(), Failure> {
    fresh_dir(scratch)?;
    for entry in wanted {
        let file = scratch.join("package");
        let address = format!("{}/{}.deb", from.trim_end_matches('/'), entry.digest);
        let mut curl = Command::new("curl");
        curl.args(["--fail", "--location", "--silent", "--show-error", "--proto", "=http,https"]);
        curl.args(["--max-filesize", PACKAGE_LEN_MAX, "--output"]).arg(&file).arg(address);
        match run(&mut curl) {
            Ok(_) => entry.judge("that address has", digest(&file)?)?,
            Err(Failure::Command { status, .. }) if status.code() == Some(NOT_THERE) => continue,
            Err(failure) => return Err(failure),
        }
        store.take(&file)?;
    }
    fresh_dir(scratch)
}

/// Lays the packages an image was built from into a folder, each called by its digest.
pub(crate) fn lay(debs: &[(Entry, PathBuf)], folder: &Path) -> Result<(), Failure> {
    fresh_dir(folder)?;
    make_dir(folder)?;
    for (entry, file) in debs {
        let target = folder.join(format!("{}.deb", entry.digest));
        // The cache may be on another disk.
        if std::fs::hard_link(file, &target).is_err() {
            at("copy", &target, std::fs::copy(file, &target))?;
        }
    }
    Ok(())
}
