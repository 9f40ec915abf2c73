//! The people of the room: sign-in, keyboard, what they write down, what they say.

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows, make_and_reveal};
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
            phase: Phase::People,
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
            help: Help {
                why: "Each agreement in the record names a person. The code stops other people from agreeing in that name.",
                long: "A minute a person, for document and code.",
                wrong: "The person does not come, or a wrong code is typed. The fifth wrong code costs a minute, the tenth two minutes.",
                then: "Press a for the alternate of the plan. After fifteen wrong codes the person signs in again before a person of another role.",
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

/// The keyboard shows what its keys type, before secrets are typed on it.
pub(super) struct Keyboard;

impl Kind for Keyboard {
    fn about(&self, _: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Operator,
            phase: Phase::Secrets,
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
            help: Help {
                why: "A secret typed in a wrong layout cannot be typed again on another keyboard.",
                long: "A minute.",
                wrong: "The typed line differs from the line above it.",
                then: "Press Tab for the next layout and type the line again. If no layout fits, use another keyboard.",
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

/// A PIN is made, shown to its keeper, written down and typed back.
pub(super) struct Pin(pub(super) TokenId, pub(super) Which);

impl Kind for Pin {
    fn about(&self, plan: &Plan) -> About {
        let (of, token) = (plan.token(self.0), plan.token_name(self.0));
        let (keeper, name, purpose, help) = match self.1 {
            Which::So => {
                let purpose = format!("The SO-PIN of {token} is made, shown to its keeper and typed back.");
                (
                    of.map(|of| of.so_pin.keeper),
                    format!("SO-PIN {token}"),
                    purpose,
                    Help {
                        why: "The SO-PIN initialises the token. Only its keeper may know it.",
                        long: "Two minutes: write it down, type it back.",
                        wrong: "Another person sees the screen, or the keeper writes it down wrong.",
                        then: "Esc shows it again. If another person saw it, say so with F3: an objection is recorded.",
                    },
                )
            }
            Which::User => {
                let means = of.map_or_else(String::new, |of| {
                    format!(" {} wrong ones in a row block it; {}.", of.tries, of.so_pin_may.means())
                });
                let purpose = format!("The PIN of {token} is made, shown to its keeper and typed back.{means}");
                (
                    of.map(|of| of.pin.keeper),
                    format!("PIN {token}"),
                    purpose,
                    Help {
                        why: "The PIN uses the keys of the token. Only its keeper may know it.",
                        long: "Two minutes: write it down, type it back. A PIN is typed on hidden lines only.",
                        wrong: "Another person sees the screen, or the keeper writes it down wrong.",
                        then: "Esc shows it again. If another person saw it, say so with F3: an objection is recorded.",
                    },
                )
            }
        };
        About {
            gravity: Gravity::Changes,
            by: By::Person(keeper),
            phase: Phase::Secrets,
            minutes: 4,
            devices: Vec::new(),
            question: Question::Nothing,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name,
            purpose,
            help,
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
            phase: Phase::End,
            minutes: 5,
            devices: Vec::new(),
            question: Question::Objections,
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Nothing,
            name: "Objections".to_owned(),
            purpose: "If you saw something wrong, say so now. It is recorded word for word.".to_owned(),
            help: Help {
                why: "Every person may say what went wrong, before anything is published.",
                long: "As long as people need to speak.",
                wrong: "A text is refused because it looks like a secret or a name.",
                then: "Say it in other words, without numbers and names. An objection does not end the ceremony.",
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

/// A person attests or refuses, in words.
pub(super) struct Attest(pub(super) PersonId);

impl Kind for Attest {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::Looks,
            by: By::Person(Some(self.0)),
            phase: Phase::End,
            minutes: 3,
            devices: Vec::new(),
            question: Question::Attest(self.0),
            secrets: Secrets::NONE,
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Attestation,
            name: format!("Attest {}", plan.person_name(self.0)),
            purpose: "You attest the ceremony as you saw it, or refuse and say why.".to_owned(),
            help: Help {
                why: "The record says which people saw the ceremony and agree that it was done as recorded.",
                long: "A minute a person.",
                wrong: "A person refuses.",
                then: "The person says why; the reason is recorded word for word, and the ceremony goes on.",
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
