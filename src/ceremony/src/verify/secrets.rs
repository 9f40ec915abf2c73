//! The record's knowledge of secrets, though it holds no secret: check values, digests of sealed files, PINs that were
//! tried.

use std::collections::BTreeMap;

use super::walk::Ended;
use super::{Account, Case, Deed, Rule};
use crate::act::{Act, Item, Slot};
use crate::event::Outcome;
use crate::ids::ShareId;
use crate::public::Octets;
use crate::script::Which;

type File = (u64, Octets<32>);

fn file(deed: &Deed<'_>) -> Option<File> {
    if let Outcome::File { len, digest } = deed.outcome { Some((*len, *digest)) } else { None }
}

/// Rule `check-value`: one check value from the making of the shares to the last token.
pub(super) fn check_values(case: &Case<'_>, account: &mut Account) {
    let mut made = None;
    for deed in case.deeds() {
        let value = if let Outcome::Kcv(value) = deed.outcome { Some(*value) } else { None };
        let expected = match deed.act {
            Act::MakeShares => {
                made = value;
                value
            }
            Act::Combine(compared) => made.filter(|made| *made == compared),
            Act::Import(_) => made,
            _ => continue,
        };
        if value.is_none() || value != expected {
            let words = format!("{}: not the check value of the shares' making", case.say().act(deed.act));
            account.refuse(Rule::CheckValue, Some(deed.came), words);
        }
    }
    if let Some(value) = made {
        account.report(
            Rule::CheckValue,
            None,
            format!("the DKEK has the check value {value} wherever it was compared"),
        );
    }
}

/// Rule `import`: every token got the shares after it was initialised for good, and they were combined before.
pub(super) fn imports(case: &Case<'_>, account: &mut Account) {
    let last = |wanted: Act| case.deeds().rfind(|deed| deed.act == wanted).map(|deed| deed.came);
    let made = last(Act::MakeShares);
    for token in case.plan.token_ids() {
        let (initialised, imported) = (last(Act::Initialise(token)), last(Act::Import(token)));
        let fits = last(Act::Prove(token)) < initialised && initialised < imported && made < imported;
        let tried = last(Act::TryPin(token));
        if account.closed && !(fits && imported < tried) {
            let words = format!("{} was not initialised, filled and tried in this order", case.say().token(token));
            account.refuse(Rule::Import, imported, words);
        }
    }
}

/// A file that is written is the one that was made, and a file that is read is the one that was written. A file that
/// was made is in memory until it is written or the power fails. It is written once, in the boot it was made in.
fn follow(case: &Case<'_>, account: &mut Account, rule: Rule, of: impl Fn(&Act) -> Option<Step>) {
    let mut made: BTreeMap<Made, File> = BTreeMap::new();
    let mut written: BTreeMap<Item, File> = BTreeMap::new();
    for visit in &case.walk.visits {
        for deed in &visit.deeds {
            if deed.act == Act::Wipe(None) {
                made.clear();
            }
            let Some(step) = of(&deed.act) else { continue };
            let seen = file(deed);
            let expected = match step {
                Step::Made(what) => {
                    made.extend(seen.map(|seen| (what, seen)));
                    seen
                }
                Step::Written(what, item) => {
                    written.extend(seen.map(|seen| (item, seen)));
                    made.remove(&what)
                }
                Step::Read(item) => written.get(&item).copied(),
            };
            let words = case.say().act(deed.act);
            match seen {
                Some(_) if seen != expected => {
                    account.refuse(rule, Some(deed.came), format!("{words}: another file, or one that was not there"));
                }
                Some((len, digest)) if matches!(step, Step::Written(..)) => {
                    account.report(rule, Some(deed.came), format!("{words}: {len} bytes, SHA-256 {digest}"));
                }
                Some(_) => {}
                None => account.refuse(rule, Some(deed.came), format!("{words}: no file came of it")),
            }
        }
        if visit.ended == Ended::Cut {
            made.clear();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Made {
    Share(ShareId),
    Blob(crate::ids::KeyIx),
}

#[derive(Clone, Copy)]
enum Step {
    Made(Made),
    Written(Made, Item),
    Read(Item),
}

/// Rule `shares`: see [`follow`]; an opened share was read before.
pub(super) fn shares(case: &Case<'_>, account: &mut Account) {
    follow(case, account, Rule::Shares, |act| match *act {
        Act::Seal(share) => Some(Step::Made(Made::Share(share))),
        Act::Write(_, item @ Item::Share(share, _)) => Some(Step::Written(Made::Share(share), item)),
        Act::Read(_, item @ Item::Share(..)) => Some(Step::Read(item)),
        _ => None,
    });
}

/// Rule `blobs`: see [`follow`].
pub(super) fn blobs(case: &Case<'_>, account: &mut Account) {
    follow(case, account, Rule::Blobs, |act| match *act {
        Act::Wrap(_, key) => Some(Step::Made(Made::Blob(key))),
        Act::Write(_, item @ Item::Blob(key, _)) => Some(Step::Written(Made::Blob(key), item)),
        Act::Read(_, item @ Item::Blob(..)) => Some(Step::Read(item)),
        _ => None,
    });
}

/// Rule `pins`: every PIN was made and shown to its keeper until it was typed back.
pub(super) fn pins(case: &Case<'_>, account: &mut Account) {
    for token in case.plan.token_ids() {
        for which in [Which::So, Which::User] {
            let slot = Slot::Pin(token, which);
            let shown = case.deeds().any(|deed| deed.act == Act::Reveal(slot) && *deed.outcome == Outcome::Done);
            let words = case.say().slot(slot);
            if shown {
                account.report(Rule::Pins, None, format!("{words} was made, shown to its keeper and typed back"));
            } else if account.closed {
                account.refuse(Rule::Pins, None, format!("{words} was never shown to its keeper"));
            }
        }
    }
}
