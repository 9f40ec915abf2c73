//! A resume is a beginning: medium, air gap, clock and plan are compared again, and a witness shows that the logs are
//! not cut back.

use super::{Account, Case, Rule};
use crate::event::{Event, Looked};

/// Rule `resumed`: a boot that goes on has its four looks, in their order. The head that a witness typed is that of an
/// earlier entry. Where no person had written one down, everything before is on the word of the person who kept the log
/// drives.
pub(super) fn judge(seq: u64, looked: &[Looked], written: Option<u64>, account: &mut Account) {
    use Looked as L;
    if !matches!(looked, [L::Medium { .. }, L::AirGap { .. }, L::Clock { .. }, L::Plan { .. }]) {
        let words = "the ceremony goes on, and not all of medium, air gap, clock and plan were looked at again";
        account.refuse(Rule::Resumed, Some(seq), words);
    }
    match written {
        Some(entry) if entry >= seq => {
            account.refuse(
                Rule::Resumed,
                Some(seq),
                format!("a witness typed the head of entry {entry}, which came later"),
            );
        }
        Some(_) => {}
        None => account.say_no(seq, "the machine was started again, and no person had written a head down"),
    }
}

/// Every look of every boot, and the entry that holds it.
pub(super) fn looks<'a>(case: &Case<'a>) -> impl Iterator<Item = (u64, &'a Looked)> + use<'a> {
    case.transcript.entries.iter().flat_map(|entry| {
        let looked = match &entry.event {
            Event::Looked(looked) => core::slice::from_ref(looked),
            Event::Interrupted { looked, .. } => looked,
            Event::Began(_)
            | Event::Promised(_)
            | Event::Said(..)
            | Event::Done(_)
            | Event::Came { .. }
            | Event::Mistyped { .. }
            | Event::Replaced { .. }
            | Event::Again { .. } => &[],
        };
        looked.iter().map(|looked| (entry.seq, looked))
    })
}
