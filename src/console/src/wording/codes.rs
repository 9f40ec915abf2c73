//! Words about sign-in codes: the people asked for theirs, the cost of a wrong code, the sign-in after a dead code.

use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::codes::{DEAD, EACH, confirm, is_dead, recorded};
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::step::{DEVIATION_ROLES, Waiting};

use crate::ceremony::desk::Stage;
use crate::ceremony::scene::Scene;
use crate::ceremony::signing::keyed;
use crate::wording::ceremony::role;
use crate::wording::preflight::ANYBODY;

/// Label of the line for the code of a person who signs in.
pub const CODE: &str = "Sign-in code";
/// Nothing was typed.
pub const EMPTY: &str = "Type the code first. Esc leads back.";
/// Another code than the one shown.
pub const OTHER_CODE: &str = "That is not the code that was shown. Type it again, or press Esc to see it again.";
/// No code could be drawn.
pub const NO_CODE: &str = "No sign-in code could be drawn. Press the key again.";
/// How a person is chosen.
const CHOOSE: &str = "Press the key beside the name.";
/// Most people listed in one column.
const ROWS_MAX: usize = 10;

/// Label of the line for a person's code.
pub fn code_of(plan: &Plan, whose: PersonId) -> String {
    format!("Code of {}", plan.person_name(whose))
}

/// A code that is not this person's.
pub fn wrong(plan: &Plan, whose: PersonId, times: u16) -> String {
    let name = plan.person_name(whose);
    let next = match times / EACH {
        0 => "The 5th is recorded; after it no code is taken for a minute.",
        1 => "The 10th is recorded; after it no code is taken for two minutes.",
        _ => "After the 15th the code is dead.",
    };
    format!("This is not the code of {name}: {times} wrong so far. {next}")
}

/// No code of this person is taken.
pub fn waits(plan: &Plan, (whose, times): (PersonId, u16), left_ms: u64) -> String {
    let (name, seconds) = (plan.person_name(whose), left_ms.div_ceil(1000));
    format!("{times} wrong codes were typed for {name}: no code of {name} is taken for {seconds} s. Others can go on.")
}

/// Of the people asked for their code, those who must wait. A refusal says it by itself.
pub fn waiting(scene: &Scene<'_>) -> Vec<String> {
    let facts = scene.state.facts();
    let line = |(whose, left): &(PersonId, u64)| waits(scene.plan, (*whose, recorded(facts, *whose)), *left);
    scene.waits.iter().filter(|_| scene.desk.refused.is_none()).map(line).collect()
}

/// The people of whom one is chosen, with their keys.
pub fn choices(scene: &Scene<'_>) -> Vec<String> {
    let people = scene.desk.signing.may().unwrap_or_default();
    let all: Vec<String> = keyed(people).map(|(key, one)| format!("{key}  {}", scene.plan.person_name(one))).collect();
    if all.len() <= ROWS_MAX {
        return all;
    }
    let rows = all.len().div_ceil(2);
    let beside = |at: usize| all.get(at + rows).map_or("", String::as_str);
    all.iter().take(rows).enumerate().map(|(at, one)| format!("{one:<26}{}", beside(at))).collect()
}

/// The role that is asked while a person is chosen.
pub fn asked(scene: &Scene<'_>) -> String {
    let (first, second) = DEVIATION_ROLES;
    match (scene.desk.signing.then, &scene.waiting) {
        (Stage::Objection, Waiting::Asked(Ask::Objections)) => "Everybody".into(),
        (Stage::OtherBag, _) | (_, Waiting::Asked(Ask::Again { .. } | Ask::Replace(..))) => {
            role(if scene.desk.signing.signers().is_empty() { first } else { second }).into()
        }
        (_, Waiting::Asked(Ask::Go { who: Some(Who::Role(one)), .. })) => role(*one).into(),
        _ => ANYBODY.into(),
    }
}

/// The question while a person is chosen.
pub fn who(scene: &Scene<'_>) -> String {
    let question = match (scene.desk.signing.then, &scene.waiting) {
        (Stage::Objection, Waiting::Asked(Ask::Objections)) => {
            return format!("is there an objection? {CHOOSE} Enter: no objection.");
        }
        (Stage::Objection, _) => "who objects?".into(),
        (Stage::OtherBag, _) => "which person decides that another bag is sealed?".into(),
        (Stage::Confirms, _) => "who confirms this sign-in?".into(),
        (_, Waiting::Asked(Ask::Again { .. })) => "which person decides whether this step is done again?".into(),
        (_, Waiting::Asked(Ask::Replace(..))) => {
            "which person decides that the spare takes the place of the lost drive?".into()
        }
        (_, Waiting::Asked(Ask::Go { already: Some(one), .. })) => {
            format!("who agrees? {} agreed, a second person must.", scene.plan.person_name(*one))
        }
        _ => String::from("who agrees?"),
    };
    if scene.desk.signing.may().is_none_or(<[_]>::is_empty) {
        return format!("{question} No person who may is signed in. Esc leads back.");
    }
    format!("{question} {CHOOSE}")
}

/// The facts before the sign-in of a person with a dead code.
pub fn dead(scene: &Scene<'_>, whose: PersonId) -> Vec<String> {
    let facts = scene.state.facts();
    if !is_dead(facts, whose) {
        return Vec::new();
    }
    let signs = scene.desk.signing_in().unwrap_or(whose);
    let confirmed = if confirm(scene.plan, facts, (signs, whose)).is_empty() {
        "No person of another role is signed in to confirm a new sign-in: everybody looks at the document, and the verdict \
         on the record will say so."
    } else {
        "A person of another role confirms the new sign-in with their own code."
    };
    vec![format!("{DEAD} wrong codes were typed for {}: that code is dead. {confirmed}", scene.plan.person_name(whose))]
}
