//! What fixes the record: signatures of the ceremony's own keys, and heads that witnesses wrote down.

use std::collections::BTreeSet;

use conclave_publish::{Line, PublicKey, RECEIVED, Statement};

use super::keys::Keys;
use super::{Account, Case, acts};
use crate::act::{Act, Signs};
use crate::entry::Head;
use crate::event::Outcome;
use crate::ids::TokenId;

/// Rule `statements`: each key signed, for every token that holds it, the statement that names that token and the head of the
/// entry that asked for it. The record up to that entry is what it was then. All copies are one key: which of them signed,
/// only the appliance saw.
pub(super) fn statements(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    let mut signed = Vec::new();
    for deed in case.deeds() {
        let Act::Sign(token, id, Signs::Statement) = deed.act else { continue };
        let name = format!("{} on {}", case.say().key(id), case.say().token(token));
        let (Outcome::Signature(signature), Some(key)) = (deed.outcome, keys.get(&id)) else {
            account.refuse(
                "statements",
                Some(deed.came),
                format!("{name}: no signature came of it, or there is no such key"),
            );
            continue;
        };
        let (head, purpose) = (case.head(deed.intent), case.plan.keys.get(usize::from(id.0)).map(|key| &key.purpose));
        let (Some(head), Some(purpose)) = (head, purpose) else { continue };
        let Some(statement) = statement(case, token, key, head, purpose.clone()) else { continue };
        match statement.verify(key, signature.get()) {
            Ok(()) => {
                let (label, holder) = (case.say().key(id), case.say().token(token));
                let words =
                    format!("{label} signed the statement that names {holder}, over the head of entry {}", deed.intent);
                account.prove("statements", Some(deed.came), words);
                account.report("statements", Some(deed.came), format!("{holder} made this signature with {label}"));
                account.signed = account.signed.max(Some(deed.intent));
                signed.push((token, id));
            }
            Err(error) => account.refuse("statements", Some(deed.came), format!("{name}: {error}")),
        }
    }
    for token in acts::tokens(case.plan) {
        for (id, _) in acts::held(case.plan, token) {
            if !signed.contains(&(token, id)) && account.closed {
                let words = format!("{} never signed on {}", case.say().key(id), case.say().token(token));
                account.refuse("statements", None, words);
            }
        }
    }
}

/// Rule `received`: what lies here of a key's new home is the statement that names its token and the last head, signed by the
/// key. The record up to its end is what it was on that day. That the token signed it, who received it says.
pub(super) fn received(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    let files = &case.given.files;
    let names = files.keys().map(String::as_str);
    let mut strange: BTreeSet<&str> =
        names.filter(|name| name.ends_with(".received.txt") || name.ends_with(".received.sig")).collect();
    for token in acts::tokens(case.plan) {
        for (id, _) in acts::held(case.plan, token) {
            let Some(planned) = case.plan.keys.get(usize::from(id.0)) else { continue };
            let serial = case.plan.tokens.get(usize::from(token.0)).map_or("", |token| token.serial.as_str());
            let [text, signature] =
                ["txt", "sig"].map(|end| format!("{}.{serial}.received.{end}", planned.label.as_str()));
            for name in [&text, &signature] {
                strange.remove(name.as_str());
            }
            let name = format!("{} on {}", case.say().key(id), case.say().token(token));
            let (text, signature) = match (files.get(&text), files.get(&signature)) {
                (Some(text), Some(signature)) => (text, signature),
                (None, None) => continue,
                (None, Some(_)) => {
                    account.miss("received", format!("{text}: only its signature is here"));
                    continue;
                }
                (Some(_), None) => {
                    account.miss("received", format!("{signature}: only its statement is here"));
                    continue;
                }
            };
            if !account.closed {
                account.refuse("received", None, format!("{name} was received, but the record was never closed"));
                continue;
            }
            let (Some(key), Some(head), Ok(purpose)) = (keys.get(&id), account.head, Line::new(RECEIVED)) else {
                continue;
            };
            let Some(expected) = statement(case, token, key, head, purpose) else { continue };
            if expected.to_string().as_bytes() != text.as_slice() {
                account.refuse("received", None, format!("{name}: the text is not the statement of this record"));
                continue;
            }
            match expected.verify(key, signature) {
                Ok(()) => {
                    let (label, holder) = (case.say().key(id), case.say().token(token));
                    let words = format!("{label} signed that it was received on {holder}, over the last head");
                    account.prove("received", None, words);
                    account.attest(
                        "received",
                        None,
                        format!("{holder} made this signature with {label}, at its new home"),
                    );
                    account.signed = account.entries.checked_sub(1);
                }
                Err(error) => account.refuse("received", None, format!("{name}: {error}")),
            }
        }
    }
    for name in strange {
        account.refuse("received", None, format!("{name} is about no token and key of the plan"));
    }
}

/// The statement as this transcript and plan say it must have been.
fn statement(case: &Case<'_>, token: TokenId, key: &PublicKey, head: Head, purpose: Line) -> Option<Statement> {
    Some(Statement {
        kind: case.plan.kind,
        ceremony: case.plan.digest,
        image: case.began.image.into(),
        head,
        token: Line::new(case.plan.tokens.get(usize::from(token.0))?.serial.as_str()).ok()?,
        key: key.digest(),
        purpose,
    })
}

/// Rule `heads`: every head that a witness wrote down is one this transcript had.
pub(super) fn heads(case: &Case<'_>, account: &mut Account) {
    for head in case.given.heads {
        match case.transcript.heads.iter().position(|one| one == head) {
            Some(at) => {
                account.witnessed = account.witnessed.max(Some(at as u64));
                account.prove("heads", Some(at as u64), "up to here the record is the one whose head was written down");
            }
            None => account.refuse("heads", None, format!("no entry left the head {head} that was written down")),
        }
    }
    if case.given.heads.is_empty() {
        account.miss(
            "heads",
            "a head that a witness wrote down: lines after the last signature rest on who kept the logs",
        );
    }
}
