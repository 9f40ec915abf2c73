//! The bar of a ceremony names every key that works, and no other: on each kind of screen a person presses each key once.

use std::collections::BTreeSet;

use conclave_ceremony::plan;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::Begun;
use conclave_console::ceremony::desk::Stage;
use conclave_console::key::Key;
use conclave_console::wording;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::{brought, start};
use smartcard_hsm::cvc::Simulated;

use super::{MINIMAL, stage};

/// Keys that lead nowhere, or to a screen from which Esc leads back, each with its name in the bar.
const STAY: [(Key, &str); 7] = [
    (Key::Function(1), "F1 "),
    (Key::Function(2), "F2 "),
    (Key::Function(3), "F3 "),
    (Key::Function(10), "F10 "),
    (Key::Down, "Down"),
    (Key::Up, "Up"),
    (Key::Tab, "Tab"),
];
/// Keys after which the ceremony is elsewhere: one of them in each ceremony.
const MOVE: [(Key, &str); 5] = [
    (Key::Enter, "Enter: "),
    (Key::Escape, "Esc: "),
    (Key::Char('1'), " 1 "),
    (Key::Char('2'), " 2"),
    (Key::Char('a'), " a: "),
];

/// Presses these keys, one after the other, on the first screen of each kind.
fn pressed(keys: &[(Key, &str)]) -> Vec<String> {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let (mut robot, mut seen, mut wrong) = (Robot::new(&plan::read(MINIMAL).unwrap()), BTreeSet::new(), Vec::new());
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        for (key, named) in keys {
            let kind = (kind(ceremony), format!("{key:?}"));
            if ceremony.busy() || !seen.insert(kind.clone()) {
                continue;
            }
            let scene = ceremony.scene();
            let shown = scene.desk.stage == Stage::Shown;
            let (bar, lines) = (wording::keys::of(&scene), scene.desk.form.lines().0.len());
            if lines > 0 && matches!(key, Key::Char(_)) {
                continue;
            }
            // Up leads back from where Down has led; Esc empties a line with something on it.
            let first = match key {
                Key::Up if bar.contains("Up Down") => Some(Key::Down),
                Key::Escape if bar.contains("Esc: empty") => Some(Key::Char('7')),
                _ => None,
            };
            first.into_iter().for_each(|first| ceremony.press(first, &mut stage.world));
            let before = screen(ceremony);
            ceremony.press(*key, &mut stage.world);
            let works = screen(ceremony) != before;
            // Down goes to the next line, as Tab does.
            let tab = *key == Key::Tab && bar.contains("Up Down") && lines > 1;
            if works != (bar.contains(named) || tab) {
                wrong.push(format!(
                    "{key:?} {} in: {bar}\n{}",
                    if works { "works" } else { "does not work" },
                    before.join("\n")
                ));
            }
            // The way back.
            match key {
                Key::Function(_) if works => ceremony.press(Key::Escape, &mut stage.world),
                Key::Tab if works && !tab => (0..2).for_each(|_| ceremony.press(Key::Tab, &mut stage.world)),
                Key::Down if works => ceremony.press(Key::Up, &mut stage.world),
                Key::Tab if works => ceremony.press(Key::Up, &mut stage.world),
                Key::Char(_) if matches!(ceremony.scene().desk.stage, Stage::Objection | Stage::Why) => {
                    ceremony.press(Key::Escape, &mut stage.world);
                }
                // A code, or a secret, that is read later: Esc leads back to it.
                Key::Enter if shown => ceremony.press(Key::Escape, &mut stage.world),
                Key::Enter if works && lines > 1 => ceremony.press(Key::Up, &mut stage.world),
                _ => {}
            }
        }
    });
    assert_eq!(ended, Ended::Closed, "{keys:?}");
    assert!(seen.len() > 15, "{seen:#?}");
    wrong
}

/// The kind of a screen: the question without its subject, how far it is, the bar.
fn kind(ceremony: &mut Ceremony<World, Simulated>) -> String {
    let scene = ceremony.scene();
    let waiting: String = format!("{:?}", scene.waiting).chars().filter(|c| !c.is_ascii_digit()).collect();
    format!("{waiting} {:?} {}", core::mem::discriminant(&scene.desk.stage), wording::keys::of(&scene))
}

#[test]
fn the_bar_of_a_ceremony_names_every_key_that_works_and_no_other() {
    let mut wrong = pressed(&STAY);
    for key in MOVE {
        wrong.extend(pressed(&[key]));
    }
    assert_eq!(wrong.len(), 0, "{}", wrong.join("\n\n"));
}
