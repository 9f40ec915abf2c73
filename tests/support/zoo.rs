//! Sticks as rooms have them, each made by the tools of other people, and the words of the appliance about each.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use crate::scratch::Scratch;
use crate::tool::{require, run};
use crate::vm::stick;

/// Units: bytes. FAT32 needs 65,525 clusters, which are sectors here.
pub const LEN: u64 = 40 << 20;
/// The volume id of every FAT32 stick of the zoo.
pub const VOLUME: u32 = 0x4A17_E2B0;
/// Where a partition begins. Units: sectors of 512 bytes.
const START: &str = "2048";

/// A stick of the zoo.
pub struct Odd {
    /// Its name.
    pub name: &'static str,
    /// Makes it: a file of [`LEN`] bytes of nothing is at the path.
    make: fn(&Path),
    /// The words of the appliance about it; `None` if it fits.
    pub said: Option<&'static str>,
}

impl Odd {
    /// Its bytes.
    pub fn bytes(&self, scratch: &Scratch) -> Vec<u8> {
        let path = scratch.file("odd");
        File::create(&path).unwrap().set_len(LEN).unwrap();
        (self.make)(&path);
        let mut bytes = fs::read(&path).unwrap();
        bytes.resize(LEN as usize, 0);
        bytes
    }
}

/// Every stick of the zoo.
pub const ZOO: [Odd; 23] = [
    Odd { name: "whole", make: |at| vfat(at, None), said: None },
    Odd { name: "lived-in", make: |at| lived_in(at, &OF_SYSTEMS, &[]), said: None },
    Odd { name: "mbr-0c", make: |at| mbr_fat32(at, "c"), said: None },
    Odd { name: "mbr-0b", make: |at| mbr_fat32(at, "b"), said: None },
    Odd { name: "parted", make: parted_fat32, said: None },
    Odd { name: "third-place", make: |at| mbr_in(at, "3 : start=2048, type=c\n"), said: None },
    Odd { name: "type-83", make: |at| mbr_fat32(at, "83"), said: Some("Its partition is of type 83, not 0C.") },
    Odd { name: "type-07", make: |at| mbr_fat32(at, "7"), said: Some("Its partition is of type 07, not 0C.") },
    Odd { name: "type-0e", make: |at| mbr_fat32(at, "e"), said: Some("Its partition is of type 0E, not 0C.") },
    Odd { name: "type-ef", make: |at| mbr_fat32(at, "ef"), said: Some("Its partition is of type EF, not 0C.") },
    Odd { name: "type-1c", make: |at| mbr_fat32(at, "1c"), said: Some("Its partition is of type 1C, not 0C.") },
    Odd { name: "gpt", make: gpt, said: Some("It is partitioned by a GPT, not an MBR.") },
    Odd { name: "gpt-parted", make: gpt_parted, said: Some("It is partitioned by a GPT, not an MBR.") },
    Odd { name: "exfat", make: exfat, said: Some("It holds exFAT, not FAT32.") },
    Odd { name: "exfat-mbr", make: exfat_mbr, said: Some("It holds exFAT, not FAT32.") },
    Odd { name: "fat16", make: fat16, said: Some("It holds FAT16, not FAT32.") },
    Odd { name: "ext4", make: ext4, said: Some("It holds ext4, not FAT32.") },
    Odd { name: "iso", make: iso, said: Some("It holds a disc image, or the rest of one.") },
    Odd { name: "iso-left", make: iso_left, said: Some("It holds a disc image, or the rest of one.") },
    Odd { name: "two", make: two, said: Some("It has 2 partitions, not one.") },
    Odd { name: "beyond", make: beyond, said: Some("Its partition does not lie within it.") },
    Odd {
        name: "table-only",
        make: |at| sfdisk(at, "start=2048, type=c\n", &[]),
        said: Some("It holds no file system known here."),
    },
    Odd { name: "nothing", make: |_| {}, said: Some("It holds no file system known here.") },
];

fn tool(package: &str, path: &str, arguments: &[&str], last: Option<&Path>, input: &str) {
    require(package, path);
    let mut command = Command::new(path);
    command.args(arguments).args(last);
    let ran = run(command, input);
    assert!(ran.zero, "{path} {arguments:?}: {ran:?}");
}

/// FAT32 on the whole stick, or in a partition that goes to its end.
fn vfat(at: &Path, start: Option<&str>) {
    let volume = format!("{VOLUME:08x}");
    let mut arguments = vec!["-F", "32", "-s", "1", "-n", "WELLINGTON", "-i", &volume];
    arguments.extend(start.into_iter().flat_map(|start| ["--offset", start]));
    let blocks = ((LEN - if start.is_some() { 1 << 20 } else { 0 }) / 1024).to_string();
    let mut command = Command::new("/sbin/mkfs.vfat");
    command.args(&arguments).arg(at).arg(&blocks);
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
}

fn sfdisk(at: &Path, table: &str, arguments: &[&str]) {
    tool("fdisk", "/sbin/sfdisk", &[&["-q"], arguments].concat(), Some(at), table);
}

fn mbr_in(at: &Path, table: &str) {
    sfdisk(at, &format!("label: dos\n{table}"), &["--wipe", "never"]);
    vfat(at, Some(START));
}

fn mbr_fat32(at: &Path, kind: &str) {
    mbr_in(at, &format!("start=2048, type={kind}\n"));
}

fn parted(at: &Path, label: &str) {
    require("parted", "/sbin/parted");
    let mut command = Command::new("/sbin/parted");
    command.arg("-s").arg(at).args(["mklabel", label, "mkpart", "primary", "fat32", "1MiB", "100%"]);
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
}

fn parted_fat32(at: &Path) {
    parted(at, "msdos");
    vfat(at, Some(START));
}

fn gpt(at: &Path) {
    sfdisk(at, "label: gpt\nstart=2048\n", &[]);
    vfat(at, Some(START));
}

fn gpt_parted(at: &Path) {
    parted(at, "gpt");
}

fn exfat(at: &Path) {
    tool("exfatprogs", "/sbin/mkfs.exfat", &[], Some(at), "");
}

/// A file of this many bytes fewer than the stick, made by `make` and put where a partition begins.
fn inner(at: &Path, make: fn(&Path)) {
    let part = at.with_extension("part");
    File::create(&part).unwrap().set_len(LEN - (1 << 20)).unwrap();
    make(&part);
    let mut stick = File::options().write(true).open(at).unwrap();
    std::io::Seek::seek(&mut stick, std::io::SeekFrom::Start(1 << 20)).unwrap();
    stick.write_all(&fs::read(&part).unwrap()).unwrap();
    fs::remove_file(part).unwrap();
}

fn exfat_mbr(at: &Path) {
    sfdisk(at, "start=2048, type=7\n", &[]);
    inner(at, exfat);
}

fn fat16(at: &Path) {
    tool("dosfstools", "/sbin/mkfs.vfat", &["-F", "16"], Some(at), "");
}

fn ext4(at: &Path) {
    tool("e2fsprogs", "/sbin/mkfs.ext4", &["-q"], Some(at), "");
}

/// A live system's image, written over the beginning of the stick.
fn iso(at: &Path) {
    let folder = Scratch::new();
    fs::write(folder.file("vmlinuz"), "a live system").unwrap();
    let image = at.with_extension("iso");
    let mut command = Command::new("xorriso");
    require("xorriso", "/usr/bin/xorriso");
    command.args(["-as", "mkisofs", "-quiet", "-o"]).arg(&image).arg(folder.path());
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
    File::options().write(true).open(at).unwrap().write_all(&fs::read(&image).unwrap()).unwrap();
    fs::remove_file(image).unwrap();
}

/// The same, partitioned and formatted since by tools that leave the bytes they do not need.
fn iso_left(at: &Path) {
    iso(at);
    mbr_fat32(at, "c");
}

fn two(at: &Path) {
    sfdisk(at, "start=2048, size=16384, type=c\ntype=c\n", &[]);
}

/// A stick that was copied from a larger one.
fn beyond(at: &Path) {
    File::options().write(true).open(at).unwrap().set_len(2 * LEN).unwrap();
    sfdisk(at, "start=2048, type=c\n", &[]);
    File::options().write(true).open(at).unwrap().set_len(LEN).unwrap();
}

/// Folders that systems make by themselves on every stick that is plugged in.
pub const OF_SYSTEMS: [&str; 5] =
    ["System Volume Information", ".Trashes", ".Spotlight-V100", ".fseventsd", "$RECYCLE.BIN"];

/// A stick as a desktop left it: with these folders, and files of one byte.
pub fn lived_in(at: &Path, folders: &[&str], files: &[&str]) {
    stick::format(at, LEN, "WELLINGTON", VOLUME);
    folders.iter().for_each(|folder| stick::folder(at, folder));
    let byte = at.with_extension("byte");
    fs::write(&byte, "1").unwrap();
    files.iter().for_each(|file| stick::put(at, &byte, file));
    fs::remove_file(byte).unwrap();
}
