//! The outcomes that an act can have, the things that a token may have held before, and the secrets that must have been
//! there for a step.

use std::collections::BTreeSet;

use super::walk::Ended;
use super::{Account, Case, Rule, kind};
use crate::act::{Act, Signs, Slot};
use crate::event::{Answer, Next, Outcome, Way};
use crate::plan::Before;
use crate::script::Which;

/// Rule `outcomes`: the outcome of an act is one that an act of this kind gives.
pub(super) fn kinds(case: &Case<'_>, account: &mut Account) {
    for deed in case.deeds() {
        let fits = match deed.act {
            Act::Identify(_) => matches!(deed.outcome, Outcome::Drive { .. }),
            Act::Write(..) | Act::Read(..) | Act::Seal(_) | Act::Wrap(..) => {
                matches!(deed.outcome, Outcome::File { .. })
            }
            Act::Inspect(_) => matches!(deed.outcome, Outcome::Token(_)),
            Act::Prove(_) | Act::ProveAgain(_) | Act::ProveBeside(_) => {
                matches!(deed.outcome, Outcome::Proof { way: Way::Key, .. })
            }
            Act::Authenticate(_) => matches!(deed.outcome, Outcome::Proof { way: Way::Aes | Way::TripleDes, .. }),
            Act::MakeShares | Act::Combine(_) | Act::Import(_) => matches!(deed.outcome, Outcome::Kcv(_)),
            Act::Generate(..) => matches!(deed.outcome, Outcome::Key { .. }),
            Act::Sign(_, _, Signs::Certificate) => matches!(deed.outcome, Outcome::Certificate(_)),
            Act::Sign(_, _, Signs::Statement) => matches!(deed.outcome, Outcome::Signature(_)),
            Act::List(_) => matches!(deed.outcome, Outcome::Objects(_)),
            Act::TrySet(_)
            | Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::Initialise(_)
            | Act::TryPin(_)
            | Act::Describe(..)
            | Act::Unwrap(..)
            | Act::Label(_)
            | Act::Show
            | Act::PowerOff => *deed.outcome == Outcome::Done,
        };
        if !fits {
            let words = format!("{}: it gave something else than such an act gives", case.say().act(deed.act));
            account.refuse(Rule::Outcomes, Some(deed.came), words);
        }
    }
}

/// Rule `new`: a token that the plan says is new held nothing.
pub(super) fn new(case: &Case<'_>, account: &mut Account) {
    for deed in case.deeds() {
        let (Act::Inspect(token), Outcome::Token(said)) = (deed.act, deed.outcome) else { continue };
        let planned = case.plan.token(token).map(|token| token.before);
        if planned == Some(Before::New) && !said.objects.is_empty() {
            let words = format!("{} was to be new and held {} objects", case.say().token(token), said.objects.len());
            account.refuse(Rule::New, Some(deed.came), words);
        }
    }
}

/// Rule `secrets`: a step has the secrets it uses: made and typed back, typed in, or opened since the machine was
/// started, and not wiped since.
pub(super) fn there(case: &Case<'_>, account: &mut Account) {
    let mut there = BTreeSet::new();
    for visit in &case.walk.visits {
        there.extend(visit.answers.iter().filter_map(|given| match given.answer {
            Answer::Typed(slot) => Some(*slot),
            _ => None,
        }));
        let mut taken = kind::of(visit.step.kind).secrets(case.plan);
        taken.extend(case.intended(visit).iter().filter_map(|act| match *act {
            Act::ProveBeside(token) | Act::ChangePin(token) => Some(Slot::Pin(token, Which::User)),
            _ => None,
        }));
        if visit.intended.is_some() && !taken.iter().all(|slot| there.contains(slot)) {
            account.refuse(
                Rule::Secrets,
                visit.intended,
                "a secret that the step uses was neither made, typed nor opened",
            );
        }
        for deed in &visit.deeds {
            match deed.act {
                Act::Reveal(slot) => drop(there.insert(slot)),
                Act::Open(share) => drop(there.insert(Slot::Share(share))),
                Act::Wipe(Some(slot)) => drop(there.remove(&slot)),
                // Its last use.
                Act::TryPin(token) => drop(there.remove(&Slot::Pin(token, Which::So))),
                Act::Wipe(None) => there.clear(),
                _ => {}
            }
        }
        match visit.ended {
            Ended::Failed(Next::Type | Next::LastTry) => there.retain(|slot| !taken.contains(slot)),
            Ended::Cut => there.clear(),
            _ => {}
        }
    }
}
