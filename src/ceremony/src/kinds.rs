//! What each kind of step asks for, needs and does: the composition of a ceremony, in exhaustive matches.

use std::collections::BTreeSet;

use crate::act::{Act, Item, Signs, Slot};
use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::plan::{Before, Holds, Plan, SoPinMay};
use crate::script::{Step, StepKind, Which};

/// Typed before a used token is erased.
pub const ERASE_WORD: &str = "erase";
/// Typed before the last try of a user PIN is spent.
pub const LAST_WORD: &str = "last";

/// Places `0..len` of a list of the plan.
fn places(len: usize) -> impl Iterator<Item = u16> {
    0..u16::try_from(len).unwrap_or(u16::MAX)
}

/// Every token of the plan.
pub fn tokens(plan: &Plan) -> impl Iterator<Item = TokenId> {
    places(plan.tokens.len()).map(TokenId)
}

/// Every share of the plan.
pub fn shares(plan: &Plan) -> impl Iterator<Item = ShareId> {
    places(plan.shares.len()).map(ShareId)
}

/// The keys a token holds at the end.
pub fn keys_on(plan: &Plan, token: TokenId) -> Vec<KeyIx> {
    let holds = |key: &u16| plan.keys.get(usize::from(*key)).is_some_and(|key| key.tokens().any(|one| one == token));
    places(plan.keys.len()).filter(holds).map(KeyIx).collect()
}

/// The drive that may hold this.
pub fn drive_for(plan: &Plan, holds: Holds) -> Option<DriveId> {
    plan.drives.iter().position(|drive| drive.holds == holds).and_then(|at| u16::try_from(at).ok()).map(DriveId)
}

fn master(plan: &Plan, key: KeyIx) -> Option<TokenId> {
    plan.key(key).map(|key| key.master)
}

/// The masters of the keys a token holds.
pub fn masters_of(plan: &Plan, token: TokenId) -> BTreeSet<TokenId> {
    keys_on(plan, token).into_iter().filter_map(|key| master(plan, key)).collect()
}

/// The secrets a step takes from the Vault; its keepers type in what the Vault does not have.
pub fn needs(plan: &Plan, kind: StepKind) -> Vec<Slot> {
    let user = |token| Slot::Pin(token, Which::User);
    let of_master = |key| master(plan, key).map(user).into_iter().collect();
    match kind {
        StepKind::Prove(token) => {
            let used = plan.token(token).is_some_and(|token| token.before == Before::Used);
            if used { vec![Slot::OldSoPin(token)] } else { Vec::new() }
        }
        StepKind::MakeShares => shares(plan).map(Slot::Passphrase).collect(),
        StepKind::Initialise(token) => vec![Slot::Pin(token, Which::So), user(token)],
        StepKind::OpenShare(share) => vec![Slot::Passphrase(share)],
        StepKind::Import => shares(plan).map(Slot::Share).collect(),
        StepKind::TryPin(token) => vec![Slot::Pin(token, Which::So), user(token)],
        StepKind::Restore(token) | StepKind::State(token) => vec![user(token)],
        // The lists of its masters are read once more, after a power cut by a login once more.
        StepKind::Compare(token) => masters_of(plan, token).into_iter().chain([token]).map(user).collect(),
        StepKind::Generate(key) | StepKind::Certify(key) | StepKind::Wrap(key) => of_master(key),
        StepKind::Medium
        | StepKind::AirGap
        | StepKind::Clock
        | StepKind::Plan
        | StepKind::Log(_)
        | StepKind::SignIn(_)
        | StepKind::Register(_)
        | StepKind::Inspect(_)
        | StepKind::Keyboard
        | StepKind::Pin(..)
        | StepKind::Passphrase(_)
        | StepKind::WriteShare(_)
        | StepKind::Objections
        | StepKind::Publish(_)
        | StepKind::Show
        | StepKind::Bag(_)
        | StepKind::Attest(_)
        | StepKind::Close => Vec::new(),
    }
}

/// The secrets a step takes from the Vault as things stand: those of its kind, and PINs that will be burnt or are.
pub fn needed(plan: &Plan, step: &Step, facts: &Facts) -> Vec<Slot> {
    let mut needed = needs(plan, step.kind);
    for slot in burns(plan, step, facts).into_iter().map(|token| Slot::Pin(token, Which::User)) {
        if !needed.contains(&slot) {
            needed.push(slot);
        }
    }
    needed
}

/// The tokens whose user PIN is changed in a step, because it is burnt or will be.
pub fn burns(plan: &Plan, step: &Step, facts: &Facts) -> Vec<TokenId> {
    if facts.no_chip.is_empty() {
        return Vec::new();
    }
    let changed = |act| if let Act::ChangePin(token) = act { Some(token) } else { None };
    acts(plan, step, &mut facts.clone()).into_iter().filter_map(changed).collect()
}

/// How a token proves itself again that was erased and proved before: so that its keys stay if it may have any.
pub fn proof_again(facts: &Facts, token: TokenId) -> Act {
    if !facts.no_chip.contains(&token) {
        Act::Authenticate(token)
    } else if facts.own_pins.contains(&token) {
        Act::ProveBeside(token)
    } else {
        // It has neither keys nor PINs of its own yet: it is erased once more.
        Act::Prove(token)
    }
}

/// Who keeps a secret, and so types it.
pub fn keeper(plan: &Plan, slot: Slot) -> Option<PersonId> {
    let token = |id: TokenId| plan.token(id);
    match slot {
        Slot::Pin(id, Which::User) | Slot::NewPin(id) => token(id).map(|token| token.pin.keeper),
        Slot::Pin(id, Which::So) | Slot::OldSoPin(id) => token(id).map(|token| token.so_pin.keeper),
        Slot::Passphrase(id) => plan.share(id).map(|share| share.passphrase.keeper),
        // Nobody ever sees a clear share.
        Slot::Share(_) => None,
    }
}

/// The word a step wants before it destroys something, or may.
pub fn word(plan: &Plan, step: &Step, facts: &Facts) -> Option<&'static str> {
    match step.kind {
        StepKind::Prove(token) => {
            let token = plan.token(token)?;
            (token.before == Before::Used).then_some(ERASE_WORD)
        }
        _ => {
            let last = |slot| matches!(slot, Slot::Pin(token, Which::User) if facts.last_try.contains(&token));
            needed(plan, step, facts).into_iter().any(last).then_some(LAST_WORD)
        }
    }
}

/// Whether a step has nothing left to do: after going back, steps whose work stands are passed over.
pub fn satisfied(plan: &Plan, kind: StepKind, facts: &Facts) -> bool {
    let all_imported = || tokens(plan).all(|token| facts.imported.contains(&token));
    match kind {
        StepKind::WriteShare(share) => facts.share(share).written.is_some(),
        StepKind::Initialise(token) => facts.initialised.contains(&token),
        StepKind::OpenShare(share) => facts.vault.contains(&Slot::Share(share)) || all_imported(),
        StepKind::Import => all_imported(),
        _ => false,
    }
}

/// What a step does once it was asked and authorised, in order; what makes a new attempt is counted in `facts`.
pub fn acts(plan: &Plan, step: &Step, facts: &mut Facts) -> Vec<Act> {
    let mut acts = plain(plan, step.kind, facts);
    // A token that proved itself before it was plugged in or the machine started must do so again before anything secret goes to
    // it, and a PIN that is burnt by that is changed before anything else.
    let again: BTreeSet<TokenId> =
        acts.iter().filter_map(|act| talks_to(plan, act)).filter(|token| facts.genuine.contains(token)).collect();
    for token in again.into_iter().filter(|token| step.kind != StepKind::Prove(*token)) {
        let mut first = Vec::new();
        if !Guard::ProofFirst.holds(facts.proved.contains(&token)) {
            first.push(proof_again(facts, token));
        }
        if !Guard::BurntPin.holds(!(facts.burnt.contains(&token) || first.contains(&Act::ProveBeside(token)))) {
            first.extend(make_and_reveal(Slot::NewPin(token)));
            first.push(Act::ChangePin(token));
        }
        acts.splice(0..0, first);
    }
    acts
}

/// The token an act talks to: the one it is done on, or the first one, which gives half of the shares' randomness.
pub fn talks_to(plan: &Plan, act: &Act) -> Option<TokenId> {
    if *act == Act::MakeShares { tokens(plan).next() } else { token_of(act) }
}

/// The token an act is done on.
pub fn token_of(act: &Act) -> Option<TokenId> {
    match *act {
        Act::Inspect(token)
        | Act::Prove(token)
        | Act::TrySet(token)
        | Act::Authenticate(token)
        | Act::ProveAgain(token)
        | Act::ProveBeside(token)
        | Act::ChangePin(token)
        | Act::Initialise(token)
        | Act::Import(token)
        | Act::TryPin(token)
        | Act::Generate(token, _)
        | Act::Sign(token, ..)
        | Act::Describe(token, _)
        | Act::Wrap(token, _)
        | Act::Unwrap(token, _)
        | Act::Label(token)
        | Act::List(token) => Some(token),
        Act::Identify(_)
        | Act::Write(..)
        | Act::Read(..)
        | Act::Make(_)
        | Act::Reveal(_)
        | Act::MakeShares
        | Act::Seal(_)
        | Act::Open(_)
        | Act::Combine(_)
        | Act::Wipe(_)
        | Act::Show
        | Act::PowerOff => None,
    }
}

fn plain(plan: &Plan, kind: StepKind, facts: &mut Facts) -> Vec<Act> {
    match kind {
        StepKind::Log(drive) => {
            vec![Act::Identify(drive), Act::Write(drive, Item::Plan), Act::Write(drive, Item::Names)]
        }
        StepKind::Register(drive) => vec![Act::Identify(drive)],
        StepKind::Inspect(token) => vec![Act::Inspect(token)],
        StepKind::Prove(token) => {
            let wipe = needs(plan, kind).into_iter().map(|slot| Act::Wipe(Some(slot)));
            let unblocks = plan.token(token).is_some_and(|of| of.so_pin_may == SoPinMay::Unblock);
            let try_set = unblocks.then_some(Act::TrySet(token));
            std::iter::once(Act::Prove(token)).chain(try_set).chain(wipe).collect()
        }
        StepKind::Pin(token, which) => make_and_reveal(Slot::Pin(token, which)),
        StepKind::Passphrase(share) => make_and_reveal(Slot::Passphrase(share)),
        StepKind::MakeShares => {
            facts.share_set = facts.share_set.saturating_add(1);
            let wipe = |share| [Slot::Share(share), Slot::Passphrase(share)].map(|slot| Act::Wipe(Some(slot)));
            std::iter::once(Act::MakeShares)
                .chain(shares(plan).map(Act::Seal))
                .chain(shares(plan).flat_map(wipe))
                .collect()
        }
        StepKind::WriteShare(share) => {
            let Some(drive) = drive_for(plan, Holds::Share(share)) else { return Vec::new() };
            vec![Act::Identify(drive), Act::Write(drive, facts.share_item(share))]
        }
        StepKind::Initialise(token) => vec![Act::Initialise(token)],
        StepKind::OpenShare(share) => {
            let Some(drive) = drive_for(plan, Holds::Share(share)) else { return Vec::new() };
            let wipe = Act::Wipe(Some(Slot::Passphrase(share)));
            vec![Act::Identify(drive), Act::Read(drive, facts.share_item(share)), Act::Open(share), wipe]
        }
        StepKind::Import => {
            let Some(kcv) = facts.kcv else { return Vec::new() };
            let missing = tokens(plan).filter(|token| !facts.imported.contains(token)).map(Act::Import);
            let wipe = shares(plan).map(|share| Act::Wipe(Some(Slot::Share(share))));
            std::iter::once(Act::Combine(kcv)).chain(missing).chain(wipe).collect()
        }
        StepKind::TryPin(token) => vec![Act::TryPin(token), Act::Label(token)],
        StepKind::Generate(key) => {
            let Some(master) = master(plan, key) else { return Vec::new() };
            vec![Act::List(master), Act::Generate(master, key), Act::List(master)]
        }
        StepKind::Certify(key) => {
            let Some(master) = master(plan, key) else { return Vec::new() };
            vec![Act::Sign(master, key, Signs::Certificate), Act::Describe(master, key)]
        }
        StepKind::Wrap(key) => {
            let (Some(master), Some(drive)) = (master(plan, key), drive_for(plan, Holds::Blobs)) else {
                return Vec::new();
            };
            let attempt = facts.wraps.entry(key).or_default();
            *attempt = attempt.saturating_add(1);
            vec![Act::Identify(drive), Act::Wrap(master, key), Act::Write(drive, facts.blob_item(key))]
        }
        StepKind::Restore(token) => {
            let Some(drive) = drive_for(plan, Holds::Blobs) else { return Vec::new() };
            let mut acts = vec![Act::Identify(drive)];
            for key in keys_on(plan, token) {
                let blob = facts.blob_item(key);
                acts.extend([Act::Read(drive, blob), Act::Unwrap(token, key), Act::Describe(token, key)]);
            }
            acts
        }
        StepKind::Compare(token) => {
            // A key that a cut proof left on the token is in its list until the token proves itself again.
            let others = masters_of(plan, token).into_iter().filter(|master| *master != token);
            others.map(Act::List).chain([Act::ProveAgain(token), Act::List(token)]).collect()
        }
        StepKind::State(token) => {
            keys_on(plan, token).into_iter().map(|key| Act::Sign(token, key, Signs::Statement)).collect()
        }
        StepKind::Publish(drive) => {
            vec![Act::Wipe(None), Act::Identify(drive), Act::Write(drive, Item::Bundle)]
        }
        StepKind::Show => vec![Act::Show],
        StepKind::Medium
        | StepKind::AirGap
        | StepKind::Clock
        | StepKind::Plan
        | StepKind::SignIn(_)
        | StepKind::Keyboard
        | StepKind::Objections
        | StepKind::Bag(_)
        | StepKind::Attest(_)
        | StepKind::Close => Vec::new(),
    }
}

fn make_and_reveal(slot: Slot) -> Vec<Act> {
    vec![Act::Make(slot), Act::Reveal(slot)]
}
