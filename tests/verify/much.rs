//! Records that repeat one thing: refused at a bound, so that they cost no more than their length.

use conclave_ceremony::act::Act;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event, Outcome};
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::public::Octets;
use conclave_ceremony::verify::Account;
use conclave_tests::ceremony::{chained, start};

use super::golden::{self, judged};
use super::rules::{line, outcome};

/// The golden record up to its last entry, and so many of one event, the first with these acts.
fn repeated(times: usize, event: &Event, acts: &[Act]) -> Account {
    let mut entries = golden::transcript().entries;
    let last = entries.pop().unwrap();
    let go = Event::Done(Answer::Go);
    let asked = (!acts.is_empty()).then(|| Entry { event: go, acts: acts.to_vec(), ..last.clone() });
    let many = std::iter::repeat_n(Entry { event: event.clone(), acts: Vec::new(), ..last }, times);
    judged(&chained(entries.into_iter().chain(asked).chain(many)), &[])
}

#[track_caller]
fn says(account: &Account, rule: &str, words: &str) -> bool {
    account.refused.iter().any(|finding| finding.rule.name() == rule && finding.words.contains(words))
}

#[test]
fn answers_looks_and_signatures_that_no_ceremony_has_are_refused_at_a_bound() {
    let answer = |number| Event::Done(Answer::Inserted(Device::Drive(DriveId(number))));
    let mut entries = golden::transcript().entries;
    let last = entries.pop().unwrap();
    let answers = |times: u16| (0..times).map(|at| Entry { event: answer(at), acts: Vec::new(), ..last.clone() });
    for (times, refused) in [(250_u16, false), (260, true)] {
        let account = judged(&chained(entries.iter().cloned().chain(answers(times))), &[]);
        assert_eq!(says(&account, "people", "more answers in one go"), refused, "{times}");
        // An objection counts as no answer.
        let objects = Event::Done(Answer::Objects(line("no")));
        assert!(!says(&repeated(times.into(), &objects, &[]), "people", "more answers in one go"));
        let looked = Event::Looked(start().findings[0].clone());
        assert_eq!(says(&repeated(times.into(), &looked, &[]), "order", "more was looked at"), refused, "{times}");
    }
    let inspect = Act::Inspect(TokenId(0));
    let seen = outcome(&mut golden::transcript().entries, inspect).clone();
    for (times, refused) in [(255, false), (256, true)] {
        let account = repeated(times, &Event::Came { act: inspect, outcome: seen.clone() }, &vec![inspect; times]);
        assert_eq!(says(&account, "acts", "more often than a ceremony does it"), refused, "{times}");
    }
    // An act that leaves no signature may be done as often as the record says.
    let combine = Act::Combine(Octets([0; 8]));
    let kcv = Event::Came { act: combine, outcome: Outcome::Kcv(Octets([0; 8])) };
    assert!(!says(&repeated(40, &kcv, &[combine; 40]), "acts", "more often"));
}
