//! After a power cut: both logs read, made one record again, and every entry stepped through once more.

use conclave_ceremony::compile::compile;
use conclave_ceremony::entry::Head;
use conclave_ceremony::event::{Event, Looked, Lost};
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::merge::{MergeError, merge};
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{Plan, Refusal};
use conclave_ceremony::public::Octets;
use conclave_ceremony::script::Script;
use conclave_ceremony::step::{State, Unfit, Waiting};
use conclave_ceremony::transcript::{self, Transcript};
use conclave_publish::{Digest, Kind};
use smartcard_hsm::cvc::RootKind;

use super::begin::{Begun, Start};
use super::desk::Desk;
use super::lost::{Logs, Read, failed, name};
use super::rebuilt::{NotRebuilt, can_be_rebuilt};
use super::record::Record;
use super::weak::{WeakMachine, fit_machine};
use super::window::{OutsideWindow, in_window};
use super::{Ceremony, NotTaken};
use crate::drives::Drives;
use crate::export::Public;
use crate::perform::{Performer, log_drive};
use crate::ports::Machine;
use crate::wording::drives::may_replace;

/// Longest file that is read from a log drive besides the log. **Units**: bytes.
const FILE_LEN_MAX: u64 = 1024 * 1024;

/// Why a ceremony cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum NotResumed {
    /// A log drive is missing, or cannot be read.
    #[error("{0}")]
    Drive(String),
    /// The plan beside the log breaks rules.
    #[error("the plan beside the log is refused")]
    Plan(Vec<Refusal>),
    /// The plan counts, and strangers cannot rebuild the running program.
    #[error(transparent)]
    NotRebuilt(#[from] NotRebuilt),
    /// It counts, and something stands against the machine that its plan does not accept.
    #[error(transparent)]
    Machine(#[from] WeakMachine),
    /// The plan beside the log is for other days.
    #[error(transparent)]
    OutsideWindow(#[from] OutsideWindow),
    /// It began with another image than the one that runs.
    #[error(
        "this ceremony began with the image whose SHA-256 is {began}; the one that runs is {runs}. Power off and start from the \
         medium this ceremony began with"
    )]
    OtherImage {
        /// SHA-256 of the medium it began with.
        began: Digest,
        /// SHA-256 of the one that runs.
        runs: Digest,
    },
    /// The plan that was compared is not the one the record names.
    #[error("this record is of another plan than the one whose digest was compared")]
    OtherPlan,
    /// The image that runs compiles the plan to other steps than the record promised.
    #[error(
        "this record promised the script whose SHA-256 is {promised}; what runs makes {compiled} of its plan. Power off and start \
         from the medium this ceremony began with"
    )]
    OtherScript {
        /// SHA-256 of the script that entry 1 promised.
        promised: Digest,
        /// SHA-256 of the script that this image compiles.
        compiled: Digest,
    },
    /// The names are not those of the plan: a power cut may have torn their file.
    #[error("the names beside the log are refused")]
    Names(Vec<Refusal>),
    /// The logs do not go together.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// An entry does not follow from the ones before it.
    #[error("entry {seq} does not follow from the entries before it: {why}")]
    Entry {
        /// Which.
        seq: usize,
        /// Why.
        why: Unfit,
    },
    /// An entry intends other acts than its event causes.
    #[error("entry {seq} intends other acts than its event causes")]
    Acts {
        /// Which.
        seq: usize,
    },
    /// The interruption could not be recorded.
    #[error(transparent)]
    NotTaken(#[from] NotTaken),
}

/// An interrupted ceremony: its record as both logs have it, every entry of it stepped through once more.
pub struct Interrupted {
    plan: Plan,
    file: Public,
    names: Names,
    script: Script,
    transcript: Transcript,
    /// The bytes of the record, the torn tail left out.
    whole: Vec<u8>,
    /// Evidence: the rest of an entry that a power cut tore.
    torn: Option<Digest>,
    state: State,
    /// The log drives, and the bytes of the record that each has.
    logs: Vec<(DriveId, usize)>,
    /// The log drive that is lost, and its spare.
    lost: Option<Lost>,
}

impl Interrupted {
    /// Reads both logs. The digest of this plan was compared in this boot.
    pub fn read(plan: &[u8], start: &Start, machine: &mut impl Machine) -> Result<Self, NotResumed> {
        let (plan, file) = Public::plan(plan).map_err(NotResumed::Plan)?;
        let script = compile(&plan).map_err(NotResumed::Plan)?;
        let names = names(&plan, machine)?;
        let read = Logs::read(&plan, machine)?;
        let [a, b] = &read.both;
        let merged = merge(&a.log, &b.log)?;
        let torn = [merged.torn_a, merged.torn_b].into_iter().find(|torn| !torn.is_empty()).map(Digest::of);
        let (whole_a, whole_b) = (a.log.len() - merged.torn_a.len(), b.log.len() - merged.torn_b.len());
        let longer = if whole_a >= whole_b { &a.log } else { &b.log };
        let whole = longer.get(..merged.transcript.len).unwrap_or_default().to_vec();
        let state = replayed(&plan, &script, &merged.transcript, start.image)?;
        let mut lost = None;
        if state.waiting(&plan, &script) != Waiting::Closed {
            lost = read.replaces((&plan, &script), &state, &merged.transcript)?;
            can_be_rebuilt(plan.kind, start.tree)?;
            fit_machine(&plan, &start.findings)?;
            in_window(&plan, machine)?;
        }
        // Only drives that the record knows as logs go on as such; the other one is identified by its step.
        let at = |log: &Read, missing: &[u8]| (log.id, whole.len() - missing.len());
        let logs = [at(a, merged.missing_a), at(b, merged.missing_b)];
        let logs = logs.into_iter().filter(|(id, _)| state.facts().logs.contains(id)).collect();
        Ok(Self { plan, file, names, script, whole, torn, state, logs, lost, transcript: merged.transcript })
    }

    /// Whether its record is closed: nothing of it can go on.
    pub fn is_closed(&self) -> bool {
        self.state.waiting(&self.plan, &self.script) == Waiting::Closed
    }

    /// The offer of a spare in the place of a lost log drive, in words, if this is one.
    pub fn replaces(&self) -> Option<String> {
        self.lost.map(|lost| may_replace(&self.plan, lost.drive, lost.spare))
    }

    /// The head of every entry.
    pub fn heads(&self) -> &[Head] {
        &self.transcript.heads
    }
}

/// Whether the record of one log is closed.
pub(super) fn is_closed(plan: &Plan, script: &Script, log: &[u8], image: Digest) -> bool {
    let read = transcript::read(log).ok();
    let state = read.and_then(|transcript| replayed(plan, script, &transcript, image).ok());
    state.is_some_and(|state| state.waiting(plan, script) == Waiting::Closed)
}

/// Steps through every entry once more.
fn replayed(plan: &Plan, script: &Script, transcript: &Transcript, runs: Digest) -> Result<State, NotResumed> {
    let began = transcript.entries.first().and_then(|first| match &first.event {
        Event::Began(began) => Some(began).filter(|began| Digest::from(began.plan) == plan.digest),
        _ => None,
    });
    let image = Digest::from(began.ok_or(NotResumed::OtherPlan)?.image);
    if image != runs {
        return Err(NotResumed::OtherImage { began: image, runs });
    }
    if let Some(promised) = transcript.script().filter(|promised| *promised != script) {
        return Err(NotResumed::OtherScript { promised: promised.digest(), compiled: script.digest() });
    }
    let mut state = State::default();
    for (seq, (entry, head)) in transcript.entries.iter().zip(&transcript.heads).enumerate() {
        let (next, acts) = state.step(plan, script, &entry.event).map_err(|why| NotResumed::Entry { seq, why })?;
        if acts != entry.acts {
            return Err(NotResumed::Acts { seq });
        }
        state = next.appended(*head);
    }
    Ok(state)
}

impl<M: Machine> Begun<M> {
    /// Goes on with an interrupted ceremony. `written` is the entry with the head that a witness typed, if one was
    /// written down.
    ///
    /// Errors: the interruption could not be recorded.
    pub fn resumed(
        interrupted: Interrupted,
        written: Option<u64>,
        start: Start,
        machine: &mut M,
    ) -> Result<Self, NotResumed> {
        let (torn, lost) = (interrupted.torn.map(Into::into), interrupted.lost);
        let mut begun = Self::closed(interrupted, &start, machine);
        let looked = start.findings;
        match &mut begun {
            Self::Production(ceremony) => ceremony.interrupted((torn, lost), looked, written, machine)?,
            Self::Rehearsal(ceremony) => ceremony.interrupted((torn, lost), looked, written, machine)?,
        }
        Ok(begun)
    }

    /// Shows a closed ceremony as it ended. Entries and files that a power cut left out are written to the logs.
    pub fn closed(interrupted: Interrupted, start: &Start, machine: &mut M) -> Self {
        match interrupted.plan.kind {
            Kind::Production => Self::Production(Box::new(read(interrupted, start, machine))),
            Kind::Rehearsal => Self::Rehearsal(Box::new(read(interrupted, start, machine))),
        }
    }
}

/// The names behind the plan's ids, from the first drive that has them whole: a power cut may have torn the other.
fn names(plan: &Plan, machine: &mut impl Machine) -> Result<Names, NotResumed> {
    let drives = machine.drives().present().map_err(|error| NotResumed::Drive(error.to_string()))?;
    let wanted = name(log_drive::NAMES)?;
    let mut torn = None;
    for drive in drives {
        let Ok(there) = machine.drives().names(&drive) else { continue };
        if there.files.iter().any(|(name, _)| *name == wanted) {
            let bytes = machine.drives().read(&drive, &wanted, FILE_LEN_MAX).map_err(|error| failed(&drive, &error))?;
            match Names::read(&bytes, plan) {
                Ok(names) => return Ok(names),
                Err(refused) => torn = torn.or(Some(NotResumed::Names(refused))),
            }
        }
    }
    Err(torn.unwrap_or_else(|| NotResumed::Drive(crate::wording::intake::NO_RECORD.into())))
}

/// A ceremony as its record has it.
fn read<M: Machine, R: RootKind>(interrupted: Interrupted, start: &Start, machine: &mut M) -> Ceremony<M, R> {
    let Interrupted { plan, file, names, script, transcript, whole, torn: _, state, logs, lost: _ } = interrupted;
    let mut performer = Performer::new(&plan, file, names);
    for entry in &transcript.entries {
        performer.intends(&entry.acts);
    }
    let now = machine.now();
    Ceremony {
        script,
        head: transcript.head(),
        seq: transcript.entries.len() as u64,
        boot: state.facts().boot,
        record: Record::resumed(whole, first_len(&transcript), logs),
        performer,
        desk: Desk::default(),
        tree: start.tree,
        waits: None,
        findings: std::collections::VecDeque::new(),
        trouble: None,
        closed: false,
        plugged: machine.in_ports(),
        now,
        since: (now, now),
        state,
        plan,
    }
}

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// The ceremony goes on in the next boot.
    fn interrupted(
        &mut self,
        (torn, lost): (Option<Octets<32>>, Option<Lost>),
        looked: Vec<Looked>,
        written: Option<u64>,
        machine: &mut M,
    ) -> Result<(), NotTaken> {
        if let Some(lost) = lost {
            self.fills(lost.spare, machine)?;
        }
        self.boot = self.boot.saturating_add(1);
        self.take(Event::Interrupted { boot: self.boot, head: self.head.into(), lost, torn, looked, written }, machine)
    }
}

/// Bytes of entry 0.
fn first_len(transcript: &Transcript) -> usize {
    let genesis = transcript::GENESIS;
    let first = transcript.entries.first().and_then(|entry| transcript::append(&genesis, entry).ok());
    first.map_or(0, |(bytes, _)| bytes.len())
}
