//! Sign-in codes: the record of wrong codes, and the rights of a person once their code is dead.

use conclave_ceremony::act::Act;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event};
use conclave_ceremony::ids::{PersonId, TokenId};
use conclave_ceremony::verify::Account;
use conclave_tests::ceremony::chained;

use super::golden::{self, judged};
use super::refused_by;
use super::rules::{intends, line};

const MASTER: TokenId = TokenId(0);

#[test]
pub(super) fn codes() {
    let entries = golden::transcript().entries;
    let prove = intends(&entries, Act::Prove(MASTER));
    let (operator, witness, custodian) = (PersonId(0), PersonId(1), PersonId(2));
    let mistyped = |times, whose| Event::Mistyped { times, whose };
    let back = |by| Event::Said(operator, Answer::SignedIn { by, document: line("passport") });
    let dead = || [5, 10, 15].map(|times| mistyped(times, operator)).into_iter();
    let judge = |events: Vec<Event>| {
        let mut entries = entries.clone();
        let before = Entry { acts: Vec::new(), ..entries[prove - 1].clone() };
        entries.splice(prove - 1..prove - 1, events.into_iter().map(|event| Entry { event, ..before.clone() }));
        judged(&chained(entries), &[])
    };
    let says = |account: &Account| account.refused.iter().any(|finding| finding.rule.name() == "codes");
    // The operator agrees in the next entry.
    let fits = judge(dead().chain([back(Some(witness))]).collect());
    assert!(!says(&fits), "{:?}", fits.refused);
    let listed =
        fits.reported.iter().filter(|finding| finding.rule.name() == "codes").map(|finding| finding.words.as_str());
    assert_eq!(
        listed.collect::<Vec<_>>(),
        [
            "5 wrong sign-in codes were typed for operator",
            "10 wrong sign-in codes were typed for operator",
            "15 wrong sign-in codes were typed for operator; the code is dead"
        ]
    );
    let again = dead().chain([back(Some(custodian))]).chain(dead()).chain([back(Some(witness))]);
    assert!(!says(&judge(again.collect())), "it is counted from zero again");
    for refused in [
        vec![mistyped(5, PersonId(99))],
        vec![mistyped(4, operator)],
        vec![mistyped(10, operator)],
        vec![mistyped(5, operator), mistyped(5, operator)],
        vec![mistyped(5, operator), mistyped(15, operator), back(Some(witness))],
        vec![mistyped(5, operator), back(Some(witness))],
        dead().collect(),
        dead().chain([back(None)]).collect(),
        dead().chain([back(Some(operator))]).collect(),
        dead().chain([back(Some(PersonId(99)))]).collect(),
    ] {
        let account = judge(refused);
        assert!(says(&account), "{:?}", account.refused);
        refused_by(&account, "codes");
    }
    // Custodians have one role, and a dead code confirms nothing.
    let of_another = |by| {
        let dead = [5, 10, 15].map(|times| mistyped(times, PersonId(3)));
        let back = Event::Said(PersonId(3), Answer::SignedIn { by, document: line("passport") });
        judge(dead.into_iter().chain([back]).collect())
    };
    assert!(says(&of_another(Some(custodian))) && !says(&of_another(Some(witness))));
    let both = dead().chain([5, 10, 15].map(|times| mistyped(times, witness))).chain([back(Some(witness))]);
    assert!(says(&judge(both.collect())));
}
