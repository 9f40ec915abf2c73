//! The end: what is public leaves, things go into bags, the record is closed.

use super::{Answered, By, Gravity, Kind, gave};
use crate::act::{Act, Item, Slot};
use crate::event::Answer;
use crate::ids::{BagId, DriveId};
use crate::plan::Plan;
use crate::script::StepKind;
use crate::verify::things::{Things, each};
use crate::verify::walk::Visit;

pub(super) struct Publish(pub(super) DriveId);

impl Kind for Publish {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        each(&things.tokens, StepKind::State)
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Wipe(None), Act::Identify(self.0), Act::Write(self.0, Item::Bundle)]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Show;

impl Kind for Show {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        [each(&things.tokens, StepKind::State), each(&things.public, StepKind::Publish)].concat()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        vec![Act::Show]
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Bag(pub(super) BagId);

impl Kind for Bag {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, plan: &Plan) -> By {
        By::Person(plan.bag(self.0).map(|bag| bag.holder))
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Show]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        let fits = |answer: &Answer| matches!(answer, Answer::BagNumber { bag, .. } | Answer::OtherBag { bag, .. } if *bag == self.0);
        match gave(visit, |_, answer| fits(answer)) {
            Answered::Is(true) => Answered::ByAgreement,
            no => no,
        }
    }
}

pub(super) struct Close;

impl Kind for Close {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::CannotBeUndone
    }

    fn by(&self, _: &Plan) -> By {
        By::Operator
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        [vec![StepKind::Show], each(&things.attest, StepKind::Attest)].concat()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}
