//! Object lists: a token holds the keys that the record says it holds.

use std::collections::{BTreeMap, BTreeSet};

use super::walk::Visit;
use super::{Account, Case, Rule, acts};
use crate::act::{Act, Signs};
use crate::event::Outcome;
use crate::ids::{KeyIx, TokenId};
use crate::plan::Key;
use crate::public::{Bytes, Text};
use crate::script::StepKind;
use crate::seen::{Description, Family, KeySeen, Object, Stored};

/// Most objects of a list that are held against the record: a token has as many key numbers.
const OBJECTS_MAX: usize = 255;

/// The keys and the tokens that hold them, as the record told so far.
#[derive(Default)]
struct Known {
    /// Attestations and certificates of a key: one of them stands beside it on a token.
    beside: BTreeMap<KeyIx, BTreeSet<Stored>>,
    /// The newest certificate of a key.
    newest: BTreeMap<KeyIx, Stored>,
    /// Keys for which a making or restoring was begun on a token and has no good outcome.
    begun: BTreeSet<(TokenId, KeyIx)>,
    /// Keys that were made or restored on a token that was not erased since.
    there: BTreeSet<(TokenId, KeyIx)>,
    /// Tokens that may hold the throw-away key of a proof that was begun and has no good outcome.
    stray: BTreeSet<TokenId>,
}

impl Known {
    fn done(&mut self, act: Act, outcome: &Outcome) {
        if let Act::Generate(token, key) | Act::Unwrap(token, key) = act {
            self.there.insert((token, key));
            self.begun.remove(&(token, key));
        }
        if let (Act::Generate(_, key), Outcome::Key { attestation, .. }) = (act, outcome) {
            self.beside.entry(key).or_default().insert(Stored::attestation(attestation));
        }
        if let (Act::Sign(_, key, Signs::Certificate), Outcome::Certificate(der)) = (act, outcome) {
            let stored = Stored::certificate(der);
            self.beside.entry(key).or_default().insert(stored);
            self.newest.insert(key, stored);
        }
        if let Act::Prove(token) | Act::ProveAgain(token) | Act::ProveBeside(token) = act {
            self.stray.remove(&token);
        }
        self.erased(act);
    }

    /// An act that erases a token takes its keys, whether the end is seen or not.
    fn erased(&mut self, act: Act) {
        if let Act::Prove(token) | Act::TrySet(token) | Act::Initialise(token) = act {
            self.there.retain(|(on, _)| *on != token);
            self.begun.retain(|(on, _)| *on != token);
        }
    }

    fn begun(&mut self, act: Act) {
        if let Act::Generate(token, key) | Act::Unwrap(token, key) = act {
            self.begun.insert((token, key));
        }
        if let Act::ProveAgain(token) | Act::ProveBeside(token) = act {
            self.stray.insert(token);
        }
        self.erased(act);
    }

    /// Whether an object on a token is one that the record speaks of: a key that was made or restored there, or may
    /// have been.
    fn speaks_of(&self, held: &[(KeyIx, TokenId, &Key)], token: TokenId, object: &Object) -> bool {
        let Object::Key(seen) = object else { return false };
        let Some((key, master, _)) = held.iter().find(|(.., key)| key.number.get() == seen.number) else {
            return self.stray.contains(&token) && seen.description == Description::Nothing;
        };
        let here = (token, *key);
        let begun = self.begun.contains(&here);
        // The making of a key may have been cut at any of its changes.
        let half_made = begun && *master == token;
        let recorded = || self.beside.get(key).is_some_and(|beside| beside.contains(&seen.stored));
        (begun || self.there.contains(&here))
            && match seen.stored {
                Stored::Nothing => half_made || *master != token,
                Stored::Other(_) => half_made,
                Stored::Attestation(_) => half_made || recorded(),
                Stored::Certificate(_) => recorded(),
            }
    }
}

/// The number of a key.
fn number(object: &Object) -> Option<u8> {
    if let Object::Key(key) = object { Some(key.number) } else { None }
}

fn listed(outcome: &Outcome) -> Option<&[Object]> {
    if let Outcome::Objects(objects) = outcome { Some(objects) } else { None }
}

/// The keys of the plan that a token is to hold, with the token that each was made on.
fn held<'a>(case: &Case<'a>, token: TokenId) -> Vec<(KeyIx, TokenId, &'a Key)> {
    let held = acts::held(case.plan, token).into_iter();
    held.filter_map(|(id, master)| Some((id, master, case.plan.key(id)?))).collect()
}

/// Rules `objects`, `one-key` and `copies`. A token lists the keys that the record speaks of and nothing else. While a
/// key was made one object appeared, or no object where the key was found after a power cut; nothing disappeared but a
/// key half made. A copy holds its keys as planned, each with its newest certificate, as their masters do.
pub(super) fn lists(case: &Case<'_>, account: &mut Account) {
    let mut known = Known::default();
    for visit in &case.walk.visits {
        for deed in &visit.deeds {
            known.done(deed.act, deed.outcome);
            let (Act::List(token), Some(objects)) = (deed.act, listed(deed.outcome)) else { continue };
            let held = held(case, token);
            let numbers: BTreeSet<_> = objects.iter().filter_map(number).collect();
            if numbers.len() != objects.len() || objects.len() > OBJECTS_MAX {
                let words = format!("{} lists a number twice, or what is no key", case.say().token(token));
                account.refuse(Rule::Objects, Some(deed.came), words);
                continue;
            }
            if let Some(foreign) = objects.iter().find(|object| !known.speaks_of(&held, token, object)) {
                let words = format!("{} holds what the record does not speak of: {foreign}", case.say().token(token));
                account.refuse(Rule::Objects, Some(deed.came), words);
            }
            let listed =
                |wanted: &KeyIx| held.iter().any(|(id, _, key)| id == wanted && numbers.contains(&key.number.get()));
            let there = known.there.iter().filter(|(on, _)| *on == token).map(|(_, key)| key);
            if let Some(lost) = there.into_iter().find(|key| !listed(key)) {
                let words = format!("{} does not list {} any more", case.say().token(token), case.say().key(*lost));
                account.refuse(Rule::Objects, Some(deed.came), words);
            }
        }
        if let Some(act) = case.begun(visit) {
            known.begun(*act);
        }
        if let StepKind::Generate(key) = visit.step.kind {
            one_key(case, visit, key, account);
        }
        if let StepKind::Compare(copy) = visit.step.kind {
            copies(case, &known, visit, copy, account);
        }
    }
}

fn one_key(case: &Case<'_>, visit: &Visit<'_>, key: KeyIx, account: &mut Account) {
    let mut lists = visit.deeds.iter().filter(|deed| matches!(deed.act, Act::List(_)));
    let (Some(before), Some(after)) = (lists.next(), lists.next()) else { return };
    let (Some(old), Some(new)) = (listed(before.outcome), listed(after.outcome)) else {
        account.refuse(Rule::OneKey, Some(after.came), "an object list was asked for and another thing came");
        return;
    };
    if old.len().max(new.len()) > OBJECTS_MAX {
        return;
    }
    let made = visit.deeds.iter().find_map(|deed| match deed.outcome {
        Outcome::Key { attestation, .. } => Some(Stored::attestation(attestation)),
        _ => None,
    });
    let planned = case.plan.key(key).map(|key| key.number.get());
    let is_made =
        |object: &Object| matches!(object, Object::Key(key) if Some(key.stored) == made && Some(key.number) == planned);
    if !new.iter().any(is_made) {
        account.refuse(Rule::OneKey, Some(after.came), "the key that was made is not in the list after it");
    }
    // A key that a power cut left without a whole request gave its number to the key.
    let whole = |key: &KeySeen| matches!(key.stored, Stored::Attestation(_) | Stored::Certificate(_));
    let half = |object: &&Object| matches!(object, Object::Key(key) if Some(key.number) == planned && !whole(key));
    let old: Vec<&Object> = old.iter().filter(|object| !half(object)).collect();
    let kept = old.iter().all(|object| new.contains(object));
    if !kept || !matches!(new.len().checked_sub(old.len()), Some(0 | 1)) {
        account.refuse(Rule::OneKey, Some(after.came), "other objects than the key appeared or disappeared");
    }
}

fn copies(case: &Case<'_>, known: &Known, visit: &Visit<'_>, copy: TokenId, account: &mut Account) {
    let list = |deed: &super::walk::Deed<'_>| {
        let Act::List(token) = deed.act else { return None };
        Some((token, listed(deed.outcome)?.to_vec()))
    };
    let lists: BTreeMap<TokenId, Vec<Object>> = visit.deeds.iter().filter_map(list).collect();
    let Some(own) = lists.get(&copy) else { return };
    let held = held(case, copy);
    let name = case.say().token(copy);
    let wanted = held.iter().map(|(id, master, key)| Some((planned(key, *known.newest.get(id)?)?, *master)));
    let on_both = |(object, master): (Object, TokenId)| {
        own.contains(&object) && lists.get(&master).is_some_and(|list| list.contains(&object))
    };
    if own.len() == held.len() && wanted.into_iter().all(|wanted| wanted.is_some_and(on_both)) {
        let words = format!("{name} lists its {} keys with their certificates, as their masters do", own.len());
        account.report(Rule::Copies, Some(visit.first), words);
    } else {
        let words = format!("{name} does not hold what its masters and the record have of its keys");
        account.refuse(Rule::Copies, Some(visit.first), words);
    }
}

/// A key of the plan as a token lists it, with this beside it.
fn planned(key: &Key, stored: Stored) -> Option<Object> {
    let id = Bytes::new(key.id.as_bytes().to_vec())?;
    let label = Some(Text::fitted(key.label.as_str()));
    let description = Description::Read { id, bits: Some(key.spec.bits()), kind: Family(key.spec.kind()), label };
    Some(Object::Key(KeySeen { number: key.number.get(), stored, description }))
}
