//! Sticks as rooms have them: long serials, twins, and their contents.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{Device, DriveId};
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ports::Machine;
use conclave_console::shown::Shown;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{brought, start};
use smartcard_hsm::cvc::Simulated;

use super::{MINIMAL, middle, stage, verified, whole};

/// The drive of the first share.
const SHARE: DriveId = DriveId(2);

#[test]
fn serials_of_128_characters_that_differ_at_their_end_are_told_apart() {
    let long = |plan: String, end: &str| {
        let short = format!("\"CONCLAVE-{end}\"");
        assert!(plan.contains(&short), "{short}");
        plan.replace(&short, &format!("\"{}{end}\"", "0123456789".repeat(13).split_at(128 - end.len()).0))
    };
    let plan = ["LOG-A", "LOG-B", "SHARE-1", "SHARE-2", "BLOBS"].into_iter().fold(text(), long);
    assert_eq!(plan.matches(&"0123456789".repeat(12)).count(), 5);
    whole(brought(plan.as_bytes()));
}

fn text() -> String {
    String::from_utf8(MINIMAL.to_vec()).unwrap()
}

/// Plays the minimal plan to its end; `before` each turn may change the things on the stage.
fn closed(mut before: impl FnMut(&mut Stage, &mut Ceremony<World, Simulated>)) {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let ended = play(&mut stage, &mut ceremony, &mut robot, &mut before);
    assert!(ended == Ended::Closed, "{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}

#[test]
fn of_twins_at_two_ports_neither_is_worked_with() {
    let (mut plugged, mut told) = (false, false);
    closed(|stage, ceremony| {
        let asked = ceremony.waiting() == Waiting::Asked(Ask::Insert(Device::Drive(SHARE)));
        if asked && !plugged {
            let mut twin = stage.stick(SHARE).unwrap().clone();
            twin.drive.port = Shown::new("9-9");
            stage.world.drives().plug(twin);
            plugged = true;
        }
        if plugged && !told && middle(ceremony).contains("Two drives say they are SHARE-1") {
            let twin = stage.world.drives().pull(&Shown::new("9-9")).unwrap();
            assert!(twin.files.is_empty(), "nothing was written to it");
            told = true;
        }
    });
    assert!(told);
}
