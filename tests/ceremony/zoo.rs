//! The zoo of sticks, wherever a drive is asked for: each is called by its kind, and the one command on the screen
//! mends it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::LazyLock;

use conclave::drive::{Label, format};
use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::compile::compile;
use conclave_ceremony::ids::{Device, DriveId, StepId, TokenId};
use conclave_ceremony::kind::about;
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::intake::Intake;
use conclave_console::drives::fat32::{Unfit, identify};
use conclave_console::drives::{Drive, Listing, Volume};
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::devices::Devices;
use conclave_console::preflight::{Event, step};
use conclave_console::shown::{Serial, Shown};
use conclave_console::view;
use conclave_console::wording::drives::{mend, unfit};
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, rows, screen};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::{STARTED, brought, resumed, start};
use conclave_tests::scratch::Scratch;
use conclave_tests::vm::stick;
use conclave_tests::zoo::{LEN, OF_SYSTEMS, VOLUME, ZOO, lived_in};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use smartcard_hsm::cvc::Simulated;

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

/// Those that do not fit, one for each thing that is said.
fn unfit_ones() -> Vec<(Unfit, &'static str)> {
    let mut said = BTreeSet::new();
    let ones = FOUND.iter().filter_map(|found| Some((found.volume.clone().err()?, found.said?)));
    ones.filter(|(_, words)| said.insert(*words)).collect()
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
fn where_a_plan_or_the_log_drives_are_asked_for_every_stick_is_called_what_it_is() {
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
    let (logs, names) = ([DriveId(0), DriveId(1)], ["LOG-A", "LOG-B"]);
    for (why, said) in unfit_ones() {
        for (log, name) in logs.into_iter().zip(names) {
            let mut held = stage.clone();
            logs.into_iter().for_each(|log| held.plug(Device::Drive(log)));
            held.stick(log).unwrap().drive.volume = Err(why.clone());
            let refused = resumed(MINIMAL, &mut held.world).err().unwrap();
            let words = conclave_console::wording::intake::not_resumed(&refused);
            assert!(words.contains(&format!("{name} cannot be used.")) && words.contains(said), "{words}");
        }
    }
}

/// Plays a plan to its end on a stage. `asked` says which drive is asked for or worked with now, and in which step:
/// there every stick of the zoo lies in its place, one after the other, until each was called by its kind; then the
/// ceremony goes on with the right stick.
fn told_apart(
    bytes: &[u8],
    mut asked: impl FnMut(&Ceremony<World, Simulated>) -> Option<(StepId, DriveId)>,
) -> BTreeMap<(StepId, DriveId), usize> {
    let (mut stage, plan) = (stage(bytes), plan::read(bytes).unwrap());
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(bytes), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let (mut robot, table) = (Robot::new(&plan), unfit_ones());
    let drives = || (0..plan.drives.len()).map(|at| DriveId(at as u16));
    let sound: Vec<_> = drives().map(|drive| stage.stick(drive).unwrap().drive.volume.clone()).collect();
    let mut told = BTreeMap::new();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        for (drive, volume) in drives().zip(&sound) {
            stage.stick(drive).unwrap().drive.volume = volume.clone();
        }
        let Some((step, drive)) = asked(ceremony) else { return };
        let (said, told) = (middle(ceremony), told.entry((step, drive)).or_insert(0));
        let called = format!("{} cannot be used.", plan.drives[usize::from(drive.0)].name);
        if table.get(*told).is_some_and(|(_, words)| said.contains(&called) && said.contains(words)) {
            *told += 1;
        }
        if let Some((why, _)) = table.get(*told) {
            stage.stick(drive).unwrap().drive.volume = Err(why.clone());
        }
    });
    assert!(ended == Ended::Closed, "{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    verified(bytes, ceremony.transcript(), ceremony.head());
    assert!(told.values().all(|told| *told == table.len()), "of {} sticks were told apart: {told:?}", table.len());
    told
}

#[test]
fn at_every_step_that_works_with_a_drive_every_stick_is_called_what_it_is_until_the_right_one_goes_on() {
    let mut works = BTreeSet::new();
    let told = told_apart(MINIMAL, |ceremony| {
        let step = ceremony.state().at();
        match ceremony.waiting() {
            Waiting::Acting(Act::Identify(drive)) => {
                works.insert((step, drive));
                Some((step, drive))
            }
            // The fault of the stick stands where the stick is asked for again, after any other question.
            Waiting::Asked(Ask::Insert(Device::Drive(drive))) => Some((step, drive)).filter(|at| works.contains(at)),
            _ => None,
        }
    });
    let plan = plan::read(MINIMAL).unwrap();
    let script = compile(&plan).unwrap();
    let steps = told.keys().map(|(at, _)| about(&plan, script.step(*at).unwrap().kind).name);
    let all = [
        "Log LOG-A",
        "Log LOG-B",
        "Register SHARE-1",
        "Register SHARE-2",
        "Register BLOBS",
        "Register PUBLIC",
        "Write share 1",
        "Write share 2",
        "Open share 1",
        "Open share 2",
        "Wrap signing",
        "Restore BACKUP",
        "Publish PUBLIC",
    ];
    assert_eq!(steps.collect::<Vec<_>>(), all);
}

#[test]
fn a_log_drive_that_is_another_stick_when_it_is_written_to_is_called_what_it_is() {
    for log in [DriveId(0), DriveId(1)] {
        // The entry says that the first token is in.
        let token = Waiting::Asked(Ask::Insert(Device::Token(TokenId(0))));
        let told = told_apart(MINIMAL, |ceremony| (ceremony.waiting() == token).then(|| (ceremony.state().at(), log)));
        assert!(!told.is_empty(), "{log:?}");
    }
}

#[test]
fn only_what_systems_make_by_themselves_leaves_a_drive_empty() {
    let scratch = Scratch::new();
    let image = scratch.file("lived-in");
    let listed = |folders: &[&str], files: &[&str]| {
        lived_in(&image, folders, files);
        assert!(identify(&mut std::fs::File::open(&image).unwrap(), LEN).is_ok());
        let root = stick::root(&image);
        assert_eq!(root.len(), folders.len() + files.len(), "{root:?}");
        let mut listing = Listing::default();
        root.iter().for_each(|(name, folder)| listing.add(name.as_bytes(), (!folder).then_some(1)));
        (listing, root.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
    };
    assert_eq!(listed(&OF_SYSTEMS, &[]).0, Listing::default());
    let (own, files) = (["Fotos 2025", "Übung", ".git"], ["zwei Wörter.txt", ".profile", "Öl", "setup.exe"]);
    let (listing, names) = listed(&[&OF_SYSTEMS[..], &own].concat(), &files);
    let named: Vec<&str> = listing.files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!((named, listing.others), (vec!["setup.exe"], 6), "{names:?}");
    // A share drive with files that systems make is registered; a share drive with a person's own files is not.
    let mut room = stage(MINIMAL);
    let plan = plan::read(MINIMAL).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut room.world).unwrap() else {
        panic!()
    };
    let share = DriveId(2);
    room.stick(share).unwrap().folders = names.into_iter().filter(|name| name != "setup.exe").collect();
    let mut told = 0;
    let ended = play(&mut room, &mut ceremony, &mut Robot::new(&plan), |room, ceremony| {
        let said = middle(ceremony);
        for words in ["SHARE-1 is not empty: it holds 6 other names.", "SHARE-1 is not empty: it holds 1 other name."] {
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
