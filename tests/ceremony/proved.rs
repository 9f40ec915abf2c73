//! Tokens that are plugged in again, on machines with few ports: each shows its device key once more, with an entry.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::act::Act;
use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Event, Outcome, Way};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::{hands, plan, transcript};
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::Machine;
use conclave_sim::card::profile::{ChipAuthentication, Profile};
use conclave_sim::icc::Icc;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, brought, chained, start};

use super::{MEMO, MINIMAL, account, verified};

/// Plays the minimal plan, which has four ports so that its tokens change hands, and returns how it ended and its
/// record.
pub fn played(does: ChipAuthentication) -> (Ended, Vec<u8>, conclave_publish::Digest) {
    let plan = plan::read(MINIMAL).unwrap();
    let profile = Profile { chip_authentication: does, ..Profile::firmware_4_1() };
    let world = World::new([7; 32], STARTED, Arc::clone(&MEMO));
    let mut stage = Stage::with(&plan, world, &profile, [3; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
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

        // Without one of them the record is refused. It is also refused where it names a way that an act of this
        // kind does not have.
        let at = |entry: &conclave_ceremony::entry::Entry| {
            matches!(entry.event, Event::Came { act: Act::Authenticate(_), .. })
        };
        let came = entries.iter().position(at).unwrap();
        let refused = |entries, rule: &str| {
            let account = account(MINIMAL, &chained(entries), &[]);
            assert!(account.refused.iter().any(|finding| finding.rule.name() == rule), "{rule}: {:?}", account.refused);
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

/// The minimal plan with five tries of its master, which is in no bag, so that its SO-PIN may unblock.
fn unblocking() -> Vec<u8> {
    let so_pin = "so-pin = { keeper = \"operator\" }";
    let more = format!("{so_pin}\npin-tries = 5");
    String::from_utf8(MINIMAL.to_vec()).unwrap().replacen(so_pin, &more, 1).into_bytes()
}

#[test]
fn a_token_whose_so_pin_may_unblock_refuses_to_set_a_pin_before_it_gets_a_long_one_of_its_own() {
    let bytes = unblocking();
    let plan = plan::read(&bytes).unwrap();
    let world = World::new([7; 32], STARTED, Arc::clone(&MEMO));
    let mut stage = Stage::of(&plan, world, [3; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(&bytes), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan), |_, _| ());
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    verified(&bytes, ceremony.transcript(), ceremony.head());
    let entries = transcript::read(ceremony.transcript()).unwrap().entries;
    let tried = |event: &Event| matches!(event, Event::Came { act: Act::TrySet(TokenId(0)), outcome: Outcome::Done });
    assert_eq!(entries.iter().filter(|entry| tried(&entry.event)).count(), 1);
    // Left out, it is missed.
    let mut fewer = entries.clone();
    fewer.iter_mut().for_each(|entry| entry.acts.retain(|act| *act != Act::TrySet(TokenId(0))));
    fewer.retain(|entry| !tried(&entry.event));
    let account = account(&bytes, &chained(fewer), &[]);
    assert!(account.refused.iter().any(|finding| finding.rule.name() == "acts"), "{:?}", account.refused);

    // The state of the token at the end, by its own word: five tries, options 0021; the other token has three
    // tries and no options.
    for (token, tries, options) in [(TokenId(0), 0x63c5, [0x00, 0x21]), (TokenId(1), 0x63c3, [0x00, 0x00])] {
        let place = stage.place(token).unwrap();
        let (fci, status) = stage
            .world
            .tokens()
            .token(place, |token| {
                token.power_on();
                let fci =
                    token.transmit(b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00").response;
                (fci, token.transmit(&[0x00, 0x20, 0x00, 0x81]).response)
            })
            .unwrap();
        assert_eq!(status, u16::to_be_bytes(tries));
        assert!(fci.windows(4).any(|part| part == [0x85, 0x05, options[0], options[1]]), "{fci:02x?}");
        let place = stage.place(token).unwrap();
        // VERIFY carries the PIN alone: fourteen characters, or eight.
        let len = if token == TokenId(0) { 14 } else { 8 };
        let asked = |token: &mut conclave_sim::token::Token| {
            let exchanges = token.log().exchanges().iter().filter(|one| one.header() == [0x00, 0x20, 0x00, 0x81]);
            exchanges.map(|one| one.command_len()).collect::<Vec<_>>()
        };
        let lens = stage.world.tokens().token(place, asked).unwrap();
        assert_eq!(lens.iter().rfind(|len| **len > 4), Some(&(5 + len)));
    }
}
