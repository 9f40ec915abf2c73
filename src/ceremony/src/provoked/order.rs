//! Hands against the order of entries.

use super::*;
use crate::plan::Role;
use crate::script::{Roles, Which};

fn wrapping_failed() -> Room {
    let failed = Outcome::Failed(Failure { next: Next::Again, words: text("no answer") });
    Room::fails(|act| matches!(act, Act::Wrap(..)), failed)
}

/// A plan with a spare, and a ceremony with both its log drives.
fn with_spare() -> Room {
    runs(Room::with_spare(), |room| room.kind() == StepKind::Keyboard)
}

fn again(room: &Room, by: (PersonId, PersonId)) -> Event {
    Event::Again { by, why: text("to be sure"), step: room.kind() }
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::Promised,
        "another script is promised, which wants one person for the closing",
        || until(|room| room.entries == 1),
        |room| {
            let mut script = room.script.clone();
            script.steps.last_mut().unwrap().roles = Roles::One(Role::Operator);
            Event::Promised(script)
        },
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Script]),
    ),
    Row::new(
        Guard::Begun,
        "the machine is started again before the script was promised",
        || until(|room| room.entries == 1),
        |room| room.interrupted(),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Chain]),
    ),
    Row::new(
        Guard::Closed,
        "the ceremony goes on after its closing",
        || {
            let mut room = Room::new();
            assert_eq!(room.run(), Waiting::Closed);
            room
        },
        |room| room.interrupted(),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Close]),
    ),
    Row::new(
        Guard::EveryLook,
        "a boot goes on without a look at the plan",
        || until(|room| room.kind() == StepKind::Keyboard),
        |room| {
            let mut event = room.interrupted();
            let Event::Interrupted { looked, .. } = &mut event else { panic!() };
            looked.pop();
            event
        },
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Resumed]),
    ),
    Row::new(
        Guard::NextAct,
        "a PIN was shown before it was made",
        || until(|room| matches!(room.waiting(), Waiting::Acting(Act::Make(_)))),
        |_| {
            let slot = crate::act::Slot::Pin(MASTER, Which::So);
            Event::Came { act: Act::Reveal(slot), outcome: Outcome::Done }
        },
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Acts]),
    ),
    Row::new(
        Guard::Halted,
        "a step is done again in the boot in which its comparison failed",
        || until(|room| matches!(room.waiting(), Waiting::Acting(Act::Combine(_)))),
        |room| fails(room, Next::Halt),
        On::Waits(|room| matches!(room.waiting(), Waiting::Halted(_))),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::Decided,
        "a step that failed is done again, and no person decided that",
        || until(|room| matches!(room.waiting(), Waiting::Acting(Act::Wrap(..)))),
        |room| fails(room, Next::Again),
        On::Waits(|room| asks(room, |ask| matches!(ask, Ask::Again { .. }))),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::FailedStep,
        "two roles decide on a step that did not fail",
        wrapping_failed,
        |_| Event::Again { by: (OPERATOR, WITNESS), why: text("to be sure"), step: StepKind::Keyboard },
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Again]),
    ),
    Row::new(
        Guard::TwoDecide,
        "one person decides, whom the room takes for operator and witness",
        || {
            let mut room = wrapping_failed();
            room.plan.people[0].roles.push(Role::Witness);
            room
        },
        |room| again(room, (OPERATOR, OPERATOR)),
        On::Refused(Unfit::SamePerson),
        Off::Refused(&[Rule::Again]),
    ),
    Row::new(
        Guard::OperatorAndWitness,
        "a custodian decides in the place of the witness",
        wrapping_failed,
        |room| again(room, (OPERATOR, CUSTODIAN)),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::Again]),
    ),
    Row::new(
        Guard::LogLost,
        "a spare takes the place of a drive that is no log drive",
        with_spare,
        |room| room.interrupted_without(SHARE_1, SPARE),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Replaced]),
    ),
    Row::new(
        Guard::SpareLog,
        "a drive that is no spare takes the place of a log drive",
        with_spare,
        |room| room.interrupted_without(LOG_A, SHARE_1),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Replaced]),
    ),
    Row::new(
        Guard::ReplacedFirst,
        "the ceremony goes on with a spare that no two roles decided on",
        with_spare,
        |room| room.interrupted_without(LOG_A, SPARE),
        On::Waits(|room| asks(room, |ask| matches!(ask, Ask::Replace(..)))),
        Off::Refused(&[Rule::Replaced]),
    ),
    Row::new(
        Guard::HalfImport,
        "a token with half an import is imported into again",
        || until(|room| acting(room, Act::Import(BACKUP))),
        |room| fails(room, Next::Device),
        On::Waits(|room| room.kind() == StepKind::Initialise(BACKUP)),
        Off::Refused(&[Rule::Order]),
    ),
    Row::new(
        Guard::SealedInBoot,
        "sealed shares are written in the boot after the one they were in memory in",
        || until(|room| room.kind() == StepKind::WriteShare(SHARE)),
        |room| room.interrupted(),
        On::Waits(|room| room.kind() == StepKind::MakeShares),
        Off::Refused(&[Rule::Shares]),
    ),
    Row::new(
        Guard::OpenedInBoot,
        "shares are imported in the boot after the one they were opened in",
        || until(|room| agrees(room, StepKind::Import, 0)),
        |room| room.interrupted(),
        On::Waits(|room| room.kind() == StepKind::OpenShare(SHARE)),
        Off::Refused(&[Rule::Secrets]),
    ),
];
