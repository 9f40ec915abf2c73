//! The acts of each kind of step: no act is left out, no act is added.

use super::tokens::{Proof, proof};
use super::{Account, Case, Rule, kind};
use crate::act::{Act, Item, Slot};
use crate::ids::{KeyIx, TokenId};
use crate::plan::{Before, Plan};
use crate::public::Octets;
use crate::script::StepKind;

/// Whether a token was used before, and so is erased.
pub(super) fn used(plan: &Plan, token: TokenId) -> bool {
    plan.token(token).is_some_and(|token| token.before == Before::Used)
}

/// Keys a token is to hold, and on which token each was made.
pub(super) fn held(plan: &Plan, token: TokenId) -> Vec<(KeyIx, TokenId)> {
    let held = plan.key_ids().zip(&plan.keys).filter(|(_, key)| key.tokens().any(|one| one == token));
    held.map(|(id, key)| (id, key.master)).collect()
}

/// An act without its numbers of attempts and its check values: only the attempt decides those.
fn plain(act: Act) -> Act {
    let numberless = |item| match item {
        Item::Share(share, _) => Item::Share(share, 0),
        Item::Blob(key, _) => Item::Blob(key, 0),
        Item::Plan | Item::Names | Item::Bundle => item,
    };
    match act {
        Act::Write(drive, item) => Act::Write(drive, numberless(item)),
        Act::Read(drive, item) => Act::Read(drive, numberless(item)),
        Act::Combine(_) => Act::Combine(Octets([0; 8])),
        Act::Identify(_)
        | Act::Inspect(_)
        | Act::Prove(_)
        | Act::TrySet(_)
        | Act::Authenticate(_)
        | Act::ProveAgain(_)
        | Act::ProveBeside(_)
        | Act::ChangePin(_)
        | Act::Make(_)
        | Act::Reveal(_)
        | Act::MakeShares
        | Act::Seal(_)
        | Act::Open(_)
        | Act::Wipe(_)
        | Act::Initialise(_)
        | Act::Import(_)
        | Act::TryPin(_)
        | Act::Generate(..)
        | Act::Sign(..)
        | Act::Describe(..)
        | Act::Wrap(..)
        | Act::Unwrap(..)
        | Act::Label(_)
        | Act::List(_)
        | Act::Show
        | Act::PowerOff => act,
    }
}

/// An act that a step may have before the acts of its kind. A token proves itself once more; a PIN that this proof
/// burnt is changed. [`super::tokens::proved_before_use`] and [`super::burnt::burnt`] check that each of these acts
/// comes where it must. Only a token that has no PINs of its own yet may be erased again.
fn proves_again(kind: StepKind, act: &Act) -> bool {
    match proof(act) {
        Some((_, Proof::Chip | Proof::Beside)) => true,
        Some((_, Proof::Erased)) => matches!(kind, StepKind::MakeShares | StepKind::Initialise(_)),
        Some((_, Proof::Again)) => false,
        None => matches!(act, Act::ChangePin(_) | Act::Make(Slot::NewPin(_)) | Act::Reveal(Slot::NewPin(_))),
    }
}

/// Rule `acts`: a step does the acts of its kind, in that order, and nothing else. A token may prove itself once more
/// before them. An import may leave out tokens: [`super::secrets::imports`] checks that they were imported.
pub(super) fn judge(plan: &Plan, step: StepKind, intended: &[Act], seq: u64, account: &mut Account) {
    let optional = |act: &Act| proves_again(step, act) || matches!(act, Act::Import(_));
    let steady = |acts: &[Act]| acts.iter().filter(|act| !optional(act)).map(|act| plain(*act)).collect::<Vec<_>>();
    let wanted = kind::of(step).acts(plan);
    let imports: Vec<&Act> = intended.iter().filter(|act| matches!(act, Act::Import(_))).collect();
    let planned = wanted.iter().filter(|act| imports.contains(act));
    if steady(intended) != steady(&wanted) || !imports.iter().copied().eq(planned) {
        account.refuse(Rule::Acts, Some(seq), "the acts are not those of the step");
    }
}

/// Rule `attempts`: files carry the number of the attempt they were made in.
pub(super) fn attempts(case: &Case<'_>, account: &mut Account) {
    let mut set = 0_u16;
    let mut wraps = std::collections::BTreeMap::<KeyIx, u16>::new();
    for entry in &case.transcript.entries {
        for act in &entry.acts {
            let fits = match *act {
                Act::MakeShares => {
                    set = set.saturating_add(1);
                    true
                }
                Act::Wrap(_, key) => {
                    let attempt = wraps.entry(key).or_default();
                    *attempt = attempt.saturating_add(1);
                    true
                }
                Act::Write(_, item) | Act::Read(_, item) => match item {
                    Item::Share(_, attempt) => attempt == set,
                    Item::Blob(key, attempt) => wraps.get(&key) == Some(&attempt),
                    Item::Plan | Item::Names | Item::Bundle => true,
                },
                Act::Identify(_)
                | Act::Inspect(_)
                | Act::Prove(_)
                | Act::TrySet(_)
                | Act::Authenticate(_)
                | Act::ProveAgain(_)
                | Act::ProveBeside(_)
                | Act::ChangePin(_)
                | Act::Make(_)
                | Act::Reveal(_)
                | Act::Seal(_)
                | Act::Open(_)
                | Act::Combine(_)
                | Act::Wipe(_)
                | Act::Initialise(_)
                | Act::Import(_)
                | Act::TryPin(_)
                | Act::Generate(..)
                | Act::Sign(..)
                | Act::Describe(..)
                | Act::Unwrap(..)
                | Act::Label(_)
                | Act::List(_)
                | Act::Show
                | Act::PowerOff => true,
            };
            if !fits {
                account.refuse(
                    Rule::Attempts,
                    Some(entry.seq),
                    format!("{}: not the newest attempt", case.say().act(*act)),
                );
            }
        }
    }
}
