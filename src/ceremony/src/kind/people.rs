//! The people of the room: sign-in, keyboard, what they write down, what they say.

use super::{About, By, DriveIs, Gravity, Kind, Memory, Question, Secrets, Shows, make_and_reveal};
use crate::act::{Act, Slot};
use crate::facts::Facts;
use crate::ids::{PersonId, TokenId};
use crate::plan::Plan;
use crate::script::Which;

/// A person signs in.
pub(super) struct SignIn(pub(super) PersonId);

impl Kind for SignIn {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Person(Some(self.0)),
            minutes: 2,
            devices: Vec::new(),
            question: Question::SignIn(self.0),
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: format!("Sign in {}", plan.person_name(self.0)),
            purpose: "Each person gets a code of four digits. Typing it means that you agree; keep it secret."
                .to_owned(),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// The keyboard shows what its keys type, before secrets are typed on it.
pub(super) struct Keyboard;

impl Kind for Keyboard {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Operator,
            minutes: 2,
            devices: Vec::new(),
            question: Question::Keyboard,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Keyboard,
            name: "Keyboard".to_owned(),
            purpose: "Each key must type the character printed on it. The line you type is compared with this one."
                .to_owned(),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A PIN is made, shown to its keeper, written down and typed back.
pub(super) struct Pin(pub(super) TokenId, pub(super) Which);

impl Kind for Pin {
    fn about(&self, plan: &Plan) -> About {
        let (of, token) = (plan.token(self.0), plan.token_name(self.0));
        let (keeper, name, purpose) = match self.1 {
            Which::So => {
                let purpose = format!("The SO-PIN of {token} is made, shown to its keeper and typed back.");
                (of.map(|of| of.so_pin.keeper), format!("SO-PIN {token}"), purpose)
            }
            Which::User => {
                let means = of.map_or_else(String::new, |of| {
                    format!(" {} wrong ones in a row block it; {}.", of.tries, of.so_pin_may.means())
                });
                let purpose = format!("The PIN of {token} is made, shown to its keeper and typed back.{means}");
                (of.map(|of| of.pin.keeper), format!("PIN {token}"), purpose)
            }
        };
        About {
            gravity: Gravity::Changes,
            by: By::Person(keeper),
            minutes: 4,
            devices: Vec::new(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name,
            purpose,
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        make_and_reveal(Slot::Pin(self.0, self.1))
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// Everybody who wants to object does, in words.
pub(super) struct Objections;

impl Kind for Objections {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Anyone,
            minutes: 5,
            devices: Vec::new(),
            question: Question::Objections,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: "Objections".to_owned(),
            purpose: "If you saw something wrong, say so now. It is recorded word for word.".to_owned(),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A person attests or refuses, in words.
pub(super) struct Attest(pub(super) PersonId);

impl Kind for Attest {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Person(Some(self.0)),
            minutes: 3,
            devices: Vec::new(),
            question: Question::Attest(self.0),
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Attestation,
            name: format!("Attest {}", plan.person_name(self.0)),
            purpose: "You attest the ceremony as you saw it, or refuse and say why.".to_owned(),
        }
    }

    fn acts(&self, _: &Plan, _: &mut Facts) -> Vec<Act> {
        Vec::new()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
