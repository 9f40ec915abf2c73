//! The devices that are plugged in, as far as people were asked to plug them in.

use std::collections::BTreeSet;

use super::walk::Ended;
use super::{Account, Case, Rule};
use crate::act::Act;
use crate::event::{Answer, Next};
use crate::ids::Device;
use crate::plan::{Holds, Plan};
use crate::script::StepKind;

/// Rule `plugged-in`: a step acts with the devices that the script names for it, the logs, and no others. The device of
/// each act is among them. A device that is taken out was in.
pub(super) fn plugged_in(case: &Case<'_>, account: &mut Account) {
    let is_log = |device: &Device| match device {
        Device::Drive(drive) => case.plan.drive(*drive).is_some_and(|drive| drive.holds == Holds::Transcript),
        Device::Token(_) => false,
    };
    let (mut plugged, mut logs) = (BTreeSet::new(), BTreeSet::new());
    for visit in &case.walk.visits {
        for given in &visit.answers {
            let fits = match given.answer {
                Answer::Inserted(device) => plugged.insert(*device),
                Answer::Removed(device) => plugged.remove(device),
                _ => true,
            };
            if !fits {
                account.refuse(Rule::PluggedIn, Some(given.entry), "it was in already, or was not in");
            }
        }
        let named: BTreeSet<Device> = visit.step.devices.iter().filter(|device| !is_log(device)).copied().collect();
        let there: BTreeSet<Device> = plugged.iter().filter(|device| !is_log(device)).copied().collect();
        if visit.intended.is_some() && named != there {
            account.refuse(Rule::PluggedIn, visit.intended, "other devices were plugged in than the script names");
        } else if let Some(device) = case.intended(visit).iter().find_map(|act| away(case.plan, act, &plugged)) {
            let words = format!("something is done on {}, which is not plugged in", case.say().device(device));
            account.refuse(Rule::PluggedIn, visit.intended, words);
        }
        if let StepKind::Log(drive) = visit.step.kind
            && visit.deeds.iter().any(|deed| deed.act == Act::Identify(drive))
        {
            logs.insert(Device::Drive(drive));
        }
        match visit.ended {
            // Every device of the step is asked for again.
            Ended::Failed(Next::Device) => plugged.retain(|device| !visit.step.devices.contains(device)),
            // The record was read from the logs there were. A log drive that was plugged in and not yet known as a log
            // is asked for again.
            Ended::Cut => plugged.clone_from(&logs),
            _ => {}
        }
    }
}

/// The device an act is done on, if it is not plugged in.
fn away(plan: &Plan, act: &Act, plugged: &BTreeSet<Device>) -> Option<Device> {
    done_on(plan, act).filter(|device| !plugged.contains(device))
}

/// The device an act is done on.
pub(super) fn done_on(plan: &Plan, act: &Act) -> Option<Device> {
    match *act {
        Act::Identify(drive) | Act::Write(drive, _) | Act::Read(drive, _) => Some(Device::Drive(drive)),
        // Half of the shares' randomness is the first token's.
        Act::MakeShares => plan.token_ids().next().map(Device::Token),
        Act::Inspect(token)
        | Act::Prove(token)
        | Act::TrySet(token)
        | Act::Authenticate(token)
        | Act::ProveAgain(token)
        | Act::ProveBeside(token)
        | Act::ChangePin(token)
        | Act::Initialise(token)
        | Act::Import(token)
        | Act::TryPin(token)
        | Act::Generate(token, _)
        | Act::Sign(token, ..)
        | Act::Describe(token, _)
        | Act::Wrap(token, _)
        | Act::Unwrap(token, _)
        | Act::Label(token)
        | Act::List(token) => Some(Device::Token(token)),
        Act::Make(_)
        | Act::Reveal(_)
        | Act::Seal(_)
        | Act::Open(_)
        | Act::Combine(_)
        | Act::Wipe(_)
        | Act::Show
        | Act::PowerOff => None,
    }
}
