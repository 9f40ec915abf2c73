//! The one step skeleton: asked, authorised, intended, observed, judged.
//!
//! [`State::step`] is a function of plan, script, state and event. An event that does not fit is refused and makes no
//! entry. The acts it returns are intended by the entry that holds the event, and done one by one after it is on both
//! logs. [`State::appended`] tells the state the head of that entry; a state is a fold of the two over the entries.

use std::collections::VecDeque;

use conclave_publish::Digest;
use thiserror::Error;

use crate::act::Act;
use crate::ask::{self, Ask, Progress, Who};
use crate::codes;
use crate::event::{Answer, Event, Failure, Looked, Next, Outcome};
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{Device, PersonId, StepId};
use crate::judge::{Case, judge};
use crate::kind::{self, acts, needed, talks_to};
use crate::plan::{Plan, Role};
use crate::replace;
use crate::resume;
use crate::script::{Roles, Script, Step, StepKind};

/// The next thing that the room waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The transcript to begin.
    Begin,
    /// An answer.
    Asked(Ask),
    /// The outcome of this act.
    Acting(Act),
    /// Nothing more: a comparison failed. The machine can be switched off and started again.
    Halted(Failure),
    /// Nothing more: the transcript is closed.
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    Begin,
    /// The transcript began: its script is promised next.
    Begun,
    Asking(Progress),
    /// Acts still without outcome, and the head of the entry that intended them once it is known.
    Acting {
        queue: VecDeque<Act>,
        intent: Option<Digest>,
    },
    Failed(Failure),
    Halted(Failure),
    Closed,
}

/// Where a ceremony stands: a fold over its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    at: StepId,
    phase: Phase,
    facts: Facts,
}

/// Why an event does not fit: no entry is made, the room says so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// Something else is waited for.
    #[error("this is not what the step asks for now")]
    Other,
    /// A person that may not do this.
    #[error("this person may not authorise it: it takes somebody signed in, of the role the screen names")]
    Person,
    /// The same person twice.
    #[error("this person agreed already: a second person of the other role must agree")]
    SamePerson,
    /// Another number than the plan has for this bag, or one it has for another.
    #[error("this is not the number the plan has for this bag")]
    BagNumber,
}

/// The two roles that may decide on a deviation.
pub const DEVIATION_ROLES: (Role, Role) = (Role::Operator, Role::Witness);

impl Default for State {
    fn default() -> Self {
        Self { at: StepId(0), phase: Phase::Begin, facts: Facts::default() }
    }
}

impl State {
    /// The step under way.
    pub fn at(&self) -> StepId {
        self.at
    }

    /// Kind and subject of the step under way; nothing after the last step.
    pub fn kind(&self, script: &Script) -> Option<StepKind> {
        script.step(self.at).map(|step| step.kind)
    }

    /// The facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Head of the entry that intended the acts under way.
    pub fn intent(&self) -> Option<Digest> {
        match self.phase {
            Phase::Acting { intent, .. } => intent,
            _ => None,
        }
    }

    /// Why the step under way asks again for an answer that it had.
    pub fn failed(&self) -> Option<&Failure> {
        match &self.phase {
            Phase::Asking(progress) => progress.failed.as_ref(),
            _ => None,
        }
    }

    /// The next thing that the room waits for.
    pub fn waiting(&self, plan: &Plan, script: &Script) -> Waiting {
        match &self.phase {
            Phase::Begin | Phase::Begun => Waiting::Begin,
            Phase::Closed => Waiting::Closed,
            Phase::Halted(failure) => Waiting::Halted(failure.clone()),
            Phase::Failed(failure) => {
                let again = || Ask::Again { failure: failure.clone() };
                Waiting::Asked(ask::comes_back(&self.facts).map_or_else(again, Ask::SignIn))
            }
            Phase::Acting { queue, .. } => queue.front().map_or(Waiting::Closed, |act| Waiting::Acting(*act)),
            Phase::Asking(progress) => {
                let ask = script.step(self.at).and_then(|step| self.asks(plan, step, progress));
                ask.map_or(Waiting::Closed, Waiting::Asked)
            }
        }
    }

    /// The entry that came of the last step is on the logs and has this head.
    pub fn appended(mut self, head: Digest) -> Self {
        if let Phase::Acting { queue, intent: intent @ None } = &mut self.phase {
            *intent = Some(head);
            for act in queue {
                self.facts.intended(act, head);
            }
        }
        self
    }

    /// The recorded form of an outcome: itself, or why the step cannot go on with it. No verifier judges a result again that was
    /// refused.
    pub fn judged(&self, plan: &Plan, script: &Script, act: &Act, outcome: Outcome) -> Outcome {
        let (Phase::Acting { intent: Some(intent), .. }, Some(step)) = (&self.phase, script.step(self.at)) else {
            return outcome;
        };
        let case = Case { plan, kind: step.kind, intent };
        match judge(case, &mut self.facts.clone(), act, &outcome) {
            Ok(()) => outcome,
            Err(failure) => Outcome::Failed(failure),
        }
    }

    /// The next state and the acts the event causes.
    pub fn step(&self, plan: &Plan, script: &Script, event: &Event) -> Result<(Self, Vec<Act>), Unfit> {
        let mut next = self.clone();
        let step = script.step(self.at);
        match (&self.phase, event) {
            (Phase::Begin, Event::Began(began)) => {
                next.facts.began = Some((**began).clone());
                next.facts.boot = 1;
                next.phase = Phase::Begun;
                Ok((next, Vec::new()))
            }
            // An appliance that compiles another script than the one that was promised does not go on with the record.
            (Phase::Begun, Event::Promised(promised)) if Guard::Promised.holds(promised == script) => {
                next.enter(plan, script, StepId(0));
                Ok((next, Vec::new()))
            }
            (Phase::Begin | Phase::Begun, _) if Guard::Begun.is_on() => Err(Unfit::Other),
            (Phase::Closed, _) if Guard::Closed.is_on() => Err(Unfit::Other),
            // A resume is a beginning: no look of it is left out.
            (_, Event::Interrupted { looked, .. })
                if !Guard::EveryLook.holds(looked.iter().map(Looked::step).eq(Looked::EVERY_BOOT)) =>
            {
                Err(Unfit::Other)
            }
            (_, Event::Interrupted { boot, lost, .. }) => {
                if let Some(lost) = lost {
                    replace::lost(plan, &mut next.facts, self.kind(script), *lost)?;
                }
                let from = resume::back(plan, script, self.at, &mut next.facts, *boot);
                next.enter(plan, script, from);
                Ok((next, Vec::new()))
            }
            (Phase::Failed(_), Event::Again { step: at, by, .. }) => {
                if !Guard::FailedStep.holds(step.is_some_and(|step| step.kind == *at)) {
                    return Err(Unfit::Other);
                }
                may_deviate(plan, &self.facts, *by)?;
                next.ask_anew(script, None);
                Ok((next, Vec::new()))
            }
            (Phase::Asking(progress), Event::Replaced { by, .. }) => {
                let asks = |step: &&Step| matches!(self.asks(plan, step, progress), Some(Ask::Replace(..)));
                let step = step.filter(asks).ok_or(Unfit::Other)?;
                may_deviate(plan, &self.facts, *by)?;
                next.facts.undecided = None;
                let acts = next.go_on(plan, script, step, progress.clone());
                Ok((next, acts))
            }
            (Phase::Acting { queue, intent: Some(intent) }, Event::Came { act, outcome }) => {
                let (Some(step), Some(expected)) = (step, queue.front()) else { return Err(Unfit::Other) };
                if !Guard::NextAct.holds(act == expected) {
                    return Err(Unfit::Other);
                }
                next.came(plan, script, step, act, outcome, *intent);
                Ok((next, Vec::new()))
            }
            // Whatever is asked: the ceremony goes on where it was.
            (Phase::Asking(_), Event::Said(person, Answer::Objects(words))) => {
                if !Guard::ObjectorThere.holds(self.facts.is_there(*person)) {
                    return Err(Unfit::Person);
                }
                next.facts.objections.push((*person, words.clone()));
                Ok((next, Vec::new()))
            }
            (Phase::Asking(_) | Phase::Failed(_), Event::Mistyped { times, whose }) => {
                if !codes::mistyped(&mut next.facts, *whose, *times) {
                    return Err(Unfit::Other);
                }
                if let Phase::Asking(progress) = &mut next.phase {
                    // The owner of a dead code agrees again to the step that the code agreed to.
                    progress.agreed.retain(|person| Guard::DeadAgreement.holds(!codes::is_dead(&next.facts, *person)));
                }
                Ok((next, Vec::new()))
            }
            // The owner of a dead code signs in before it is decided whether the step is done again.
            (Phase::Failed(_), Event::Said(..)) => {
                let (Some(step), Some(person)) = (step, ask::comes_back(&self.facts)) else { return Err(Unfit::Other) };
                next.answered(plan, step.kind, Progress::default(), (&Ask::SignIn(person), event))?;
                Ok((next, Vec::new()))
            }
            (Phase::Asking(progress), _) => {
                let Some(step) = step else { return Err(Unfit::Other) };
                let Some(ask) = self.asks(plan, step, progress) else { return Err(Unfit::Other) };
                let progress = next.answered(plan, step.kind, progress.clone(), (&ask, event))?;
                let acts = next.go_on(plan, script, step, progress);
                Ok((next, acts))
            }
            _ => Err(Unfit::Other),
        }
    }

    /// Enters a step, passing over those with work that stands.
    fn enter(&mut self, plan: &Plan, script: &Script, from: StepId) {
        self.at = from;
        while let Some(step) = script.step(self.at)
            && kind::of(step.kind).stands(plan, &self.facts)
        {
            self.at.0 = self.at.0.saturating_add(1);
        }
        self.phase = if script.step(self.at).is_some() { Phase::Asking(Progress::default()) } else { Phase::Closed };
    }

    fn leave(&mut self, plan: &Plan, script: &Script) {
        self.enter(plan, script, StepId(self.at.0.saturating_add(1)));
    }

    /// The question: a spare that took the place of a log drive is decided on as soon as everybody has signed in.
    fn asks(&self, plan: &Plan, step: &Step, progress: &Progress) -> Option<Ask> {
        let ask = ask::next(plan, step, &self.facts, progress);
        let signs_in = matches!(ask, Some(Ask::SignIn(_))) || matches!(step.kind, StepKind::SignIn(_));
        let undecided = self.facts.undecided.filter(|_| !signs_in && Guard::ReplacedFirst.is_on());
        undecided.map(|(lost, spare)| Ask::Replace(lost, spare)).or(ask)
    }

    /// Asks on, acts, or goes to the next step.
    fn go_on(&mut self, plan: &Plan, script: &Script, step: &Step, progress: Progress) -> Vec<Act> {
        if self.asks(plan, step, &progress).is_some() {
            self.phase = Phase::Asking(progress);
            return Vec::new();
        }
        let acts = acts(plan, step, &mut self.facts);
        if acts.is_empty() {
            self.leave(plan, script);
        } else {
            self.phase = Phase::Acting { queue: acts.iter().copied().collect(), intent: None };
        }
        acts
    }

    /// Takes an outcome.
    fn came(&mut self, plan: &Plan, script: &Script, step: &Step, act: &Act, outcome: &Outcome, intent: Digest) {
        let case = Case { plan, kind: step.kind, intent: &intent };
        match judge(case, &mut self.facts, act, outcome) {
            Ok(()) => {
                // Whoever is logged in has all tries again.
                if let Some(token) = act.as_user() {
                    self.facts.last_try.remove(&token);
                }
                let Phase::Acting { queue, .. } = &mut self.phase else { return };
                queue.pop_front();
                if queue.is_empty() {
                    self.leave(plan, script);
                }
            }
            Err(failure) => {
                // The session that failed is gone, and the proof with it.
                if let Some(token) = talks_to(plan, act).filter(|_| Guard::ProofOfSession.is_on()) {
                    self.facts.proved.remove(&token);
                }
                // An act that was not begun needs nothing undone.
                self.facts.importing.retain(|token| *act == Act::Import(*token));
                match failure.next {
                    Next::Halt if Guard::Halted.is_on() => self.phase = Phase::Halted(failure),
                    // Where anyone goes on, as at a log drive, no person has signed in that could decide: the step asks again.
                    Next::Again if step.roles != Roles::Anyone && Guard::Decided.is_on() => {
                        self.phase = Phase::Failed(failure);
                    }
                    Next::Again | Next::Device | Next::Halt => {
                        self.facts.plugged.retain(|device| Guard::PluggedAgain.holds(!step.devices.contains(device)));
                        self.ask_anew(script, Some(failure));
                    }
                    Next::Beside => {
                        match *act {
                            Act::Authenticate(token) => drop(self.facts.no_chip.insert(token)),
                            Act::Prove(token) => drop(self.facts.own_pins.insert(token)),
                            // No other act is a proof that another proof can take the place of.
                            Act::Identify(_)
                            | Act::Write(..)
                            | Act::Read(..)
                            | Act::Inspect(_)
                            | Act::TrySet(_)
                            | Act::ProveAgain(_)
                            | Act::ProveBeside(_)
                            | Act::ChangePin(_)
                            | Act::Make(_)
                            | Act::Reveal(_)
                            | Act::MakeShares
                            | Act::Seal(_)
                            | Act::Open(_)
                            | Act::Combine(_)
                            | Act::Wipe(_)
                            | Act::Initialise(_)
                            | Act::Import(_)
                            | Act::TryPin(_)
                            | Act::Generate(..)
                            | Act::Sign(..)
                            | Act::Describe(..)
                            | Act::Wrap(..)
                            | Act::Unwrap(..)
                            | Act::Label(_)
                            | Act::List(_)
                            | Act::Show
                            | Act::PowerOff => {}
                        }
                        self.ask_anew(script, Some(failure));
                    }
                    Next::Type | Next::LastTry => {
                        if failure.next == Next::LastTry && Guard::LastTry.is_on() {
                            self.facts.last_try.extend(act.as_user());
                        }
                        let taken = needed(plan, step, &self.facts);
                        self.facts.vault.retain(|slot| Guard::TypedAgain.holds(!taken.contains(slot)));
                        self.ask_anew(script, Some(failure));
                    }
                }
            }
        }
    }

    /// Asks for all of the step again, or of the one that half an import leads back to.
    fn ask_anew(&mut self, script: &Script, failed: Option<Failure>) {
        self.at = resume::half_imported(script, &mut self.facts).unwrap_or(self.at);
        self.phase = Phase::Asking(Progress { failed, ..Progress::default() });
    }

    /// Takes an answer to the question.
    fn answered(
        &mut self,
        plan: &Plan,
        kind: StepKind,
        mut on: Progress,
        said: (&Ask, &Event),
    ) -> Result<Progress, Unfit> {
        let facts = &mut self.facts;
        match said {
            (Ask::Insert(asked), Event::Done(Answer::Inserted(device))) if Guard::Inserted.holds(asked == device) => {
                facts.plugged.insert(*device);
                // Another one may have been plugged in: a proof lasts until the plug is pulled.
                if let Device::Token(token) = device
                    && Guard::ProofOfPlug.is_on()
                {
                    facts.proved.remove(token);
                }
            }
            (Ask::Remove(asked), Event::Done(Answer::Removed(device))) if Guard::Removed.holds(asked == device) => {
                facts.plugged.remove(device);
            }
            (Ask::Look, Event::Looked(looked)) if Guard::LookAsked.holds(looked.step() == kind) => {
                if let Looked::Clock { wall, .. } = looked {
                    facts.clock.get_or_insert(*wall);
                }
                on.answered = true;
            }
            (Ask::SignIn(asked), Event::Said(person, Answer::SignedIn { by, .. }))
                if Guard::SignIn.holds(asked == person) =>
            {
                if !codes::signs_in(plan, facts, (*person, *person), *by) {
                    return Err(Unfit::Person);
                }
                // After an interruption people come back in the place they had.
                facts.present.entry(*person).or_insert(*person);
                on.answered |= !facts.signed_out.remove(person);
            }
            (Ask::SignIn(asked), Event::Said(person, Answer::Absent { by, whose, .. }))
                if Guard::Place.holds(asked == whose) =>
            {
                let comes = Guard::Alternate.holds(ask::comes_for(plan, facts, *whose) == Some(*person));
                if !comes || !codes::signs_in(plan, facts, (*person, *whose), *by) {
                    return Err(Unfit::Person);
                }
                // A person that does not come back after an interruption leaves the place they had.
                let place = facts.present.remove(whose).unwrap_or(*whose);
                facts.present.insert(*person, place);
                on.answered |= !facts.signed_out.remove(whose);
            }
            (Ask::Keyboard, Event::Done(Answer::KeyboardFits)) => on.answered = true,
            (Ask::Type { slot, keeper, .. }, Event::Said(person, Answer::Typed(typed)))
                if Guard::Typed.holds(slot == typed) =>
            {
                if !Guard::Keeper.holds(keeper == person && facts.is_there(*person)) {
                    return Err(Unfit::Person);
                }
                facts.vault.insert(*slot);
            }
            (Ask::BagNumber(asked), Event::Done(Answer::BagNumber { bag, number }))
                if Guard::Bag.holds(asked == bag) =>
            {
                let planned = plan.bag(*bag);
                if !Guard::BagPlanned.holds(planned.is_some_and(|planned| planned.number == *number)) {
                    return Err(Unfit::BagNumber);
                }
                facts.bags.insert(*bag, number.clone());
                on.answered = true;
            }
            (Ask::BagNumber(asked), Event::Done(Answer::OtherBag { bag, number, by, .. }))
                if Guard::Bag.holds(asked == bag) =>
            {
                may_deviate(plan, facts, *by)?;
                // A number of the plan means its own bag; a number that was typed is taken.
                let others = facts.bags.iter().filter(|(other, _)| *other != bag).map(|(_, number)| number);
                let mut known = plan.bags.iter().map(|planned| &planned.number).chain(others);
                if !Guard::BagNew.holds(known.all(|known| known != number)) {
                    return Err(Unfit::BagNumber);
                }
                facts.bags.insert(*bag, number.clone());
                on.answered = true;
            }
            (Ask::Objections, Event::Done(Answer::NoObjection)) => on.answered = true,
            (Ask::Attest(asked), Event::Said(person, answer @ (Answer::Attests | Answer::Refuses(_)))) => {
                if !Guard::Attesting.holds(facts.stand_in(*asked) == *person && facts.is_there(*person)) {
                    return Err(Unfit::Person);
                }
                let refuses = if let Answer::Refuses(words) = answer { Some(words.clone()) } else { None };
                facts.attested.insert(*person, refuses);
                on.answered = true;
            }
            (Ask::Word(_), Event::Done(Answer::Word)) => on.word = true,
            (Ask::Go { who: None, .. }, Event::Done(Answer::Go)) => on.gone = true,
            (Ask::Go { who: Some(who), .. }, Event::Said(person, Answer::Go)) => {
                if !Guard::SamePerson.holds(!on.agreed.contains(person)) {
                    return Err(Unfit::SamePerson);
                }
                if !who.is(plan, facts, *person) {
                    return Err(Unfit::Person);
                }
                on.agreed.push(*person);
            }
            _ => return Err(Unfit::Other),
        }
        Ok(on)
    }
}

/// Whether these two may decide on a deviation.
fn may_deviate(plan: &Plan, facts: &Facts, by: (PersonId, PersonId)) -> Result<(), Unfit> {
    let (first, second) = DEVIATION_ROLES;
    let may = |role, person| Who::Role(role).is(plan, facts, person);
    match by {
        (one, other) if !Guard::TwoDecide.holds(one != other) => Err(Unfit::SamePerson),
        (one, other) if Guard::OperatorAndWitness.holds(may(first, one) && may(second, other)) => Ok(()),
        _ => Err(Unfit::Person),
    }
}
