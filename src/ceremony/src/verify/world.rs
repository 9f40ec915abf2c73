//! The steps that stand at the end. Each step rests on others; doing one of those again takes away every step above it.

use std::collections::{BTreeMap, BTreeSet};

use super::owed::Owed;
use super::walk::Ended;
use super::{Account, Case, Rule};
use crate::script::StepKind;

/// Rule `stands`: a step is done only while every step below it stands; at the end every step that is owed stands.
///
/// A token that is initialised once more has no keys: every step that rests on its keys is owed again.
pub(super) fn stands(case: &Case<'_>, owed: &Owed, account: &mut Account) {
    let mut above: BTreeMap<StepKind, BTreeSet<StepKind>> = BTreeMap::new();
    let mut standing = BTreeSet::new();
    for visit in &case.walk.visits {
        let kind = visit.step.kind;
        // Where no act was intended nothing was changed.
        if visit.intended.is_some() && standing.remove(&kind) {
            let gone = above.entry(kind).or_insert_with(|| resting_on(owed, kind));
            standing.retain(|one| !gone.contains(one));
        }
        if visit.ended != Ended::Well {
            continue;
        }
        let due = owed.get(&kind).map_or(&[][..], |due| &due.after);
        if let Some(missing) = due.iter().find(|one| !standing.contains(*one)) {
            let say = case.say();
            let words = format!("{}: done while this does not stand: {}", say.kind(kind), say.kind(*missing));
            account.refuse(Rule::Stands, Some(visit.first), words);
        }
        standing.insert(kind);
    }
    if account.closed {
        for kind in owed.keys().filter(|kind| !standing.contains(kind)) {
            let words =
                format!("{}: it was never done, or what it rests on was done again after it", case.say().kind(*kind));
            account.refuse(Rule::Stands, None, words);
        }
    }
}

/// The steps that rest on a step, the steps that rest on those, and so on.
fn resting_on(owed: &Owed, kind: StepKind) -> BTreeSet<StepKind> {
    let (mut resting, mut open) = (BTreeSet::new(), vec![kind]);
    while let Some(below) = open.pop() {
        for (one, _) in owed.iter().filter(|(_, due)| due.after.contains(&below)) {
            if resting.insert(*one) {
                open.push(*one);
            }
        }
    }
    resting
}
