//! Tokens that were used before: looked at first, erased when two people agreed and the word was typed.

use conclave_ceremony::act::{Act, Slot};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::{Answer, Event};
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_ceremony::transcript;
use conclave_console::ceremony::begin::Begun;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::{brought, chained, start};

use super::{MINIMAL, account, middle, stage, types, verified};

const TOKENS: [TokenId; 2] = [TokenId(0), TokenId(1)];

#[test]
fn used_tokens_are_looked_at_before_they_are_erased_by_two_roles_and_a_typed_word() {
    let bytes = String::from_utf8(MINIMAL.to_vec()).unwrap().replace("before = \"new\"", "before = \"used\"");
    let bytes = bytes.as_bytes();
    let plan = plan::read(bytes).unwrap();
    let mut stage = stage(bytes);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(bytes), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&plan);
    for token in &plan.tokens {
        // The stage's OLD_SO_PIN.
        robot.brings(&format!("SO-PIN it has now of {}", token.name), "3141592653589793");
    }
    let mut words = Vec::new();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if matches!(ceremony.waiting(), Waiting::Asked(Ask::Word(_))) && words.is_empty() {
            words.push(middle(ceremony));
            types(ceremony, &mut stage.world, &["yes"]);
            words.push(middle(ceremony));
        }
    });
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    assert!(words[0].contains("type the word erase") && !words[0].contains("switch off with F10 if it is not"));
    assert!(words[1].contains("Type the word erase if this is meant; switch off with F10"), "{}", words[1]);
    verified(bytes, ceremony.transcript(), ceremony.head());

    let entries = transcript::read(ceremony.transcript()).unwrap().entries;
    let place = |fits: &dyn Fn(&Event) -> bool| entries.iter().position(|entry| fits(&entry.event)).unwrap();
    for token in TOKENS {
        let came = |wanted: Act| place(&move |event| matches!(event, Event::Came { act, .. } if *act == wanted));
        assert!(came(Act::Inspect(token)) < came(Act::Prove(token)));
    }
    // A step without one of its rules: the word, the SO-PIN.
    let word = place(&|event| *event == Event::Done(Answer::Word));
    let typed =
        |event: &Event| matches!(event, Event::Said(_, Answer::Typed(slot)) if *slot == Slot::OldSoPin(TOKENS[0]));
    for (left_out, rule) in [(word, "authorised"), (place(&typed), "secrets")] {
        let mut fewer = entries.clone();
        fewer.remove(left_out);
        let account = account(bytes, &chained(fewer), &[]);
        assert!(account.refused.iter().any(|finding| finding.rule.name() == rule), "{rule}: {:?}", account.refused);
    }
}
