//! What fixes the record: signatures of the ceremony's own keys, and heads that witnesses wrote down.

use conclave_publish::{Line, Statement};

use super::keys::Keys;
use super::{Account, Case, acts};
use crate::act::{Act, Signs};
use crate::event::Outcome;

/// Rule `statements`: every token that holds a key signed, with that key, the statement over the head of the entry that asked
/// for it. The record up to that entry is what it was then.
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
        let Some(statement) = statement(case, token, id, key, deed.intent) else { continue };
        match statement.verify(key, signature.get()) {
            Ok(()) => {
                let words = format!("{name} signed its statement over the head of entry {}", deed.intent);
                account.prove("statements", Some(deed.came), words);
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

/// The statement as this transcript and plan say it must have been.
fn statement(
    case: &Case<'_>,
    token: crate::ids::TokenId,
    id: crate::ids::KeyIx,
    key: &conclave_publish::PublicKey,
    intent: u64,
) -> Option<Statement> {
    Some(Statement {
        kind: case.plan.kind,
        ceremony: case.plan.digest,
        image: case.began.image.into(),
        head: case.head(intent)?,
        token: Line::new(case.plan.tokens.get(usize::from(token.0))?.serial.as_str()).ok()?,
        key: key.digest(),
        purpose: case.plan.keys.get(usize::from(id.0))?.purpose.clone(),
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
