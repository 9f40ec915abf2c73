//! The looks of each boot: the looks that a record must have of the first boot and of every resume.

use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Event, Looked, Lost, Source};
use conclave_ceremony::ids::DriveId;
use conclave_tests::ceremony::{chained, interrupted};

use super::golden::{self, judged};
use super::refused_by;
use super::rules::breaks;

/// A change of the looks of a boot, and of the head that was typed.
type Change = fn(&mut Vec<Looked>, &mut Option<u64>);

#[test]
pub(super) fn resumed() {
    let cut = |change: Change| {
        move |entries: &mut Vec<Entry>| {
            let mut cut = Entry { acts: Vec::new(), boot: 2, ..entries[60].clone() };
            cut.event = interrupted(2, cut.prev, &cut);
            let Event::Interrupted { looked, written, .. } = &mut cut.event else { panic!("an interruption") };
            change(looked, written);
            entries[60..].iter_mut().for_each(|entry| entry.boot = 2);
            entries.insert(60, cut);
        }
    };
    let judge = |change: Change| {
        let mut entries = golden::transcript().entries;
        cut(change)(&mut entries);
        judged(&chained(entries), &[])
    };
    let account = judge(|_, _| ());
    assert!(!super::named(&account.refused).contains(&"resumed") && account.against.is_empty(), "{account:?}");
    for at in 0..4 {
        let changes: [Change; 4] = [
            |looked, _| drop(looked.remove(0)),
            |looked, _| drop(looked.remove(1)),
            |looked, _| drop(looked.remove(2)),
            |looked, _| looked.swap(0, 3),
        ];
        refused_by(&judge(changes[at]), "resumed");
    }
    // The head of an entry that was not there yet.
    refused_by(&judge(|_, written| *written = Some(60)), "resumed");
    // Nothing is refused where no person had written a head down, and the record says so.
    let account = judge(|_, written| *written = None);
    assert!(!super::named(&account.refused).contains(&"resumed"));
    assert_eq!(account.against.len(), 1, "{:?}", account.against);
    assert!(account.against[0].words.contains("no person had written a head down"), "{:?}", account.against);
    // A plan without spares, and a drive that is none.
    for (drive, spare) in [(0, 2), (2, 1), (0, 99)] {
        let mut entries = golden::transcript().entries;
        cut(|_, _| ())(&mut entries);
        let known = entries[59].prev;
        let Event::Interrupted { lost, .. } = &mut entries[60].event else { panic!("an interruption") };
        *lost = Some(Lost { head: known, drive: DriveId(drive), spare: DriveId(spare) });
        refused_by(&judged(&chained(entries), &[]), "replaced");
    }
    // The looks of a later boot count like those of the first.
    refused_by(&judge(|looked, _| looked[2] = Looked::Clock { wall: 1_795_295_100 - 3_600, mono: 0 }), "clock");
}

#[test]
pub(super) fn clock() {
    for (wall, mono) in [(3_600, 0), (-3_600, 0), (0, 3_600_000), (i64::MAX, 0), (0, u64::MAX)] {
        breaks("clock", |entries| {
            let looked = entries.iter_mut().find_map(|entry| match &mut entry.event {
                Event::Looked(Looked::Clock { wall, mono }) => Some((wall, mono)),
                _ => None,
            });
            let (at, since) = looked.expect("the clock was compared");
            (*at, *since) = (at.saturating_add(wall), since.saturating_add(mono));
        });
    }
}

/// These entries, in which the digest of the medium, or of the plan, was compared with no copy.
pub(super) fn compared_with_nothing(of_medium: bool) -> Vec<Entry> {
    let mut entries = golden::transcript().entries;
    for entry in &mut entries {
        match &mut entry.event {
            Event::Looked(Looked::Medium { source }) if of_medium => *source = Source::Nobody,
            Event::Looked(Looked::Plan { source, .. }) if !of_medium => *source = Source::Nobody,
            _ => {}
        }
    }
    entries
}
