//! Whole ceremonies in this process. Measured are the work of the people, the time of the machine besides people and
//! tokens (in CPU time, so that other programs do not count), and the time to verify a very long record.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::{Answer, Event, Failure, Next, Outcome};
use conclave_ceremony::ids::StepId;
use conclave_ceremony::kind::about;
use conclave_ceremony::plan::read;
use conclave_ceremony::public::Text;
use conclave_ceremony::step::Waiting;
use conclave_ceremony::verify::{Given, verify};
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::{Machine, NoRandomness, Now, Plugged, TokenAt, Tokens};
use conclave_console::usb::gate::Named;
use conclave_console::view;
use conclave_sim::memo::Memo;
use conclave_sim::world::drives::MemoryDrives;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, device, play, rows};
use conclave_sim::world::robot::{Deed, Robot};
use conclave_sim::world::stage::Stage;
use conclave_sim::world::tokens::MemoryTokens;
use conclave_tests::ceremony::{STARTED, brought, start};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smartcard_hsm::apdu::{Apdu, Reply};
use smartcard_hsm::channel::{Channel, ChannelError, Patience};
use smartcard_hsm::dkek::stretch::{Md5Stretch, Stretch};

use nix::sys::resource::UsageWho;

use crate::{RUNS, cpu_s, median};

const MINIMAL: &[u8] = include_bytes!("../../docs/plans/minimal/plan.toml");
const SAFIRE: &[u8] = include_bytes!("../../docs/plans/safire/plan.toml");
/// Turns before a ceremony that goes round in a circle is given up.
const TURNS_MAX: usize = 20_000;
/// Entries of a very long record.
const ENTRIES: usize = 100_000;

/// CPU time of this process so far, on all its threads.
fn now() -> f64 {
    cpu_s(UsageWho::RUSAGE_SELF)
}

fn stage(plan: &[u8]) -> Stage {
    let world = World::new([7; 32], STARTED, Arc::new(Memo::default()));
    Stage::of(&read(plan).unwrap(), world, [3; 32]).unwrap()
}

/// A simulated machine that times its tokens, and derives every key of a share again.
struct Timed {
    stage: Stage,
    tokens: Rc<Cell<f64>>,
}

struct TimedLine<C>(C, Rc<Cell<f64>>);

impl<C: Channel> TimedLine<C> {
    fn timed<T>(&mut self, act: impl FnOnce(&mut C) -> T) -> T {
        let before = now();
        let result = act(&mut self.0);
        self.1.set(self.1.get() + now() - before);
        result
    }
}

impl<C: Channel> Channel for TimedLine<C> {
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError> {
        self.timed(|line| line.exchange(command, patience))
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        self.timed(Channel::restart)
    }
}

impl Tokens for Timed {
    type Channel = TimedLine<<MemoryTokens as Tokens>::Channel>;

    fn plugged(&mut self) -> Vec<TokenAt> {
        self.stage.world.tokens().plugged()
    }

    fn open(&mut self, at: &TokenAt) -> Result<Self::Channel, ChannelError> {
        Ok(TimedLine(self.stage.world.tokens().open(at)?, Rc::clone(&self.tokens)))
    }
}

impl Machine for Timed {
    type Tokens = Self;
    type Drives = MemoryDrives;

    fn tokens(&mut self) -> &mut Self {
        self
    }

    fn drives(&mut self) -> &mut MemoryDrives {
        self.stage.world.drives()
    }

    fn in_ports(&mut self) -> Vec<Plugged> {
        self.stage.world.in_ports()
    }

    fn admit(&mut self, named: Option<&Named>) {
        self.stage.world.admit(named);
    }

    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        self.stage.world.random(bytes)
    }

    fn now(&mut self) -> Now {
        self.stage.world.now()
    }

    fn stretch(&self) -> &dyn Stretch {
        &Md5Stretch
    }
}

/// One SAFIRE ceremony.
pub(crate) fn safire() {
    let plan = read(SAFIRE).unwrap();
    let mut machine = Timed { stage: stage(SAFIRE), tokens: Rc::default() };
    let Ok(Begun::Rehearsal(mut ceremony)) = Begun::new(brought(SAFIRE), start(), &mut machine) else {
        panic!("a rehearsal")
    };
    let mut robot = Robot::new(&plan);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(80, 25));
    let (mut plugged, mut peak, mut moved, mut keys) = (BTreeSet::new(), 0, 0, 0);
    let mut steps: BTreeMap<StepId, f64> = BTreeMap::new();
    let mut closed = false;
    for _ in 0..TURNS_MAX {
        let (at, began, tokens) = (ceremony.state().at(), now(), machine.tokens.get());
        let Ok(_) = terminal.draw(|frame| view::ceremony::draw(&ceremony.scene(), frame));
        let mut people = 0.0;
        if ceremony.busy() {
            ceremony.go_on(&mut machine);
        } else {
            let screen = rows(terminal.backend().buffer());
            let thinks = now();
            let deeds = robot.look(&screen);
            people = now() - thinks;
            for deed in deeds {
                match deed {
                    Deed::Press(key) => {
                        keys += 1;
                        ceremony.press(key, &mut machine);
                    }
                    Deed::Plug(serial) => {
                        moved += usize::from(plugged.insert(serial.clone()));
                        device(&plan, &serial).into_iter().for_each(|device| machine.stage.plug(device));
                    }
                    Deed::Pull(serial) => {
                        moved += usize::from(plugged.remove(&serial));
                        device(&plan, &serial).into_iter().for_each(|device| machine.stage.pull(device));
                    }
                    Deed::Wait => {}
                    Deed::Closed => closed = true,
                    Deed::Stands(words) => panic!("{words}"),
                }
            }
        }
        peak = peak.max(plugged.len());
        *steps.entry(at).or_default() += now() - began - (machine.tokens.get() - tokens) - people;
        if closed {
            break;
        }
    }
    assert!(closed, "the ceremony goes round in a circle");
    let script = conclave_ceremony::compile::compile(&plan).unwrap();
    let total: f64 = steps.values().sum();
    let (longest, took) = steps.iter().max_by(|(_, one), (_, other)| one.total_cmp(other)).unwrap();
    let name = script.step(*longest).map_or_else(String::new, |step| about(&plan, step.kind).name);
    println!(
        "figure: SAFIRE in {} steps: the machine takes {:.1} s besides tokens and people (bar 20 s), most in {name:?}, {:.1} s",
        script.steps.len(),
        total,
        took
    );
    println!(
        "figure: SAFIRE: {keys} keys pressed, none of them a command; devices plugged in or taken out {moved} times, \
         at most {peak} of {} ports at once",
        plan.ports.number
    );
}

/// The record of a ceremony in which the first log drive was not fit again and again.
pub(crate) fn verify_speed() {
    let mut stage = stage(MINIMAL);
    let begun = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap();
    let Begun::Rehearsal(mut ceremony) = begun else { panic!("a rehearsal") };
    let mut long = false;
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&read(MINIMAL).unwrap()), |stage, ceremony| {
        if long || !matches!(ceremony.waiting(), Waiting::Asked(Ask::Insert(_))) {
            return;
        }
        long = true;
        for _ in 0..ENTRIES {
            let event = match ceremony.waiting() {
                Waiting::Asked(Ask::Insert(device)) => Event::Done(Answer::Inserted(device)),
                Waiting::Asked(Ask::Go { .. }) => Event::Done(Answer::Go),
                Waiting::Acting(act) => {
                    let failure = Failure { next: Next::Device, words: Text::fitted("LOG-A is exFAT.") };
                    Event::Came { act, outcome: Outcome::Failed(failure) }
                }
                other => panic!("{other:?}"),
            };
            ceremony.take(event, &mut stage.world).unwrap();
        }
    });
    assert_eq!(ended, Ended::Closed);
    let (files, heads) = (BTreeMap::new(), [ceremony.head()]);
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let account = verify(Given {
            names: None,
            transcript: ceremony.transcript(),
            plan: MINIMAL,
            files: &files,
            heads: &heads,
        });
        took.push(began.elapsed().as_secs_f64());
        assert!(account.refused.is_empty() && account.closed && account.entries > ENTRIES as u64, "{account:?}");
    }
    println!(
        "figure: verifying a record of {ENTRIES} entries and {:.1} MB: {:.2} s (bar 1 s)",
        ceremony.transcript().len() as f64 / 1e6,
        median(took)
    );
}
