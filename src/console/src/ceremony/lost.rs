//! The log drives that are there at a resume: both, or one with a spare of the plan for the lost one.

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::event::{Event, Lost};
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan::{Holds, Plan};
use conclave_ceremony::replace::{is_log, spares};
use conclave_ceremony::script::Script;
use conclave_ceremony::step::State;
use conclave_ceremony::transcript::{self, Transcript};
use conclave_publish::FileName;
use smartcard_hsm::cvc::RootKind;

use super::Ceremony;
use super::record::NotWritten;
use super::resume::NotResumed;
use crate::drives::{Drive, DriveError, Drives};
use crate::perform::{find_drive, log_drive};
use crate::ports::Machine;
use crate::wording::drives as text;

/// The contents of a log drive that is plugged in.
pub(super) struct Read {
    pub(super) id: DriveId,
    pub(super) log: Vec<u8>,
}

/// Two drives with logs, or one with a log and a spare.
pub(super) struct Logs {
    pub(super) both: [Read; 2],
    /// The lost log drive, where the second drive is a spare.
    pub(super) lost: Option<DriveId>,
}

impl Logs {
    /// Reads the log drives that are plugged in.
    ///
    /// **Errors**: fewer than two, and no spare; a drive that was replaced; a spare that holds something else.
    pub(super) fn read(plan: &Plan, machine: &mut impl Machine) -> Result<Self, NotResumed> {
        let mut there = plugged(plan, machine)?;
        let read: Vec<Transcript> = there.values().filter_map(|log| transcript::read(log).ok()).collect();
        if let Some((id, entry)) = read.iter().flat_map(lost).find(|(id, _)| there.contains_key(id)) {
            return Err(NotResumed::Drive(text::was_replaced(plan, id, entry)));
        }
        let mut are: BTreeSet<DriveId> = plan.drives_for(Holds::Transcript).into_iter().collect();
        // The longest log knows every spare that took a place.
        for entry in read.iter().max_by_key(|log| log.entries.len()).iter().flat_map(|log| &log.entries) {
            if let Event::Interrupted { lost: Some(lost), .. } = &entry.event {
                are.remove(&lost.drive);
                are.insert(lost.spare);
            }
        }
        let missing = are.iter().copied().find(|id| !there.contains_key(id));
        let mut logs = are.iter().filter_map(|id| there.remove(id).map(|log| Read { id: *id, log }));
        let (first, second) = (logs.next(), logs.next());
        drop(logs);
        let spare = || {
            let is_free = |id: &DriveId| !are.contains(id) && !read.iter().flat_map(lost).any(|(lost, _)| lost == *id);
            plan.drives_for(Holds::SpareLog).into_iter().filter(is_free).collect::<Vec<_>>()
        };
        match (first, second, missing) {
            (Some(first), Some(second), _) => Ok(Self { both: [first, second], lost: None }),
            (Some(first), None, Some(missing)) => {
                let free = spare();
                let found = free.iter().find_map(|id| there.remove(id).map(|log| Read { id: *id, log }));
                let words = || NotResumed::Drive(text::log_missing(plan, missing, free.first().copied()));
                let spare = found.ok_or_else(words)?;
                is_empty(plan, spare.id, machine)?;
                Ok(Self { both: [first, spare], lost: Some(missing) })
            }
            (_, _, missing) => {
                let missing =
                    missing.ok_or_else(|| NotResumed::Drive("The plan does not name two log drives.".into()))?;
                Err(NotResumed::Drive(text::log_missing(plan, missing, None)))
            }
        }
    }

    /// The replacement as the interruption names it, of a record that goes on.
    ///
    /// **Errors**: the lost drive was not whole yet, or the plan has no such spare.
    pub(super) fn replaces(
        &self,
        (plan, script): (&Plan, &Script),
        state: &State,
        transcript: &Transcript,
    ) -> Result<Option<Lost>, NotResumed> {
        let (Some(drive), [_, spare]) = (self.lost, &self.both) else { return Ok(None) };
        let head = transcript.heads.iter().rev().nth(1).copied();
        let may = is_log(state.facts(), state.kind(script), drive)
            && spares(plan, state.facts()).any(|free| free == spare.id);
        match head.filter(|_| may) {
            Some(head) => Ok(Some(Lost { head: head.into(), drive, spare: spare.id })),
            None => Err(NotResumed::Drive(text::too_early(plan, drive))),
        }
    }
}

/// The drives that a record calls lost, each with the entry that does.
fn lost(record: &Transcript) -> impl Iterator<Item = (DriveId, u64)> {
    record.entries.iter().filter_map(|entry| match &entry.event {
        Event::Interrupted { lost: Some(lost), .. } => Some((lost.drive, entry.seq)),
        _ => None,
    })
}

/// The log of each plugged-in drive that may hold one; nothing of it on a drive that holds none.
fn plugged(plan: &Plan, machine: &mut impl Machine) -> Result<BTreeMap<DriveId, Vec<u8>>, NotResumed> {
    let file = name(log_drive::TRANSCRIPT)?;
    let present = machine.drives().present().map_err(|error| NotResumed::Drive(error.to_string()))?;
    let mut read = BTreeMap::new();
    for (id, planned) in plan.drive_ids().zip(&plan.drives) {
        let is_there = present.iter().any(|drive| drive.serial.as_str() == planned.serial.as_str());
        if !is_there || !matches!(planned.holds, Holds::Transcript | Holds::SpareLog) {
            continue;
        }
        let drive = find_drive(planned, machine).map_err(|failure| NotResumed::Drive(failure.words.to_string()))?;
        let names = machine.drives().names(&drive).map_err(|error| failed(&drive, &error))?;
        let log = if names.files.iter().any(|(name, _)| *name == file) {
            let most = transcript::TRANSCRIPT_LEN_MAX as u64;
            machine.drives().read(&drive, &file, most).map_err(|error| failed(&drive, &error))?
        } else {
            Vec::new()
        };
        read.insert(id, log);
    }
    Ok(read)
}

/// A spare holds nothing, or what a power cut left of its filling.
fn is_empty(plan: &Plan, spare: DriveId, machine: &mut impl Machine) -> Result<(), NotResumed> {
    let Some(planned) = plan.drive(spare) else { return Ok(()) };
    let drive = find_drive(planned, machine).map_err(|failure| NotResumed::Drive(failure.words.to_string()))?;
    let names = machine.drives().names(&drive).map_err(|error| failed(&drive, &error))?;
    let ours = |name: &str| {
        let whole = name.rsplit_once(".torn").map_or(name, |(whole, _)| whole);
        [log_drive::TRANSCRIPT, log_drive::PLAN, log_drive::NAMES].contains(&whole)
    };
    let others = (names.others > 0).then(|| format!("{} folders or files with other names", names.others));
    let foreign = names.files.iter().map(|(name, _)| name.as_str()).find(|name| !ours(name)).map(str::to_owned);
    match foreign.or(others) {
        Some(file) => Err(NotResumed::Drive(text::spare_not_empty(plan, spare, &file))),
        None => Ok(()),
    }
}

pub(super) fn name(text: &str) -> Result<FileName, NotResumed> {
    FileName::new(text.as_bytes()).map_err(|error| NotResumed::Drive(error.to_string()))
}

pub(super) fn failed(drive: &Drive, error: &DriveError) -> NotResumed {
    NotResumed::Drive(text::told(&drive.serial.to_string(), error))
}

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// The spare gets the plan, the names and the whole log, and gives them back, before an entry says so.
    pub(super) fn fills(&mut self, spare: DriveId, machine: &mut M) -> Result<(), NotWritten> {
        let refused = |words: String| NotWritten(words);
        let planned = self.plan.drive(spare);
        let planned = planned.ok_or_else(|| refused("The plan has no such drive.".into()))?;
        let drive = find_drive(planned, machine).map_err(|failure| refused(failure.words.to_string()))?;
        let written = self.performer.beside_log(&drive, machine);
        written.map_err(|error| refused(text::told(planned.name.as_str(), &error)))?;
        self.record.attach(spare, &self.plan, machine)?;
        self.record.write(&self.plan, machine)
    }
}
