//! The order of the script: no step is left unfinished, no step is passed over.

use super::walk::{Ended, Walk};
use super::{Account, Case, Rule};
use crate::act::Act;
use crate::event::Next;
use crate::ids::StepId;
use crate::script::{Step, StepKind};

/// Rule `order`: a step is entered after the one before it ended well, or again after it failed. The step that
/// initialises a token is also entered after importing into that token failed. After an interruption the ceremony may
/// go back, and then passes over steps that ended well before.
pub(super) fn enter(walk: &Walk<'_>, step: &Step, cut: bool, seq: u64, account: &mut Account) {
    let to = step.id.0;
    let done = |at: u16| walk.well.contains(&StepId(at));
    let next = |from: u16| to >= from && (from..to).all(done);
    // Half an import cannot be undone: its token is initialised again, then the steps after that which ended well
    // stand.
    let again = |at: u16| match walk.visits.last().and_then(|visit| visit.failed) {
        Some(Act::Import(token)) => step.kind == StepKind::Initialise(token),
        _ => to == at,
    };
    let fits = match walk.visits.last().map(|visit| (visit.step.id.0, visit.ended)) {
        None => to == 0,
        Some((at, Ended::Well)) => next(at.saturating_add(1)),
        Some((at, Ended::Open)) => cut && to == at,
        Some((at, Ended::Failed(Next::Halt | Next::Again))) => cut && to == at,
        Some((at, Ended::Failed(_) | Ended::Again)) => again(at),
        Some((at, Ended::Cut)) => to <= at || next(at),
    };
    if !fits {
        let words = format!("step {} is not the one the script has next", u32::from(to) + 1);
        account.refuse(Rule::Order, Some(seq), words);
    }
}

/// Rule `close`: every step ended well, the last one is the closing, and nothing follows it.
pub(super) fn closed(case: &Case<'_>, account: &mut Account) -> bool {
    let closing = |kind| kind == StepKind::Close;
    let visits = &case.walk.visits;
    let Some(at) = visits.iter().position(|visit| closing(visit.step.kind) && visit.ended == Ended::Well) else {
        account.miss(Rule::Close, "the last entry: the transcript was never closed and is incomplete for ever");
        return false;
    };
    if let Some(after) = visits.get(at + 1) {
        account.refuse(Rule::Close, Some(after.first), "something follows the last entry");
    }
    if case.transcript.torn > 0 {
        account.refuse(Rule::Close, None, "bytes follow the last entry");
    }
    for step in &case.script.steps {
        if !case.walk.well.contains(&step.id) {
            account.refuse(
                Rule::Close,
                None,
                format!("{} was never done", case.say().step(Some(case.script), step.kind)),
            );
        }
    }
    true
}
