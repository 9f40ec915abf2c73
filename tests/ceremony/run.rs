//! The one loop of the room, from the devices screen on: the plan comes in by its drive, the ceremony runs, the machine is
//! switched off.

use std::collections::VecDeque;

use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::Event::{Began, Looked};
use conclave_ceremony::event::Looked::Clock;
use conclave_ceremony::plan;
use conclave_console::civil::Wall;
use conclave_console::key::{Key, KeyboardId, Press};
use conclave_console::ports::Machine;
use conclave_console::preflight::air_gap::AirGap;
use conclave_console::preflight::challenge::{Challenged, Source};
use conclave_console::preflight::keyboards::Code;
use conclave_console::preflight::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_console::preflight::{Act, Build, Event, Preflight, Screen, Tree, step};
use conclave_console::run::{Ports, ScreenLost, Showing, run};
use conclave_console::shown::Shown;
use conclave_console::view;
use conclave_publish::FileName;
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, rows};
use conclave_sim::world::robot::{self, Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::on_stick;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// Waits after which a room that goes round in a circle is given up.
const WAITS_MAX: usize = 20_000;

/// The time that the clock showed when it was compared with a watch, an hour before the plan comes in.
const COMPARED: Wall = Wall(1_795_295_100);

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
    /// The screen is lost once it has said this.
    lost_when: Option<&'static str>,
    /// Screens that were drawn.
    drawn: usize,
    closed: bool,
    /// The one keyboard, and the screens at which it is pulled out and another one is plugged in.
    keyboard: KeyboardId,
    replugged_at: Vec<&'static str>,
    /// Screens at which the screen of keyboards is asked for, and left again.
    asked_at: Vec<&'static str>,
    /// The decisions about letting keyboards in.
    admits: Vec<bool>,
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
            lost_when: None,
            drawn: 0,
            closed: false,
            keyboard: KeyboardId(0),
            replugged_at: Vec::new(),
            asked_at: Vec::new(),
            admits: Vec::new(),
        }
    }

    fn screen(&self) -> Vec<String> {
        rows(self.terminal.backend().buffer())
    }

    fn press(&mut self, key: Key) {
        self.ready.push_back(Event::Pressed(Press { key, keyboard: self.keyboard }));
    }

    /// The keyboard is pulled out and another keyboard is plugged in. Its keys count once the code on the screen was
    /// typed.
    fn replug(&mut self) {
        self.ready.push_back(Event::KeyboardWent(self.keyboard));
        self.keyboard.0 += 1;
        let (id, code) = (self.keyboard, Code::new([self.keyboard.0, 1, 2, 3]));
        let (port, product) = (Shown::new("1-3"), Shown::new("Keys"));
        self.ready.push_back(Event::KeyboardCame { id, port, product, code });
    }

    fn do_it(&mut self, deed: Deed) {
        match deed {
            Deed::Press(key) => self.press(key),
            Deed::Plug(serial) if serial == PLAN_DRIVE => {
                let mut stick = Stick::new("9-1", PLAN_DRIVE, PLAN_DRIVE);
                stick.files.extend(on_stick(self.bytes));
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
        let said = self.screen().join("\n");
        if self.waits >= self.lost_at || self.lost_when.is_some_and(|words| said.contains(words)) {
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
            let words_shown = robot::one_line(&screen);
            let has = |words: &str| words_shown.contains(words);
            if let Some((_, code)) = screen.iter().find_map(|row| row.split_once("type on it ")) {
                code.chars().take(6).for_each(|digit| self.press(Key::Char(digit)));
                break;
            }
            if self.replugged_at.first().is_some_and(|words| has(words)) {
                self.replugged_at.remove(0);
                self.replug();
                break;
            }
            if self.asked_at.first().is_some_and(|words| has(words)) {
                self.asked_at.remove(0);
                [Key::Function(2), Key::Escape].into_iter().for_each(|key| self.press(key));
                break;
            }
            if has("► Devices") && has("Enter: plan") {
                self.press(Key::Enter);
            }
            for deed in self.robot.look(&screen) {
                self.do_it(deed);
            }
        }
        self.ready.pop_front().unwrap()
    }

    fn perform(&mut self, act: Act) {
        match act {
            Act::AdmitKeyboards(admits) => self.admits.push(admits),
            act => assert!(matches!(act, Act::ForgetKeys | Act::PowerOff), "{act:?}"),
        }
    }
}

/// A machine with medium, air gap and clock checked and found sound.
pub fn look() -> Preflight {
    let build = Build { version: "0.1.0".into(), revision: "0123".into(), tree: Tree::Clean, committed: Wall(0) };
    let mut preflight = Preflight::new(build);
    let place = Place { kind: Kind::Optical, model: Shown::new("DVD"), node: Shown::new("/dev/sr0") };
    let digest = conclave_publish::Digest::of(b"an image");
    preflight.medium = Medium::Hashed(Hashed { place, len: 1, digest, self_check: SelfCheck::Holds });
    preflight.challenged = Challenged::Met(Source::Paper);
    preflight.air_gap = AirGap::Tried { proofs: vec![], unused: vec![], machine: vec![], weak: vec![], scroll: 0 };
    preflight.clock.compared = Some((COMPARED, 0));
    preflight.screen = Screen::Devices;
    step(preflight, Event::Read { wall: Wall(1_795_295_100), mono_ms: 9_000 }).0
}

#[test]
fn a_plan_comes_in_by_its_drive_and_its_ceremony_runs_until_power_off_whenever_the_only_keyboard_is_replugged() {
    let mut around = Around::new(super::MINIMAL);
    around.replugged_at = vec![
        "plug in the drive with the plan",
        "type these groups of the digests of plan and script",
        "which document was shown?",
        "type your sign-in code to agree.",
        "then press Enter: it is hidden and you type it",
        "compare, then press Enter",
    ];
    run(look(), &mut around).unwrap();
    assert!(around.closed && around.replugged_at.is_empty(), "{:?}", around.replugged_at);
    assert_eq!(around.keyboard, KeyboardId(6));
    let stage = &mut around.stage;
    for log in [0, 1] {
        let stick = stage.stick(conclave_ceremony::ids::DriveId(log)).unwrap();
        let transcript = stick.files.get(&FileName::new(b"conclave.cbor").unwrap()).unwrap();
        let read = conclave_ceremony::transcript::read(transcript).unwrap();
        assert!(read.torn == 0 && read.entries.len() > 100, "{}", read.entries.len());
        let twin = conclave_ceremony::twin::twin(&around.plan, &read);
        assert_eq!(stick.files.get(&FileName::new(b"conclave.txt").unwrap()).unwrap(), twin.as_bytes());
    }
}

#[test]
fn keyboards_on_usb_come_in_only_while_their_screen_is_shown_in_every_phase_or_where_the_machine_has_none() {
    let mut around = Around::new(super::MINIMAL);
    around.asked_at = vec!["Enter: plan", "plug in the drive with the plan", "which document was shown?"];
    around.lost_when = Some("type your sign-in code");
    let read = |mono_ms| Event::Read { wall: COMPARED, mono_ms };
    let own = |found| Event::OwnKeyboard(found);
    around.ready.extend([read(9_000), own(true), read(99_000), own(false), read(100_000), read(103_000), own(true)]);
    assert!(run(look(), &mut around).is_err());
    assert!(around.asked_at.is_empty());
    // The machine without one, then the three screens.
    assert_eq!(around.admits, [true, false].repeat(4));
}

#[test]
fn the_record_says_how_its_image_differs_and_names_the_time_its_clock_was_compared_at() {
    let mut around = Around::new(super::MINIMAL);
    let mut dirty = look();
    dirty.build.tree = Tree::DirtyAndMoved;
    around.lost_when = Some("which document was shown?");
    assert!(run(dirty, &mut around).is_err());
    let stick = around.stage.stick(conclave_ceremony::ids::DriveId(0)).unwrap();
    let read = conclave_ceremony::transcript::read(&stick.files[&FileName::new(b"conclave.cbor").unwrap()]).unwrap();
    let Began(began) = &read.entries[0].event else { panic!() };
    assert_eq!(began.build.as_str(), "0.1.0 0123 DIRTY, MOVED INPUTS");
    assert_eq!(Tree::told(began.build.as_str()), Tree::DirtyAndMoved);
    let looked = |entry: &Entry| entry.event == Looked(Clock { wall: COMPARED.0, mono: 0 });
    assert!(read.entries.iter().any(looked), "the time of the clock's screen");
}

#[test]
fn a_lost_screen_ends_the_room_before_anything_else_happens() {
    let mut around = Around::new(super::MINIMAL);
    around.lost_at = 3;
    assert_eq!(run(look(), &mut around), Err(ScreenLost { why: "EIO".into() }));
    assert_eq!(around.waits, 3);
}
