//! The looks of the start: each step has the finding that it is about.

use super::{Answered, By, Gravity, Kind, looked};
use crate::act::{Act, Slot};
use crate::event::Looked;
use crate::plan::Plan;
use crate::script::StepKind;
use crate::verify::things::Things;
use crate::verify::walk::Visit;

pub(super) struct Medium;

impl Kind for Medium {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        Vec::new()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        looked(visit, |looked| matches!(looked, Looked::Medium { .. }))
    }
}

pub(super) struct AirGap;

impl Kind for AirGap {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Medium]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        looked(visit, |looked| matches!(looked, Looked::AirGap { .. }))
    }
}

pub(super) struct Clock;

impl Kind for Clock {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Medium]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        looked(visit, |looked| matches!(looked, Looked::Clock { .. }))
    }
}

pub(super) struct ComparePlan;

impl Kind for ComparePlan {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::AirGap, StepKind::Clock]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        looked(visit, |looked| matches!(looked, Looked::Plan { .. }))
    }
}
