//! The looks of the start. The machine finds; the room compares.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows};
use crate::act::Act;
use crate::facts::Facts;
use crate::plan::Plan;

/// The machine looked at something before the plan was in. The result enters the record.
pub(super) struct Look {
    name: &'static str,
    minutes: u16,
}

/// The medium's digest was compared by challenge.
pub(super) const MEDIUM: Look = Look { name: "Medium", minutes: 10 };
/// Every way out was tried.
pub(super) const AIR_GAP: Look = Look { name: "Air gap", minutes: 2 };
/// The clock lies in the plan's window.
pub(super) const CLOCK: Look = Look { name: "Clock", minutes: 2 };
/// The plan's digest was compared by challenge.
pub(super) const PLAN: Look = Look { name: "Plan", minutes: 10 };

impl Kind for Look {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Anyone,
            phase: Phase::Start,
            minutes: self.minutes,
            devices: Vec::new(),
            question: Question::Look,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: self.name.to_owned(),
            purpose: "The result of this check is recorded.".to_owned(),
            help: Help {
                why: "The check was done before the plan came in. Here its result enters the record.",
                long: "Seconds; no person does anything.",
                wrong: "The result does not allow a ceremony of this kind.",
                then: "Read the reason, switch off with F10, correct the cause, start again.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
