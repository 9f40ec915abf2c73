//! The changes of a record: whole steps, the people that agree, the things, the script; singly and two at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::discriminant;

use conclave_ceremony::act::{Act, Item, Slot};
use conclave_ceremony::ids::{Device, DriveId, KeyIx, PersonId, ShareId, TokenId};
use conclave_ceremony::plan::{Plan, Role};
use conclave_ceremony::script::{Roles, Script, Step, StepKind};

use super::record::{Forgery, Good, Part, Visit};

/// A thing that an act is done on or with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Token(TokenId),
    Drive(DriveId),
    Key(KeyIx),
    Share(ShareId),
}

/// One change. A step is told by its kind; where it was done several times the first is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A step is not done.
    LeftOut(StepKind),
    /// A step is neither promised nor done.
    LeftOutOfBoth(StepKind),
    /// No step of this sort is promised or done, for any thing.
    SortLeftOutOfBoth(StepKind),
    /// A step is done and not promised.
    Unpromised(StepKind),
    /// A step is done twice.
    Repeated(StepKind),
    /// A step is done after the last.
    Appended(StepKind),
    /// The machine is started again before a step, and goes on.
    Interrupted(StepKind),
    /// The machine is started again in a step, after so many acts, and does the step again.
    CutIn(StepKind, usize),
    /// The machine is started again before a step, and an earlier step is done again.
    Undone { step: StepKind, before: StepKind },
    /// The same, and every step after that earlier one is done again.
    Redone { from: StepKind, before: StepKind },
    /// A step is done at another place than the promised one.
    Moved { step: StepKind, before: StepKind },
    /// A step is promised and done at another place.
    MovedInBoth { step: StepKind, before: StepKind },
    /// A person did not agree.
    Fewer(StepKind, usize),
    /// The script promises less agreement, and a step has no more.
    Weakened(StepKind, Roles),
    /// Another person agreed.
    AgreedBy { step: StepKind, nth: usize, by: PersonId },
    /// A step is done on another thing.
    Given { step: StepKind, from: Thing, to: Thing },
}

impl Change {
    /// The sort it is counted as.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LeftOut(_) => "left out",
            Self::LeftOutOfBoth(_) => "left out of both",
            Self::SortLeftOutOfBoth(_) => "sort left out of both",
            Self::Unpromised(_) => "unpromised",
            Self::Repeated(_) => "repeated",
            Self::Appended(_) => "appended",
            Self::Interrupted(_) => "interrupted",
            Self::CutIn(..) => "cut in",
            Self::Undone { .. } => "undone later",
            Self::Redone { .. } => "redone later",
            Self::Moved { .. } => "moved",
            Self::MovedInBoth { .. } => "moved in both",
            Self::Fewer(..) => "agreed by fewer",
            Self::Weakened(..) => "weakened",
            Self::AgreedBy { .. } => "agreed by others",
            Self::Given { .. } => "given to other things",
        }
    }

    /// Makes the change. A change that has nothing left to change, because another one came before it, changes nothing.
    pub fn make(&self, good: &Good, forgery: &mut Forgery) {
        let Forgery { script, parts } = forgery;
        match *self {
            Self::LeftOut(step) => leave_out(parts, step),
            Self::LeftOutOfBoth(step) => {
                leave_out(parts, step);
                without(script, |kind| kind == step);
            }
            Self::SortLeftOutOfBoth(step) => {
                let sort = |kind: StepKind| discriminant(&kind) == discriminant(&step);
                parts.retain(|part| !matches!(part, Part::Visit(visit) if sort(visit.kind)));
                without(script, sort);
            }
            Self::Unpromised(step) => without(script, |kind| kind == step),
            Self::Repeated(step) => {
                if let Some(at) = place(parts, step) {
                    parts.insert(at, parts[at].clone());
                }
            }
            Self::Appended(step) => parts.push(Part::Visit(good.visit(step))),
            Self::Interrupted(before) => insert(parts, before, vec![Part::Cut]),
            Self::CutIn(step, acts) => {
                let torn = Visit { until: Some(acts), ..good.visit(step) };
                insert(parts, step, vec![Part::Visit(torn), Part::Cut]);
            }
            Self::Undone { step, before } => insert(parts, before, vec![Part::Cut, Part::Visit(good.visit(step))]),
            Self::Redone { from, before } => {
                let (Some(from), Some(to)) = (place(parts, from), place(parts, before)) else { return };
                let again = parts[from.min(to)..to].iter().filter(|part| **part != Part::Cut).cloned();
                let again = [Part::Cut].into_iter().chain(again).collect();
                insert(parts, before, again);
            }
            Self::Moved { step, before } => move_visit(parts, step, before),
            Self::MovedInBoth { step, before } => {
                move_visit(parts, step, before);
                let at = |steps: &[Step], wanted| steps.iter().position(|step: &Step| step.kind == wanted);
                let mut steps = std::mem::take(&mut script.steps);
                if let Some(moved) = at(&steps, step).map(|at| steps.remove(at)) {
                    let to = at(&steps, before).unwrap_or(steps.len());
                    steps.insert(to, moved);
                }
                *script = Script::from(steps);
            }
            Self::Fewer(step, nth) => on(parts, step, |visit| {
                if nth < visit.agreed.len() {
                    visit.agreed.remove(nth);
                }
            }),
            Self::Weakened(step, roles) => {
                script.steps.iter_mut().filter(|one| one.kind == step).for_each(|one| one.roles = roles);
                on(parts, step, |visit| match roles {
                    Roles::Anyone => visit.agreed = vec![None],
                    Roles::Person(_) | Roles::One(_) | Roles::Two(..) => visit.agreed.truncate(1),
                });
            }
            Self::AgreedBy { step, nth, by } => on(parts, step, |visit| {
                if let Some(agreed) = visit.agreed.get_mut(nth) {
                    *agreed = Some(by);
                }
            }),
            Self::Given { step, from, to } => {
                on(parts, step, |visit| visit.given = Some((from, to)));
                for one in script.steps.iter_mut().filter(|one| one.kind == step) {
                    let devices: BTreeSet<Device> =
                        one.devices.iter().map(|device| other_device(*device, from, to)).collect();
                    one.devices = devices.into_iter().collect();
                }
            }
        }
    }
}

/// The place of the first visit to a step.
fn place(parts: &[Part], step: StepKind) -> Option<usize> {
    parts.iter().position(|part| matches!(part, Part::Visit(visit) if visit.kind == step))
}

fn leave_out(parts: &mut Vec<Part>, step: StepKind) {
    if let Some(at) = place(parts, step) {
        parts.remove(at);
    }
}

fn insert(parts: &mut Vec<Part>, before: StepKind, more: Vec<Part>) {
    if let Some(at) = place(parts, before) {
        parts.splice(at..at, more);
    }
}

fn move_visit(parts: &mut Vec<Part>, step: StepKind, before: StepKind) {
    if let Some(moved) = place(parts, step).map(|at| parts.remove(at)) {
        let to = place(parts, before).unwrap_or(parts.len());
        parts.insert(to, moved);
    }
}

fn on(parts: &mut [Part], step: StepKind, change: impl FnMut(&mut Visit)) {
    let visit = parts.iter_mut().find_map(|part| match part {
        Part::Visit(visit) if visit.kind == step => Some(visit),
        Part::Visit(_) | Part::Cut => None,
    });
    visit.into_iter().for_each(change);
}

fn without(script: &mut Script, gone: impl Fn(StepKind) -> bool) {
    let steps = std::mem::take(&mut script.steps);
    *script = Script::from(steps.into_iter().filter(|step| !gone(step.kind)).collect::<Vec<_>>());
}

fn other_device(device: Device, from: Thing, to: Thing) -> Device {
    match (device, from, to) {
        (Device::Token(token), Thing::Token(one), Thing::Token(other)) if token == one => Device::Token(other),
        (Device::Drive(drive), Thing::Drive(one), Thing::Drive(other)) if drive == one => Device::Drive(other),
        (Device::Token(_) | Device::Drive(_), ..) => device,
    }
}

/// The act on another thing.
pub fn exchanged(act: Act, given: Option<(Thing, Thing)>) -> Act {
    let Some((from, to)) = given else { return act };
    let token = |id| {
        if let (Thing::Token(one), Thing::Token(other)) = (from, to)
            && one == id
        {
            other
        } else {
            id
        }
    };
    let drive = |id| {
        if let (Thing::Drive(one), Thing::Drive(other)) = (from, to)
            && one == id
        {
            other
        } else {
            id
        }
    };
    let key = |id| {
        if let (Thing::Key(one), Thing::Key(other)) = (from, to)
            && one == id
        {
            other
        } else {
            id
        }
    };
    let share = |id| {
        if let (Thing::Share(one), Thing::Share(other)) = (from, to)
            && one == id
        {
            other
        } else {
            id
        }
    };
    let slot = |slot| match slot {
        Slot::Pin(id, which) => Slot::Pin(token(id), which),
        Slot::OldSoPin(id) => Slot::OldSoPin(token(id)),
        Slot::NewPin(id) => Slot::NewPin(token(id)),
        Slot::Passphrase(id) => Slot::Passphrase(share(id)),
        Slot::Share(id) => Slot::Share(share(id)),
    };
    let item = |item| match item {
        Item::Share(id, attempt) => Item::Share(share(id), attempt),
        Item::Blob(id, attempt) => Item::Blob(key(id), attempt),
        Item::Plan | Item::Names | Item::Bundle => item,
    };
    match act {
        Act::Identify(id) => Act::Identify(drive(id)),
        Act::Write(id, what) => Act::Write(drive(id), item(what)),
        Act::Read(id, what) => Act::Read(drive(id), item(what)),
        Act::Inspect(id) => Act::Inspect(token(id)),
        Act::Prove(id) => Act::Prove(token(id)),
        Act::TrySet(id) => Act::TrySet(token(id)),
        Act::Authenticate(id) => Act::Authenticate(token(id)),
        Act::ProveAgain(id) => Act::ProveAgain(token(id)),
        Act::ProveBeside(id) => Act::ProveBeside(token(id)),
        Act::ChangePin(id) => Act::ChangePin(token(id)),
        Act::Make(what) => Act::Make(slot(what)),
        Act::Reveal(what) => Act::Reveal(slot(what)),
        Act::Seal(id) => Act::Seal(share(id)),
        Act::Open(id) => Act::Open(share(id)),
        Act::Wipe(what) => Act::Wipe(what.map(slot)),
        Act::Initialise(id) => Act::Initialise(token(id)),
        Act::Import(id) => Act::Import(token(id)),
        Act::TryPin(id) => Act::TryPin(token(id)),
        Act::Generate(id, of) => Act::Generate(token(id), key(of)),
        Act::Sign(id, of, what) => Act::Sign(token(id), key(of), what),
        Act::Describe(id, of) => Act::Describe(token(id), key(of)),
        Act::Wrap(id, of) => Act::Wrap(token(id), key(of)),
        Act::Unwrap(id, of) => Act::Unwrap(token(id), key(of)),
        Act::Label(id) => Act::Label(token(id)),
        Act::List(id) => Act::List(token(id)),
        Act::MakeShares | Act::Combine(_) | Act::Show | Act::PowerOff => act,
    }
}

/// Every two things of one sort that a plan has.
fn exchanges(plan: &Plan) -> Vec<(Thing, Thing)> {
    fn pairs<T: Copy + PartialEq>(count: usize, id: fn(u16) -> T, thing: fn(T) -> Thing) -> Vec<(Thing, Thing)> {
        let ids: Vec<T> = (0..).take(count).map(id).collect();
        let others =
            |one: T| ids.iter().filter(move |other| **other != one).map(move |other| (thing(one), thing(*other)));
        ids.iter().flat_map(|one| others(*one)).collect()
    }
    let tokens = pairs(plan.tokens.len(), TokenId, Thing::Token);
    let drives = pairs(plan.drives.len(), DriveId, Thing::Drive);
    let keys = pairs(plan.keys.len(), KeyIx, Thing::Key);
    [tokens, drives, keys, pairs(plan.shares.len(), ShareId, Thing::Share)].concat()
}

/// People that may not agree in the place of this one: everybody without the role, or everybody except the one person
/// that may.
fn strangers(plan: &Plan, roles: Roles, nth: usize) -> Vec<PersonId> {
    let people = || (0..).map(PersonId).zip(&plan.people);
    let without = |role: Role| people().filter(|(_, one)| !one.roles.contains(&role)).map(|(id, _)| id).collect();
    match roles {
        Roles::Anyone => Vec::new(),
        Roles::Person(person) => people().map(|(id, _)| id).filter(|id| *id != person).collect(),
        Roles::One(role) => without(role),
        Roles::Two(first, second) => without(if nth == 0 { first } else { second }),
    }
}

/// Fewer people than these.
fn weaker(roles: Roles) -> Vec<Roles> {
    match roles {
        Roles::Anyone => Vec::new(),
        Roles::Person(_) | Roles::One(_) => vec![Roles::Anyone],
        Roles::Two(first, _) => vec![Roles::Anyone, Roles::One(first)],
    }
}

/// The places that a step is moved to, or before which an earlier one is done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Places {
    Every,
    /// Two steps further, before the signing at the end, before the publishing, before the last.
    Few,
}

/// Every single change of a record, by the sort it is counted as.
pub fn singles(good: &Good, places: Places) -> BTreeMap<&'static str, Vec<Change>> {
    let (plan, kinds) = (&good.plan, &good.kinds);
    let ends = |kind: &StepKind| matches!(kind, StepKind::State(TokenId(0)) | StepKind::Publish(_) | StepKind::Close);
    let to = |at: usize| {
        let fits = move |(place, kind): &(usize, &StepKind)| places == Places::Every || *place == at + 2 || ends(kind);
        kinds.iter().enumerate().filter(fits).map(|(_, kind)| *kind).collect::<Vec<_>>()
    };
    let mut changes = Vec::new();
    for (at, step) in kinds.iter().copied().enumerate() {
        changes.extend([Change::LeftOut(step), Change::LeftOutOfBoth(step), Change::Unpromised(step)]);
        changes.extend([Change::Repeated(step), Change::Appended(step), Change::Interrupted(step)]);
        if !kinds[..at].iter().any(|kind| discriminant(kind) == discriminant(&step)) {
            changes.push(Change::SortLeftOutOfBoth(step));
        }
        changes.extend((0..good.acts(step).len()).map(|acts| Change::CutIn(step, acts)));
        let later = |kind: &StepKind| kinds[at + 1..].contains(kind);
        for before in to(at).into_iter().filter(later) {
            changes.extend([Change::Undone { step, before }, Change::Redone { from: step, before }]);
        }
        let next = kinds.get(at + 1).copied();
        for before in to(at).into_iter().filter(|before| *before != step && Some(*before) != next) {
            changes.extend([Change::Moved { step, before }, Change::MovedInBoth { step, before }]);
        }
        let (agreed, roles) = (good.visit(step).agreed, good.step(step).roles);
        if !agreed.is_empty() {
            changes.extend(weaker(roles).into_iter().map(|roles| Change::Weakened(step, roles)));
        }
        for nth in 0..agreed.len() {
            changes.push(Change::Fewer(step, nth));
            changes.extend(strangers(plan, roles, nth).into_iter().map(|by| Change::AgreedBy { step, nth, by }));
        }
        let acts = good.acts(step);
        let others = |(from, to): &(Thing, Thing)| acts.iter().any(|act| exchanged(*act, Some((*from, *to))) != *act);
        changes.extend(exchanges(plan).into_iter().filter(others).map(|(from, to)| Change::Given { step, from, to }));
    }
    let mut by_name = BTreeMap::<_, Vec<Change>>::new();
    for change in changes {
        by_name.entry(change.name()).or_default().push(change);
    }
    by_name
}
