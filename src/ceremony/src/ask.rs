//! The next question of a step to the room, one thing at a time.

use crate::act::Slot;
use crate::codes::is_dead;
use crate::event::Failure;
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{BagId, Device, DriveId, PersonId};
use crate::kind::{Question, Secrets, about, keeper, needed, word};
use crate::plan::{Plan, Role};
use crate::script::{Roles, Step};

/// A question of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// A device to take out: `Done(Removed)`.
    Remove(Device),
    /// A device to plug in: `Done(Inserted)`.
    Insert(Device),
    /// A person signs in: `Said(person, SignedIn)` or, from the alternate that comes instead, `Said(alternate, Absent)`.
    SignIn(PersonId),
    /// A finding of the start: `Looked`.
    Look,
    /// The keyboard test: `Done(KeyboardFits)`.
    Keyboard,
    /// A secret the Vault does not have is typed in by its keeper: `Said(keeper, Typed)`.
    Type {
        /// Which.
        slot: Slot,
        /// Its keeper, or the person that came instead.
        keeper: PersonId,
        /// Whether the step sets it, so that nothing compares it with the paper of its keeper: it is typed twice.
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
        /// The people that may; `None`: anyone, without a code.
        who: Option<Who>,
        /// The person that agreed already, for a step of two roles: somebody else is asked for.
        already: Option<PersonId>,
    },
    /// The decision of two roles that a spare, the second drive, takes the place of a lost log drive, the first: `Replaced`.
    Replace(DriveId, DriveId),
    /// The decision of two roles to do a failed step again: `Again`.
    Again {
        /// The failure.
        failure: Failure,
    },
}

/// The people that may authorise.
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

/// The person that may sign in where this one does not come: the alternate; for an alternate, the owner of the place.
pub fn comes_for(plan: &Plan, facts: &Facts, whose: PersonId) -> Option<PersonId> {
    let place = facts.present.get(&whose).copied().unwrap_or(whose);
    let alternate = || {
        let at = plan.people.iter().position(|person| person.alternate_for == Some(place));
        at.and_then(|at| u16::try_from(at).ok()).map(PersonId)
    };
    let comes = if place == whose { alternate() } else { Some(place) };
    comes.filter(|person| !facts.present.contains_key(person))
}

/// The person that signs in again next. The owner of a dead code comes last: by then there is a person to confirm it.
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
    /// The people that agreed.
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
    let missing = |device: &&Device| !Guard::AllNamed.holds(facts.plugged.contains(device));
    if let Some(device) = step.devices.iter().find(missing) {
        return Some(Ask::Insert(*device));
    }
    let about = about(plan, step.kind);
    if !Guard::Question.holds(progress.answered)
        && let Some(ask) = of_kind(about.question)
    {
        return Some(ask);
    }
    let missing =
        needed(plan, step, facts).into_iter().find(|slot| !Guard::SecretThere.holds(facts.vault.contains(slot)));
    if let Some((slot, keeper)) = missing.and_then(|slot| Some((slot, keeper(plan, slot)?))) {
        let sets = matches!(about.secrets, Secrets::Set(_));
        return Some(Ask::Type { slot, keeper: facts.stand_in(keeper), sets });
    }
    if let Some(word) = word(plan, step, facts)
        && !Guard::Word.holds(progress.word)
    {
        return Some(Ask::Word(word));
    }
    if answer_is_all(about.question) { None } else { agreement(step, progress) }
}

/// The question that only this kind of step asks.
fn of_kind(question: Question) -> Option<Ask> {
    match question {
        Question::Nothing => None,
        Question::Look => Some(Ask::Look),
        Question::SignIn(person) => Some(Ask::SignIn(person)),
        Question::Keyboard => Some(Ask::Keyboard),
        Question::Objections => Some(Ask::Objections),
        Question::Attest(person) => Some(Ask::Attest(person)),
        Question::Bag(bag) => Some(Ask::BagNumber(bag)),
    }
}

/// Whether the answer to the question is all: no person is asked to press Enter after it.
const fn answer_is_all(question: Question) -> bool {
    match question {
        Question::Nothing | Question::Bag(_) => false,
        Question::Look | Question::SignIn(_) | Question::Keyboard | Question::Objections | Question::Attest(_) => true,
    }
}

/// Every device leaves that a step does not name, logs excepted: the script names those that may stay in.
fn to_remove(step: &Step, facts: &Facts) -> Option<Device> {
    let is_log = |device: &Device| matches!(device, Device::Drive(drive) if facts.logs.contains(drive));
    facts.plugged.iter().copied().find(|device| !is_log(device) && !step.devices.contains(device))
}

fn agreement(step: &Step, progress: &Progress) -> Option<Ask> {
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
