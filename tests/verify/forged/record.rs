//! A record as whole visits to steps, and the pen that writes the record: every answer, act and outcome that its rules
//! could want, at any place, whether it happened or not.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use conclave_ceremony::act::{Act, Item, Signs};
use conclave_ceremony::entry::{Entry, Head};
use conclave_ceremony::event::{Answer, Event, Looked, Outcome, Way};
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::{Device, PersonId};
use conclave_ceremony::judge::{self, judge};
use conclave_ceremony::kind;
use conclave_ceremony::plan::{self, Holds, Plan};
use conclave_ceremony::public::Octets;
use conclave_ceremony::script::{Script, Step, StepKind};
use conclave_ceremony::transcript::{GENESIS, append, read};
use conclave_sim::memo::Memo;
use conclave_tests::ceremony::{Played, interrupted, played};

use super::change::{Thing, exchanged};
use super::redo::{Hands, bytes, listed, published};
use super::{MACHINE, SEED};

/// A good record, taken apart.
pub struct Good {
    pub file: Vec<u8>,
    pub plan: Plan,
    pub script: Script,
    /// The steps in the order in which they were done, once each.
    pub kinds: Vec<StepKind>,
    entries: Vec<Entry>,
    logs: BTreeSet<Device>,
}

/// One go at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    pub kind: StepKind,
    /// The people that agree; without a particular person it is empty.
    pub agreed: Vec<Option<PersonId>>,
    /// A thing, and the one that takes its place.
    pub given: Option<(Thing, Thing)>,
    /// The acts that have an outcome, if the power fails then.
    pub until: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Visit(Visit),
    /// The machine is started again; everybody signs in.
    Cut,
}

/// The forger's form of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgery {
    pub script: Script,
    pub parts: Vec<Part>,
}

/// An act without the number of its attempt.
fn numberless(act: Act) -> Act {
    let plain = |item| match item {
        Item::Share(share, _) => Item::Share(share, 0),
        Item::Blob(key, _) => Item::Blob(key, 0),
        Item::Plan | Item::Names | Item::Bundle => item,
    };
    if let Act::Write(drive, item) = act {
        Act::Write(drive, plain(item))
    } else if let Act::Read(drive, item) = act {
        Act::Read(drive, plain(item))
    } else {
        act
    }
}

impl Good {
    /// Played once.
    pub fn of(file: &[u8], memo: &Arc<Memo>) -> Self {
        let Played { transcript, .. } = played(file, MACHINE, SEED, memo);
        let (plan, transcript) = (plan::read(file).unwrap(), read(&transcript).unwrap());
        let script = transcript.script().unwrap().clone();
        let kinds = script.steps.iter().map(|step| step.kind).collect();
        let drives = (0..).map(conclave_ceremony::ids::DriveId).zip(&plan.drives);
        let logs = drives.filter(|(_, drive)| drive.holds == Holds::Transcript).map(|(id, _)| Device::Drive(id));
        let logs = logs.collect();
        Self { file: file.to_vec(), plan, script, kinds, entries: transcript.entries, logs }
    }

    /// Nothing is changed.
    pub fn unchanged(&self) -> Forgery {
        let parts = self.kinds.iter().map(|kind| Part::Visit(self.visit(*kind))).collect();
        Forgery { script: self.script.clone(), parts }
    }

    /// A step as it was done.
    pub fn visit(&self, kind: StepKind) -> Visit {
        let agreed = self.of_step(kind).filter_map(|entry| match entry.event {
            Event::Said(person, Answer::Go) => Some(Some(person)),
            Event::Done(Answer::Go) => Some(None),
            _ => None,
        });
        Visit { kind, agreed: agreed.collect(), given: None, until: None }
    }

    pub fn step(&self, kind: StepKind) -> &Step {
        self.script.of(kind).unwrap()
    }

    /// Its entries after the promise.
    fn of_step(&self, kind: StepKind) -> impl Iterator<Item = &Entry> {
        self.entries[2..].iter().filter(move |entry| entry.step == kind)
    }

    /// The acts that a step intended.
    pub fn acts(&self, kind: StepKind) -> Vec<Act> {
        self.of_step(kind).flat_map(|entry| entry.acts.clone()).collect()
    }

    /// The answers that only this step has.
    fn answers(&self, kind: StepKind) -> Vec<Event> {
        let own = |event: &Event| match event {
            Event::Said(_, answer) | Event::Done(answer) => {
                let others = matches!(
                    answer,
                    Answer::Go | Answer::Word | Answer::Inserted(_) | Answer::Removed(_) | Answer::Typed(_)
                );
                !others
            }
            Event::Looked(_) => true,
            Event::Began(_)
            | Event::Promised(_)
            | Event::Came { .. }
            | Event::Interrupted { .. }
            | Event::Mistyped { .. }
            | Event::Replaced { .. }
            | Event::Again { .. } => false,
        };
        self.of_step(kind).map(|entry| entry.event.clone()).filter(own).collect()
    }

    /// Every outcome of an act, in the order of the record.
    fn outcomes(&self, act: Act) -> impl Iterator<Item = (StepKind, &Outcome)> {
        self.entries.iter().filter_map(move |entry| match &entry.event {
            Event::Came { act: done, outcome } if numberless(*done) == numberless(act) => Some((entry.step, outcome)),
            _ => None,
        })
    }

    /// The outcome of an act in its step. The second time of a step takes the outcome of that second time; without one,
    /// any outcome of this act.
    fn outcome(&self, kind: StepKind, act: Act, nth: usize) -> Option<Outcome> {
        let in_step = self.outcomes(act).filter(|(step, _)| *step == kind).nth(nth);
        in_step.or_else(|| self.outcomes(act).last()).map(|(_, outcome)| outcome.clone())
    }
}

/// A forged record, as it was written.
pub struct Written {
    pub bytes: Vec<u8>,
    pub head: Head,
    pub entries: Vec<Entry>,
}

/// The record of a forgery, signed again by the genuine tokens, or by no token where there are no hands.
pub fn written(good: &Good, forgery: &Forgery, mut hands: Option<&mut Hands>) -> Written {
    if let Some(hands) = &mut hands {
        hands.forget();
    }
    let (entries, facts) = (Vec::new(), Facts::default());
    let written = Written { bytes: Vec::new(), head: GENESIS, entries };
    let clock = good.entries[0].wall;
    let mut pen = Pen { good, forgery, hands, facts, written, boot: 1, mono: 0, clock, last: None, signs_in: false };
    let Event::Began(began) = &good.entries[0].event else { panic!("entry 0 begins") };
    pen.facts.began = Some((**began).clone());
    let first = good.kinds[0];
    pen.push(first, Vec::new(), good.entries[0].event.clone());
    pen.push(first, Vec::new(), Event::Promised(forgery.script.clone()));
    for part in &forgery.parts {
        match part {
            Part::Visit(visit) => pen.visit(visit),
            Part::Cut => pen.cut(),
        }
    }
    pen.written
}

struct Pen<'a> {
    good: &'a Good,
    forgery: &'a Forgery,
    hands: Option<&'a mut Hands>,
    /// The facts that the room would know.
    facts: Facts,
    written: Written,
    boot: u16,
    mono: u64,
    clock: i64,
    /// The last step, and whether the power failed in it.
    last: Option<(StepKind, bool)>,
    /// All people that were there sign in at the next step.
    signs_in: bool,
}

impl Pen<'_> {
    fn push(&mut self, step: StepKind, acts: Vec<Act>, event: Event) {
        (self.mono, self.clock) = (self.mono + 1_000, self.clock + 1);
        let (seq, prev) = (self.written.entries.len() as u64, self.written.head.into());
        let entry = Entry { seq, acts, boot: self.boot, mono: self.mono, prev, step, wall: self.clock, event };
        let (bytes, head) = append(&self.written.head, &entry).unwrap();
        self.written.bytes.extend(bytes);
        self.written.head = head;
        self.written.entries.push(entry);
    }

    /// The step that was under way: the one whose acts are open, or the one after the last.
    fn under_way(&self) -> StepKind {
        let steps = &self.forgery.script.steps;
        let Some((last, open)) = self.last else { return self.good.kinds[0] };
        let at = steps.iter().position(|step| step.kind == last).filter(|_| !open);
        at.and_then(|at| steps.get(at + 1)).map_or(last, |step| step.kind)
    }

    fn cut(&mut self) {
        let step = self.under_way();
        (self.boot, self.mono) = (self.boot + 1, 0);
        let head = self.written.head.into();
        let mut before = self.written.entries.last().unwrap().clone();
        (before.seq, before.mono, before.wall) = (before.seq + 1, self.mono + 1_000, self.clock + 1);
        self.push(step, Vec::new(), interrupted(self.boot, head, &before));
        self.facts.boot = self.boot;
        self.facts.vault.clear();
        self.facts.proved.clear();
        self.facts.plugged = self.facts.logs.iter().copied().map(Device::Drive).collect();
        self.signs_in = true;
    }

    /// The devices that a step has taken out and plugged in.
    fn devices(&mut self, step: &Step) -> Vec<Event> {
        let mut events = Vec::new();
        let wanted: BTreeSet<Device> = step.devices.iter().copied().collect();
        let surplus = |device: &&Device| !self.good.logs.contains(device) && !wanted.contains(device);
        for device in self.facts.plugged.iter().filter(surplus).copied().collect::<Vec<_>>() {
            self.facts.plugged.remove(&device);
            events.push(Event::Done(Answer::Removed(device)));
        }
        for device in wanted {
            if self.facts.plugged.insert(device) {
                if let Device::Token(token) = device {
                    self.facts.proved.remove(&token);
                }
                events.push(Event::Done(Answer::Inserted(device)));
            }
        }
        events
    }

    fn visit(&mut self, visit: &Visit) {
        let (good, plan) = (self.good, &self.good.plan);
        let kind = visit.kind;
        let step = self.forgery.script.of(kind).unwrap_or_else(|| good.step(kind)).clone();
        if std::mem::take(&mut self.signs_in) {
            let document = conclave_ceremony::public::Text::new("passport").unwrap();
            for person in self.facts.present.keys().copied().collect::<Vec<_>>() {
                let signed_in = Answer::SignedIn { by: None, document: document.clone() };
                self.push(kind, Vec::new(), Event::Said(person, signed_in));
            }
        }
        let mut events = self.devices(&step);
        events.extend(good.answers(kind));
        for event in &events {
            match event {
                Event::Said(person, Answer::SignedIn { .. }) => drop(self.facts.present.insert(*person, *person)),
                Event::Looked(Looked::Clock { wall, .. }) => drop(self.facts.clock.get_or_insert(*wall)),
                _ => {}
            }
        }
        let missing = kind::needed(plan, &step, &self.facts).into_iter();
        for slot in missing.filter(|slot| !self.facts.vault.contains(slot)).collect::<Vec<_>>() {
            if let Some(keeper) = kind::keeper(plan, slot) {
                self.facts.vault.insert(slot);
                events.push(Event::Said(keeper, Answer::Typed(slot)));
            }
        }
        if kind::word(plan, &step, &self.facts).is_some() {
            events.push(Event::Done(Answer::Word));
        }
        let agrees = |person: &Option<PersonId>| {
            person.map_or(Event::Done(Answer::Go), |person| Event::Said(person, Answer::Go))
        };
        events.extend(visit.agreed.iter().map(agrees));
        let mut acts = kind::acts(plan, &step, &mut self.facts);
        if acts.is_empty() {
            acts = good.acts(kind);
        }
        if !acts.is_empty() && events.is_empty() {
            events.push(Event::Done(Answer::Go));
        }
        let given: Vec<Act> = acts.iter().map(|act| exchanged(*act, visit.given)).collect();
        let last = events.len().saturating_sub(1);
        for (at, event) in events.into_iter().enumerate() {
            let acts = if at == last { given.clone() } else { Vec::new() };
            self.push(kind, acts, event);
        }
        let intent = self.written.head;
        let done = visit.until.unwrap_or(acts.len()).min(acts.len());
        let mut times = HashMap::<Act, usize>::new();
        for (act, planned) in given.iter().zip(&acts).take(done) {
            let nth = times.entry(*act).or_default();
            let outcome = self.outcome(kind, (*act, *planned), *nth, &intent);
            *nth += 1;
            if let Act::Prove(token) | Act::TrySet(token) | Act::Initialise(token) = *act {
                self.facts.erased(token);
            }
            let case = judge::Case { plan, kind, intent: &intent };
            // The room would have halted; a forger goes on.
            let _ = judge(case, &mut self.facts, act, &outcome);
            self.push(kind, Vec::new(), Event::Came { act: *act, outcome });
        }
        self.last = Some((kind, done < acts.len()));
    }

    /// The claimed outcome of an act.
    fn outcome(&mut self, kind: StepKind, (act, planned): (Act, Act), nth: usize, intent: &Head) -> Outcome {
        let as_recorded = || self.good.outcome(kind, act, nth).or_else(|| self.good.outcome(kind, planned, nth));
        let signed = match (act, self.hands.as_mut()) {
            (Act::Prove(token) | Act::ProveAgain(token) | Act::ProveBeside(token), Some(hands)) => {
                Some(hands.proof(token, intent))
            }
            (Act::Generate(token, key), Some(hands)) => Some(hands.born(token, key, intent)),
            (Act::Sign(_, key, Signs::Certificate), Some(hands)) => {
                self.facts.clock.and_then(|held| hands.certificate(key, held))
            }
            (Act::Sign(token, key, Signs::Statement), Some(hands)) => {
                let statement = judge::statement(&self.good.plan, &self.facts, token, key, *intent);
                statement.and_then(|statement| hands.statement(key, &statement))
            }
            (Act::List(token), _) => as_recorded().map(|good| listed(&self.good.plan, &self.facts, token, &good)),
            (Act::Write(_, Item::Bundle), _) => published(&self.good.plan, &self.good.file, &self.facts),
            // Nothing is signed: that shows at the first glance, in no time.
            (Act::Prove(_) | Act::ProveAgain(_) | Act::ProveBeside(_), None) => {
                Some(Outcome::Proof { way: Way::Key, evidence: bytes(vec![0]) })
            }
            (Act::Generate(..), None) => as_recorded().map(|made| match made {
                Outcome::Key { spki, .. } => Outcome::Key { spki, attestation: bytes(vec![0]) },
                other => other,
            }),
            (Act::Sign(_, _, Signs::Statement), None) => Some(Outcome::Signature(bytes(vec![0]))),
            _ => None,
        };
        if let Some(signed) = signed {
            return signed;
        }
        match act {
            Act::Authenticate(_) => Outcome::Proof { way: Way::Aes, evidence: bytes(vec![7; 81]) },
            Act::Sign(_, _, Signs::Statement) => as_recorded().unwrap_or(Outcome::Signature(bytes(vec![0x30; 70]))),
            Act::Combine(_) => Outcome::Kcv(self.facts.kcv.unwrap_or(Octets([0; 8]))),
            Act::Identify(_)
            | Act::Write(..)
            | Act::Read(..)
            | Act::Inspect(_)
            | Act::Prove(_)
            | Act::ProveAgain(_)
            | Act::ProveBeside(_)
            | Act::Generate(..)
            | Act::Sign(_, _, Signs::Certificate)
            | Act::TrySet(_)
            | Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::MakeShares
            | Act::Seal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::Initialise(_)
            | Act::Import(_)
            | Act::TryPin(_)
            | Act::Describe(..)
            | Act::Wrap(..)
            | Act::Unwrap(..)
            | Act::Label(_)
            | Act::List(_)
            | Act::Show
            | Act::PowerOff => as_recorded().unwrap_or(Outcome::Done),
        }
    }
}
