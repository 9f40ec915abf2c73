//! The largest records there may be, verified: 16 MiB of one thing, repeated, in a chain of its own.

use std::collections::BTreeMap;
use std::time::Instant;

use conclave_ceremony::act::Act;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event, Looked, Outcome, Way};
use conclave_ceremony::ids::{PersonId, TokenId};
use conclave_ceremony::public::{Bytes, Octets, Text};
use conclave_ceremony::seen::{Description, KeySeen, Object, Stored};
use conclave_ceremony::transcript::{TRANSCRIPT_LEN_MAX, read};
use conclave_ceremony::verify::{Given, Verdict, verify};
use conclave_tests::ceremony::chained;

use crate::{RUNS, median};

const PLAN: &[u8] = include_bytes!("../golden/transcripts/v2/plan.toml");
const RECORD: &[u8] = include_bytes!("../golden/transcripts/v2/conclave.cbor");
/// Parts of the largest record: whether the time grows as the record does is seen.
const PARTS: [usize; 3] = [4, 2, 1];

/// Things that an enemy might repeat, by name.
fn events() -> Vec<(&'static str, Event)> {
    let text = || Text::fitted(&"x".repeat(Text::LEN_MAX));
    let bytes = || Bytes::new(vec![0x30; Bytes::LEN_MAX]).unwrap();
    let key = |number| {
        let stored = Stored::Certificate(Octets([7; 32]));
        Object::Key(KeySeen { number, stored, description: Description::Nothing })
    };
    let came = |act, outcome| Event::Came { act, outcome };
    let machine = vec![text(); 300];
    vec![
        ("objections", Event::Said(PersonId(1), Answer::Objects(text()))),
        ("answers", Event::Done(Answer::Go)),
        ("looks", Event::Looked(Looked::AirGap { weak: Vec::new(), absent: 0, machine, hardware: Vec::new() })),
        ("object lists", came(Act::List(TokenId(0)), Outcome::Objects((1..=255).map(key).collect()))),
        ("proofs", came(Act::Prove(TokenId(0)), Outcome::Proof { way: Way::Key, evidence: bytes() })),
        ("certificates", came(Act::Show, Outcome::Certificate(bytes()))),
    ]
}

/// Outcomes of one act that an entry intends.
const INTENDED: usize = 1_000;

/// A record that begins well and goes on with one event to this length. An outcome follows entries that intend its act.
fn record(event: &Event, len: usize) -> Vec<u8> {
    let mut entries = read(RECORD).unwrap().entries;
    let last = entries.pop().unwrap();
    let one = Entry { event: event.clone(), acts: Vec::new(), ..last.clone() };
    let round = match *event {
        Event::Came { act, .. } => {
            let intent = Entry { event: Event::Done(Answer::Go), acts: vec![act; INTENDED], ..last };
            std::iter::once(intent).chain(std::iter::repeat_n(one, INTENDED)).collect()
        }
        _ => vec![one],
    };
    let mut left = len - chained(entries.clone()).len();
    // The last round may end early: each entry is whole.
    for entry in round.into_iter().cycle() {
        // A sequence number of a long record takes a few bytes more.
        match left.checked_sub(chained([entry.clone()]).len() + 8) {
            Some(less) => left = less,
            None => break,
        }
        entries.push(entry);
    }
    chained(entries)
}

pub(crate) fn verify_speed() {
    for (name, event) in events() {
        let mut took = Vec::new();
        for part in PARTS {
            let record = record(&event, TRANSCRIPT_LEN_MAX / part);
            assert!(record.len() <= TRANSCRIPT_LEN_MAX / part, "{}", record.len());
            let runs = (0..RUNS).map(|_| {
                let began = Instant::now();
                let files = BTreeMap::new();
                let account = verify(Given { transcript: &record, plan: PLAN, names: None, files: &files, heads: &[] });
                assert_ne!(account.verdict(), Verdict::Anchored);
                began.elapsed().as_secs_f64()
            });
            took.push(median(runs.collect()));
        }
        println!(
            "figure: verifying 4, 8 and 16 MiB of {name}: {:.2}, {:.2} and {:.2} s (bar 3 s)",
            took[0], took[1], took[2]
        );
    }
}
