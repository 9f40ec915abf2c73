//! A log that was lost and is found later: what it says of the record that went on without it.

use super::{Account, Rule};
use crate::entry::Head;
use crate::event::Event;
use crate::transcript::{Transcript, read};

/// Rule `also`: compares a log that was found later with the record. Nothing it holds makes the record refused: a person can
/// write any log. Where it is no beginning of the record it stands beside it as something that differs.
pub fn also(record: &[u8], found: &[u8], account: &mut Account) {
    // A record that cannot be read was refused already.
    let Ok(record) = read(record) else { return };
    let found = match read(found) {
        Ok(found) => found,
        Err(damage) => {
            return account.differs(Rule::Also, format!("the log that was found cannot be read: {damage}"));
        }
    };
    let (Some(begins), Some(own)) = (found.heads.first(), record.heads.first()) else {
        return account.differs(Rule::Also, "the log that was found holds no whole entry");
    };
    if begins != own {
        let words = format!("the log that was found is of another ceremony: it begins with head {begins}");
        return account.foreign.push(super::Finding::new(Rule::Also, None, words));
    }
    let alike = found.heads.iter().zip(&record.heads).take_while(|(found, own)| found == own).count();
    let more = found.heads.len() - alike;
    let last = alike - 1;
    if more > 0 {
        let here = match record.heads.get(alike) {
            Some(head) => format!("this record with head {head}"),
            None => "this record ends there".to_owned(),
        };
        let there = found.heads.get(alike).map(ToString::to_string).unwrap_or_default();
        let words = format!(
            "the log that was found parts from this record after entry {last}: it goes on with head {there}, {here}. It \
             holds entries that this record does not have: {more}. Compare the heads with those that witnesses wrote down"
        );
        return account.differs(Rule::Also, words);
    }
    match known(&record) {
        Some(known) if alike < known => {
            let words = format!(
                "the log that was found ends with entry {last}; the record says that the lost drive had entry {}: it was \
                 cut back, or is another copy",
                known - 1
            );
            account.differs(Rule::Also, words);
        }
        Some(_) => {
            account.prove(
                Rule::Also,
                None,
                format!("the log that was found is this record up to entry {last}, and no more"),
            );
        }
        None => {
            let words = format!(
                "the log that was found is this record up to entry {last}, and no more; the record speaks of no lost drive"
            );
            account.prove(Rule::Also, None, words);
        }
    }
}

/// Fewest entries that were on a drive that the record calls lost.
fn known(record: &Transcript) -> Option<usize> {
    let lost = record.entries.iter().filter_map(|entry| match &entry.event {
        Event::Interrupted { lost: Some(lost), .. } => Some(Head::from(lost.head)),
        _ => None,
    });
    lost.filter_map(|head| record.heads.iter().position(|known| *known == head).map(|at| at + 1)).min()
}
