//! The words while a plan is loaded.

use conclave_ceremony::plan::Refusal;

use crate::ceremony::intake::Stage;
use crate::ceremony::resume::NotResumed;
use crate::ceremony::written::Written;
use crate::preflight::Preflight;
use crate::preflight::challenge::Challenged;
use crate::shown::Serial;
use crate::wording::preflight as text;

/// The first thing asked.
pub const INSERT: &str = "plug in the drive with the plan, or a log drive; press Enter.";
/// The instruction after a refused plan.
pub const REFUSED: &str = "take the drive out, correct the plan elsewhere, press Enter.";
/// The digest is on the screen.
pub const COMPARE: &str = "compare with your own copy. Enter hides it and asks for parts of it.";
/// Over the digest of the script.
pub const SCRIPT: &str = "SHA-256 of its script, which the plan's check printed:";
/// The challenge was met.
pub const MET: &str = "the plan is the one you brought. Take its drive out, press Enter.";
/// The same, where the drive with the plan is a log drive.
pub const MET_AGAIN: &str = "the plan is the one you brought. Press Enter.";
/// A ceremony was interrupted.
pub const LOGS: &str = "plug in both log drives of this ceremony, then press Enter.";
/// The facts then.
pub const INTERRUPTED: &str =
    "This drive holds the record of a ceremony that was interrupted. Both records are compared.";

/// Before the head is asked for.
pub const WRITTEN: &str = "take the last head that you wrote down; then press Enter.";
/// The head was found, or there is none: the interruption is about to be recorded.
pub const GO_ON: &str = "compare; then press Enter: the ceremony goes on.";
/// A closed record was put in.
pub const CLOSED: &str =
    "This drive holds the record of a ceremony that is closed. Its final head is shown again; no entry can be added.";

/// The facts about the record, once both logs were read and the witness has answered.
pub fn written(written: &Written) -> Vec<String> {
    let logs = if written.alone { "The one log that came back is a" } else { "Both logs are one" };
    let entries = format!("{logs} record of {} entries.", written.entries());
    match (&written.challenged, written.entry()) {
        (Challenged::Met(_), Some(entry)) => {
            vec![entries, format!("Entry {entry} has the head that you wrote down: up to that entry nothing was changed.")]
        }
        (Challenged::Met(_), None) => vec![
            entries,
            "No head was written down. This is recorded: all entries so far rest on the word of the person who kept the logs."
                .into(),
        ],
        _ => vec![entries],
    }
}

/// Drives are plugged in, and none with a record that can be resumed.
pub const NO_RECORD: &str = "No drive with a record, its plan and its names is plugged in. Plug in both log drives. If \
                             the power failed before they held all three: Esc, then begin again with the plan's drive.";

/// The words of F1 while a plan comes in.
pub fn help() -> Vec<String> {
    [
        "Why: the plan says which steps, people, tokens and drives the ceremony has. A machine with another plan would hold \
         another ceremony. So the witness compares the digests of the plan and of its script with a copy that did not come from \
         this machine.",
        "",
        "How long: five minutes. Enter reads the one drive that is plugged in. Nothing is written to it.",
        "",
        "What can go wrong: the drive has no plan.toml or no names.toml; the plan breaks a rule; groups differ from the copy.",
        "",
        "Then: the screen names the file, or the rule with its line. Correct the plan elsewhere; do not go on with a plan whose \
         groups differ. Esc leads back to the devices.",
        "",
        "After an interruption: plug in a log drive in place of the plan's drive. Both logs are compared, and the witness types \
         six groups of the last head that was written down.",
    ]
    .map(str::to_owned)
    .into()
}

/// The keys that do something now.
pub fn keys(preflight: &Preflight, stage: &Stage) -> String {
    let own = match stage {
        Stage::Challenge(Challenged::Closed) => "Enter: begin the challenge  Esc: devices",
        Stage::Challenge(challenged) if challenged.hides_digest() => text::keys_of_challenge(challenged),
        Stage::Refused(_) => "Enter: go on  Up Down: scroll  Esc: back",
        Stage::Written(read) if read.written.challenged == Challenged::Source && read.written.differed => {
            "1 2: choose   Esc: back"
        }
        Stage::Written(read) if read.written.challenged.hides_digest() => {
            text::keys_of_challenge(&read.written.challenged)
        }
        Stage::Insert | Stage::Challenge(_) | Stage::Logs(_) | Stage::Written(_) => {
            "Enter: go on   Esc: to the devices"
        }
    };
    text::keys_with(preflight, own)
}

/// None, or more than one.
pub fn not_one_drive(found: usize) -> String {
    format!("{found} drives are plugged in; exactly one is read. Leave only the drive with the plan in, press Enter.")
}

/// A drive without a plan.
pub fn no_plan(serial: &Serial) -> String {
    format!("The drive with serial {serial} holds no file plan.toml. Take it out, plug in the drive with the plan.")
}

/// A drive with a plan and without the names behind its ids.
pub fn no_names(serial: &Serial) -> String {
    format!(
        "The drive with serial {serial} holds plan.toml but no names.toml, the file with the people and places behind the plan's \
         ids. Take the drive out, put names.toml beside the plan, plug the drive in again."
    )
}

/// The plan's drive is still in.
pub fn take_out(serial: &Serial) -> String {
    format!("Take out the drive with serial {serial}: the plan is in memory. Then press Enter.")
}

/// Why an interrupted ceremony cannot go on.
pub fn not_resumed(error: &NotResumed) -> String {
    match error {
        NotResumed::Plan(refusals) | NotResumed::Names(refusals) => refused(refusals).join(" "),
        NotResumed::Drive(why) => {
            format!("{}. Nothing was changed. Keep both log drives as they are.", why.trim_end_matches('.'))
        }
        error => {
            let why = text::capital(&error.to_string());
            format!("{}. Nothing was changed. Keep both log drives as they are.", why.trim_end_matches('.'))
        }
    }
}

/// The rules a plan or its names break, one line each.
pub fn refused(refusals: &[Refusal]) -> Vec<String> {
    refusals.iter().map(ToString::to_string).collect()
}
