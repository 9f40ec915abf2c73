//! The machine of a ceremony that counts: it has no weakness but those that the plan accepts by name.

use conclave_ceremony::event::{Looked, Weakness};
use conclave_ceremony::plan::Plan;
use conclave_publish::Kind;

use crate::wording::preflight::capital;

/// The machine has a weakness that the plan does not accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}, and this ceremony counts. {} A plan accepts this by accepts = [\"{}\"].",
    capital(.0.words()),
    mend(.0),
    .0.name()
)]
pub struct WeakMachine(pub Weakness);

fn mend(weakness: &Weakness) -> &'static str {
    match weakness {
        Weakness::NoIommu => "Switch the IOMMU (VT-d, AMD-Vi) on in the firmware's settings, or take another machine.",
        Weakness::Hypervisor => "Start the medium on a machine of its own.",
    }
}

/// Errors: the first weakness of this machine that the plan does not accept.
pub(super) fn fit_machine(plan: &Plan, findings: &[Looked]) -> Result<(), WeakMachine> {
    let found =
        findings.iter().filter_map(|looked| if let Looked::AirGap { weak, .. } = looked { Some(weak) } else { None });
    let mut unaccepted = found.flatten().filter(|weakness| !plan.accepts.contains(weakness));
    match (plan.kind, unaccepted.next()) {
        (Kind::Production, Some(weakness)) => Err(WeakMachine(*weakness)),
        (Kind::Production, None) | (Kind::Rehearsal, _) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REHEARSAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");

    fn judged(text: &str, weak: &[Weakness]) -> Result<(), WeakMachine> {
        let plan = conclave_ceremony::plan::read(text.as_bytes()).unwrap();
        let looked = Looked::AirGap { weak: weak.to_vec(), absent: 35, machine: vec![], hardware: vec![] };
        fit_machine(&plan, &[Looked::Clock { wall: 0, mono: 0 }, looked])
    }

    #[test]
    fn what_stands_against_the_machine_is_refused_where_it_counts_unless_the_plan_names_it() {
        let counts = REHEARSAL.replacen("kind = \"rehearsal\"", "kind = \"production\"", 1);
        let accepts = |names: &str| counts.replacen("policies = []", &format!("policies = []\naccepts = [{names}]"), 1);
        assert_eq!(judged(&counts, &[]), Ok(()));
        for weakness in Weakness::ALL {
            assert_eq!(judged(&counts, &[weakness]), Err(WeakMachine(weakness)));
            assert_eq!(judged(REHEARSAL, &[weakness]), Ok(()));
            assert_eq!(judged(&accepts(&format!("{:?}", weakness.name())), &[weakness]), Ok(()));
            let words = WeakMachine(weakness).to_string();
            assert!(words.contains(&format!("accepts = [\"{}\"]", weakness.name())), "{words}");
        }
        assert_eq!(judged(&accepts("\"hypervisor\""), &Weakness::ALL), Err(WeakMachine(Weakness::NoIommu)));
    }
}
