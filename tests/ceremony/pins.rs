//! PINs that are typed wrong: each costs a try, and no person spends the last try without being told.

use conclave_ceremony::act::Slot;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Answer, Event};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan;
use conclave_ceremony::script::{StepKind, Which};
use conclave_ceremony::step::Waiting;
use conclave_ceremony::transcript;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::Machine;
use conclave_sim::icc::Icc;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{brought, chained, resumed, start};
use smartcard_hsm::cvc::Simulated;

use super::{MINIMAL, account, middle, stage, types, verified};

const MASTER: TokenId = TokenId(0);
const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";

fn goes_on(stage: &mut Stage) -> Box<Ceremony<World, Simulated>> {
    stage.world.restart(0);
    let Ok(Begun::Rehearsal(ceremony)) = resumed(MINIMAL, &mut stage.world) else { panic!("it goes on") };
    ceremony
}

/// The state of the master's user PIN, by its own word.
fn tries(stage: &mut Stage) -> Vec<u8> {
    let place = stage.place(MASTER).unwrap();
    let mut token = stage.world.tokens().token(place, |token| token.clone()).unwrap();
    token.power_on();
    token.transmit(SELECT);
    token.transmit(&[0x00, 0x20, 0x00, 0x81]).response
}

fn is_pin(waiting: &Waiting) -> bool {
    matches!(waiting, Waiting::Asked(Ask::Type { slot: Slot::Pin(MASTER, Which::User), .. }))
}

#[test]
fn after_two_wrong_pins_the_last_try_is_spent_by_the_word_for_it_and_by_nothing_else() {
    let plan = plan::read(MINIMAL).unwrap();
    let script = compile(&plan).unwrap();
    let (mut stage, mut robot) = (stage(MINIMAL), Robot::new(&plan));
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    // While it is in memory no person types it.
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if script.step(ceremony.state().at()).is_some_and(|step| step.kind == StepKind::TryPin(MASTER)) {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);

    let mut ceremony = goes_on(&mut stage);
    let mut wrong = 0;
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let waiting = ceremony.waiting();
        if is_pin(&waiting) && wrong < 2 {
            wrong += 1;
            types(ceremony, &mut stage.world, &["00000000"]);
        } else if matches!(waiting, Waiting::Asked(Ask::Word(_))) {
            let words = middle(ceremony);
            assert!(words.contains("wrong PIN") && words.contains("type the word last if this is meant"), "{words}");
            let sent = stage.world.tokens().changes().len();
            types(ceremony, &mut stage.world, &["yes"]);
            assert!(middle(ceremony).contains("Type the word last if this is meant"));
            assert_eq!(stage.world.tokens().changes().len(), sent, "nothing is sent without the word");
            stage.world.tokens().darken();
        }
    });
    assert_eq!((ended, wrong, tries(&mut stage)), (Ended::Dark, 2, vec![0x63, 0xc1]));

    // After a power cut it is the same question.
    let mut ceremony = goes_on(&mut stage);
    let mut asked = Vec::new();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let waiting = ceremony.waiting();
        if is_pin(&waiting) || matches!(waiting, Waiting::Asked(Ask::Word(_))) {
            asked.push((waiting, tries(stage)));
        }
    });
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    // Each stands while its answer is written to the log drives.
    asked.dedup();
    let [(pin, _), (Waiting::Asked(Ask::Word("last")), before)] = &asked[..] else { panic!("{asked:?}") };
    assert!(is_pin(pin) && *before == [0x63, 0xc1], "{asked:?}");
    assert_eq!(tries(&mut stage), [0x63, 0xc3]);
    verified(MINIMAL, ceremony.transcript(), ceremony.head());

    // The same without its word.
    let mut entries = transcript::read(ceremony.transcript()).unwrap().entries;
    entries.retain(|entry| entry.event != Event::Done(Answer::Word));
    let account = account(MINIMAL, &chained(entries), &[]);
    assert!(account.refused.iter().any(|finding| finding.rule.name() == "authorised"), "{:?}", account.refused);
}
