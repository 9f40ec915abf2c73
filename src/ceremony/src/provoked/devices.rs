//! Hands with devices, and proofs of tokens.

use super::*;
use crate::act::Slot;
use crate::ids::Device;

fn inserts(room: &Room, device: Device) -> bool {
    asks(room, |ask| *ask == Ask::Insert(device))
}

const INITIALISE: StepKind = StepKind::Initialise(MASTER);

/// The chip of the master does not authenticate, where it is asked to after a power cut.
fn no_chip() -> Room {
    let mut room = until(|room| room.kind() == StepKind::State(MASTER));
    room.interrupt();
    let mut room = runs(room, |room| acting(room, Act::Authenticate(MASTER)));
    let event = fails(&room, Next::Beside);
    room.event(&event).unwrap();
    runs(room, |room| agrees(room, StepKind::State(MASTER), 1))
}

pub(super) const ROWS: &[Row] = &[
    Row::new(
        Guard::Inserted,
        "a token that is in already is said to be plugged in in the place of the other",
        || until(|room| room.kind() == StepKind::Import && inserts(room, Device::Token(MASTER))),
        |_| Event::Done(Answer::Inserted(Device::Token(BACKUP))),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::Removed,
        "a device is said to be taken out that was not in",
        || until(|room| asks(room, |ask| matches!(ask, Ask::Remove(_)))),
        |_| Event::Done(Answer::Removed(Device::Token(BACKUP))),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::OnlyNamed,
        "a drive stays in that the step does not name",
        || until(|room| asks(room, |ask| *ask == Ask::Remove(Device::Drive(SHARE_1)))),
        |_| Event::Done(Answer::Inserted(Device::Drive(DriveId(3)))),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::AllNamed,
        "a token is looked at that was not plugged in",
        || until(|room| inserts(room, Device::Token(MASTER))),
        |_| said(OPERATOR, Answer::Go),
        On::Refused(Unfit::Other),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::PluggedAgain,
        "a device that failed is not plugged in again",
        || until(|room| acting(room, Act::Inspect(MASTER))),
        |room| fails(room, Next::Device),
        On::Waits(|room| inserts(room, Device::Token(MASTER))),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::PluggedInBoot,
        "a token is taken to be in still after an interruption",
        || until(|room| agrees(room, StepKind::Inspect(MASTER), 0)),
        |room| room.interrupted(),
        On::Waits(|room| inserts(room, Device::Token(MASTER))),
        Off::Refused(&[Rule::PluggedIn]),
    ),
    Row::new(
        Guard::ProofFirst,
        "a token is initialised that did not prove itself in this boot",
        || {
            let mut room = until(|room| agrees(room, INITIALISE, 0));
            room.interrupt();
            runs(room, |room| agrees(room, INITIALISE, 1))
        },
        goes,
        On::Gives(Act::Authenticate(MASTER)),
        Off::Refused(&[Rule::ProvedSincePluggedIn]),
    ),
    Row::new(
        Guard::ProofOfPlug,
        "a proof outlives the pulling of the plug",
        || until(|room| room.state.facts().proved.contains(&MASTER) && inserts(room, Device::Token(MASTER))),
        goes,
        On::Waits(|room| acting(room, Act::Authenticate(MASTER))),
        Off::Refused(&[Rule::ProvedSincePluggedIn]),
    ),
    Row::new(
        Guard::ProofOfSession,
        "a proof outlives an act that failed",
        || until(|room| acting(room, Act::TryPin(MASTER))),
        |room| fails(room, Next::Again),
        On::Waits(|room| acting(room, Act::Authenticate(MASTER))),
        Off::Refused(&[Rule::ProvedSincePluggedIn]),
    ),
    Row::new(
        Guard::ProofInBoot,
        "a proof outlives an interruption",
        || until(|room| agrees(room, INITIALISE, 0)),
        |room| room.interrupted(),
        On::Waits(|room| acting(room, Act::Authenticate(MASTER))),
        Off::NoTrace(
            "each token is plugged in again after an interruption, and a proof ends with that by another rule",
        ),
    ),
    Row::new(
        Guard::BurntPin,
        "a PIN that went to a token before its proof is used further",
        no_chip,
        goes,
        On::Gives(Act::ChangePin(MASTER)),
        Off::Refused(&[Rule::BurntPin]),
    ),
    Row::new(
        Guard::VaultInBoot,
        "PINs outlive an interruption",
        || until(|room| agrees(room, INITIALISE, 0)),
        |room| room.interrupted(),
        On::Waits(|room| asks(room, |ask| matches!(ask, Ask::Type { slot: Slot::Pin(MASTER, _), .. }))),
        Off::Refused(&[Rule::Secrets]),
    ),
];
