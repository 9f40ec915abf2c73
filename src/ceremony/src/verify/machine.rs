//! The machine a ceremony was held on.

use conclave_publish::Kind;

use super::{Account, Case, Rule, resumed};
use crate::event::Looked;

/// Rule `machine`: a ceremony that counts is held on a machine that has no way out. Every way out of this format was
/// tried. Nothing stands against the machine but the weaknesses that the plan accepts by name.
pub(super) fn weaknesses(case: &Case<'_>, account: &mut Account) {
    for (seq, looked) in resumed::looks(case) {
        let Looked::AirGap { weak, absent, .. } = looked else { continue };
        if case.plan.kind == Kind::Production && *absent < Looked::WAYS_OUT {
            let words = format!("{absent} ways out were tried and absent, expected {}", Looked::WAYS_OUT);
            account.refuse(Rule::Machine, Some(seq), words);
        }
        for weakness in weak {
            let accepted = case.plan.accepts.contains(weakness);
            match (case.plan.kind, accepted) {
                (Kind::Production, false) => {
                    let words = format!("{}, and the plan does not accept it", weakness.words());
                    account.refuse(Rule::Machine, Some(seq), words);
                }
                (Kind::Production, true) => {
                    let words = format!("{}; the plan accepts it", weakness.words());
                    account.report(Rule::Machine, Some(seq), words);
                }
                // The weakness is said with the other findings about the machine.
                (Kind::Rehearsal, _) => {}
            }
        }
    }
}
