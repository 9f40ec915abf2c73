//! How often a token changes hands after it proved itself: each time it shows its device key once more.

use crate::compile::compile;
use crate::ids::{Device, TokenId};
use crate::plan::Plan;
use crate::script::{Script, StepKind};

/// Ports above which nobody looks for more.
const PORTS_MAX: u16 = 64;

/// Tokens that are plugged in again after their proof, and how often.
pub fn again(script: &Script) -> Vec<(TokenId, usize)> {
    let proved = script.steps.iter().filter_map(|step| match step.kind {
        StepKind::Prove(token) => Some((token, step.id)),
        _ => None,
    });
    let often = |(token, proof)| {
        let device = Device::Token(token);
        let after = script.steps.windows(2).filter(|pair| match pair {
            [before, step] => step.id > proof && step.devices.contains(&device) && !before.devices.contains(&device),
            _ => false,
        });
        (token, after.count())
    };
    proved.map(often).filter(|(_, times)| *times > 0).collect()
}

/// The fewest ports, at least the plan's, with which no token is plugged in again after its proof; `None` if there is no such
/// number.
pub fn ports_without(plan: &Plan) -> Option<u16> {
    let mut plan = plan.clone();
    (plan.ports.number..=PORTS_MAX).find(|ports| {
        plan.ports.number = *ports;
        compile(&plan).is_ok_and(|script| again(&script).is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::read;

    #[test]
    fn with_enough_ports_no_token_changes_hands_after_its_proof() {
        let mut plan = read(include_bytes!("../../../docs/plans/minimal/plan.toml")).unwrap();
        assert_eq!(plan.ports.number, 4);
        let on = |plan: &Plan| again(&compile(plan).unwrap());
        assert_eq!(on(&plan), [(TokenId(0), 2), (TokenId(1), 2)]);
        let enough = ports_without(&plan).unwrap();
        plan.ports.number = enough;
        assert_eq!(on(&plan), []);
        plan.ports.number = enough - 1;
        assert_ne!(on(&plan), []);
    }
}
