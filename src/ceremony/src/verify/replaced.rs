//! Log drives that were lost, and the spares that took their places.

use std::collections::BTreeSet;

use super::{Account, Rule, people};
use crate::entry::{Entry, Head};
use crate::event::{Answer, Event, Lost};
use crate::ids::{DriveId, PersonId};
use crate::plan::{Holds, Plan};
use crate::script::StepKind;

/// The drives that are logs, and the drives that were.
#[derive(Clone, Debug, Default)]
pub(super) struct Logs {
    are: BTreeSet<DriveId>,
    were: BTreeSet<DriveId>,
    /// A spare came, and two roles have not decided on it.
    undecided: bool,
}

impl Logs {
    pub(super) fn of(plan: &Plan) -> Self {
        Self { are: plan.drives_for(Holds::Transcript).into_iter().collect(), ..Self::default() }
    }

    /// Rule `replaced`: each entry, in order. `before` has the heads of the entries before it.
    pub(super) fn judge(
        &mut self,
        plan: &Plan,
        present: &people::Present,
        (entry, before): (&Entry, &[Head]),
        account: &mut Account,
    ) {
        match &entry.event {
            Event::Interrupted { lost: Some(lost), .. } => self.lost(plan, entry, *lost, before, account),
            Event::Replaced { by, .. } => self.decided(plan, present, *by, entry.seq, account),
            // People come back, and say that they object; nothing else may come before the decision.
            Event::Interrupted { lost: None, .. }
            | Event::Mistyped { .. }
            | Event::Said(_, Answer::SignedIn { .. } | Answer::Absent { .. } | Answer::Objects(_)) => {}
            Event::Began(_)
            | Event::Promised(_)
            | Event::Looked(_)
            | Event::Said(..)
            | Event::Done(_)
            | Event::Came { .. }
            | Event::Again { .. } => {
                if self.undecided {
                    let words = "the ceremony goes on with a spare that no two roles decided on";
                    account.refuse(Rule::Replaced, Some(entry.seq), words);
                }
            }
        }
    }

    fn lost(&mut self, plan: &Plan, entry: &Entry, lost: Lost, before: &[Head], account: &mut Account) {
        let mut refuse = |words: &str| account.refuse(Rule::Replaced, Some(entry.seq), words);
        if matches!(entry.step, StepKind::Log(_)) {
            refuse("a log drive is replaced before both held the record");
        }
        if !self.are.remove(&lost.drive) {
            refuse("the lost drive is no log drive of this record");
        }
        let is_spare = plan.drive(lost.spare).is_some_and(|drive| drive.holds == Holds::SpareLog);
        if !is_spare || self.were.contains(&lost.spare) || !self.are.insert(lost.spare) {
            refuse("the drive that takes its place is no spare of the plan, or was a log drive before");
        }
        if before.iter().rev().nth(1).is_none_or(|head| lost.head != (*head).into()) {
            refuse("the last head known to be on the lost drive is that of the entry before the last");
        }
        self.were.insert(lost.drive);
        self.undecided = true;
    }

    fn decided(
        &mut self,
        plan: &Plan,
        present: &people::Present,
        by: (PersonId, PersonId),
        seq: u64,
        account: &mut Account,
    ) {
        if !core::mem::take(&mut self.undecided) {
            account.refuse(Rule::Replaced, Some(seq), "two roles decide on a spare, and no log drive was lost");
        }
        if !people::decided(plan, present, by) {
            let words = "it takes an operator and a witness, two people, to put a spare in the place of a log drive";
            account.refuse(Rule::Replaced, Some(seq), words);
        }
    }
}
