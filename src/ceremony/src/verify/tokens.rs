//! Tokens: their certificates reach the root of their kind, and each shows that it holds its device key.

use std::collections::{BTreeMap, BTreeSet};

use smartcard_hsm::attest::{AttestError, BirthProof};
use smartcard_hsm::cvc::{Device, DeviceChain, Name, RootKind};

use super::plugged::done_on;
use super::walk::{Deed, Ended};
use super::{Account, Case, Rule};
use crate::act::Act;
use crate::entry::Head;
use crate::event::{Answer, Outcome, Way};
use crate::ids::{self, TokenId};
use crate::plan::Plan;

/// Bytes of a head that a request is bound to.
const BOUND_LEN: usize = 10;

/// The devices the certificates speak of, by token.
pub(super) type Devices<R> = BTreeMap<TokenId, Device<R>>;

/// Whether a request carries the head of an entry in its name.
pub(super) fn bound<R: RootKind>(proof: &BirthProof<R>, head: Option<Head>) -> Result<(), AttestError> {
    let first = head.and_then(|head| head.bytes().first_chunk::<BOUND_LEN>().copied()).unwrap_or_default();
    proof.generated_as(&Name::bound(&first))
}

/// Rule `certificates`: every token's device certificate leads to the root of the plan's kind and names the planned
/// serial; it never changes.
pub(super) fn certificates<R: RootKind>(case: &Case<'_>, account: &mut Account) -> Devices<R> {
    let mut devices = Devices::new();
    let mut seen = BTreeMap::new();
    for deed in case.deeds() {
        let (Act::Inspect(token), Outcome::Token(said)) = (deed.act, deed.outcome) else {
            if matches!(deed.act, Act::Inspect(_)) {
                account.refuse(Rule::Certificates, Some(deed.came), "a token was inspected and nothing was seen");
            }
            continue;
        };
        let name = case.say().token(token);
        let planned = case.plan.token(token).map(|token| token.serial.as_str());
        let device = match DeviceChain::parse(said.certificates.get()).and_then(|chain| chain.verify::<R>()) {
            Ok(device) => device,
            Err(error) => {
                account.refuse(Rule::Certificates, Some(deed.came), format!("{name}: {error}"));
                continue;
            }
        };
        if Some(device.serial()) != planned || Some(said.serial.as_str()) != planned {
            let words = format!("{name}: its certificate is that of {}, it said {}", device.serial(), said.serial);
            account.refuse(Rule::Certificates, Some(deed.came), words);
            continue;
        }
        if seen.insert(token, &said.certificates).is_some_and(|before| *before != said.certificates) {
            account.refuse(
                Rule::Certificates,
                Some(deed.came),
                format!("{name}: its certificates are not those seen before"),
            );
        }
        let words = format!("{name}: its certificate leads to the {} root", R::KIND);
        if devices.insert(token, device).is_none() {
            account.prove(Rule::Certificates, Some(deed.came), words);
        }
    }
    for token in case.plan.token_ids() {
        if !devices.contains_key(&token) && account.closed {
            account.refuse(Rule::Certificates, None, format!("{} was never inspected", case.say().token(token)));
        }
    }
    devices
}

/// Rule `proofs`: the device key signed a request that carries the head of the entry that asked for it.
pub(super) fn proofs<R: RootKind>(case: &Case<'_>, devices: &Devices<R>, account: &mut Account) {
    for deed in case.deeds() {
        let Some((token, way)) = proof(&deed.act) else { continue };
        let by = match way {
            Proof::Erased | Proof::Again => "",
            Proof::Beside => " (a key beside its keys, by a PIN that this burnt)",
            Proof::Chip => {
                chip(case, token, deed, account);
                continue;
            }
        };
        let name = case.say().token(token);
        let Outcome::Proof { evidence, .. } = deed.outcome else {
            account.refuse(Rule::Proofs, Some(deed.came), format!("{name}: no proof came of it"));
            continue;
        };
        let Some(device) = devices.get(&token) else {
            account.refuse(Rule::Proofs, Some(deed.came), format!("{name}: its certificate was not seen before"));
            continue;
        };
        let proof = BirthProof::verify(evidence.get(), device);
        match proof.and_then(|proof| bound(&proof, case.head(deed.intent))) {
            Ok(()) => {
                let words = format!("{name} held its device key after entry {}{by}", deed.intent);
                account.prove(Rule::Proofs, Some(deed.came), words);
            }
            Err(error) => account.refuse(Rule::Proofs, Some(deed.came), format!("{name}: {error}")),
        }
    }
}

/// Rule `proofs`, of a chip: the proof is on the word of the appliance. The rule `outcomes` refuses every other
/// outcome.
fn chip(case: &Case<'_>, token: TokenId, deed: &Deed<'_>, account: &mut Account) {
    let Outcome::Proof { way, .. } = deed.outcome else { return };
    let cipher = match way {
        Way::Aes => "AES",
        Way::TripleDes => "3DES",
        Way::Key => return,
    };
    let words =
        format!("{} held its device key (chip, {cipher}), as only the appliance could see", case.say().token(token));
    account.report(Rule::Proofs, Some(deed.came), words);
}

/// How a token shows that it holds its device key.
pub(super) enum Proof {
    /// It is erased, and makes a throw-away key.
    Erased,
    /// It makes a throw-away key beside its keys, by its PIN.
    Again,
    /// It makes a throw-away key beside its keys, by a PIN that this burns.
    Beside,
    /// By chip authentication.
    Chip,
}

/// The token that shows its device key by this act, and how.
pub(super) const fn proof(act: &Act) -> Option<(TokenId, Proof)> {
    match *act {
        Act::Prove(token) => Some((token, Proof::Erased)),
        Act::ProveAgain(token) => Some((token, Proof::Again)),
        Act::ProveBeside(token) => Some((token, Proof::Beside)),
        Act::Authenticate(token) => Some((token, Proof::Chip)),
        Act::Identify(_)
        | Act::Write(..)
        | Act::Read(..)
        | Act::Inspect(_)
        | Act::TrySet(_)
        | Act::ChangePin(_)
        | Act::Make(_)
        | Act::Reveal(_)
        | Act::MakeShares
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
        | Act::Wrap(..)
        | Act::Unwrap(..)
        | Act::Label(_)
        | Act::List(_)
        | Act::Show
        | Act::PowerOff => None,
    }
}

/// The token that shows its device key by this act without having shown it before in this plugging.
const fn first_proof(act: &Act) -> Option<TokenId> {
    match proof(act) {
        Some((token, Proof::Erased | Proof::Beside | Proof::Chip)) => Some(token),
        Some((_, Proof::Again)) | None => None,
    }
}

/// Rule `proved-since-plugged-in`: nothing secret goes to a token that has not shown its device key since it was
/// plugged in or the machine was started, and since the last act on it that failed.
pub(super) fn proved_before_use(case: &Case<'_>, account: &mut Account) {
    let mut proved = BTreeSet::new();
    for visit in &case.walk.visits {
        for given in &visit.answers {
            if let Answer::Inserted(ids::Device::Token(token)) = given.answer {
                proved.remove(token);
            }
        }
        for deed in &visit.deeds {
            if let Some(token) = first_proof(&deed.act) {
                proved.insert(token);
                continue;
            }
            let Some(token) = needs_proof(case.plan, &deed.act) else { continue };
            if !proved.contains(&token) {
                let words = format!("{}: before it proved itself since it was plugged in", case.say().act(deed.act));
                let words = format!("{words} ({})", case.say().token(token));
                account.refuse(Rule::ProvedSincePluggedIn, Some(deed.came), words);
            }
        }
        // An act that was begun may have been done.
        if let Some(act) = case.begun(visit)
            && let Some(token) = needs_proof(case.plan, act).filter(|token| !proved.contains(token))
        {
            let words = format!("{}: begun before {} proved itself", case.say().act(*act), case.say().token(token));
            account.refuse(Rule::ProvedSincePluggedIn, visit.intended, words);
        }
        if let Some(token) = visit.failed.as_ref().and_then(|act| needs_proof(case.plan, act)) {
            proved.remove(&token);
        }
        if visit.ended == Ended::Cut {
            proved.clear();
        }
    }
}

/// The token that must have proved itself before this act: the one it is done on, unless the act looks at it or proves
/// it.
pub(super) fn needs_proof(plan: &Plan, act: &Act) -> Option<TokenId> {
    let before = matches!(act, Act::Inspect(_)) || first_proof(act).is_some();
    match done_on(plan, act) {
        Some(ids::Device::Token(token)) if !before => Some(token),
        Some(ids::Device::Token(_) | ids::Device::Drive(_)) | None => None,
    }
}
