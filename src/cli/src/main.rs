//! `conclave`: the desk's side of a key ceremony.
#![forbid(unsafe_code)]

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use conclave::rehearse::Rehearse;
use conclave::{drive, ended, inspect, medium, names, out, plan, usage, verify};

/// The beginning of its errors.
const NAME: &str = "conclave";

/// The desk's side of a key ceremony.
#[derive(Parser)]
#[command(name = NAME, version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Look at tokens. Never changes a token and never tries a PIN.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Work on the plan of a ceremony.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Look at the sticks of this computer, and make them fit for a ceremony.
    #[command(subcommand)]
    Drive(DriveCommand),
    /// The digest of a boot medium, as the appliance's first screen shows it.
    Medium {
        /// The image file, or the drive it was written to.
        #[arg(value_name = "FILE|DEVICE")]
        medium: PathBuf,
    },
    /// A whole ceremony on simulated tokens and drives, in this terminal; everything it made is listed and verified.
    Rehearse(Rehearse),
    /// Judges a ceremony's transcript: the facts that are proved, the facts that rest on a person's word, the gaps.
    #[command(
        after_help = "Exit code 0: anchored to its end. 1: refused. 2: the names are not those of the plan. 3: sound, and incomplete or not \
                          anchored."
    )]
    Verify(verify::Verify),
}

#[derive(Subcommand)]
enum TokenCommand {
    /// One line for each token.
    List(Where),
    /// Everything a token says of itself without a PIN.
    Inspect {
        #[command(flatten)]
        at: Where,
        /// The token with this serial number, where there are several.
        #[arg(long)]
        serial: Option<String>,
        /// As JSON.
        #[arg(long, conflicts_with = "arrival")]
        json: bool,
        /// Tests a new token: plugged in ten times, two thousand exchanges, as the factory left it, the vendor's
        /// certificates, its chip. Changes nothing; takes two minutes.
        #[arg(long)]
        arrival: bool,
    },
}

#[derive(Subcommand)]
enum PlanCommand {
    /// Refuses a plan with every reason, or prints its digest, its script, and which people together could do which
    /// acts.
    Check {
        /// The plan, TOML. Its names are in `names.toml` in the same folder.
        file: PathBuf,
        /// Judges a plan that was published without its names.
        #[arg(long)]
        without_names: bool,
    },
    /// Makes the files that a plan needs beside it.
    ///
    /// Reads `names.toml` in the plan's folder, a line an id: witness-1 = "Walter Witness". Draws 32 random bytes for
    /// every line that has none, and prints the lines of [names] for the plan.
    New {
        /// The plan for which names are made.
        #[arg(long, value_name = "PLAN")]
        names: PathBuf,
    },
}

#[derive(Subcommand)]
enum DriveCommand {
    /// Lists every stick, the lines of a plan for it, and the appliance's words about it. Changes nothing.
    List,
    /// Makes a stick one the appliance takes. Everything on it is lost; its serial and size are to be typed first.
    Prepare {
        /// The whole disk, as `conclave drive list` names it.
        #[arg(value_name = "DEVICE")]
        disk: PathBuf,
        /// Its name: 1 to 11 capital letters, digits, hyphens and low lines.
        #[arg(long, default_value = "CONCLAVE")]
        label: String,
    },
}

#[derive(Args)]
struct Where {
    /// Look at the simulated tokens kept in this folder instead of the USB ports.
    #[arg(long, value_name = "FOLDER")]
    simulated: Option<PathBuf>,
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let result = match cli.command {
        Command::Token(TokenCommand::List(at)) => inspect::list(at.simulated.as_deref()),
        Command::Token(TokenCommand::Inspect { at, serial, arrival: true, .. }) => {
            inspect::arrival(at.simulated.as_deref(), serial.as_deref())
        }
        Command::Token(TokenCommand::Inspect { at, serial, json, .. }) => {
            inspect::inspect(at.simulated.as_deref(), serial.as_deref(), json)
        }
        Command::Plan(PlanCommand::Check { file, without_names }) => plan::check(&file, without_names),
        Command::Plan(PlanCommand::New { names }) => names::new(&names),
        Command::Drive(DriveCommand::List) => drive::list(&drive::Roots::default(), &mut out()),
        Command::Drive(DriveCommand::Prepare { disk, label }) => {
            let (mut typed, mut out) = (io::stdin().lock(), out());
            drive::prepare(&drive::Roots::default(), &disk, &label, &mut typed, &mut out)
        }
        Command::Medium { medium } => medium::medium(&medium),
        Command::Rehearse(args) => return ended(NAME, args.here()),
        Command::Verify(args) => return ended(NAME, verify::judge(&args)),
    };
    ended(NAME, result.map(|()| ExitCode::SUCCESS))
}
