//! Acts on drives: identified, written to, read from.

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan::{Drive, Plan};
use conclave_ceremony::public::Text;
use conclave_publish::FileName;
use smartcard_hsm::cvc::RootKind;

use super::failure::{device, halt, missing, of_drive};
use super::shares::file;
use super::{Case, Performer, log_drive};
use crate::drives::{self, Attempt, Drives};
use crate::export::Exportable;
use crate::ports::Machine;
use crate::shown::Serial;

/// Longest file that is read back from a drive. **Units**: bytes.
const FILE_LEN_MAX: u64 = 64 * 1024;
/// Most names of a drive's files that are recorded.
const NAMES_MAX: usize = 64;

fn planned(case: Case<'_>, id: DriveId) -> Result<&Drive, Failure> {
    case.plan.drive(id).ok_or_else(|| halt("The plan has no such drive."))
}

/// The name of a file on its drive. Further attempts are numbered, because nothing is ever written over.
pub fn file_name(plan: &Plan, item: Item) -> Option<FileName> {
    let again = |attempt: u16| if attempt > 1 { format!("-{attempt}") } else { String::new() };
    let name = match item {
        Item::Share(share, attempt) => format!("share-{}{}.pbe", share.0 + 1, again(attempt)),
        Item::Blob(key, attempt) => {
            format!("{}{}.wrap", plan.key(key)?.label.as_str(), again(attempt))
        }
        Item::Plan => log_drive::PLAN.into(),
        Item::Names => log_drive::NAMES.into(),
        Item::Bundle => return None,
    };
    FileName::new(name.as_bytes()).ok()
}

fn named(plan: &Plan, item: Item) -> Result<FileName, Failure> {
    file_name(plan, item).ok_or_else(|| halt("The plan has no name for this file."))
}

/// The drive of the plan with this number, if it is plugged in and the one it says it is.
/// **Errors**: it is missing, another one has its serial, or it holds no volume to work with.
pub fn find(planned: &Drive, machine: &mut impl Machine) -> Result<drives::Drive, Failure> {
    let present = machine.drives().present().map_err(|error| of_drive(planned.name.as_str(), &error))?;
    let serial = Serial::new(planned.serial.as_str());
    let mut found = present.into_iter().filter(|there| there.serial == serial);
    let there = match (found.next(), found.next()) {
        (Some(there), None) => there,
        (None, _) => return Err(device(&format!("{}, serial {serial}, is not plugged in. Plug it in.", planned.name))),
        (Some(one), Some(two)) => {
            let words = format!(
                "Two drives say they are {}, serial {serial}: at port {} and at port {}. Take both out, keep them apart, \
                 plug in the one that was prepared.",
                planned.name, one.port, two.port
            );
            return Err(device(&words));
        }
    };
    let refuse = |what: String| {
        Err(device(&format!("{}: {what}. This is another drive with its serial: take it out.", planned.name)))
    };
    match &there.volume {
        Err(unfit) => Err(device(&crate::wording::drives::not_fit(planned.name.as_str(), unfit))),
        Ok(_) if there.len != planned.size => {
            refuse(format!("it has {} bytes, the plan says {}", there.len, planned.size))
        }
        Ok(volume) if volume.id.0 != planned.volume => {
            refuse(format!("its volume is {}, the plan says {}", volume.id, drives::VolumeId(planned.volume)))
        }
        Ok(_) => Ok(there),
    }
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// Writes the files beside a log to a spare, where a power cut may have left parts of them.
    pub fn beside_log(&self, drive: &drives::Drive, machine: &mut M) -> Result<(), drives::DriveError> {
        let files: [(&str, &dyn Exportable); 2] = [(log_drive::PLAN, &self.plan), (log_drive::NAMES, &self.names)];
        let files = files.into_iter().filter_map(|(name, file)| Some((FileName::new(name.as_bytes()).ok()?, file)));
        machine.drives().write(drive, &files.collect::<Vec<_>>(), Attempt::Resumed)
    }

    pub(super) fn identify(&mut self, id: DriveId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let planned = planned(case, id)?;
        let drive = find(planned, machine)?;
        let failed = |error| of_drive(planned.name.as_str(), &error);
        let names = machine.drives().names(&drive).map_err(failed)?;
        let free = machine.drives().free(&drive).map_err(failed)?;
        // Files that the record has no room to name are counted.
        let unnamed = names.files.len().saturating_sub(NAMES_MAX) + names.others;
        let others = u32::try_from(unnamed).unwrap_or(u32::MAX);
        let names = names.files.iter().take(NAMES_MAX).map(|(name, _)| Text::fitted(name.as_str())).collect();
        Ok(Outcome::Drive { free, names, others })
    }

    pub(super) fn write(
        &mut self,
        id: DriveId,
        item: Item,
        case: Case<'_>,
        machine: &mut M,
    ) -> Result<Outcome, Failure> {
        let exportable: &dyn Exportable = match item {
            Item::Plan => &self.plan,
            Item::Names => &self.names,
            _ => self.sealed.get(&item).ok_or_else(|| missing("The file"))?,
        };
        let files = [(named(case.plan, item)?, exportable)];
        self.onto(id, &files, Act::Write(id, item), case, machine)?;
        let outcome = file(exportable.bytes());
        // Later the file is read from the drive, never from here.
        self.sealed.remove(&item);
        Ok(outcome)
    }

    pub(super) fn onto(
        &self,
        id: DriveId,
        files: &[(FileName, &dyn Exportable)],
        act: Act,
        case: Case<'_>,
        machine: &mut M,
    ) -> Result<(), Failure> {
        let planned = planned(case, id)?;
        let drive = find(planned, machine)?;
        let written = machine.drives().write(&drive, files, self.attempt(act));
        written.map_err(|error| of_drive(planned.name.as_str(), &error))
    }

    pub(super) fn read(
        &mut self,
        id: DriveId,
        item: Item,
        case: Case<'_>,
        machine: &mut M,
    ) -> Result<Outcome, Failure> {
        let planned = planned(case, id)?;
        let drive = find(planned, machine)?;
        let read = machine.drives().read(&drive, &named(case.plan, item)?, FILE_LEN_MAX);
        let read = read.map_err(|error| of_drive(planned.name.as_str(), &error))?;
        let outcome = file(&read);
        self.read.insert(item, read);
        Ok(outcome)
    }
}
