//! The text twin: the transcript as text, a pure function of its entries and the plan, so that a verifier can make it again and
//! compare.

use core::fmt::Write as _;

use conclave_publish::x509::Time;

use crate::plan::Plan;
use crate::say::Say;
use crate::transcript::Transcript;

/// Every entry in words, in order.
///
/// Shape: UTF-8, LF line ends; no line of an entry begins like that of another.
pub fn twin(plan: &Plan, transcript: &Transcript) -> String {
    let say = Say::of(plan);
    let mut text = format!("{}\n", plan.title);
    for (entry, head) in transcript.entries.iter().zip(&transcript.heads) {
        let wall = Time::from_unix(entry.wall).map_or_else(|| format!("{} s", entry.wall), |time| time.to_string());
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nentry {}, {wall}, boot {}, {} ms after power-on\n  {}\n  {}\n",
            entry.seq,
            entry.boot,
            entry.mono,
            say.step(transcript.script(), entry.step),
            say.event(&entry.event),
        );
        for act in &entry.acts {
            let _ = writeln!(text, "  then: {}", say.act(*act));
        }
        let _ = writeln!(text, "  head {head}");
    }
    let _ = writeln!(
        text,
        "\n{} entries, final head:\n{}\n{}",
        transcript.entries.len(),
        transcript.head(),
        transcript.head().words()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Answer, Event};
    use crate::ids::PersonId;
    use crate::plan;
    use crate::samples::{chained, events, written};
    use crate::transcript::read;

    fn text(events: Vec<Event>) -> String {
        let plan = plan::read(include_bytes!("../../../docs/plans/minimal/plan.toml")).unwrap();
        twin(&plan, &read(&written(&chained(events))).unwrap())
    }

    #[test]
    fn every_entry_stands_in_it_with_event_acts_and_head() {
        let events = events();
        let entries = events.len();
        let text = text(events);
        assert_eq!(text.matches("\nentry ").count(), entries);
        assert_eq!(text.matches("\n  head ").count(), entries);
        assert_eq!(text.matches("\n  then: ").count(), 2 * (entries - 1));
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn things_are_called_as_the_plan_calls_them() {
        let mut events = events();
        events.truncate(2);
        events.push(Event::Said(
            PersonId(1),
            Answer::Absent { by: None, whose: PersonId(0), document: crate::public::Text::new("passport").unwrap() },
        ));
        events.push(Event::Said(PersonId(99), Answer::Go));
        let text = text(events);
        assert!(text.contains("\n  witness came instead of operator, document: passport\n"), "{text}");
        assert!(text.contains("\n  person number 99, which the plan does not have agreed\n"), "{text}");
        assert!(text.contains("\nentry 2, 2026-09-21T"), "{text}");
        assert!(text.contains("  step 3: Clock\n"), "{text}");
    }

    #[test]
    fn a_change_anywhere_changes_the_text() {
        let all = events();
        let one = text(all.clone());
        for at in 2..all.len() {
            let mut changed = all.clone();
            changed[at] = Event::Done(Answer::Word);
            assert!(text(changed) != one, "{at}");
        }
    }
}
