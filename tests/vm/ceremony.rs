//! The main job: a whole ceremony on the shipped image, by its own screen and keyboard, on simulated tokens and sticks.
//!
//! The robot reads the screen as people do; the same one plays ceremonies in process.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_ceremony::plan::{Holds, Plan, read};
use conclave_ceremony::{compile, transcript, twin};
use conclave_room::key::Key;
use conclave_sim::ccid_device::CcidDevice;
use conclave_sim::token::Token;
use conclave_sim::usbredir::{Plugged, plug};
use conclave_sim::world::robot::{Deed, PLAN_DRIVE, Robot};
use conclave_tests::scratch::Scratch;
use conclave_tests::tool::run;
use serde_json::json;

use crate::machine::{Drive, Firmware, Machine};
use crate::usb::{TPDU, reader, socket, token};
use crate::{iso, walk};

const PLAN: &[u8] = include_bytes!("../../docs/plans/minimal.toml");
/// The first port of a drive; tokens have those before it.
const DRIVES_FROM: usize = 3;
/// Looks at the screen before a room that goes round in a circle is given up.
const LOOKS_MAX: usize = 4_000;
/// How long a screen may stay as it was after it was answered, before it is answered again: a stick takes its time.
const STAYS_MAX: Duration = Duration::from_secs(8);
/// How long a pulled stick may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);

fn tool(name: &str, arguments: &[&str], file: &Path) {
    let mut command = Command::new(name);
    command.args(arguments).arg(file);
    let ran = run(command, "");
    assert!(ran.zero, "{ran:?}");
}

/// A FAT32 file system of this size on a file.
fn stick(file: &Path, size: u64, label: &str, volume: u32) {
    fs::File::create(file).unwrap().set_len(size).unwrap();
    tool("/sbin/mkfs.vfat", &["-F", "32", "-s", "1", "-n", label, "-i", &format!("{volume:08x}")], file);
}

/// A file of a stick.
fn on_stick(stick: &Path, name: &str) -> Vec<u8> {
    let out = stick.with_extension("out");
    let mut command = Command::new("mcopy");
    command.arg("-n").arg("-i").arg(stick).arg(format!("::{name}")).arg(&out);
    let ran = run(command, "");
    assert!(ran.zero, "{name}: {ran:?}");
    let bytes = fs::read(&out).unwrap();
    fs::remove_file(out).unwrap();
    bytes
}

type InReader = Plugged<CcidDevice<Arc<Mutex<Token>>>>;

/// A machine, what is plugged into it, and what lies beside it.
struct Room {
    machine: Machine,
    scratch: Scratch,
    plan: Plan,
    tokens: BTreeMap<String, Arc<Mutex<Token>>>,
    readers: BTreeMap<String, InReader>,
    sticks: Vec<String>,
}

impl Room {
    fn start() -> Self {
        let (scratch, plan) = (Scratch::new(), read(PLAN).unwrap());
        let mut arguments = Drive::Dvd.with(&iso());
        for at in 1..=plan.tokens.len() {
            let (id, socket) = (format!("port{at}"), socket(&scratch, &at.to_string()));
            arguments
                .extend(["-chardev".into(), format!("socket,id={id},path={},server=on,wait=off", socket.display())]);
            arguments.extend(["-device".into(), format!("usb-redir,chardev={id},bus=xhci.0,port={at}")]);
        }
        for drive in &plan.drives {
            stick(&scratch.file(drive.serial.as_str()), drive.size, drive.name.as_str(), drive.volume);
        }
        let plan_stick = scratch.file(PLAN_DRIVE);
        stick(&plan_stick, 40 << 20, "PLAN", 0x0DD0_0001);
        fs::write(scratch.file("plan.toml"), PLAN).unwrap();
        let mut command = Command::new("mcopy");
        command.arg("-i").arg(&plan_stick).arg(scratch.file("plan.toml")).arg("::plan.toml");
        assert!(run(command, "").zero);
        let mut machine = Machine::start(Firmware::Bios, &arguments);
        let serials = plan.drives.iter().map(|drive| drive.serial.as_str()).chain([PLAN_DRIVE]);
        let sticks: Vec<String> = serials.map(str::to_owned).collect();
        for (at, serial) in sticks.iter().enumerate() {
            let node = json!({ "driver": "file", "node-name": format!("stick{at}"), "filename": scratch.file(serial) });
            machine.qmp().execute("blockdev-add", node);
        }
        let serials = plan.tokens.iter().map(|token| token.serial.to_string());
        let tokens = serials.map(|serial| (serial.clone(), token(&serial))).collect();
        Self { machine, scratch, plan, tokens, readers: BTreeMap::new(), sticks }
    }

    fn place(&self, serial: &str) -> usize {
        let is_it = |one: &String| one == serial;
        self.tokens.keys().position(is_it).or_else(|| self.sticks.iter().position(is_it)).expect("in the plan")
    }

    /// Plugs in what has this serial, if it is not in.
    fn plug(&mut self, serial: &str) {
        let at = self.place(serial);
        if let Some(token) = self.tokens.get(serial) {
            if !self.readers.contains_key(serial) {
                let device = reader(token, serial, TPDU);
                let plugged = plug(&socket(&self.scratch, &(at + 1).to_string()), device).unwrap();
                self.readers.insert(serial.into(), plugged);
            }
        } else if !self.is_in(serial) {
            let device = json!({
                "driver": "usb-storage", "id": format!("in{at}"), "drive": format!("stick{at}"), "serial": serial,
                "bus": "xhci.0", "port": self.port(at), "removable": true,
            });
            self.machine.qmp().execute("device_add", device);
        }
    }

    fn port(&self, at: usize) -> String {
        // The plan's drive and one other are never in together with all of these: eight ports are enough.
        (DRIVES_FROM + at.min(5)).to_string()
    }

    fn is_in(&mut self, serial: &str) -> bool {
        let id = format!("in{}", self.place(serial));
        let there = self.machine.qmp().execute("qom-list", json!({ "path": "/machine/peripheral" }));
        there.as_array().unwrap().iter().any(|one| one["name"] == id.as_str())
    }

    fn pull(&mut self, serial: &str) {
        if let Some(reader) = self.readers.remove(serial) {
            reader.unplug().unwrap();
        } else if self.is_in(serial) {
            let id = format!("in{}", self.place(serial));
            self.machine.qmp().execute("device_del", json!({ "id": id }));
            let began = Instant::now();
            while self.is_in(serial) {
                assert!(began.elapsed() < GONE_MAX, "{serial} stays in");
                std::thread::sleep(LOOK);
            }
        }
    }

    /// A screen that two looks agree on.
    fn settled(&mut self) -> Vec<String> {
        let mut last = self.machine.screen();
        loop {
            std::thread::sleep(LOOK);
            let screen = self.machine.screen();
            if body(&screen) == body(&last) {
                return screen;
            }
            last = screen;
        }
    }

    /// Types what the robot says until the ceremony is closed.
    fn run(&mut self, robot: &mut Robot) {
        for _ in 0..LOOKS_MAX {
            let screen = self.settled();
            let mut typed = false;
            for deed in robot.look(&screen) {
                match deed {
                    Deed::Press(Key::Enter) => self.machine.press(&["ret"]),
                    Deed::Press(Key::Char(char)) => self.machine.type_text(&char.to_string()),
                    Deed::Press(key) => panic!("{key:?}"),
                    Deed::Plug(serial) => self.plug(&serial),
                    Deed::Pull(serial) => self.pull(&serial),
                    Deed::Wait => continue,
                    Deed::Closed => return,
                    Deed::Stands(words) => panic!("{words}\n{}", screen.join("\n")),
                }
                typed = true;
            }
            let began = Instant::now();
            while typed && body(&self.machine.screen()) == body(&screen) && began.elapsed() < STAYS_MAX {
                std::thread::sleep(LOOK);
            }
        }
        panic!("it goes round in a circle:\n{}", self.machine.screen().join("\n"));
    }
}

/// Everything but the clock above and the pace below.
fn body(screen: &[String]) -> Vec<String> {
    screen.iter().skip(1).take(20).cloned().collect()
}

#[test]
fn a_whole_ceremony_is_run_by_screen_and_keyboard_alone() {
    let mut room = Room::start();
    walk::to_devices(&mut room.machine);
    room.machine.press(&["ret"]);
    room.machine.wait_for("plug in the drive with the plan");
    let mut robot = Robot::new(&room.plan);
    room.run(&mut robot);
    room.machine.picture("ceremony-closed");
    let head = room.machine.screen().join(" ");

    let logs = room.plan.drives.iter().filter(|drive| drive.holds == Holds::Transcript);
    let logs: Vec<String> = logs.map(|drive| drive.serial.to_string()).collect();
    walk::power_off(room.machine);
    let records: Vec<Vec<u8>> = logs.iter().map(|log| on_stick(&room.scratch.file(log), "conclave.cbor")).collect();
    assert_eq!(records[0], records[1], "both logs");
    let a = &records[0];
    let record = transcript::read(a).unwrap();
    let script = compile::compile(&room.plan).unwrap();
    assert_eq!((record.torn, record.entries.last().unwrap().step), (0, script.steps.last().unwrap().id));
    let words = record.head().groups().map(|group| group.to_string()).join(" ");
    assert!(head.split_whitespace().collect::<Vec<_>>().join(" ").contains(&words[..19]), "{words}: {head}");
    let text = on_stick(&room.scratch.file(&logs[0]), "conclave.txt");
    assert_eq!(String::from_utf8(text).unwrap(), twin::twin(&room.plan, &script, &record));
    assert_eq!(on_stick(&room.scratch.file(&logs[1]), "plan.toml"), PLAN);
    for secret in robot.papers().values() {
        assert!(!a.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret is in the record");
    }
    println!("figure: {} entries, {} bytes of record, ceremony on the shipped image", record.entries.len(), a.len());
}
