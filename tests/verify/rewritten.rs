//! Transcripts cut, reordered, spliced and written again.

use std::collections::BTreeMap;

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Began, Event, Looked, Weakness};
use conclave_ceremony::merge::{MergeError, merge};
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::transcript::{self, append};
use conclave_ceremony::verify::{Account, Finding, Given, Verdict, verify};
use conclave_publish::{Digest, Kind, Tree};
use conclave_tests::ceremony::chained;

use super::golden::{self, judged};
use super::{ANOTHER, boots, differs_by, named, refused_by};

/// How a record ends that was gone on with alone.
const LATER: &str = "an hour later from";

fn entries() -> Vec<Entry> {
    golden::transcript().entries
}

fn began(change: impl FnOnce(&mut Began)) -> Vec<u8> {
    let mut entries = entries();
    let Event::Began(began) = &mut entries[0].event else { panic!("entry 0 begins") };
    change(began);
    chained(entries)
}

#[test]
fn entries_chained_anew_without_a_change_are_the_same_transcript() {
    assert_eq!(chained(entries()), golden::TRANSCRIPT);
}

#[test]
pub(super) fn a_transcript_cut_anywhere_is_incomplete() {
    let heads = golden::transcript().heads;
    for len in 1..entries().len() {
        let cut = chained(entries().into_iter().take(len));
        let account = judged(&cut, &[]);
        assert_eq!((account.verdict(), account.refused), (Verdict::Incomplete, vec![]), "{len} entries");
        differs_by(&judged(&cut, &[heads[heads.len() - 1]]), "heads");
    }
    refused_by(&judged(&[], &[]), "chain");
}

#[test]
pub(super) fn bytes_after_the_last_entry_are_refused() {
    let torn = [golden::TRANSCRIPT, &golden::TRANSCRIPT[..20]].concat();
    refused_by(&judged(&torn, &[]), "close");
    let mut more = entries();
    more.push(more[170].clone());
    refused_by(&judged(&chained(more), &[]), "close");
}

#[test]
fn entries_in_another_order_or_left_out_are_refused() {
    let refused = |entries: Vec<Entry>, what: &str| {
        // Without one of the two people that close it, it is not closed.
        assert!(judged(&chained(entries), &[]).verdict() <= Verdict::Incomplete, "{what}");
    };
    for at in 1..entries().len() - 1 {
        let mut swapped = entries();
        swapped.swap(at, at + 1);
        refused(swapped, &format!("{at} and the next swapped"));
        let mut fewer = entries();
        fewer.remove(at);
        refused(fewer, &format!("{at} left out"));
        let mut twice = entries();
        twice.insert(at, twice[at].clone());
        refused(twice, &format!("{at} doubled"));
    }
}

#[test]
fn a_transcript_written_anew_from_its_beginning_is_refused() {
    // Another nonce: every head after it differs, and the tokens signed the old ones.
    let account = judged(&began(|began| began.nonce = Octets([0; 32])), &[]);
    refused_by(&account, "proofs");
    refused_by(&account, "births");
    refused_by(&account, "statements");
}

#[test]
fn entries_of_another_ceremony_spliced_in_are_refused_or_the_head_shows_them() {
    let (ours, others) = (entries(), transcript::read(&ANOTHER.transcript).unwrap().entries);
    assert_eq!(ours.len(), others.len(), "two faultless ceremonies of one plan");
    let genuine = judged(golden::TRANSCRIPT, &[]);
    let (head, signed) = (golden::transcript().head(), genuine.signed.unwrap());
    let (mut refused, mut shown) = (0, 0);
    let mut judge = |spliced: Vec<Entry>, at: usize, what: &str| {
        let bytes = chained(spliced);
        let account = judged(&bytes, &[]);
        if bytes == golden::TRANSCRIPT {
            return;
        }
        if account.verdict() == Verdict::Refused {
            assert!(what != LATER, "{what} {at}: {:?}", account.refused);
            refused += 1;
            return;
        }
        // Entries that the ceremony's own keys no longer signed are listed on a person's word.
        assert!(at as u64 > signed && account.proved == genuine.proved, "{what} {at}");
        let account = judged(&bytes, &[head]);
        differs_by(&account, "heads");
        assert_eq!(account.verdict(), Verdict::ConsistentNotAnchored, "{what} {at}");
        shown += 1;
    };
    // As they are, and with the times of the entries they replace: the times betray nothing then.
    let fitted = others.iter().zip(&ours).map(|(other, our)| Entry { wall: our.wall, mono: our.mono, ..other.clone() });
    for others in [fitted.collect(), others.clone()] {
        for at in 1..ours.len() {
            let mut one = ours.clone();
            one[at] = others[at].clone();
            judge(one, at, "one entry");
        }
        for at in (1..ours.len()).step_by(5) {
            judge([&ours[..at], &others[at..]].concat(), at, "everything from");
            judge([&ours[..at], &others[at..at + 1], &ours[at..]].concat(), at, "one more");
        }
    }
    // The keeper of the logs could have gone on alone, an hour later, from any entry after the last signature. Nothing
    // in an end of this kind is refused: the head alone tells. The list of the bundle is that of the keys that signed:
    // a keeper that goes on alone has it.
    let published = |entry: &Entry| matches!(entry.event, Event::Came { act: Act::Write(_, Item::Bundle), .. });
    let later = |(other, our): (&Entry, &Entry)| {
        let event = if published(other) { our.event.clone() } else { other.event.clone() };
        Entry { wall: other.wall + 3_600, mono: other.mono + 3_600_000, event, ..other.clone() }
    };
    let later: Vec<Entry> = others.iter().zip(&ours).map(later).collect();
    let unsigned = signed as usize + 2..ours.len();
    let ends = unsigned.len();
    unsigned.for_each(|at| judge([&ours[..at], &later[at..]].concat(), at, LATER));
    println!("figure: {refused} splices refused, {shown} shown by the head alone");
    assert!(refused > 300 && shown >= ends && ends > 10, "{refused} {shown} {ends}");
    // Not even chained again.
    let foreign = append(&others[50].prev.into(), &others[50]).unwrap().0;
    refused_by(&judged(&[golden::TRANSCRIPT, &foreign].concat(), &[]), "chain");
}

#[test]
fn forked_logs_are_no_transcript() {
    let mut forked = entries();
    forked[160].mono += 1;
    let merged = merge(golden::TRANSCRIPT, &chained(forked)).map(|_| ());
    assert!(matches!(merged, Err(MergeError::Forked { seq: 160, .. })), "{merged:?}");
}

/// The golden plan as one that counts: it has a window of days, not of years.
fn counts() -> String {
    let plan = String::from_utf8(golden::PLAN.to_vec()).unwrap().replace("\"rehearsal\"", "\"production\"");
    plan.replace("2026-01-01T00:00:00Z\"\nuntil = \"2035-12-31", "2026-11-21T00:00:00Z\"\nuntil = \"2026-11-30")
}

/// These entries as the record of a plan that counts.
fn judged_by(plan: &str, entries: &mut [Entry], change: impl FnOnce(&mut Began)) -> Account {
    let Event::Began(began) = &mut entries[0].event else { panic!("entry 0 begins") };
    (began.plan, began.kind) = (Digest::of(plan.as_bytes()).into(), Kind::Production);
    change(began);
    let transcript = chained(entries.to_vec());
    verify(Given { names: None, transcript: &transcript, plan: plan.as_bytes(), files: &BTreeMap::new(), heads: &[] })
}

#[test]
pub(super) fn what_stands_against_the_machine_is_refused_where_it_counts_unless_the_plan_accepts_it_by_name() {
    let with = |weak: &[Weakness]| {
        let mut entries = entries();
        let found = entries.iter_mut().find_map(|entry| match &mut entry.event {
            Event::Looked(Looked::AirGap { weak, .. }) => Some(weak),
            _ => None,
        });
        *found.expect("the machine was looked at") = weak.to_vec();
        entries
    };
    let said = |findings: &[Finding]| findings.iter().filter(|finding| finding.rule.name() == "machine").count();
    assert_eq!(said(&judged_by(&counts(), &mut with(&[]), |_| ()).refused), 0);
    // One way out fewer than an appliance tries.
    let mut fewer = with(&[]);
    for entry in &mut fewer {
        if let Event::Looked(Looked::AirGap { absent, .. }) = &mut entry.event {
            *absent -= 1;
        }
    }
    assert_eq!(said(&judged(&chained(fewer.clone()), &[]).refused), 0);
    refused_by(&judged_by(&counts(), &mut fewer, |_| ()), "machine");
    for weakness in Weakness::ALL {
        let account = judged_by(&counts(), &mut with(&[weakness]), |_| ());
        refused_by(&account, "machine");
        assert_eq!((said(&account.refused), said(&account.reported)), (1, 0));
        // Accepted by name, it is told and refuses nothing; another that is not named does.
        let accepts = format!("policies = []\naccepts = [{:?}]", weakness.name());
        let accepting = counts().replacen("policies = []", &accepts, 1);
        let account = judged_by(&accepting, &mut with(&[weakness]), |_| ());
        assert_eq!((said(&account.refused), said(&account.reported)), (0, 1), "{account:?}");
        let account = judged_by(&accepting, &mut with(&Weakness::ALL), |_| ());
        assert_eq!((said(&account.refused), said(&account.reported)), (Weakness::ALL.len() - 1, 1), "{account:?}");
        // A rehearsal may be held on any machine.
        assert_eq!(said(&judged(&chained(with(&[weakness])), &[]).refused), 0);
    }
}

#[test]
fn a_digest_that_was_compared_with_no_copy_stands_against_what_counts_and_is_missing_in_a_rehearsal() {
    for (of_medium, what) in [(true, "the digest of the medium"), (false, "the digest of the plan")] {
        let mut entries = boots::compared_with_nothing(of_medium);
        let account = judged(&chained(entries.clone()), &[]);
        let told = account.missing.iter().any(|finding| finding.words.contains(what));
        assert!(told && account.against.is_empty(), "{account:?}");
        let account = judged_by(&counts(), &mut entries, |_| ());
        assert!(account.against.len() == 1 && account.against[0].words.starts_with(what), "{:?}", account.against);
    }
}

#[test]
pub(super) fn the_simulated_root_is_refused_under_a_production_plan() {
    let plan = counts();
    let account = judged_by(&plan, &mut entries(), |_| ());
    refused_by(&account, "certificates");
    assert!(!named(&account.proved).contains(&"certificates"));
    assert!(account.refused.iter().any(|finding| finding.words.contains("(simulated)")), "{:?}", account.refused);
    // No image that strangers cannot rebuild counts; a rehearsal's may be one.
    assert!(!named(&account.refused).contains(&"build"));
    for tree in [Tree::Dirty, Tree::Moved, Tree::DirtyAndMoved] {
        let say = |began: &mut Began| began.build = Text::fitted(&format!("0.1.0 {:040} {}", 7, tree.words()));
        refused_by(&judged_by(&plan, &mut entries(), say), "build");
        assert!(!named(&judged(&began(say), &[]).refused).contains(&"build"));
    }
    // And a transcript that only says it counts.
    refused_by(&judged(&began(|began| began.kind = Kind::Production), &[]), "kind");
}
