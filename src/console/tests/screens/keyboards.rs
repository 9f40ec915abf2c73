//! Keyboards on USB: asked for their code, shut out, missing.

use conclave_console::ceremony::intake::{Intake, Stage};
use conclave_console::key::{Key, KeyboardId, Press};
use conclave_console::preflight::challenge::Challenged;
use conclave_console::preflight::devices::{Devices, Other, Unused as NotUsed};
use conclave_console::preflight::keyboards::Code;
use conclave_console::preflight::{Event, Screen, step};
use conclave_console::shown::Shown;

use super::fixtures::{after, at, check, check_with, devices, press, rendered};

fn keyboard_came() -> Event {
    Event::KeyboardCame {
        id: KeyboardId(7),
        port: Shown::new("1-3"),
        product: Shown::new("Dell KB216 Wired Keyboard"),
        code: Code::new(654_321_u32.to_le_bytes()),
    }
}

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_while_a_plan_comes_in() {
    let look = after(at(Screen::Devices, vec![keyboard_came()]));
    let (shown, mut intake) = (["type on it 123456   typed: ______   3 tries left"], Intake::default());
    check_with(Some(&intake), "keyboard-asked-intake", &look, "Operator", "plug in the drive with the plan", &shown);
    intake.stage = Stage::Challenge(Challenged::Source);
    check_with(Some(&intake), "keyboard-asked-challenge", &look, "Witness", "where does your own copy", &shown);
}

#[test]
fn a_keyboard_on_usb_is_asked_for_its_code_over_any_screen() {
    let came = keyboard_came();
    let pressed = |key| Event::Pressed(Press { key, keyboard: KeyboardId(7) });
    let shown = ["USB port 1-3: Dell KB216 Wired Keyboard", "type on it 123456   typed: 1_____   3 tries left"];
    let asked = after(at(Screen::Devices, vec![devices(), came, pressed(Key::Char('1')), pressed(Key::Enter)]));
    check("keyboard-asked", &asked, "Operator", "pull out every token of the clone alarm", &shown);
    assert_eq!(asked.screen, Screen::Devices, "Enter of a keyboard that does not count changes nothing");
    assert_eq!(step(asked.clone(), pressed(Key::Escape)).0.screen, Screen::Devices);
    let met = "23456".chars().fold(asked.clone(), |look, typed| step(look, pressed(Key::Char(typed))).0);
    let screen = rendered(&met, 160, 50);
    assert!(!screen.contains("type on it") && screen.contains("Dell KB216 Wired Keyboard counts"), "{screen}");
    assert_eq!(step(met, pressed(Key::Escape)).0.screen, Screen::Clock);
    let gone = step(asked, Event::KeyboardWent(KeyboardId(7))).0;
    assert!(!rendered(&gone, 160, 50).contains("Dell"));
}

#[test]
fn a_keyboard_that_is_shut_out_is_named_over_any_screen_until_f2_is_pressed() {
    let product = Shown::new("Dell KB216 Wired Keyboard");
    let others = vec![Other { port: Shown::new("1-3"), product, why: NotUsed::Keyboard }];
    let seen = Event::Seen(Devices { others, ..Devices::default() });
    let own = Event::OwnKeyboard(true);
    let look = after([own.clone(), seen.clone()]);
    let shown = [
        "USB port 1-3: Dell KB216 Wired Keyboard",
        "press F2 on this machine's own keyboard",
        "If that keyboard is dead, use the power button",
    ];
    check("keyboard-shut-out", &look, "Operator", "wait: looking for the medium", &shown);
    let devices = after(at(Screen::Devices, vec![own.clone(), seen.clone()]));
    let listed = ["Dell KB216 Wired Keyboard keyboard, shut out: F2 lets it in", shown[1]];
    check("keyboard-shut-out-devices", &devices, "Operator", "plug in a token or a drive", &listed);
    check_with(Some(&Intake::default()), "keyboard-shut-out-intake", &devices, "Operator", "plug in the drive", &shown);
    let asked = step(look, press(Key::Function(2))).0;
    assert_eq!(asked.shut_out(), None);
    // Another one that waits for its code is asked first.
    let both = after([own, seen.clone(), keyboard_came()]);
    let screen = rendered(&both, 80, 25);
    assert!(screen.contains("type on it 123456") && !screen.contains(shown[1]), "{screen}");
    // Where the machine has no keyboard, there is none to press F2 on.
    let none = after([Event::OwnKeyboard(false), seen]);
    check("keyboard-shut-out-none", &none, "Operator", "wait: looking", &["no keyboard found: plug one in by USB"]);
    assert_eq!(none.shut_out(), None);
}

#[test]
fn a_machine_without_any_keyboard_asks_for_one() {
    let look = after([Event::OwnKeyboard(false)]);
    check("no-keyboard", &look, "Operator", "wait: looking for the medium", &["no keyboard found: plug one in by USB"]);
    let came = step(look, Event::OwnKeyboard(true)).0;
    let screen = rendered(&came, 80, 25);
    assert!(!screen.contains("no keyboard") && screen.contains("F10 off"), "{screen}");
}
