//! The zoo of sticks, wherever a drive is asked for: each is called what it is, and the one command that is named mends it.

use std::io::Cursor;
use std::sync::LazyLock;

use conclave::drive::{Label, format};
use conclave_ceremony::ids::{Device, DriveId};
use conclave_ceremony::plan;
use conclave_room::ceremony::begin::Begun;
use conclave_room::ceremony::intake::Intake;
use conclave_room::drives::fat32::{Unfit, identify};
use conclave_room::drives::{Drive, Volume};
use conclave_room::key::Key;
use conclave_room::look::devices::Devices;
use conclave_room::look::{Event, step};
use conclave_room::ports::Machine;
use conclave_room::shown::{Serial, Shown};
use conclave_room::text_drives::{mend, unfit};
use conclave_room::view;
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, rows, screen};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::{STARTED, brought, start};
use conclave_tests::scratch::Scratch;
use conclave_tests::vm::stick;
use conclave_tests::zoo::{LEN, VOLUME, ZOO, lived_in};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::{MEMO, MINIMAL, middle, refused, run, stage, verified};

/// A stick of the zoo as the appliance finds it.
struct Found {
    name: &'static str,
    said: Option<&'static str>,
    bytes: Vec<u8>,
    volume: Result<Volume, Unfit>,
}

static FOUND: LazyLock<Vec<Found>> = LazyLock::new(|| {
    let scratch = Scratch::new();
    let found = ZOO.iter().map(|odd| {
        let bytes = odd.bytes(&scratch);
        let volume = identify(&mut Cursor::new(&bytes), LEN).map(|found| found.volume);
        Found { name: odd.name, said: odd.said, bytes, volume }
    });
    found.collect()
});

/// Those that do not fit, and what is said of each.
fn unfit_ones() -> Vec<(Unfit, &'static str)> {
    FOUND.iter().filter_map(|found| Some((found.volume.clone().err()?, found.said?))).collect()
}

/// The words of a screen as one line.
fn line(rows: &[String]) -> String {
    rows.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_stick_is_called_what_it_is_and_the_command_that_is_named_mends_it() {
    let scratch = Scratch::new();
    for Found { name, said, bytes, volume } in FOUND.iter() {
        match volume {
            Ok(volume) => assert_eq!((volume.id.0, *said), (VOLUME, None), "{name}"),
            Err(why) => {
                assert_eq!(Some(unfit(why).as_str()), *said, "{name}");
                assert!(mend(why).contains("conclave drive prepare"), "{name}: {}", mend(why));
            }
        }
        let mut mended = Cursor::new(bytes.clone());
        format(&mut mended, LEN, VOLUME, Label::new("WELLINGTON").unwrap()).unwrap();
        assert!(identify(&mut mended, LEN).is_ok(), "{name}");
        let part = scratch.file("part");
        std::fs::write(&part, &mended.get_ref()[1 << 20..]).unwrap();
        stick::judged(&part);
    }
}

#[test]
fn on_the_screen_of_devices_every_stick_is_called_what_it_is() {
    for found in FOUND.iter() {
        let drive = Drive {
            port: Shown::new("1-1"),
            model: Shown::new("Stick"),
            serial: Serial::new("S1"),
            len: LEN,
            volume: found.volume.clone(),
        };
        let seen = Event::Seen(Devices { drives: vec![drive], ..Devices::default() });
        let look = step(run::look(), seen).0;
        let mut terminal = Terminal::new(TestBackend::new(80, 25)).unwrap();
        terminal.draw(|frame| view::draw(&look, frame)).unwrap();
        let screen = line(&rows(terminal.backend().buffer()));
        let words = found.said.unwrap_or("FAT32 volume 4A17-E2B0");
        assert!(screen.contains(words), "{}: {words:?} is not on {screen}", found.name);
        assert_eq!(screen.contains("conclave drive prepare"), found.said.is_some(), "{}", found.name);
    }
}

#[test]
fn where_a_plan_or_a_log_drive_is_asked_for_every_stick_is_called_what_it_is() {
    for (why, said) in unfit_ones() {
        let mut stick = Stick::new("9-1", "BROUGHT", "PLAN");
        stick.drive.volume = Err(why.clone());
        let (mut world, mut intake) = (World::new([7; 32], STARTED, std::sync::Arc::clone(&MEMO)), Intake::default());
        world.drives().plug(stick);
        intake.press(Key::Enter, &start(), &mut world);
        let words = intake.wrong.clone().unwrap_or_default();
        assert!(words.contains(said) && words.contains("conclave drive prepare"), "{words}");
    }
    let (stage, _) = refused::interrupted(6);
    for (why, said) in unfit_ones() {
        let mut held = stage.clone();
        for log in [DriveId(0), DriveId(1)] {
            held.plug(Device::Drive(log));
        }
        held.stick(DriveId(1)).unwrap().drive.volume = Err(why);
        let words = match Begun::resumed(&start(), &mut held.world) {
            Ok(_) => panic!("{said} was taken for a log drive"),
            Err(error) => error.to_string(),
        };
        assert!(words.contains("LOG-B cannot be used.") && words.contains(said), "{words}");
    }
}

#[test]
fn at_every_step_that_asks_for_a_drive_every_stick_is_called_what_it_is_and_the_right_one_goes_on() {
    let mut stage = stage(MINIMAL);
    let plan = plan::read(MINIMAL).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let (mut robot, table) = (Robot::new(&plan), unfit_ones());
    let sound: Vec<_> =
        (0..plan.drives.len()).map(|at| stage.stick(DriveId(at as u16)).unwrap().drive.volume.clone()).collect();
    let mut told = vec![0; plan.drives.len()];
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let said = middle(ceremony);
        for (at, told) in told.iter_mut().enumerate() {
            let called = format!("{} cannot be used.", plan.drives[at].name);
            if table.get(*told).is_some_and(|(_, words)| said.contains(&called) && said.contains(words)) {
                *told += 1;
            }
            let volume = table.get(*told).map_or_else(|| sound[at].clone(), |(why, _)| Err(why.clone()));
            stage.stick(DriveId(at as u16)).unwrap().drive.volume = volume;
        }
    });
    assert!(ended == Ended::Closed, "{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    assert_eq!(told, vec![table.len(); plan.drives.len()], "sticks told apart, for each drive of the plan");
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}

#[test]
fn only_what_systems_make_by_themselves_leaves_a_drive_empty() {
    let scratch = Scratch::new();
    let stick = scratch.file("lived-in");
    let of_systems = ["System Volume Information", ".Trashes", ".Spotlight-V100", ".fseventsd", "$RECYCLE.BIN"];
    lived_in(&stick, &of_systems);
    assert!(identify(&mut std::fs::File::open(&stick).unwrap(), LEN).is_ok());
    // A share drive with them is registered; with a person's own folders it is not.
    let mut room = stage(MINIMAL);
    let plan = plan::read(MINIMAL).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut room.world).unwrap() else {
        panic!()
    };
    let share = DriveId(2);
    room.stick(share).unwrap().folders =
        of_systems.iter().chain(&["Fotos 2025", "Übung", ".git"]).map(|it| (*it).into()).collect();
    let mut told = 0;
    let ended = play(&mut room, &mut ceremony, &mut Robot::new(&plan), |room, ceremony| {
        let said = middle(ceremony);
        for words in ["SHARE-1 is not empty: it holds 3 other names.", "SHARE-1 is not empty: it holds 1 other name."] {
            if said.contains(words) && told < 2 {
                told += 1;
                let left = if told == 1 { "Übung" } else { ".Trashes" };
                room.stick(share).unwrap().folders = vec![left.into()];
            }
        }
    });
    assert!(ended == Ended::Closed && told == 2, "{told} {ended:?}\n{}", screen(&mut ceremony).join("\n"));
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}
