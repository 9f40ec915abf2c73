//! Sticks as files: FAT32 file systems made and read by mkfs and mtools, not by us.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::tool::{require, run};

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

/// Copies a file onto a stick.
pub fn put(stick: &Path, file: &Path, name: &str) {
    let mut command = Command::new("mcopy");
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

/// The names of every file of a stick.
pub fn names(stick: &Path) -> Vec<String> {
    let mut command = Command::new("mdir");
    command.args(["-b", "-/", "-i"]).arg(stick).arg("::");
    // It calls an empty stick an error.
    let listed = run(command, "").out;
    let names = listed.lines().filter_map(|line| line.strip_prefix("::/"));
    names.filter(|name| !name.ends_with('/')).map(str::to_owned).collect()
}
