//! `conclave drive` on a computer of files: a sysfs of its own, and images for disks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use conclave::drive::{Roots, list, prepare};

const LEN: u64 = 64 << 20;

/// A computer with one internal disk and the sticks that a test plugs in; gone when the test is.
struct Computer(PathBuf);

impl Computer {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("conclave-drive-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for folder in ["sys/block", "sys/class/block", "dev"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("mounts"), "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n").unwrap();
        let computer = Self(root);
        computer.disk("pci0/ata1/host0", "sda", "8:0", "0", LEN);
        computer.part("pci0/ata1/host0", "sda", "sda1", "8:1");
        computer
    }

    fn roots(&self) -> Roots {
        Roots { sys: self.0.join("sys"), dev: self.0.join("dev"), mounts: self.0.join("mounts") }
    }

    fn node(&self, name: &str) -> PathBuf {
        self.0.join("dev").join(name)
    }

    fn disk(&self, at: &str, name: &str, number: &str, removable: &str, len: u64) {
        let at = self.0.join("sys/devices").join(at).join("block").join(name);
        fs::create_dir_all(at.join("device")).unwrap();
        let sectors = (len / 512).to_string();
        let files =
            [("dev", number), ("removable", removable), ("ro", "0"), ("size", &sectors), ("device/model", "Stick")];
        for (file, said) in files {
            fs::write(at.join(file), format!("{said}\n")).unwrap();
        }
        for link in ["sys/block", "sys/class/block"] {
            symlink(&at, self.0.join(link).join(name)).unwrap();
        }
        fs::write(self.node(name), vec![0xE5; len as usize]).unwrap();
    }

    fn part(&self, at: &str, disk: &str, name: &str, number: &str) {
        let at = self.0.join("sys/devices").join(at).join("block").join(disk).join(name);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("dev"), number).unwrap();
        fs::write(at.join("partition"), "1").unwrap();
        symlink(&at, self.0.join("sys/class/block").join(name)).unwrap();
        fs::write(self.node(name), "").unwrap();
    }

    /// A stick at a port of USB with this serial.
    fn stick(&self, port: &str, name: &str, number: &str, serial: &str) {
        let device = format!("pci0/usb1/{port}");
        let at = self.0.join("sys/devices").join(&device);
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("idVendor"), "46f4\n").unwrap();
        fs::write(at.join("serial"), format!("{serial}\n")).unwrap();
        self.disk(&format!("{device}/{port}:1.0/host6"), name, number, "1", LEN);
    }

    fn set(&self, name: &str, file: &str, said: &str) {
        fs::write(self.0.join("sys/block").join(name).join(file), said).unwrap();
    }

    fn prepared(&self, node: &Path, label: &str, typed: &str) -> Result<String, String> {
        let mut out = Vec::new();
        let done = prepare(&self.roots(), node, label, &mut typed.as_bytes(), &mut out);
        done.map(|()| String::from_utf8(out).unwrap()).map_err(|error| error.to_string())
    }

    fn listed(&self) -> String {
        let mut out = Vec::new();
        list(&self.roots(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }
}

impl Drop for Computer {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_stick_is_listed_with_what_is_wrong_prepared_and_listed_with_what_a_plan_says_of_it() {
    let computer = Computer::new("whole");
    assert!(computer.listed().contains("No stick is plugged in"));
    let serial = "60A44C413FCE".repeat(10);
    computer.stick("1-2", "sdb", "8:16", &serial);
    let listed = computer.listed();
    assert!(
        listed.contains("It holds no file system known here.") && listed.contains("conclave drive prepare"),
        "{listed}"
    );
    assert!(listed.contains(&serial) && !listed.contains("sda"), "{listed}");
    let typed = format!("{serial}\n{LEN}\n");
    let said = computer.prepared(&computer.node("sdb"), "SHARE-1", &typed).unwrap();
    let plan: String = said.split_once("A plan says of it:\n").unwrap().1.into();
    let words = format!("serial = \"{serial}\"\n    size = {LEN}\n    volume = \"");
    assert!(said.contains("EVERYTHING ON IT WILL BE LOST.") && plan.contains(&words), "{said}");
    let listed = computer.listed();
    assert!(listed.contains("It fits, volume SHARE-1.") && listed.contains(&plan), "{listed}");
}

#[test]
fn nothing_but_a_stick_in_nobodys_use_is_prepared_and_nothing_is_written_to_what_is_not() {
    let computer = Computer::new("refused");
    computer.stick("1-1", "sdb", "8:16", "S1");
    computer.part("pci0/usb1/1-1/1-1:1.0/host6", "sdb", "sdb1", "8:17");
    computer.stick("1-2", "sdc", "8:32", "");
    // Two cards in one reader.
    computer.stick("1-3", "sdd", "8:48", "S3");
    computer.disk("pci0/usb1/1-3/1-3:1.0/host7", "sde", "8:64", "1", LEN);
    computer.stick("1-4", "sdf", "8:80", "S4");
    let whole = fs::read(computer.node("sdb")).unwrap();
    let typed = format!("S1\n{LEN}\n");
    let refused = |name: &str, words: &str| {
        let before = fs::read(computer.node(name)).ok();
        let why = computer.prepared(&computer.node(name), "A", &typed).unwrap_err();
        assert!(why.contains(words), "{name}: {why}");
        assert!(fs::read(computer.node(name)).ok() == before, "{name} was written to");
    };
    refused("sda", "sda is not on USB: only sticks are prepared");
    refused("sda1", "is a part of a disk: name the whole one");
    refused("sdb1", "dev/sdb");
    refused("sdc", "sdc tells no serial: no plan can name it");
    refused("sdd", "sdd is one of 2 disks in one device");
    refused("sdx", "is no whole disk of this computer");
    refused("../mounts", "is no whole disk of this computer");
    for (file, said, sound, words) in [
        ("removable", "0", "1", "says that it is not removable"),
        ("ro", "1", "0", "is write-protected"),
        ("size", "69631", "131072", "34 MiB to 2 TiB"),
        ("size", "4294967297", "131072", "34 MiB to 2 TiB"),
    ] {
        computer.set("sdf", file, said);
        refused("sdf", words);
        computer.set("sdf", file, sound);
    }
    fs::write(computer.0.join("mounts"), "30 1 8:17 / /media/stick rw - vfat /dev/sdb1 rw\n").unwrap();
    refused("sdb", "sdb is in use: it is mounted at /media/stick");
    fs::write(computer.0.join("mounts"), "").unwrap();
    let node = computer.node("sdb");
    for (label, typed, words) in [
        ("share-1", typed.as_str(), "is no label"),
        ("A", "S2\n67108864\n", "its serial is S1, but \"S2\" was typed: nothing was written"),
        ("A", "S1\n67108865\n", "its size in bytes is 67108864, but"),
        ("A", "", "its serial is S1, but \"\" was typed"),
    ] {
        let why = computer.prepared(&node, label, typed).unwrap_err();
        assert!(why.contains(words) && fs::read(&node).unwrap() == whole, "{why}");
    }
    assert!(computer.prepared(&node, "A", &typed).is_ok());
}
