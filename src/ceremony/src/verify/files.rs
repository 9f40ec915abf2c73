//! Files on drives: the plan beside both logs, drives that were empty, the public bundle, and the files before the
//! verifier.

use std::collections::BTreeSet;

use conclave_publish::Digest;

use super::{Account, Case, Finding, Rule, anchor, bundle};
use crate::act::{Act, Item};
use crate::event::Outcome;
use crate::public::Octets;
use crate::script::StepKind;
use crate::twin::twin;

/// Name of the file with the names behind the plan's ids.
const NAMES: &str = "names.toml";
/// Name of the plan on a log drive.
pub(super) const PLAN: &str = "plan.toml";
/// Name of the record.
const RECORD: &str = "conclave.cbor";
/// Name of the text twin.
const TWIN: &str = "conclave.txt";
/// Name of the list of the public bundle.
pub(super) const MANIFEST: &str = "manifest.txt";

/// Rule `logs`: both log drives got the plan of entry 0 and the same names.
pub(super) fn logs(case: &Case<'_>, account: &mut Account) {
    let mut names = BTreeSet::new();
    for deed in case.deeds() {
        let Act::Write(_, item @ (Item::Plan | Item::Names)) = deed.act else { continue };
        let words = case.say().act(deed.act);
        match (item, deed.outcome) {
            (Item::Plan, Outcome::File { digest, .. }) if *digest == case.began.plan => {}
            (Item::Names, Outcome::File { digest, .. }) => drop(names.insert(*digest)),
            _ => account.refuse(Rule::Logs, Some(deed.came), format!("{words}: another file")),
        }
    }
    if names.len() > 1 {
        account.refuse(Rule::Logs, None, "the log drives got two different files of names");
    }
}

/// Rule `registered`: a drive that is registered is empty.
pub(super) fn registered(case: &Case<'_>, account: &mut Account) {
    for visit in case.walk.visits.iter().filter(|visit| matches!(visit.step.kind, StepKind::Register(_))) {
        for deed in &visit.deeds {
            match deed.outcome {
                Outcome::Drive { names, others: 0, .. } if names.is_empty() => {}
                _ => account.refuse(Rule::Registered, Some(deed.came), "a drive that is not empty was registered"),
            }
        }
    }
}

/// Rule `names`: a name that is here has the digest that the plan has of its id. [`Names`](crate::plan::names::Names)
/// are not made otherwise.
pub(super) fn names(case: &Case<'_>, account: &mut Account) {
    let Some(names) = case.given.names else {
        return account
            .miss(Rule::Names, format!("{NAMES}: the names of people, organisations and places behind the ids"));
    };
    for (id, name) in names.all() {
        account.prove(Rule::Names, None, format!("{id} is {name}: its line of {NAMES} has the digest the plan says"));
    }
}

/// The files beside the record: each that the record speaks of is compared, every other is foreign.
pub(super) fn beside(case: &Case<'_>, account: &mut Account) {
    compared(
        case,
        Rule::TextTwin,
        TWIN,
        "the text of this transcript",
        twin(case.plan, case.transcript).as_bytes(),
        account,
    );
    compared(case, Rule::Beside, PLAN, "the plan of this transcript", case.given.plan, account);
    compared(case, Rule::Beside, RECORD, "this transcript", case.given.transcript, account);
    let mut spoken: BTreeSet<String> = [TWIN, PLAN, RECORD].map(str::to_owned).into();
    for deed in case.deeds() {
        let (Act::Write(_, item), Outcome::File { len, digest }) = (deed.act, deed.outcome) else { continue };
        let Some(name) = name(case, item).filter(|name| spoken.insert(name.clone())) else { continue };
        let Some(bytes) = case.given.files.get(&name) else { continue };
        // The list of the bundle is compared with its files.
        if item == Item::Bundle {
            continue;
        }
        if bytes.len() as u64 == *len && Octets::from(Digest::of(bytes)) == *digest {
            account.prove(Rule::Sealed, None, format!("{name} is the file that was written"));
        } else {
            account.differs(Rule::Sealed, format!("{name} is not the file that was written"));
        }
    }
    let known = |name: &str| spoken.contains(name) || bundle::speaks_of(case, name) || anchor::speaks_of(case, name);
    for name in case.given.files.keys() {
        // A power cut can leave a part of a file: the part is kept beside the file under a number.
        let whole =
            name.rsplit_once(".torn").filter(|(_, number)| number.parse::<u16>().is_ok()).map(|(whole, _)| whole);
        if !known(whole.unwrap_or(name)) {
            account.foreign.push(Finding::new(Rule::Foreign, None, format!("{name}: the record does not speak of it")));
        }
    }
}

/// Compares one file, if it lies here.
pub(super) fn compared(case: &Case<'_>, rule: Rule, name: &str, what: &str, expected: &[u8], account: &mut Account) {
    match case.given.files.get(name) {
        None => {}
        Some(bytes) if bytes == expected => account.prove(rule, None, format!("{name} is {what}")),
        Some(_) => account.differs(rule, format!("{name} is not {what}: a changed end of a line is a change, too")),
    }
}

/// The name of a written file.
fn name(case: &Case<'_>, item: Item) -> Option<String> {
    let again = |attempt: u16| if attempt > 1 { format!("-{attempt}") } else { String::new() };
    match item {
        Item::Share(share, attempt) => Some(format!("share-{}{}.pbe", u32::from(share.0) + 1, again(attempt))),
        Item::Blob(key, attempt) => {
            let key = case.plan.key(key)?;
            Some(format!("{}{}.wrap", key.label.as_str(), again(attempt)))
        }
        Item::Plan => Some(PLAN.to_owned()),
        Item::Names => Some(NAMES.to_owned()),
        Item::Bundle => Some(MANIFEST.to_owned()),
    }
}
