//! Rehearses on the image itself: starts it in QEMU with three simulated tokens, types its way to the devices at a pace
//! people can follow, and shows its screen in this terminal. `scripts/rehearse --image` runs it.
#![allow(missing_docs, reason = "a program, not a library")]

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use conclave_sim::card::profile::Profile as Firmware41;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::token::Token;
use conclave_sim::usbredir::plug;
use conclave_tests::qemu::Qmp;
use conclave_tests::scratch::Scratch;
use serde_json::json;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::{screen, walk};

/// Serials of the tokens, which are plugged in in this order.
const SERIALS: [&str; 3] = ["DENK0100001", "DENK0100002", "DENK0100003"];
/// How long a screen stands before anything more is typed.
const READ: Duration = Duration::from_secs(4);
/// Between two looks at the screen.
const LOOK: Duration = Duration::from_millis(150);
/// Bytes of the text screen of a BIOS machine, and of a row of it.
const SCREEN_LEN: usize = 4000;
const ROW_LEN: usize = 160;

fn main() {
    let scratch = Scratch::new();
    let mut arguments = Drive::Dvd.with(&walk::iso());
    arguments.extend(["-qmp".into(), format!("unix:{},server=on,wait=off", scratch.file("mirror").display())]);
    for (port, serial) in (1..).zip(SERIALS) {
        let socket = socket(&scratch, serial);
        arguments
            .extend(["-chardev".into(), format!("socket,id={serial},path={},server=on,wait=off", socket.display())]);
        arguments.extend(["-device".into(), format!("usb-redir,chardev={serial},bus=xhci.0,port={port}")]);
    }
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| mirror(&scratch.file("mirror"), &scratch.file("screen"), &ended));
        // Also when a step fails: the scope waits for the mirror.
        let _end = OnDrop(|| ended.store(true, Ordering::Relaxed));
        walk::to_air_gap(&mut machine);
        thread::sleep(READ);
        machine.press(&["ret"]);
        machine.wait_for("compare with a watch");
        thread::sleep(READ);
        machine.press(&["ret"]);
        machine.wait_for("► Devices");
        let mut plugged = Vec::new();
        for serial in SERIALS {
            thread::sleep(READ);
            // As real ones say it on USB: four more digits.
            let device = CcidDevice::new(token(serial), Profile::Tpdu { interface: 0 }, &format!("{serial}0000"));
            plugged.push(plug(&socket(&scratch, serial), device).expect("QEMU waits for a device at each port"));
            machine.wait_for(&format!("{serial:<18}firmware"));
        }
        thread::sleep(2 * READ);
    });
    walk::power_off(machine);
    println!("\x1b[0m\nRehearsed on the image: three simulated tokens answered; the machine is off.");
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn socket(scratch: &Scratch, serial: &str) -> PathBuf {
    scratch.file(serial)
}

/// A token as its factory made it.
fn token(serial: &str) -> Token {
    let mut seed = [0; 32];
    seed[..serial.len()].copy_from_slice(serial.as_bytes());
    let (so_pin, random) = (BirthSoPin::Published, Randomness::seeded(seed));
    let birth = Birth { serial, profile: Firmware41::firmware_4_1(), so_pin, random, rsa: RsaSource::Generated };
    Token::new(Card::new(birth).expect("a serial of the right form"))
}

/// Shows the machine's screen in this terminal whenever it has changed.
fn mirror(socket: &Path, file: &Path, ended: &AtomicBool) {
    let mut qmp = Qmp::new(UnixStream::connect(socket).expect("QEMU opened this socket with its first"));
    let mut shown = Vec::new();
    print!("\x1b[2J");
    while !ended.load(Ordering::Relaxed) {
        qmp.execute("pmemsave", json!({ "val": 0xb8000, "size": SCREEN_LEN, "filename": file }));
        let buffer = std::fs::read(file).unwrap_or_default();
        if buffer != shown {
            print!("{}", in_ansi(&buffer));
            let _ = io::stdout().flush();
            shown = buffer;
        }
        thread::sleep(LOOK);
    }
}

/// The text buffer as a terminal draws it: each character is followed by its colours, foreground in the lower four bits.
fn in_ansi(buffer: &[u8]) -> String {
    // The text buffer counts blue, green, red; a terminal red, green, blue.
    const COLOURS: [u8; 8] = [0, 4, 2, 6, 1, 5, 3, 7];
    let mut text = String::from("\x1b[H");
    let mut last = None;
    for (line, row) in screen::text_mode(buffer).iter().zip(buffer.chunks(ROW_LEN)) {
        for (character, colours) in line.chars().zip(row.iter().skip(1).step_by(2)) {
            if last == Some(*colours) {
                text.push(character);
                continue;
            }
            last = Some(*colours);
            let [fore, back] = [colours & 7, colours >> 4 & 7].map(|colour| COLOURS[usize::from(colour)]);
            let bright = if colours & 8 != 0 { 90 } else { 30 };
            let _ = write!(text, "\x1b[{};{}m{character}", bright + fore, 40 + back);
        }
        text += "\r\n";
    }
    text
}
