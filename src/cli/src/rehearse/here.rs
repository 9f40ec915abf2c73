//! A rehearsal in this process: the appliance's room around a machine, tokens and drives in memory.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::Plan;
use conclave_ceremony::step::Waiting;
use conclave_console::civil::Wall;
use conclave_console::key::{Key, KeyboardId, Press};
use conclave_console::perform::log_drive;
use conclave_console::ports::Machine;
use conclave_console::preflight::air_gap::{AirGap, Fact};
use conclave_console::preflight::challenge::{Challenged, Source};
use conclave_console::preflight::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_console::preflight::{Act, Build, Event, Preflight, Screen, Tree, step};
use conclave_console::run::{Ports, ScreenLost, Showing, run};
use conclave_console::shown::Shown;
use conclave_console::view;
use conclave_publish::FileName;
use conclave_sim::card::random::Randomness;
use conclave_sim::fault::{At, Fault, Misfortune};
use conclave_sim::icc::Wire;
use conclave_sim::memo::Memo;
use conclave_sim::token::Token;
use conclave_sim::world::drives::{Fault as OfDrive, Lies, Stick};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, rows};
use conclave_sim::world::robot::{Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::{Stage, port};
use conclave_sim::world::tokens::Fault as OfToken;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::keys::Typed;
use super::left::{Left, STOPPED, Stands};
use super::menu::{Failure, Menu, Wish};
use super::terminal::{SCREEN, Watched};
use super::unfinished::{TakenUp, Unfinished};
use super::{READ, Rehearsal};
use crate::random;
use crate::verify::NOT_ANCHORED;

/// Port of the drive with the plan.
const PLAN_PORT: &str = "usb 3-1";
/// Looks at the screen after which a robot that goes round in a circle is given up.
const LOOKS_MAX: usize = 20_000;
/// For a watching person: how long an act stands before the next act, and a key before the next key.
const ACT: Duration = Duration::from_millis(120);
const KEY: Duration = Duration::from_millis(30);
/// Between two looks at a terminal that is too small, or at a machine that is at work.
const LOOK: Duration = Duration::from_millis(20);
/// Between two readings of the clock while a person does nothing.
const TICK: Duration = Duration::from_secs(1);
/// The chosen failure comes at one of this many operations of the next work.
const SOON: u8 = 12;

/// The player who answers the screens.
enum Player {
    Robot { robot: Robot, looks: usize },
    Hands { menu: Menu },
}

/// Why the room ends before somebody powers off.
enum Ends {
    /// Ctrl-C, or the keyboard is gone.
    Stopped,
    /// The power failed.
    Dark,
}

struct Around<'a> {
    stage: Stage,
    rehearsal: &'a Rehearsal,
    watched: &'a mut Watched,
    keys: Option<Receiver<Typed>>,
    /// Keys that were pressed while the machine was at work.
    typed: VecDeque<Typed>,
    /// Whether the watching person wants no pauses.
    hurries: bool,
    player: Player,
    terminal: Terminal<TestBackend>,
    ready: VecDeque<Event>,
    /// The last screen of the ceremony.
    last: Vec<String>,
    closed: bool,
    /// The words it stands with, as the robot reads them.
    stands: Option<String>,
    ends: Option<Ends>,
}

/// Plays from the devices screen to power-off, or until it is stopped.
///
/// Errors: the system failed, or the robot goes round in a circle.
pub(super) fn play(rehearsal: &Rehearsal, watched: &mut Watched) -> Result<Left, Box<dyn Error>> {
    let Rehearsal { plan, hands, taken_up, .. } = rehearsal;
    let world = World::new(random::bytes()?, wall()?, Arc::new(Memo::default())).on_the_wall();
    let keys = match watched {
        Watched::Drawn(terminal) => Some(terminal.keys()),
        Watched::Lines(_) => None,
    };
    let player = match hands {
        true => Player::Hands { menu: Menu::new(plan, None, true) },
        false => Player::Robot { robot: robot(plan, taken_up.as_ref()), looks: 0 },
    };
    let Ok(terminal) = Terminal::new(TestBackend::new(SCREEN.width, SCREEN.height));
    let mut around = Around {
        stage: stage(plan, world, taken_up.as_ref())?,
        rehearsal,
        watched,
        keys,
        typed: VecDeque::new(),
        hurries: false,
        player,
        terminal,
        ready: VecDeque::new(),
        last: Vec::new(),
        closed: false,
        stands: None,
        ends: None,
    };
    loop {
        // From the devices screen to the plan.
        around.ready = VecDeque::from([pressed(Key::Enter)]);
        let ran = run(preflight(rehearsal)?, &mut around);
        match around.ends.take() {
            None => ran?,
            Some(Ends::Stopped) => return Ok(around.left(Some(STOPPED))),
            Some(Ends::Dark) if around.power_comes_back()? => continue,
            Some(Ends::Dark) => return Ok(around.left(Some(STOPPED))),
        }
        return Ok(around.left(None));
    }
}

/// The text on the witness's paper: the last head on the screen.
const HEAD: &str = "the last head";

fn wall() -> Result<Wall, Box<dyn Error>> {
    Ok(Wall(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?))
}

fn robot(plan: &Plan, taken_up: Option<&TakenUp>) -> Robot {
    let mut robot = Robot::new(plan);
    if let Some(TakenUp { unfinished, .. }) = taken_up {
        robot.resumes = true;
        for (what, written) in &unfinished.papers {
            match what.as_str() {
                HEAD => robot.head = written.parse().ok(),
                what => robot.brings(what, written),
            }
        }
    }
    robot
}

/// Everything the plan names, as new, or as an earlier rehearsal left it.
fn stage(plan: &Plan, world: World, taken_up: Option<&TakenUp>) -> Result<Stage, Box<dyn Error>> {
    let mut stage = Stage::of(plan, world, random::bytes()?)?;
    let Some(TakenUp { drives, tokens, .. }) = taken_up else { return Ok(stage) };
    for (at, files) in (0..).zip(drives) {
        if let Some(stick) = stage.stick(DriveId(at)) {
            stick.files = files.clone();
        }
    }
    for (at, card) in (0..).zip(tokens) {
        if let Some(place) = stage.place(TokenId(at)) {
            stage.world.tokens().token(place, |token| *token = Token::new(card.clone()));
        }
    }
    Ok(stage)
}

/// The state of a machine that was started and looked at. This machine says what it truly is: its medium is this
/// program, built by the person in front of it, and it knows nothing of an air gap.
fn preflight(rehearsal: &Rehearsal) -> Result<Preflight, Box<dyn Error>> {
    let now = wall()?;
    let build = Build {
        version: env!("CARGO_PKG_VERSION").into(),
        revision: String::new(),
        tree: Tree::Clean,
        committed: Wall(0),
    };
    let (model, node) = (Shown::new("this program"), Shown::new("conclave"));
    let mut preflight = Preflight::new(build);
    preflight.medium = Medium::Hashed(Hashed {
        place: Place { kind: Kind::UsbDisk, model, node },
        len: rehearsal.len,
        digest: rehearsal.digest,
        self_check: SelfCheck::Holds,
    });
    preflight.challenged = Challenged::Met(Source::Nobody);
    let machine = vec![Fact { what: "rehearsal", value: Shown::new("no air gap was tried") }];
    preflight.air_gap = AirGap::Tried { proofs: Vec::new(), unused: Vec::new(), machine, weak: Vec::new(), scroll: 0 };
    preflight.clock.compared = Some((now, 0));
    preflight.screen = Screen::Devices;
    Ok(step(preflight, Event::Read { wall: now, mono_ms: 0 }).0)
}

fn pressed(key: Key) -> Event {
    Event::Pressed(Press { key, keyboard: KeyboardId(0) })
}

impl Around<'_> {
    /// The things on the table at the end. `code`: the exit code, if it was stopped.
    fn left(&mut self, code: Option<u8>) -> Left {
        let stage = &mut self.stage;
        let plan = &self.rehearsal.plan;
        let drives = (0..).zip(&plan.drives).map(|(at, _)| DriveId(at));
        let drives =
            drives.map(|drive| stage.stick(drive).map(|stick| stick.files.clone()).unwrap_or_default()).collect();
        let places: Vec<_> = (0..).zip(&plan.tokens).filter_map(|(at, _)| stage.place(TokenId(at))).collect();
        let tokens = stage.world.tokens();
        let tokens = places.into_iter().filter_map(|place| tokens.token(place, |token| token.card().clone())).collect();
        let stands = (!self.closed).then(|| self.stands(code));
        Left { drives, tokens, screen: std::mem::take(&mut self.last), stands }
    }

    fn stands(&mut self, code: Option<u8>) -> Stands {
        let why = match (code, self.stands.take()) {
            (_, Some(words)) => format!("The ceremony stands: {words}"),
            (Some(_), None) => "Stopped in the middle of the ceremony.".into(),
            (None, None) => "The machine is off, and the ceremony is not finished.".into(),
        };
        let papers = match &self.player {
            Player::Robot { robot, .. } => {
                let head = robot.head.map(|head| (HEAD.to_owned(), head.to_string()));
                robot.papers().clone().into_iter().chain(head).collect()
            }
            // A person who goes on by hand may need the papers that the machine wrote before.
            Player::Hands { .. } => {
                self.rehearsal.taken_up.as_ref().map(|it| it.unfinished.papers.clone()).unwrap_or_default()
            }
        };
        let unfinished = Unfinished { hands: self.rehearsal.hands, program: self.rehearsal.digest, papers };
        Stands { why, code: code.unwrap_or(NOT_ANCHORED), unfinished }
    }

    fn press(&mut self, key: Key) {
        self.ready.push_back(pressed(key));
    }

    fn tick(&mut self) {
        let now = self.stage.world.now();
        self.ready.push_back(Event::Read { wall: now.wall, mono_ms: now.mono_ms });
    }

    fn plug(&mut self, serial: &str) {
        if serial == PLAN_DRIVE {
            let mut stick = Stick::new(PLAN_PORT, PLAN_DRIVE, PLAN_DRIVE);
            let Rehearsal { bytes, names, .. } = self.rehearsal;
            for (name, bytes) in [(log_drive::PLAN, bytes.as_slice()), (log_drive::NAMES, names.bytes())] {
                if let Ok(name) = FileName::new(name.as_bytes()) {
                    stick.files.insert(name, bytes.to_vec());
                }
            }
            self.stage.world.drives().plug(stick);
        } else if let Some(device) = device(&self.rehearsal.plan, serial) {
            self.stage.plug(device);
        }
    }

    fn pull(&mut self, serial: &str) {
        if serial == PLAN_DRIVE {
            self.stage.world.drives().pull(&Shown::new(PLAN_PORT));
        } else if let Some(device) = device(&self.rehearsal.plan, serial) {
            self.stage.pull(device);
        }
    }

    fn power_off(&mut self) {
        for key in [Key::Function(10), Key::Char('o'), Key::Char('f'), Key::Char('f'), Key::Enter] {
            self.press(key);
        }
    }

    /// Lets time pass, and takes the keys that are pressed meanwhile.
    fn wait(&mut self, time: Duration) {
        let Some(keys) = &self.keys else { return thread::sleep(time) };
        let until = Instant::now() + time;
        loop {
            match (keys.recv_timeout(until.saturating_duration_since(Instant::now())), &self.player) {
                (Ok(Typed::Stop) | Err(RecvTimeoutError::Disconnected), _) => return self.ends = Some(Ends::Stopped),
                (Err(RecvTimeoutError::Timeout), _) => return,
                (Ok(Typed::Key(Key::Char(' '))), Player::Robot { .. }) => self.hurries = !self.hurries,
                (Ok(_), Player::Robot { .. }) => {}
                (Ok(typed), Player::Hands { .. }) => self.typed.push_back(typed),
            }
            if self.hurries {
                return;
            }
        }
    }

    /// Waits for a watching person; output to a file has none.
    fn pause(&mut self, pause: Duration) {
        if self.keys.is_some() {
            self.wait(if self.hurries { Duration::ZERO } else { pause });
        }
    }

    /// Lets something fail, now or in the next work with it.
    fn fail(&mut self, serial: &str, failure: Failure) {
        let Some(device) = device(&self.rehearsal.plan, serial) else { return };
        // No person can foresee the operation of the next work that fails. Without randomness it is the first.
        let [soon, part] = random::bytes().map_or([0, 0], |[soon, part, ..]: [u8; 32]| [soon % SOON, part]);
        let command = self.stage.world.tokens().changes().len() + usize::from(soon);
        let op = self.stage.world.drives().ops() + u64::from(soon);
        match (failure, device) {
            (Failure::Power, _) => {
                self.stage.world.tokens().fail_at(command, OfToken::PowerCut { changes: u32::from(part % 3) });
                self.stage.world.drives().fail_at(op, OfDrive::PowerCut);
            }
            (Failure::ComesOut, Device::Token(_)) => self.stage.world.tokens().fail_at(command, OfToken::Yank),
            (Failure::ComesOut, Device::Drive(_)) => {
                self.stage.world.drives().fail_at(op, OfDrive::Yank(port(device)));
            }
            (Failure::Hangs | Failure::Counterfeit, Device::Token(token)) => {
                let Some(place) = self.stage.place(token) else { return };
                let tokens = self.stage.world.tokens();
                if failure == Failure::Hangs {
                    let mute = Fault { at: At::Command(1), what: Misfortune::Travels(Wire::Mute) };
                    tokens.token(place, |token| token.set_faults(vec![mute]));
                } else if let Ok(seed) = random::bytes() {
                    tokens.forge(place, Randomness::seeded(seed));
                }
            }
            (Failure::Full | Failure::Lies, Device::Drive(drive)) => {
                let Some(stick) = self.stage.stick(drive) else { return };
                if failure == Failure::Full {
                    stick.capacity = 0;
                } else {
                    stick.lies = Lies::Bytes;
                }
            }
            // The list does not offer them.
            (Failure::Hangs | Failure::Counterfeit, Device::Drive(_))
            | (Failure::Full | Failure::Lies, Device::Token(_)) => {}
        }
    }

    /// The machine is dark until a person lets the power come back. Of the bytes that drives had not kept yet, some are
    /// there. False: the rehearsal was stopped instead.
    fn power_comes_back(&mut self) -> Result<bool, Box<dyn Error>> {
        let mut screen = Buffer::empty(SCREEN);
        screen.set_string(1, 2, "The power has failed: the machine is dark.", Style::new());
        screen.set_string(
            1,
            4,
            "Enter: it comes back, and the machine is started from its medium again.",
            Style::new(),
        );
        self.typed.clear();
        loop {
            self.watched.show(&screen)?;
            self.wait(LOOK);
            if matches!(self.ends, Some(Ends::Stopped)) {
                return Ok(false);
            }
            if self.typed.drain(..).any(|typed| typed == Typed::Key(Key::Enter)) {
                let all = self.stage.world.drives().unsynced();
                let [some, ..]: [u8; 32] = random::bytes()?;
                self.stage.world.restart(all * usize::from(some) / usize::from(u8::MAX));
                return Ok(true);
            }
        }
    }

    fn do_it(&mut self, deed: Deed) {
        match deed {
            Deed::Press(key) => self.press(key),
            Deed::Plug(serial) => self.plug(&serial),
            Deed::Pull(serial) => self.pull(&serial),
            Deed::Wait => {
                self.wait(LOOK);
                self.tick();
            }
            Deed::Closed => self.power_off(),
            Deed::Stands(words) => {
                self.stands = Some(words);
                self.power_off();
            }
        }
    }

    /// The robot looks at the screen and does the thing asked.
    fn robot(&mut self) {
        self.pause(READ);
        let screen = rows(self.terminal.backend().buffer());
        let deeds = match &mut self.player {
            Player::Robot { robot, looks } => {
                *looks += 1;
                robot.look(&screen)
            }
            Player::Hands { .. } => Vec::new(),
        };
        for deed in deeds {
            self.do_it(deed);
        }
    }

    /// A person does something, or a second passes.
    fn hands(&mut self) {
        if self.typed.is_empty() {
            self.wait_for_key();
        }
        let Player::Hands { menu } = &mut self.player else { return };
        let wish = match self.typed.pop_front() {
            Some(Typed::Devices) => {
                menu.turn();
                None
            }
            Some(Typed::Key(key)) => match menu.press(key) {
                Some(wish) => wish,
                None => return self.press(key),
            },
            Some(Typed::Stop) | None => None,
        };
        match wish {
            Some(Wish::Plug(serial)) => self.plug(&serial),
            Some(Wish::Pull(serial)) => self.pull(&serial),
            Some(Wish::Fail(serial, failure)) => self.fail(&serial, failure),
            None => {}
        }
        // The list is drawn with the next event.
        self.tick();
    }

    /// As [`Self::wait`], until the first key.
    fn wait_for_key(&mut self) {
        match self.keys.as_ref().map(|keys| keys.recv_timeout(TICK)) {
            Some(Ok(Typed::Stop) | Err(RecvTimeoutError::Disconnected)) | None => self.ends = Some(Ends::Stopped),
            Some(Ok(typed)) => self.typed.push_back(typed),
            Some(Err(RecvTimeoutError::Timeout)) => {}
        }
    }

    fn is_in(stage: &mut Stage, plan: &Plan, serial: &str) -> bool {
        match device(plan, serial) {
            Some(device) => stage.is_in(device),
            None => stage.world.drives().stick(&Shown::new(PLAN_PORT)).is_some(),
        }
    }
}

impl Ports for Around<'_> {
    type Machine = World;

    fn machine(&mut self) -> &mut World {
        &mut self.stage.world
    }

    fn draw(&mut self, showing: &Showing<'_>) -> Result<(), ScreenLost> {
        let lost = |why: &str| ScreenLost { why: why.to_owned() };
        if self.stage.world.dark() {
            self.ends = Some(Ends::Dark);
            return Err(lost("the power failed"));
        }
        let Ok(_) = self.terminal.draw(|frame| view::show(showing, frame));
        let mut screen = self.terminal.backend().buffer().clone();
        if let Showing::Ceremony(scene) = showing {
            self.last = rows(&screen);
            self.closed = scene.waiting == Waiting::Closed && !scene.writes;
        }
        match &mut self.player {
            Player::Robot { looks, .. } if *looks > LOOKS_MAX => {
                return Err(lost(&format!("the ceremony goes round in a circle:\n{}", rows(&screen).join("\n"))));
            }
            Player::Robot { .. } => {}
            Player::Hands { menu } => {
                menu.look(|serial| Self::is_in(&mut self.stage, &self.rehearsal.plan, serial));
                menu.draw(&mut screen);
            }
        }
        loop {
            self.watched.show(&screen).map_err(|error| lost(&error.to_string()))?;
            let fits = self.watched.fits().map_err(|error| lost(&error.to_string()))?;
            if fits || self.ends.is_some() {
                break;
            }
            // Nothing happens while no person can see it.
            self.wait(LOOK);
        }
        // Keys follow each other as they come; an act of the machine stands for a while.
        if showing.works() {
            self.pause(ACT);
        }
        match self.ends {
            Some(_) => Err(lost("it was stopped")),
            None => Ok(()),
        }
    }

    fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if matches!(self.player, Player::Robot { .. }) {
                    self.pause(KEY);
                }
                return event;
            }
            if self.ends.is_some() {
                // The next drawing ends it.
                self.tick();
                continue;
            }
            match self.player {
                Player::Robot { .. } => self.robot(),
                Player::Hands { .. } => self.hands(),
            }
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            // Its loop ends by itself, and nothing else is asked for behind the devices screen.
            Act::PowerOff
            | Act::FindMedium
            | Act::LeaveMedium
            | Act::AdmitKeyboards(_)
            | Act::Draw
            | Act::ForgetKeys
            | Act::SetClock(_) => {}
        }
    }
}
