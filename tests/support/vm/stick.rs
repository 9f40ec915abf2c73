//! Sticks as files: FAT32 file systems made and read by mkfs and mtools, not by us.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::scratch::Scratch;
use crate::tool::{Ran, require, run};

/// Makes a FAT32 file system of this size.
pub fn format(stick: &Path, size: u64, label: &str, volume: u32) {
    require("dosfstools", "/sbin/mkfs.vfat");
    let volume = format!("{volume:08x}");
    format_by("/sbin/mkfs.vfat", &["-F", "32", "-s", "1", "-n", label, "-i", &volume], stick, size);
}

/// Makes a file system of this size by a tool that is told the file last.
pub fn format_by(tool: &str, arguments: &[&str], stick: &Path, size: u64) {
    fs::File::create(stick).unwrap().set_len(size).unwrap();
    let mut command = Command::new(tool);
    command.args(arguments).arg(stick);
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
}

/// A tool of mtools; names that are not ASCII are given and told as UTF-8.
fn mtool(tool: &str) -> Command {
    let mut command = Command::new(tool);
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// Makes a folder on a stick.
pub fn folder(stick: &Path, name: &str) {
    let mut command = mtool("mmd");
    command.arg("-i").arg(stick).arg(format!("::{name}"));
    let ran = run(command, "");
    assert!(ran.zero, "{name}: {ran:?}");
}

/// Copies a file onto a stick.
pub fn put(stick: &Path, file: &Path, name: &str) {
    let mut command = mtool("mcopy");
    command.arg("-i").arg(stick).arg(file).arg(format!("::{name}"));
    let ran = run(command, "");
    assert!(ran.zero, "{name}: {ran:?}");
}

/// A file of a stick.
pub fn get(stick: &Path, name: &str) -> Vec<u8> {
    let out = stick.with_extension("out");
    let mut command = Command::new("mcopy");
    command.arg("-n").arg("-i").arg(stick).arg(format!("::{name}")).arg(&out);
    let ran = run(command, "");
    assert!(ran.zero, "{name}: {ran:?}");
    let bytes = fs::read(&out).unwrap();
    fs::remove_file(out).unwrap();
    bytes
}

/// Every file of a stick, copied into a folder.
pub fn all(stick: &Path, folder: &Path) {
    let mut command = Command::new("mcopy");
    command.arg("-n").arg("-i").arg(stick).arg("::*").arg(folder);
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
}

/// Strangers judge a FAT32 file system: `fsck.fat` finds it clean, mtools and 7z the same files, byte for byte.
#[track_caller]
pub fn judged(stick: &Path) {
    let checked = check(stick);
    assert!(checked.zero && !checked.out.contains("Dirty bit"), "{}: {checked:?}", stick.display());
    same_files(stick);
}

/// The same of one that was pulled out, or lost its power, while it was written to: it may say so by its dirty bit, and there
/// may be clusters that no file has yet.
#[track_caller]
pub fn judged_when_pulled(stick: &Path) {
    let ran = check(stick);
    let is_pull = |line: &str| {
        line.starts_with("fsck.fat ")
            || line.starts_with(' ')
            || line.contains(" files, ")
            || ["Dirty bit is set", "There are differences between boot sector", "This is mostly harmless"]
                .iter()
                .any(|words| line.starts_with(words))
            || [
                "Free cluster summary wrong",
                "Reclaimed ",
                "Leaving filesystem unchanged",
                "Free cluster summary uninit",
            ]
            .iter()
            .any(|words| line.starts_with(words))
    };
    let other: Vec<&str> = ran.out.lines().filter(|line| !line.is_empty() && !is_pull(line)).collect();
    assert!(other.is_empty(), "{}: {other:?}", stick.display());
    same_files(stick);
}

fn check(stick: &Path) -> Ran {
    require("dosfstools", "/sbin/fsck.fat");
    let mut command = Command::new("/sbin/fsck.fat");
    command.arg("-n").arg(stick);
    run(command, "")
}

/// The files as mtools copies them are those that 7z does.
#[track_caller]
fn same_files(stick: &Path) {
    require("p7zip-full", "/usr/bin/7z");
    let (mtools, archiver) = (Scratch::new(), Scratch::new());
    if !names(stick).is_empty() {
        all(stick, mtools.path());
    }
    let mut command = Command::new("7z");
    command.args(["x", "-tfat", "-y"]).arg(format!("-o{}", archiver.path().display())).arg(stick);
    let ran = run(command, "");
    assert!(ran.zero, "{}: {ran:?}", stick.display());
    let [ours, theirs] = [&mtools, &archiver].map(|folder| {
        let files = fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap());
        let files = files.filter(|file| file.file_type().unwrap().is_file());
        files.map(|file| (file.file_name(), fs::read(file.path()).unwrap())).collect::<BTreeMap<_, _>>()
    });
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{}", stick.display());
    assert!(ours == theirs, "{}: mtools and 7z read other bytes", stick.display());
}

/// Its root directory: the name of each folder or file, and whether it is a folder.
pub fn root(stick: &Path) -> Vec<(String, bool)> {
    let mut command = mtool("mdir");
    command.args(["-b", "-a", "-i"]).arg(stick).arg("::");
    // It calls an empty stick an error.
    let listed = run(command, "").out;
    let names = listed.lines().filter_map(|line| line.strip_prefix("::/"));
    names.map(|name| (name.trim_end_matches('/').to_owned(), name.ends_with('/'))).collect()
}

/// The names of every file of a stick.
pub fn names(stick: &Path) -> Vec<String> {
    let mut command = Command::new("mdir");
    command.args(["-b", "-/", "-i"]).arg(stick).arg("::");
    // It calls an empty stick an error.
    let listed = run(command, "").out;
    let names = listed.lines().filter_map(|line| line.strip_prefix("::/"));
    names.filter(|name| !name.ends_with('/')).map(str::to_owned).collect()
}
