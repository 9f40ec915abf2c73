//! The verifier's half of each kind of step: how grave it is, the people who must agree, the steps below it, its acts, the secrets
//! that it uses, and the answers that it wants.
//!
//! Every room stands under the same file name as in `crate::kind`, and reads nothing there: a rule that is lost there is kept here.

mod drives;
mod ending;
mod keys;
mod people;
mod shares;
mod start;
mod tokens;

use super::things::{Things, each};
use super::walk::Visit;
use crate::act::{Act, Slot};
use crate::event::Answer;
use crate::ids::{PersonId, TokenId};
use crate::plan::{Plan, Role};
use crate::script::{Roles, StepKind, Which};

/// How grave a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gravity {
    Looks,
    Changes,
    CannotBeUndone,
    Destroys,
}

/// The people who must agree to a step that looks or changes. Operator and witness must agree to a graver one.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Anyone,
    Operator,
    /// The person that a step is about, or the keeper of the thing. Two roles agree if the plan has no such person.
    Person(Option<PersonId>),
}

/// What lets a step act, or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The answer to its question, and nothing else: whether it was given.
    Is(bool),
    /// The agreement of people.
    ByAgreement,
}

/// A kind of step. No method has a default: a kind that leaves one out does not compile.
pub(super) trait Kind {
    /// How grave it is.
    fn gravity(&self, plan: &Plan) -> Gravity;

    /// The people who must agree, unless it is grave.
    fn by(&self, plan: &Plan) -> By;

    /// The steps that must stand when this step is done. Doing one of them again undoes this step.
    fn after(&self, things: &Things<'_>) -> Vec<StepKind>;

    /// The acts that it consists of, numbers of attempts and check values left out.
    fn acts(&self, plan: &Plan) -> Vec<Act>;

    /// The secrets that it takes from memory.
    fn secrets(&self, plan: &Plan) -> Vec<Slot>;

    /// What lets it act.
    fn answered(&self, visit: &Visit<'_>) -> Answered;
}

/// The room of a kind.
pub(super) fn of(kind: StepKind) -> Box<dyn Kind> {
    match kind {
        StepKind::Medium => Box::new(start::MEDIUM),
        StepKind::AirGap => Box::new(start::AIR_GAP),
        StepKind::Clock => Box::new(start::CLOCK),
        StepKind::Plan => Box::new(start::PLAN),
        StepKind::Log(drive) => Box::new(drives::Log(drive)),
        StepKind::SignIn(person) => Box::new(people::SignIn(person)),
        StepKind::Register(drive) => Box::new(drives::Register(drive)),
        StepKind::Inspect(token) => Box::new(tokens::Inspect(token)),
        StepKind::Prove(token) => Box::new(tokens::Prove(token)),
        StepKind::Keyboard => Box::new(people::Keyboard),
        StepKind::Pin(token, which) => Box::new(people::Pin(token, which)),
        StepKind::Passphrase(share) => Box::new(shares::Passphrase(share)),
        StepKind::MakeShares => Box::new(shares::MakeShares),
        StepKind::WriteShare(share) => Box::new(shares::WriteShare(share)),
        StepKind::Initialise(token) => Box::new(tokens::Initialise(token)),
        StepKind::OpenShare(share) => Box::new(shares::OpenShare(share)),
        StepKind::Import => Box::new(shares::Import),
        StepKind::TryPin(token) => Box::new(tokens::TryPin(token)),
        StepKind::Generate(key) => Box::new(keys::Generate(key)),
        StepKind::Certify(key) => Box::new(keys::Certify(key)),
        StepKind::Wrap(key) => Box::new(keys::Wrap(key)),
        StepKind::Restore(token) => Box::new(keys::Restore(token)),
        StepKind::Compare(token) => Box::new(keys::Compare(token)),
        StepKind::Objections => Box::new(people::Objections),
        StepKind::State(token) => Box::new(keys::State(token)),
        StepKind::Publish(drive) => Box::new(ending::Publish(drive)),
        StepKind::Show => Box::new(ending::Show),
        StepKind::Bag(bag) => Box::new(ending::Bag(bag)),
        StepKind::Attest(person) => Box::new(people::Attest(person)),
        StepKind::Close => Box::new(ending::Close),
    }
}

/// Every step that a plan owes, once.
pub(super) fn owed(things: &Things<'_>) -> Vec<StepKind> {
    use StepKind as K;
    let once = [K::Medium, K::AirGap, K::Clock, K::Plan, K::Keyboard, K::MakeShares, K::Import, K::Objections];
    let mut kinds = [&once[..], &[K::Show, K::Close]].concat();
    kinds.extend(each(&things.logs, K::Log));
    kinds.extend(each(&things.others, K::Register));
    kinds.extend(each(&things.public, K::Publish));
    kinds.extend(each(&things.people, K::SignIn));
    kinds.extend(each(&things.attest, K::Attest));
    kinds.extend(each(&things.bags, K::Bag));
    for of_token in [K::Inspect, K::Prove, K::Initialise, K::TryPin, K::State] {
        kinds.extend(each(&things.tokens, of_token));
    }
    for of_copy in [K::Restore, K::Compare] {
        kinds.extend(each(&things.copies, of_copy));
    }
    kinds.extend(things.pins());
    for of_share in [K::Passphrase, K::WriteShare, K::OpenShare] {
        kinds.extend(each(&things.shares, of_share));
    }
    kinds.extend(each(&things.keys, K::Generate));
    kinds.extend(each(&things.keys, K::Certify));
    kinds.extend(things.wraps());
    kinds
}

/// The people that must agree to a step.
pub(super) fn roles(plan: &Plan, kind: StepKind) -> Roles {
    const TWO: Roles = Roles::Two(Role::Operator, Role::Witness);
    let room = of(kind);
    match (room.gravity(plan), room.by(plan)) {
        (Gravity::CannotBeUndone | Gravity::Destroys, _) => TWO,
        (Gravity::Looks | Gravity::Changes, By::Anyone) => Roles::Anyone,
        (Gravity::Looks | Gravity::Changes, By::Operator) => Roles::One(Role::Operator),
        (Gravity::Looks | Gravity::Changes, By::Person(person)) => person.map_or(TWO, Roles::Person),
    }
}

/// Whether a word was typed before something is destroyed.
pub(super) fn word_typed(plan: &Plan, visit: &Visit<'_>) -> bool {
    match of(visit.step.kind).gravity(plan) {
        Gravity::Looks | Gravity::Changes | Gravity::CannotBeUndone => true,
        Gravity::Destroys => visit.answers.iter().any(|given| *given.answer == Answer::Word),
    }
}

fn gave(visit: &Visit<'_>, fits: impl Fn(Option<PersonId>, &Answer) -> bool) -> Answered {
    Answered::Is(visit.answers.iter().any(|given| fits(given.who, given.answer)))
}

/// A secret is made, and shown to its keeper.
fn secret(slot: Slot) -> Vec<Act> {
    vec![Act::Make(slot), Act::Reveal(slot)]
}

/// The user PIN of a token.
const fn pin(token: TokenId) -> Slot {
    Slot::Pin(token, Which::User)
}
