//! People and the things they may say: people of the plan, signed in, of the role, and two of them where the script
//! wants two.

use std::collections::{BTreeMap, BTreeSet};

use super::kind::{self, Answered};
use super::walk::{Given, Visit};
use super::{Account, Rule, codes};
use crate::event::Answer;
use crate::ids::PersonId;
use crate::plan::{Plan, Role};
use crate::script::{Roles, Step, StepKind};

/// The people that are there.
#[derive(Clone, Debug, Default)]
pub(super) struct Present {
    /// The people that came, each with the place they have.
    pub(super) places: BTreeMap<PersonId, PersonId>,
    /// The people that signed in since the machine was last started, without those with a dead code.
    pub(super) signed_in: BTreeSet<PersonId>,
    /// Wrong codes that are recorded, by the owner of the code that was asked for.
    pub(super) mistyped: BTreeMap<PersonId, u16>,
}

impl Present {
    pub(super) fn everybody_out(&mut self) {
        self.signed_in.clear();
    }

    pub(super) fn has(&self, person: PersonId) -> bool {
        self.signed_in.contains(&person)
    }

    /// Whether a person that is there stands in this place.
    fn is(&self, person: PersonId, place: PersonId) -> bool {
        self.has(person) && self.places.get(&person) == Some(&place)
    }
}

fn has_role(plan: &Plan, person: PersonId, role: Role) -> bool {
    plan.person(person).is_some_and(|person| person.roles.contains(&role))
}

/// Rule `people`: only people of the plan speak, after they signed in, and each for the place they have.
pub(super) fn answered(plan: &Plan, present: &mut Present, step: &Step, given: Given<'_>, account: &mut Account) {
    if let Answer::OtherBag { by, .. } = given.answer
        && !decided(plan, present, *by)
    {
        account.refuse(Rule::Bags, Some(given.entry), "it takes an operator and a witness to seal another bag");
    }
    codes::answered(plan, present, given, account);
    let mut refuse = |words: &str| account.refuse(Rule::People, Some(given.entry), words);
    let Some(person) = given.who else {
        let needs_somebody = matches!(
            given.answer,
            Answer::SignedIn { .. }
                | Answer::Absent { .. }
                | Answer::Typed(_)
                | Answer::Objects(_)
                | Answer::Attests
                | Answer::Refuses(_)
        );
        if needs_somebody {
            refuse("nobody in particular gives an answer that only a person can give");
        }
        return;
    };
    let Some(of_plan) = plan.person(person) else {
        return refuse("a person the plan does not have");
    };
    match given.answer {
        Answer::SignedIn { .. } => {
            let comes_back = present.places.contains_key(&person) && !present.has(person);
            let first = step.kind == StepKind::SignIn(person) && !present.places.contains_key(&person);
            if !comes_back && !first {
                return refuse("a person signs in who is not asked to");
            }
            present.places.entry(person).or_insert(person);
            present.signed_in.insert(person);
        }
        Answer::Absent { whose, .. } => {
            let has_place = |place| present.places.values().any(|taken| *taken == place);
            let first = step.kind == StepKind::SignIn(*whose) && !has_place(*whose);
            // After an interruption a person that was there, in their own place or another's, may not come back.
            let place = match present.places.get(whose) {
                Some(place) if !present.has(*whose) => Some(*place),
                None if first => Some(*whose),
                _ => None,
            };
            let may = |place: &PersonId| of_plan.alternate_for == Some(*place) || person == *place;
            let Some(place) = place.filter(may).filter(|_| !present.places.contains_key(&person)) else {
                return refuse("a person comes for another whose named alternate they are not");
            };
            present.places.remove(whose);
            present.places.insert(person, place);
            present.signed_in.insert(person);
        }
        _ if !present.has(person) => refuse("a person speaks who is not signed in since the machine was started"),
        Answer::Typed(slot) => {
            use crate::act::Slot;
            use crate::script::Which;
            let token = |id: crate::ids::TokenId| plan.token(id);
            let keeper = match *slot {
                Slot::Pin(id, Which::User) => token(id).map(|token| token.pin.keeper),
                Slot::Pin(id, Which::So) | Slot::OldSoPin(id) => token(id).map(|token| token.so_pin.keeper),
                Slot::Passphrase(share) => plan.share(share).map(|share| share.passphrase.keeper),
                // It is made and shown, never asked for.
                Slot::NewPin(_) | Slot::Share(_) => None,
            };
            if !keeper.is_some_and(|keeper| present.is(person, keeper)) {
                refuse("a secret was typed by somebody who does not keep it");
            }
        }
        Answer::Attests | Answer::Refuses(_) => {
            let asked = matches!(step.kind, StepKind::Attest(place) if present.is(person, place));
            if !asked {
                refuse("a person attests who is not asked to");
            }
        }
        _ => {}
    }
}

/// Whether an operator and a witness, two people that are there, decided.
pub(super) fn decided(plan: &Plan, present: &Present, (operator, witness): (PersonId, PersonId)) -> bool {
    operator != witness
        && present.has(operator)
        && present.has(witness)
        && has_role(plan, operator, Role::Operator)
        && has_role(plan, witness, Role::Witness)
}

/// Rule `again`: an operator and a witness, two people, decide.
pub(super) fn again(plan: &Plan, present: &Present, by: (PersonId, PersonId), seq: u64, account: &mut Account) {
    if !decided(plan, present, by) {
        account.refuse(Rule::Again, Some(seq), "it takes an operator and a witness, two people, to do a step again");
    }
}

/// Rule `authorised`: whether a visit has the answers its step wants.
pub(super) fn authorised(plan: &Plan, present: &Present, visit: &Visit<'_>) -> bool {
    kind::word_typed(plan, visit)
        && match kind::of(visit.step.kind).answered(visit) {
            Answered::Is(answered) => answered,
            Answered::ByAgreement => agreed(plan, present, visit),
        }
}

/// The people that agreed, against the people that must.
fn agreed(plan: &Plan, present: &Present, visit: &Visit<'_>) -> bool {
    let agreed: Vec<_> =
        visit.answers.iter().filter(|given| *given.answer == Answer::Go).map(|given| given.who).collect();
    let of = |person: PersonId, role| present.has(person) && has_role(plan, person, role);
    match (kind::roles(plan, visit.step.kind), &agreed[..]) {
        (Roles::Anyone, [_]) => true,
        (Roles::Person(place), [Some(person)]) => present.is(*person, place),
        (Roles::One(role), [Some(person)]) => of(*person, role),
        (Roles::Two(first, second), [Some(one), Some(other)]) => one != other && of(*one, first) && of(*other, second),
        _ => false,
    }
}
