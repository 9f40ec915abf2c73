//! What is plugged in, by what people were asked to do.

use std::collections::BTreeSet;

use super::walk::Ended;
use super::{Account, Case};
use crate::act::Act;
use crate::event::{Answer, Next};
use crate::ids::Device;
use crate::plan::Holds;
use crate::script::StepKind;

/// Rule `plugged-in`: a step acts with the devices the script names for it, the logs, and no others; what is taken out was in.
pub(super) fn plugged_in(case: &Case<'_>, account: &mut Account) {
    let is_log = |device: &Device| match device {
        Device::Drive(drive) => {
            case.plan.drives.get(usize::from(drive.0)).is_some_and(|drive| drive.holds == Holds::Transcript)
        }
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
                account.refuse("plugged-in", Some(given.entry), "it was in already, or was not in");
            }
        }
        let named: BTreeSet<Device> = visit.step.devices.iter().filter(|device| !is_log(device)).copied().collect();
        let there: BTreeSet<Device> = plugged.iter().filter(|device| !is_log(device)).copied().collect();
        if visit.intended.is_some() && named != there {
            account.refuse("plugged-in", visit.intended, "other devices were plugged in than the script names");
        }
        if let StepKind::Log(drive) = visit.step.kind
            && visit.deeds.iter().any(|deed| deed.act == Act::Identify(drive))
        {
            logs.insert(Device::Drive(drive));
        }
        match visit.ended {
            // Everything is asked for anew.
            Ended::Failed(Next::Device) => plugged.retain(|device| !visit.step.devices.contains(device)),
            // The record was read from the logs there were: one that was plugged in and not yet known as a log is asked for again.
            Ended::Cut => plugged.clone_from(&logs),
            _ => {}
        }
    }
}
