//! Every screen before a ceremony: the bar names each key that works and no other; its words are whole sentences.

use conclave_console::key::Key;
use conclave_console::preflight::medium::{Medium, SelfCheck};
use conclave_console::preflight::{Event, Over, Preflight, Screen, step};
use conclave_console::wording::preflight as text;

use super::fixtures::{after, air_gap, at, devices, hashed, met, new, open_challenge, place, press, rendered, typed};

/// Keys, each with its name in the bar.
const KEYS: [(Key, &str); 11] = [
    (Key::Function(1), "F1 "),
    (Key::Function(2), "F2 "),
    (Key::Function(10), "F10 "),
    (Key::Enter, "Enter: "),
    (Key::Escape, "Esc: "),
    (Key::Tab, "Tab: "),
    (Key::Up, "Up"),
    (Key::Down, "Down"),
    (Key::Char('1'), " 1 "),
    (Key::Char('2'), " 2"),
    (Key::Char('3'), " 3"),
];

/// Every screen, by name.
fn screens() -> Vec<(&'static str, Preflight)> {
    let over = |number| at(Screen::Devices, vec![devices(), press(Key::Function(number))]);
    let mut second = open_challenge();
    second.extend(typed("0000").chain([press(Key::Enter)]));
    let mut screens = vec![
        ("looking", new()),
        ("missing", after([Event::Medium(Medium::Missing { looked_at: vec![place()] })])),
        ("several", after([Event::Medium(Medium::Several(vec![place()]))])),
        ("hashing", after([Event::Medium(Medium::Hashing { place: place(), done: 1, len: 2 })])),
        ("damaged", after([hashed(SelfCheck::Fails)])),
        ("digest", after([hashed(SelfCheck::Holds)])),
        ("source", after(open_challenge().into_iter().take(2))),
        ("drawing", after(open_challenge().into_iter().take(3))),
        ("open", after(open_challenge())),
        ("open, second line", after(second)),
        ("met", after(met())),
        ("trying", after(met().into_iter().chain([press(Key::Enter)]))),
        ("air gap", after(at(Screen::AirGap, vec![air_gap(false)]))),
        ("broken", after(at(Screen::AirGap, vec![air_gap(true)]))),
        ("clock", after(at(Screen::Clock, vec![]))),
        ("ports", after(at(Screen::Devices, vec![]))),
        ("devices", after(at(Screen::Devices, vec![devices()]))),
        ("help", after(over(1))),
        ("keyboard", after(over(2))),
        ("power-off", after(over(10))),
    ];
    let mut clock = at(Screen::Clock, vec![]);
    clock.extend(typed("2026"));
    screens.push(("clock, typed", after(clock)));
    screens
}

/// Whether a key changes anything. On a line, keys that type are not looked at.
fn works(preflight: &Preflight, key: Key) -> bool {
    let (mut next, acts) = step(preflight.clone(), press(key));
    // The keyboard that was typed on last is remembered.
    next.keyboard = preflight.keyboard;
    // The loop of the room takes this key, and a plan comes in.
    let plan = preflight.screen == Screen::Devices && preflight.over == Over::Nothing && key == Key::Enter;
    plan || !acts.is_empty() || next != *preflight
}

#[test]
fn the_bar_names_every_key_that_works_and_no_other() {
    let mut wrong = Vec::new();
    for (name, preflight) in screens() {
        let bar = text::keys(&preflight);
        if bar == "any key: back" {
            assert!(KEYS.iter().all(|(key, _)| works(&preflight, *key)), "{name}");
            continue;
        }
        let types = matches!(preflight.over, Over::Keyboard(_) | Over::PowerOff(_))
            || name.starts_with("open")
            || preflight.screen == Screen::Clock;
        for (key, named) in KEYS {
            if types && matches!(key, Key::Char(_)) {
                continue;
            }
            // Up leads back from where Down has led. Among lines Tab is another Down.
            let down = (key == Key::Up).then(|| step(preflight.clone(), press(Key::Down)).0);
            let works = works(down.as_ref().unwrap_or(&preflight), key) && !(key == Key::Tab && bar.contains("lines"));
            if bar.contains(named) != works {
                wrong.push(format!("{name}: {key:?} {} in {bar:?}", if works { "works" } else { "does not work" }));
            }
        }
        assert!(rendered(&preflight, 80, 25).contains(bar.trim_end()), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_word_on_a_screen_is_of_a_whole_sentence() {
    for (name, preflight) in screens() {
        let screen = rendered(&preflight, 160, 50);
        let asked = screen.lines().find_map(|row| {
            let (role, asked) = row.trim().split_once(": ")?;
            [text::OPERATOR, text::WITNESS, text::ANYBODY].contains(&role).then(|| asked.to_owned())
        });
        let asked = asked.unwrap_or_else(|| panic!("{name} asks nothing:\n{screen}"));
        assert!(asked.ends_with(['.', '?']), "{name}: {asked}");
        if preflight.over == Over::Help {
            let help = text::help(&preflight, preflight.screen);
            // The last line names the build.
            for line in help.iter().rev().skip(1).filter(|line| !line.is_empty()) {
                let first = line.chars().next().unwrap();
                assert!(first.is_uppercase() || first.is_ascii_digit(), "{name}: {line}");
                assert!(line.ends_with('.'), "{name}: {line}");
            }
        }
    }
}
