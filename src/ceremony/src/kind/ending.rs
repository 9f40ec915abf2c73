//! The end: what is public leaves, things go into bags, the record is closed.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows};
use crate::act::{Act, Item};
use crate::facts::Facts;
use crate::ids::{BagId, Device, DriveId};
use crate::plan::Plan;

/// The public bundle goes to its drive and is read back.
pub(super) struct Publish(pub(super) DriveId);

impl Kind for Publish {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: By::Operator,
            phase: Phase::End,
            minutes: 3,
            devices: vec![Device::Drive(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Drive(self.0),
            name: format!("Publish {}", plan.drive_name(self.0)),
            purpose: format!(
                "Everything public is written to {}. Every secret left in memory is wiped first.",
                plan.drive_name(self.0)
            ),
            help: Help {
                why: "Certificates, record and statements leave the room on this drive. No secret is in memory any more.",
                long: "Seconds, once the drive is in.",
                wrong: "The drive is full or returns other bytes.",
                then: "Operator and a witness decide whether the step is done again.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Wipe(None), Act::Identify(self.0), Act::Write(self.0, Item::Bundle)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// Certificate fingerprints and the head are shown, as QR codes, too.
pub(super) struct Show;

impl Kind for Show {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Operator,
            phase: Phase::End,
            minutes: 5,
            devices: Vec::new(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: "Show".to_owned(),
            purpose: "Compare fingerprints and head; a head written down now fixes all entries before it.".to_owned(),
            help: Help {
                why: "Each person can later compare the published certificates with a fingerprint that the person wrote down here.",
                long: "A minute a certificate.",
                wrong: "A camera or an eye misreads a digit.",
                then: "Compare the numbered groups one by one. Up shows the digest before.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Show]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A bag is filled and sealed; its number is typed twice.
pub(super) struct Bag(pub(super) BagId);

impl Kind for Bag {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: By::Person(plan.bag(self.0).map(|bag| bag.holder)),
            phase: Phase::End,
            minutes: 4,
            devices: Vec::new(),
            question: Question::Bag(self.0),
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Bag(self.0),
            name: format!("Bag {}", u32::from(self.0.0) + 1),
            purpose: "The things named here go into the bag. The bag is sealed; its number is typed twice.".to_owned(),
            help: Help {
                why: "A sealed bag shows whether it was opened. Its number is in the record.",
                long: "Three minutes: fill it, seal it, type its number twice.",
                wrong: "The bag is torn, or has another number than the plan says.",
                then: "Seal another bag and type its number: operator and a witness say why, and the record shows a deviation.",
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

/// The last entry. The final head stays on screen until power-off.
pub(super) struct Close;

impl Kind for Close {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::End,
            minutes: 3,
            devices: Vec::new(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: "Close".to_owned(),
            purpose: "The record is closed. Its last head stays on the screen until power-off.".to_owned(),
            help: Help {
                why: "After the last entry nothing can be added. The head after it fixes the whole record.",
                long: "Seconds; then the head is written down.",
                wrong: "The machine is switched off before the head is written down.",
                then: "Start it again with both log drives: it shows the final head again.",
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
