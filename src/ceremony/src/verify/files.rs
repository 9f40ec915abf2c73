//! Files on drives: the plan beside both logs, drives that were empty, the public bundle, and what lies before the verifier.

use std::collections::BTreeSet;

use conclave_publish::{Digest, Manifest};

use super::{Account, Case};
use crate::act::{Act, Item};
use crate::event::Outcome;
use crate::public::Octets;
use crate::script::StepKind;
use crate::twin::twin;

/// Name of the file with the names behind the plan's ids.
const NAMES: &str = "names.toml";
/// Name of the text twin.
const TWIN: &str = "conclave.txt";
/// Name of the list of the public bundle.
const MANIFEST: &str = "manifest.txt";

/// Rule `logs`: both log drives got the plan of entry 0 and the same names.
pub(super) fn logs(case: &Case<'_>, account: &mut Account) {
    let mut names = BTreeSet::new();
    for deed in case.deeds() {
        let Act::Write(_, item @ (Item::Plan | Item::Names)) = deed.act else { continue };
        let words = case.say().act(deed.act);
        match (item, deed.outcome) {
            (Item::Plan, Outcome::File { digest, .. }) if *digest == case.began.plan => {}
            (Item::Names, Outcome::File { digest, .. }) => drop(names.insert(*digest)),
            _ => account.refuse("logs", Some(deed.came), format!("{words}: another file")),
        }
    }
    if names.len() > 1 {
        account.refuse("logs", None, "the log drives got two different files of names");
    }
    if let (Some(bytes), Some(written)) = (case.given.files.get(NAMES), names.first())
        && Octets::from(Digest::of(bytes)) != *written
    {
        account.refuse("logs", None, format!("{NAMES} is not the file that was written to the log drives"));
    }
}

/// Rule `registered`: a drive that is registered is empty.
pub(super) fn registered(case: &Case<'_>, account: &mut Account) {
    for visit in case.walk.visits.iter().filter(|visit| matches!(visit.step.kind, StepKind::Register(_))) {
        for deed in &visit.deeds {
            match deed.outcome {
                Outcome::Drive { names, others: 0, .. } if names.is_empty() => {}
                _ => account.refuse("registered", Some(deed.came), "a drive that is not empty was registered"),
            }
        }
    }
}

/// Rule `bundle`: the public bundle was written; if its list is here, everything on it is, as written.
pub(super) fn bundle(case: &Case<'_>, account: &mut Account) {
    let Some((len, digest)) = case.deeds().rev().find_map(|deed| match (deed.act, deed.outcome) {
        (Act::Write(_, Item::Bundle), Outcome::File { len, digest }) => Some((*len, *digest)),
        _ => None,
    }) else {
        return;
    };
    account.report("bundle", None, format!("the list of the public bundle has {len} bytes, SHA-256 {digest}"));
    let Some(list) = case.given.files.get(MANIFEST) else {
        return account
            .miss("bundle", format!("{MANIFEST} and the files it names: the public bundle was not looked at"));
    };
    if Octets::from(Digest::of(list)) != digest {
        return account.refuse("bundle", None, format!("{MANIFEST} is not the list that was written"));
    }
    let manifest = match Manifest::parse(list) {
        Ok(manifest) => manifest,
        Err(error) => return account.refuse("bundle", None, format!("{MANIFEST}: {error}")),
    };
    for item in manifest.items() {
        match case.given.files.get(item.name.as_str()) {
            None => account.miss("bundle", format!("{}, which {MANIFEST} names", item.name.as_str())),
            Some(bytes) if Digest::of(bytes) == item.digest => {
                account.prove("bundle", None, format!("{} is the file that was published", item.name.as_str()));
            }
            Some(_) => {
                account.refuse("bundle", None, format!("{} is not the file that was published", item.name.as_str()))
            }
        }
    }
}

/// Rule `names`: a name that is here has the digest that the plan has of its id. [`Names`](crate::plan::names::Names) are not made
/// otherwise.
pub(super) fn names(case: &Case<'_>, account: &mut Account) {
    let Some(names) = case.given.names else {
        return account.miss("names", format!("{NAMES}: the names of people, organisations and places behind the ids"));
    };
    for (id, name) in names.all() {
        account.prove("names", None, format!("{id} is {name}: its line of {NAMES} has the digest the plan says"));
    }
}

/// Rule `text-twin`: the text beside the transcript says what the transcript says.
pub(super) fn text_twin(case: &Case<'_>, account: &mut Account) {
    let Some(text) = case.given.files.get(TWIN) else { return };
    if *text == twin(case.plan, case.transcript).into_bytes() {
        account.prove("text-twin", None, format!("{TWIN} says what the transcript says"));
    } else {
        account.refuse("text-twin", None, format!("{TWIN} is not the text of this transcript"));
    }
}

/// A sealed file that lies before the verifier is the one that was written.
pub(super) fn beside(case: &Case<'_>, account: &mut Account, item: Item, len: u64, digest: Octets<32>) {
    let again = |attempt: u16| if attempt > 1 { format!("-{attempt}") } else { String::new() };
    let name = match item {
        Item::Share(share, attempt) => format!("share-{}{}.pbe", u32::from(share.0) + 1, again(attempt)),
        Item::Blob(key, attempt) => {
            let Some(key) = case.plan.keys.get(usize::from(key.0)) else { return };
            format!("{}{}.wrap", key.label.as_str(), again(attempt))
        }
        Item::Plan | Item::Names | Item::Bundle => return,
    };
    let Some(bytes) = case.given.files.get(&name) else { return };
    if bytes.len() as u64 == len && Octets::from(Digest::of(bytes)) == digest {
        account.prove("sealed", None, format!("{name} is the file that was written"));
    } else {
        account.refuse("sealed", None, format!("{name} is not the file that was written"));
    }
}
