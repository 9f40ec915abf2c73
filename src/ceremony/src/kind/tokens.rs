//! Tokens before they hold a key: looked at, proved, initialised, tried.

use super::{About, By, DriveIs, Gravity, Kind, Memory, Question, Secrets, Shows, user};
use crate::act::{Act, Slot};
use crate::facts::Facts;
use crate::ids::{Device, TokenId};
use crate::plan::{Before, Plan, SoPinMay};
use crate::script::Which;

/// A token is identified, its inventory, chain and counters recorded. Nothing is changed.
pub(super) struct Inspect(pub(super) TokenId);

impl Kind for Inspect {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Operator,
            minutes: 2,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Token(self.0),
            name: format!("Look at {}", plan.token_name(self.0)),
            purpose: format!("{} is read. Nothing on it is changed.", plan.token_name(self.0)),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Inspect(self.0)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A token is erased and proves that it holds its device key.
pub(super) struct Prove(pub(super) TokenId);

impl Prove {
    /// The SO-PIN of before the ceremony, if the token was used.
    fn old(&self, plan: &Plan) -> Vec<Slot> {
        let used = plan.token(self.0).is_some_and(|token| token.before == Before::Used);
        if used { vec![Slot::OldSoPin(self.0)] } else { Vec::new() }
    }
}

impl Kind for Prove {
    fn about(&self, plan: &Plan) -> About {
        let old = self.old(plan);
        About {
            gravity: if old.is_empty() { Gravity::CannotBeUndone } else { Gravity::Destroys },
            by: By::Operator,
            minutes: 3,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Used(old),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Token(self.0),
            name: format!("Prove {}", plan.token_name(self.0)),
            purpose: format!("{} is erased and proves that it holds its device key.", plan.token_name(self.0)),
        }
    }

    fn acts(&self, plan: &Plan, _: &mut Facts) -> Vec<Act> {
        let unblocks = plan.token(self.0).is_some_and(|of| of.so_pin_may == SoPinMay::Unblock);
        let wipe = self.old(plan).into_iter().map(|slot| Act::Wipe(Some(slot)));
        [Act::Prove(self.0)].into_iter().chain(unblocks.then_some(Act::TrySet(self.0))).chain(wipe).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A token is initialised for good.
pub(super) struct Initialise(pub(super) TokenId);

impl Kind for Initialise {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            minutes: 3,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Set(vec![Slot::Pin(self.0, Which::So), user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Opened,
            shows: Shows::Name(self.0),
            name: format!("Initialise {}", plan.token_name(self.0)),
            purpose: format!("{} is initialised with its own PIN and SO-PIN. This is final.", plan.token_name(self.0)),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::Initialise(self.0)]
    }

    fn stands(&self, _: &Plan, facts: &Facts) -> bool {
        facts.initialised.contains(&self.0)
    }
}

/// User PIN and SO-PIN are used after the card was powered anew.
pub(super) struct TryPin(pub(super) TokenId);

impl Kind for TryPin {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Changes,
            by: By::Operator,
            minutes: 2,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Used(vec![Slot::Pin(self.0, Which::So), user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Try PIN {}", plan.token_name(self.0)),
            purpose: format!("{} is powered off and on again; its PINs are used once.", plan.token_name(self.0)),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::TryPin(self.0), Act::Label(self.0)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
