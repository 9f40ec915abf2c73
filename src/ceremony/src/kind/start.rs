//! The looks of the start. The machine finds; the room compares.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows};
use crate::act::Act;
use crate::facts::Facts;
use crate::plan::Plan;

fn look(name: &str, minutes: u16) -> About {
    About {
        gravity: Gravity::Looks,
        by: By::Anyone,
        phase: Phase::Start,
        minutes,
        devices: Vec::new(),
        question: Question::Look,
        secrets: Secrets::NONE,
        drive: DriveIs::Named,
        memory: Memory::Nothing,
        shows: Shows::Nothing,
        name: name.to_owned(),
        purpose: "The result of this check is recorded.".to_owned(),
        help: Help {
            why: "The check was done before the plan came in. Here its result enters the record.",
            long: "Seconds; no person does anything.",
            wrong: "The result does not allow a ceremony of this kind.",
            then: "Read the reason, switch off with F10, correct the cause, start again.",
        },
    }
}

/// The medium's digest was compared by challenge.
pub(super) struct Medium;

impl Kind for Medium {
    fn about(&self, _: &Plan) -> About {
        look("Medium", 10)
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// Every way out was tried.
pub(super) struct AirGap;

impl Kind for AirGap {
    fn about(&self, _: &Plan) -> About {
        look("Air gap", 2)
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// The clock lies in the plan's window.
pub(super) struct Clock;

impl Kind for Clock {
    fn about(&self, _: &Plan) -> About {
        look("Clock", 2)
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// The plan's digest was compared by challenge.
pub(super) struct ComparePlan;

impl Kind for ComparePlan {
    fn about(&self, _: &Plan) -> About {
        look("Plan", 10)
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
