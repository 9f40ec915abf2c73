//! From the devices screen to a ceremony: a drive with a plan, or with the log of a ceremony that was interrupted.
//!
//! The plan is read into memory, its digest met by challenge, its drive taken out. Only then does the gate let in the
//! devices that the plan names.

use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Looked, Source};
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{self, Plan, Refusal};
use conclave_ceremony::public::Text;
use conclave_ceremony::transcript::TRANSCRIPT_LEN_MAX;
use conclave_publish::{Digest, FileName};

use super::begin::{Begun, Brought, NotBegun, Start};
use super::resume::{Interrupted, is_closed};
use super::window::in_window;
use super::written::Written;
use crate::drives::{Drive, Drives};
use crate::key::Key;
use crate::perform::log_drive;
use crate::ports::{Machine, Plugged};
use crate::preflight::challenge::{Challenged, Digests, Of, Then};
use crate::shown::Serial;
use crate::usb::gate::Named;
use crate::wording::drives::told;
use crate::wording::intake as text;

/// Longest plan, and longest file of names, that is read. **Units**: bytes.
const PLAN_LEN_MAX: u64 = plan::LEN_MAX as u64;

/// How far the intake is.
pub enum Stage {
    /// One drive with a plan, or with a log, is to be plugged in.
    Insert,
    /// The plan on it, or its names, break rules.
    Refused(Vec<Refusal>),
    /// The digest of the plan is compared.
    Challenge(Challenged),
    /// Both log drives are to be plugged in. The ceremony was interrupted, and its plan was compared with a copy from
    /// here; or it is closed, and nothing is compared, because nothing goes on.
    Logs(Option<Source>),
    /// Both logs were read; the head that a witness wrote down is compared with them.
    Written(Box<Read>),
}

/// An interrupted ceremony before it goes on.
pub struct Read {
    interrupted: Interrupted,
    /// The question for the head that a witness wrote down.
    pub written: Written,
    source: Source,
}

/// A plan on its way in.
pub struct Intake {
    /// How far it is.
    pub stage: Stage,
    /// Digest of the plan, once it was read.
    pub digest: Option<Digest>,
    /// Digest of the script that the plan compiles to, once it was read.
    pub script: Option<Digest>,
    /// Refusals of a plan that were scrolled out of sight: never the last one.
    pub above: usize,
    /// The last trouble.
    pub wrong: Option<String>,
    /// The offer of a spare that was made last.
    offered: Option<String>,
    bytes: Vec<u8>,
    names: Vec<u8>,
    serial: Serial,
    /// The plan, once it was read: its devices are let in.
    pub plan: Option<Plan>,
    /// A record lies beside the plan: the ceremony was interrupted.
    pub resumes: bool,
    /// The devices in the ports, as they were seen last.
    pub plugged: Vec<Plugged>,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            stage: Stage::Insert,
            digest: None,
            script: None,
            above: 0,
            wrong: None,
            offered: None,
            bytes: Vec::new(),
            names: Vec::new(),
            serial: Serial::default(),
            plan: None,
            resumes: false,
            plugged: Vec::new(),
        }
    }
}

/// The result of a key.
pub enum Next<M: Machine> {
    /// The intake goes on.
    Stay,
    /// Back to the devices.
    Back,
    /// A ceremony is under way.
    Begun(Begun<M>),
}

impl Intake {
    /// An intake that has looked at the ports.
    pub fn looking(machine: &mut impl Machine) -> Self {
        Self { plugged: machine.in_ports(), ..Self::default() }
    }

    /// Looks at the ports.
    pub fn look(&mut self, machine: &mut impl Machine) {
        self.plugged = machine.in_ports();
    }

    fn admits(&self, machine: &mut impl Machine) {
        machine.admit(self.plan.as_ref().map(Named::by).as_ref());
    }

    /// Takes a key.
    pub fn press<M: Machine>(&mut self, key: Key, start: &Start, machine: &mut M) -> Next<M> {
        self.look(machine);
        let begun = match (&mut self.stage, key) {
            (
                Stage::Insert
                | Stage::Refused(_)
                | Stage::Challenge(Challenged::Closed | Challenged::Met(_))
                | Stage::Logs(_),
                Key::Escape,
            ) => {
                machine.admit(None);
                return Next::Back;
            }
            (Stage::Insert, Key::Enter) => self.read(start, machine).map(|()| None),
            (Stage::Refused(refusals), Key::Down) => {
                self.above = refusals.len().saturating_sub(1).min(self.above + 1);
                Ok(None)
            }
            (Stage::Refused(_), Key::Up) => {
                self.above = self.above.saturating_sub(1);
                Ok(None)
            }
            (Stage::Refused(_), Key::Enter) => {
                *self = Self::looking(machine);
                Ok(None)
            }
            (Stage::Challenge(challenged), key) => {
                let Some(own) = self.digest else { return Next::Back };
                let digests = Digests { own, script: self.script };
                match (challenged.pressed(Of::Plan, key, &digests), &challenged) {
                    (Then::Draw, _) => draw(Of::Plan, challenged, machine).map(|()| None),
                    (Then::GoOn, Challenged::Met(source)) if self.resumes => {
                        self.stage = Stage::Logs(Some(*source));
                        self.admits(machine);
                        Ok(None)
                    }
                    (Then::GoOn, _) => self.begin(start, machine).map(Some),
                    (Then::Stay, _) => Ok(None),
                }
            }
            (Stage::Logs(source), Key::Enter) => {
                let source = *source;
                self.read_logs(start, source, machine)
            }
            (Stage::Written(read), Key::Escape)
                if matches!(read.written.challenged, Challenged::Closed | Challenged::Met(_)) =>
            {
                machine.admit(None);
                return Next::Back;
            }
            (Stage::Written(read), key) => match read.written.pressed(key) {
                Then::Stay => Ok(None),
                Then::Draw => draw(Of::Head, &mut read.written.challenged, machine).map(|()| None),
                Then::GoOn => self.go_on(start, machine).map(Some),
            },
            (Stage::Insert | Stage::Refused(_) | Stage::Logs(_), _) => Ok(None),
        };
        self.wrong = None;
        match begun {
            Ok(None) => Next::Stay,
            Ok(Some(begun)) => Next::Begun(begun),
            Err(words) => {
                self.wrong = Some(words);
                Next::Stay
            }
        }
    }

    /// Reads the one drive that is plugged in.
    fn read(&mut self, start: &Start, machine: &mut impl Machine) -> Result<(), String> {
        let drives = present(machine)?;
        let [plans, of_names, logs] = [log_drive::PLAN, log_drive::NAMES, log_drive::TRANSCRIPT].map(name);
        let (plans, of_names, logs) = (plans?, of_names?, logs?);
        let [drive] = &drives[..] else { return Err(text::not_one_drive(drives.len())) };
        let failed = |error: crate::drives::DriveError| told(&drive.serial.to_string(), &error);
        let there = machine.drives().names(drive).map_err(failed)?;
        let is_there = |wanted: &FileName| there.files.iter().any(|(name, _)| name == wanted);
        if !is_there(&plans) {
            return Err(text::no_plan(&drive.serial));
        }
        self.resumes = is_there(&logs);
        let bytes = machine.drives().read(drive, &plans, PLAN_LEN_MAX).map_err(failed)?;
        let compiled = plan::read(&bytes).and_then(|plan| compile(&plan).map(|script| (plan, script)));
        let (plan, script) = match compiled {
            Ok(compiled) => compiled,
            Err(refusals) => {
                self.stage = Stage::Refused(refusals);
                return Ok(());
            }
        };
        let mut closed = false;
        if self.resumes {
            let log = machine.drives().read(drive, &logs, TRANSCRIPT_LEN_MAX as u64).map_err(failed)?;
            closed = is_closed(&plan, &script, &log, start.image);
        }
        if !closed {
            in_window(&plan, machine).map_err(|error| format!("{error}."))?;
        }
        let names = if self.resumes {
            None
        } else if is_there(&of_names) {
            Some(machine.drives().read(drive, &of_names, PLAN_LEN_MAX).map_err(failed)?)
        } else {
            return Err(text::no_names(&drive.serial));
        };
        // Nothing stays of a drive that was not read to its end.
        (self.digest, self.script) = (Some(plan.digest), Some(script.digest()));
        self.stage = match names {
            None if closed => Stage::Logs(None),
            None => Stage::Challenge(Challenged::Closed),
            Some(names) => {
                let read = Names::read(&names, &plan);
                self.names = names;
                read.map_or_else(Stage::Refused, |_| Stage::Challenge(Challenged::Closed))
            }
        };
        self.plan = Some(plan);
        if closed {
            self.admits(machine);
        }
        self.serial = drive.serial.clone();
        self.bytes = bytes;
        Ok(())
    }

    /// The plan's drive is out, and only devices that the plan names may come in.
    fn begin<M: Machine>(&mut self, start: &Start, machine: &mut M) -> Result<Begun<M>, String> {
        let drives = present(machine)?;
        if let Some(Drive { serial, .. }) = drives.first() {
            return Err(text::take_out(serial));
        }
        let Stage::Challenge(Challenged::Met(source)) = self.stage else { return Err(text::take_out(&self.serial)) };
        self.admits(machine);
        let start = self.looked(start, source);
        Begun::new(Brought { plan: &self.bytes, names: &self.names }, start, machine).map_err(|error| {
            machine.admit(None);
            match error {
                NotBegun::Plan(refusals) | NotBegun::Names(refusals) => {
                    let words = text::refused(&refusals).join(" ");
                    self.stage = Stage::Refused(refusals);
                    words
                }
                error => error.to_string(),
            }
        })
    }

    /// The findings of this boot, the plan among them.
    fn looked(&self, start: &Start, source: Source) -> Start {
        let mut start = start.clone();
        start.findings.push(Looked::Plan { source, drive: Text::fitted(self.serial.as_str()) });
        start
    }

    /// Both logs are one record of the plan. A closed one is shown as it ended; of another the head is asked for.
    fn read_logs<M: Machine>(
        &mut self,
        start: &Start,
        compared: Option<Source>,
        machine: &mut M,
    ) -> Result<Option<Begun<M>>, String> {
        let read = Interrupted::read(&self.bytes, start, machine).map_err(|error| text::not_resumed(&error))?;
        // A drive that was only forgotten is not given up by one key.
        if let Some(words) = read.replaces().filter(|words| self.offered.as_ref() != Some(words)) {
            self.offered = Some(words.clone());
            return Err(words);
        }
        match (read.is_closed(), compared) {
            (true, _) => return Ok(Some(Begun::closed(read, start, machine))),
            (false, Some(source)) => {
                let mut written = Written::among(read.heads().to_vec());
                written.alone = read.replaces().is_some();
                self.stage = Stage::Written(Box::new(Read { interrupted: read, written, source }));
            }
            // Other logs than the closed one that was put in first: their plan is compared like any other.
            (false, None) => {
                machine.admit(None);
                self.stage = Stage::Challenge(Challenged::Closed);
            }
        }
        Ok(None)
    }

    /// The interruption is recorded, and the ceremony goes on. Where it cannot be recorded both logs are read again.
    fn go_on<M: Machine>(&mut self, start: &Start, machine: &mut M) -> Result<Begun<M>, String> {
        match core::mem::replace(&mut self.stage, Stage::Insert) {
            Stage::Written(read) => {
                let Read { interrupted, written, source } = *read;
                self.stage = Stage::Logs(Some(source));
                let resumed = Begun::resumed(interrupted, written.entry(), self.looked(start, source), machine);
                resumed.map_err(|error| text::not_resumed(&error))
            }
            stage @ (Stage::Insert | Stage::Refused(_) | Stage::Challenge(_) | Stage::Logs(_)) => {
                self.stage = stage;
                Err(text::LOGS.to_owned())
            }
        }
    }
}

/// Every drive that is plugged in. The medium this machine was started from, which may stay, gave its place up and is
/// none.
fn present(machine: &mut impl Machine) -> Result<Vec<Drive>, String> {
    machine.drives().present().map_err(|error| told("", &error))
}

fn draw(of: Of, challenged: &mut Challenged, machine: &mut impl Machine) -> Result<(), String> {
    let mut random = [0; 32];
    machine.random(&mut random).map_err(|error| error.to_string())?;
    *challenged = challenged.drew(of, &random);
    Ok(())
}

fn name(text: &str) -> Result<FileName, String> {
    FileName::new(text.as_bytes()).map_err(|error| error.to_string())
}
