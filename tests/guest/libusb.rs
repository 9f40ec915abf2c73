//! The driver's own USB port in a real kernel: libusb on usbfs, by a node that is handed to it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::icc::{Answer, Icc, Wire};
use conclave_sim::usbredir::{Plugged, plug};
use conclave_tests::guest::Guest;
use conclave_tests::tool::PCSCD;

const ATR: &str = "3B DE 96 FF 81 91 FE 1F C3 80 31 81 54 48 53 4D 31 73 80 21 40 81 07 92";
const SERIAL: &str = "DENK01000010000";

/// A card that answers P1 P2 bytes, each INS; its answers travel as `wires` says, then as they should.
#[derive(Debug, Default)]
struct Echo {
    wires: VecDeque<Wire>,
    commands: usize,
}

impl Icc for Echo {
    fn power_on(&mut self) -> Vec<u8> {
        ATR.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    fn power_off(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Answer {
        self.commands += 1;
        let len = usize::from(u16::from_be_bytes([command[2], command[3]]));
        let response = [vec![command[1]; len], vec![0x90, 0x00]].concat();
        Answer { response, wire: self.wires.pop_front().unwrap_or(Wire::Clean) }
    }
}

/// Debian with one port and the program that drives the token there.
fn boot() -> Guest {
    Guest::boot(1, &[Path::new(env!("CARGO_BIN_EXE_guest-apdu"))])
}

type Device = CcidDevice<Arc<Mutex<Echo>>>;

/// Plugs an echoing token in and waits until the kernel has enumerated it.
fn insert(guest: &mut Guest, profile: Profile, wires: &[Wire]) -> (Arc<Mutex<Echo>>, Plugged<Device>) {
    let card = Arc::new(Mutex::new(Echo { wires: wires.iter().copied().collect(), commands: 0 }));
    let plugged = plug(&guest.machine().usb_port(1), CcidDevice::new(card.clone(), profile, SERIAL)).unwrap();
    guest.run_until("guest-apdu list", SERIAL);
    (card, plugged)
}

fn remove(guest: &mut Guest, plugged: Plugged<Device>) {
    plugged.unplug().unwrap();
    guest.run_until("test -e /sys/bus/usb/devices/1-1 || echo gone", "gone");
}

/// A command with `body_len` bytes of body, and an answer of `reply_len` bytes.
fn command(ins: u8, body_len: usize, reply_len: u16) -> String {
    format!("80{ins:02X}{reply_len:04X}00{body_len:04X}{}0000", "5A".repeat(body_len))
}

fn answer(ins: u8, reply_len: u16) -> String {
    format!("SW 9000 {}\n", format!("{ins:02X}").repeat(reply_len.into()))
}

#[test]
fn libusb_carries_every_length_at_both_levels() {
    let mut guest = boot();
    for (profile, level, place) in
        [(Profile::Tpdu { interface: 1 }, "Tpdu", "1-1 20A0:4230"), (Profile::Apdu, "Apdu", "1-1 04E6:5817")]
    {
        let (card, plugged) = insert(&mut guest, profile, &[]);
        guest.run("guest-apdu list").says(&format!("{place} Some(\"{SERIAL}\")"));
        guest.run("guest-apdu").says(&format!("{level} {ATR}\n"));
        // Messages of whole packets among them: 64, 128, 192 and 256 bytes.
        let lens = [1, 38, 48, 52, 102, 112, 116, 166, 176, 180, 230, 240, 244, 254, 255, 600];
        for lens in lens.chunks(4) {
            let commands: Vec<_> = lens.iter().map(|len| command(7, 1 + *len as usize, *len)).collect();
            let want: String = lens.iter().map(|len| answer(7, *len)).collect();
            guest.run(&format!("guest-apdu {}", commands.join(" "))).says(&want);
        }
        assert_eq!(card.lock().unwrap().commands, 16);
        guest.run("guest-apdu restart").says(&format!("restarted: {}\n", ATR.replace(' ', "")));
        remove(&mut guest, plugged);
    }
    guest.power_off();
}

#[test]
fn faults_on_the_bus_are_told_in_words_and_outlived() {
    let mut guest = boot();
    for profile in [Profile::Tpdu { interface: 0 }, Profile::Apdu] {
        let (struck, next) = (command(1, 10, 10), command(2, 10, 300));
        for (wire, want) in [
            (Wire::Stall, "error: the reader stalled its bulk IN endpoint\n"),
            (Wire::Garbage, "error: CCID: length of a message: expected 10, got 3\n"),
            (Wire::Late, "error: no answer from the token after 10000 ms\n"),
        ] {
            let (card, plugged) = insert(&mut guest, profile, &[wire]);
            let both = format!("{want}{}", answer(2, 300));
            guest.run(&format!("guest-apdu {struck} {next}")).says(&both);
            assert_eq!(card.lock().unwrap().commands, 2);
            remove(&mut guest, plugged);
        }
        let (card, plugged) = insert(&mut guest, profile, &[Wire::Vanish { bytes: 20 }]);
        let unplugged = "error: the token was unplugged\n";
        guest.run(&format!("guest-apdu {struck} {next} restart")).says(&unplugged.repeat(3));
        assert_eq!(card.lock().unwrap().commands, 1);
        remove(&mut guest, plugged);
    }
    guest.power_off();
}

#[test]
fn a_token_that_cannot_be_taken_over_is_told_in_words() {
    let mut guest = boot();
    guest.run("guest-apdu").says("failed: expected one token, found 0\n");
    let (_, plugged) = insert(&mut guest, Profile::Tpdu { interface: 0 }, &[]);
    let refused = "failed: no permission to use the token: open its node for reading and writing, as a user who may\n";
    guest.run("guest-apdu read-only").says(refused);
    guest.run(&format!("{PCSCD} >/tmp/pcscd.log 2>&1 &"));
    guest.run_until("opensc-tool --list-readers", "Nitrokey");
    let busy = "failed: another program is using the token, such as pcscd: stop it, then try again\n";
    guest.run("guest-apdu").says(busy);
    guest.run("kill $(pidof pcscd)");
    guest.run_until("pidof pcscd || echo gone", "gone");
    // Bytes that pcscd left in the endpoints are no hindrance.
    guest.run(&format!("guest-apdu {}", command(3, 1, 1))).says(&answer(3, 1));
    remove(&mut guest, plugged);
    guest.power_off();
}
