//! What the outcome of an act means: learnt, or a failure. No comparison here is ever waived.

use conclave_publish::{Digest, Line, PublicKey, Statement};

use crate::act::{Act, Item, Signs, Slot};
use crate::event::{Failure, Next, Outcome, Way};
use crate::facts::{Facts, FileSeen};
use crate::guard::Guard;
use crate::ids::{DriveId, KeyIx, TokenId};
use crate::kind::{DriveIs, about};
use crate::listed::listed;
use crate::plan::{Before, Plan};
use crate::public::{Bytes, Octets, Text};
use crate::script::{StepKind, Which};
use crate::seen::{Stored, TokenSeen};

/// A failure in words.
pub fn failure(next: Next, words: &str) -> Failure {
    Failure { next, words: Text::fitted(words) }
}

fn halt(words: &str) -> Failure {
    failure(Next::Halt, words)
}

fn unlike(act: &Act) -> Failure {
    halt(&format!("{act:?} gave something else than such an act gives"))
}

/// What judging needs to know beside the facts.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The step under way.
    pub kind: StepKind,
    /// Head of the entry that intended the act.
    pub intent: &'a Digest,
}

/// Takes an outcome into the facts, or says why the step cannot go on.
pub fn judge(case: Case<'_>, facts: &mut Facts, act: &Act, outcome: &Outcome) -> Result<(), Failure> {
    if let Outcome::Failed(failure) = outcome {
        return if Guard::Failed.is_on() { Err(failure.clone()) } else { Ok(()) };
    }
    match (*act, outcome) {
        (Act::Identify(drive), Outcome::Drive { names, others, .. }) => {
            identified(case, facts, drive, (names, *others))
        }
        (Act::Write(_, item), Outcome::File { len, digest }) => {
            written(case.plan, facts, item, FileSeen { len: *len, digest: *digest })
        }
        (Act::Read(_, item), Outcome::File { len, digest }) => {
            read(facts, item, FileSeen { len: *len, digest: *digest })
        }
        (Act::Inspect(token), Outcome::Token(seen)) => inspected(case.plan, facts, token, seen),
        (Act::Prove(token), Outcome::Proof { way: Way::Key, .. }) => {
            facts.stray.remove(&token);
            facts.genuine.insert(token);
            facts.proved.insert(token);
            facts.initialised.remove(&token);
            facts.own_pins.remove(&token);
            Ok(())
        }
        (Act::ProveBeside(token), Outcome::Proof { way: Way::Key, .. }) => {
            facts.stray.remove(&token);
            facts.proved.insert(token);
            Ok(())
        }
        (Act::ChangePin(token), Outcome::Done) => {
            facts.burnt.remove(&token);
            facts.vault.remove(&Slot::NewPin(token));
            Ok(())
        }
        (Act::Authenticate(token), Outcome::Proof { way: Way::Aes | Way::TripleDes, .. }) => {
            facts.proved.insert(token);
            Ok(())
        }
        (Act::ProveAgain(token), Outcome::Proof { way: Way::Key, .. }) => {
            facts.stray.remove(&token);
            Ok(())
        }
        (Act::Make(slot), Outcome::Done) => {
            facts.vault.insert(slot);
            Ok(())
        }
        (Act::MakeShares, Outcome::Kcv(kcv)) => {
            facts.kcv = Some(*kcv);
            facts.shares.clear();
            facts.vault.extend(case.plan.share_ids().map(Slot::Share));
            Ok(())
        }
        (Act::Seal(share), Outcome::File { len, digest }) => {
            facts.shares.entry(share).or_default().sealed = Some(FileSeen { len: *len, digest: *digest });
            Ok(())
        }
        (Act::Open(share), Outcome::Done) => {
            facts.vault.insert(Slot::Share(share));
            Ok(())
        }
        (Act::Combine(recorded), Outcome::Kcv(kcv)) => same_kcv(recorded, *kcv, "the shares as read from their drives"),
        (Act::Import(token), Outcome::Kcv(kcv)) => {
            let recorded = facts.kcv.ok_or_else(|| unlike(act))?;
            same_kcv(recorded, *kcv, &case.plan.token_name(token))?;
            facts.importing.remove(&token);
            facts.imported.insert(token);
            Ok(())
        }
        (Act::Wipe(slot), Outcome::Done) => {
            match slot {
                Some(slot) => drop(facts.vault.remove(&slot)),
                None => facts.vault.clear(),
            }
            Ok(())
        }
        (Act::Initialise(token), Outcome::Done) => {
            facts.initialised.insert(token);
            facts.own_pins.insert(token);
            facts.imported.remove(&token);
            Ok(())
        }
        (Act::Generate(token, key), Outcome::Key { spki, attestation }) => {
            facts.there.insert((token, key));
            let seen = facts.keys.entry(key).or_default();
            seen.made = Some((spki.clone(), attestation.clone()));
            seen.beside.insert(Stored::attestation(attestation));
            let read = spki_of(spki).map(drop).map_err(|why| halt(&format!("{}: {why}", case.plan.token_name(token))));
            if Guard::PublicKey.holds(read.is_ok()) { Ok(()) } else { read }
        }
        (Act::Sign(_, key, Signs::Certificate), Outcome::Certificate(der)) => {
            let seen = facts.keys.entry(key).or_default();
            seen.certificate = Some(der.clone());
            seen.beside.insert(Stored::certificate(der));
            Ok(())
        }
        (Act::Sign(token, key, Signs::Statement), Outcome::Signature(signature)) => {
            stated(case, facts, token, key, signature)
        }
        (Act::Unwrap(token, key), Outcome::Done) => {
            facts.there.insert((token, key));
            Ok(())
        }
        (Act::Wrap(_, key), Outcome::File { len, digest }) => {
            facts.keys.entry(key).or_default().wrapped = Some(FileSeen { len: *len, digest: *digest });
            Ok(())
        }
        (Act::TryPin(token), Outcome::Done) => {
            facts.vault.remove(&Slot::Pin(token, Which::So));
            Ok(())
        }
        (Act::List(token), Outcome::Objects(objects)) => listed(case, facts, token, objects),
        (
            Act::TrySet(_) | Act::Reveal(_) | Act::Describe(..) | Act::Label(_) | Act::Show | Act::PowerOff,
            Outcome::Done,
        ) => Ok(()),
        _ if Guard::Fits.is_on() => Err(unlike(act)),
        _ => Ok(()),
    }
}

fn identified(case: Case<'_>, facts: &mut Facts, drive: DriveId, held: (&[Text], u32)) -> Result<(), Failure> {
    match about(case.plan, case.kind).drive {
        DriveIs::Log => {
            facts.logs.insert(drive);
            Ok(())
        }
        DriveIs::Empty if !Guard::Empty.holds(held.0.is_empty() && held.1 == 0) => {
            let words = format!(
                "{} is not empty: it holds {}. Take it out, empty it on another computer, plug it in again.",
                case.plan.drive_name(drive),
                crate::say::held(held.0, held.1)
            );
            Err(failure(Next::Device, &words))
        }
        DriveIs::Empty | DriveIs::Named => Ok(()),
    }
}

fn written(plan: &Plan, facts: &mut Facts, item: Item, file: FileSeen) -> Result<(), Failure> {
    let differs = |what: &str| Err(halt(&format!("{what} was read back with another digest than it was made with")));
    match item {
        Item::Plan if !Guard::PlanWritten.holds(Digest::from(file.digest) == plan.digest) => differs("the plan"),
        Item::Plan | Item::Names => Ok(()),
        Item::Share(share, _) => {
            let seen = facts.shares.entry(share).or_default();
            if !Guard::ShareWritten.holds(seen.sealed == Some(file)) {
                return differs("the share file");
            }
            seen.written = Some(file);
            Ok(())
        }
        Item::Blob(key, _) => {
            let seen = facts.keys.entry(key).or_default();
            if !Guard::BlobWritten.holds(seen.wrapped == Some(file)) {
                return differs("the key blob");
            }
            seen.blob = Some(file);
            Ok(())
        }
        Item::Bundle => {
            facts.bundle = Some(file);
            Ok(())
        }
    }
}

fn read(facts: &Facts, item: Item, file: FileSeen) -> Result<(), Failure> {
    let recorded = match item {
        Item::Share(share, _) => facts.share(share).written,
        Item::Blob(key, _) => facts.keys.get(&key).and_then(|key| key.blob),
        Item::Plan | Item::Names | Item::Bundle => None,
    };
    if Guard::FileRead.holds(recorded == Some(file)) {
        return Ok(());
    }
    let words = format!(
        "the file on the drive has SHA-256 {} and is not the one written in this ceremony. \
         Keep the drive apart: it was changed or swapped.",
        file.digest
    );
    Err(halt(&words))
}

fn inspected(plan: &Plan, facts: &mut Facts, token: TokenId, seen: &TokenSeen) -> Result<(), Failure> {
    let Some(planned) = plan.token(token) else { return Err(halt("the plan has no such token")) };
    if !Guard::Serial.holds(seen.serial == planned.serial) {
        let words = format!(
            "{} is to be {}, but this token says it is {}. Plug in the right one.",
            planned.name, planned.serial, seen.serial
        );
        return Err(failure(Next::Device, &words));
    }
    if planned.before == Before::New && !Guard::New.holds(seen.objects.is_empty()) {
        let words = format!(
            "{} is to be new, but it holds {} objects. The plan must say that it was used before, or another token be \
             brought.",
            planned.name,
            seen.objects.len()
        );
        return Err(halt(&words));
    }
    facts.seen.insert(token, seen.clone());
    Ok(())
}

fn same_kcv(recorded: Octets<8>, found: Octets<8>, whose: &str) -> Result<(), Failure> {
    if Guard::CheckValue.holds(recorded == found) {
        return Ok(());
    }
    Err(halt(&format!("the check value of {whose} is {found}, but {recorded} was recorded when the shares were made")))
}

fn spki_of(spki: &Bytes) -> Result<PublicKey, String> {
    PublicKey::from_spki_der(spki.get()).map_err(|error| error.to_string())
}

/// The statement a token signs about a key it holds.
pub fn statement(plan: &Plan, facts: &Facts, token: TokenId, key: KeyIx, head: Digest) -> Option<Statement> {
    let began = facts.began.as_ref()?;
    let (spki, _) = facts.keys.get(&key)?.made.as_ref()?;
    Some(Statement {
        kind: plan.kind,
        ceremony: plan.digest,
        image: began.image.into(),
        head,
        token: Line::new(plan.token(token)?.serial.as_str()).ok()?,
        key: spki_of(spki).ok()?.digest(),
        purpose: plan.key(key)?.purpose.clone(),
    })
}

fn stated(case: Case<'_>, facts: &mut Facts, token: TokenId, key: KeyIx, sig: &Bytes) -> Result<(), Failure> {
    let unsound = |why: &str| halt(&format!("the statement signed by {}: {why}", case.plan.token_name(token)));
    let Some(statement) = statement(case.plan, facts, token, key, *case.intent) else {
        return Err(unsound("what it is about is not known"));
    };
    let seen = facts.keys.entry(key).or_default();
    let public = seen.made.as_ref().ok_or_else(|| unsound("no such key was made"))?;
    let public = spki_of(&public.0).map_err(|why| unsound(&why))?;
    let verified = statement.verify(&public, sig.get()).map_err(|error| unsound(&error.to_string()));
    if !Guard::Statement.holds(verified.is_ok()) {
        return verified;
    }
    seen.statements.insert(token, (*case.intent, sig.clone()));
    Ok(())
}
