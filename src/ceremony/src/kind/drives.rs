//! Drives at the beginning: logs, and the drives that must be empty.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows};
use crate::act::{Act, Item};
use crate::facts::Facts;
use crate::ids::{Device, DriveId};
use crate::plan::Plan;

/// A log drive is identified; the entries so far, the plan and its names go on it.
pub(super) struct Log(pub(super) DriveId);

impl Kind for Log {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: By::Anyone,
            phase: Phase::Start,
            minutes: 3,
            devices: vec![Device::Drive(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Log,
            memory: Memory::Nothing,
            shows: Shows::Drive(self.0),
            name: format!("Log {}", plan.drive_name(self.0)),
            purpose: format!(
                "{} becomes a log drive: every entry is written to it before anything is done.",
                plan.drive_name(self.0)
            ),
            help: Help {
                why: "Two drives hold the same record, so that one lost drive loses nothing.",
                long: "Seconds, once the drive is in.",
                wrong: "It is another drive, it is full, or it cannot be written to.",
                then: "Plug in the drive that the screen names. The screen says how a drive that fails is mended.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Identify(self.0), Act::Write(self.0, Item::Plan), Act::Write(self.0, Item::Names)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A drive that is not a log drive is identified, found empty, and removed.
pub(super) struct Register(pub(super) DriveId);

impl Kind for Register {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Operator,
            phase: Phase::Devices,
            minutes: 2,
            devices: vec![Device::Drive(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Empty,
            memory: Memory::Nothing,
            shows: Shows::Drive(self.0),
            name: format!("Register {}", plan.drive_name(self.0)),
            purpose: format!("{} is identified and found empty.", plan.drive_name(self.0)),
            help: Help {
                why: "A drive that is full, or is another drive, is found now, and not after a share was made.",
                long: "Seconds, once the drive is in.",
                wrong: "The drive is not empty, has another serial, or another format.",
                then: "Take the drive out, prepare it elsewhere, plug it in again. Nothing on it was changed.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Identify(self.0)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
