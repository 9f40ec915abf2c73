//! A provocation for each rule of the doing side: the hand that breaks the rule, as events.
//!
//! Each hand is played twice. With the rule on nothing is done. With the rule off the ceremony is played to its end, or as far as it
//! goes then, and the verifier refuses the record of it.

#[path = "../../tests/step/card.rs"]
mod card;
mod devices;
mod lists;
mod order;
mod outcomes;
mod people;
#[path = "../../tests/step/room.rs"]
mod room;
mod secrets;

use crate::act::Act;
use crate::ask::Ask;
use crate::event::{Answer, Event, Failure, Next, Outcome};
use crate::guard::Guard;
use crate::ids::{DriveId, PersonId, ShareId, TokenId};
use crate::script::StepKind;
use crate::step::{Unfit, Waiting};
use crate::verify::{Rule, Verdict};
use room::{Room, text};

const OPERATOR: PersonId = PersonId(0);
const WITNESS: PersonId = PersonId(1);
const CUSTODIAN: PersonId = PersonId(2);
const OTHER_CUSTODIAN: PersonId = PersonId(3);
const HOLDER: PersonId = PersonId(4);
/// Where there are alternates: of the witness, and of the holder.
const WITNESS_2: PersonId = PersonId(5);
const HOLDER_2: PersonId = PersonId(6);
const MASTER: TokenId = TokenId(0);
const BACKUP: TokenId = TokenId(1);
const LOG_A: DriveId = DriveId(0);
/// Where there is a spare for a log drive.
const SPARE: DriveId = DriveId(6);
const SHARE_1: DriveId = DriveId(2);
const SHARE: ShareId = ShareId(0);

/// A rule, the hand that breaks it, and the answers.
struct Row {
    guard: Guard,
    /// The hand, in words.
    hand: &'static str,
    /// The room up to there.
    at: fn() -> Room,
    /// The event of the hand.
    breaks: fn(&mut Room) -> Event,
    on: On,
    off: Off,
}

/// The answer of the doing side.
enum On {
    /// The event is refused.
    Refused(Unfit),
    /// The act failed: it is not done, and the step goes no further.
    Fails(Next),
    /// The event is taken; before any act is done the room waits for this.
    Waits(fn(&Room) -> bool),
    /// The event is taken, and among its acts is this one.
    Gives(Act),
}

/// The answer of the verifier to the record that is made without the rule.
enum Off {
    /// One of the findings that refuse it is by each of these rules.
    Refused(&'static [Rule]),
    /// The ceremony comes to no end, for this reason: its record is incomplete for ever.
    Incomplete(&'static str),
    /// The record is as good as any, for this reason.
    NoTrace(&'static str),
}

impl Row {
    const fn new(
        guard: Guard,
        hand: &'static str,
        at: fn() -> Room,
        breaks: fn(&mut Room) -> Event,
        on: On,
        off: Off,
    ) -> Self {
        Self { guard, hand, at, breaks, on, off }
    }

    /// With the rule on nothing is done.
    fn is_refused(&self) {
        let (name, hand) = (self.guard.name(), self.hand);
        let mut room = (self.at)();
        let event = (self.breaks)(&mut room);
        let (before, done) = (room.clone(), room.done.len());
        let taken = room.event(&event);
        match &self.on {
            On::Refused(unfit) => {
                assert_eq!(taken.as_ref(), Err(unfit), "{name}: {hand}");
                assert!(room.state == before.state && room.entries == before.entries, "{name}: {hand}");
            }
            On::Fails(next) => {
                let Event::Came { act, outcome } = &event else { panic!("{name}: {event:?}") };
                let judged = before.state.judged(&before.plan, &before.script, act, outcome.clone());
                assert!(matches!(&judged, Outcome::Failed(failure) if failure.next == *next), "{name}: {judged:?}");
                assert_eq!((taken, room.state.at()), (Ok(Vec::new()), before.state.at()), "{name}: {hand}");
                assert!(!matches!(room.waiting(), Waiting::Acting(_)), "{name}: {:?}", room.waiting());
            }
            On::Waits(wanted) => {
                assert!(taken.is_ok(), "{name}: {taken:?}");
                room.run_until(|room| wanted(room) || room.done.len() > done);
                assert!(wanted(&room) && room.done.len() == done, "{name}: {hand}: {:?}", room.waiting());
            }
            On::Gives(act) => assert!(taken.unwrap().contains(act), "{name}: {hand}"),
        }
    }

    /// With the rule off: the room as far as it goes.
    fn played(&self) -> Room {
        let (name, hand) = (self.guard.name(), self.hand);
        let mut room = (self.at)();
        let event = (self.breaks)(&mut room);
        let done = room.done.len();
        self.guard.off(|| {
            let taken = room.event(&event);
            assert!(taken.is_ok(), "{name}: {hand}: {taken:?}");
            match &self.on {
                On::Refused(_) => {}
                On::Fails(_) => assert!(!matches!(room.waiting(), Waiting::Halted(_)), "{name}: {hand}"),
                On::Waits(wanted) => {
                    let traceless = matches!(self.off, Off::NoTrace(_));
                    while room.done.len() == done && goes_on(&mut room) {
                        assert!(traceless || !wanted(&room), "{name}: {hand}: without the rule it waits, too");
                    }
                }
                On::Gives(act) => assert!(!taken.unwrap().contains(act), "{name}: {hand}"),
            }
            while goes_on(&mut room) {}
        });
        room
    }

    /// With the rule off the verifier sees the hand: whether the record of it is closed.
    fn is_seen(&self) -> bool {
        let (name, hand) = (self.guard.name(), self.hand);
        let room = self.played();
        let account = room.account();
        let rules: Vec<Rule> = account.refused.iter().map(|finding| finding.rule).collect();
        match &self.off {
            Off::Refused(wanted) => {
                assert_eq!(account.verdict(), Verdict::Refused, "{name}: {hand}: {:?}", room.waiting());
                assert!(wanted.iter().all(|rule| rules.contains(rule)), "{name}: {hand}: {:?}", account.refused);
            }
            Off::Incomplete(why) => {
                assert_eq!((account.verdict(), rules), (Verdict::Incomplete, vec![]), "{name}: {hand}: {why}");
            }
            Off::NoTrace(why) => {
                assert_eq!((account.verdict(), rules), (Verdict::Anchored, vec![]), "{name}: {hand}: {why}");
            }
        }
        account.closed
    }
}

/// The next event of a room; false at the end, and where no person may do what is asked.
fn goes_on(room: &mut Room) -> bool {
    assert!(room.entries < 2_000, "no end: {:?}", room.waiting());
    room.next().is_some_and(|event| room.event(&event).is_ok())
}

/// A room that waits for this.
fn until(wanted: impl Fn(&Room) -> bool) -> Room {
    runs(Room::new(), wanted)
}

#[track_caller]
fn runs(mut room: Room, wanted: impl Fn(&Room) -> bool) -> Room {
    room.run_until(|room| wanted(room));
    assert!(wanted(&room), "{:?}", room.waiting());
    room
}

fn asks(room: &Room, wanted: impl Fn(&Ask) -> bool) -> bool {
    matches!(room.waiting(), Waiting::Asked(ask) if wanted(&ask))
}

fn signs_in(room: &Room, person: PersonId) -> bool {
    asks(room, |ask| *ask == Ask::SignIn(person))
}

/// Whether an agreement to this step is asked for, after so many others.
fn agrees(room: &Room, kind: StepKind, already: usize) -> bool {
    room.kind() == kind
        && asks(room, |ask| matches!(ask, Ask::Go { already: one, .. } if usize::from(one.is_some()) == already))
}

fn acting(room: &Room, act: Act) -> bool {
    room.waiting() == Waiting::Acting(act)
}

/// The act that is next.
fn next_act(room: &Room) -> Act {
    let Waiting::Acting(act) = room.waiting() else { panic!("{:?}", room.waiting()) };
    act
}

fn came(room: &Room, outcome: Outcome) -> Event {
    Event::Came { act: next_act(room), outcome }
}

fn fails(room: &Room, next: Next) -> Event {
    came(room, Outcome::Failed(Failure { next, words: text("it failed") }))
}

fn said(person: PersonId, answer: Answer) -> Event {
    Event::Said(person, answer)
}

/// Everything that the room does next.
fn goes(room: &mut Room) -> Event {
    room.next().unwrap()
}

/// Takes these events.
fn takes(mut room: Room, events: &[Event]) -> Room {
    for event in events {
        room.event(event).unwrap();
    }
    room
}

fn rows() -> impl Iterator<Item = &'static Row> {
    [order::ROWS, people::ROWS, devices::ROWS, secrets::ROWS, outcomes::ROWS, lists::ROWS].into_iter().flatten()
}

#[test]
fn no_rule_of_the_doing_side_is_without_a_provocation() {
    let rows: Vec<Guard> = rows().map(|row| row.guard).collect();
    let without: Vec<&Guard> = Guard::ALL.iter().filter(|guard| !rows.contains(guard)).collect();
    assert!(without.is_empty(), "no row for {without:?}");
    let names: std::collections::BTreeSet<_> = Guard::ALL.iter().map(|guard| guard.name()).collect();
    assert_eq!(names.len(), Guard::ALL.len(), "two rules of one name");
    println!("figure: {} rules of the doing side, {} provocations", names.len(), rows.len());
}

#[test]
fn with_its_rule_on_a_hand_does_nothing() {
    rows().for_each(Row::is_refused);
}

#[test]
fn with_its_rule_off_a_hand_is_seen_by_the_verifier() {
    let (mut refused, mut incomplete, mut without, mut closed) = (0, 0, 0, 0);
    for row in rows() {
        closed += usize::from(row.is_seen());
        match row.off {
            Off::Refused(_) => refused += 1,
            Off::Incomplete(_) => incomplete += 1,
            Off::NoTrace(_) => without += 1,
        }
    }
    println!(
        "figure: {refused} records refused, {incomplete} incomplete, {without} without a trace; {closed} were closed"
    );
}
