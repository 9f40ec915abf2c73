//! `conclave rehearse`: a whole ceremony on simulated tokens and drives, in this terminal.
//!
//! The room is the appliance's: [`conclave_room::run::run`] with its screens. What is simulated stands below it ([`here`]), what
//! a rehearsal needs around it is shared with the rehearsal on the image: its plan, the terminal, the devices, what it leaves.

pub mod here;
pub mod keys;
pub mod left;
pub mod menu;
pub mod terminal;

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use conclave_ceremony::plan::Plan;
use conclave_publish::Kind;
use thiserror::Error;

use crate::plan;
use terminal::{Lines, Terminal, Watched};

/// The example in the shape of a real ceremony: what is rehearsed unless another plan is named.
const SAFIRE: &[u8] = include_bytes!("../../../../docs/plans/safire.toml");

/// For those who watch: how long a screen stands before it is answered.
pub const READ: Duration = Duration::from_millis(900);

/// What a rehearsal is asked for.
#[derive(Debug, Parser)]
pub struct Rehearse {
    /// The plan, TOML, of kind "rehearsal". Without it: docs/plans/safire.toml, three tokens and two keys.
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
    /// Where everything it made is put. It must not exist yet.
    #[arg(long, value_name = "FOLDER", default_value = "target/rehearsal")]
    folder: PathBuf,
    /// You have the keyboard, and plug in and pull out (Ctrl-P). Without it the machine types for everybody.
    #[arg(long)]
    hands: bool,
}

/// Why a rehearsal does not begin.
#[derive(Debug, Error)]
enum NotBegun {
    #[error(
        "{} is a plan of kind production, which takes no simulated tokens; rehearse a copy of it that says kind = \"rehearsal\"",
        .0.display()
    )]
    Production(PathBuf),
    #[error(
        "{} exists already, with an older rehearsal or something else in it; remove it, or name another with --folder",
        .0.display()
    )]
    Exists(PathBuf),
    #[error("--hands needs a terminal to type in; without one leave it out, and the machine types for everybody")]
    NoTerminal,
}

/// A rehearsal that may begin.
pub struct Rehearsal {
    /// The bytes of its plan.
    pub bytes: Vec<u8>,
    /// Its plan, which the rules let pass.
    pub plan: Plan,
    /// Whether a person has keyboard and devices.
    pub hands: bool,
    steps: usize,
    folder: PathBuf,
}

impl Rehearse {
    /// What the command line asks for; ends the program if it cannot be read.
    pub fn from_command_line() -> Self {
        Self::parse()
    }

    /// Checks everything that can be checked before anything is built or switched on.
    ///
    /// Errors: the plan cannot be read, is refused (with every refusal) or is none for a rehearsal; the folder exists; there is
    /// no terminal for hands, or too small a one.
    pub fn check(self) -> Result<Rehearsal, Box<dyn Error>> {
        let (bytes, plan, script) = match &self.plan {
            Some(path) => plan::of_file(path)?,
            None => plan::of_bytes(Path::new("docs/plans/safire.toml"), SAFIRE.to_vec())?,
        };
        if plan.kind == Kind::Production {
            return Err(NotBegun::Production(self.plan.unwrap_or_default()).into());
        }
        if self.folder.symlink_metadata().is_ok() {
            return Err(NotBegun::Exists(self.folder).into());
        }
        if !terminal::fits()? && self.hands {
            return Err(NotBegun::NoTerminal.into());
        }
        Ok(Rehearsal { bytes, plan, hands: self.hands, steps: script.steps.len(), folder: self.folder })
    }

    /// Rehearses in this terminal, lists what it made and verifies it.
    pub fn here(self) -> Result<ExitCode, Box<dyn Error>> {
        let rehearsal = self.check()?;
        let left = here::play(&rehearsal, &mut rehearsal.watch()?)?;
        rehearsal.leave(&left)
    }
}

/// Said below the screen.
const HANDS: &str = "REHEARSAL   Ctrl-P: plug in, pull out   Ctrl-C: end without keeping anything";
/// As [`HANDS`].
const ROBOT: &str = "REHEARSAL   the machine types for everybody   Ctrl-C: end without keeping anything";

impl Rehearsal {
    /// Takes over the terminal, if there is one.
    pub fn watch(&self) -> Result<Watched, Box<dyn Error>> {
        if terminal::fits()? {
            return Ok(Watched::Drawn(Terminal::open(if self.hands { HANDS } else { ROBOT })?));
        }
        let Self { plan, steps, .. } = self;
        writeln!(
            io::stdout().lock(),
            "REHEARSAL of \"{}\", {steps} steps, on simulated tokens and drives",
            plan.title
        )?;
        Ok(Watched::Lines(Lines::default()))
    }

    /// The machine is off and the terminal given back: puts what is there into the folder, lists it and verifies it.
    pub fn leave(&self, left: &left::Left) -> Result<ExitCode, Box<dyn Error>> {
        left::keep(left, &self.bytes, &self.plan, &self.folder)
    }
}
