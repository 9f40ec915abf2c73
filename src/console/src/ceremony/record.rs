//! The record: every entry in memory, and on each log drive as far as it was written there.

use conclave_ceremony::event::Event;
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{self, Plan};
use conclave_ceremony::transcript::{self, Transcript};
use conclave_publish::{Digest, FileName};

use crate::drives::{Drive, DriveError, Drives};
use crate::export::Public;
use crate::perform::{find_drive, log_drive};
use crate::ports::Machine;
use crate::wording::drives::told;

/// The transcript so far.
#[derive(Debug, Default)]
pub struct Record {
    bytes: Vec<u8>,
    /// The end of entry 0: a log that differs before it is of another ceremony.
    first: usize,
    logs: Vec<Log>,
}

#[derive(Debug)]
struct Log {
    id: DriveId,
    len: usize,
}

/// The record could not be written: the drive, the event, the thing to do now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotWritten(pub String);

impl Record {
    /// A record that was read from both its logs.
    pub fn resumed(bytes: Vec<u8>, first: usize, logs: impl IntoIterator<Item = (DriveId, usize)>) -> Self {
        Self { bytes, first, logs: logs.into_iter().map(|(id, len)| Log { id, len }).collect() }
    }

    /// The whole transcript.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds an entry in memory; [`Self::write`] brings it to the logs.
    pub fn push(&mut self, entry: &[u8]) {
        if self.bytes.is_empty() {
            self.first = entry.len();
        }
        self.bytes.extend_from_slice(entry);
    }

    /// Makes a drive that was identified a log of this record.
    ///
    /// A record that a power cut left there before the files beside it were whole can never be resumed: it is kept as
    /// evidence under another name, and this one begins. True if there was one: the files beside it may be torn, too.
    ///
    /// **Errors**: it holds the record of another ceremony, or one that goes on differently.
    pub fn attach(&mut self, id: DriveId, plan: &Plan, machine: &mut impl Machine) -> Result<bool, NotWritten> {
        if self.logs.iter().any(|log| log.id == id) {
            return Ok(false);
        }
        let refused = |words: &str| NotWritten(format!("{}: {words}", name(plan, id)));
        let failed = |error: DriveError| NotWritten(told(&name(plan, id), &error));
        let drive = self.find(id, plan, machine)?;
        let log = file_name(log_drive::TRANSCRIPT)?;
        let names = machine.drives().names(&drive).map_err(failed)?;
        let is_there = |wanted: &FileName| names.files.iter().any(|(name, _)| name == wanted);
        let (mut len, mut unfinished) = (0, false);
        if is_there(&log) {
            let old = machine.drives().read(&drive, &log, transcript::TRANSCRIPT_LEN_MAX as u64).map_err(failed)?;
            let whole = transcript::read(&old).map_err(|damage| refused(&format!("Its log is damaged: {damage}.")))?;
            len = whole.len;
            unfinished = len == 0;
            // A power cut may have left the beginning of this very record.
            if (len > 0 && len < self.first) || old.get(..len).is_none_or(|old| !self.bytes.starts_with(old)) {
                let names = file_name(log_drive::NAMES)?;
                let names = if is_there(&names) {
                    machine.drives().read(&drive, &names, plan::LEN_MAX as u64).map_err(failed)?
                } else {
                    Vec::new()
                };
                if !never_whole(&whole, &names, plan) {
                    return Err(refused(
                        "It holds the record of another ceremony. Take it out, copy its files on another computer, empty it \
                         there, plug it in again.",
                    ));
                }
                machine.drives().truncate_to(&drive, &log, 0).map_err(failed)?;
                (len, unfinished) = (0, true);
            }
        }
        self.logs.push(Log { id, len });
        Ok(unfinished)
    }

    /// Brings every log up to date, one after the other: the second is not touched before the first was read back.
    pub fn write(&mut self, plan: &Plan, machine: &mut impl Machine) -> Result<(), NotWritten> {
        for at in 0..self.logs.len() {
            let Some(log) = self.logs.get(at) else { continue };
            let (id, len) = (log.id, log.len);
            let Some(missing) = self.bytes.get(len..).filter(|missing| !missing.is_empty()) else { continue };
            let drive = self.find(id, plan, machine)?;
            let failed = |error: DriveError| NotWritten(told(&name(plan, id), &error));
            let file = file_name(log_drive::TRANSCRIPT)?;
            let torn = |error: &DriveError| matches!(&error.came, crate::drives::Came::LogLength { expected, found } if found > expected);
            match machine.drives().append(&drive, &file, len as u64, missing) {
                // An append that failed half way left bytes behind: they are kept in a file of their own.
                Err(error) if torn(&error) => {
                    machine.drives().truncate_to(&drive, &file, len as u64).map_err(failed)?;
                    machine.drives().append(&drive, &file, len as u64, missing).map_err(failed)?;
                }
                appended => appended.map_err(failed)?,
            }
            if let Some(log) = self.logs.get_mut(at) {
                log.len = self.bytes.len();
            }
        }
        Ok(())
    }

    /// Writes a file beside each log.
    pub fn beside(
        &self,
        file: &FileName,
        public: &Public,
        plan: &Plan,
        machine: &mut impl Machine,
    ) -> Result<(), NotWritten> {
        for log in &self.logs {
            let drive = self.find(log.id, plan, machine)?;
            let written = machine.drives().write(&drive, &[(file.clone(), public)], crate::drives::Attempt::Resumed);
            written.map_err(|error| NotWritten(told(&name(plan, log.id), &error)))?;
        }
        Ok(())
    }

    /// Ends every mount: the machine may be switched off.
    pub fn release(&self, plan: &Plan, machine: &mut impl Machine) {
        for log in &self.logs {
            if let Ok(drive) = self.find(log.id, plan, machine) {
                // It is synced already; an error of a pulled drive changes nothing now.
                let _ = machine.drives().release(&drive);
            }
        }
    }

    fn find(&self, id: DriveId, plan: &Plan, machine: &mut impl Machine) -> Result<Drive, NotWritten> {
        let planned = plan.drive(id).ok_or_else(|| NotWritten("The plan has no such drive.".into()))?;
        find_drive(planned, machine).map_err(|failure| NotWritten(failure.words.to_string()))
    }
}

fn name(plan: &Plan, id: DriveId) -> String {
    plan.drive(id).map_or_else(|| "drive".into(), |drive| drive.name.to_string())
}

/// Whether a record of this plan was cut off before the names beside it, which come last, were whole.
fn never_whole(record: &Transcript, names: &[u8], plan: &Plan) -> bool {
    record.entries.first().is_some_and(|entry| match &entry.event {
        Event::Began(began) => Digest::from(began.plan) == plan.digest && Names::read(names, plan).is_err(),
        _ => false,
    })
}

/// A name of a log drive's files.
fn file_name(name: &str) -> Result<FileName, NotWritten> {
    FileName::new(name.as_bytes()).map_err(|error| NotWritten(format!("{name}: {error}")))
}
