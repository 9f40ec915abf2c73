//! The steps that a plan owes, the people that must agree to each, and the steps below it. The verifier's own table.
//!
//! The table gives no order to steps that do not rest on each other: a script may change there, and
//! records of earlier scripts are judged as they were.

use std::collections::{BTreeMap, BTreeSet};

use super::things::Things;
use super::{Account, Rule, kind};
use crate::plan::Plan;
use crate::say::Say;
use crate::script::{Roles, Script, StepKind};

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

/// Works out the debt of a plan.
pub(super) fn owed(plan: &Plan) -> Owed {
    let things = Things::of(plan);
    let due = |step| Due { roles: kind::roles(plan, step), after: kind::of(step).after(&things) };
    kind::owed(&things).into_iter().map(|step| (step, due(step))).collect()
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
