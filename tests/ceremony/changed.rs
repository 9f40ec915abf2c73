//! Things that change while they are in a port: pulled out while they are judged, another serial after an hour, a card that shows
//! itself after the plan is in. And a token of which there are two.

use std::sync::Arc;

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::gate::Named;
use conclave_publish::FileName;
use conclave_sim::card::profile::Profile;
use conclave_sim::world::drives::{Fault, Stick};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::{port, token};
use conclave_tests::ceremony::{MINIMAL_NAMES, STARTED, brought, resumed, start};

use super::{MEMO, MINIMAL, account, middle, refused, stage, verified};

const MASTER: TokenId = TokenId(0);

#[test]
fn a_stick_that_is_pulled_out_while_the_plan_is_read_is_missed_and_read_when_it_is_back() {
    let (at, name) = (Shown::new("9-1"), FileName::new(b"plan.toml").unwrap());
    for op in 0.. {
        let (mut world, mut intake) = (World::new([7; 32], STARTED, Arc::clone(&MEMO)), Intake::default());
        let mut stick = Stick::new("9-1", "PLAN", "PLAN");
        stick.files.insert(name.clone(), MINIMAL.to_vec());
        stick.files.insert(FileName::new(b"names.toml").unwrap(), MINIMAL_NAMES.to_vec());
        world.drives().plug(stick);
        world.drives().fail_at(op, Fault::Yank(at.clone()));
        assert!(matches!(intake.press(Key::Enter, &start(), &mut world), Next::Stay));
        if world.drives().relent() {
            assert!(op > 3, "it was pulled out at {op} operations");
            break;
        }
        if let Some(stick) = world.drives().yanked(&at) {
            world.drives().plug(stick);
        }
        // Pulled out behind the last thing that is asked of it, it was read.
        if let Some(words) = intake.wrong.clone() {
            assert!(matches!(intake.stage, Way::Insert) && intake.digest.is_none(), "{op}: {words}");
            intake.press(Key::Enter, &start(), &mut world);
        }
        assert!(matches!(intake.stage, Way::Challenge(_)), "{op}: {:?}", intake.wrong);
    }
}

#[test]
fn a_log_drive_that_is_pulled_out_while_it_is_read_changes_nothing() {
    let (stage, record) = refused::interrupted(8);
    let log = Device::Drive(DriveId(1));
    let mut pulled = 0;
    for op in 0.. {
        let mut held = stage.clone();
        [DriveId(0), DriveId(1)].into_iter().for_each(|log| held.plug(Device::Drive(log)));
        let op = held.world.drives().ops() + op;
        held.world.drives().fail_at(op, Fault::Yank(port(log)));
        let goes_on = resumed(MINIMAL, &mut held.world);
        if held.world.drives().relent() {
            assert!(goes_on.is_ok());
            break;
        }
        pulled += 1;
        let Err(error) = goes_on else { continue };
        let words = error.to_string();
        assert!(words.contains("CONCLAVE-LOG-B") || words.contains("LOG-B"), "{op}: {words}");
        // The devices that had come so far stay, and the ceremony goes on from there.
        held.plug(log);
        let log = FileName::new(b"conclave.cbor").unwrap();
        for drive in [DriveId(0), DriveId(1)] {
            assert!(held.stick(drive).unwrap().files[&log].starts_with(&record), "{op}");
        }
        assert!(resumed(MINIMAL, &mut held.world).is_ok(), "{op}");
    }
    assert!(pulled > 5, "{pulled}");
}

/// Everything the plan names is let in, as after its intake.
pub(super) fn admitted(bytes: &[u8], world: &mut World) {
    world.admit(Some(&Named::by(&plan::read(bytes).unwrap())));
}

#[test]
fn a_reader_that_shows_its_card_after_the_plan_is_in_is_named_and_never_opened() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    admitted(MINIMAL, &mut stage.world);
    let at = Shown::new("9-9");
    // The files on the card would do for a share drive.
    let card = || Stick::new("9-9", "READER", "SHARE-1");
    let mut named = 0;
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan::read(MINIMAL).unwrap()), |stage, ceremony| {
        match stage.world.drives().stick(&at) {
            None => stage.world.drives().plug(card()),
            Some(there) => assert_eq!(*there, card(), "it was opened"),
        }
        named += usize::from(middle(ceremony).contains("The plan names no drive with serial READER."));
    });
    assert!(ended == Ended::Closed && named > 0, "{named} {ended:?}\n{}", screen(&mut ceremony).join("\n"));
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}

#[test]
fn a_token_that_tells_another_serial_after_an_hour_is_not_let_in_and_not_worked_with() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    admitted(MINIMAL, &mut stage.world);
    let master = stage.place(MASTER).unwrap();
    let (mut changed, mut told, mut commands) = (false, false, 0);
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan::read(MINIMAL).unwrap()), |stage, ceremony| {
        // It has proved itself, has its PIN, and holds a session: its port drops it, and it comes back as another.
        if !changed && matches!(ceremony.waiting(), Waiting::Acting(Act::Generate(MASTER, _))) {
            let tokens = stage.world.tokens();
            tokens.disguise(master, Some(&Serial::new("01A001000000000")));
            tokens.pull(master);
            tokens.plug(master, &port(Device::Token(MASTER)));
            (changed, commands) = (true, tokens.changes().len());
        }
        if changed && !told {
            let tokens = stage.world.tokens();
            assert_eq!(tokens.changes().len(), commands, "a command went to it");
            let words = middle(ceremony);
            if words.contains("The plan names no token with serial 01A001000000000. MASTER is asked for.") {
                tokens.disguise(master, None);
                told = true;
            }
        }
    });
    assert!(ended == Ended::Closed && told, "{told} {ended:?}\n{}", screen(&mut ceremony).join("\n"));
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}

#[test]
fn of_two_tokens_with_one_serial_neither_is_worked_with_and_the_ceremony_goes_on_without_the_copy() {
    let (mut stage, plan) = (stage(MINIMAL), plan::read(MINIMAL).unwrap());
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&plan);
    let copy = token(&plan.tokens[0], Profile::firmware_4_1(), &[9; 32]).unwrap();
    let copy = stage.world.tokens().lay(copy);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if ceremony.waiting() == Waiting::Asked(Ask::Insert(Device::Token(MASTER))) {
            stage.world.tokens().plug(copy, &Shown::new("9-9"));
        }
    });
    let Ended::Stands(words) = ended else { panic!("{ended:?}\n{}", screen(&mut ceremony).join("\n")) };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("Two tokens say they are MASTER, serial DENK0000001: at port"), "{words}");
    assert!(words.contains("One is a copy. Keep both apart."), "{words}");
    assert!(stage.world.tokens().changes().is_empty(), "a command went to one of them");
    let account = account(MINIMAL, ceremony.transcript(), &[]);
    assert!(account.refused.is_empty() && !account.closed, "{account:?}");
    stage.world.tokens().pull(copy);
    stage.world.restart(usize::MAX);
    robot.signed_out();
    let Begun::Rehearsal(mut ceremony) = resumed(MINIMAL, &mut stage.world).unwrap() else { panic!() };
    let ended = play(&mut stage, &mut ceremony, &mut robot, |_, _| ());
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}
