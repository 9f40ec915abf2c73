//! `docs/steps.md`: the kinds of step on one page, made from their rooms and from the verifier's.

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::Path;

use crate::act::Act;
use crate::compile::compile;
use crate::facts::Facts;
use crate::kind;
use crate::plan::{self, Plan};
use crate::public::Octets;
use crate::say::Say;
use crate::script::{Roles, StepKind};
use crate::variants::variants;
use crate::verify::below;

const HEAD: &str = "# The kinds of step\n\n\
    Made by a test from the code (`src/ceremony/src/kind`, and the verifier's own half of it in `src/ceremony/src/verify/kind`), on\n\
    the plan `docs/plans/safire`: one step of each kind, the gravest. Do not edit: `CONCLAVE_BLESS=1 cargo test -p conclave-ceremony\n\
    --lib steps_page` writes it.\n\n\
    *Gravity* decides who agrees: operator and witness agree, under a red bar, to a step that cannot be undone or destroys. A step\n\
    that destroys wants a typed word first. *Secrets* are typed by their keepers if the machine does not have them. *Rests on* is\n\
    the verifier's: the kinds of step that must stand when this one is done.\n";

/// The name of a variant.
fn variant(kind: StepKind) -> String {
    let debug = format!("{kind:?}");
    debug.split('(').next().unwrap_or_default().to_owned()
}

/// Words without repetition, in the order in which they come first.
fn once(words: impl Iterator<Item = String>) -> String {
    let mut seen = Vec::new();
    words.for_each(|word| {
        if !seen.contains(&word) {
            seen.push(word);
        }
    });
    if seen.is_empty() { "none".to_owned() } else { seen.join("; ") }
}

fn who(plan: &Plan, roles: Roles) -> String {
    match roles {
        Roles::Anyone => "anyone".to_owned(),
        Roles::Person(id) => plan.person_name(id),
        Roles::One(role) => format!("{role:?}").to_lowercase(),
        Roles::Two(one, other) => format!("{one:?} and {other:?}").to_lowercase(),
    }
}

fn page() -> String {
    let plan = plan::read(include_bytes!("../../../docs/plans/safire/plan.toml")).unwrap();
    let script = compile(&plan).unwrap();
    let mut gravest = BTreeMap::new();
    for step in &script.steps {
        let gravity = kind::about(&plan, step.kind).gravity;
        let shown = gravest.entry(variant(step.kind)).or_insert((gravity, step));
        if shown.0 < gravity {
            *shown = (gravity, step);
        }
    }
    let missing: Vec<_> = variants::<StepKind>().iter().filter(|kind| !gravest.contains_key(**kind)).collect();
    assert!(missing.is_empty(), "no step of the plan is of these kinds: {missing:?}");
    let mut shown: Vec<_> = gravest.into_values().map(|(_, step)| step).collect();
    shown.sort_by_key(|step| step.id);
    let (say, mut text) = (Say::of(&plan), HEAD.to_owned());
    let mut facts = Facts { kcv: Some(Octets([0; 8])), ..Facts::default() };
    for step in shown {
        let about = kind::about(&plan, step.kind);
        let acts: Vec<Act> = kind::of(step.kind).acts(&plan, &mut facts);
        let kind::Help { why, long, wrong, then } = about.help;
        for part in [why, long, wrong, then] {
            assert!(part.starts_with(char::is_uppercase) && part.ends_with('.') && !part.contains("  "), "{part}");
        }
        let (kind::Secrets::Used(slots) | kind::Secrets::Set(slots)) = about.secrets;
        let _ = write!(
            text,
            "\n## {}\n\n`{}`. {}\n\n*Why:* {why} *Time:* {long} *Failures:* {wrong} *Then:* {then}\n\n| | |\n|---|---|\n| gravity | {} |\n| agrees | {} |\n| word | {} |\n| minutes | {} |\n\
             | secrets | {} |\n| acts | {} |\n| rests on | {} |\n",
            about.name,
            variant(step.kind),
            about.purpose,
            about.gravity.words(),
            who(&plan, step.roles),
            about.gravity.word().unwrap_or("none"),
            about.minutes,
            once(slots.into_iter().map(|slot| say.slot(slot))),
            once(acts.into_iter().map(|act| say.act(act))),
            once(below(&plan, step.kind).into_iter().map(variant)),
        );
    }
    text
}

#[test]
fn the_page_of_steps_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/steps.md");
    let made = page();
    if std::env::var_os("CONCLAVE_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(made.lines()).zip(1..).find(|((kept, made), _)| kept != made);
    assert!(kept == made, "docs/steps.md differs, first at {differs:?} (kept, made, line)");
}
