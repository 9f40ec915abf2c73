//! A token that refuses chip authentication: which proof is intended in its place, and that a burnt PIN is changed whatever fails.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::event::{Event, Failure, Next, Outcome};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::script::{StepKind, Which};
use conclave_ceremony::step::Waiting;

use super::room::{Room, text};

const MASTER: TokenId = TokenId(0);
const PIN: Slot = Slot::Pin(MASTER, Which::User);

fn failed(next: Next) -> Outcome {
    Outcome::Failed(Failure { next, words: text("it refused") })
}

/// A ceremony whose master refuses chip authentication, which it is asked for in this step after a power cut. What was done before
/// the refusal is forgotten: where the master changed hands, it did authenticate its chip.
fn refuses(kind: StepKind) -> Room {
    let mut room = Room::new();
    room.run_until(|room| room.kind() == kind);
    room.interrupt();
    let asked = Act::Authenticate(MASTER);
    room.run_until(|room| room.waiting() == Waiting::Acting(asked));
    room.event(&Event::Came { act: asked, outcome: failed(Next::Beside) }).unwrap();
    room.done.clear();
    room
}

/// Runs to this act.
#[track_caller]
fn to(room: &mut Room, act: Act) {
    assert_eq!(room.run_until(|room| room.waiting() == Waiting::Acting(act)), Waiting::Acting(act));
}

#[test]
fn a_token_with_pins_of_its_own_proves_itself_beside_its_keys_and_one_without_is_erased() {
    let mut room = refuses(StepKind::MakeShares);
    to(&mut room, Act::Prove(MASTER));
    assert!(!room.state.facts().burnt.contains(&MASTER));
    room.run_until(|room| room.kind() != StepKind::MakeShares);
    assert!(!room.done.iter().any(|(_, act)| *act == Act::ProveBeside(MASTER)));
    assert_eq!(room.run(), Waiting::Closed);

    for kind in [StepKind::TryPin(MASTER), StepKind::State(MASTER)] {
        let mut room = refuses(kind);
        to(&mut room, Act::ProveBeside(MASTER));
        assert_eq!(room.run(), Waiting::Closed);
        let done: Vec<Act> = room.done.iter().filter(|(of, _)| *of == kind).map(|(_, act)| *act).collect();
        let new = Slot::NewPin(MASTER);
        let first = [Act::ProveBeside(MASTER), Act::Make(new), Act::Reveal(new), Act::ChangePin(MASTER)];
        assert_eq!(done[..4], first, "{done:?}");
        // Once asked, it is not asked again.
        assert!(!room.done.iter().any(|(_, act)| *act == Act::Authenticate(MASTER)));
    }
}

#[test]
fn a_token_that_got_its_own_pins_before_the_power_failed_is_not_erased() {
    let mut room = refuses(StepKind::Initialise(MASTER));
    to(&mut room, Act::Prove(MASTER));
    room.event(&Event::Came { act: Act::Prove(MASTER), outcome: failed(Next::Beside) }).unwrap();
    to(&mut room, Act::ProveBeside(MASTER));
    to(&mut room, Act::Initialise(MASTER));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_burnt_pin_is_changed_whatever_fails_after_it_was_burnt() {
    let kind = StepKind::State(MASTER);
    let new = Slot::NewPin(MASTER);
    for (act, next) in [
        (Act::ProveBeside(MASTER), Next::Type),
        (Act::ProveBeside(MASTER), Next::Halt),
        (Act::Make(new), Next::Again),
        (Act::Reveal(new), Next::Again),
        (Act::ChangePin(MASTER), Next::Device),
        (Act::ChangePin(MASTER), Next::Type),
    ] {
        let mut room = refuses(kind);
        to(&mut room, act);
        assert!(room.state.facts().burnt.contains(&MASTER) && room.state.facts().vault.contains(&PIN));
        room.event(&Event::Came { act, outcome: failed(next) }).unwrap();
        if next == Next::Type {
            assert!(!room.state.facts().vault.contains(&PIN), "it is typed again");
        }
        if next == Next::Halt {
            room.interrupt();
        }
        to(&mut room, Act::ChangePin(MASTER));
        assert_eq!(room.kind(), kind);
        assert_eq!(room.run(), Waiting::Closed);
        assert!(room.state.facts().burnt.is_empty());
    }
}
