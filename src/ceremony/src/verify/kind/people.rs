//! The people of the room: sign-in, keyboard, what they write down, what they say.

use super::{Answered, By, Gravity, Kind, gave, secret};
use crate::act::{Act, Slot};
use crate::event::Answer;
use crate::ids::{PersonId, TokenId};
use crate::plan::Plan;
use crate::script::{StepKind, Which};
use crate::verify::things::{Things, each};
use crate::verify::walk::Visit;

pub(super) struct SignIn(pub(super) PersonId);

impl Kind for SignIn {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Person(Some(self.0))
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        each(&things.logs, StepKind::Log)
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        gave(visit, |who, answer| match answer {
            Answer::SignedIn { .. } => who == Some(self.0),
            Answer::Absent { whose, .. } => *whose == self.0,
            _ => false,
        })
    }
}

pub(super) struct Keyboard;

impl Kind for Keyboard {
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
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        gave(visit, |_, answer| *answer == Answer::KeyboardFits)
    }
}

pub(super) struct Pin(pub(super) TokenId, pub(super) Which);

impl Kind for Pin {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Changes
    }

    fn by(&self, plan: &Plan) -> By {
        let token = plan.token(self.0);
        By::Person(match self.1 {
            Which::So => token.map(|token| token.so_pin.keeper),
            Which::User => token.map(|token| token.pin.keeper),
        })
    }

    fn after(&self, _: &Things<'_>) -> Vec<StepKind> {
        vec![StepKind::Keyboard]
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        secret(Slot::Pin(self.0, self.1))
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, _: &Visit<'_>) -> Answered {
        Answered::ByAgreement
    }
}

pub(super) struct Objections;

impl Kind for Objections {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Anyone
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        let compared = each(&things.copies, StepKind::Compare);
        [each(&things.keys, StepKind::Certify), things.wraps(), compared].concat()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        gave(visit, |_, answer| *answer == Answer::NoObjection)
    }
}

pub(super) struct Attest(pub(super) PersonId);

impl Kind for Attest {
    fn gravity(&self, _: &Plan) -> Gravity {
        Gravity::Looks
    }

    fn by(&self, _: &Plan) -> By {
        By::Person(Some(self.0))
    }

    fn after(&self, things: &Things<'_>) -> Vec<StepKind> {
        [vec![StepKind::Show], each(&things.bags, StepKind::Bag)].concat()
    }

    fn acts(&self, _: &Plan) -> Vec<Act> {
        Vec::new()
    }

    fn secrets(&self, _: &Plan) -> Vec<Slot> {
        Vec::new()
    }

    fn answered(&self, visit: &Visit<'_>) -> Answered {
        gave(visit, |_, answer| matches!(answer, Answer::Attests | Answer::Refuses(_)))
    }
}
