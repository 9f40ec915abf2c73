//! Keys: made, certified, wrapped, restored, compared, used for statements.

use std::collections::BTreeSet;

use super::{Answered, By, Gravity, Kind, pin};
use crate::act::{Act, Item, Signs, Slot};
use crate::ids::{DriveId, KeyIx, TokenId};
use crate::plan::{Holds, Plan};
use crate::script::StepKind;
use crate::verify::acts;
use crate::verify::things::Things;
use crate::verify::walk::Visit;

/// The user PIN of the master of a key.
fn pin_of_master(plan: &Plan, key: KeyIx) -> Vec<Slot> {
    plan.master(key).into_iter().map(pin).collect()
}

/// The acts with the drive that holds blobs.
fn with_blobs(plan: &Plan, acts: impl Fn(DriveId) -> Vec<Act>) -> Vec<Act> {
    plan.drives_for(Holds::Blobs).into_iter().flat_map(acts).collect()
}

pub(super) struct Generate(pub(super) KeyIx);

impl Kind for Generate {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        things.plan.master(self.0).into_iter().map(StepKind::TryPin).collect()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let make = |master| [Act::List(master), Act::Generate(master, self.0), Act::List(master)];
        plan.master(self.0).into_iter().flat_map(make).collect()
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        pin_of_master(plan, self.0)
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Certify(pub(super) KeyIx);

impl Kind for Certify {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Generate(self.0)]
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let certify = |master| [Act::Sign(master, self.0, Signs::Certificate), Act::Describe(master, self.0)];
        plan.master(self.0).into_iter().flat_map(certify).collect()
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        pin_of_master(plan, self.0)
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Wrap(pub(super) KeyIx);

impl Kind for Wrap {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Certify(self.0)]
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        with_blobs(plan, |drive| {
            let (key, blob) = (self.0, Item::Blob(self.0, 0));
            let wrap = |master| [Act::Identify(drive), Act::Wrap(master, key), Act::Write(drive, blob)];
            plan.master(key).into_iter().flat_map(wrap).collect()
        })
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        pin_of_master(plan, self.0)
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Restore(pub(super) TokenId);

impl Kind for Restore {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        let held = acts::held(things.plan, self.0).into_iter();
        let copied = held.filter(|(_, master)| *master != self.0).map(|(key, _)| StepKind::Wrap(key));
        copied.chain([StepKind::TryPin(self.0)]).collect()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        with_blobs(plan, |drive| {
            let restore =
                |(key, _)| [Act::Read(drive, Item::Blob(key, 0)), Act::Unwrap(self.0, key), Act::Describe(self.0, key)];
            [Act::Identify(drive)].into_iter().chain(acts::held(plan, self.0).into_iter().flat_map(restore)).collect()
        })
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        vec![pin(self.0)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Compare(pub(super) TokenId);

impl Kind for Compare {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Restore(self.0)]
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let masters: BTreeSet<_> =
            acts::held(plan, self.0).into_iter().map(|(_, master)| master).filter(|master| *master != self.0).collect();
        masters.into_iter().map(Act::List).chain([Act::ProveAgain(self.0), Act::List(self.0)]).collect()
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        let masters = acts::held(plan, self.0).into_iter().map(|(_, master): (_, TokenId)| pin(master));
        masters.chain([pin(self.0)]).collect()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct State(pub(super) TokenId);

impl Kind for State {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        let compared = things.copies.contains(&self.0).then_some(StepKind::Compare(self.0));
        let made = acts::held(things.plan, self.0).into_iter().map(|(key, _)| StepKind::Certify(key));
        made.chain(compared).chain([StepKind::TryPin(self.0), StepKind::Objections]).collect()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        acts::held(plan, self.0).into_iter().map(|(key, _)| Act::Sign(self.0, key, Signs::Statement)).collect()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        vec![pin(self.0)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}
