//! Tokens that are plugged in again, on machines with few ports: each shows its device key once more, with an entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::act::Act;
use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Answer, Event, Outcome, Way};
use conclave_ceremony::ids::{Device, TokenId};
use conclave_ceremony::{hands, plan, transcript};
use conclave_room::ceremony::begin::Begun;
use conclave_sim::card::profile::{ChipAuthentication, Profile};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, chained, start};

use super::{MEMO, MINIMAL, account, verified};

/// Plays the minimal plan, whose four ports make its tokens change hands, and returns how it ended and its record.
fn played(does: ChipAuthentication) -> (Ended, Vec<u8>, conclave_publish::Digest) {
    let plan = plan::read(MINIMAL).unwrap();
    let profile = Profile { chip_authentication: does, ..Profile::firmware_4_1() };
    let world = World::new([7; 32], STARTED, Arc::clone(&MEMO));
    let mut stage = Stage::with(&plan, world, &profile, [3; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(MINIMAL, start(), &mut stage.world).unwrap() else { panic!() };
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan), |_, _| ());
    assert!(!matches!(ended, Ended::Circle(_)), "{}", screen(&mut ceremony).join("\n"));
    (ended, ceremony.transcript().to_vec(), ceremony.head())
}

#[test]
fn a_token_that_is_plugged_in_again_proves_itself_with_an_entry_that_says_how() {
    let plan = plan::read(MINIMAL).unwrap();
    let expected: BTreeMap<TokenId, usize> = hands::again(&compile(&plan).unwrap()).into_iter().collect();
    assert_eq!(expected.len(), 2);
    for (does, way) in [(ChipAuthentication::Aes, Way::Aes), (ChipAuthentication::TripleDes, Way::TripleDes)] {
        let (ended, record, head) = played(does);
        assert_eq!(ended, Ended::Closed);
        verified(MINIMAL, &record, head);
        let entries = transcript::read(&record).unwrap().entries;
        let mut proofs = BTreeMap::new();
        for entry in &entries {
            if let Event::Came { act: Act::Authenticate(token), outcome } = &entry.event {
                assert!(matches!(outcome, Outcome::Proof { way: found, .. } if *found == way), "{outcome:?}");
                *proofs.entry(*token).or_default() += 1;
            }
        }
        assert_eq!(proofs, expected);

        // Without one of them the record is refused, and so it is where another way is said than such an act has.
        let at = |entry: &conclave_ceremony::entry::Entry| {
            matches!(entry.event, Event::Came { act: Act::Authenticate(_), .. })
        };
        let came = entries.iter().position(at).unwrap();
        let refused = |entries, rule: &str| {
            let account = account(MINIMAL, &chained(entries), &[]);
            assert!(account.refused.iter().any(|finding| finding.rule == rule), "{rule}: {:?}", account.refused);
        };
        let mut fewer = entries.clone();
        fewer.remove(came);
        for entry in &mut fewer[..came] {
            if entry.acts.first().is_some_and(|act| matches!(act, Act::Authenticate(_))) {
                entry.acts.remove(0);
            }
        }
        refused(fewer, "proved-since-plugged-in");
        let mut other = entries.clone();
        if let Event::Came { outcome: Outcome::Proof { way, .. }, .. } = &mut other[came].event {
            *way = Way::Key;
        }
        refused(other, "outcomes");
    }
}

#[test]
fn a_token_that_refuses_both_ciphers_halts_the_ceremony_in_words_when_it_is_plugged_in_again() {
    let (ended, record, _) = played(ChipAuthentication::Neither);
    let Ended::Stands(words) = ended else { panic!("{ended:?}") };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("the token does not do chip authentication (SW 6A80). Leave the token as it is."),
        "{words}"
    );
    let entries = transcript::read(&record).unwrap().entries;
    let plugged = |event: &Event| matches!(event, Event::Done(Answer::Inserted(Device::Token(_))));
    assert!(entries.iter().filter(|entry| plugged(&entry.event)).count() > 2, "it was plugged in again");
    assert!(matches!(
        entries.last().map(|entry| &entry.event),
        Some(Event::Came { act: Act::Authenticate(_), outcome: Outcome::Failed(_) })
    ));
}
