//! Screens that no step of a ceremony has in which nothing goes wrong: each asked like every other, and compared with golden
//! files of its own.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-tests --test ceremony moments` rewrites the golden files; review the difference.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_room::ceremony::begin::Begun;
use conclave_room::ceremony::desk::Stage;
use conclave_room::ceremony::scene::Scene;
use conclave_room::key::KeyboardId;
use conclave_room::look::devices::{Other, Unused};
use conclave_room::look::keyboards::{Code, Keyboards};
use conclave_room::ports::Machine;
use conclave_room::shown::Shown;
use conclave_room::usb::gate::Never;
use conclave_sim::world::play::{Ended, play};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::start;

use super::screens::moment;
use super::{MINIMAL, stage};

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_in_a_ceremony_and_above_what_counts_the_seconds() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(MINIMAL, start(), &mut stage.world).unwrap() else { panic!() };
    let mut keyboards = Keyboards::default();
    let code = Code::new(654_321_u32.to_le_bytes());
    keyboards.came(KeyboardId(7), Shown::new("1-3"), Shown::new("Dell KB216 Wired Keyboard"), code);
    let asked = "type on it 123456 typed: ______ 3 tries left";
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let scene = Scene { keyboard: keyboards.asked(), ..ceremony.scene() };
        match (&scene.waiting, scene.desk.stage) {
            (Waiting::Asked(Ask::SignIn(_)), Stage::Code { .. }) if scene.works() => {
                moment("keyboard-asked-at-work", scene, &[asked]);
                stage.world.tokens().darken();
            }
            (Waiting::Asked(Ask::SignIn(_)), Stage::Choose { .. }) => moment("keyboard-asked", scene, &[asked]),
            _ => {}
        }
    });
    assert_eq!(ended, Ended::Dark);
}

#[test]
fn what_hangs_on_a_hub_and_is_not_used_is_named_in_a_ceremony() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(MINIMAL, start(), &mut stage.world).unwrap() else { panic!() };
    let product = Shown::new("Logitech HD Pro Webcam C920");
    let other = Other { port: Shown::new("1-2.3"), product, why: Unused::Never(Never::SoundOrCamera) };
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let scene = Scene { overhears: Some(&other), ..ceremony.scene() };
        if matches!(scene.waiting, Waiting::Asked(Ask::SignIn(_))) {
            moment(
                "overhears",
                scene,
                &["Pull out 1-2.3: Logitech HD Pro Webcam hears what tokens on its hub are told"],
            );
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
}
