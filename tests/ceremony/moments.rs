//! Screens that no step of a ceremony has in which nothing goes wrong: each asked like every other, and compared with golden
//! files of its own.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-tests --test ceremony -- moments codes` rewrites the golden files; review the difference.

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{Device, DriveId};
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::desk::Stage;
use conclave_console::ceremony::scene::Scene;
use conclave_console::key::{Key, KeyboardId};
use conclave_console::ports::Machine;
use conclave_console::preflight::devices::{Other, Unused};
use conclave_console::preflight::keyboards::{Code, Keyboards};
use conclave_console::preflight::laptop::{Battery, Supply};
use conclave_console::shown::Shown;
use conclave_console::usb::gate::Never;
use conclave_console::view;
use conclave_sim::world::drives::{Lies, Stick};
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, rows};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::{brought, resumed, start};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Color;
use smartcard_hsm::cvc::Simulated;

use super::screens::moment;
use super::{MINIMAL, middle, stage, types};

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_in_a_ceremony_and_above_what_counts_the_seconds() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut keyboards = Keyboards::default();
    let code = Code::new(654_321_u32.to_le_bytes());
    keyboards.came(KeyboardId(7), Shown::new("1-3"), Shown::new("Dell KB216 Wired Keyboard"), code);
    let asked = "type on it 123456 typed: ______ 3 tries left";
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let scene = Scene { keyboard: keyboards.asked(), ..ceremony.scene() };
        match (&scene.waiting, scene.desk.stage) {
            (Waiting::Asked(Ask::SignIn(_)), Stage::Form) if scene.works() => {
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
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let product = Shown::new("Logitech HD Pro Webcam C920");
    let other = Other { port: Shown::new("1-2.3"), product, why: Unused::Never(Never::SoundOrCamera) };
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let scene = Scene { overhears: Some(&other), ..ceremony.scene() };
        if matches!(scene.waiting, Waiting::Asked(Ask::SignIn(_))) {
            moment("overhears", scene, &["Pull out 1-2.3: Logitech HD Pro Webcam overhears the tokens on its hub"]);
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
}

#[test]
fn a_keyboard_that_is_shut_out_is_named_in_a_ceremony() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let other = Other { port: Shown::new("1-2.3"), product: Shown::new("Keys"), why: Unused::Keyboard };
    let says = "Keyboard at 1-2.3 is shut out: press F2 to let it in, or pull it out";
    moment("keyboard-shut-out", Scene { shut_out: Some(&other), ..ceremony.scene() }, &[says]);
}

#[test]
fn what_goes_wrong_in_a_ceremony_is_shown_as_everything_else_is() {
    let mut stage = stage(MINIMAL);
    let planned = plan::read(MINIMAL).unwrap();
    let log = Device::Drive(DriveId(0));
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&planned);
    let (mut pulled, mut refused, mut decided) = (false, false, false);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let scene = ceremony.scene();
        match (&scene.waiting, scene.desk.stage) {
            (Waiting::Asked(Ask::SignIn(_)), _) if scene.trouble.is_some() => {
                moment("trouble", scene, &["put the log drive right", "Enter: try again"]);
                stage.plug(log);
            }
            // The code is typed, and its entry finds no log drive.
            (Waiting::Asked(Ask::SignIn(_)), Stage::Form) if !scene.writes && !pulled => {
                pulled = true;
                stage.pull(log);
            }
            (Waiting::Asked(Ask::Go { who: Some(_), .. }), _) if !refused => {
                refused = true;
                types(ceremony, &mut stage.world, &["zzzz"]);
                let said = ["This is not the code of operator: 1 wrong so far.", "Code of operator: _"];
                moment("refused-line", ceremony.scene(), &said);
            }
            // The first share's drive is full once, the second's lies.
            (Waiting::Acting(Act::Write(drive, Item::Share(share, _))), _) => {
                let stick = stage.stick(*drive).unwrap();
                match share.0 {
                    0 if !decided => stick.capacity = 0,
                    0 => stick.capacity = stick.drive.len,
                    _ => stick.lies = Lies::Everything,
                }
            }
            (Waiting::Asked(Ask::Again { .. }), _) if !scene.writes => {
                moment("again", scene, &["decide whether this step is done again", "Code of witness:"]);
                decided = true;
            }
            (Waiting::Halted(_), _) if !scene.writes => moment("halted", scene, &["stop. Read the words below"]),
            _ => {}
        }
    });
    assert!(matches!(ended, Ended::Stands(_)) && pulled && refused && decided, "{ended:?}");
    stage.world.restart(0);
    let Begun::Rehearsal(mut ceremony) = resumed(MINIMAL, &mut stage.world).unwrap() else { panic!() };
    while ceremony.busy() {
        ceremony.go_on(&mut stage.world);
    }
    moment("signs-in-again", ceremony.scene(), &["sign in operator: which document was shown?"]);
}

#[test]
fn what_lies_over_a_ceremony_says_who_acts_and_what_is_asked() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    for (name, number, keys, says) in [
        ("help", 1, "", &["Anybody: help for this screen", "If the power fails: start again", "any key: back"][..]),
        ("keyboard", 2, "yz", &["Operator: type the line below", "layout us: yz_", "Tab: next layout"]),
        (
            "power-off",
            10,
            "of",
            &["Operator: write down the head below; then type off and press Enter", "of_", "Esc: back"],
        ),
    ] {
        ceremony.press(Key::Function(number), &mut stage.world);
        keys.chars().for_each(|key| ceremony.press(Key::Char(key), &mut stage.world));
        moment(name, ceremony.scene(), says);
        ceremony.press(Key::Escape, &mut stage.world);
    }
}

#[test]
fn the_right_drive_a_wrong_one_and_one_too_many_are_named_wherever_one_is_asked_for() {
    let (log, share) = (Device::Drive(DriveId(0)), Device::Drive(DriveId(2)));
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let mut seen = 0;
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if ceremony.busy() {
            return;
        }
        match ceremony.waiting() {
            Waiting::Asked(Ask::Insert(asked)) if asked == log && seen == 0 => {
                seen = 1;
                stage.world.drives().plug(Stick::new("usb 9-1", "60A44C425324", "HOLIDAY"));
                stage.plug(share);
                ceremony.look(&mut stage.world);
                let wrong = "This is SHARE-1. LOG-A is asked for. Take SHARE-1 out.";
                let foreign = "The plan names no drive with serial 60A44C425324. LOG-A is asked for.";
                let all = "Plugged in: SHARE-1, drive with serial 60A44C425324.";
                moment("wrong-drive", ceremony.scene(), &[wrong, foreign, all]);
                ceremony.press(Key::Enter, &mut stage.world);
                moment("wrong-drive-refused", ceremony.scene(), &[wrong, all]);
                stage.plug(log);
                ceremony.press(Key::Tab, &mut stage.world);
                let surplus = "SHARE-1 is plugged in and not asked for: take it out.";
                moment("found-and-surplus", ceremony.scene(), &["LOG-A found. Press Enter.", surplus]);
                assert!(!middle(ceremony).contains(wrong), "red goes with the next key");
                stage.world.drives().pull(&Shown::new("usb 9-1"));
            }
            // It stayed in: every question names it until a person takes it out.
            Waiting::Asked(Ask::SignIn(_)) if seen == 1 => {
                seen = 2;
                let surplus = "SHARE-1 is plugged in and not asked for: take it out.";
                assert!(middle(ceremony).contains(surplus), "{}", middle(ceremony));
                stage.pull(share);
                ceremony.look(&mut stage.world);
                assert!(!middle(ceremony).contains("SHARE-1"), "{}", middle(ceremony));
            }
            Waiting::Asked(Ask::Remove(asked)) if seen == 2 => {
                seen = 3;
                stage.pull(asked);
                ceremony.look(&mut stage.world);
                moment("is-out", ceremony.scene(), &["is out. Press Enter.", "Plugged in: LOG-A, LOG-B."]);
            }
            _ => {}
        }
    });
    assert_eq!((ended, seen), (Ended::Closed, 3));
}

#[test]
fn the_pace_line_says_what_the_laptop_runs_on() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let line = |ceremony: &mut Ceremony<World, Simulated>, battery| {
        let scene = Scene { battery, ..ceremony.scene() };
        let mut terminal = Terminal::new(TestBackend::new(80, 25)).unwrap();
        terminal.draw(|frame| view::ceremony::draw(&scene, frame)).unwrap();
        let row = rows(terminal.backend().buffer())[21].clone();
        let red = terminal.backend().buffer().content[21 * 80..22 * 80].iter().any(|cell| cell.bg == Color::Red);
        (row.trim_end().to_owned(), red)
    };
    let of = |percent, supply| Some(Battery { percent, supply });
    let (none, _) = line(&mut ceremony, None);
    assert!(none.ends_with(" min"), "{none}");
    for (battery, says, red) in [
        (of(100, Supply::Mains), "   mains 100%", false),
        (of(100, Supply::Battery), " battery 100%", false),
        (of(19, Supply::Battery), "  battery 19%", true),
        (of(19, Supply::Mains), "    mains 19%", false),
    ] {
        let (row, is_red) = line(&mut ceremony, battery);
        assert!(row.starts_with(&none) && row.ends_with(says) && row.len() == 80, "{row}");
        assert_eq!(is_red, red, "{row}");
    }
    let mut scene = ceremony.scene();
    scene.battery = of(18, Supply::Battery);
    moment("battery", scene, &["battery 18%"]);
}
