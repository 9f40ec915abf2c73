//! Two things fix the record: signatures of the ceremony's own keys, and heads that witnesses wrote down.

use conclave_publish::{Line, PublicKey, RECEIVED, Statement};

use super::keys::Keys;
use super::{Account, Case, Rule, acts};
use crate::act::{Act, Signs};
use crate::entry::Head;
use crate::event::Outcome;
use crate::ids::{KeyIx, TokenId};

/// Rule `statements`: each key signed, for every token that holds it, the statement that names that token and the head
/// of the entry that asked for it. The record up to that entry is the same as it was then. All copies are one key: only
/// the appliance saw which copy signed.
pub(super) fn statements(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    let mut signed = Vec::new();
    for deed in case.deeds() {
        let Act::Sign(token, id, Signs::Statement) = deed.act else { continue };
        let name = format!("{} on {}", case.say().key(id), case.say().token(token));
        let (Outcome::Signature(signature), Some(key)) = (deed.outcome, keys.get(&id)) else {
            account.refuse(
                Rule::Statements,
                Some(deed.came),
                format!("{name}: no signature came of it, or there is no such key"),
            );
            continue;
        };
        let (head, purpose) = (case.head(deed.intent), case.plan.key(id).map(|key| &key.purpose));
        let (Some(head), Some(purpose)) = (head, purpose) else { continue };
        let Some(statement) = statement(case, token, key, head, purpose.clone()) else { continue };
        match statement.verify(key, signature.get()) {
            Ok(()) => {
                let (label, holder) = (case.say().key(id), case.say().token(token));
                let words =
                    format!("{label} signed the statement that names {holder}, over the head of entry {}", deed.intent);
                account.prove(Rule::Statements, Some(deed.came), words);
                account.report(Rule::Statements, Some(deed.came), format!("{holder} made this signature with {label}"));
                account.signed = account.signed.max(Some(deed.intent));
                signed.push((token, id));
            }
            Err(error) => account.refuse(Rule::Statements, Some(deed.came), format!("{name}: {error}")),
        }
    }
    for token in case.plan.token_ids() {
        for (id, _) in acts::held(case.plan, token) {
            if !signed.contains(&(token, id)) && account.closed {
                let words = format!("{} never signed on {}", case.say().key(id), case.say().token(token));
                account.refuse(Rule::Statements, None, words);
            }
        }
    }
}

/// A key's new home: statement and signature of a token and a key of the plan, as files.
fn homes<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (TokenId, KeyIx, [String; 2])> + 'a {
    let plan = case.plan;
    plan.token_ids().flat_map(move |token| {
        let serial = plan.token(token).map_or("", |token| token.serial.as_str());
        acts::held(plan, token).into_iter().filter_map(move |(id, _)| {
            let label = plan.key(id)?.label.as_str();
            Some((token, id, ["txt", "sig"].map(|end| format!("{label}.{serial}.received.{end}"))))
        })
    })
}

/// Whether a file is of a key's new home.
pub(super) fn speaks_of(case: &Case<'_>, name: &str) -> bool {
    homes(case).any(|(_, _, files)| files.iter().any(|file| file == name))
}

/// The statement of a key's new home that lies here names its token and the last head, and is signed by the key. The
/// record up to its end is the same as it was on that day. That the token signed it is the word of the person who
/// received it.
pub(super) fn received(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    for (token, id, [text, signature]) in homes(case) {
        let name = format!("{} on {}", case.say().key(id), case.say().token(token));
        let files = &case.given.files;
        let (bytes, signed) = match (files.get(&text), files.get(&signature)) {
            (Some(bytes), Some(signed)) => (bytes, signed),
            (None, None) => continue,
            (None, Some(_)) => {
                account.differs(Rule::Received, format!("{text}: only its signature is here"));
                continue;
            }
            (Some(_), None) => {
                account.differs(Rule::Received, format!("{signature}: only its statement is here"));
                continue;
            }
        };
        if !account.closed {
            account.differs(Rule::Received, format!("{name} was received, but the record was never closed"));
            continue;
        }
        let (Some(key), Some(head), Ok(purpose)) = (keys.get(&id), account.head, Line::new(RECEIVED)) else { continue };
        let Some(expected) = statement(case, token, key, head, purpose) else { continue };
        if expected.to_string().as_bytes() != bytes.as_slice() {
            account.differs(Rule::Received, format!("{text} is not the statement of this record"));
            continue;
        }
        match expected.verify(key, signed) {
            Ok(()) => {
                let (label, holder) = (case.say().key(id), case.say().token(token));
                account.prove(
                    Rule::Received,
                    None,
                    format!("{label} signed that it was received on {holder}, over the last head"),
                );
                let words = format!("{holder} made this signature with {label}, at its new home");
                account.attest(Rule::Received, None, words);
                account.signed = account.entries.checked_sub(1);
            }
            Err(error) => account.differs(Rule::Received, format!("{signature}: {error}")),
        }
    }
}

/// The statement as this transcript and plan say it must have been.
pub(super) fn statement(
    case: &Case<'_>,
    token: TokenId,
    key: &PublicKey,
    head: Head,
    purpose: Line,
) -> Option<Statement> {
    Some(Statement {
        kind: case.plan.kind,
        ceremony: case.plan.digest,
        image: case.began.image.into(),
        head,
        token: Line::new(case.plan.token(token)?.serial.as_str()).ok()?,
        key: key.digest(),
        purpose,
    })
}

/// Every head that a witness wrote down is that of an entry. A head of no entry fixes nothing: it may be mistyped, or
/// it was written down from another record.
pub(super) fn heads(case: &Case<'_>, account: &mut Account) {
    for head in case.given.heads {
        match case.transcript.heads.iter().position(|one| one == head) {
            Some(at) => {
                account.witnessed = account.witnessed.max(Some(at as u64));
                account.prove(
                    Rule::Heads,
                    Some(at as u64),
                    "up to here the record is the one whose head was written down",
                );
            }
            None => account.differs(Rule::Heads, format!("the head {head} is of no entry: compare with the paper")),
        }
    }
    if case.given.heads.is_empty() {
        account.miss(
            Rule::Heads,
            "a head that a witness wrote down: lines after the last signature rest on who kept the logs",
        );
    }
}
