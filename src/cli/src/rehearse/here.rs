//! A rehearsal in this process: the appliance's room around a machine, tokens and drives in memory.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use conclave_ceremony::ids::{DriveId, TokenId};
use conclave_ceremony::plan::Plan;
use conclave_publish::{Digest, FileName};
use conclave_room::civil::Wall;
use conclave_room::key::{Key, KeyboardId, Press};
use conclave_room::look::air_gap::{AirGap, Fact};
use conclave_room::look::challenge::{Challenged, Source};
use conclave_room::look::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_room::look::{Act, Build, Event, Look, Screen, Tree, step};
use conclave_room::ports::Machine;
use conclave_room::run::{Ports, ScreenLost, Showing, run};
use conclave_room::shown::Shown;
use conclave_room::view;
use conclave_sim::memo::Memo;
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, rows};
use conclave_sim::world::robot::{Deed, PLAN_DRIVE, Robot};
use conclave_sim::world::stage::Stage;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::keys::Typed;
use super::left::Left;
use super::menu::{Menu, Wish};
use super::terminal::{SCREEN, Watched};
use super::{READ, Rehearsal};
use crate::random;

/// Port of the drive with the plan.
const PLAN_PORT: &str = "usb 3-1";
/// Looks at the screen after which a robot that goes round in a circle is given up.
const LOOKS_MAX: usize = 20_000;
/// For those who watch: how long an act stands before the next, a key before the next.
const ACT: Duration = Duration::from_millis(120);
const KEY: Duration = Duration::from_millis(30);
/// Between two readings of the clock while a person does nothing.
const TICK: Duration = Duration::from_secs(1);

/// Who answers the screens.
enum Player {
    Robot { robot: Robot, looks: usize },
    Hands { menu: Menu },
}

struct Around<'a> {
    stage: Stage,
    plan: &'a Plan,
    bytes: &'a [u8],
    watched: &'a mut Watched,
    keys: Option<Receiver<Typed>>,
    player: Player,
    terminal: Terminal<TestBackend>,
    ready: VecDeque<Event>,
    /// The last screen of the ceremony.
    last: Vec<String>,
    stands: Option<String>,
}

/// Plays from the devices screen to power-off.
///
/// Errors: it did not come to its end; in words.
pub(super) fn play(rehearsal: &Rehearsal, watched: &mut Watched) -> Result<Left, Box<dyn Error>> {
    let Rehearsal { bytes, plan, hands, .. } = rehearsal;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = Wall(i64::try_from(now)?);
    let world = World::new(random::bytes()?, now, Arc::new(Memo::default()));
    let keys = match watched {
        Watched::Drawn(terminal) => Some(terminal.keys()),
        Watched::Lines(_) => None,
    };
    let player = match hands {
        true => Player::Hands { menu: Menu::new(plan, vec![("the plan", plan.digest)]) },
        false => Player::Robot { robot: Robot::new(plan), looks: 0 },
    };
    let Ok(terminal) = Terminal::new(TestBackend::new(SCREEN.width, SCREEN.height));
    let mut around = Around {
        stage: Stage::of(plan, world, random::bytes()?)?,
        plan,
        bytes,
        watched,
        keys,
        player,
        terminal,
        // From the devices screen to the plan.
        ready: VecDeque::from([pressed(Key::Enter)]),
        last: Vec::new(),
        stands: None,
    };
    run(look(now)?, &mut around)?;
    match around.stands.take() {
        Some(words) => Err(format!("the ceremony stands, and nothing was kept: {words}").into()),
        None => Ok(around.left()),
    }
}

/// Where a machine is that was started and looked at. What this one stands for is said as it is: its medium is this program,
/// which the person in front of it has built, and of an air gap it knows nothing.
fn look(now: Wall) -> Result<Look, Box<dyn Error>> {
    let build = Build {
        version: env!("CARGO_PKG_VERSION").into(),
        revision: String::new(),
        tree: Tree::Clean,
        committed: Wall(0),
    };
    let program = std::fs::read(std::env::current_exe()?)?;
    let (model, node) = (Shown::new("this program"), Shown::new("conclave"));
    let mut look = Look::new(build);
    look.medium = Medium::Hashed(Hashed {
        place: Place { kind: Kind::UsbDisk, model, node },
        len: u64::try_from(program.len())?,
        digest: Digest::of(&program),
        self_check: SelfCheck::Holds,
    });
    look.challenged = Challenged::Met(Source::Nobody);
    let machine = vec![Fact { what: "rehearsal", value: Shown::new("no air gap was tried") }];
    look.air_gap = AirGap::Tried { proofs: Vec::new(), unused: Vec::new(), machine, scroll: 0 };
    look.clock.compared = Some(now);
    look.screen = Screen::Devices;
    Ok(step(look, Event::Read { wall: now, mono_ms: 0 }).0)
}

fn pressed(key: Key) -> Event {
    Event::Pressed(Press { key, keyboard: KeyboardId(0) })
}

impl Around<'_> {
    /// What lies on the table at the end.
    fn left(&mut self) -> Left {
        let stage = &mut self.stage;
        let drives = (0..).zip(&self.plan.drives).map(|(at, _)| DriveId(at));
        let drives =
            drives.map(|drive| stage.stick(drive).map(|stick| stick.files.clone()).unwrap_or_default()).collect();
        let places: Vec<_> = (0..).zip(&self.plan.tokens).filter_map(|(at, _)| stage.place(TokenId(at))).collect();
        let tokens = stage.world.tokens();
        let tokens = places.into_iter().filter_map(|place| tokens.token(place, |token| token.card().clone())).collect();
        Left { drives, tokens, screen: std::mem::take(&mut self.last) }
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
            if let Ok(name) = FileName::new(b"plan.toml") {
                stick.files.insert(name, self.bytes.to_vec());
            }
            self.stage.world.drives().plug(stick);
        } else if let Some(device) = device(self.plan, serial) {
            self.stage.plug(device);
        }
    }

    fn pull(&mut self, serial: &str) {
        if serial == PLAN_DRIVE {
            self.stage.world.drives().pull(&Shown::new(PLAN_PORT));
        } else if let Some(device) = device(self.plan, serial) {
            self.stage.pull(device);
        }
    }

    fn power_off(&mut self) {
        for key in [Key::Function(10), Key::Char('o'), Key::Char('f'), Key::Char('f'), Key::Enter] {
            self.press(key);
        }
    }

    /// Waits for who watches; nobody watches a file.
    fn pause(&self, pause: Duration) {
        if self.watched.drawn() {
            thread::sleep(pause);
        }
    }

    fn do_it(&mut self, deed: Deed) {
        match deed {
            Deed::Press(key) => self.press(key),
            Deed::Plug(serial) => self.plug(&serial),
            Deed::Pull(serial) => self.pull(&serial),
            Deed::Wait => self.tick(),
            Deed::Closed => self.power_off(),
            Deed::Stands(words) => {
                self.stands = Some(words);
                self.power_off();
            }
        }
    }

    /// The robot looks at the screen and does what it asks.
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
    fn hands(&mut self) -> Result<(), RecvTimeoutError> {
        let typed = match &self.keys {
            Some(keys) => keys.recv_timeout(TICK),
            None => Err(RecvTimeoutError::Disconnected),
        };
        let Player::Hands { menu } = &mut self.player else { return Ok(()) };
        let wish = match typed {
            Ok(Typed::Devices) => {
                menu.turn();
                None
            }
            Ok(Typed::Key(key)) => match menu.press(key) {
                Some(wish) => wish,
                None => {
                    self.press(key);
                    return Ok(());
                }
            },
            Ok(Typed::Stop) | Err(RecvTimeoutError::Timeout) => None,
            Err(gone) => return Err(gone),
        };
        match wish {
            Some(Wish::Plug(serial)) => self.plug(&serial),
            Some(Wish::Pull(serial)) => self.pull(&serial),
            None => {}
        }
        // The list is drawn with the next event.
        self.tick();
        Ok(())
    }
}

impl Ports for Around<'_> {
    type Machine = World;

    fn machine(&mut self) -> &mut World {
        &mut self.stage.world
    }

    fn draw(&mut self, showing: &Showing<'_>) -> Result<(), ScreenLost> {
        let lost = |why: String| ScreenLost { why };
        let Ok(_) = self.terminal.draw(|frame| view::show(showing, frame));
        let mut screen = self.terminal.backend().buffer().clone();
        if matches!(showing, Showing::Ceremony(_)) {
            self.last = rows(&screen);
        }
        match &self.player {
            Player::Robot { looks, .. } if *looks > LOOKS_MAX => {
                return Err(lost(format!("the ceremony goes round in a circle:\n{}", rows(&screen).join("\n"))));
            }
            Player::Robot { .. } => {}
            Player::Hands { menu } => menu.draw(&mut screen),
        }
        self.watched.show(&screen).map_err(|error| lost(error.to_string()))?;
        if matches!(showing, Showing::Ceremony(_)) && self.ready.is_empty() {
            self.pause(ACT);
        }
        Ok(())
    }

    fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                if matches!(self.player, Player::Robot { .. }) {
                    self.pause(KEY);
                }
                return event;
            }
            match self.player {
                Player::Robot { .. } => self.robot(),
                Player::Hands { .. } => {
                    if self.hands().is_err() {
                        // Nobody can type any more.
                        self.stands = Some("the keyboard is gone".into());
                        self.power_off();
                    }
                }
            }
        }
    }

    fn perform(&mut self, act: Act) {
        match act {
            // Its loop ends by itself, and nothing else is asked for behind the devices screen.
            Act::PowerOff | Act::FindMedium | Act::LeaveMedium | Act::Draw | Act::ForgetKeys | Act::SetClock(_) => {}
        }
    }
}
