//! The looks of the start: each step has the finding that it is about.

use super::{Answered, By, Gravity, Kind};
use crate::act::{Act, Slot};
use crate::plan::Plan;
use crate::script::StepKind;
use crate::verify::things::Things;
use crate::verify::walk::Visit;

pub(super) struct Look {
    step: StepKind,
    after: &'static [StepKind],
}

pub(super) const MEDIUM: Look = Look { step: StepKind::Medium, after: &[] };
pub(super) const AIR_GAP: Look = Look { step: StepKind::AirGap, after: &[StepKind::Medium] };
pub(super) const CLOCK: Look = Look { step: StepKind::Clock, after: &[StepKind::Medium] };
pub(super) const PLAN: Look = Look { step: StepKind::Plan, after: &[StepKind::AirGap, StepKind::Clock] };

impl Kind for Look {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        self.after.to_vec()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        Answered::Is(visit.looked.iter().any(|(_, looked)| looked.step() == self.step))
    }
}
