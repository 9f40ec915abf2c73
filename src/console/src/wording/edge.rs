//! The words at the edge of a ceremony's screen: the phase, the planned end, the worth of the head.

use conclave_ceremony::script::StepKind;
use conclave_ceremony::step::Waiting;

use crate::ceremony::scene::Scene;
use crate::civil::{Ahead, Wall};
use crate::ports::Now;
use crate::preflight::Over;

/// Before the number of a phase: the row that ends the middle of a screen begins with this.
pub const PHASE: &str = "── Phase ";

/// A part of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The machine, the plan and the log drives.
    Start,
    /// People sign in.
    People,
    /// Drives and tokens are identified.
    Devices,
    /// PINs and passphrases are made.
    Secrets,
    /// The DKEK is made, shared and imported.
    Shares,
    /// Keys are made.
    Keys,
    /// Keys are restored on copies.
    Copies,
    /// Objections, publication, bags, attestations.
    End,
}

impl Phase {
    const ALL: [Self; 8] =
        [Self::Start, Self::People, Self::Devices, Self::Secrets, Self::Shares, Self::Keys, Self::Copies, Self::End];

    /// The phase of a kind of step.
    pub const fn of(kind: StepKind) -> Self {
        match kind {
            StepKind::Medium | StepKind::AirGap | StepKind::Clock | StepKind::Plan | StepKind::Log(_) => Self::Start,
            StepKind::SignIn(_) => Self::People,
            StepKind::Register(_) | StepKind::Inspect(_) | StepKind::Prove(_) => Self::Devices,
            StepKind::Keyboard | StepKind::Pin(..) | StepKind::Passphrase(_) => Self::Secrets,
            StepKind::MakeShares
            | StepKind::WriteShare(_)
            | StepKind::Initialise(_)
            | StepKind::OpenShare(_)
            | StepKind::Import
            | StepKind::TryPin(_) => Self::Shares,
            StepKind::Generate(_) | StepKind::Certify(_) | StepKind::Wrap(_) => Self::Keys,
            StepKind::Restore(_) | StepKind::Compare(_) => Self::Copies,
            StepKind::Objections
            | StepKind::State(_)
            | StepKind::Publish(_)
            | StepKind::Show
            | StepKind::Bag(_)
            | StepKind::Attest(_)
            | StepKind::Close => Self::End,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::People => "people",
            Self::Devices => "devices",
            Self::Secrets => "secrets",
            Self::Shares => "shares",
            Self::Keys => "keys",
            Self::Copies => "copies",
            Self::End => "end",
        }
    }
}

/// The phase under way, as a row begins with it.
pub fn phase(scene: &Scene<'_>) -> String {
    let phase = scene.script.step(scene.state.at()).map_or(Phase::End, |step| Phase::of(step.kind));
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
            let script = compile(&plan::read(bytes).unwrap()).unwrap();
            let phases: Vec<Phase> = script.steps.iter().map(|step| Phase::of(step.kind)).collect();
            assert!(phases.is_sorted(), "{phases:?}");
            let mut seen = phases;
            seen.dedup();
            assert_eq!(seen, Phase::ALL);
        }
    }
}
