//! A picture of each kind of screen a ceremony shows, for `docs/`: `target/screens/ceremony-<step>-<what>.png`.

use std::collections::BTreeSet;

use conclave_ceremony::compile::compile;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::script::Script;
use conclave_console::wording;
use conclave_sim::world::robot;
use conclave_tests::vm::machine::Machine;

/// The question where the screen does not begin with its step: while a plan comes in, and beside a QR code.
const ALONE: [(&str, &str); 8] = [
    (wording::intake::INSERT, "intake-insert"),
    (wording::intake::COMPARE, "intake-compare"),
    ("where does your own copy", "intake-source"),
    ("type these groups", "intake-groups"),
    (wording::intake::MET, "intake-met"),
    (wording::intake::LOGS, "intake-logs"),
    ("Everybody: compare,", "show"),
    ("Everybody: switch off", "closed"),
];

/// The pictures taken so far.
pub(crate) struct Album {
    script: Script,
    taken: BTreeSet<String>,
}

impl Album {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { script: compile(plan).unwrap(), taken: BTreeSet::new() }
    }

    /// Takes a picture of a screen, if there is none of its kind yet.
    pub(crate) fn take(&mut self, machine: &mut Machine, screen: &[String]) {
        let name = self.step(screen).map_or_else(|| alone(screen), |step| Some(format!("{step}-{}", asked(screen)?)));
        if let Some(name) = name.filter(|name| self.taken.insert(name.clone())) {
            machine.picture(&format!("ceremony-{name}"));
        }
    }

    /// The kind of the step under way.
    fn step(&self, screen: &[String]) -> Option<String> {
        let kind = format!("{:?}", self.script.steps.get(step_under_way(screen)? - 1)?.kind);
        Some(kind.split('(').next()?.to_lowercase())
    }
}

/// The number of the step under way, from 1: the screen begins with it.
pub(crate) fn step_under_way(screen: &[String]) -> Option<usize> {
    let title = robot::middle(screen).into_iter().next()?;
    title.trim().strip_prefix("Step ")?.split_once(':')?.0.parse().ok()
}

fn alone(screen: &[String]) -> Option<String> {
    let words = screen.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    ALONE.iter().find(|(said, _)| words.contains(said)).map(|(_, what)| (*what).to_owned())
}

/// The first words of the question, behind the name of the person that is asked.
fn asked(screen: &[String]) -> Option<String> {
    let asks = |row: String| {
        let (who, asked) = row.split_once(": ")?;
        (!who.contains(' ')).then(|| asked.to_owned())
    };
    let asked = robot::middle(screen).iter().map(|row| row.trim().to_owned()).find_map(asks)?;
    let many = match asked.split([' ', ':']).next() {
        Some("wait") => 1,
        Some("type") => 3,
        _ => 2,
    };
    let letters =
        |word: &str| word.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>().to_lowercase();
    Some(asked.split_whitespace().take(many).map(letters).collect::<Vec<_>>().join("-"))
}
