//! Hands of people.

use super::*;
use crate::event::Looked;
use crate::ids::BagId;
use crate::plan::Role;

const PROVE: StepKind = StepKind::Prove(MASTER);

fn document() -> crate::public::Text {
    text("passport")
}

fn absent(person: PersonId, whose: PersonId) -> Event {
    said(person, Answer::Absent { by: None, whose, document: document() })
}

fn mistyped(times: u16, whose: PersonId) -> Event {
    Event::Mistyped { times, whose }
}

fn with_alternates(wanted: impl Fn(&Room) -> bool) -> Room {
    runs(Room::with_alternates(), wanted)
}

/// The operator agreed to erasing; the witness is asked.
fn agreed() -> Room {
    until(|room| agrees(room, PROVE, 1))
}

/// Ten wrong codes of a person are recorded.
fn ten_of(room: Room, whose: PersonId) -> Room {
    takes(room, &[mistyped(5, whose), mistyped(10, whose)])
}

fn other_bag(bag: u16, number: &str) -> Event {
    let (by, why, number) = ((OPERATOR, WITNESS), text("it was torn"), text(number));
    Event::Done(Answer::OtherBag { by, bag: BagId(bag), why, number })
}

fn bagging() -> Room {
    until(|room| asks(room, |ask| matches!(ask, Ask::BagNumber(_))))
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::SignsInAgain,
        "the ceremony goes on after an interruption, and people do not sign in again",
        || until(|room| room.kind() == StepKind::Objections),
        |room| room.interrupted(),
        On::Waits(|room| asks(room, |ask| matches!(ask, Ask::SignIn(_)))),
        Off::Incomplete("a person who is signed out agrees to nothing by another rule, so the next step is never done"),
    ),
    Row::new(
        Guard::SignIn,
        "the operator signs in in the place of the holder",
        || until(|room| signs_in(room, HOLDER)),
        |_| said(OPERATOR, Answer::SignedIn { by: None, document: document() }),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::Place,
        "the alternate of the holder comes where the witness is asked to sign in",
        || with_alternates(|room| signs_in(room, WITNESS)),
        |_| absent(HOLDER_2, HOLDER),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::Alternate,
        "the alternate of the witness comes for the holder",
        || with_alternates(|room| signs_in(room, HOLDER)),
        |_| absent(WITNESS_2, HOLDER),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::ObjectorThere,
        "a person objects who is not there",
        || with_alternates(|room| room.kind() == StepKind::Objections),
        |_| said(WITNESS_2, Answer::Objects(text("the seal is torn"))),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::OwnerThere,
        "wrong codes are recorded of a person who never signed in",
        || with_alternates(|room| agrees(room, PROVE, 0)),
        |_| mistyped(5, WITNESS_2),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Codes]),
    ),
    Row::new(
        Guard::ByFives,
        "five wrong codes are passed over",
        agreed,
        |_| mistyped(10, CUSTODIAN),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Codes]),
    ),
    Row::new(
        Guard::DeadCode,
        "a person whose code is dead does not sign in again",
        || ten_of(agreed(), CUSTODIAN),
        |_| mistyped(15, CUSTODIAN),
        On::Waits(|room| signs_in(room, CUSTODIAN)),
        Off::Refused(&[Rule::Codes]),
    ),
    Row::new(
        Guard::DeadAgreement,
        "an agreement outlives the code that it was given by",
        || ten_of(agreed(), OPERATOR),
        |_| mistyped(15, OPERATOR),
        On::Waits(|room| agrees(room, PROVE, 0)),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::Confirmed,
        "a person signs in after a dead code, and no person confirms it",
        || takes(ten_of(agreed(), CUSTODIAN), &[mistyped(15, CUSTODIAN)]),
        |_| said(CUSTODIAN, Answer::SignedIn { by: None, document: document() }),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::Codes]),
    ),
    Row::new(
        Guard::Agreed,
        "a drive is looked at when it is plugged in, and the operator agreed to nothing",
        || until(|room| asks(room, |ask| *ask == Ask::Insert(crate::ids::Device::Drive(SHARE_1)))),
        goes,
        On::Waits(|room| agrees(room, StepKind::Register(SHARE_1), 0)),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::SecondRole,
        "one of two roles agrees that a token is erased",
        || until(|room| agrees(room, PROVE, 0)),
        goes,
        On::Waits(|room| agrees(room, PROVE, 1)),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::SamePerson,
        "one person agrees twice, whom the room takes for operator and witness",
        || {
            let mut room = agreed();
            room.plan.people[0].roles.push(Role::Witness);
            room
        },
        |_| said(OPERATOR, Answer::Go),
        On::Refused(Unfit::SamePerson),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::IsThere,
        "the alternate of the witness agrees, who did not sign in",
        || with_alternates(|room| agrees(room, PROVE, 1)),
        |_| said(WITNESS_2, Answer::Go),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::InPlace,
        "a custodian agrees in the place of the witness",
        agreed,
        |_| said(CUSTODIAN, Answer::Go),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::Attesting,
        "the operator attests in the place of the witness",
        || until(|room| asks(room, |ask| *ask == Ask::Attest(WITNESS))),
        |_| said(OPERATOR, Answer::Attests),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::LookAsked,
        "the clock is looked at in the place of the medium",
        || until(|room| asks(room, |ask| *ask == Ask::Look)),
        |room| Event::Looked(room.looks().into_iter().find(|looked| matches!(looked, Looked::Clock { .. })).unwrap()),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::Question,
        "no person looks at what the keys type",
        || until(|room| room.kind() == StepKind::Keyboard && asks(room, |ask| matches!(ask, Ask::Remove(_)))),
        goes,
        On::Waits(|room| asks(room, |ask| *ask == Ask::Keyboard)),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::Word,
        "a used token is erased, and no person typed the word",
        || {
            let used = room::MINIMAL.replacen("before = \"new\"", "before = \"used\"", 1);
            runs(Room::of(&used), |room| asks(room, |ask| *ask == Ask::Word("erase")))
        },
        |_| said(OPERATOR, Answer::Go),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Authorised]),
    ),
    Row::new(
        Guard::Bag,
        "the number of another bag is typed",
        bagging,
        |_| other_bag(9, "2000009"),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::BagPlanned,
        "a bag is sealed that the plan does not name",
        bagging,
        |_| Event::Done(Answer::BagNumber { bag: BagId(0), number: text("2000009") }),
        On::Refused(Unfit::BagNumber),
        Off::Refused(&[Rule::Bags]),
    ),
    Row::new(
        Guard::BagNew,
        "a planned number is taken for that of another bag",
        bagging,
        |_| other_bag(0, "2000001"),
        On::Refused(Unfit::BagNumber),
        Off::Refused(&[Rule::Bags]),
    ),
];
