//! Drives on the shipped image: sticks behind a disk that writes down each request.

use std::path::Path;
use std::time::Duration;

use conclave_tests::scratch::Scratch;
use serde_json::json;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::nbd::{self, Disk, Mood, Op};
use conclave_tests::vm::stick;
use conclave_tests::vm::walk::{self, iso};
use conclave_tests::zoo::{LEN, ZOO};

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

/// Whether nothing was written to this disk, and no request asked it to keep anything.
pub(crate) fn was_only_read(disk: &Disk) -> bool {
    let log = disk.log();
    !log.is_empty() && log.iter().all(|op| matches!(op, Op::Read(_)))
}

#[test]
fn every_stick_of_the_zoo_is_called_what_it_is_by_one_machine_and_never_written() {
    let scratch = Scratch::new();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&iso()));
    walk::to_devices(&mut machine);
    machine.wait_for("no drive is plugged in");
    let nameless = ("nameless", "", fat32(&scratch, "WELLINGTON", LEN), "no serial: cannot be used");
    let zoo = ZOO.iter().map(|odd| {
        let shown = odd.said.unwrap_or("FAT32 volume 4A17-E2B0 WELLINGTON");
        (odd.name, "60A44C425324", odd.bytes(&scratch), shown)
    });
    for (name, serial, stick, shown) in zoo.chain([nameless]) {
        let plugged = Plugged::new(&mut machine, name, &scratch.file(name), 1, serial, stick);
        let screen = machine.wait_for(shown).join("\n");
        for words in [serial, "41 943 040 bytes"] {
            assert!(screen.contains(words), "{name}: {words:?} is not on\n{screen}");
        }
        assert_eq!(screen.contains("conclave drive prepare"), shown.starts_with("It"), "{name}: {screen}");
        assert!(was_only_read(&plugged.disk), "{name}: {:?}", plugged.disk.log());
        plugged.pull(&mut machine);
        machine.wait_for("no drive is plugged in");
    }
}

#[test]
fn a_serial_of_126_characters_is_shown_by_its_ends() {
    let scratch = Scratch::new();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&iso()));
    walk::to_devices(&mut machine);
    let serial = format!("{}-END", "0123456789".repeat(13).split_at(122).0);
    let stick = fat32(&scratch, "WELLINGTON", LEN);
    let _plugged = Plugged::new(&mut machine, "long", &scratch.file("long"), 1, &serial, stick);
    machine.wait_for("0123456789012345678...89012345678901-END");
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
    machine.wait_for("It cannot be read (Input/output error");
    failing.pull(&mut machine);
    machine.wait_for("no drive is plugged in");

    let slow = nbd::serve(&scratch.file("slow"), stick);
    slow.set(Mood::Slow(Duration::from_secs(4)));
    let slow = Plugged::of(&mut machine, "slow", &scratch.file("slow"), 1, "S2", slow);
    machine.wait_for("It is being read.");
    // Help comes and goes while it is.
    machine.press(&["f1"]);
    machine.wait_for("Tokens and drives describe themselves here");
    machine.press(&["esc"]);
    machine.wait_for("It is being read.");
    slow.disk.set(Mood::Sound);
    machine.wait_for("FAT32 volume 4A17-E2B0 WELLINGTON");
    // Pulled out while it is being read.
    slow.pull(&mut machine);
    machine.wait_for("no drive is plugged in");
}
