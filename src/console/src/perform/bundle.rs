//! The public bundle: the files with which a stranger checks certificates and statements of the ceremony's keys, and in
//! which software takes the keys over, in one folder.

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::bundle::files;
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::DriveId;
use conclave_publish::FileName;
use smartcard_hsm::cvc::RootKind;

use super::failure::halt;
use super::shares::file;
use super::{Case, Performer};
use crate::export::{Exportable, Public};
use crate::ports::Machine;

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// Writes the bundle; the outcome is that of its list, which names every other file with its digest.
    pub(super) fn publish(&mut self, drive: DriveId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let none = |why: &str| halt(&format!("There is no public bundle: {why}."));
        let leaves = files(case.plan, self.plan.bytes(), case.facts).map_err(|error| none(&error.to_string()))?;
        let outcome = file(leaves.last().ok_or_else(|| none("it has no file"))?.bytes());
        let files: Vec<(FileName, Public)> =
            leaves.iter().map(|leaf| (leaf.name().clone(), Public::from(leaf))).collect();
        let borrowed: Vec<(FileName, &dyn Exportable)> =
            files.iter().map(|(name, public)| (name.clone(), public as &dyn Exportable)).collect();
        self.onto(drive, &borrowed, Act::Write(drive, Item::Bundle), case, machine)?;
        Ok(outcome)
    }
}
