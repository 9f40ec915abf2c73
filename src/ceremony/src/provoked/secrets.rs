//! Hands with secrets.

use super::*;
use crate::act::Slot;

fn types(room: &Room) -> bool {
    asks(room, |ask| matches!(ask, Ask::Type { .. }))
}

fn opening() -> Room {
    until(|room| room.kind() == StepKind::OpenShare(SHARE) && types(room))
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::SecretThere,
        "a share is opened, and its passphrase was not typed",
        opening,
        |_| said(CUSTODIAN, Answer::Go),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Secrets]),
    ),
    Row::new(
        Guard::Typed,
        "a custodian types the passphrase of another share",
        opening,
        |_| said(CUSTODIAN, Answer::Typed(Slot::Passphrase(ShareId(1)))),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::Secrets]),
    ),
    Row::new(
        Guard::Keeper,
        "another custodian types the passphrase",
        opening,
        |_| said(OTHER_CUSTODIAN, Answer::Typed(Slot::Passphrase(SHARE))),
        On::Refused(Unfit::Person),
        Off::Refused(&[Rule::People]),
    ),
    Row::new(
        Guard::TypedAgain,
        "a passphrase that was wrong is tried again",
        || until(|room| acting(room, Act::Open(SHARE))),
        |room| fails(room, Next::Type),
        On::Waits(types),
        Off::Refused(&[Rule::Secrets]),
    ),
    Row::new(
        Guard::LastTry,
        "the last try of a PIN is spent, and no person typed the word",
        || until(|room| acting(room, Act::TryPin(MASTER))),
        |room| fails(room, Next::LastTry),
        On::Waits(|room| asks(room, |ask| *ask == Ask::Word("last"))),
        Off::Refused(&[Rule::Authorised]),
    ),
];
