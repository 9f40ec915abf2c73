//! The steps that a plan owes, the people that must agree to each, and the steps below it. The verifier's own table.
//!
//! The table gives no order to steps that do not rest on each other: a script may change there, and
//! records of earlier scripts are judged as they were.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, Rule, acts};
use crate::ids::{BagId, DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::plan::{Holds, Plan, Role};
use crate::say::Say;
use crate::script::{Roles, Script, StepKind, Which};

/// The debt of one step.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// The people that must agree to the step.
    pub(super) roles: Roles,
    /// The steps that must stand when this step is done. Doing one of them again undoes this step.
    pub(super) after: Vec<StepKind>,
}

/// Every step a plan owes.
pub(super) type Owed = BTreeMap<StepKind, Due>;

const TWO: Roles = Roles::Two(Role::Operator, Role::Witness);
const OPERATOR: Roles = Roles::One(Role::Operator);

/// Works out the debt of a plan.
pub(super) fn owed(plan: &Plan) -> Owed {
    let things = Things::of(plan);
    things.kinds().map(|kind| (kind, Due { roles: things.roles(kind), after: things.after(kind) })).collect()
}

/// The things of a plan that steps are about.
struct Things<'a> {
    plan: &'a Plan,
    logs: Vec<DriveId>,
    /// Every drive that is no log drive.
    others: Vec<DriveId>,
    blobs: Vec<DriveId>,
    public: Vec<DriveId>,
    tokens: Vec<TokenId>,
    /// Tokens that get keys made on another one.
    copies: Vec<TokenId>,
    keys: Vec<KeyIx>,
    shares: Vec<ShareId>,
    bags: Vec<BagId>,
    /// Every person but alternates.
    people: Vec<PersonId>,
    /// The people that attest.
    attest: Vec<PersonId>,
}

impl<'a> Things<'a> {
    fn of(plan: &'a Plan) -> Self {
        let drives = |fits: &dyn Fn(Holds) -> bool| {
            let drives = (0..).map(DriveId).zip(&plan.drives);
            drives.filter(|(_, drive)| fits(drive.holds)).map(|(id, _)| id).collect::<Vec<_>>()
        };
        let people = |fits: &dyn Fn(&[Role]) -> bool| {
            let people = (0..).map(PersonId).zip(&plan.people);
            let there = people.filter(|(_, one)| one.alternate_for.is_none() && fits(&one.roles));
            there.map(|(id, _)| id).collect::<Vec<_>>()
        };
        let tokens = acts::tokens(plan);
        let copied = |token: &TokenId| plan.keys.iter().any(|key| key.copies.contains(token));
        Self {
            plan,
            logs: drives(&|holds| holds == Holds::Transcript),
            others: drives(&|holds| holds != Holds::Transcript),
            blobs: drives(&|holds| holds == Holds::Blobs),
            public: drives(&|holds| holds == Holds::Public),
            copies: tokens.iter().copied().filter(copied).collect(),
            tokens,
            keys: acts::keys(plan),
            shares: acts::shares(plan),
            bags: (0..).map(BagId).zip(&plan.bags).map(|(id, _)| id).collect(),
            people: people(&|_| true),
            attest: people(&|roles| roles.contains(&Role::Witness) || roles.contains(&Role::Custodian)),
        }
    }

    /// Every step that is owed, once.
    fn kinds(&self) -> impl Iterator<Item = StepKind> {
        use StepKind as K;
        let once = [K::Medium, K::AirGap, K::Clock, K::Plan, K::Keyboard, K::MakeShares, K::Import, K::Objections];
        let mut kinds = [&once[..], &[K::Show, K::Close]].concat();
        kinds.extend(each(&self.logs, K::Log));
        kinds.extend(each(&self.others, K::Register));
        kinds.extend(each(&self.public, K::Publish));
        kinds.extend(each(&self.people, K::SignIn));
        kinds.extend(each(&self.attest, K::Attest));
        kinds.extend(each(&self.bags, K::Bag));
        for of_token in [K::Inspect, K::Prove, K::Initialise, K::TryPin, K::State] {
            kinds.extend(each(&self.tokens, of_token));
        }
        for of_copy in [K::Restore, K::Compare] {
            kinds.extend(each(&self.copies, of_copy));
        }
        kinds.extend(self.pins());
        for of_share in [K::Passphrase, K::WriteShare, K::OpenShare] {
            kinds.extend(each(&self.shares, of_share));
        }
        kinds.extend(each(&self.keys, K::Generate));
        kinds.extend(each(&self.keys, K::Certify));
        kinds.extend(self.wraps());
        kinds.into_iter()
    }

    fn pins(&self) -> Vec<StepKind> {
        self.tokens
            .iter()
            .flat_map(|token| [Which::So, Which::User].map(|which| StepKind::Pin(*token, which)))
            .collect()
    }

    fn wraps(&self) -> Vec<StepKind> {
        if self.blobs.is_empty() { Vec::new() } else { each(&self.keys, StepKind::Wrap) }
    }

    /// Two roles agree to erasing, making, copying and ending, a keeper to a step for a kept thing, the operator to the
    /// rest.
    fn roles(&self, kind: StepKind) -> Roles {
        let token = |id: TokenId| self.plan.token(id);
        let share = |id: ShareId| self.plan.share(id);
        let person = |person: Option<PersonId>| person.map_or(TWO, Roles::Person);
        match kind {
            StepKind::Medium
            | StepKind::AirGap
            | StepKind::Clock
            | StepKind::Plan
            | StepKind::Log(_)
            | StepKind::Objections => Roles::Anyone,
            StepKind::SignIn(id) | StepKind::Attest(id) => Roles::Person(id),
            StepKind::Register(_)
            | StepKind::Inspect(_)
            | StepKind::Keyboard
            | StepKind::TryPin(_)
            | StepKind::Compare(_)
            | StepKind::Publish(_)
            | StepKind::Show => OPERATOR,
            StepKind::Prove(_)
            | StepKind::MakeShares
            | StepKind::Initialise(_)
            | StepKind::Import
            | StepKind::Generate(_)
            | StepKind::Certify(_)
            | StepKind::Wrap(_)
            | StepKind::Restore(_)
            | StepKind::State(_)
            | StepKind::Close => TWO,
            StepKind::Pin(id, Which::So) => person(token(id).map(|token| token.so_pin.keeper)),
            StepKind::Pin(id, Which::User) => person(token(id).map(|token| token.pin.keeper)),
            StepKind::Passphrase(id) | StepKind::WriteShare(id) | StepKind::OpenShare(id) => {
                person(share(id).map(|share| share.custodian))
            }
            StepKind::Bag(id) => person(self.plan.bag(id).map(|bag| bag.holder)),
        }
    }

    /// The steps that a step rests on.
    fn after(&self, kind: StepKind) -> Vec<StepKind> {
        use StepKind as K;
        let held = |token| acts::held(self.plan, token).into_iter();
        match kind {
            K::Medium => Vec::new(),
            K::AirGap | K::Clock => vec![K::Medium],
            K::Plan => vec![K::AirGap, K::Clock],
            K::Log(_) => vec![K::Plan],
            K::SignIn(_) => each(&self.logs, K::Log),
            K::Register(_) | K::Inspect(_) | K::Keyboard => each(&self.people, K::SignIn),
            // Every check comes before the first erasure.
            K::Prove(_) => [each(&self.others, K::Register), each(&self.tokens, K::Inspect)].concat(),
            K::Pin(..) | K::Passphrase(_) => vec![K::Keyboard],
            K::MakeShares => [each(&self.tokens, K::Prove), each(&self.shares, K::Passphrase)].concat(),
            K::WriteShare(_) => vec![K::MakeShares],
            K::Initialise(token) => {
                let own = [K::Prove(token), K::Pin(token, Which::So), K::Pin(token, Which::User)];
                [each(&self.shares, K::WriteShare), own.to_vec()].concat()
            }
            K::OpenShare(share) => vec![K::WriteShare(share)],
            K::Import => [each(&self.tokens, K::Initialise), each(&self.shares, K::OpenShare)].concat(),
            K::TryPin(_) => vec![K::Import],
            K::Generate(key) => acts::master(self.plan, key).into_iter().map(K::TryPin).collect(),
            K::Certify(key) => vec![K::Generate(key)],
            K::Wrap(key) => vec![K::Certify(key)],
            K::Restore(token) => {
                let copied = held(token).filter(|(_, master)| *master != token).map(|(key, _)| K::Wrap(key));
                copied.chain([K::TryPin(token)]).collect()
            }
            K::Compare(token) => vec![K::Restore(token)],
            K::Objections => [each(&self.keys, K::Certify), self.wraps(), each(&self.copies, K::Compare)].concat(),
            K::State(token) => {
                let compared = self.copies.contains(&token).then_some(K::Compare(token));
                let made = held(token).map(|(key, _)| K::Certify(key));
                made.chain(compared).chain([K::TryPin(token), K::Objections]).collect()
            }
            K::Publish(_) => each(&self.tokens, K::State),
            K::Show => [each(&self.tokens, K::State), each(&self.public, K::Publish)].concat(),
            K::Bag(_) => vec![K::Show],
            K::Attest(_) => [vec![K::Show], each(&self.bags, K::Bag)].concat(),
            K::Close => [vec![K::Show], each(&self.attest, K::Attest)].concat(),
        }
    }
}

fn each<I: Copy>(things: &[I], kind: impl Fn(I) -> StepKind) -> Vec<StepKind> {
    things.iter().copied().map(kind).collect()
}

/// Whether a script has no more steps, and no step more devices, than a script of this plan can have. The checks after
/// this one take as long as the script is.
pub(super) fn bounded(plan: &Plan, owed: &Owed, script: &Script) -> bool {
    let devices = plan.tokens.len() + plan.drives.len();
    script.steps.len() <= 2 * owed.len() && script.steps.iter().all(|step| step.devices.len() <= devices)
}

/// Rule `script`: entry 1 promises each step that is owed, once, with the people that must agree, and no other step.
pub(super) fn promised(say: Say<'_>, owed: &Owed, script: &Script, account: &mut Account) {
    let mut refuse = |kind, words: &str| account.refuse(Rule::Script, Some(1), format!("{}: {words}", say.kind(kind)));
    let mut promised = BTreeSet::new();
    for step in &script.steps {
        match owed.get(&step.kind) {
            _ if !promised.insert(step.kind) => refuse(step.kind, "the script promises it twice"),
            None => refuse(step.kind, "the script promises what the plan does not ask for"),
            Some(due) if due.roles != step.roles => {
                refuse(step.kind, "the script has others agree to it than those who must");
            }
            Some(_) => {}
        }
    }
    for kind in owed.keys().filter(|kind| !promised.contains(kind)) {
        refuse(*kind, "it is owed, and the script does not promise it");
    }
}
