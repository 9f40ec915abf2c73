//! What rests on somebody's word: the appliance's, or people's.

use super::walk::Ended;
use super::{Account, Case};
use crate::act::Act;
use crate::event::{Answer, Event, Looked, Outcome};
use crate::script::StepKind;

/// What only the appliance can have seen.
pub(super) fn appliance(case: &Case<'_>, account: &mut Account) {
    let began = case.began;
    let words = format!("it ran from the medium with SHA-256 {}, build {}", began.image, began.build);
    account.report("medium", Some(0), words);
    for entry in &case.transcript.entries {
        let event = || case.say().event(&entry.event);
        match &entry.event {
            Event::Looked(Looked::AirGap { .. } | Looked::Clock { .. }) | Event::Interrupted { .. } => {
                account.report("events", Some(entry.seq), event());
            }
            Event::Came { outcome: Outcome::Failed(_), .. } => account.report("failures", Some(entry.seq), event()),
            Event::Came {
                act: Act::Inspect(_) | Act::Identify(_) | Act::Initialise(_) | Act::TryPin(_) | Act::Wipe(_),
                ..
            } => {
                account.report("events", Some(entry.seq), event());
            }
            _ => {}
        }
    }
}

/// What rests on people.
pub(super) fn people(case: &Case<'_>, account: &mut Account) {
    for entry in &case.transcript.entries {
        let words = || case.say().event(&entry.event);
        match &entry.event {
            Event::Said(..) | Event::Done(_) => {
                let step = case.say().step(case.script, entry.step);
                account.attest("answers", Some(entry.seq), format!("{step}: {}", words()));
            }
            Event::Looked(Looked::Medium { .. } | Looked::Plan { .. }) => {
                account.attest("challenges", Some(entry.seq), words())
            }
            Event::Again { .. } => account.attest("deviations", Some(entry.seq), words()),
            _ => {}
        }
    }
    bags(case, account);
    for visit in case.walk.visits.iter().filter(|visit| visit.ended == Ended::Well) {
        for given in &visit.answers {
            if let (StepKind::Attest(_), Answer::Refuses(words)) = (visit.step.kind, given.answer) {
                account.miss("attest", format!("an attestation: entry {} refuses it: {words}", given.entry));
            }
        }
    }
}

/// Rule `bags`: a bag with another number than the plan's is named.
fn bags(case: &Case<'_>, account: &mut Account) {
    for entry in &case.transcript.entries {
        let Event::Done(Answer::BagNumber { bag, number }) = &entry.event else { continue };
        let planned = case.plan.bags.get(usize::from(bag.0)).map(|bag| &bag.number);
        if planned != Some(number) {
            let words = format!("{} was sealed with another number: {number}", case.say().bag(*bag));
            account.attest("deviations", Some(entry.seq), words);
        }
    }
}
