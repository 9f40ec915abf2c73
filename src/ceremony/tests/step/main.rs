//! The step skeleton, driven by a robot through the smallest plan: to its end, cut at every entry, and into every refusal.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod burnt;
mod card;
mod codes;
mod random;
mod room;

use conclave_ceremony::act::{Act, Item, Signs, Slot};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::{Answer, Event, Failure, Next, Outcome};
use conclave_ceremony::ids::{Device, DriveId, KeyIx, PersonId, TokenId};
use conclave_ceremony::public::{Bytes, Octets};
use conclave_ceremony::script::{StepKind, Which};
use conclave_ceremony::seen::{Description, DomainSeen, Object, PinSeen, Stored, TokenSeen};
use conclave_ceremony::step::{Unfit, Waiting};
use conclave_ceremony::verify::Verdict;
use conclave_publish::Digest;
use smartcard_hsm::object::PinState;

use room::{KCV, Room, text};

#[track_caller]
fn halts(act: impl Fn(&Act) -> bool, outcome: Outcome, words: &str) {
    let mut room = Room::fails(act, outcome);
    let Waiting::Halted(failure) = room.waiting() else { panic!("{:?}", room.waiting()) };
    assert!(failure.words.as_str().contains(words), "{failure:?}");
    let go = Event::Done(Answer::Go);
    assert_eq!(room.event(&go), Err(Unfit::Other), "halted is a latch");
    room.interrupt();
    assert_eq!(room.run(), Waiting::Closed, "a new boot goes on at the step that failed");
}

fn file(words: &str) -> Outcome {
    Outcome::File { len: 64, digest: Digest::of(words.as_bytes()).into() }
}

#[test]
fn everything_goes_well_from_the_first_entry_to_the_last() {
    let mut room = Room::new();
    assert_eq!(room.run(), Waiting::Closed);
    let facts = room.state.facts();
    assert!(facts.vault.is_empty() && facts.objections.is_empty());
    assert_eq!((facts.imported.len(), facts.keys.len(), facts.bags.len()), (2, 1, 1));
    assert_eq!(facts.keys.values().map(|key| key.statements.len()).sum::<usize>(), 2);
    assert_eq!(facts.attested.values().filter(|refused| refused.is_none()).count(), facts.attested.len());
    assert_eq!(room.event(&Event::Done(Answer::Go)), Err(Unfit::Other));
    let account = room.account();
    assert_eq!((&account.refused, account.verdict()), (&vec![], Verdict::Anchored));
}

#[test]
fn power_fails_after_every_entry_and_the_ceremony_still_ends() {
    let mut at = 2;
    let mut running = Room::new();
    for _ in 0..at {
        let event = running.next().unwrap();
        running.event(&event).unwrap();
    }
    while running.waiting() != Waiting::Closed {
        let mut cut = running.clone();
        cut.interrupt();
        assert!(cut.state.facts().vault.is_empty() && cut.state.facts().proved.is_empty());
        assert_eq!(cut.run(), Waiting::Closed, "cut after entry {at}, in {:?}", running.kind());
        let (facts, uncut) = (cut.state.facts(), Room::new());
        let account = cut.account();
        assert_eq!((&account.refused, account.verdict()), (&vec![], Verdict::Anchored), "cut after entry {at}");
        assert_eq!(facts.imported.len(), uncut.plan.tokens.len());
        assert_eq!(facts.keys[&KeyIx(0)].statements.len(), 2);
        let event = running.next().unwrap();
        running.event(&event).unwrap();
        at += 1;
    }
    println!("figure: power cut after {at} entries, each run ended");
    assert!(at > 150, "{at}");
}

#[test]
fn a_token_of_an_earlier_boot_proves_itself_before_anything_secret_goes_to_it() {
    let mut room = Room::new();
    room.run_until(|room| room.kind() == StepKind::Generate(KeyIx(0)));
    room.interrupt();
    let before = room.done.len();
    room.run();
    let master: Vec<&Act> =
        room.done[before..].iter().map(|(_, act)| act).filter(|act| act.token() == Some(TokenId(0))).collect();
    assert_eq!(master.first(), Some(&&Act::Authenticate(TokenId(0))));
    // In the new boot, and once more where four ports made it change hands: before Compare.
    assert_eq!(master.iter().filter(|act| matches!(act, Act::Authenticate(_))).count(), 2);
}

#[test]
fn half_an_import_means_initialising_that_token_again_and_no_other() {
    let mut room = Room::new();
    room.run_until(|room| room.waiting() == Waiting::Acting(Act::Import(TokenId(1))));
    room.interrupt();
    let before = room.done.len();
    assert_eq!(room.run(), Waiting::Closed);
    let again: Vec<Act> = room.done[before..].iter().map(|(_, act)| *act).collect();
    assert!(again.contains(&Act::Initialise(TokenId(1))) && !again.contains(&Act::Initialise(TokenId(0))));
    assert!(again.contains(&Act::Import(TokenId(1))) && !again.contains(&Act::Import(TokenId(0))));
}

#[test]
fn shares_that_were_not_all_written_are_made_anew_under_other_names() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.kind(), StepKind::WriteShare(share) if share.0 == 1));
    room.interrupt();
    assert_eq!((room.kind(), room.state.facts().kcv), (StepKind::MakeShares, None));
    room.run();
    let written: Vec<Item> = room
        .done
        .iter()
        .filter_map(|(_, act)| if let Act::Write(_, item) = act { Some(*item) } else { None })
        .collect();
    let sets: Vec<u16> =
        written.iter().filter_map(|item| if let Item::Share(_, set) = item { Some(*set) } else { None }).collect();
    assert_eq!(sets, [1, 2, 2]);
}

#[test]
fn a_check_value_of_other_shares_halts() {
    halts(|act| matches!(act, Act::Combine(_)), Outcome::Kcv(Octets([8; 8])), "check value of the shares");
    halts(|act| matches!(act, Act::Import(TokenId(1))), Outcome::Kcv(Octets([8; 8])), "check value of BACKUP");
}

#[test]
fn a_file_that_is_not_the_one_written_halts() {
    halts(|act| matches!(act, Act::Read(_, Item::Share(..))), file("another"), "not the one written in this ceremony");
    halts(|act| matches!(act, Act::Write(_, Item::Blob(..))), file("another"), "the key blob was read back");
    halts(|act| matches!(act, Act::Write(_, Item::Share(..))), file("another"), "the share file was read back");
    halts(|act| matches!(act, Act::Write(_, Item::Plan)), file("another"), "the plan was read back");
}

#[test]
fn a_statement_with_another_signature_halts() {
    let outcome = Outcome::Signature(Bytes::new(vec![0x30, 6, 2, 1, 1, 2, 1, 1]).unwrap());
    halts(|act| matches!(act, Act::Sign(_, _, Signs::Statement)), outcome, "the statement signed by MASTER");
}

#[test]
fn an_outcome_of_another_kind_of_act_halts() {
    halts(|act| matches!(act, Act::Initialise(_)), Outcome::Kcv(KCV), "gave something else");
}

/// The words of a room that gets a list of this token in this step.
#[track_caller]
fn listed(step: StepKind, token: TokenId, list: impl Fn(&mut Vec<Object>)) -> String {
    let act = Act::List(token);
    let mut room = Room::new();
    room.run_until(|room| room.kind() == step && room.waiting() == Waiting::Acting(act));
    let Outcome::Objects(mut objects) = room.perform(act) else { panic!("{act:?} gives objects") };
    list(&mut objects);
    room.event(&Event::Came { act, outcome: Outcome::Objects(objects) }).unwrap();
    let Waiting::Halted(failure) = room.waiting() else { panic!("{:?}", room.waiting()) };
    failure.words.as_str().to_owned()
}

/// Another thing in the certificate file of the first key.
fn stored(objects: &mut [Object], other: Stored) {
    let Object::Key(key) = &mut objects[0] else { panic!("{objects:?}") };
    key.stored = other;
}

#[test]
fn a_token_that_lists_another_key_than_the_one_that_was_made_halts() {
    let other = Octets([9; 32]);
    let compare = StepKind::Compare(TokenId(1));
    for stored_there in [Stored::Certificate(other), Stored::Attestation(other), Stored::Other(other)] {
        for token in [TokenId(0), TokenId(1)] {
            let words = listed(compare, token, |objects| stored(objects, stored_there));
            assert!(words.contains("this is another key than the one that was made: key 1"), "{words}");
        }
    }
    let words = listed(compare, TokenId(0), |objects| stored(objects, Stored::Nothing));
    assert!(words.contains("this is another key"), "{words}");
    let words = listed(compare, TokenId(1), |objects| stored(objects, Stored::Nothing));
    assert!(words.starts_with("BACKUP: it does not hold key 1: EC-256 'signing'"), "{words}");
    let words = listed(compare, TokenId(1), Vec::clear);
    assert!(words.starts_with("BACKUP: it does not list "), "{words}");
    let words = listed(compare, TokenId(1), |objects| {
        let Object::Key(key) = &mut objects[0] else { panic!("{objects:?}") };
        key.description = Description::Nothing;
    });
    assert!(words.starts_with("BACKUP: it does not hold key 1"), "{words}");
}

#[test]
fn a_token_that_lists_what_no_step_put_on_it_halts() {
    let foreign = Object::File { file: 0xcf00, content: None };
    for step in [StepKind::Compare(TokenId(1)), StepKind::Generate(KeyIx(0))] {
        let words = listed(step, TokenId(0), |objects| objects.push(foreign.clone()));
        assert_eq!(words, "MASTER: it holds what this ceremony did not put on it: file CF00, read after a login");
    }
}

#[test]
fn another_token_than_the_one_named_is_asked_for_again() {
    let seen = TokenSeen {
        serial: text("DENK9999999"),
        firmware: (4, 1),
        certificates: Bytes::new(vec![1]).unwrap(),
        pin: PinSeen(PinState::NeverSet),
        so_pin: PinSeen(PinState::Blocked),
        dkek: DomainSeen::Empty,
        objects: Vec::new(),
    };
    let mut room = Room::fails(|act| matches!(act, Act::Inspect(_)), Outcome::Token(Box::new(seen)));
    assert_eq!(room.waiting(), Waiting::Asked(Ask::Insert(Device::Token(TokenId(0)))));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_log_drive_that_fails_before_anybody_signed_in_is_asked_for_again() {
    let failed = Outcome::Failed(Failure { next: Next::Again, words: text("no space") });
    let mut room = Room::fails(|act| matches!(act, Act::Write(_, Item::Names)), failed);
    assert_eq!(room.state.failed().map(|failure| failure.words.as_str()), Some("no space"));
    assert!(matches!(room.waiting(), Waiting::Asked(Ask::Insert(Device::Drive(_)))), "{:?}", room.waiting());
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_wrong_passphrase_is_asked_for_again() {
    let failed = Outcome::Failed(Failure { next: Next::Type, words: text("wrong passphrase") });
    let mut room = Room::fails(|act| matches!(act, Act::Open(_)), failed);
    assert!(matches!(room.waiting(), Waiting::Asked(Ask::Type { .. })), "{:?}", room.waiting());
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_step_is_done_again_only_when_two_people_of_two_roles_decide_it() {
    let failed = Outcome::Failed(Failure { next: Next::Again, words: text("no answer") });
    let mut room = Room::fails(|act| matches!(act, Act::Wrap(..)), failed);
    let (operator, witness) = (PersonId(0), PersonId(1));
    let step = room.kind();
    let again = |by| Event::Again { step, by, why: text("cable") };
    let (same, swapped, right) = (again((operator, operator)), again((witness, operator)), again((operator, witness)));
    assert_eq!(room.event(&same), Err(Unfit::SamePerson));
    assert_eq!(room.event(&swapped), Err(Unfit::Person));
    room.event(&right).unwrap();
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn at_every_step_a_spare_takes_the_place_of_a_log_drive_by_two_roles_before_anything_else() {
    let (operator, witness, lost, spare) = (PersonId(0), PersonId(1), DriveId(1), DriveId(6));
    let decides = |by| Event::Replaced { by, why: text("it was stolen") };
    let (mut room, mut at) = (Room::with_spare(), None);
    let mut cuts = 0;
    while room.waiting() != Waiting::Closed {
        if room.entries > 1 && at.replace(room.state.at()) != Some(room.state.at()) {
            let mut cut = room.clone();
            let taken = cut.event(&cut.interrupted_without(lost, spare));
            if room.state.facts().logs.len() < 2 || matches!(room.kind(), StepKind::Log(_)) {
                assert_eq!(taken, Err(Unfit::Other), "{:?}", room.kind());
            } else {
                let done = cut.done.len();
                cut.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::Replace(..))));
                assert_eq!((cut.waiting(), cut.done.len()), (Waiting::Asked(Ask::Replace(lost, spare)), done));
                assert_eq!(cut.event(&Event::Done(Answer::Go)), Err(Unfit::Other));
                assert_eq!(cut.event(&decides((operator, operator))), Err(Unfit::SamePerson));
                assert_eq!(cut.event(&decides((witness, operator))), Err(Unfit::Person));
                cut.event(&decides((operator, witness))).unwrap();
                assert_eq!(cut.event(&decides((operator, witness))), Err(Unfit::Other), "once");
                assert_eq!(cut.run(), Waiting::Closed, "{:?}", room.kind());
                assert!(cut.state.facts().attested.len() > 1, "it came to its end: {:?}", room.kind());
                if cuts % 8 == 0 {
                    assert_eq!(cut.account().verdict(), Verdict::Anchored, "{:?}", cut.account().refused);
                }
                cuts += 1;
            }
        }
        let event = room.next().unwrap();
        room.event(&event).unwrap();
    }
    assert!(cuts > 40, "{cuts}");
}

#[test]
fn the_last_try_of_a_pin_is_spent_when_the_pin_and_a_word_were_typed_after_a_power_cut_too() {
    let failed = Outcome::Failed(Failure { next: Next::LastTry, words: text("one try left") });
    let mut room = Room::fails(|act| matches!(act, Act::TryPin(TokenId(0))), failed);
    for cut in [false, true] {
        if cut {
            room.interrupt();
            room.run_until(|room| !matches!(room.waiting(), Waiting::Asked(Ask::SignIn(_) | Ask::Insert(_))));
        }
        let pin = Slot::Pin(TokenId(0), Which::User);
        let typed = |room: &Room| room.state.facts().vault.contains(&pin);
        assert!(!typed(&room));
        room.run_until(|room| !matches!(room.waiting(), Waiting::Asked(Ask::Type { .. })));
        assert!(typed(&room) && room.waiting() == Waiting::Asked(Ask::Word("last")), "{:?}", room.waiting());
        assert_eq!(room.event(&Event::Done(Answer::Go)), Err(Unfit::Other));
    }
    room.run_until(|room| room.kind() == StepKind::TryPin(TokenId(1)));
    // Whoever is logged in has all tries again.
    assert_eq!(room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::Word(_)))), Waiting::Closed);
}

#[test]
fn a_so_pin_is_tried_after_a_power_cut_too_and_wiped_after_its_last_use() {
    let (so_pin, trying) = (Slot::Pin(TokenId(0), Which::So), StepKind::TryPin(TokenId(0)));
    let has = |room: &Room| room.state.facts().vault.contains(&so_pin);
    for cut in [false, true] {
        let mut room = Room::new();
        room.run_until(|room| room.kind() == trying);
        assert!(has(&room));
        if cut {
            room.interrupt();
            assert!(!has(&room));
        }
        room.run_until(|room| room.waiting() == Waiting::Acting(Act::TryPin(TokenId(0))));
        assert!(has(&room), "it was typed in");
        room.run_until(|room| room.kind() != trying);
        assert!(!has(&room));
    }
}

#[test]
fn a_token_whose_import_failed_is_initialised_again_and_no_other() {
    let backup = TokenId(1);
    for next in [Next::Device, Next::Again, Next::Halt] {
        let failed = Outcome::Failed(Failure { next, words: text("unplugged") });
        let mut room = Room::fails(|act| *act == Act::Import(backup), failed);
        match next {
            Next::Again => {
                let decided = room.next().unwrap();
                room.event(&decided).unwrap();
            }
            Next::Halt => room.interrupt(),
            _ => {}
        }
        assert_eq!(room.kind(), StepKind::Initialise(backup), "{next:?}");
        let before = room.done.len();
        assert_eq!(room.run(), Waiting::Closed);
        let acts: Vec<Act> = room.done[before..].iter().map(|(_, act)| *act).collect();
        let place = |wanted| acts.iter().position(|act| *act == wanted);
        assert!(place(Act::Initialise(backup)) < place(Act::Import(backup)), "{acts:?}");
        assert_eq!(acts.iter().filter(|act| matches!(act, Act::Initialise(_) | Act::Import(_))).count(), 2, "{acts:?}");
    }
}

#[test]
fn one_person_cannot_agree_twice() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::Go { already: Some(_), .. })));
    let Waiting::Asked(Ask::Go { already: Some(first), .. }) = room.waiting() else { panic!() };
    assert_eq!(room.event(&Event::Said(first, Answer::Go)), Err(Unfit::SamePerson));
    let custodian = PersonId(2);
    assert_eq!(room.event(&Event::Said(custodian, Answer::Go)), Err(Unfit::Person));
}

#[test]
fn who_does_not_come_or_does_not_come_back_is_replaced_by_the_plans_alternate_and_by_nobody_else() {
    let (witness, holder, alternate, other) = (PersonId(1), PersonId(4), PersonId(5), PersonId(6));
    let absent = |who, whose| Event::Said(who, Answer::Absent { by: None, whose, document: text("passport") });
    let asks = |room: &Room, whom| room.waiting() == Waiting::Asked(Ask::SignIn(whom));
    let mut room = Room::with_alternates();
    room.run_until(|room| asks(room, witness));
    assert_eq!(room.event(&absent(other, witness)), Err(Unfit::Person));
    room.event(&absent(alternate, witness)).unwrap();
    room.run_until(|room| matches!(room.kind(), StepKind::Bag(_)));
    room.interrupt();
    // The witness of the plan is back, their alternate is not; and the holder of the bag has gone.
    room.run_until(|room| asks(room, holder));
    assert_eq!(room.event(&absent(alternate, holder)), Err(Unfit::Person));
    room.event(&absent(other, holder)).unwrap();
    room.run_until(|room| asks(room, alternate));
    room.event(&absent(witness, alternate)).unwrap();
    assert!(!matches!(room.waiting(), Waiting::Asked(Ask::SignIn(_))), "{:?}", room.waiting());
    assert_eq!(room.run(), Waiting::Closed);
    let facts = room.state.facts();
    assert_eq!((facts.present.get(&witness), facts.present.get(&other)), (Some(&witness), Some(&holder)));
    assert!(facts.attested.contains_key(&witness) && !facts.attested.contains_key(&alternate), "{:?}", facts.attested);
}

#[test]
fn a_bag_has_the_number_of_the_plan_or_one_that_two_roles_decided_on() {
    let (bag, by, why) = (conclave_ceremony::ids::BagId(0), (PersonId(0), PersonId(1)), text("it was torn"));
    let other = |by, number| Event::Done(Answer::OtherBag { by, bag, why: why.clone(), number: text(number) });
    let mut room = Room::new();
    room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::BagNumber(_))));
    let typed = Event::Done(Answer::BagNumber { bag, number: text("2000009") });
    assert_eq!(room.event(&typed), Err(Unfit::BagNumber));
    assert_eq!(room.event(&other((by.0, by.0), "2000009")), Err(Unfit::SamePerson));
    assert_eq!(room.event(&other((by.1, by.0), "2000009")), Err(Unfit::Person));
    let planned = room.plan.bags[0].number.clone();
    assert_eq!(room.event(&other(by, planned.as_str())), Err(Unfit::BagNumber));
    room.event(&other(by, "2000009")).unwrap();
    // After a power cut it is typed once more, decided once more.
    room.interrupt();
    room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::BagNumber(_))));
    room.event(&other(by, "2000009")).unwrap();
    assert_eq!(room.run(), Waiting::Closed);
    assert_eq!(room.state.facts().bags[&bag], text("2000009"));
}

#[test]
fn whoever_is_there_objects_at_any_question_and_the_ceremony_goes_on_where_it_was() {
    let (mut room, witness) = (Room::new(), PersonId(1));
    let objects = |who| Event::Said(who, Answer::Objects(text("this is not the token I saw")));
    let mut questions = 0;
    while room.waiting() != Waiting::Closed {
        let waiting = room.waiting();
        let there = matches!(waiting, Waiting::Asked(_)) && room.state.facts().is_there(witness);
        let taken = room.event(&objects(witness));
        if there {
            assert_eq!((taken, room.waiting()), (Ok(Vec::new()), waiting));
            assert_eq!(room.event(&objects(PersonId(99))), Err(Unfit::Person));
            questions += 1;
        } else {
            assert!(taken.is_err(), "{waiting:?}");
        }
        let event = room.next().unwrap();
        room.event(&event).unwrap();
    }
    assert!(questions > 50, "{questions}");
    assert_eq!(room.state.facts().objections.len(), questions);
}

#[test]
fn nobody_agrees_who_has_not_signed_in_again() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.kind(), StepKind::Prove(_)));
    room.interrupt();
    assert!(matches!(room.waiting(), Waiting::Asked(Ask::SignIn(_))));
    assert_eq!(room.event(&Event::Said(PersonId(0), Answer::Go)), Err(Unfit::Other));
}
