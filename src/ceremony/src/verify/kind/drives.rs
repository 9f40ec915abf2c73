//! Drives at the beginning: logs, and the drives that must be empty.

use super::{Answered, By, Gravity, Kind};
use crate::act::{Act, Item, Slot};
use crate::ids::DriveId;
use crate::plan::Plan;
use crate::script::StepKind;
use crate::verify::things::{Things, each};
use crate::verify::walk::Visit;

pub(super) struct Log(pub(super) DriveId);

impl Kind for Log {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Plan]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Identify(self.0), Act::Write(self.0, Item::Plan), Act::Write(self.0, Item::Names)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Register(pub(super) DriveId);

impl Kind for Register {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        each(&things.people, StepKind::SignIn)
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Identify(self.0)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}
