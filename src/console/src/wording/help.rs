//! The words of F1 in a ceremony.

use conclave_ceremony::kind::{Help, about};

use crate::ceremony::scene::Scene;

/// The words of F1 in a ceremony: the purpose of the step, its help, and the things that hold in every step.
pub fn lines(scene: &Scene<'_>) -> Vec<String> {
    let step = scene.script.step(scene.state.at());
    let own = step.map(|step| {
        let about = about(scene.plan, step.kind);
        let Help { why, long, wrong, then } = about.help;
        vec![
            about.purpose,
            format!("Why: {why}"),
            format!("How long: {long} Planned: {} min.", step.budget),
            format!("What can go wrong: {wrong}"),
            format!("Then: {then}"),
            String::new(),
        ]
    });
    let always = [
        "If the power fails: start again from the same medium, plug in both log drives, go on.",
        "If a person leaves: wait. If they do not come back: switch off, start again, press a at their sign-in; the plan's \
         alternate takes their place.",
        "If you are in doubt: say so. F3 takes an objection at any question.",
        "F10 switches off at any time; the ceremony can be resumed.",
    ];
    own.into_iter().flatten().chain(always.map(str::to_owned)).collect()
}
