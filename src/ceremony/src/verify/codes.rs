//! Rule `codes`: wrong sign-in codes of one person are recorded as the fifth, tenth and fifteenth. Then the code is
//! dead. Its owner agrees to nothing before they signed in again; a person of another role confirms that sign-in.

use super::people::Present;
use super::walk::Given;
use super::{Account, Rule};
use crate::event::Answer;
use crate::ids::PersonId;
use crate::plan::Plan;
use crate::say::Say;

/// Wrong codes that are recorded, in this order.
const RECORDED: [u16; 3] = [5, 10, 15];

/// Whether the code of a person is dead.
fn is_dead(present: &Present, person: PersonId) -> bool {
    present.mistyped.get(&person).copied() >= RECORDED.last().copied()
}

/// Whether two people have no role in common.
fn of_another_role(plan: &Plan, one: PersonId, other: PersonId) -> bool {
    let of = |person: PersonId| plan.person(person);
    match (of(one), of(other)) {
        (Some(one), Some(other)) => !one.roles.iter().any(|role| other.roles.contains(role)),
        _ => false,
    }
}

/// Wrong codes were typed for a person: whether their code is dead now.
pub(super) fn mistyped(
    present: &mut Present,
    (whose, times): (PersonId, u16),
    seq: u64,
    account: &mut Account,
) -> bool {
    if !present.has(whose) {
        account.refuse(Rule::Codes, Some(seq), "wrong codes were typed for a person who is not there");
    }
    let before = present.mistyped.insert(whose, times);
    let next = match before {
        None => RECORDED.first(),
        Some(before) => RECORDED.iter().find(|times| **times > before),
    };
    if next != Some(&times) {
        account.refuse(
            Rule::Codes,
            Some(seq),
            "wrong codes are recorded as the fifth, tenth and fifteenth, in this order",
        );
    }
    let dead = is_dead(present, whose);
    if dead {
        present.signed_in.remove(&whose);
    }
    dead
}

/// The answers of a person, and their sign-in after their code was dead.
pub(super) fn answered(plan: &Plan, present: &mut Present, given: Given<'_>, account: &mut Account) {
    let Some(person) = given.who else { return };
    let (by, whose) = match given.answer {
        Answer::SignedIn { by, .. } => (*by, person),
        Answer::Absent { by, whose, .. } => (*by, *whose),
        Answer::Go
        | Answer::Word
        | Answer::Inserted(_)
        | Answer::Removed(_)
        | Answer::Typed(_)
        | Answer::KeyboardFits
        | Answer::BagNumber { .. }
        | Answer::OtherBag { .. }
        | Answer::Objects(_)
        | Answer::NoObjection
        | Answer::Attests
        | Answer::Refuses(_) => {
            if is_dead(present, person) {
                account.refuse(Rule::Codes, Some(given.entry), "a person speaks whose code is dead");
            }
            return;
        }
    };
    let could = |other: &PersonId| !is_dead(present, *other) && of_another_role(plan, person, *other);
    match by {
        _ if !is_dead(present, whose) => {
            if by.is_some() {
                account.refuse(Rule::Codes, Some(given.entry), "a sign-in is confirmed before which no code was dead");
            }
        }
        Some(other) if present.has(other) && could(&other) => {}
        None if !present.places.keys().any(could) => {
            let name = Say::of(plan).person(person);
            let words =
                format!("{name} signed in after a dead code, and there was no person of another role to confirm it");
            account.say_no(given.entry, words);
        }
        _ => {
            let words = "a person signs in after a dead code, and no person of another role confirms it";
            account.refuse(Rule::Codes, Some(given.entry), words);
        }
    }
    if is_dead(present, whose) {
        present.mistyped.remove(&whose);
    }
}
