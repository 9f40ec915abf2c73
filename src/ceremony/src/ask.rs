//! What a step asks of the room next, one thing at a time.

use crate::act::Slot;
use crate::codes::is_dead;
use crate::event::Failure;
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{BagId, Device, PersonId};
use crate::kinds::{keeper, needed, word};
use crate::plan::{Plan, Role};
use crate::script::{Roles, Step, StepKind};

/// What a step asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A device to take out: `Done(Removed)`.
    Remove(Device),
    /// A device to plug in: `Done(Inserted)`.
    Insert(Device),
    /// A person signs in: `Said(person, SignedIn)` or, from who comes instead, `Said(alternate, Absent)`.
    SignIn(PersonId),
    /// A finding of the start: `Looked`.
    Look,
    /// The keyboard test: `Done(KeyboardFits)`.
    Keyboard,
    /// A secret the Vault does not have is typed in by its keeper: `Said(keeper, Typed)`.
    Type {
        /// Which.
        slot: Slot,
        /// Its keeper, or who came instead.
        keeper: PersonId,
        /// Whether the step sets it, so that nothing compares it with what its keeper wrote down: it is typed twice.
        sets: bool,
    },
    /// The number of a bag, twice: `Done(BagNumber)`; for another than the planned one `Done(OtherBag)`.
    BagNumber(BagId),
    /// Objections, which are taken at any other question, too: `Said(person, Objects)` or `Done(NoObjection)`.
    Objections,
    /// Attestation of one person: `Said(person, Attests)` or `Said(person, Refuses)`.
    Attest(PersonId),
    /// A typed word before something is destroyed, or may be: `Done(Word)`.
    Word(&'static str),
    /// Agreement to go on: `Done(Go)` where anyone may, else `Said(person, Go)` by sign-in code.
    Go {
        /// Who may; `None`: anyone, without a code.
        who: Option<Who>,
        /// Who agreed already, for a step of two roles: somebody else is asked for.
        already: Option<PersonId>,
    },
    /// The decision of two roles to do a failed step again: `Again`.
    Again {
        /// What failed.
        failure: Failure,
    },
}

/// Who may authorise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anyone of this role.
    Role(Role),
    /// This person.
    Person(PersonId),
}

impl Who {
    /// Whether a person is one of them: signed in, of the role.
    pub fn is(self, plan: &Plan, facts: &Facts, person: PersonId) -> bool {
        Guard::IsThere.holds(facts.is_there(person))
            && Guard::InPlace.holds(match self {
                Self::Person(one) => facts.stand_in(one) == person,
                Self::Role(role) => plan.person(person).is_some_and(|p| p.roles.contains(&role)),
            })
    }
}

/// Who may sign in where this person does not come: their alternate; for an alternate, the person whose place it is.
pub fn comes_for(plan: &Plan, facts: &Facts, whose: PersonId) -> Option<PersonId> {
    let place = facts.present.get(&whose).copied().unwrap_or(whose);
    let alternate = || {
        let at = plan.people.iter().position(|person| person.alternate_for == Some(place));
        at.and_then(|at| u16::try_from(at).ok()).map(PersonId)
    };
    let comes = if place == whose { alternate() } else { Some(place) };
    comes.filter(|person| !facts.present.contains_key(person))
}

/// Who signs in again next. Whose code is dead comes last: by then whoever may confirm it is there.
pub(crate) fn comes_back(facts: &Facts) -> Option<PersonId> {
    facts.signed_out.iter().copied().min_by_key(|person| (is_dead(facts, *person), *person))
}

/// How far the asking of a step has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The one question of the kind was answered.
    pub(crate) answered: bool,
    /// The word was typed.
    pub(crate) word: bool,
    /// Anyone pressed Enter.
    pub(crate) gone: bool,
    /// Who agreed.
    pub(crate) agreed: Vec<PersonId>,
    /// Why all of it is asked again.
    pub(crate) failed: Option<Failure>,
}

/// The next thing asked for; `None` when the step may act.
pub(crate) fn next(plan: &Plan, step: &Step, facts: &Facts, progress: &Progress) -> Option<Ask> {
    if let Some(person) = comes_back(facts).filter(|_| Guard::SignsInAgain.is_on()) {
        return Some(Ask::SignIn(person));
    }
    if let Some(device) = to_remove(step, facts).filter(|_| Guard::OnlyNamed.is_on()) {
        return Some(Ask::Remove(device));
    }
    if let Some(device) = wanted(step).find(|device| !Guard::AllNamed.holds(facts.plugged.contains(device))) {
        return Some(Ask::Insert(device));
    }
    if !Guard::Question.holds(progress.answered)
        && let Some(ask) = of_kind(step.kind)
    {
        return Some(ask);
    }
    let missing =
        needed(plan, step, facts).into_iter().find(|slot| !Guard::SecretThere.holds(facts.vault.contains(slot)));
    if let Some((slot, keeper)) = missing.and_then(|slot| Some((slot, keeper(plan, slot)?))) {
        let sets = matches!(step.kind, StepKind::MakeShares | StepKind::Initialise(_));
        return Some(Ask::Type { slot, keeper: facts.stand_in(keeper), sets });
    }
    if let Some(word) = word(plan, step, facts)
        && !Guard::Word.holds(progress.word)
    {
        return Some(Ask::Word(word));
    }
    agreement(step, progress)
}

/// The question only this kind asks.
fn of_kind(kind: StepKind) -> Option<Ask> {
    match kind {
        StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan => Some(Ask::Look),
        StepKind::SignIn(person) => Some(Ask::SignIn(person)),
        StepKind::Keyboard => Some(Ask::Keyboard),
        StepKind::Objections => Some(Ask::Objections),
        StepKind::Bag(bag) => Some(Ask::BagNumber(bag)),
        StepKind::Attest(person) => Some(Ask::Attest(person)),
        _ => None,
    }
}

/// Kinds whose one question is all: nobody is asked to press Enter after it.
fn answer_is_all(kind: StepKind) -> bool {
    !matches!(kind, StepKind::Bag(_)) && of_kind(kind).is_some()
}

/// What must be plugged in for a step, log drives that are in already left out.
fn wanted(step: &Step) -> impl Iterator<Item = Device> {
    let log = if let StepKind::Log(drive) = step.kind { Some(Device::Drive(drive)) } else { None };
    step.devices.iter().copied().chain(log)
}

/// Everything leaves that a step does not name, logs excepted: the script names what may stay in.
fn to_remove(step: &Step, facts: &Facts) -> Option<Device> {
    let is_log = |device: &Device| matches!(device, Device::Drive(drive) if facts.logs.contains(drive));
    facts.plugged.iter().copied().find(|device| !is_log(device) && !wanted(step).any(|one| one == *device))
}

fn agreement(step: &Step, progress: &Progress) -> Option<Ask> {
    if answer_is_all(step.kind) {
        return None;
    }
    let already = progress.agreed.first().copied();
    let go = |who| Some(Ask::Go { who, already });
    match (step.roles, progress.agreed.len()) {
        (Roles::Anyone, _) if Guard::Agreed.holds(progress.gone) => None,
        (Roles::Person(_) | Roles::One(_) | Roles::Two(..), 0) if !Guard::Agreed.is_on() => None,
        (Roles::Two(..), 1) if !Guard::SecondRole.is_on() => None,
        (Roles::Anyone, _) => go(None),
        (Roles::Person(person), 0) => go(Some(Who::Person(person))),
        (Roles::One(role), 0) | (Roles::Two(role, _), 0) => go(Some(Who::Role(role))),
        (Roles::Two(_, role), 1) => go(Some(Who::Role(role))),
        (Roles::Person(_) | Roles::One(_) | Roles::Two(..), _) => None,
    }
}
