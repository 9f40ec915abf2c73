//! What a token lists, against what the record knows of its keys.

use conclave_publish::Digest;
use smartcard_hsm::command::KeySpec;

use crate::event::{Failure, Next};
use crate::facts::{Facts, KeyFacts};
use crate::ids::{KeyIx, TokenId};
use crate::judge::{Case, failure, name};
use crate::kinds::{keys_on, masters_of};
use crate::plan::{Key, Plan};
use crate::public::{Bytes, Text};
use crate::say::Say;
use crate::script::StepKind;
use crate::seen::{Description, Family, KeySeen, Object, Stored};

/// Takes an object list by the step it was asked for in.
///
/// Errors: an object that is no key of the plan on this token, or is another key than the record knows; and by the step, what
/// appeared beside the key that was made, or what a copy holds and lacks.
pub(crate) fn listed(case: Case<'_>, facts: &mut Facts, token: TokenId, objects: &[Object]) -> Result<(), Failure> {
    let before = facts.objects.insert(token, objects.to_vec());
    let halt = |words: &str| Err(failure(Next::Halt, &format!("{}: {words}", name(case.plan, token))));
    for object in objects {
        match key_of(case.plan, token, object) {
            Some((key, seen)) if is_known(case.plan, facts, token, key, seen.stored) => {}
            Some(_) => return halt(&format!("this is another key than the one that was made: {object}")),
            // A proof that was cut may have left its throw-away key.
            None if facts.stray.contains(&token) => {}
            None => return halt(&format!("it holds what this ceremony did not put on it: {object}")),
        }
    }
    let listed =
        |key: &KeyIx| objects.iter().any(|object| key_of(case.plan, token, object).is_some_and(|(id, _)| id == *key));
    let there = facts.there.iter().filter(|(on, _)| *on == token).map(|(_, key)| key);
    if let Some(lost) = there.into_iter().find(|key| !listed(key)) {
        return halt(&format!("it does not list {} any more", Say::of(case.plan).key(*lost)));
    }
    match case.kind {
        // Two lists, the making of the key between them: the second has one object more, none less.
        StepKind::Generate(key) if facts.keys.get(&key).is_some_and(|key| key.made.is_some()) => {
            let Some(before) = before else { return Ok(()) };
            let made = facts.keys.get(&key).and_then(|key| key.made.as_ref());
            let made = made.map(|(_, attestation)| Stored::Attestation(Digest::of(attestation.get()).into()));
            let shown = |object: &Object| {
                key_of(case.plan, token, object).is_some_and(|(id, seen)| id == key && Some(seen.stored) == made)
            };
            if !objects.iter().any(shown) {
                return halt("it does not list the key that was just made");
            }
            let lost = before.iter().find(|object| !objects.contains(object));
            let grown = objects.len().checked_sub(before.len());
            match (lost, grown) {
                // Found, not made: after a power cut the key is in both lists.
                (None, Some(0 | 1)) => Ok(()),
                (None, _) => halt("more than one key appeared while one was made"),
                (Some(object), _) => halt(&format!("while a key was made this disappeared: {object}")),
            }
        }
        StepKind::Compare(copy) if copy == token => {
            let expected = keys_on(case.plan, token);
            if objects.len() != expected.len() {
                return halt(&format!("it holds {} objects, expected {}", objects.len(), expected.len()));
            }
            let of_masters = masters_of(case.plan, token).into_iter().filter_map(|master| facts.objects.get(&master));
            let on_master: Vec<&Object> = of_masters.flatten().collect();
            for key in expected {
                let planned = case.plan.keys.get(usize::from(key.0));
                let certificate = facts.keys.get(&key).and_then(|key| key.certificate.as_ref());
                let wanted = planned.zip(certificate).and_then(|(key, certificate)| described(key, certificate));
                let Some(wanted) = wanted else { return halt("one of its keys has no certificate") };
                if !objects.contains(&wanted) {
                    return halt(&format!("it does not hold {wanted}"));
                }
                if !on_master.contains(&&wanted) {
                    return halt(&format!("it holds what the token that made the key does not: {wanted}"));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The key of the plan that an object on a token is, by its number.
fn key_of<'a>(plan: &Plan, token: TokenId, object: &'a Object) -> Option<(KeyIx, &'a KeySeen)> {
    let Object::Key(seen) = object else { return None };
    let numbered = |key: &KeyIx| plan.keys.get(usize::from(key.0)).is_some_and(|key| key.number.get() == seen.number);
    keys_on(plan, token).into_iter().find(numbered).map(|key| (key, seen))
}

/// Whether what stands beside a key is of the key that was made, as far as anybody can know.
fn is_known(plan: &Plan, facts: &Facts, token: TokenId, key: KeyIx, stored: Stored) -> bool {
    let nothing = KeyFacts::default();
    let known = facts.keys.get(&key).unwrap_or(&nothing);
    let made_here = plan.keys.get(usize::from(key.0)).is_some_and(|key| key.master == token);
    match stored {
        // A key whose making was cut.
        Stored::Attestation(_) if known.made.is_none() => made_here && !known.intents.is_empty(),
        Stored::Attestation(_) | Stored::Certificate(_) => known.beside.contains(&stored),
        // A key that was restored and not yet described.
        Stored::Nothing => !made_here,
        Stored::Other(_) => false,
    }
}

/// A key of the plan as a token lists it that holds it with this certificate.
fn described(key: &Key, certificate: &Bytes) -> Option<Object> {
    let (kind, bits) = match key.spec {
        KeySpec::Rsa(size) => (Family::Rsa, size.bits()),
        KeySpec::Ec(curve) => (Family::Ec, curve.bits()),
    };
    let id = Bytes::new(key.id.as_bytes().to_vec())?;
    let label = Some(Text::fitted(key.label.as_str()));
    Some(Object::Key(KeySeen {
        number: key.number.get(),
        stored: Stored::Certificate(Digest::of(certificate.get()).into()),
        description: Description::Read { id, bits: Some(bits), kind, label },
    }))
}
