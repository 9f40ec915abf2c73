//! Keys: born in their token in this ceremony, certified as the plan says, and alone on their tokens.

use std::collections::BTreeMap;

use conclave_publish::PublicKey;
use conclave_publish::x509::{Certificate, Signed, Time};
use smartcard_hsm::attest::BirthProof;
use smartcard_hsm::cvc::RootKind;

use super::tokens::{Devices, bound};
use super::{Account, Case, Rule};
use crate::act::{Act, Signs};
use crate::event::{Event, Looked, Outcome};
use crate::ids::KeyIx;
use crate::plan::Key;

/// Public halves of the keys that were born, by key.
pub(super) type Keys = BTreeMap<KeyIx, PublicKey>;

/// Rule `births`: the token signed with its device key that it made the key, under a name that carries the head of an
/// entry that asked for it.
pub(super) fn births<R: RootKind>(case: &Case<'_>, devices: &Devices<R>, account: &mut Account) -> Keys {
    let mut keys = Keys::new();
    for deed in case.deeds() {
        let Act::Generate(token, id) = deed.act else { continue };
        let name = format!("{} on {}", case.say().key(id), case.say().token(token));
        let mut refuse = |words: &str| account.refuse(Rule::Births, Some(deed.came), format!("{name}: {words}"));
        let (Outcome::Key { spki, attestation }, Some(device)) = (deed.outcome, devices.get(&token)) else {
            refuse("no key came of it, or the token's certificate was not seen");
            continue;
        };
        let proof = match BirthProof::verify(attestation.get(), device) {
            Ok(proof) => proof,
            Err(error) => {
                refuse(&error.to_string());
                continue;
            }
        };
        // After a power cut the key is found that an earlier entry asked for.
        let asked = |entry: &&crate::entry::Entry| entry.seq < deed.came && entry.acts.contains(&deed.act);
        let mut intents = case.transcript.entries.iter().rev().filter(asked);
        let Some(intent) = intents.find(|entry| bound(&proof, case.head(entry.seq)).is_ok()) else {
            refuse("its request carries the head of no entry that asked for it");
            continue;
        };
        if proof.key().spki() != spki.get() {
            refuse("the public key recorded is not the one attested");
            continue;
        }
        match PublicKey::from_spki_der(spki.get()) {
            Ok(key) => {
                let words = format!("{name} was made there after entry {}, SHA-256 {}", intent.seq, key.digest());
                account.prove(Rule::Births, Some(deed.came), words);
                keys.insert(id, key);
            }
            Err(error) => refuse(&error.to_string()),
        }
    }
    for id in case.plan.key_ids() {
        if !keys.contains_key(&id) && account.closed {
            account.refuse(Rule::Births, None, format!("{} was never made", case.say().key(id)));
        }
    }
    keys
}

/// Rule `certificates`: each is the one its profile in the plan gives on the day of the ceremony, signed by its own
/// key.
pub(super) fn certificates(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    for deed in case.deeds() {
        let Act::Sign(_, id, Signs::Certificate) = deed.act else { continue };
        let name = case.say().key(id);
        let planned = case.plan.key(id);
        let (Outcome::Certificate(der), Some(key), Some(planned)) = (deed.outcome, keys.get(&id), planned) else {
            account.refuse(
                Rule::Profile,
                Some(deed.came),
                format!("{name}: no certificate came of it, or there is no such key"),
            );
            continue;
        };
        let Some(read) = read(case, planned, key, der.get()) else {
            account.refuse(Rule::Profile, Some(deed.came), format!("{name}: no clock was compared, so it has no day"));
            continue;
        };
        match read {
            Ok(certificate) => {
                let words =
                    format!("certificate of {name} is as planned and signed by it, SHA-256 {}", certificate.digest());
                account.prove(Rule::Profile, Some(deed.came), words);
            }
            Err(error) => account.refuse(Rule::Profile, Some(deed.came), format!("{name}: {error}")),
        }
    }
}

/// The certificate of a key, held against its profile on the day of the ceremony; nothing where no clock was compared.
pub(super) fn read(
    case: &Case<'_>,
    planned: &Key,
    key: &PublicKey,
    der: &[u8],
) -> Option<Result<Signed<Certificate>, String>> {
    let held = case.transcript.entries.iter().find_map(|entry| match entry.event {
        Event::Looked(Looked::Clock { wall, .. }) => Time::from_unix(wall),
        _ => None,
    })?;
    let profile = planned.certificate.held(held).map_err(|error| error.to_string());
    Some(profile.and_then(|profile| profile.read(key, der).map_err(|error| error.to_string())))
}
