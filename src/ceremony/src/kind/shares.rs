//! Shares of the DKEK: made, sealed, written, opened, imported.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows, make_and_reveal};
use crate::act::{Act, Slot};
use crate::facts::Facts;
use crate::ids::{Device, DriveId, ShareId};
use crate::plan::{Holds, Plan};

/// Whether every token has all shares.
fn all_imported(plan: &Plan, facts: &Facts) -> bool {
    plan.token_ids().all(|token| facts.imported.contains(&token))
}

/// The drive that a share's file is on.
fn drive_of(plan: &Plan, share: ShareId) -> Option<DriveId> {
    plan.drives_for(Holds::Share(share)).first().copied()
}

/// The custodian of a share agrees.
fn custodian(plan: &Plan, share: ShareId) -> By {
    By::Person(plan.share(share).map(|share| share.custodian))
}

fn passphrases(plan: &Plan) -> Vec<Slot> {
    plan.share_ids().map(Slot::Passphrase).collect()
}

/// A passphrase is made, shown to the custodian, written down and typed back.
pub(super) struct Passphrase(pub(super) ShareId);

impl Kind for Passphrase {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: custodian(plan, self.0),
            phase: Phase::Secrets,
            minutes: 5,
            devices: Vec::new(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: format!("Passphrase {}", u32::from(self.0.0) + 1),
            purpose: format!(
                "The passphrase of share {} is made, shown to its custodian and typed back.",
                u32::from(self.0.0) + 1
            ),
            help: Help {
                why: "The passphrase seals one share. The share's drive is worth nothing without it.",
                long: "Three minutes: write the words down in their order, type them back on the hidden line.",
                wrong: "A word is written wrong, or another person sees the screen.",
                then: "Esc shows the words again. If another person saw them, say so with F3: an objection is recorded.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        make_and_reveal(Slot::Passphrase(self.0))
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// All shares are made of kernel and token randomness, their check value is recorded, each is sealed; clear shares and
/// passphrases are wiped.
pub(super) struct MakeShares;

impl Kind for MakeShares {
    fn about(&self, plan: &Plan) -> About {
        // Half of the randomness is a token's.
        let half = plan.token_ids().next().map(Device::Token).into_iter().collect();
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Shares,
            minutes: 3,
            devices: half,
            question: Question::Nothing,
            secrets: Secrets::Set(passphrases(plan)),
            drive: DriveIs::Named,
            memory: Memory::Sealed,
            shows: Shows::CheckValue,
            name: "Make shares".to_owned(),
            purpose: "The shares of the DKEK are made, sealed under their passphrases, and wiped here.".to_owned(),
            help: Help {
                why: "The DKEK is made of all shares. No person ever has it whole.",
                long: "A minute a share: sealing is slow so that guessing a passphrase is slow.",
                wrong: "The power fails before the shares are sealed.",
                then: "Start again with both log drives. Secrets that the power took are made again before the shares are.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        facts.share_set = facts.share_set.saturating_add(1);
        let wipe = |share| [Slot::Share(share), Slot::Passphrase(share)].map(|slot| Act::Wipe(Some(slot)));
        let seal = plan.share_ids().map(Act::Seal);
        std::iter::once(Act::MakeShares).chain(seal).chain(plan.share_ids().flat_map(wipe)).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A sealed share goes to its drive and is read back.
pub(super) struct WriteShare(pub(super) ShareId);

impl Kind for WriteShare {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: custodian(plan, self.0),
            phase: Phase::Shares,
            minutes: 3,
            devices: drive_of(plan, self.0).map(Device::Drive).into_iter().collect(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Sealed,
            shows: Shows::DriveOf(self.0),
            name: format!("Write share {}", u32::from(self.0.0) + 1),
            purpose: format!("Sealed share {} is written to its drive and read back.", u32::from(self.0.0) + 1),
            help: Help {
                why: "The sealed share is on its custodian's drive, and it was read back from there.",
                long: "Seconds, once the drive is in.",
                wrong: "The drive is full, is another drive, or returns other bytes.",
                then: "Operator and a witness decide whether the step is done again. A drive that returns other bytes stops the ceremony.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        let Some(drive) = drive_of(plan, self.0) else { return Vec::new() };
        vec![Act::Identify(drive), Act::Write(drive, facts.share_item(self.0))]
    }

    fn stands(&self, _: &Plan, facts: &Facts) -> bool {
        facts.share(self.0).written.is_some()
    }
}

/// A share file is read from its drive, its digest compared, its passphrase typed, the share opened.
pub(super) struct OpenShare(pub(super) ShareId);

impl Kind for OpenShare {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: custodian(plan, self.0),
            phase: Phase::Shares,
            minutes: 4,
            devices: drive_of(plan, self.0).map(Device::Drive).into_iter().collect(),
            question: Question::Nothing,
            secrets: Secrets::Used(vec![Slot::Passphrase(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Opened,
            shows: Shows::CheckValue,
            name: format!("Open share {}", u32::from(self.0.0) + 1),
            purpose: format!(
                "Share {} is read from its drive and opened with its passphrase.",
                u32::from(self.0.0) + 1
            ),
            help: Help {
                why: "The share is read from its drive as years later, to show that drive and paper belong together.",
                long: "A minute, for the typing and the slow unsealing.",
                wrong: "The passphrase is mistyped, or the drive is another one.",
                then: "Read the passphrase from the paper and type it on the hidden line again. Nothing is lost by a wrong one.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        let Some(drive) = drive_of(plan, self.0) else { return Vec::new() };
        let wipe = Act::Wipe(Some(Slot::Passphrase(self.0)));
        vec![Act::Identify(drive), Act::Read(drive, facts.share_item(self.0)), Act::Open(self.0), wipe]
    }

    fn stands(&self, plan: &Plan, facts: &Facts) -> bool {
        facts.vault.contains(&Slot::Share(self.0)) || all_imported(plan, facts)
    }
}

/// Check value of all shares equal to creation's, then imported into every token, each token's compared; wiped.
pub(super) struct Import;

impl Kind for Import {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Shares,
            minutes: 3,
            devices: plan.token_ids().map(Device::Token).collect(),
            question: Question::Nothing,
            secrets: Secrets::Used(plan.share_ids().map(Slot::Share).collect()),
            drive: DriveIs::Named,
            memory: Memory::Opened,
            shows: Shows::Import,
            name: "Import shares".to_owned(),
            purpose: "The shares are compared with the recorded check value, then sent to every token.".to_owned(),
            help: Help {
                why: "Every token gets the same DKEK, so that a key of one token can be restored on another token.",
                long: "A minute a token.",
                wrong: "A token reports another check value, or is pulled out.",
                then: "Plug it in again. Another check value stops the ceremony: read the words on the screen.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        let Some(kcv) = facts.kcv else { return Vec::new() };
        let missing = plan.token_ids().filter(|token| !facts.imported.contains(token)).map(Act::Import);
        let wipe = plan.share_ids().map(|share| Act::Wipe(Some(Slot::Share(share))));
        std::iter::once(Act::Combine(kcv)).chain(missing).chain(wipe).collect()
    }

    fn stands(&self, plan: &Plan, facts: &Facts) -> bool {
        all_imported(plan, facts)
    }
}
