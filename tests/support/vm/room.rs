//! A room with the shipped image in it: a machine, tokens and sticks, played in by the robot that also plays in process.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use conclave_ceremony::plan::{Holds, Plan, read};
use conclave_console::ceremony::begin::Brought;
use conclave_console::key::Key;
use conclave_sim::card::profile::Profile;
use conclave_sim::ccid_device::CcidDevice;
use conclave_sim::token::Token;
use conclave_sim::usbredir::{Plugged, plug};
use conclave_sim::world::robot::{self, Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::token;
use serde_json::json;

use super::machine::{Drive, Firmware, Machine, empty_reader};
use super::reader::{TPDU, reader, socket};
use super::{stick, walk};
use crate::scratch::Scratch;

/// The source of the randomness of the tokens.
const SEED: [u8; 32] = [7; 32];
/// Questions on the screen before a room that goes round in a circle is given up.
const LOOKS_MAX: usize = 4_000;
/// How long a machine may work before it asks for something: an emulated one opens a share for minutes.
const WORKS_MAX: Duration = Duration::from_secs(1_200);
/// How long a screen may stay as it was after it was answered, before it is answered again: a stick takes its time.
const STAYS_MAX: Duration = Duration::from_secs(8);
/// The same where something was plugged in, which may not be found yet: one Enter more does no harm.
const PLUGGED_MAX: Duration = Duration::from_secs(1);
/// How long a pulled stick may take to be gone.
const GONE_MAX: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(40);

type InReader = Plugged<CcidDevice<Arc<Mutex<Token>>>>;

/// A machine with the shipped image, the devices plugged into it, and the things beside it.
pub struct Room {
    /// The machine.
    pub machine: Machine,
    /// Holds every stick, by its serial.
    pub scratch: Scratch,
    /// The plan on the stick [`PLAN_DRIVE`].
    pub plan: Plan,
    /// The tokens, by their serials.
    pub tokens: BTreeMap<String, Arc<Mutex<Token>>>,
    /// QEMU's arguments for the medium, and for the devices plugged in with it.
    medium: Vec<String>,
    firmware: Firmware,
    memory_mib: u32,
    readers: BTreeMap<String, InReader>,
    sticks: Vec<String>,
}

impl Room {
    /// Lays out the things that a plan names and starts a machine with this much memory from a DVD, with nothing
    /// plugged in.
    ///
    /// **Units**: MiB.
    pub fn start(brought: Brought<'_>, firmware: Firmware, memory_mib: u32) -> Self {
        Self::with(brought, firmware, memory_mib, Drive::Dvd.with(&walk::iso()))
    }

    /// The same from a stick, in a machine with a card reader that has no card in it.
    pub fn from_stick(brought: Brought<'_>, firmware: Firmware, memory_mib: u32) -> Self {
        Self::with(brought, firmware, memory_mib, [empty_reader(), Drive::Stick.with(&walk::iso())].concat())
    }

    fn with(brought: Brought<'_>, firmware: Firmware, memory_mib: u32, medium: Vec<String>) -> Self {
        let (scratch, plan) = (Scratch::new(), read(brought.plan).unwrap());
        for drive in &plan.drives {
            stick::format(&scratch.file(drive.serial.as_str()), drive.size, drive.name.as_str(), drive.volume);
        }
        let plan_stick = scratch.file(PLAN_DRIVE);
        stick::format(&plan_stick, 40 << 20, "PLAN", 0x0DD0_0001);
        for (name, bytes) in [("plan.toml", brought.plan), ("names.toml", brought.names)] {
            fs::write(scratch.file(name), bytes).unwrap();
            stick::put(&plan_stick, &scratch.file(name), name);
        }
        let serials = plan.drives.iter().map(|drive| drive.serial.as_str()).chain([PLAN_DRIVE]);
        let sticks: Vec<String> = serials.map(str::to_owned).collect();
        let laid = |planned: &conclave_ceremony::plan::Token| {
            let token =
                token(planned, Profile::firmware_4_1(), &SEED).expect("a serial number a simulated token can have");
            (planned.serial.to_string(), Arc::new(Mutex::new(token)))
        };
        let tokens: BTreeMap<_, _> = plan.tokens.iter().map(laid).collect();
        let machine = machine(&medium, firmware, memory_mib, &scratch, tokens.len(), &sticks);
        Self { machine, scratch, plan, tokens, medium, firmware, memory_mib, readers: BTreeMap::new(), sticks }
    }

    /// The power fails, and comes back: the machine starts again, with nothing plugged in.
    pub fn cut_power(&mut self) {
        self.machine.kill();
        self.readers.clear();
        let tokens = self.tokens.len();
        self.machine = machine(&self.medium, self.firmware, self.memory_mib, &self.scratch, tokens, &self.sticks);
    }

    /// From power-on to where a plan, or a log drive, is asked for.
    pub fn walk_in(&mut self) {
        walk::to_devices(&mut self.machine);
        self.machine.press(&["ret"]);
        self.machine.wait_for("plug in the drive with the plan");
    }

    /// A file as the sticks of both log drives have it. The machine must have been ended before ([`Machine::kill`]): after
    /// [`walk::switch_off`] it is only paused, and QEMU still has the sticks open to write to them.
    #[track_caller]
    pub fn on_logs(&self, name: &str) -> Vec<u8> {
        let logs = self.plan.drives.iter().filter(|drive| drive.holds == Holds::Transcript);
        let files: Vec<_> = logs.map(|drive| stick::get(&self.scratch.file(drive.serial.as_str()), name)).collect();
        let [a, b]: [Vec<u8>; 2] = files.try_into().expect("two log drives");
        assert!(a == b, "{name} differs: {} and {} bytes", a.len(), b.len());
        a
    }

    /// Strangers judge every stick. The machine must have been ended before, as for [`Self::on_logs`].
    #[track_caller]
    pub fn sticks_are_judged(&self, judge: fn(&Path)) {
        self.sticks.iter().for_each(|serial| judge(&self.scratch.file(serial)));
    }

    /// Plugs in the device with this serial, if it is not in.
    pub fn plug(&mut self, serial: &str) {
        if let Some(at) = self.tokens.keys().position(|one| one == serial) {
            if !self.readers.contains_key(serial) {
                let device = reader(&self.tokens[serial], serial, TPDU);
                let plugged = plug(&socket(&self.scratch, &(at + 1).to_string()), device).unwrap();
                self.readers.insert(serial.into(), plugged);
            }
        } else if !self.is_in(serial) {
            let at = self.stick(serial);
            let device = json!({
                "driver": "usb-storage", "id": format!("in{at}"), "drive": format!("stick{at}"), "serial": serial,
                "bus": "xhci.0", "port": (self.tokens.len() + 1 + at).to_string(), "removable": true,
            });
            self.machine.qmp().execute("device_add", device);
        }
    }

    /// Pulls out the device with this serial, if it is in.
    pub fn pull(&mut self, serial: &str) {
        if self.tokens.contains_key(serial) {
            if let Some(reader) = self.readers.remove(serial) {
                reader.unplug().unwrap();
            }
        } else if self.is_in(serial) {
            let id = format!("in{}", self.stick(serial));
            self.machine.qmp().execute("device_del", json!({ "id": id }));
            let began = Instant::now();
            while self.is_in(serial) {
                assert!(began.elapsed() < GONE_MAX, "{serial} stays in");
                std::thread::sleep(LOOK);
            }
        }
    }

    fn is_plugged(&mut self, serial: &str) -> bool {
        if self.tokens.contains_key(serial) { self.readers.contains_key(serial) } else { self.is_in(serial) }
    }

    fn stick(&self, serial: &str) -> usize {
        self.sticks.iter().position(|one| one == serial).expect("in the plan")
    }

    fn is_in(&mut self, serial: &str) -> bool {
        let id = format!("in{}", self.stick(serial));
        let there = self.machine.qmp().execute("qom-list", json!({ "path": "/machine/peripheral" }));
        there.as_array().unwrap().iter().any(|one| one["name"] == id.as_str())
    }

    /// Does as the robot says until the ceremony is closed, or until `seen` breaks it off. `seen` is called with every
    /// screen, and with the robot that read it, before the screen is answered.
    pub fn play(
        &mut self,
        robot: &mut Robot,
        mut seen: impl FnMut(&mut Self, &Robot, &[String]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let (mut looks, mut asked) = (0, Instant::now());
        while looks < LOOKS_MAX && asked.elapsed() < WORKS_MAX {
            let mut screen = self.machine.screen();
            // A machine that works does not come to rest, and asks nothing that could be half drawn.
            if !screen.iter().any(|row| row.contains(": wait: ")) {
                screen = self.machine.settled();
            }
            let deeds = robot.look(&screen);
            seen(self, robot, &screen)?;
            // A machine that works is looked at often, and asks nothing yet.
            if deeds.iter().any(|deed| !matches!(deed, Deed::Wait)) {
                looks += 1;
                asked = Instant::now();
            }
            let stays = if deeds.iter().any(|deed| matches!(deed, Deed::Plug(_))) { PLUGGED_MAX } else { STAYS_MAX };
            let (mut keys, mut moved) = (Vec::new(), false);
            for deed in deeds {
                match deed {
                    Deed::Press(key) => keys.push(key),
                    Deed::Plug(serial) => {
                        moved |= !self.is_plugged(&serial);
                        self.plug(&serial);
                    }
                    Deed::Pull(serial) => {
                        moved |= self.is_plugged(&serial);
                        self.pull(&serial);
                    }
                    Deed::Wait => std::thread::sleep(LOOK),
                    Deed::Closed => return ControlFlow::Continue(()),
                    Deed::Stands(words) => panic!("{words}\n{}", screen.join("\n")),
                }
            }
            let Some((last, before)) = keys.split_last() else { continue };
            // The screen names each device that came or went before anybody answers for it.
            let began = Instant::now();
            while moved && body(&self.machine.screen()) == body(&screen) && began.elapsed() < stays {
                std::thread::sleep(LOOK);
            }
            self.press(before);
            // With the last key the answer is complete: the screen until the answer was taken is no new question.
            let answered = if before.is_empty() && !moved { screen } else { self.machine.settled() };
            self.press(&[*last]);
            let began = Instant::now();
            while body(&self.machine.screen()) == body(&answered) && began.elapsed() < stays {
                std::thread::sleep(LOOK);
            }
        }
        panic!("it goes round in a circle, or works for ever:\n{}", self.machine.screen().join("\n"));
    }

    fn press(&mut self, keys: &[Key]) {
        for line in keys.split_inclusive(|key| *key == Key::Enter) {
            let typed = |key: &Key| if let Key::Char(typed) = key { Some(*typed) } else { None };
            self.machine.type_text(&line.iter().filter_map(typed).collect::<String>());
            if line.last() == Some(&Key::Enter) {
                self.machine.press(&["ret"]);
            }
        }
    }
}

/// A machine with a port for each token, which knows every stick.
fn machine(
    medium: &[String],
    firmware: Firmware,
    memory_mib: u32,
    scratch: &Scratch,
    tokens: usize,
    sticks: &[String],
) -> Machine {
    let mut arguments = medium.to_vec();
    arguments.extend(["-m".into(), memory_mib.to_string()]);
    for at in 1..=tokens {
        let (id, socket) = (format!("port{at}"), socket(scratch, &at.to_string()));
        arguments.extend(["-chardev".into(), format!("socket,id={id},path={},server=on,wait=off", socket.display())]);
        arguments.extend(["-device".into(), format!("usb-redir,chardev={id},bus=xhci.0,port={at}")]);
    }
    let mut machine = Machine::start(firmware, &arguments);
    for (at, serial) in sticks.iter().enumerate() {
        let node = json!({ "driver": "file", "node-name": format!("stick{at}"), "filename": scratch.file(serial) });
        machine.qmp().execute("blockdev-add", node);
    }
    machine
}

/// Everything but the pace, the planned end and the clock.
fn body(screen: &[String]) -> Vec<String> {
    robot::middle(screen)
}
