//! Drives on the shipped image: sticks behind a disk that writes down what is done to it.

use std::path::Path;
use std::time::Duration;

use conclave_tests::scratch::Scratch;
use serde_json::json;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::nbd::{self, Disk, Mood, Op};
use conclave_tests::vm::stick;
use conclave_tests::vm::walk::{self, iso};

/// Bytes of every stick here. FAT32 needs 65 525 clusters, which are sectors here.
const LEN: u64 = 40 << 20;
/// Where the partition of a partitioned stick begins, in bytes.
const START: u64 = 1 << 20;

/// Makes a file system on a file of this length and returns its bytes.
pub(crate) fn formatted(scratch: &Scratch, tool: &str, arguments: &[&str], len: u64) -> Vec<u8> {
    let path = scratch.file("format");
    stick::format_by(tool, arguments, &path, len);
    std::fs::read(&path).unwrap()
}

/// A stick that fits.
fn fat32(scratch: &Scratch, label: &str, len: u64) -> Vec<u8> {
    let path = scratch.file("format");
    stick::format(&path, len, label, 0x4A17_E2B0);
    std::fs::read(&path).unwrap()
}

/// A stick with a table of these partitions, the first of which holds `volume`.
fn partitioned(kinds: &[u8], volume: &[u8]) -> Vec<u8> {
    let mut stick = vec![0; LEN as usize];
    stick[START as usize..][..volume.len()].copy_from_slice(volume);
    let sectors = volume.len() as u32 / 512;
    for (at, kind) in kinds.iter().enumerate() {
        let entry = &mut stick[446 + 16 * at..][..16];
        entry[4] = *kind;
        entry[8..12].copy_from_slice(&(START as u32 / 512).to_le_bytes());
        entry[12..].copy_from_slice(&sectors.to_le_bytes());
    }
    stick[510..512].copy_from_slice(&[0x55, 0xAA]);
    stick
}

/// A stick that is plugged in while this lives.
pub(crate) struct Plugged {
    name: String,
    pub(crate) disk: Disk,
}

impl Plugged {
    /// Plugs a stick in at a port; `name` is a new one for each plugging.
    fn new(machine: &mut Machine, name: &str, socket: &Path, port: u8, serial: &str, stick: Vec<u8>) -> Self {
        Self::of(machine, name, socket, port, serial, nbd::serve(socket, stick))
    }

    /// As [`Self::new`], of a disk that is served on `socket` already.
    pub(crate) fn of(machine: &mut Machine, name: &str, socket: &Path, port: u8, serial: &str, disk: Disk) -> Self {
        let node = json!({
            "driver": "nbd", "node-name": name, "server": { "type": "unix", "path": socket }, "auto-read-only": true,
        });
        machine.qmp().execute("blockdev-add", node);
        let device = json!({
            "driver": "usb-storage", "id": name, "drive": name, "serial": serial, "bus": "xhci.0",
            "port": port.to_string(), "removable": true, "werror": "report", "rerror": "report",
        });
        machine.qmp().execute("device_add", device);
        Self { name: name.into(), disk }
    }

    /// Pulls it out.
    pub(crate) fn pull(self, machine: &mut Machine) {
        machine.qmp().execute("device_del", json!({ "id": self.name }));
    }
}

/// Whether nothing was written to this disk, and nobody asked it to keep anything.
pub(crate) fn was_only_read(disk: &Disk) -> bool {
    let log = disk.log();
    !log.is_empty() && log.iter().all(|op| matches!(op, Op::Read(_)))
}

#[test]
fn a_drive_is_shown_by_serial_size_and_volume_or_by_what_it_is_instead_and_is_never_written() {
    let scratch = Scratch::new();
    let whole = fat32(&scratch, "WELLINGTON", LEN);
    let inner = fat32(&scratch, "AUCKLAND", LEN - START);
    let plain = |tool: &str, arguments: &[&str]| formatted(&scratch, tool, arguments, LEN);
    let exfat = plain("/sbin/mkfs.exfat", &[]);
    let sticks: [(&str, &str, Vec<u8>, &[&str]); 9] = [
        ("whole", "60A44C425324", whole.clone(), &["serial 60A44C425324", "FAT32 volume 4A17-E2B0 WELLINGTON"]),
        ("inner", "60A44C425324", partitioned(&[0x0C], &inner), &["FAT32 volume 4A17-E2B0 AUCKLAND"]),
        ("nameless", "", whole, &["no serial: cannot be used", "FAT32 volume 4A17-E2B0 WELLINGTON"]),
        ("exfat", "S1", exfat.clone(), &["serial S1", "exFAT: reformat it as FAT32 elsewhere"]),
        ("exfat-inner", "S2", partitioned(&[0x07], &exfat[..(LEN - START) as usize]), &["exFAT: reformat it"]),
        ("fat16", "S3", plain("/sbin/mkfs.vfat", &["-F", "16"]), &["FAT16: reformat it as FAT32 elsewhere"]),
        ("ext4", "S4", plain("/sbin/mkfs.ext4", &["-q"]), &["ext4: reformat it as FAT32 elsewhere"]),
        ("two", "S5", partitioned(&[0x0C, 0x0C], &inner), &["2 partitions: reformat it elsewhere with one, FAT32"]),
        ("nothing", "S6", vec![0; LEN as usize], &["not formatted: format it as FAT32 elsewhere"]),
    ];
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&iso()));
    walk::to_devices(&mut machine);
    machine.wait_for("no drive is plugged in");
    for (name, serial, stick, shown) in sticks {
        let plugged = Plugged::new(&mut machine, name, &scratch.file(name), 1, serial, stick);
        let screen = machine.wait_for(shown.last().unwrap()).join("\n");
        for words in shown.iter().chain(&["41 943 040 bytes"]) {
            assert!(screen.contains(words), "{name}: {words:?} is not on\n{screen}");
        }
        assert!(was_only_read(&plugged.disk), "{name}: {:?}", plugged.disk.log());
        plugged.pull(&mut machine);
        machine.wait_for("no drive is plugged in");
    }
}

#[test]
fn a_drive_that_fails_or_dawdles_says_so_and_holds_up_nobody() {
    let scratch = Scratch::new();
    let stick = fat32(&scratch, "WELLINGTON", LEN);
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&iso()));
    walk::to_devices(&mut machine);

    let failing = nbd::serve(&scratch.file("failing"), stick.clone());
    failing.set(Mood::FailsReads);
    let failing = Plugged::of(&mut machine, "failing", &scratch.file("failing"), 1, "S1", failing);
    machine.wait_for("unreadable (Input/output error");
    failing.pull(&mut machine);
    machine.wait_for("no drive is plugged in");

    let slow = nbd::serve(&scratch.file("slow"), stick);
    slow.set(Mood::Slow(Duration::from_secs(4)));
    let slow = Plugged::of(&mut machine, "slow", &scratch.file("slow"), 1, "S2", slow);
    machine.wait_for("being read");
    // Help comes and goes while it is.
    machine.press(&["f1"]);
    machine.wait_for("What tokens and drives say of themselves");
    machine.press(&["esc"]);
    machine.wait_for("being read");
    slow.disk.set(Mood::Sound);
    machine.wait_for("FAT32 volume 4A17-E2B0 WELLINGTON");
    // Pulled out while it is being read.
    slow.pull(&mut machine);
    machine.wait_for("no drive is plugged in");
}
