//! PINs that went to a token before it had proved itself.

use std::collections::BTreeSet;

use super::walk::Ended;
use super::{Account, Case, Rule, tokens};
use crate::act::{Act, Slot};
use crate::event::Next;
use crate::script::StepKind;

/// Rule `burnt-pin`: a user PIN goes to a token that has not proved itself only where that token refused chip
/// authentication. The PIN is burnt then. Another PIN, which its keeper was shown, takes its place before the token is
/// used further and before the step ends. A token without PINs of its own is erased instead, after the same refusal.
pub(super) fn burnt(case: &Case<'_>, account: &mut Account) {
    let (mut refused, mut burnt) = (BTreeSet::new(), BTreeSet::new());
    for visit in &case.walk.visits {
        let mut refuse = |entry, words: String| account.refuse(Rule::BurntPin, entry, words);
        let (mut shown, mut proved) = (BTreeSet::new(), BTreeSet::new());
        for act in case.intended(visit) {
            let (Act::Prove(token) | Act::ProveBeside(token)) = *act else { continue };
            if visit.step.kind != StepKind::Prove(token) && !refused.contains(&token) {
                let words = format!("{}, which had not refused chip authentication", case.say().act(*act));
                refuse(visit.intended, words);
            }
            if let Act::ProveBeside(token) = *act {
                burnt.insert(token);
                proved.insert(token);
            }
        }
        for deed in &visit.deeds {
            if let Act::Reveal(Slot::NewPin(token)) = deed.act {
                shown.insert(token);
            } else if let Act::ChangePin(token) = deed.act {
                if !shown.remove(&token) {
                    let words = format!("{}: it was not shown to its keeper", case.say().slot(Slot::NewPin(token)));
                    refuse(Some(deed.came), words);
                }
                burnt.remove(&token);
            } else if let Some(token) = tokens::needs_proof(case.plan, &deed.act).filter(|token| burnt.contains(token))
            {
                let words = format!("{}: {} was burnt", case.say().act(deed.act), pin(case, token));
                refuse(Some(deed.came), format!("{words} and had not been changed"));
            }
        }
        // An act that was begun may have been done.
        if let Some(act) = case.begun(visit).filter(|act| !matches!(act, Act::ChangePin(_)))
            && let Some(token) = tokens::needs_proof(case.plan, act).filter(|token| burnt.contains(token))
        {
            let words = format!("{}: begun while {} was burnt", case.say().act(*act), pin(case, token));
            refuse(visit.intended, words);
        }
        if visit.ended == Ended::Well {
            for token in proved.intersection(&burnt) {
                refuse(
                    visit.intended,
                    format!("{} was burnt, and the step ended without its change", pin(case, *token)),
                );
            }
        }
        if let (Some(Act::Authenticate(token)), Ended::Failed(Next::Beside)) = (visit.failed, visit.ended) {
            refused.insert(token);
        }
        for deed in visit.deeds.iter().filter(|deed| matches!(deed.act, Act::ChangePin(_))) {
            account.report(Rule::BurntPin, Some(deed.came), case.say().act(deed.act));
        }
    }
    for token in burnt.into_iter().filter(|_| account.closed).collect::<Vec<_>>() {
        account.refuse(Rule::BurntPin, None, format!("{} was burnt and never changed", pin(case, token)));
    }
}

/// The name of a burnt PIN.
fn pin(case: &Case<'_>, token: crate::ids::TokenId) -> String {
    case.say().slot(Slot::Pin(token, crate::script::Which::User))
}
