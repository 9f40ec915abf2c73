//! Tokens before they hold a key: looked at, proved, initialised, tried.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows, user};
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
            phase: Phase::Devices,
            minutes: 2,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Token(self.0),
            name: format!("Look at {}", plan.token_name(self.0)),
            purpose: format!("{} is read. Nothing on it is changed.", plan.token_name(self.0)),
            help: Help {
                why: "The record holds the state of the token before anything is changed on it.",
                long: "Some seconds.",
                wrong: "The token is another one, has keys on it, or does not answer.",
                then: "Take it out and plug it in again. If it is the wrong token, plug in the token that the screen names.",
            },
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
            phase: Phase::Devices,
            minutes: 3,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Used(old),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Token(self.0),
            name: format!("Prove {}", plan.token_name(self.0)),
            purpose: format!("{} is erased and proves that it holds its device key.", plan.token_name(self.0)),
            help: Help {
                why: "A counterfeit could keep every secret that is sent to it. A genuine token proves that it holds its device key.",
                long: "Less than a minute. Everything on the token is erased.",
                wrong: "The proof fails, or the token is pulled out.",
                then: "Never use a token whose proof failed. Keep it as evidence; the ceremony needs another token and another plan.",
            },
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
            phase: Phase::Shares,
            minutes: 3,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Set(vec![Slot::Pin(self.0, Which::So), user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Opened,
            shows: Shows::Name(self.0),
            name: format!("Initialise {}", plan.token_name(self.0)),
            purpose: format!("{} is initialised with its own PIN and SO-PIN. This is final.", plan.token_name(self.0)),
            help: Help {
                why: "The token gets its own PIN and SO-PIN, and a place for the DKEK.",
                long: "Some seconds.",
                wrong: "The token is pulled out or hangs.",
                then: "Plug it in again: the step is done again. Pull out a token that hangs for minutes.",
            },
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
            phase: Phase::Shares,
            minutes: 2,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Used(vec![Slot::Pin(self.0, Which::So), user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Try PIN {}", plan.token_name(self.0)),
            purpose: format!("{} is powered off and on again; its PINs are used once.", plan.token_name(self.0)),
            help: Help {
                why: "A PIN that does not open its token is found today, and not years later.",
                long: "A minute.",
                wrong: "A PIN is refused: it was written down wrong, or the token has another one.",
                then: "Type it again from the paper. The last try asks for a word first: after it the token is blocked.",
            },
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        vec![Act::TryPin(self.0), Act::Label(self.0)]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
