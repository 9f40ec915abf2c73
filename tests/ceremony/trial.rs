//! A ceremony in which one thing goes wrong at every step, and everybody follows the words of the screen.

mod judge;
mod moment;
mod spoil;

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::ids::{Device, DriveId, PersonId, StepId, TokenId};
use conclave_ceremony::plan::{self, Holds, Plan};
use conclave_ceremony::script::{Script, StepKind};
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_publish::Digest;
use conclave_sim::card::profile::Profile;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{device, screen};
use conclave_sim::world::robot::{Deed, Robot, keys};
use conclave_sim::world::stage::{self, Stage};
use conclave_sim::world::tokens::Place;
use conclave_tests::ceremony::{brought, resumed, start};
use smartcard_hsm::cvc::Simulated;

use super::faults::{End, Fault, Typing, expected, typing};
use super::middle;
use super::screens::Screens;
use moment::{is_moment, strikes_act};
use spoil::Spoilt;

/// Keys pressed and acts done before a ceremony that goes round in a circle is given up.
const TURNS_MAX: usize = 40_000;
/// New starts of one ceremony.
const BOOTS_MAX: u16 = 200;

/// The result, by fault and kind of step: how often the fault struck, and how often it was noticed.
pub type Tally = BTreeMap<(String, String), (usize, usize)>;

pub struct Trial {
    pub stage: Stage,
    pub ceremony: Option<Box<Ceremony<World, Simulated>>>,
    pub tally: Tally,
    /// Acts in which a command did nothing and no check noticed, with its CLA, INS, P1 and P2.
    pub unnoticed: BTreeSet<(String, [u8; 4])>,
    screens: Screens,
    plan: Plan,
    script: Script,
    robot: Robot,
    faults: Vec<Fault>,
    /// A token and a drive that no plan names.
    stranger: Place,
    struck: BTreeSet<(StepId, String)>,
    pending: Option<Pending>,
    /// The thing that the fault changed, as it was before.
    spoilt: Vec<Spoilt>,
    /// Whether an act was done in this turn.
    acted: bool,
    /// Head under which an entry waits for the log drives: nothing else goes wrong meanwhile.
    waits: Option<Digest>,
    boots: u16,
    bytes: &'static [u8],
}

/// A fault that struck and was not answered yet.
struct Pending {
    fault: Fault,
    want: End,
    at: StepId,
    kind: StepKind,
    /// The act it struck, if one, and the head then.
    act: Option<Act>,
    head: Digest,
    before: usize,
}

/// The name of a kind of step, without the name of its thing.
pub fn name(kind: StepKind) -> String {
    format!("{kind:?}").split('(').next().unwrap().to_owned()
}

impl Trial {
    pub fn new(bytes: &'static [u8], mut stage: Stage, faults: &[Fault]) -> Self {
        let plan = plan::read(bytes).unwrap();
        let script = conclave_ceremony::compile::compile(&plan).unwrap();
        let mut stranger = plan.tokens[0].clone();
        stranger.serial = conclave_ceremony::public::Text::new("DENK0000999").unwrap();
        let stranger = stage.world.tokens().lay(stage::token(&stranger, Profile::firmware_4_1(), &[9; 32]).unwrap());
        let Begun::Rehearsal(ceremony) = Begun::new(brought(bytes), start(), &mut stage.world).unwrap() else {
            panic!()
        };
        let robot = Robot::new(&plan);
        let (tally, struck, spoilt, faults) = (Tally::new(), BTreeSet::new(), Vec::new(), faults.to_vec());
        let ceremony = Some(ceremony);
        let (pending, acted, waits, boots) = (None, false, None, 1);
        Self {
            bytes,
            stage,
            ceremony,
            tally,
            unnoticed: BTreeSet::new(),
            screens: Screens::default(),
            plan,
            script,
            robot,
            faults,
            stranger,
            struck,
            pending,
            spoilt,
            acted,
            waits,
            boots,
        }
    }

    fn ceremony(&mut self) -> &mut Ceremony<World, Simulated> {
        self.ceremony.as_mut().unwrap()
    }

    /// To the last entry, across every event on the way.
    pub fn play(&mut self) {
        for _ in 0..TURNS_MAX {
            self.answered();
            let head = self.ceremony().head();
            self.waits = self.waits.filter(|waits| *waits == head);
            if self.pending.is_none() && self.waits.is_none() {
                self.strike();
            }
            let Self { stage, ceremony, screens, .. } = self;
            let ceremony = ceremony.as_mut().unwrap();
            screens.look(ceremony);
            let busy = ceremony.busy();
            self.acted = busy && matches!(ceremony.waiting(), Waiting::Acting(_));
            if busy {
                ceremony.go_on(&mut stage.world);
                continue;
            }
            let waiting = ceremony.waiting();
            // No other screen says that the machine is to be started again.
            if matches!(waiting, Waiting::Halted(_)) {
                assert!(
                    self.screen().contains("the same medium and both log drives: the ceremony goes on at this step")
                );
                self.start_anew();
                continue;
            }
            let deeds = self.deeds(&waiting);
            for deed in deeds {
                match deed {
                    Deed::Press(key) => self.press(key),
                    Deed::Plug(serial) => self.moved(&serial, Stage::plug),
                    Deed::Pull(serial) => self.moved(&serial, Stage::pull),
                    Deed::Wait => {}
                    Deed::Closed => return,
                    Deed::Stands(words) => panic!("{words}"),
                }
            }
        }
        let screen = self.screen();
        panic!("{:?} goes round in a circle:\n{screen}", self.faults);
    }

    fn press(&mut self, key: Key) {
        let Self { stage, ceremony, .. } = self;
        ceremony.as_mut().unwrap().press(key, &mut stage.world);
    }

    fn moved(&mut self, serial: &str, how: impl Fn(&mut Stage, Device)) {
        // No person knows that the device in the port is another.
        let disguised = self.pending.as_ref().is_some_and(|pending| pending.fault == Fault::Disguised);
        if let Some(device) =
            device(&self.plan, serial).filter(|device| !disguised || matches!(device, Device::Drive(_)))
        {
            how(&mut self.stage, device);
        }
    }

    fn screen(&mut self) -> String {
        middle(self.ceremony())
    }

    /// The machine is switched off and on; only the log drives stay in.
    fn start_anew(&mut self) {
        self.boots += 1;
        let screen = self.screen();
        assert!(self.boots < BOOTS_MAX, "{:?}: started again and again at\n{screen}", self.faults);
        self.ceremony = None;
        self.stage.world.restart(0);
        self.devices().into_iter().for_each(|device| self.stage.pull(device));
        let logs = self.logs();
        logs.iter().for_each(|log| self.stage.plug(Device::Drive(*log)));
        let begun =
            resumed(self.bytes, &mut self.stage.world).unwrap_or_else(|error| panic!("{:?}: {error}", self.faults));
        let Begun::Rehearsal(ceremony) = begun else { panic!("a rehearsal") };
        self.ceremony = Some(ceremony);
    }

    fn devices(&self) -> Vec<Device> {
        let tokens = (0..).take(self.plan.tokens.len()).map(|at| Device::Token(TokenId(at)));
        tokens.chain((0..).take(self.plan.drives.len()).map(|at| Device::Drive(DriveId(at)))).collect()
    }

    fn logs(&self) -> Vec<DriveId> {
        let drives = (0..).map(DriveId).zip(&self.plan.drives);
        drives.filter(|(_, drive)| drive.holds == Holds::Transcript).map(|(id, _)| id).collect()
    }

    /// The people do as the screen asks, unless one of them makes the mistake of this trial.
    fn deeds(&mut self, waiting: &Waiting) -> Vec<Deed> {
        // A person that typed five wrong codes waits.
        let now = self.stage.world.now();
        self.ceremony().ticked(now);
        let rows = screen(self.ceremony());
        let mut deeds = self.robot.look(&rows);
        let Some(Pending { fault, .. }) = &self.pending else { return deeds };
        match (fault, waiting) {
            (Fault::SamePerson, Waiting::Asked(Ask::Go { already: Some(first), .. })) => self.typed_code(*first),
            (Fault::OtherRole, Waiting::Asked(Ask::Go { who: Some(who), .. })) => self.typed_code(self.other(*who)),
            (Fault::Mistyped, Waiting::Asked(Ask::Type { .. }) | Waiting::Acting(Act::Reveal(_)))
                if deeds.len() > 1 && self.pending.as_ref().is_some_and(|pending| pending.before == 0) =>
            {
                if let Some(Deed::Press(Key::Char(first))) = deeds.first_mut() {
                    *first = if *first == '0' { '1' } else { '0' };
                }
                self.pending.as_mut().unwrap().before = 1;
                deeds
            }
            _ => deeds,
        }
    }

    fn typed_code(&self, person: PersonId) -> Vec<Deed> {
        let code = self.robot.code(&self.plan, person).unwrap();
        keys(code).map(Deed::Press).collect()
    }

    /// A person that is there and may not.
    fn other(&self, who: Who) -> PersonId {
        let facts = self.ceremony.as_ref().unwrap().state().facts();
        let signed_in = |person: &PersonId| facts.present.contains_key(person) && !facts.signed_out.contains(person);
        let people = (0..).take(self.plan.people.len()).map(PersonId);
        people.filter(signed_in).find(|person| !who.is(&self.plan, facts, *person)).unwrap()
    }

    /// Lets something go wrong, if it can here and has not yet.
    fn strike(&mut self) {
        let ceremony = self.ceremony.as_ref().unwrap();
        let (waiting, at, head) = (ceremony.waiting(), ceremony.state().at(), ceremony.head());
        let Some(step) = self.script.step(at).cloned() else { return };
        for fault in self.faults.clone() {
            let Some(want) = expected(fault, &step) else { continue };
            let act = match waiting {
                Waiting::Acting(act) => Some(act),
                _ => None,
            };
            if !is_moment(fault, &waiting, step.kind) {
                continue;
            }
            // Once at each act, at any number of its attempt.
            let once = act.filter(|_| strikes_act(fault)).map_or_else(String::new, |act| format!("{act:?}"));
            let once = once.split(',').next().unwrap_or_default();
            if !self.struck.insert((at, format!("{fault:?} {once}"))) {
                continue;
            }
            if fault == Fault::Mistyped && matches!(typing(step.kind), Typing::Sets | Typing::Uses) {
                self.start_anew();
            }
            self.spoil(fault, act);
            let act = act.filter(|_| strikes_act(fault));
            self.pending = Some(Pending { fault, want, at, kind: step.kind, act, head, before: 0 });
            return;
        }
    }
}
