//! After a power cut: both logs read, made one record again, and every entry stepped through once more.

use conclave_ceremony::compile::compile;
use conclave_ceremony::event::Event;
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::merge::{MergeError, merge};
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{Holds, Plan, Refusal};
use conclave_ceremony::step::{State, Unfit};
use conclave_ceremony::transcript::Transcript;
use conclave_publish::{Digest, FileName, Kind};
use smartcard_hsm::cvc::RootKind;

use super::begin::{Begun, Start};
use super::desk::Desk;
use super::rebuilt::{NotRebuilt, can_be_rebuilt};
use super::record::Record;
use super::weak::{WeakMachine, fit_machine};
use super::window::{OutsideWindow, in_window};
use super::{Ceremony, NotTaken};
use crate::drives::{Drive, Drives};
use crate::leaves::Public;
use crate::perform::{Performer, log_drive};
use crate::ports::Machine;

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
    /// It counts, and strangers cannot rebuild what runs.
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
    /// The plan beside the log is not the one the record names.
    #[error("the plan on the log drive is not the one this record began with")]
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

/// A log drive that is plugged in: what is on it.
struct Read {
    id: DriveId,
    log: Vec<u8>,
}

impl<M: Machine> Begun<M> {
    /// Goes on with the ceremony whose log drives are plugged in, with the image it began with.
    pub fn resumed(start: &Start, machine: &mut M) -> Result<Self, NotResumed> {
        let Beside { plan, file, names } = beside(machine)?;
        can_be_rebuilt(plan.kind, start.tree)?;
        fit_machine(&plan, &start.findings)?;
        Ok(match plan.kind {
            Kind::Production => Self::Production(Box::new(resume(plan, (file, names), start, machine)?)),
            Kind::Rehearsal => Self::Rehearsal(Box::new(resume(plan, (file, names), start, machine)?)),
        })
    }
}

fn name(text: &str) -> Result<FileName, NotResumed> {
    FileName::new(text.as_bytes()).map_err(|error| NotResumed::Drive(error.to_string()))
}

fn failed(drive: &Drive, error: &crate::drives::DriveError) -> NotResumed {
    NotResumed::Drive(crate::text_drives::told(&drive.serial.to_string(), error))
}

/// What lies beside a log.
struct Beside {
    plan: Plan,
    file: Public,
    names: Names,
}

impl Beside {
    fn read(plan: &[u8], names: &[u8]) -> Result<Self, NotResumed> {
        let (plan, file) = Public::plan(plan).map_err(NotResumed::Plan)?;
        let names = Names::read(names, &plan).map_err(NotResumed::Names)?;
        Ok(Self { plan, file, names })
    }
}

/// Plan and names, from the first drive that has both whole.
fn beside(machine: &mut impl Machine) -> Result<Beside, NotResumed> {
    let drives = machine.drives().present().map_err(|error| NotResumed::Drive(error.to_string()))?;
    let wanted = [name(log_drive::PLAN)?, name(log_drive::NAMES)?];
    let mut torn = None;
    for drive in drives {
        let Ok(there) = machine.drives().names(&drive) else { continue };
        if wanted.iter().all(|wanted| there.files.iter().any(|(name, _)| name == wanted)) {
            let mut read =
                |name| machine.drives().read(&drive, name, FILE_LEN_MAX).map_err(|error| failed(&drive, &error));
            let [plan, names] = &wanted;
            match Beside::read(&read(plan)?, &read(names)?) {
                Ok(beside) => return Ok(beside),
                Err(refused) => torn = torn.or(Some(refused)),
            }
        }
    }
    Err(torn.unwrap_or_else(|| NotResumed::Drive(crate::text_intake::NO_RECORD.into())))
}

fn logs(plan: &Plan, machine: &mut impl Machine) -> Result<Vec<Read>, NotResumed> {
    let file = name(log_drive::TRANSCRIPT)?;
    let mut read = Vec::new();
    for (at, planned) in plan.drives.iter().enumerate().filter(|(_, drive)| drive.holds == Holds::Transcript) {
        let Ok(id) = u16::try_from(at).map(DriveId) else { continue };
        let drive = crate::perform::find_drive(planned, machine)
            .map_err(|failure| NotResumed::Drive(failure.words.to_string()))?;
        let names = machine.drives().names(&drive).map_err(|error| failed(&drive, &error))?;
        let log = if names.files.iter().any(|(name, _)| *name == file) {
            let most = conclave_ceremony::transcript::TRANSCRIPT_LEN_MAX as u64;
            machine.drives().read(&drive, &file, most).map_err(|error| failed(&drive, &error))?
        } else {
            Vec::new()
        };
        read.push(Read { id, log });
    }
    Ok(read)
}

fn resume<M: Machine, R: RootKind>(
    plan: Plan,
    (file, names): (Public, Names),
    start: &Start,
    machine: &mut M,
) -> Result<Ceremony<M, R>, NotResumed> {
    let script = compile(&plan).map_err(NotResumed::Plan)?;
    in_window(&plan, machine)?;
    let read = logs(&plan, machine)?;
    let [a, b] = &read[..] else {
        return Err(NotResumed::Drive("The plan does not name two log drives.".into()));
    };
    let merged = merge(&a.log, &b.log)?;
    let transcript = &merged.transcript;
    let torn = [merged.torn_a, merged.torn_b].into_iter().find(|torn| !torn.is_empty()).map(Digest::of);
    let longer = if a.log.len() - merged.torn_a.len() >= b.log.len() - merged.torn_b.len() { &a.log } else { &b.log };
    let whole = longer.get(..transcript.len).unwrap_or_default().to_vec();
    let began = transcript.entries.first().and_then(|first| match &first.event {
        Event::Began(began) => Some(began).filter(|began| Digest::from(began.plan) == plan.digest),
        _ => None,
    });
    let began = began.ok_or(NotResumed::OtherPlan)?;
    let (image, runs) = (Digest::from(began.image), start.image);
    if image != runs {
        return Err(NotResumed::OtherImage { began: image, runs });
    }
    if let Some(promised) = transcript.script().filter(|promised| **promised != script) {
        return Err(NotResumed::OtherScript { promised: promised.digest(), compiled: script.digest() });
    }
    let mut performer = Performer::new(&plan, file, names);
    let mut state = State::default();
    for (seq, (entry, head)) in transcript.entries.iter().zip(&transcript.heads).enumerate() {
        let (next, acts) = state.step(&plan, &script, &entry.event).map_err(|why| NotResumed::Entry { seq, why })?;
        if acts != entry.acts {
            return Err(NotResumed::Acts { seq });
        }
        performer.intends(&acts);
        state = next.appended(*head);
    }
    // Only drives that the record knows as logs go on as such; the other one is identified by its step.
    let known = state.facts().logs.clone();
    let at = |log: &Read, missing: &[u8]| (log.id, whole.len() - missing.len());
    let logs = [at(a, merged.missing_a), at(b, merged.missing_b)].into_iter().filter(|(id, _)| known.contains(id));
    let now = machine.now();
    let boot = state.facts().boot.saturating_add(1);
    let first = first_len(transcript);
    let mut ceremony = Ceremony {
        script,
        head: transcript.head(),
        seq: transcript.entries.len() as u64,
        boot,
        record: Record::resumed(whole.clone(), first, logs),
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
    };
    let head = ceremony.head.into();
    ceremony.take(Event::Interrupted { boot, head, torn: torn.map(Into::into) }, machine)?;
    Ok(ceremony)
}

/// Bytes of entry 0.
fn first_len(transcript: &Transcript) -> usize {
    let genesis = conclave_ceremony::transcript::GENESIS;
    let first =
        transcript.entries.first().and_then(|entry| conclave_ceremony::transcript::append(&genesis, entry).ok());
    first.map_or(0, |(bytes, _)| bytes.len())
}
