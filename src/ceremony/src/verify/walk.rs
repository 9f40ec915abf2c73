//! The entries as visits to steps: the answers, the intended acts and the done acts of each, and whether it ended well.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::{Account, REFUSED_MAX, Rule, acts, codes, kind, order, people, replaced, resumed};
use crate::act::{Act, Item};
use crate::event::{Answer, Event, Looked, Next, Outcome};
use crate::ids::{PersonId, StepId, TokenId};
use crate::plan::Plan;
use crate::script::{Script, Step, StepKind};
use crate::transcript::Transcript;

/// Most answers or looks in one go at a step: more than the largest plan can want.
const ANSWERS_MAX: usize = 256;

/// Most times that one act is done, of those that leave a signature to check or a bundle to make again.
const SIGNED_MAX: usize = 256;

/// An act that was done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed<'a> {
    pub(super) act: Act,
    pub(super) outcome: &'a Outcome,
    /// The entry that intended it.
    pub(super) intent: u64,
    /// The entry that holds its outcome.
    pub(super) came: u64,
}

/// An answer, and the person that gave it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    pub(super) entry: u64,
    pub(super) who: Option<PersonId>,
    pub(super) answer: &'a Answer,
}

/// Adds an answer or a look to those of a visit, if there is room.
fn added<T>(there: &mut Vec<T>, one: T) -> bool {
    let fits = there.len() < ANSWERS_MAX;
    if fits {
        there.push(one);
    }
    fits
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Not yet.
    Open,
    /// All was answered and done.
    Well,
    /// An act failed.
    Failed(Next),
    /// An act failed, and two roles decided to do the step again: plugged-in devices stay in, typed values stay.
    Again,
    /// The power failed.
    Cut,
}

/// One go at a step.
#[derive(Clone, Debug)]
pub(super) struct Visit<'a> {
    pub(super) step: &'a Step,
    pub(super) first: u64,
    pub(super) answers: Vec<Given<'a>>,
    pub(super) looked: Vec<(u64, &'a Looked)>,
    pub(super) intended: Option<u64>,
    pub(super) deeds: Vec<Deed<'a>>,
    /// The act that failed.
    pub(super) failed: Option<Act>,
    pub(super) ended: Ended,
}

/// Every visit, and the people that were there.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk<'a> {
    pub(super) visits: Vec<Visit<'a>>,
    pub(super) present: people::Present,
    /// Steps of which a visit ended well.
    pub(super) well: BTreeSet<StepId>,
    /// How often each of those acts was done.
    signed: HashMap<Act, usize>,
    /// Acts intended and not yet done.
    open: VecDeque<Act>,
    /// Tokens with the last try of the user PIN left.
    last_try: BTreeSet<TokenId>,
}

/// Goes through the entries, and refuses those that are out of order.
pub(super) fn walk<'a>(
    plan: &'a Plan,
    script: &'a Script,
    transcript: &'a Transcript,
    account: &mut Account,
) -> Walk<'a> {
    let (mut walk, mut logs) = (Walk::default(), replaced::Logs::of(plan));
    for entry in transcript.entries.iter().skip(1) {
        if account.refused.len() == REFUSED_MAX {
            break;
        }
        let seq = entry.seq;
        let Some(step) = script.of(entry.step) else {
            account.refuse(Rule::Order, Some(seq), "it is of a step that the script does not have");
            continue;
        };
        let before = usize::try_from(seq).ok().and_then(|seq| transcript.heads.get(..seq)).unwrap_or_default();
        logs.judge(plan, &walk.present, (entry, before), account);
        match &entry.event {
            // Log drives are judged above: no step is entered.
            Event::Began(_) | Event::Promised(_) | Event::Replaced { .. } => {}
            Event::Interrupted { head, looked, written, .. } => {
                if *head != entry.prev {
                    account.refuse(
                        Rule::Interruption,
                        Some(seq),
                        "it goes on from another head than the log ends with",
                    );
                }
                resumed::judge(seq, looked, *written, account);
                order::enter(&walk, step, true, seq, account);
                walk.cut(step, seq);
            }
            Event::Again { by, step: again, .. } => {
                let failed =
                    |visit: &&mut Visit<'_>| visit.ended == Ended::Failed(Next::Again) && visit.step.kind == *again;
                match walk.visits.last_mut().filter(failed) {
                    Some(visit) if step.kind == *again => visit.ended = Ended::Again,
                    _ => account.refuse(Rule::Again, Some(seq), "a step is done again that did not fail"),
                }
                people::again(plan, &walk.present, *by, seq, account);
            }
            Event::Mistyped { times, whose } => {
                let dead = codes::mistyped(&mut walk.present, (*whose, *times), seq, account);
                // A step that failed is not entered before two roles decided so.
                if !walk.is_decided_on(step) {
                    walk.at(step, seq, account, |visit| {
                        // The owner of a code that is dead now agrees again to the step that the code agreed to.
                        visit.answers.retain(|given| !dead || given.who != Some(*whose) || *given.answer != Answer::Go);
                    });
                }
            }
            Event::Came { act, outcome } => walk.came(step.id, *act, outcome, seq, account),
            Event::Looked(looked) => {
                let mut fits = true;
                walk.at(step, seq, account, |visit| fits = added(&mut visit.looked, (seq, looked)));
                if !fits {
                    account.refuse(Rule::Order, Some(seq), "more was looked at in one go than any step looks at");
                }
            }
            Event::Said(person, answer) => {
                walk.answered(plan, step, Given { entry: seq, who: Some(*person), answer }, account);
            }
            Event::Done(answer) => {
                walk.answered(plan, step, Given { entry: seq, who: None, answer }, account);
            }
        }
        walk.intend(plan, &entry.acts, seq, account);
        walk.finish(plan);
    }
    walk
}

impl<'a> Walk<'a> {
    /// The visit under way; a new one if the last visit has ended.
    fn at(&mut self, step: &'a Step, seq: u64, account: &mut Account, with: impl FnOnce(&mut Visit<'a>)) {
        if !self.open.is_empty() {
            account.refuse(Rule::Acts, Some(seq), "something else happened while acts were under way");
        }
        if !self.visits.last().is_some_and(|last| last.ended == Ended::Open && last.step.id == step.id) {
            order::enter(self, step, false, seq, account);
            self.visits.push(Visit::new(step, seq));
        }
        if let Some(visit) = self.visits.last_mut() {
            with(visit);
        }
    }

    /// Whether two roles are to decide that this step, which failed, is done again.
    fn is_decided_on(&self, step: &Step) -> bool {
        self.visits.last().is_some_and(|last| last.ended == Ended::Failed(Next::Again) && last.step.id == step.id)
    }

    fn answered(&mut self, plan: &Plan, step: &'a Step, given: Given<'a>, account: &mut Account) {
        people::answered(plan, &mut self.present, step, given, account);
        let signs_in = matches!(given.answer, Answer::SignedIn { .. } | Answer::Absent { .. });
        if signs_in && self.is_decided_on(step) {
            return;
        }
        let (mut twice, mut fits) = (false, true);
        self.at(step, given.entry, account, |visit| {
            // No step wants an objection, and people may object as often as they like.
            if matches!(given.answer, Answer::Objects(_)) {
                return;
            }
            twice = visit.answers.iter().any(|before| before.who == given.who && before.answer == given.answer);
            fits = added(&mut visit.answers, given);
        });
        // People may sign in again after each dead code.
        if twice && !signs_in {
            account.refuse(Rule::People, Some(given.entry), "the same answer a second time in one go at a step");
        }
        if !fits {
            account.refuse(Rule::People, Some(given.entry), "more answers in one go than any step wants");
        }
    }

    fn cut(&mut self, step: &'a Step, seq: u64) {
        // Only wiping was left, and the secrets went with the power: nothing of that step is undone.
        let wiped = !self.open.is_empty() && self.open.iter().all(|act| matches!(act, Act::Wipe(_)));
        self.open.clear();
        self.present.everybody_out();
        match self.visits.last_mut().filter(|visit| visit.ended == Ended::Open) {
            Some(visit) if !wiped => return visit.ended = Ended::Cut,
            Some(visit) => {
                visit.ended = Ended::Well;
                self.well.insert(visit.step.id);
            }
            None => {}
        }
        self.visits.push(Visit { ended: Ended::Cut, ..Visit::new(step, seq) });
    }

    fn came(&mut self, step: StepId, act: Act, outcome: &'a Outcome, seq: u64, account: &mut Account) {
        let visit = self.visits.last_mut().filter(|visit| visit.ended == Ended::Open && visit.step.id == step);
        let (Some(visit), true) = (visit, self.open.front() == Some(&act)) else {
            return account.refuse(Rule::Acts, Some(seq), "an outcome of an act that no entry before it intended");
        };
        self.open.pop_front();
        if let Outcome::Failed(failure) = outcome {
            self.open.clear();
            if failure.next == Next::Beside && !matches!(act, Act::Authenticate(_) | Act::Prove(_)) {
                account.refuse(
                    Rule::Outcomes,
                    Some(seq),
                    "an act that is no proof says that the token proves itself otherwise",
                );
            }
            self.last_try.extend(act.as_user().filter(|_| failure.next == Next::LastTry));
            visit.failed = Some(act);
            visit.ended = Ended::Failed(match (visit.step.kind, failure.next) {
                // No person that could decide has signed in: the drive is asked for again.
                (StepKind::Log(_), Next::Again) => Next::Device,
                (_, next) => next,
            });
        } else {
            if let Some(token) = act.as_user() {
                self.last_try.remove(&token);
            }
            if let Act::Inspect(_)
            | Act::Prove(_)
            | Act::ProveAgain(_)
            | Act::ProveBeside(_)
            | Act::Generate(..)
            | Act::Sign(..)
            | Act::Write(_, Item::Bundle) = act
            {
                let times = self.signed.entry(act).or_default();
                *times += 1;
                if *times > SIGNED_MAX {
                    return account.refuse(Rule::Acts, Some(seq), "it was done more often than a ceremony does it");
                }
            }
            let intent = visit.intended.unwrap_or_default();
            visit.deeds.push(Deed { act, outcome, intent, came: seq });
        }
    }

    fn intend(&mut self, plan: &Plan, intended: &[Act], seq: u64, account: &mut Account) {
        if intended.is_empty() {
            return;
        }
        let present = &self.present;
        let Some(visit) = self.visits.last_mut().filter(|visit| visit.ended == Ended::Open && self.open.is_empty())
        else {
            return account.refuse(
                Rule::Acts,
                Some(seq),
                "acts are intended outside a step, or while others are under way",
            );
        };
        if visit.intended.is_some() {
            account.refuse(Rule::Acts, Some(seq), "acts are intended a second time in one go at a step");
        }
        if !people::authorised(plan, present, visit) {
            account.refuse(
                Rule::Authorised,
                Some(seq),
                "acts are intended that were not authorised as the script wants it",
            );
        }
        let last = intended.iter().filter_map(Act::as_user).any(|token| self.last_try.contains(&token));
        if last && !visit.answers.iter().any(|given| *given.answer == Answer::Word) {
            account.refuse(Rule::Authorised, Some(seq), "the last try of a PIN is spent without the word for it");
        }
        acts::judge(plan, visit.step.kind, intended, seq, account);
        visit.intended = Some(seq);
        self.open = intended.iter().copied().collect();
    }

    /// Ends the visit when there is nothing left to do.
    fn finish(&mut self, plan: &Plan) {
        let Some(visit) = self.visits.last_mut().filter(|visit| visit.ended == Ended::Open) else { return };
        let acted = visit.intended.is_some() && self.open.is_empty();
        let answered =
            kind::of(visit.step.kind).acts(plan).is_empty() && people::authorised(plan, &self.present, visit);
        if acted || answered {
            visit.ended = Ended::Well;
            self.well.insert(visit.step.id);
        }
    }
}

impl<'a> Visit<'a> {
    fn new(step: &'a Step, first: u64) -> Self {
        let (answers, looked, deeds) = (Vec::new(), Vec::new(), Vec::new());
        Self { step, first, answers, looked, intended: None, deeds, failed: None, ended: Ended::Open }
    }
}
