//! The machine a ceremony was held on.

use conclave_publish::Kind;

use super::{Account, Case, Rule, resumed};
use crate::event::Looked;

/// Rule `machine`: what counts is held on a machine that has no way out: every way of this format was tried. Nothing stands against
/// the machine but the weaknesses that the plan accepts by name.
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
                // It is said with what else was found of the machine.
                (Kind::Rehearsal, _) => {}
            }
        }
    }
}
