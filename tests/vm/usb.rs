//! Devices in the USB ports of the shipped image while it runs: tokens, and devices in disguise.
//!
//! One machine, many pluggings: every device is simulated and sits on a port of its own.

use std::sync::{Arc, Mutex};

use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::gadget::{CARD_READER, Class, Gadget, KEYBOARD, Manner, NETWORK, STORAGE};
use conclave_sim::token::Token;
use conclave_sim::usb::{Descriptors, NoTransfer, UsbDevice};
use conclave_sim::usbredir::{Plugged, plug};
use conclave_tests::scratch::Scratch;
use conclave_tests::vm::reader::{TPDU, reader, socket, token};
use serde_json::json;

use conclave_tests::vm::machine::{Drive, Firmware, Machine, empty_reader};
use conclave_tests::vm::stick;
use conclave_tests::vm::walk::{SOUND, iso, to_clock};

/// Ports of the machine; the sixth has a hub with two of its own.
const PORTS: [&str; 7] = ["1", "2", "3", "4", "5", "6.1", "6.2"];

/// A machine with USB ports that wait for devices.
struct Bench {
    machine: Machine,
    scratch: Scratch,
}

impl Bench {
    fn start() -> Self {
        let scratch = Scratch::new();
        let mut arguments = Drive::Dvd.with(&iso());
        arguments.extend(["-device", "usb-hub,id=hub,bus=xhci.0,port=6"].map(String::from));
        for port in PORTS {
            let (id, socket) = (format!("port{port}"), socket(&scratch, port));
            arguments
                .extend(["-chardev".into(), format!("socket,id={id},path={},server=on,wait=off", socket.display())]);
            arguments.extend(["-device".into(), format!("usb-redir,id=at{port},chardev={id},bus=xhci.0,port={port}")]);
        }
        Self { machine: Machine::start(Firmware::Bios, &arguments), scratch }
    }

    fn plug<D: UsbDevice + 'static>(&self, port: &str, device: D) -> Plugged<D> {
        plug(&socket(&self.scratch, port), device).unwrap()
    }

    fn token(&self, port: &str, serial: &str, profile: Profile) -> Plugged<CcidDevice<Arc<Mutex<Token>>>> {
        self.plug(port, reader(&token(serial), serial, profile))
    }

    /// Waits until a line of the screen has all of these words.
    #[track_caller]
    fn wait(&mut self, words: &[&str]) {
        self.machine.wait_until(&words.join(" ... "), |screen| line_with(screen, words));
    }

    /// Waits until no line of the screen has all of these words.
    #[track_caller]
    fn wait_gone(&mut self, words: &[&str]) {
        self.machine.wait_until(&format!("no {}", words.join(" ... ")), |screen| !line_with(screen, words));
    }

    #[track_caller]
    fn has_not(&mut self, words: &str) {
        let screen = self.machine.screen().join("\n");
        assert!(!screen.contains(words), "{words} is on the screen:\n{screen}");
    }
}

fn line_with(screen: &[String], words: &[&str]) -> bool {
    screen.iter().any(|line| words.iter().all(|word| line.contains(word)))
}

/// A reader that takes every message and never answers one.
struct Silent(Descriptors);

impl UsbDevice for Silent {
    fn descriptors(&self) -> &Descriptors {
        &self.0
    }

    fn reset(&mut self) {}

    fn bulk_out(&mut self, _: u8, _: &[u8]) -> Result<(), NoTransfer> {
        Ok(())
    }

    fn bulk_in(&mut self, _: u8, _: usize) -> Result<Vec<u8>, NoTransfer> {
        Err(NoTransfer::Nak)
    }

    fn interrupt_in(&mut self, _: u8) -> Option<Vec<u8>> {
        None
    }
}

fn gadget(product: &str, interfaces: &[Class]) -> Gadget {
    Gadget::new([0x1209, 0x0001], [product, "G1"], interfaces, Manner::Answers)
}

/// The code the screen asks a keyboard for.
fn code(screen: &[String]) -> String {
    let line = screen.iter().find_map(|line| line.split_once("type on it ")).expect("a code is asked for").1;
    line.chars().take(6).collect()
}

#[test]
fn everything_that_is_plugged_in_is_told_apart_and_only_what_is_needed_let_in() {
    let mut bench = Bench::start();
    to_clock(&mut bench.machine);
    bench.machine.press(&["ret"]);
    bench.machine.wait_for("plug in a token or a drive");
    bench.wait(&["1-6 ", "QEMU USB Hub", "id 0409:55aa"]);

    // Five tokens, two of them behind a hub.
    let one = bench.token("1", "DENK0100001", TPDU);
    let two = bench.token("2", "DENK0100002", TPDU);
    let three = bench.token("3", "DENK0100003", TPDU);
    let behind = [bench.token("6.1", "DENK0100004", TPDU), bench.token("6.2", "DENK0100005", TPDU)];
    for (port, serial) in [
        ("1", "DENK0100001"),
        ("2", "DENK0100002"),
        ("3", "DENK0100003"),
        ("6.1", "DENK0100004"),
        ("6.2", "DENK0100005"),
    ] {
        bench.wait(&[&format!("1-{port} "), serial, "firmware 4.1, not yet proven"]);
    }
    bench.wait(&["SIMULATED token: for rehearsals only"]);
    bench.wait(&["PIN ", "SO-PIN 15 tries left"]);
    bench.machine.wait_for("compare the serials with the labels");
    bench.has_not("CLONE");

    // Pulled, swapped, and the same serial number twice.
    two.unplug().unwrap();
    bench.wait_gone(&["DENK0100002"]);
    one.unplug().unwrap();
    let other = bench.token("1", "DENK0100006", TPDU);
    bench.wait(&["1-1 ", "DENK0100006", "firmware 4.1"]);
    bench.has_not("DENK0100001");
    let clone = bench.token("2", "DENK0100003", TPDU);
    bench.wait(&["CLONE ALARM: two tokens say they are DENK0100003"]);
    clone.unplug().unwrap();
    bench.wait_gone(&["CLONE ALARM"]);

    // The hub goes with everything on it, and nothing else does.
    bench.machine.qmp().execute("device_del", json!({ "id": "hub" }));
    bench.wait_gone(&["DENK0100004"]);
    bench.wait_gone(&["DENK0100005"]);
    bench.wait_gone(&["QEMU USB Hub"]);
    bench.wait(&["1-1 ", "DENK0100006", "firmware 4.1"]);
    drop(behind);

    // A reader that tells a serial of its own: no plan can name the token in it.
    let reader = bench.token("2", "DECC0100011", Profile::Apdu);
    bench.wait(&["1-2 ", "no token known here: not let in"]);
    reader.unplug().unwrap();

    // Devices in disguise.
    let foreign = bench.plug("2", gadget("Foreign reader", &[CARD_READER]));
    bench.wait(&["1-2 ", "Foreign reader", "no token known here: not let in"]);
    let network = bench.plug("4", gadget("Gigabit", &[NETWORK]));
    bench.wait(&["1-4 ", "Gigabit", "network or radio: not let in"]);
    let disguised = Gadget::new([0x20a0, 0x4230], ["Nitrokey HSM", "DENK01000070000"], &[KEYBOARD], Manner::Answers);
    let typist = disguised.typist();
    let disguised = bench.plug("5", disguised);
    bench.wait(&["1-5 ", "has a token's ids, is no token: not let in"]);
    // Escape leads to the clock: it would be seen.
    typist.types("\u{1b}");
    let stick = gadget("Grown stick", &[STORAGE, KEYBOARD]);
    let grown = stick.typist();
    network.unplug().unwrap();
    let stick = bench.plug("4", stick);
    bench.wait(&["1-4 ", "Grown stick", "1 more part of this device is not let in"]);
    grown.types("\u{1b}");
    // To ask a token takes longer than to fetch a key.
    foreign.unplug().unwrap();
    let later = bench.token("2", "DENK0100010", TPDU);
    bench.wait(&["1-2 ", "DENK0100010", "firmware 4.1"]);
    assert!(!typist.is_done() && !grown.is_done(), "nobody fetches keys from what is no keyboard");
    bench.has_not("type on it");
    later.unplug().unwrap();
    for pulled in [disguised, stick] {
        pulled.unplug().unwrap();
    }

    // A device that never describes itself, and a token that never answers, hold up no other device.
    let stalls = bench.plug("4", Gadget::new([1, 2], ["Mute", ""], &[STORAGE], Manner::Stalls));
    let silent = bench.plug("5", Silent(TPDU.descriptors("DENK01000080000")));
    bench.wait(&["1-5 ", "DENK01000080000", "asking"]);
    let answers = bench.token("2", "DENK0100009", TPDU);
    bench.wait(&["1-2 ", "DENK0100009", "firmware 4.1"]);
    bench.wait(&["1-5 ", "DENK01000080000", "no answer for"]);
    for pulled in [answers, other, three] {
        pulled.unplug().unwrap();
    }
    silent.unplug().unwrap();
    stalls.unplug().unwrap();
    bench.wait(&["no token is plugged in"]);
    bench.has_not("Not used");

    // A keyboard is shut out until a key of the machine's own asks for it.
    let keyboard = gadget("Keys", &[KEYBOARD]);
    let typist = keyboard.typist();
    let keyboard = bench.plug("3", keyboard);
    bench.wait(&["1-3 ", "Keys", "keyboard, shut out: F2 lets it in"]);
    typist.types("\u{1b}");
    let foreign = bench.plug("2", gadget("Foreign reader", &[CARD_READER]));
    bench.wait(&["1-2 ", "Foreign reader", "no token known here: not let in"]);
    foreign.unplug().unwrap();
    bench.wait_gone(&["Foreign reader"]);
    assert!(!typist.is_done(), "no driver fetches its keys");
    bench.has_not("type on it");
    bench.machine.press(&["f2"]);
    // It counts only after its code.
    let asked = bench.machine.wait_for("type on it");
    assert!(line_with(&asked, &["USB port 1-3: Keys"]), "{}", asked.join("\n"));
    typist.types("000000");
    bench.wait(&["typed: ______", "2 tries left"]);
    assert!(typist.is_done(), "from a keyboard they are fetched");
    assert!(line_with(&bench.machine.screen(), &["type the line below"]), "its Escape led nowhere");
    typist.types(&code(&asked));
    bench.wait_gone(&["type on it"]);
    typist.types("\u{1b}");
    bench.wait(&["1-3 ", "Keys", "counts"]);
    typist.types("\u{1b}");
    bench.machine.wait_for("compare with a watch");
    keyboard.unplug().unwrap();
    // Plugged in again it is unknown again; the built-in one still counts.
    let again = gadget("Keys", &[KEYBOARD]);
    let typist = again.typist();
    let _again = bench.plug("3", again);
    bench.machine.wait_for("It is shut out.");
    bench.machine.press(&["f2"]);
    bench.machine.wait_for("type on it");
    typist.types("\n");
    bench.machine.press(&["esc"]);
    bench.machine.wait_for("compare with a watch");
    bench.machine.press(&["ret"]);
    bench.machine.wait_for("plug in a token or a drive");
    typist.types("111111222222333333");
    bench.wait(&["1-3 ", "Keys", "refused after 3 wrong codes"]);
}

#[test]
fn of_two_sticks_at_power_on_one_waits_and_is_asked_to_be_taken_out() {
    let scratch = Scratch::new();
    let blank = scratch.file("blank");
    std::fs::write(&blank, vec![0; 1 << 20]).unwrap();
    let mut arguments = Drive::Stick.with(&iso());
    arguments.extend(["-drive".into(), format!("file={},format=raw,if=none,id=blank", blank.display())]);
    arguments.extend(["-device", "usb-storage,drive=blank,bus=xhci.0,id=second,serial=SECOND"].map(String::from));
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    let screen = machine.wait_for("take out all but the one").join("\n");
    assert!(screen.contains("USB disk at USB port 2-15"), "{screen}");
    machine.qmp().execute("device_del", json!({ "id": "second" }));
    machine.press(&["ret"]);
    machine.wait_for(SOUND);
}

#[test]
fn a_reader_without_a_card_holds_no_place_and_the_medium_gives_its_own_up() {
    /// Where QEMU has the slot of the reader.
    const CARD: &str = "/machine/peripheral/reader/reader.0/legacy[0]";
    let scratch = Scratch::new();
    let arguments = [empty_reader(), Drive::Stick.with(&iso())].concat();
    let mut bench = Bench { machine: Machine::start(Firmware::Bios, &arguments), scratch };
    to_clock(&mut bench.machine);
    bench.machine.press(&["ret"]);
    bench.wait(&["2-14 ", "QEMU", "no card or disc in it"]);
    bench.wait(&["2-15 ", "QEMU", "the medium: not needed any more"]);
    // A card that is put into the reader takes the place, and another stick waits for it.
    let (card, blank) = (bench.scratch.file("card"), bench.scratch.file("blank"));
    stick::format(&card, 40 << 20, "CARD", 0x4A17_E2B0);
    stick::format(&blank, 40 << 20, "BLANK", 1);
    let node = json!({ "driver": "file", "node-name": "blank", "filename": blank });
    bench.machine.qmp().execute("blockdev-add", node);
    let inserted = json!({ "id": CARD, "filename": card, "format": "raw" });
    bench.machine.qmp().execute("blockdev-change-medium", inserted);
    bench.wait(&["FAT32 volume 4A17-E2B0 CARD"]);
    let device = json!({ "driver": "usb-storage", "id": "in", "drive": "blank", "serial": "BLANK", "bus": "xhci.0", "port": "1", "removable": true });
    bench.machine.qmp().execute("device_add", device);
    bench.wait(&["2-1 ", "one drive at a time: first take out 2-14"]);
    // Taken out of the reader, it is that stick's turn.
    bench.machine.qmp().execute("eject", json!({ "id": CARD, "force": true }));
    bench.wait(&["2-14 ", "no card or disc in it"]);
    bench.wait(&["FAT32 volume 0000-0001 BLANK"]);
}

#[test]
fn a_machine_without_a_keyboard_asks_for_one_and_takes_it() {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-machine", "i8042=off"].map(String::from));
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    machine.wait_for("no keyboard found: plug one in by USB");
    machine.qmp().execute("device_add", json!({ "driver": "usb-kbd", "id": "keys", "bus": "xhci.0" }));
    let screen = machine.wait_for("type on it").join("\n");
    assert!(!screen.contains("no keyboard found"), "{screen}");
    let code = code(&machine.settled());
    machine.type_text(&code);
    machine.wait_until("the code to be met", |screen| !line_with(screen, &["type on it"]));
    machine.wait_for(SOUND);
}
