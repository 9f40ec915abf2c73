//! Sign-in codes that were typed wrong: when an entry says so, when a code is dead, and who confirms the sign-in after that.

use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::PersonId;
use crate::plan::Plan;

/// Wrong codes of one person that make an entry.
pub const EACH: u16 = 5;
/// Wrong codes of one person that make their code dead: three in two thousand who only guess get that far with luck.
pub const DEAD: u16 = 15;

/// How many wrong codes of this person are recorded.
pub fn recorded(facts: &Facts, person: PersonId) -> u16 {
    facts.mistyped.get(&person).copied().unwrap_or_default()
}

/// Whether the code of this person is dead.
pub fn is_dead(facts: &Facts, person: PersonId) -> bool {
    recorded(facts, person) >= DEAD
}

/// People who may confirm that a person signs in, where the code of that person, or of the one whose place they take, is dead: each
/// is there and has another role. Nobody if the code is good; nobody if nobody is there who could.
pub fn confirm(plan: &Plan, facts: &Facts, (person, whose): (PersonId, PersonId)) -> Vec<PersonId> {
    if !is_dead(facts, whose) {
        return Vec::new();
    }
    let roles = |of: PersonId| plan.person(of).map(|person| &person.roles[..]).unwrap_or_default();
    let other = |of: &PersonId| roles(*of).iter().all(|role| !roles(person).contains(role));
    facts.present.keys().copied().filter(|of| facts.is_there(*of)).filter(other).collect()
}

/// Takes the entry of wrong codes, and whether it is the next one of a person who is there.
pub(crate) fn mistyped(facts: &mut Facts, whose: PersonId, times: u16) -> bool {
    let fits = Guard::OwnerThere.holds(facts.is_there(whose))
        && Guard::ByFives.holds(recorded(facts, whose).checked_add(EACH) == Some(times));
    if fits {
        facts.mistyped.insert(whose, times);
        if is_dead(facts, whose) && Guard::DeadCode.is_on() {
            facts.signed_out.insert(whose);
        }
    }
    fits
}

/// Takes a sign-in, and whether it was confirmed if it had to be. The next code is counted from zero.
pub(crate) fn signs_in(plan: &Plan, facts: &mut Facts, of: (PersonId, PersonId), by: Option<PersonId>) -> bool {
    let may = confirm(plan, facts, of);
    let fits = Guard::Confirmed.holds(by.map_or(may.is_empty(), |by| may.contains(&by)));
    if fits && is_dead(facts, of.1) {
        facts.mistyped.remove(&of.1);
    }
    fits
}
