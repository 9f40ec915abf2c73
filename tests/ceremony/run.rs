//! The one loop of the room, from the devices screen on: the plan comes in by its drive, the ceremony runs, the machine is
//! switched off.

use std::collections::VecDeque;

use conclave_ceremony::plan;
use conclave_publish::FileName;
use conclave_room::civil::Wall;
use conclave_room::key::{Key, KeyboardId, Press};
use conclave_room::look::air_gap::AirGap;
use conclave_room::look::challenge::{Challenged, Source};
use conclave_room::look::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_room::look::{Act, Build, Event, Look, Screen, Tree, step};
use conclave_room::ports::Machine;
use conclave_room::run::{Ports, ScreenLost, Showing, run};
use conclave_room::shown::Shown;
use conclave_room::view;
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, rows};
use conclave_sim::world::robot::{Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::Stage;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Waits after which a room that goes round in a circle is given up.
const WAITS_MAX: usize = 20_000;

struct Around {
    stage: Stage,
    robot: Robot,
    plan: plan::Plan,
    bytes: &'static [u8],
    terminal: Terminal<TestBackend>,
    ready: VecDeque<Event>,
    waits: usize,
    /// The screen is lost at this wait.
    lost_at: usize,
    /// Screens that were drawn.
    drawn: usize,
    closed: bool,
}

impl Around {
    fn new(bytes: &'static [u8]) -> Self {
        let plan = plan::read(bytes).unwrap();
        Self {
            stage: super::stage(bytes),
            robot: Robot::new(&plan),
            plan,
            bytes,
            terminal: Terminal::new(TestBackend::new(80, 25)).unwrap(),
            ready: VecDeque::new(),
            waits: 0,
            lost_at: usize::MAX,
            drawn: 0,
            closed: false,
        }
    }

    fn screen(&self) -> Vec<String> {
        rows(self.terminal.backend().buffer())
    }

    fn press(&mut self, key: Key) {
        self.ready.push_back(Event::Pressed(Press { key, keyboard: KeyboardId(0) }));
    }

    fn do_it(&mut self, deed: Deed) {
        match deed {
            Deed::Press(key) => self.press(key),
            Deed::Plug(serial) if serial == PLAN_DRIVE => {
                let mut stick = Stick::new("9-1", PLAN_DRIVE, PLAN_DRIVE);
                stick.files.insert(FileName::new(b"plan.toml").unwrap(), self.bytes.to_vec());
                self.stage.world.drives().plug(stick);
            }
            Deed::Pull(serial) if serial == PLAN_DRIVE => drop(self.stage.world.drives().pull(&Shown::new("9-1"))),
            Deed::Plug(serial) => self.stage.plug(device(&self.plan, &serial).unwrap()),
            Deed::Pull(serial) => self.stage.pull(device(&self.plan, &serial).unwrap()),
            Deed::Wait => self.ready.push_back(Event::Read { wall: Wall(1_795_295_100), mono_ms: 9_000 }),
            Deed::Closed => {
                self.closed = true;
                for key in [Key::Function(10), Key::Char('o'), Key::Char('f'), Key::Char('f'), Key::Enter] {
                    self.press(key);
                }
            }
            Deed::Stands(words) => panic!("{words}"),
        }
    }
}

impl Ports for Around {
    type Machine = World;

    fn machine(&mut self) -> &mut World {
        &mut self.stage.world
    }

    fn draw(&mut self, showing: &Showing<'_>) -> Result<(), ScreenLost> {
        self.drawn += 1;
        if self.waits >= self.lost_at {
            return Err(ScreenLost { why: "EIO".into() });
        }
        self.terminal.draw(|frame| view::show(showing, frame)).unwrap();
        Ok(())
    }

    fn next(&mut self) -> Event {
        self.waits += 1;
        assert!(self.waits < WAITS_MAX, "{}", self.screen().join("\n"));
        while self.ready.is_empty() {
            let screen = self.screen();
            let intake = |row: &String| row.contains("Esc: back to the devices") || row.contains("digest");
            if screen.iter().any(|row| row.contains("► Devices")) && !screen.iter().any(intake) {
                self.press(Key::Enter);
            }
            for deed in self.robot.look(&screen) {
                self.do_it(deed);
            }
        }
        self.ready.pop_front().unwrap()
    }

    fn perform(&mut self, act: Act) {
        assert!(matches!(act, Act::ForgetKeys | Act::PowerOff), "{act:?}");
    }
}

/// A machine whose medium, air gap and clock were looked at and found sound.
fn look() -> Look {
    let build = Build { version: "0.1.0".into(), revision: "0123".into(), tree: Tree::Clean, committed: Wall(0) };
    let mut look = Look::new(build);
    let place = Place { kind: Kind::Optical, model: Shown::new("DVD"), node: Shown::new("/dev/sr0") };
    let digest = conclave_publish::Digest::of(b"an image");
    look.medium = Medium::Hashed(Hashed { place, len: 1, digest, self_check: SelfCheck::Holds });
    look.challenged = Challenged::Met(Source::Paper);
    look.air_gap = AirGap::Tried { proofs: vec![], unused: vec![], machine: vec![], scroll: 0 };
    look.screen = Screen::Devices;
    step(look, Event::Read { wall: Wall(1_795_295_100), mono_ms: 9_000 }).0
}

#[test]
fn a_plan_comes_in_by_its_drive_and_its_ceremony_runs_until_power_off() {
    let mut around = Around::new(super::MINIMAL);
    run(look(), &mut around).unwrap();
    assert!(around.closed);
    let stage = &mut around.stage;
    for log in [0, 1] {
        let stick = stage.stick(conclave_ceremony::ids::DriveId(log)).unwrap();
        let transcript = stick.files.get(&FileName::new(b"conclave.cbor").unwrap()).unwrap();
        let read = conclave_ceremony::transcript::read(transcript).unwrap();
        assert!(read.torn == 0 && read.entries.len() > 100, "{}", read.entries.len());
        let script = conclave_ceremony::compile::compile(&around.plan).unwrap();
        let twin = conclave_ceremony::twin::twin(&around.plan, &script, &read);
        assert_eq!(stick.files.get(&FileName::new(b"conclave.txt").unwrap()).unwrap(), twin.as_bytes());
    }
}

#[test]
fn a_lost_screen_ends_the_room_before_anything_else_happens() {
    let mut around = Around::new(super::MINIMAL);
    around.lost_at = 3;
    assert_eq!(run(look(), &mut around), Err(ScreenLost { why: "EIO".into() }));
    assert_eq!(around.waits, 3);
}
