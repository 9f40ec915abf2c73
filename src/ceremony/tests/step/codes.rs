//! Wrong sign-in codes: what is counted, when a code is dead, who confirms the sign-in after that.

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::codes::{confirm, recorded};
use conclave_ceremony::event::{Answer, Event, Failure, Next, Outcome};
use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan::Role;
use conclave_ceremony::script::StepKind;
use conclave_ceremony::step::{Unfit, Waiting};

use super::room::{Room, text};

const OPERATOR: PersonId = PersonId(0);
const WITNESS: PersonId = PersonId(1);
const CUSTODIAN: PersonId = PersonId(2);
const OTHER_CUSTODIAN: PersonId = PersonId(3);

fn mistyped(times: u16, whose: PersonId) -> Event {
    Event::Mistyped { times, whose }
}

fn back(person: PersonId, by: Option<PersonId>) -> Event {
    Event::Said(person, Answer::SignedIn { by, document: text("passport") })
}

/// Fifteen wrong codes were typed for somebody.
fn dies(room: &mut Room, whose: PersonId) {
    for times in [5, 10, 15] {
        assert_eq!(room.event(&mistyped(times, whose)), Ok(Vec::new()));
    }
    assert_eq!(room.waiting(), Waiting::Asked(Ask::SignIn(whose)));
}

/// Where two people agree that a token is erased, and the first one has.
fn agreed() -> Room {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::Go { already: Some(OPERATOR), .. })));
    room
}

#[test]
fn wrong_codes_are_counted_by_fives_for_people_who_are_there_and_nothing_else_changes() {
    let mut room = agreed();
    let (waiting, at) = (room.waiting(), room.state.at());
    for refused in [mistyped(5, PersonId(99)), mistyped(0, WITNESS), mistyped(1, WITNESS), mistyped(10, WITNESS)] {
        assert_eq!(room.event(&refused), Err(Unfit::Other), "{refused:?}");
    }
    for times in [5, 10] {
        assert_eq!(room.event(&mistyped(times, WITNESS)), Ok(Vec::new()));
        assert_eq!(room.event(&mistyped(times, WITNESS)), Err(Unfit::Other), "once");
        assert_eq!((room.waiting(), room.state.at()), (waiting.clone(), at), "it goes on where it was");
    }
    // Their own right code and those of others change no count, and neither does a power cut.
    let count = |room: &Room| recorded(room.state.facts(), WITNESS);
    room.run_until(|room| room.state.at() != at);
    assert_eq!(count(&room), 10);
    room.interrupt();
    room.run_until(|room| !matches!(room.waiting(), Waiting::Asked(Ask::SignIn(_))));
    assert_eq!(count(&room), 10);
    assert_eq!(room.event(&mistyped(5, WITNESS)), Err(Unfit::Other));
    assert_eq!(room.event(&mistyped(15, WITNESS)), Ok(Vec::new()));
    assert_eq!(room.waiting(), Waiting::Asked(Ask::SignIn(WITNESS)));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn whose_code_is_dead_signs_in_again_before_a_person_of_another_role() {
    let mut room = agreed();
    dies(&mut room, CUSTODIAN);
    for (event, why) in [
        (Event::Said(CUSTODIAN, Answer::Go), Unfit::Other),
        (Event::Said(WITNESS, Answer::Go), Unfit::Other),
        (mistyped(20, CUSTODIAN), Unfit::Other),
        (back(CUSTODIAN, None), Unfit::Person),
        (back(CUSTODIAN, Some(CUSTODIAN)), Unfit::Person),
        (back(CUSTODIAN, Some(OTHER_CUSTODIAN)), Unfit::Person),
        (back(CUSTODIAN, Some(PersonId(99))), Unfit::Person),
        (back(WITNESS, None), Unfit::Other),
    ] {
        assert_eq!(room.event(&event), Err(why), "{event:?}");
    }
    room.event(&back(CUSTODIAN, Some(WITNESS))).unwrap();
    assert_eq!(recorded(room.state.facts(), CUSTODIAN), 0);
    // The next code is counted from zero.
    dies(&mut room, CUSTODIAN);
    room.event(&back(CUSTODIAN, Some(OPERATOR))).unwrap();
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_sign_in_before_which_no_code_was_dead_is_confirmed_by_nobody() {
    let mut room = Room::new();
    room.run_until(|room| room.waiting() == Waiting::Asked(Ask::SignIn(WITNESS)));
    assert_eq!(room.event(&back(WITNESS, Some(OPERATOR))), Err(Unfit::Person));
    room.event(&back(WITNESS, None)).unwrap();
    room.event(&mistyped(5, WITNESS)).unwrap();
    room.interrupt();
    room.run_until(|room| room.waiting() == Waiting::Asked(Ask::SignIn(WITNESS)));
    assert_eq!(room.event(&back(WITNESS, Some(OPERATOR))), Err(Unfit::Person));
}

#[test]
fn what_a_code_agreed_to_that_is_dead_is_agreed_to_again() {
    let mut room = agreed();
    dies(&mut room, OPERATOR);
    room.event(&back(OPERATOR, Some(WITNESS))).unwrap();
    let again = Ask::Go { who: Some(Who::Role(Role::Operator)), already: None };
    assert_eq!(room.waiting(), Waiting::Asked(again));
    // What else was answered stands.
    let mut room = Room::new();
    room.run_until(|room| {
        matches!(room.kind(), StepKind::Bag(_)) && matches!(room.waiting(), Waiting::Asked(Ask::Go { .. }))
    });
    let waiting = room.waiting();
    dies(&mut room, OTHER_CUSTODIAN);
    room.event(&back(OTHER_CUSTODIAN, Some(WITNESS))).unwrap();
    assert_eq!(room.waiting(), waiting);
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_dead_code_stays_dead_over_a_power_cut_and_its_owner_signs_in_last() {
    let mut room = agreed();
    dies(&mut room, OPERATOR);
    room.interrupt();
    let mut order = Vec::new();
    while let Waiting::Asked(Ask::SignIn(person)) = room.waiting() {
        order.push(person);
        if person == OPERATOR {
            assert_eq!(room.event(&back(OPERATOR, None)), Err(Unfit::Person));
        }
        let event = room.next().unwrap();
        room.event(&event).unwrap();
    }
    assert_eq!((order.len(), order.last()), (room.plan.people.len(), Some(&OPERATOR)));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn an_alternate_takes_the_place_of_whose_code_is_dead_before_a_person_of_another_role() {
    let (holder, alternate) = (PersonId(4), PersonId(6));
    let absent = |by| Event::Said(alternate, Answer::Absent { by, whose: holder, document: text("passport") });
    let mut room = Room::with_alternates();
    room.run_until(|room| matches!(room.kind(), StepKind::Prove(_)));
    dies(&mut room, holder);
    assert_eq!(room.event(&absent(None)), Err(Unfit::Person));
    room.event(&absent(Some(CUSTODIAN))).unwrap();
    assert!(room.state.facts().is_there(alternate) && !room.state.facts().present.contains_key(&holder));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn where_nobody_could_confirm_it_nobody_does() {
    let mut room = Room::new();
    room.run_until(|room| room.waiting() == Waiting::Asked(Ask::SignIn(WITNESS)));
    dies(&mut room, OPERATOR);
    assert_eq!(confirm(&room.plan, room.state.facts(), (OPERATOR, OPERATOR)), []);
    assert_eq!(room.event(&back(OPERATOR, Some(OPERATOR))), Err(Unfit::Person));
    room.event(&back(OPERATOR, None)).unwrap();
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_code_dies_where_a_failed_step_is_decided_on_too() {
    let failed = Outcome::Failed(Failure { next: Next::Again, words: text("the stick fell out") });
    let mut room = Room::fails(|act| matches!(act, Act::Write(_, Item::Share(..))), failed);
    let again = room.waiting();
    assert!(matches!(again, Waiting::Asked(Ask::Again { .. })), "{again:?}");
    dies(&mut room, OPERATOR);
    room.event(&back(OPERATOR, Some(WITNESS))).unwrap();
    assert_eq!(room.waiting(), again);
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn while_acts_are_under_way_no_code_is_asked_for() {
    let mut room = agreed();
    room.run_until(|room| matches!(room.waiting(), Waiting::Acting(_)));
    assert_eq!(room.event(&mistyped(5, OPERATOR)), Err(Unfit::Other));
}
