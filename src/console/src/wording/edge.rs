//! The words at the edge of a ceremony's screen: the phase, the planned end, the worth of the head.

use conclave_ceremony::kind::{Phase, about};
use conclave_ceremony::step::Waiting;

use crate::ceremony::scene::Scene;
use crate::civil::{Ahead, Wall};
use crate::ports::Now;
use crate::preflight::Over;

/// Before the number of a phase: the row that ends the middle of a screen begins with this.
pub const PHASE: &str = "── Phase ";

/// The phase under way, as a row begins with it.
pub fn phase(scene: &Scene<'_>) -> String {
    let phase = scene.script.step(scene.state.at()).map_or(Phase::End, |step| about(scene.plan, step.kind).phase);
    let number = Phase::ALL.iter().take_while(|before| **before < phase).count() + 1;
    format!("{PHASE}{number} of {}: {} ", Phase::ALL.len(), phase.name())
}

/// Minutes since a moment.
pub fn minutes(now: Now, from: Now) -> u64 {
    now.mono_ms.saturating_sub(from.mono_ms) / 60_000
}

/// The time at which the last step ends, if the step under way and all later ones take their planned minutes.
pub fn planned_end(scene: &Scene<'_>) -> Option<String> {
    let at = scene.state.at();
    let here = scene.script.step(at)?;
    let left = u64::from(here.budget).saturating_sub(minutes(scene.now, scene.since.0));
    let later = scene.script.steps.iter().filter(|step| step.id > at).map(|step| u64::from(step.budget));
    let seconds = i64::try_from(60 * (left + later.sum::<u64>())).ok()?;
    let end = Wall(scene.now.wall.0.saturating_add(seconds)).shown(Ahead(0));
    let to_the_minute = end.get(..16).unwrap_or(&end);
    Some(format!(" Planned end: {to_the_minute} UTC ──"))
}

/// Beside the head: whether to write it down, and the entries that it fixes.
pub fn head(scene: &Scene<'_>) -> ([String; 2], bool) {
    let entries = scene.entries;
    let off = matches!(scene.desk.over, Over::PowerOff(_));
    match &scene.waiting {
        Waiting::Closed if !scene.writes => {
            (["Final head: write it down.".into(), "It fixes the whole record.".into()], true)
        }
        Waiting::Halted(_) => {
            (["Write this head down. It fixes".into(), format!("the {entries} entries so far.")], true)
        }
        _ if off => (["Write this head down. It fixes".into(), format!("the {entries} entries so far.")], true),
        _ => ([format!("Head of {entries} entries. It fixes"), "these and no later entry.".into()], false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_ceremony::compile::compile;
    use conclave_ceremony::plan;

    #[test]
    fn the_phases_of_the_example_plans_follow_one_another() {
        for bytes in [
            &include_bytes!("../../../../docs/plans/minimal/plan.toml")[..],
            &include_bytes!("../../../../docs/plans/safire/plan.toml")[..],
        ] {
            let plan = plan::read(bytes).unwrap();
            let script = compile(&plan).unwrap();
            let phases: Vec<Phase> = script.steps.iter().map(|step| about(&plan, step.kind).phase).collect();
            assert!(phases.is_sorted(), "{phases:?}");
            let mut seen = phases;
            seen.dedup();
            assert_eq!(seen, Phase::ALL);
        }
    }
}
