//! Keys: made, certified, wrapped, restored, compared, used for statements.

use smartcard_hsm::command::{KeySpec, RsaBits};

use super::{About, By, DriveIs, Gravity, Help, Kind, Memory, Phase, Question, Secrets, Shows, user};
use crate::act::{Act, Signs};
use crate::facts::Facts;
use crate::ids::{Device, KeyIx, TokenId};
use crate::plan::{Holds, Key, Plan};

/// Units: minutes a token may take to make a key. RSA primes are found by luck: allow several times the mean.
fn making(key: &Key) -> u16 {
    match key.spec {
        KeySpec::Rsa(RsaBits::B2048) => 5,
        KeySpec::Rsa(RsaBits::B3072) => 10,
        KeySpec::Rsa(RsaBits::B4096) => 20,
        KeySpec::Ec(_) => 2,
    }
}

/// The user PIN of the master of a key.
fn pin_of_master(plan: &Plan, key: KeyIx) -> Secrets {
    Secrets::Used(plan.master(key).map(user).into_iter().collect())
}

/// The master of a key, as a device.
fn master(plan: &Plan, key: KeyIx) -> impl Iterator<Item = Device> {
    plan.master(key).map(Device::Token).into_iter()
}

fn blobs(plan: &Plan) -> impl Iterator<Item = Device> {
    plan.drives_for(Holds::Blobs).into_iter().map(Device::Drive)
}

/// A key is made on its master; inventory difference and birth proof are checked.
pub(super) struct Generate(pub(super) KeyIx);

impl Kind for Generate {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Keys,
            minutes: plan.key(self.0).map_or(0, making),
            devices: master(plan, self.0).collect(),
            question: Question::Nothing,
            secrets: pin_of_master(plan, self.0),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Key(self.0),
            name: format!("Make {}", plan.key_name(self.0)),
            purpose: format!("Key {} is made on its master.", plan.key_name(self.0)),
            help: Help {
                why: "The key is made inside its master token. Its private half never leaves the tokens.",
                long: "Seconds for a key of an elliptic curve, minutes for RSA.",
                wrong: "The token is pulled out, or has no room.",
                then: "Plug it in again. A half-made key is made again.",
            },
        }
    }

    fn acts(&self, plan: &Plan, _: &mut Facts) -> Vec<Act> {
        let make = |master| [Act::List(master), Act::Generate(master, self.0), Act::List(master)];
        plan.master(self.0).into_iter().flat_map(make).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A certificate is made and signed by the key.
pub(super) struct Certify(pub(super) KeyIx);

impl Kind for Certify {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Keys,
            minutes: 2,
            devices: master(plan, self.0).collect(),
            question: Question::Nothing,
            secrets: pin_of_master(plan, self.0),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Key(self.0),
            name: format!("Certify {}", plan.key_name(self.0)),
            purpose: format!("Key {} signs its own certificate.", plan.key_name(self.0)),
            help: Help {
                why: "The certificate says which name and which purpose the public key has, signed by the key itself.",
                long: "Some seconds.",
                wrong: "The signature does not verify, or the token is pulled out.",
                then: "Plug the token in again: the step is done again. Nothing that fails is published.",
            },
        }
    }

    fn acts(&self, plan: &Plan, _: &mut Facts) -> Vec<Act> {
        let sign = |master| [Act::Sign(master, self.0, Signs::Certificate), Act::Describe(master, self.0)];
        plan.master(self.0).into_iter().flat_map(sign).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A key is wrapped under the DKEK; the blob goes to its drive, is read back and wiped here.
pub(super) struct Wrap(pub(super) KeyIx);

impl Kind for Wrap {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Keys,
            minutes: 3,
            devices: master(plan, self.0).chain(blobs(plan)).collect(),
            question: Question::Nothing,
            secrets: pin_of_master(plan, self.0),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Key(self.0),
            name: format!("Wrap {}", plan.key_name(self.0)),
            purpose: format!(
                "Key {} is wrapped under the DKEK; the blob is written to its drive.",
                plan.key_name(self.0)
            ),
            help: Help {
                why: "The wrapped key is the only copy outside the master. It opens only under the DKEK.",
                long: "Seconds.",
                wrong: "The drive is full or returns other bytes.",
                then: "Operator and a witness decide whether the step is done again.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        let (Some(master), Some(&drive)) = (plan.master(self.0), plan.drives_for(Holds::Blobs).first()) else {
            return Vec::new();
        };
        let attempt = facts.wraps.entry(self.0).or_default();
        *attempt = attempt.saturating_add(1);
        vec![Act::Identify(drive), Act::Wrap(master, self.0), Act::Write(drive, facts.blob_item(self.0))]
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// Blobs are read again from the drive and every key that belongs on this copy is restored there, described, and its
/// certificate written.
pub(super) struct Restore(pub(super) TokenId);

impl Kind for Restore {
    fn about(&self, plan: &Plan) -> About {
        let copied = plan.keys.iter().filter(|key| key.copies.contains(&self.0)).count();
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::Copies,
            minutes: u16::try_from(copied).unwrap_or(u16::MAX).saturating_add(2),
            devices: [Device::Token(self.0)].into_iter().chain(blobs(plan)).collect(),
            question: Question::Nothing,
            secrets: Secrets::Used(vec![user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Restore {}", plan.token_name(self.0)),
            purpose: format!(
                "The blobs are read from their drive; their keys are restored on {}.",
                plan.token_name(self.0)
            ),
            help: Help {
                why: "The copy shows today that the wrapped keys can be restored.",
                long: "Some seconds a key.",
                wrong: "The token refuses a wrapped key, or is pulled out.",
                then: "Plug it in again: the step is done again.",
            },
        }
    }

    fn acts(&self, plan: &Plan, facts: &mut Facts) -> Vec<Act> {
        let Some(&drive) = plan.drives_for(Holds::Blobs).first() else { return Vec::new() };
        let mut acts = vec![Act::Identify(drive)];
        for key in plan.keys_on(self.0) {
            let blob = facts.blob_item(key);
            acts.extend([Act::Read(drive, blob), Act::Unwrap(self.0, key), Act::Describe(self.0, key)]);
        }
        acts
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A copy's object list is equal to the master's, and it proves itself again.
pub(super) struct Compare(pub(super) TokenId);

impl Kind for Compare {
    fn about(&self, plan: &Plan) -> About {
        let mut tokens = plan.masters_of(self.0);
        // The lists of its masters are read once more, after a power cut by a login once more.
        let pins = tokens.clone().into_iter().chain([self.0]);
        tokens.insert(self.0);
        About {
            gravity: Gravity::Changes,
            by: By::Operator,
            phase: Phase::Copies,
            minutes: 3,
            devices: tokens.iter().copied().map(Device::Token).collect(),
            question: Question::Nothing,
            secrets: Secrets::Used(pins.map(user).collect()),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Compare {}", plan.token_name(self.0)),
            purpose: format!("{} must hold the keys of its master; it proves itself again.", plan.token_name(self.0)),
            help: Help {
                why: "A copy that lacks a key would be found missing years later.",
                long: "Some seconds.",
                wrong: "The lists of keys differ.",
                then: "The copy must not be used. Read the words on the screen.",
            },
        }
    }

    fn acts(&self, plan: &Plan, _: &mut Facts) -> Vec<Act> {
        // A key that a cut proof left on the token is in its list until the token proves itself again.
        let others = plan.masters_of(self.0).into_iter().filter(|master| *master != self.0);
        others.map(Act::List).chain([Act::ProveAgain(self.0), Act::List(self.0)]).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}

/// A token signs the statement of each key it holds; each verifies.
pub(super) struct State(pub(super) TokenId);

impl Kind for State {
    fn about(&self, plan: &Plan) -> About {
        About {
            gravity: Gravity::CannotBeUndone,
            by: By::Operator,
            phase: Phase::End,
            minutes: 3,
            devices: vec![Device::Token(self.0)],
            question: Question::Nothing,
            secrets: Secrets::Used(vec![user(self.0)]),
            drive: DriveIs::Named,
            memory: Memory::Nothing,
            shows: Shows::Name(self.0),
            name: format!("Statements {}", plan.token_name(self.0)),
            purpose: format!("{} signs a statement with each key it holds. Each is verified.", plan.token_name(self.0)),
            help: Help {
                why: "The token signs with each key that it holds: the key works on this token.",
                long: "Some seconds a key.",
                wrong: "A signature does not verify, or the token is pulled out.",
                then: "Plug it in again: the step is done again.",
            },
        }
    }

    fn acts(&self, plan: &Plan, _: &mut Facts) -> Vec<Act> {
        plan.keys_on(self.0).into_iter().map(|key| Act::Sign(self.0, key, Signs::Statement)).collect()
    }

    fn stands(&self, _: &Plan, _: &Facts) -> bool {
        false
    }
}
