//! A room with the shipped image in it: a machine, tokens and sticks, played in by the robot that also plays in process.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_ceremony::plan::{Plan, read};
use conclave_room::key::Key;
use conclave_sim::ccid_device::CcidDevice;
use conclave_sim::token::Token;
use conclave_sim::usbredir::{Plugged, plug};
use conclave_sim::world::robot::{Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::token;
use serde_json::json;

use super::machine::{Drive, Firmware, Machine};
use super::reader::{TPDU, reader, socket};
use super::{stick, walk};
use crate::scratch::Scratch;

/// What the randomness of the tokens comes from.
const SEED: [u8; 32] = [7; 32];
/// Looks at the screen before a room that goes round in a circle is given up.
const LOOKS_MAX: usize = 4_000;
/// How long a screen may stay as it was after it was answered, before it is answered again: a stick takes its time.
const STAYS_MAX: Duration = Duration::from_secs(8);
/// How long a pulled stick may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(300);

type InReader = Plugged<CcidDevice<Arc<Mutex<Token>>>>;

/// A machine with the shipped image, what is plugged into it, and what lies beside it.
pub struct Room {
    /// The machine.
    pub machine: Machine,
    /// Holds every stick, by its serial.
    pub scratch: Scratch,
    /// The plan on the stick [`PLAN_DRIVE`].
    pub plan: Plan,
    /// The tokens, by their serials.
    pub tokens: BTreeMap<String, Arc<Mutex<Token>>>,
    readers: BTreeMap<String, InReader>,
    sticks: Vec<String>,
}

impl Room {
    /// Lays out what a plan names and starts the machine, with nothing plugged in.
    pub fn start(bytes: &[u8], firmware: Firmware) -> Self {
        let (scratch, plan) = (Scratch::new(), read(bytes).unwrap());
        let mut arguments = Drive::Dvd.with(&walk::iso());
        for at in 1..=plan.tokens.len() {
            let (id, socket) = (format!("port{at}"), socket(&scratch, &at.to_string()));
            arguments
                .extend(["-chardev".into(), format!("socket,id={id},path={},server=on,wait=off", socket.display())]);
            arguments.extend(["-device".into(), format!("usb-redir,chardev={id},bus=xhci.0,port={at}")]);
        }
        for drive in &plan.drives {
            stick::format(&scratch.file(drive.serial.as_str()), drive.size, drive.name.as_str(), drive.volume);
        }
        let plan_stick = scratch.file(PLAN_DRIVE);
        stick::format(&plan_stick, 40 << 20, "PLAN", 0x0DD0_0001);
        fs::write(scratch.file("plan.toml"), bytes).unwrap();
        stick::put(&plan_stick, &scratch.file("plan.toml"), "plan.toml");
        let mut machine = Machine::start(firmware, &arguments);
        let serials = plan.drives.iter().map(|drive| drive.serial.as_str()).chain([PLAN_DRIVE]);
        let sticks: Vec<String> = serials.map(str::to_owned).collect();
        for (at, serial) in sticks.iter().enumerate() {
            let node = json!({ "driver": "file", "node-name": format!("stick{at}"), "filename": scratch.file(serial) });
            machine.qmp().execute("blockdev-add", node);
        }
        let laid = |planned: &conclave_ceremony::plan::Token| {
            let token = token(planned, &SEED).expect("a serial number a simulated token can have");
            (planned.serial.to_string(), Arc::new(Mutex::new(token)))
        };
        let tokens = plan.tokens.iter().map(laid).collect();
        Self { machine, scratch, plan, tokens, readers: BTreeMap::new(), sticks }
    }

    fn place(&self, serial: &str) -> usize {
        let is_it = |one: &String| one == serial;
        self.tokens.keys().position(is_it).or_else(|| self.sticks.iter().position(is_it)).expect("in the plan")
    }

    /// Plugs in what has this serial, if it is not in.
    pub fn plug(&mut self, serial: &str) {
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
                "bus": "xhci.0", "port": (self.tokens.len() + 1 + at).to_string(), "removable": true,
            });
            self.machine.qmp().execute("device_add", device);
        }
    }

    fn is_in(&mut self, serial: &str) -> bool {
        let id = format!("in{}", self.place(serial));
        let there = self.machine.qmp().execute("qom-list", json!({ "path": "/machine/peripheral" }));
        there.as_array().unwrap().iter().any(|one| one["name"] == id.as_str())
    }

    /// Pulls out what has this serial, if it is in.
    pub fn pull(&mut self, serial: &str) {
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
    pub fn play(&mut self, robot: &mut Robot) {
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
