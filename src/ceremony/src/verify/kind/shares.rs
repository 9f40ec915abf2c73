//! Shares of the DKEK: made, sealed, written, opened, imported.

use super::{Answered, By, Gravity, Kind, secret};
use crate::act::{Act, Item, Slot};
use crate::ids::ShareId;
use crate::plan::{Holds, Plan};
use crate::public::Octets;
use crate::script::StepKind;
use crate::verify::things::{Things, each};
use crate::verify::walk::Visit;

/// The custodian of a share agrees.
fn custodian(plan: &Plan, share: ShareId) -> By {
    By::Person(plan.share(share).map(|share| share.custodian))
}

pub(super) struct Passphrase(pub(super) ShareId);

impl Kind for Passphrase {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, plan: &Plan) -> By {
        custodian(plan, self.0)
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Keyboard]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        secret(Slot::Passphrase(self.0))
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct MakeShares;

impl Kind for MakeShares {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        [each(&things.tokens, StepKind::Prove), each(&things.shares, StepKind::Passphrase)].concat()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let mut acts = vec![Act::MakeShares];
        acts.extend(plan.share_ids().map(Act::Seal));
        for share in plan.share_ids() {
            acts.extend([Slot::Share(share), Slot::Passphrase(share)].map(|slot| Act::Wipe(Some(slot))));
        }
        acts
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        plan.share_ids().map(Slot::Passphrase).collect()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct WriteShare(pub(super) ShareId);

impl Kind for WriteShare {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, plan: &Plan) -> By {
        custodian(plan, self.0)
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::MakeShares]
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let drives = plan.drives_for(Holds::Share(self.0)).into_iter();
        drives.flat_map(|drive| [Act::Identify(drive), Act::Write(drive, Item::Share(self.0, 0))]).collect()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct OpenShare(pub(super) ShareId);

impl Kind for OpenShare {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, plan: &Plan) -> By {
        custodian(plan, self.0)
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::WriteShare(self.0)]
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let (item, wipe) = (Item::Share(self.0, 0), Act::Wipe(Some(Slot::Passphrase(self.0))));
        let read = |drive| [Act::Identify(drive), Act::Read(drive, item), Act::Open(self.0), wipe];
        plan.drives_for(Holds::Share(self.0)).into_iter().flat_map(read).collect()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        vec![Slot::Passphrase(self.0)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Import;

impl Kind for Import {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        [each(&things.tokens, StepKind::Initialise), each(&things.shares, StepKind::OpenShare)].concat()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let imports = plan.token_ids().map(Act::Import);
        let wipes = plan.share_ids().map(|share| Act::Wipe(Some(Slot::Share(share))));
        [Act::Combine(Octets([0; 8]))].into_iter().chain(imports).chain(wipes).collect()
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        plan.share_ids().map(Slot::Share).collect()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}
