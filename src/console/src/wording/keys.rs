//! The bar of keys of a ceremony: every key that works now, and no other.

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::Ask;
use conclave_ceremony::step::Waiting;

use crate::ceremony::desk::Stage;
use crate::ceremony::scene::Scene;
use crate::preflight::Over;
use crate::wording::preflight as text;

/// The keys of any screen that takes keys.
const ALWAYS: &str = "F1 help  F2 keyboard  F10 off";
/// The same where a person can object.
const ASKED: &str = "F1 help  F2 keyboard  F3 object  F10 off";

/// The keys that work now.
pub fn of(scene: &Scene<'_>) -> String {
    match &scene.desk.over {
        Over::Help => return "any key: back".into(),
        Over::Keyboard(_) => return text::KEYBOARD_KEYS.into(),
        Over::PowerOff(_) => return "Enter: do it   Esc: back".into(),
        Over::Nothing => {}
    }
    if scene.trouble.is_some() {
        return format!("{ALWAYS}  Enter: try again");
    }
    if scene.writes {
        return "no key is read while a drive is written to".into();
    }
    if matches!(&scene.waiting, Waiting::Acting(act) if !matches!(act, Act::Reveal(_) | Act::Show)) {
        return "no key is read while a device works".into();
    }
    let objects = scene.desk.signing.then == Stage::Objection;
    let first = match &scene.waiting {
        Waiting::Asked(Ask::Look | Ask::Again { .. }) => ALWAYS,
        Waiting::Asked(_) if !objects => ASKED,
        _ => ALWAYS,
    };
    let own = own(scene);
    if own.is_empty() { first.into() } else { format!("{first}  {own}") }
}

/// The keys of the question itself.
fn own(scene: &Scene<'_>) -> &'static str {
    let lines = scene.desk.form.lines().0.len();
    match (&scene.waiting, scene.desk.stage) {
        (Waiting::Begin, _) | (Waiting::Asked(Ask::Look), _) => "",
        (Waiting::Acting(Act::Show), _) => "Up Down: one by one  Enter: go on",
        (Waiting::Closed, _) => "Up Down Enter: one by one",
        (Waiting::Halted(_), _) => "Up Down: scroll",
        (Waiting::Acting(Act::Reveal(_)), Stage::Form) => "Enter: compare  Esc: see it again",
        (Waiting::Acting(Act::Reveal(_)), _) | (_, Stage::Shown) => "Enter: go on",
        (_, Stage::Warn) => "Enter: go on  Esc: back",
        (Waiting::Acting(_), _) => "",
        (Waiting::Asked(Ask::Objections), Stage::Who) => "1 2: choose  Enter: no objection",
        (_, Stage::Who) if scene.desk.signing.then == Stage::Form => "1 2: choose",
        (_, Stage::Who) => "1 2: choose  Esc: back",
        (_, Stage::Choose { .. }) => "1 2 3 a: choose",
        (_, Stage::Attest) => "1 2: choose",
        (Waiting::Asked(Ask::SignIn(_)), Stage::Form) => "Enter: go on  Esc: see it again",
        (Waiting::Asked(Ask::Keyboard), Stage::Form) => "Enter: go on  Tab: layout",
        (Waiting::Asked(Ask::BagNumber(_)), Stage::Form) => "Up Down Enter: go on  Esc: empty",
        (Waiting::Asked(Ask::Go { .. }), Stage::Form) if scene.desk.signing.was_chosen() => "Enter: go on  Esc: back",
        (_, Stage::Form) if lines > 1 => "Up Down Enter: go on",
        (_, Stage::Form) => "Enter: go on",
        (_, Stage::Confirms | Stage::Attests | Stage::Why | Stage::Refuses) => "Enter: go on  Esc: back",
        (_, Stage::Objection | Stage::OtherBag) => "Up Down Enter: go on  Esc: back",
    }
}
