//! Object lists in the room: a token holds the keys that the record knows, and no other object.

use crate::event::{Failure, Next};
use crate::facts::{Facts, KeyFacts};
use crate::guard::Guard;
use crate::ids::{KeyIx, TokenId};
use crate::judge::{Case, failure};
use crate::plan::{Key, Plan};
use crate::public::{Bytes, Text};
use crate::say::Say;
use crate::script::StepKind;
use crate::seen::{Description, Family, KeySeen, Object, Stored};

/// Takes an object list by the step it was asked for in.
///
/// Errors: an object that is no key of the plan on this token, or is another key than the record knows; a key that is gone; at
/// the making of a key more than that key; on a copy another content than the plan wants.
pub(crate) fn listed(case: Case<'_>, facts: &mut Facts, token: TokenId, objects: &[Object]) -> Result<(), Failure> {
    let before = facts.objects.insert(token, objects.to_vec());
    let list = List { plan: case.plan, facts, token, objects };
    list.is_known()
        .and_then(|()| match case.kind {
            StepKind::Generate(key) => list.one_more(key, before.as_deref()),
            StepKind::Compare(copy) if copy == token => list.is_planned(),
            _ => Ok(()),
        })
        .map_err(|words| failure(Next::Halt, &format!("{}: {words}", case.plan.token_name(token))))
}

/// The objects of a token, and the facts that they are held against.
struct List<'a> {
    plan: &'a Plan,
    facts: &'a Facts,
    token: TokenId,
    objects: &'a [Object],
}

impl List<'_> {
    /// The key of the plan that an object is, by its number.
    fn key<'o>(&self, object: &'o Object) -> Option<(KeyIx, &'o KeySeen)> {
        let Object::Key(seen) = object else { return None };
        let planned = |key: &KeyIx| self.plan.key(*key);
        let numbered = |key: &KeyIx| planned(key).is_some_and(|key| key.number.get() == seen.number);
        self.plan.keys_on(self.token).into_iter().find(numbered).map(|key| (key, seen))
    }

    /// The list holds every key that is on the token, and no other object.
    fn is_known(&self) -> Result<(), String> {
        for object in self.objects {
            match self.key(object) {
                Some((key, seen)) if Guard::ListedAsMade.holds(self.may_stand_beside(key, seen.stored)) => {}
                Some(_) => return Err(format!("this is another key than the one that was made: {object}")),
                // A proof that was cut may have left its throw-away key.
                None if Guard::NothingElse.holds(self.facts.stray.contains(&self.token)) => {}
                None => return Err(format!("it holds what this ceremony did not put on it: {object}")),
            }
        }
        let is_listed = |key| self.objects.iter().any(|object| self.key(object).is_some_and(|(id, _)| id == key));
        let mut there = self.facts.there.iter().filter(|(on, _)| *on == self.token).map(|(_, key)| *key);
        match there.find(|key| !Guard::StillListed.holds(is_listed(*key))) {
            Some(lost) => Err(format!("it does not list {} any more", Say::of(self.plan).key(lost))),
            None => Ok(()),
        }
    }

    /// Whether the content of a certificate file is of the key that was made, as far as the record can tell.
    fn may_stand_beside(&self, key: KeyIx, stored: Stored) -> bool {
        let nothing = KeyFacts::default();
        let known = self.facts.keys.get(&key).unwrap_or(&nothing);
        let made_here = self.plan.key(key).is_some_and(|key| key.master == self.token);
        // An earlier entry than the one under way intended the making, which a power cut may have ended at any of its changes.
        let cut = made_here && known.intents.len() > 1 && !self.facts.there.contains(&(self.token, key));
        match stored {
            Stored::Certificate(_) => known.beside.contains(&stored),
            Stored::Attestation(_) => cut || known.beside.contains(&stored),
            // A key that was restored has nothing beside it until it is described.
            Stored::Nothing => cut || !made_here,
            Stored::Other(_) => cut,
        }
    }

    /// The list after the making of a key has that key more than the list before, and none fewer.
    fn one_more(&self, key: KeyIx, before: Option<&[Object]>) -> Result<(), String> {
        let made = self.facts.keys.get(&key).and_then(|key| key.made.as_ref());
        let (Some((_, attestation)), Some(before)) = (made, before) else { return Ok(()) };
        let made = Stored::attestation(attestation);
        let is_made = |object| self.key(object).is_some_and(|(id, seen)| id == key && seen.stored == made);
        if !Guard::ListedNow.holds(self.objects.iter().any(is_made)) {
            return Err("it does not list the key that was just made".to_owned());
        }
        // A key that a power cut left without a whole request gave its number to the key.
        let half = |object: &&Object| {
            let stored = self.key(object).filter(|(id, _)| *id == key).map(|(_, seen)| seen.stored);
            matches!(stored, Some(Stored::Nothing | Stored::Other(_)))
        };
        let before: Vec<&Object> = before.iter().filter(|object| !half(object)).collect();
        if let Some(lost) = before.iter().find(|object| !Guard::NoneLost.holds(self.objects.contains(object))) {
            return Err(format!("while a key was made this disappeared: {lost}"));
        }
        match self.objects.len().checked_sub(before.len()) {
            // A key that was found, not made, after a power cut is in both lists.
            Some(0 | 1) => Ok(()),
            _ if !Guard::OneMore.is_on() => Ok(()),
            _ => Err("more than one key appeared while one was made".to_owned()),
        }
    }

    /// A copy holds its keys with their newest certificates, as the tokens do that made the keys.
    fn is_planned(&self) -> Result<(), String> {
        let planned = self.plan.keys_on(self.token);
        if !Guard::CopyCount.holds(self.objects.len() == planned.len()) {
            return Err(format!("it holds {} objects, expected {}", self.objects.len(), planned.len()));
        }
        let masters = self.plan.masters_of(self.token).into_iter();
        let on_masters: Vec<&Object> = masters.filter_map(|master| self.facts.objects.get(&master)).flatten().collect();
        for key in planned {
            let certificate = self.facts.keys.get(&key).and_then(|key| key.certificate.as_ref());
            let key = self.plan.key(key).zip(certificate);
            let Some(wanted) = key.and_then(|(key, certificate)| described(key, certificate)) else {
                return Err("one of its keys has no certificate".to_owned());
            };
            if !Guard::CopyPlanned.holds(self.objects.contains(&wanted)) {
                return Err(format!("it does not hold {wanted}"));
            }
            if !Guard::CopyAsMaster.holds(on_masters.contains(&&wanted)) {
                return Err(format!("it holds what the token that made the key does not: {wanted}"));
            }
        }
        Ok(())
    }
}

/// A key of the plan as a token lists it that holds it with this certificate.
fn described(key: &Key, certificate: &Bytes) -> Option<Object> {
    let id = Bytes::new(key.id.as_bytes().to_vec())?;
    let (bits, kind) = (Some(key.spec.bits()), Family(key.spec.kind()));
    let label = Some(Text::fitted(key.label.as_str()));
    let description = Description::Read { id, bits, kind, label };
    Some(Object::Key(KeySeen { number: key.number.get(), stored: Stored::certificate(certificate), description }))
}
