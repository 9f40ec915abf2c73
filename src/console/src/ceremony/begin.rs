//! The beginning: a plan that was agreed on becomes a ceremony with its entry 0.

use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Began, Event, Looked};
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{Plan, Refusal};
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::step::State;
use conclave_ceremony::transcript::FORMAT;
use conclave_publish::{Digest, Kind};
use smartcard_hsm::cvc::{Production, RootKind, Simulated};

use super::desk::Desk;
use super::rebuilt::{NotRebuilt, can_be_rebuilt};
use super::record::Record;
use super::scene::Scene;
use super::weak::{WeakMachine, fit_machine};
use super::window::{OutsideWindow, in_window};
use super::{Ceremony, NotTaken};
use crate::export::Public;
use crate::key::Key;
use crate::layout::Layout;
use crate::perform::Performer;
use crate::ports::{Machine, NoRandomness, Now};
use crate::preflight::{Over, Tree};

/// The facts about the machine that are known before a plan is loaded.
#[derive(Clone, Debug)]
pub struct Start {
    /// SHA-256 of the medium.
    pub image: Digest,
    /// Version and revision of the running program, and the words of its tree's state.
    pub build: Text,
    /// Whether strangers can rebuild it.
    pub tree: Tree,
    /// The findings so far, in the order of the script: medium, air gap, clock, plan.
    pub findings: Vec<Looked>,
}

/// The two files a ceremony is begun with.
#[derive(Clone, Copy)]
pub struct Brought<'a> {
    /// The plan, byte by byte as everybody agreed on it.
    pub plan: &'a [u8],
    /// The names behind its ids.
    pub names: &'a [u8],
}

/// Why a ceremony does not begin.
#[derive(Debug, thiserror::Error)]
pub enum NotBegun {
    /// The plan breaks rules.
    #[error("the plan is refused")]
    Plan(Vec<Refusal>),
    /// The names are not those of the plan.
    #[error("the names are refused")]
    Names(Vec<Refusal>),
    /// The plan counts, and strangers cannot rebuild the running program.
    #[error(transparent)]
    NotRebuilt(#[from] NotRebuilt),
    /// It counts, and something stands against the machine that its plan does not accept.
    #[error(transparent)]
    Machine(#[from] WeakMachine),
    /// It is for other days.
    #[error(transparent)]
    OutsideWindow(#[from] OutsideWindow),
    /// There is nothing to draw its nonce from.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// Its first entry was not taken.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// A ceremony with the tokens that its plan allows: simulated tokens for a rehearsal, the vendor's where it counts.
pub enum Begun<M: Machine> {
    /// It counts.
    Production(Box<Ceremony<M, Production>>),
    /// It does not.
    Rehearsal(Box<Ceremony<M, Simulated>>),
}

impl<M: Machine> Begun<M> {
    /// Begins a ceremony.
    pub fn new(brought: Brought<'_>, start: Start, machine: &mut M) -> Result<Self, NotBegun> {
        let (plan, file) = Public::plan(brought.plan).map_err(NotBegun::Plan)?;
        let names = Names::read(brought.names, &plan).map_err(NotBegun::Names)?;
        can_be_rebuilt(plan.kind, start.tree)?;
        fit_machine(&plan, &start.findings)?;
        Ok(match plan.kind {
            Kind::Production => Self::Production(Box::new(begin(plan, (file, names), start, machine)?)),
            Kind::Rehearsal => Self::Rehearsal(Box::new(begin(plan, (file, names), start, machine)?)),
        })
    }
}

macro_rules! either {
    ($begun:expr, $ceremony:ident => $do:expr) => {
        match $begun {
            Begun::Production($ceremony) => $do,
            Begun::Rehearsal($ceremony) => $do,
        }
    };
}

/// The same of both kinds, for the loop of the room.
impl<M: Machine> Begun<M> {
    /// [`Ceremony::busy`].
    pub fn busy(&self) -> bool {
        either!(self, ceremony => ceremony.busy())
    }

    /// [`Ceremony::go_on`].
    pub fn go_on(&mut self, machine: &mut M) {
        either!(self, ceremony => ceremony.go_on(machine));
    }

    /// [`Ceremony::press`].
    pub fn press(&mut self, key: Key, machine: &mut M) {
        either!(self, ceremony => ceremony.press(key, machine));
    }

    /// [`Ceremony::look`].
    pub fn look(&mut self, machine: &mut M) {
        either!(self, ceremony => ceremony.look(machine));
    }

    /// [`Ceremony::ticked`].
    pub fn ticked(&mut self, now: Now) {
        either!(self, ceremony => ceremony.ticked(now));
    }

    /// [`Ceremony::powers_off`].
    pub fn powers_off(&self) -> bool {
        either!(self, ceremony => ceremony.powers_off())
    }

    /// [`Ceremony::forgets_keys`].
    pub fn forgets_keys(&self) -> bool {
        either!(self, ceremony => ceremony.forgets_keys())
    }

    /// [`Ceremony::scene`].
    pub fn scene(&mut self) -> Scene<'_> {
        either!(self, ceremony => ceremony.scene())
    }

    /// The overlay on its screen.
    pub fn over(&self) -> &Over {
        either!(self, ceremony => &ceremony.desk.over)
    }

    /// Takes over the layout that was chosen before.
    pub fn lay(&mut self, layout: Layout) {
        either!(self, ceremony => ceremony.desk.layout = layout);
    }
}

fn begin<M: Machine, R: RootKind>(
    plan: Plan,
    (file, names): (Public, Names),
    start: Start,
    machine: &mut M,
) -> Result<Ceremony<M, R>, NotBegun> {
    let script = compile(&plan).map_err(NotBegun::Plan)?;
    in_window(&plan, machine)?;
    let mut nonce = [0; 32];
    machine.random(&mut nonce)?;
    let now = machine.now();
    let began = Began {
        kind: plan.kind,
        format: FORMAT,
        nonce: Octets(nonce),
        plan: plan.digest.into(),
        image: start.image.into(),
        build: start.build,
    };
    let performer = Performer::new(&plan, file, names);
    let mut ceremony = Ceremony {
        plan,
        script,
        state: State::default(),
        head: conclave_ceremony::transcript::GENESIS,
        seq: 0,
        boot: 1,
        record: Record::default(),
        performer,
        desk: Desk::default(),
        tree: start.tree,
        waits: None,
        findings: start.findings.into(),
        trouble: None,
        closed: false,
        plugged: machine.in_ports(),
        now,
        since: (now, now),
    };
    let promised = Event::Promised(ceremony.script.clone());
    ceremony.take(Event::Began(Box::new(began)), machine)?;
    ceremony.take(promised, machine)?;
    Ok(ceremony)
}
