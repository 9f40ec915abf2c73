//! What a rehearsal leaves: every drive, every token, listed and verified.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use conclave_ceremony::plan::{Holds, Plan};

use conclave_publish::{Digest, FileName, Item, Manifest};
use conclave_sim::card::Card;
use conclave_sim::state::Kept;
use smartcard_hsm::session::Session;

use crate::report::report;
use crate::tokens::{self, EXTENSION};
use crate::verify::{Verify, judge};

/// Folder of the tokens.
const TOKENS: &str = "tokens";
/// The plan beside the drives.
const PLAN: &str = "plan.toml";
/// The list of all of it.
const LIST: &str = "made.sha256";
/// How this program is called from the tree it was built in.
const PROGRAM: &str = "cargo run -q -p conclave --";
/// The record on a log drive.
const TRANSCRIPT: &str = "conclave.cbor";

/// What is there when the machine is off.
pub struct Left {
    /// The files of every drive of the plan, in its order.
    pub drives: Vec<BTreeMap<FileName, Vec<u8>>>,
    /// Every token.
    ///
    /// Secret: their keys and PINs, which are worth nothing.
    pub tokens: Vec<Card>,
    /// The last screen of the ceremony: the witnesses write down the head at its edge.
    pub screen: Vec<String>,
}

/// The head of the record, as it stands at the edge of a screen.
pub fn head(screen: &[String]) -> Option<Digest> {
    screen.iter().rev().find_map(|row| row.trim().parse().ok())
}

/// Puts everything into the folder, lists it, and verifies the record as a stranger would. The exit code is the verifier's.
pub(super) fn keep(left: &Left, bytes: &[u8], plan: &Plan, folder: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let head = head(&left.screen).ok_or("no ceremony began: there is nothing to list and nothing to verify")?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join(PLAN), bytes)?;
    let mut out = io::stdout().lock();
    writeln!(out, "\nThe machine is off. Everything it made lies in {}:", folder.display())?;
    let (mut items, mut folders) = (Vec::new(), Vec::new());
    for ((number, drive), files) in (1..).zip(&plan.drives).zip(&left.drives) {
        writeln!(out, "\ndrive {}, serial {}", drive.name, drive.serial)?;
        let inside = inside(number, drive.name.as_str());
        fs::create_dir(folder.join(&inside))?;
        for (name, bytes) in files {
            let name = FileName::new(format!("{inside}/{}", name.as_str()).as_bytes())?;
            let path = folder.join(name.as_str());
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, bytes)?;
            let item = Item { name, size: bytes.len() as u64, digest: Digest::of(bytes) };
            writeln!(out, "  {}  {} bytes\n    {}", item.name.as_str(), item.size, item.digest)?;
            items.push(item);
        }
        folders.push((drive.holds, inside));
    }
    list_tokens(left, plan, folder, &mut out)?;
    fs::write(folder.join(LIST), Manifest::new(items)?.to_text())?;
    let log = folders.iter().find(|(holds, _)| *holds == Holds::Transcript).ok_or("the plan has no log drive")?;
    let args = Verify {
        transcript: folder.join(&log.1).join(TRANSCRIPT),
        plan: folder.join(PLAN),
        heads: vec![head],
        files: folders.iter().map(|(_, inside)| folder.join(inside)).collect(),
        json: false,
    };
    writeln!(out, "\nThe sums once more:\n  (cd {} && sha256sum -c {LIST})", folder.display())?;
    writeln!(out, "\nNow the record is verified, as a stranger would, with the head the last screen showed:")?;
    writeln!(out, "  {PROGRAM} {}\n", args.as_typed())?;
    let code = judge(&args)?;
    let verdict = if code == ExitCode::SUCCESS {
        "Rehearsed, and the record verifies to its end"
    } else {
        "Rehearsed, and THE RECORD DOES NOT VERIFY to its end: the report above says why"
    };
    writeln!(out, "\n{verdict}. Everything lies in {}.", folder.display())?;
    Ok(code)
}

/// What the folder of a drive is called: as the room calls the drive, if a file system can.
fn inside(number: usize, name: &str) -> String {
    let plain = FileName::new(name.as_bytes()).is_ok() && !name.contains('/') && name != TOKENS;
    if plain { name.to_owned() } else { format!("drive-{number}") }
}

fn list_tokens(left: &Left, plan: &Plan, folder: &Path, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let inside = folder.join(TOKENS);
    fs::create_dir(&inside)?;
    for (planned, card) in plan.tokens.iter().zip(&left.tokens) {
        let serial = planned.serial.as_str();
        let path = inside.join(format!("{serial}.{EXTENSION}"));
        let link = tokens::simulated(Kept::create(&path, card.clone())?)?;
        let atr = link.atr();
        let said = report(&path.display().to_string(), serial, atr, &mut Session::open(link)?)?;
        writeln!(out, "\ntoken {}, serial {serial}, keys: {}", planned.name, said.keys.len())?;
        for domain in &said.key_domains {
            writeln!(out, "  {domain}")?;
        }
        for key in said.keys {
            let described = match key.description {
                Some(Ok(described)) => {
                    format!("{} \"{}\", id {}", described.kind, described.label.unwrap_or_default(), described.id)
                }
                Some(Err(error)) => format!("description cannot be read: {error}"),
                None => "without description".into(),
            };
            writeln!(out, "  key {}  {described}\n         certificate: {}", key.reference, key.certificate)?;
        }
    }
    let first = plan.tokens.first().map_or("", |token| token.serial.as_str());
    writeln!(out, "\nMore of a token:\n  {PROGRAM} token inspect --simulated {} --serial {first}", inside.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_from_the_edge_of_the_screen_and_from_nowhere_else() {
        let digest = Digest::of(b"abc");
        let groups = digest.groups().map(|group| group.to_string()).join(" ");
        let screen = [format!("  {}", Digest::of(b"")), format!(" {groups} "), "F10".into()];
        assert_eq!(head(&screen), Some(digest));
        assert_eq!(head(&["F10".into()]), None);
    }

    #[test]
    fn a_drive_whose_name_no_folder_can_have_is_called_by_its_number() {
        for (name, folder) in
            [("LOG-A", "LOG-A"), ("LOG A", "drive-3"), ("..", "drive-3"), ("a/b", "drive-3"), ("tokens", "drive-3")]
        {
            assert_eq!(inside(3, name), folder);
        }
    }
}
