//! Facts that rest on the word of the appliance, or on the word of people.

use conclave_publish::Kind;

use super::walk::Ended;
use super::{Account, Case, Rule, resumed};
use crate::act::Act;
use crate::event::{Answer, Event, Looked, Outcome, Source};
use crate::ids::BagId;
use crate::public::Text;
use crate::script::StepKind;

/// Facts that only the appliance can have seen.
pub(super) fn appliance(case: &Case<'_>, account: &mut Account) {
    let began = case.began;
    let words = format!("it ran from the medium with SHA-256 {}, build {}", began.image, began.build);
    account.report(Rule::Medium, Some(0), words);
    for entry in &case.transcript.entries {
        let event = || case.say().event(&entry.event);
        match &entry.event {
            Event::Looked(Looked::AirGap { .. } | Looked::Clock { .. }) | Event::Interrupted { .. } => {
                account.report(Rule::Events, Some(entry.seq), event());
            }
            Event::Mistyped { .. } => account.report(Rule::Codes, Some(entry.seq), event()),
            Event::Came { outcome: Outcome::Failed(_), .. } => account.report(Rule::Failures, Some(entry.seq), event()),
            Event::Came {
                act: Act::Inspect(_) | Act::Identify(_) | Act::Initialise(_) | Act::TryPin(_) | Act::Wipe(_),
                ..
            } => {
                account.report(Rule::Events, Some(entry.seq), event());
            }
            _ => {}
        }
    }
}

/// Facts that rest on people.
pub(super) fn people(case: &Case<'_>, account: &mut Account) {
    for entry in &case.transcript.entries {
        let words = || case.say().event(&entry.event);
        match &entry.event {
            Event::Said(_, answer) | Event::Done(answer) => {
                let rule = match answer {
                    Answer::Objects(_) | Answer::Refuses(_) | Answer::Absent { .. } | Answer::OtherBag { .. } => {
                        Rule::Deviations
                    }
                    _ => Rule::Answers,
                };
                if matches!(answer, Answer::Objects(_) | Answer::Refuses(_)) {
                    account.say_no(entry.seq, words());
                }
                let step = case.say().step(Some(case.script), entry.step);
                account.attest(rule, Some(entry.seq), format!("{step}: {}", words()));
            }
            Event::Looked(Looked::Medium { .. } | Looked::Plan { .. }) | Event::Interrupted { .. } => {
                account.attest(Rule::Challenges, Some(entry.seq), words());
            }
            Event::Again { .. } | Event::Replaced { .. } => account.attest(Rule::Deviations, Some(entry.seq), words()),
            _ => {}
        }
    }
    challenges(case, account);
    bags(case, account);
    for visit in case.walk.visits.iter().filter(|visit| visit.ended == Ended::Well) {
        for given in &visit.answers {
            if let (StepKind::Attest(_), Answer::Refuses(words)) = (visit.step.kind, given.answer) {
                account.miss(Rule::Attest, format!("an attestation: entry {} refuses it: {words}", given.entry));
            }
        }
    }
}

/// A digest that was compared with no copy of a person's own. A rehearsal in a terminal has no medium, so there it is
/// only missing.
fn challenges(case: &Case<'_>, account: &mut Account) {
    for (seq, looked) in resumed::looks(case) {
        let digest = match looked {
            Looked::Medium { source: Source::Nobody } => "the digest of the medium",
            Looked::Plan { source: Source::Nobody, .. } => "the digest of the plan",
            Looked::Medium { source: Source::Paper | Source::Phone | Source::Own }
            | Looked::Plan { source: Source::Paper | Source::Phone | Source::Own, .. }
            | Looked::AirGap { .. }
            | Looked::Clock { .. } => continue,
        };
        let words = format!("{digest} was compared with no copy: no person was asked");
        match case.plan.kind {
            Kind::Production => account.say_no(seq, words),
            Kind::Rehearsal => account.miss(Rule::Challenges, format!("entry {seq}: {words}")),
        }
    }
}

/// Rule `bags`: a bag has the number of the plan, or another number that two roles decided on and that no bag before it
/// has.
fn bags(case: &Case<'_>, account: &mut Account) {
    let mut typed: Vec<(BagId, &Text)> = Vec::new();
    let planned = |bag: BagId| case.plan.bag(bag).map(|bag| &bag.number);
    for entry in &case.transcript.entries {
        typed.push(match &entry.event {
            Event::Done(Answer::BagNumber { bag, number }) => {
                if planned(*bag) != Some(number) {
                    let words = format!("another number than that of {}: {number}", case.say().bag(*bag));
                    account.refuse(Rule::Bags, Some(entry.seq), words);
                }
                (*bag, number)
            }
            Event::Done(Answer::OtherBag { bag, number, .. }) => {
                let taken = typed.iter().any(|(other, typed)| other != bag && typed == &number);
                if taken || case.plan.bags.iter().any(|bag| bag.number == *number) {
                    account.refuse(Rule::Bags, Some(entry.seq), format!("the number of another bag: {number}"));
                }
                (*bag, number)
            }
            _ => continue,
        });
    }
}
