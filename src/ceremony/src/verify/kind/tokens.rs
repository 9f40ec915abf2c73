//! Tokens before they hold a key: looked at, proved, initialised, tried.

use super::{Answered, By, Gravity, Kind};
use crate::act::{Act, Slot};
use crate::ids::TokenId;
use crate::plan::{Plan, SoPinMay};
use crate::script::{StepKind, Which};
use crate::verify::acts;
use crate::verify::things::{Things, each};
use crate::verify::walk::Visit;

pub(super) struct Inspect(pub(super) TokenId);

impl Kind for Inspect {
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
        vec![Act::Inspect(self.0)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Prove(pub(super) TokenId);

impl Kind for Prove {
    fn gravity(&self, plan: &Plan) -> Gravity {
        if acts::used(plan, self.0) { Gravity::Destroys } else { Gravity::CannotBeUndone }
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        // Every check comes before the first erasure.
        [each(&things.others, StepKind::Register), each(&things.tokens, StepKind::Inspect)].concat()
    }

    fn acts(&self, plan: &Plan) -> Vec<Act> {
        let wipe = acts::used(plan, self.0).then_some(Act::Wipe(Some(Slot::OldSoPin(self.0))));
        let unblocks = plan.token(self.0).is_some_and(|of| of.so_pin_may == SoPinMay::Unblock);
        [Act::Prove(self.0)].into_iter().chain(unblocks.then_some(Act::TrySet(self.0))).chain(wipe).collect()
    }

    fn secrets(&self, plan: &Plan) -> Vec<Slot> {
        acts::used(plan, self.0).then_some(Slot::OldSoPin(self.0)).into_iter().collect()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Initialise(pub(super) TokenId);

impl Kind for Initialise {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        let own = [Which::So, Which::User].map(|which| StepKind::Pin(self.0, which));
        [each(&things.shares, StepKind::WriteShare), vec![StepKind::Prove(self.0)], own.to_vec()].concat()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Initialise(self.0)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        vec![Slot::Pin(self.0, Which::User), Slot::Pin(self.0, Which::So)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct TryPin(pub(super) TokenId);

impl Kind for TryPin {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Import]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::TryPin(self.0), Act::Label(self.0)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        vec![Slot::Pin(self.0, Which::User), Slot::Pin(self.0, Which::So)]
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}
