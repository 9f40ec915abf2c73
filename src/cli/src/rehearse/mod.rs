//! `conclave rehearse`: a whole ceremony on simulated tokens and drives, in this terminal.
//!
//! The room is the appliance's: [`conclave_console::run::run`] with its screens. The simulated devices stand below it
//! ([`here`]). The parts around it are shared with the rehearsal on the image: plan, terminal, devices, results.

pub mod folder;
pub mod here;
pub mod keys;
pub mod left;
pub mod menu;
pub mod terminal;
pub mod unfinished;

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::plan::names::Names;
use conclave_publish::{Digest, Kind};
use thiserror::Error;

use crate::names::{self, NamesError};
use crate::{plan, said};
use folder::Folder;
use terminal::{Lines, Terminal, Watched};
use unfinished::{TakenUp, Unfinished};

/// The example in the shape of a real ceremony: it is rehearsed unless another plan is named.
const SAFIRE: &[u8] = include_bytes!("../../../../docs/plans/safire/plan.toml");
/// The names behind its ids.
const SAFIRE_NAMES: &[u8] = include_bytes!("../../../../docs/plans/safire/names.toml");

/// For a watching person: how long a screen stands before it is answered.
pub const READ: Duration = Duration::from_millis(900);

/// The options of a rehearsal.
#[derive(Debug, Parser)]
pub struct Rehearse {
    /// The plan, TOML, of kind "rehearsal", with its names in `names.toml` in the same folder. Without it:
    /// docs/plans/safire/plan.toml, three tokens and two keys.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    plan: Option<PathBuf>,
    /// The folder for everything it made. The results of an older rehearsal there are kept as FOLDER.before; they
    /// replace those of the rehearsal before that.
    #[arg(long, value_name = "FOLDER", default_value = "rehearsal")]
    folder: PathBuf,
    /// You have the keyboard, and plug in, pull out and let things fail (Ctrl-P). Without it the machine types for
    /// everybody.
    #[arg(long)]
    hands: bool,
    /// Takes up the unfinished rehearsal in the folder: its plan, tokens and drives, as after a power cut.
    #[arg(long)]
    resume: bool,
}

/// Why a rehearsal does not begin.
#[derive(Debug, Error)]
enum NotBegun {
    #[error(
        "{} is a plan of kind production, which takes no simulated tokens; rehearse a copy of it that says kind = \"rehearsal\"",
        .0.display()
    )]
    Production(PathBuf),
    #[error("--hands needs a terminal to type in; without one leave it out, and the machine types for everybody")]
    NoTerminal,
}

/// A rehearsal that may begin.
pub struct Rehearsal {
    /// The bytes of its plan.
    pub bytes: Vec<u8>,
    /// The names behind its ids.
    pub names: Names,
    /// Its plan, which the rules let pass.
    pub plan: Plan,
    /// Whether a person has keyboard and devices.
    pub hands: bool,
    /// The unfinished rehearsal that it takes up, if it takes up one.
    pub taken_up: Option<TakenUp>,
    steps: usize,
    folder: Folder,
    /// How people at this terminal call `conclave`.
    program: String,
    /// The program in place of the medium of its machine: `conclave`.
    digest: Digest,
    /// Its length. Units: bytes.
    len: u64,
}

impl Rehearse {
    /// The options of the command line.
    ///
    /// Errors: it was not understood, or help was asked for. The words are printed already; the caller exits with the
    /// code.
    pub fn from_command_line() -> Result<Self, ExitCode> {
        Self::try_parse().map_err(|error| said::usage(&error))
    }

    /// Checks everything that can be checked before anything is built or switched on. `program` is `conclave`.
    ///
    /// Errors: the plan cannot be read, is refused (with every refusal) or is none for a rehearsal; nothing can be kept
    /// in the folder, or nothing be taken up from it; there is no terminal for hands.
    pub fn check(self, program: &Path) -> Result<Rehearsal, Box<dyn Error>> {
        let Self { plan, folder, hands, resume } = self;
        let bytes = fs::read(program)?;
        let (digest, len) = (Digest::of(&bytes), u64::try_from(bytes.len())?);
        let unfinished = if resume { Some(Unfinished::of(&folder, digest, hands)?) } else { None };
        let path = unfinished.as_ref().map(|_| folder.join(left::PLAN)).or(plan);
        let (bytes, plan, script) = match &path {
            Some(path) => plan::of_file(path)?,
            None => plan::of_bytes(Path::new("docs/plans/safire/plan.toml"), SAFIRE.to_vec())?,
        };
        if plan.kind == Kind::Production {
            return Err(NotBegun::Production(path.unwrap_or_default()).into());
        }
        let names = match &path {
            Some(path) => names::of_file(&names::beside(path), &plan)?,
            None => Names::read(SAFIRE_NAMES, &plan)
                .map_err(|refusals| NamesError::Refused(names::FILE.into(), refusals))?,
        };
        if hands && !terminal::there() {
            return Err(NotBegun::NoTerminal.into());
        }
        let taken_up = unfinished.map(|unfinished| unfinished.take_up(&folder, &plan)).transpose()?;
        let folder = Folder::ready(&folder)?;
        let (program, steps) = (called(program), script.steps.len());
        Ok(Rehearsal { bytes, names, plan, hands, taken_up, steps, folder, program, digest, len })
    }

    /// Rehearses in this terminal, lists the results and verifies them.
    pub fn here(self) -> Result<ExitCode, Box<dyn Error>> {
        let rehearsal = self.check(&env::current_exe()?)?;
        let left = here::play(&rehearsal, &mut rehearsal.watch()?)?;
        rehearsal.leave(&left)
    }
}

/// How a program is called from the folder people are in.
fn called(program: &Path) -> String {
    let below = env::current_dir().ok().and_then(|folder| program.strip_prefix(folder).ok().map(Path::to_owned));
    below.as_deref().unwrap_or(program).display().to_string()
}

/// Said below the screen.
const HANDS: &str = "REHEARSAL   Ctrl-P: plug in, pull out, let fail   Ctrl-C: stop; it can be taken up";
/// As [`HANDS`].
const ROBOT: &str = "REHEARSAL   it types by itself   Space: faster, slower   Ctrl-C: stop; can be taken up";
/// Said on the screen, where there is no room below it.
const HANDS_SHORT: &str = " Ctrl-P: devices ";
/// As [`HANDS_SHORT`].
const ROBOT_SHORT: &str = " Space: faster ";

impl Rehearsal {
    /// Takes over the terminal, if there is one.
    pub fn watch(&self) -> Result<Watched, Box<dyn Error>> {
        if terminal::there() {
            let said = if self.hands { [HANDS, HANDS_SHORT] } else { [ROBOT, ROBOT_SHORT] };
            return Ok(Watched::Drawn(Terminal::open(said)?));
        }
        let Self { plan, steps, .. } = self;
        let again = if self.taken_up.is_some() { ", taken up" } else { "" };
        writeln!(said::out(), "REHEARSAL of \"{}\", {steps} steps, on simulated tokens and drives{again}", plan.title)?;
        Ok(Watched::Lines(Lines::default()))
    }

    /// The machine is off and the terminal given back: puts the results into the folder, lists them and verifies them.
    pub fn leave(&self, left: &left::Left) -> Result<ExitCode, Box<dyn Error>> {
        left::keep(left, self)
    }
}
