//! One room for each kind of step: everything that a ceremony says of a kind stands in its `impl` of [`Kind`].
//!
//! [`of`] is the only match from a kind to its room. The verifier says its half a second time, in `verify/kind`, under the same
//! file names, and reads nothing here.

mod drives;
mod ending;
mod keys;
mod people;
mod shares;
mod start;
mod tokens;

use std::collections::BTreeSet;

use crate::act::{Act, Slot};
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, StepId, TokenId};
use crate::plan::{Plan, Role};
use crate::script::{Roles, Step, StepKind, Which};

/// Typed before a step that destroys.
const ERASE_WORD: &str = "erase";
/// Typed before the last try of a user PIN is spent.
pub const LAST_WORD: &str = "last";

/// How grave a step is. Its people, the bar of the screen and the typed word follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// The step changes nothing, or the change can be made again.
    Looks,
    /// A thing is changed. The change can be made again, or undone.
    Changes,
    /// No person can take it back: operator and witness agree.
    CannotBeUndone,
    /// Something that people had is gone afterwards: operator and witness agree after a typed word.
    Destroys,
}

impl Gravity {
    /// Whether two roles agree, under a red bar.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Looks | Self::Changes => false,
            Self::CannotBeUndone | Self::Destroys => true,
        }
    }

    /// The typed word.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Looks | Self::Changes | Self::CannotBeUndone => None,
            Self::Destroys => Some(ERASE_WORD),
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Looks => "looks",
            Self::Changes => "changes",
            Self::CannotBeUndone => "cannot be undone",
            Self::Destroys => "destroys",
        }
    }
}

/// The people that agree to a step that looks or changes. A graver step has its own answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Any person: the step goes on with Enter.
    Anyone,
    /// The operator.
    Operator,
    /// This person: the step is about them, or about a thing that they keep. The plan's id of a person that it does not have
    /// is `None`, and two roles agree.
    Person(Option<PersonId>),
}

/// The question that only this kind of step asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// None: people agree, and that is all.
    Nothing,
    /// A finding of the start.
    Look,
    /// A person signs in.
    SignIn(PersonId),
    /// The keyboard test.
    Keyboard,
    /// Objections.
    Objections,
    /// Attestation of a person.
    Attest(PersonId),
    /// The number of a bag. People agree after it.
    Bag(BagId),
}

/// The secrets that a step takes from the Vault. Each keeper types the missing ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// A device compares them with its own: each is typed once.
    Used(Vec<Slot>),
    /// The step sets them, and nothing compares them with the paper of their keepers: each is typed twice.
    Set(Vec<Slot>),
}

impl Secrets {
    const NONE: Self = Self::Used(Vec::new());

    fn slots(self) -> Vec<Slot> {
        match self {
            Self::Used(slots) | Self::Set(slots) => slots,
        }
    }
}

/// The demand on an identified drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveIs {
    /// The drive of the plan.
    Named,
    /// The drive of the plan, and empty.
    Empty,
    /// The drive of the plan: from now on a log.
    Log,
}

/// The things that a step builds on and that a power cut takes out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Nothing: the step is asked again.
    Nothing,
    /// Sealed shares that are not on their drives.
    Sealed,
    /// Opened shares.
    Opened,
}

/// The facts that the screen shows with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    /// None.
    Nothing,
    /// A drive, with its planned content.
    Drive(DriveId),
    /// The drive of a share.
    DriveOf(ShareId),
    /// A token, with its account of itself.
    Token(TokenId),
    /// Name and serial of a token.
    Name(TokenId),
    /// The check value of the shares.
    CheckValue,
    /// The check value, then name and serial of every token.
    Import,
    /// A key.
    Key(KeyIx),
    /// A bag, and the things for it.
    Bag(BagId),
    /// The line to type, and the layout of the keyboard.
    Keyboard,
    /// The choices of an attestation.
    Attestation,
}

/// A part of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The machine, the plan and the log drives.
    Start,
    /// People sign in.
    People,
    /// Drives and tokens are identified.
    Devices,
    /// PINs and passphrases are made.
    Secrets,
    /// The DKEK is made, shared and imported.
    Shares,
    /// Keys are made.
    Keys,
    /// Keys are restored on copies.
    Copies,
    /// Objections, publication, bags, attestations.
    End,
}

impl Phase {
    /// Every one, in order.
    pub const ALL: [Self; 8] =
        [Self::Start, Self::People, Self::Devices, Self::Secrets, Self::Shares, Self::Keys, Self::Copies, Self::End];

    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::People => "people",
            Self::Devices => "devices",
            Self::Secrets => "secrets",
            Self::Shares => "shares",
            Self::Keys => "keys",
            Self::Copies => "copies",
            Self::End => "end",
        }
    }
}

/// The words of F1 about a step. Each part is one or more whole sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help {
    /// The attack or the mistake that the step prevents, or the thing that it makes.
    pub why: &'static str,
    /// The work of people and of devices in it. The plan's minutes stand beside it.
    pub long: &'static str,
    /// The usual failures.
    pub wrong: &'static str,
    /// The thing to do after such a failure.
    pub then: &'static str,
}

/// The part of a kind that does not change while a ceremony runs. A field that is left out does not compile.
#[derive(Clone, Debug)]
pub struct About {
    /// How grave it is.
    pub gravity: Gravity,
    /// The people that agree, unless it is grave.
    pub by: By,
    /// The part of a ceremony that it belongs to.
    pub phase: Phase,
    /// Units: minutes it may take before the room is told so.
    pub minutes: u16,
    /// The devices that it needs, log drives that are in already left out.
    pub devices: Vec<Device>,
    /// Its question.
    pub question: Question,
    /// The secrets that it takes from the Vault.
    pub secrets: Secrets,
    /// The demand on a drive that it identifies.
    pub drive: DriveIs,
    /// The things that it builds on and that a power cut takes.
    pub memory: Memory,
    /// The facts that the screen shows with it.
    pub shows: Shows,
    /// Its name on screens, on paper and in the text of the record.
    pub name: String,
    /// Its effect, in a sentence, for the people that agree.
    pub purpose: String,
    /// Its help.
    pub help: Help,
}

/// A kind of step. No method has a default: a kind that leaves one out does not compile.
pub trait Kind {
    /// The part that does not change while a ceremony runs.
    fn about(&self, plan: &Plan) -> About;

    /// The acts, in order, once the step was asked and agreed to. A new attempt is counted in `facts`.
    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act>;

    /// Whether nothing is left to do: after going back, a step with work that stands is passed over.
    fn stands(&self, plan: &Plan, facts: &Facts) -> bool;
}

/// The room of a kind.
pub fn of(kind: StepKind) -> Box<dyn Kind> {
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

/// The part of a kind of step that does not change.
pub fn about(plan: &Plan, kind: StepKind) -> About {
    of(kind).about(plan)
}

/// Two people of these roles agree to a step that cannot be undone, or destroys.
const TWO: Roles = Roles::Two(Role::Operator, Role::Witness);

/// A step of this kind, before the script numbers it.
pub(crate) fn step(plan: &Plan, kind: StepKind) -> Step {
    let about = about(plan, kind);
    let roles = match about.by {
        _ if about.gravity.is_final() => TWO,
        By::Anyone => Roles::Anyone,
        By::Operator => Roles::One(Role::Operator),
        By::Person(person) => person.map_or(TWO, Roles::Person),
    };
    Step { id: StepId(0), kind, roles, budget: about.minutes, devices: about.devices }
}

/// The secrets a step takes from the Vault as things stand: those of its kind, and PINs that will be burnt or are.
pub fn needed(plan: &Plan, step: &Step, facts: &Facts) -> Vec<Slot> {
    let mut needed = about(plan, step.kind).secrets.slots();
    for slot in burns(plan, step, facts).into_iter().map(|token| Slot::Pin(token, Which::User)) {
        if !needed.contains(&slot) {
            needed.push(slot);
        }
    }
    needed
}

/// The tokens that get another user PIN in a step, because the old one is burnt or will be.
pub fn burns(plan: &Plan, step: &Step, facts: &Facts) -> Vec<TokenId> {
    if facts.no_chip.is_empty() {
        return Vec::new();
    }
    let changed = |act| if let Act::ChangePin(token) = act { Some(token) } else { None };
    acts(plan, step, &mut facts.clone()).into_iter().filter_map(changed).collect()
}

/// How a token proves itself again that was erased and proved before: so that its keys stay if it may have any.
pub fn proof_again(facts: &Facts, token: TokenId) -> Act {
    if !facts.no_chip.contains(&token) {
        Act::Authenticate(token)
    } else if facts.own_pins.contains(&token) {
        Act::ProveBeside(token)
    } else {
        // It has neither keys nor PINs of its own yet: it is erased once more.
        Act::Prove(token)
    }
}

/// The keeper of a secret: the person that types it.
pub fn keeper(plan: &Plan, slot: Slot) -> Option<PersonId> {
    match slot {
        Slot::Pin(id, Which::User) | Slot::NewPin(id) => plan.token(id).map(|token| token.pin.keeper),
        Slot::Pin(id, Which::So) | Slot::OldSoPin(id) => plan.token(id).map(|token| token.so_pin.keeper),
        Slot::Passphrase(id) => plan.share(id).map(|share| share.passphrase.keeper),
        // No person ever sees a clear share.
        Slot::Share(_) => None,
    }
}

/// The word a step wants before it destroys something, or may.
pub fn word(plan: &Plan, step: &Step, facts: &Facts) -> Option<&'static str> {
    let last = |slot| matches!(slot, Slot::Pin(token, Which::User) if facts.last_try.contains(&token));
    let spends = || needed(plan, step, facts).into_iter().any(last).then_some(LAST_WORD);
    about(plan, step.kind).gravity.word().or_else(spends)
}

/// The acts of a step once it was asked and authorised, in order; a new attempt is counted in `facts`.
pub fn acts(plan: &Plan, step: &Step, facts: &mut Facts) -> Vec<Act> {
    let mut acts = of(step.kind).acts(plan, facts);
    // A token that proved itself before it was plugged in or the machine started must do so again before anything secret goes to
    // it, and a PIN that is burnt by that is changed before anything else.
    let again: BTreeSet<TokenId> =
        acts.iter().filter_map(|act| talks_to(plan, act)).filter(|token| facts.genuine.contains(token)).collect();
    for token in again.into_iter().filter(|token| step.kind != StepKind::Prove(*token)) {
        let mut first = Vec::new();
        if !Guard::ProofFirst.holds(facts.proved.contains(&token)) {
            first.push(proof_again(facts, token));
        }
        if !Guard::BurntPin.holds(!(facts.burnt.contains(&token) || first.contains(&Act::ProveBeside(token)))) {
            first.extend(make_and_reveal(Slot::NewPin(token)));
            first.push(Act::ChangePin(token));
        }
        acts.splice(0..0, first);
    }
    acts
}

/// The token an act talks to: the one it is done on, or the first one, which gives half of the shares' randomness.
pub fn talks_to(plan: &Plan, act: &Act) -> Option<TokenId> {
    if *act == Act::MakeShares { plan.token_ids().next() } else { act.token() }
}

/// The user PIN of a token.
const fn user(token: TokenId) -> Slot {
    Slot::Pin(token, Which::User)
}

fn make_and_reveal(slot: Slot) -> Vec<Act> {
    vec![Act::Make(slot), Act::Reveal(slot)]
}
