//! A log drive that is lost: a spare of the plan takes its place at a resume.

use crate::event::Lost;
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::DriveId;
use crate::plan::{Holds, Plan};
use crate::script::{LOGS, StepKind};
use crate::step::Unfit;

/// Spares of the plan that may take the place of a log drive.
pub fn spares<'a>(plan: &'a Plan, facts: &'a Facts) -> impl Iterator<Item = DriveId> + 'a {
    plan.drives_for(Holds::SpareLog).into_iter().filter(|id| !facts.logs.contains(id) && !facts.lost.contains(id))
}

/// Whether this drive is one of two log drives. In the steps that make them log drives none is replaced: nothing is lost but
/// the first entries, and the ceremony begins again.
pub fn is_log(facts: &Facts, at: Option<StepKind>, drive: DriveId) -> bool {
    facts.logs.len() == LOGS && facts.logs.contains(&drive) && !matches!(at, Some(StepKind::Log(_)))
}

/// Takes the spare for the lost drive, both of which the machine saw: two roles still have to decide on it.
pub(crate) fn lost(plan: &Plan, facts: &mut Facts, at: Option<StepKind>, told: Lost) -> Result<(), Unfit> {
    if !Guard::LogLost.holds(is_log(facts, at, told.drive)) {
        return Err(Unfit::Other);
    }
    if !Guard::SpareLog.holds(spares(plan, facts).any(|spare| spare == told.spare)) {
        return Err(Unfit::Other);
    }
    facts.logs.remove(&told.drive);
    facts.logs.insert(told.spare);
    facts.lost.insert(told.drive);
    facts.undecided = Some((told.drive, told.spare));
    Ok(())
}
