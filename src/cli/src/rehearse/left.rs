//! The results of a rehearsal: every drive, every token, listed and verified.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use conclave_ceremony::plan::{Holds, Plan};
use conclave_publish::{Digest, FileName, Item, Manifest};
use conclave_sim::card::Card;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::state::Kept;
use conclave_sim::world::robot;
use smartcard_hsm::session::Session;

use super::Rehearsal;
use super::folder::LIST;
use super::unfinished::{UNFINISHED, Unfinished};
use crate::names;
use crate::random;
use crate::report::report;
use crate::said;
use crate::tokens::{self, EXTENSION};
use crate::verify::{Expected, Verify, judge};

/// Folder of the tokens.
const TOKENS: &str = "tokens";
/// The plan beside the drives.
pub(super) const PLAN: &str = "plan.toml";
/// The names behind its ids.
const NAMES: &str = names::FILE;
/// The record on a log drive.
const TRANSCRIPT: &str = "conclave.cbor";
/// Exit code of a rehearsal that was ended by Ctrl-C: the code that shells give to a program ended by SIGINT.
pub(super) const STOPPED: u8 = 130;

/// The files of a drive.
pub type Files = BTreeMap<FileName, Vec<u8>>;

/// A file of a drive: its line in the list, and its bytes.
type Listed<'a> = (Item, &'a [u8]);

/// The state when the machine is off.
pub struct Left {
    /// The files of every drive of the plan, in its order.
    pub drives: Vec<Files>,
    /// Every token.
    ///
    /// Secret: their keys and PINs, which are worth nothing.
    pub tokens: Vec<Card>,
    /// The last screen of the ceremony: the witnesses write down the head at its edge.
    pub screen: Vec<String>,
    /// It can be taken up where it stands.
    pub stands: Option<Stands>,
}

/// A ceremony that is not closed.
pub struct Stands {
    /// Why nothing more happened, in words.
    pub(super) why: String,
    /// Exit code.
    pub(super) code: u8,
    /// The facts with which it is taken up again.
    pub(super) unfinished: Unfinished,
}

/// Where a token lies in the folder.
pub(super) fn token_file(folder: &Path, serial: &str) -> PathBuf {
    folder.join(TOKENS).join(format!("{serial}.{EXTENSION}"))
}

impl Left {
    /// Whether a log drive of the plan has a record: only then there is something to keep.
    fn record(&self, plan: &Plan) -> bool {
        let logs = plan.drives.iter().zip(&self.drives).filter(|(drive, _)| drive.holds == Holds::Transcript);
        logs.into_iter().any(|(_, files)| files.keys().any(|name| name.as_str() == TRANSCRIPT))
    }

    /// Every file of every drive, as the folder names it.
    fn items(&self, plan: &Plan) -> Result<Vec<Listed<'_>>, Box<dyn Error>> {
        let mut items = Vec::new();
        for ((number, drive), files) in (1..).zip(&plan.drives).zip(&self.drives) {
            for (name, bytes) in files {
                let name = format!("{}/{}", inside(number, drive.name.as_str()), name.as_str());
                let name = FileName::new(name.as_bytes())?;
                items.push((Item { name, size: bytes.len() as u64, digest: Digest::of(bytes) }, bytes.as_slice()));
            }
        }
        Ok(items)
    }

    /// Writes everything into a new folder, its list first.
    fn write(&self, rehearsal: &Rehearsal, items: &[Listed<'_>], list: &str, folder: &Path) -> io::Result<()> {
        let Rehearsal { plan, bytes, names, .. } = rehearsal;
        fs::write(folder.join(LIST), list)?;
        fs::write(folder.join(PLAN), bytes)?;
        fs::write(folder.join(NAMES), names.bytes())?;
        for (number, drive) in (1..).zip(&plan.drives) {
            fs::create_dir(folder.join(inside(number, drive.name.as_str())))?;
        }
        for (item, bytes) in items {
            let path = folder.join(item.name.as_str());
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, bytes)?;
        }
        fs::create_dir(folder.join(TOKENS))?;
        for (planned, card) in plan.tokens.iter().zip(&self.tokens) {
            let path = token_file(folder, planned.serial.as_str());
            Kept::create(&path, card.clone()).map_err(io::Error::other)?;
        }
        if let Some(stands) = &self.stands {
            fs::write(folder.join(UNFINISHED), stands.unfinished.to_text())?;
        }
        Ok(())
    }
}

/// Puts everything into the folder. A closed ceremony is listed and verified as a stranger would verify it. A ceremony
/// that stands is not, and the command that takes it up is printed. The exit code is the verifier's, or says that it
/// stands.
pub(super) fn keep(left: &Left, rehearsal: &Rehearsal) -> Result<ExitCode, Box<dyn Error>> {
    let plan = &rehearsal.plan;
    if !left.record(plan) {
        writeln!(
            said::err(),
            "conclave: no ceremony began, so there is nothing to keep; what was there before is there still"
        )?;
        return Ok(ExitCode::from(left.stands.as_ref().map_or(1, |stands| stands.code)));
    }
    let items = left.items(plan)?;
    let list = Manifest::new(items.iter().map(|(item, _)| item.clone()).collect())?.to_text();
    let before = rehearsal.folder.fill(|folder| left.write(rehearsal, &items, &list, folder))?;
    let folder = rehearsal.folder.path();
    let mut out = said::out();
    if let Some(stands) = &left.stands {
        writeln!(out, "\n{}\nEverything is kept in {}; this takes it up again:", stands.why, folder.display())?;
        let hands = if rehearsal.hands { " --hands" } else { "" };
        writeln!(out, "  {} rehearse --resume{hands} --folder {}", rehearsal.program, folder.display())?;
        tell_before(before.as_deref(), &mut out)?;
        return Ok(ExitCode::from(stands.code));
    }
    writeln!(out, "\nThe machine is off. Everything it made lies in {}:", folder.display())?;
    for (number, drive) in (1..).zip(&plan.drives) {
        writeln!(out, "\ndrive {}, serial {}", drive.name, drive.serial)?;
        let of = format!("{}/", inside(number, drive.name.as_str()));
        for (item, _) in items.iter().filter(|(item, _)| item.name.as_str().starts_with(&of)) {
            writeln!(out, "  {}  {} bytes\n    {}", item.name.as_str(), item.size, item.digest)?;
        }
    }
    list_tokens(rehearsal, &mut out)?;
    let code = verified(left, rehearsal, &mut out)?;
    let verdict = if code == ExitCode::SUCCESS {
        "Rehearsed, and the record verifies to its end"
    } else {
        "Rehearsed, and THE RECORD DOES NOT VERIFY to its end: the report above says why"
    };
    writeln!(out)?;
    tell_before(before.as_deref(), &mut out)?;
    writeln!(out, "{verdict}. Everything lies in {}.", folder.display())?;
    Ok(code)
}

fn tell_before(before: Option<&Path>, out: &mut impl Write) -> io::Result<()> {
    match before {
        Some(before) => writeln!(out, "What lay there before is kept in {}.", before.display()),
        None => Ok(()),
    }
}

/// The name of a drive's folder: the room's name of the drive, if a file system can hold it.
pub(super) fn inside(number: usize, name: &str) -> String {
    let taken = [TOKENS, LIST, PLAN, NAMES, UNFINISHED].contains(&name);
    let plain = FileName::new(name.as_bytes()).is_ok() && !name.contains('/') && !taken;
    if plain { name.to_owned() } else { format!("drive-{number}") }
}

/// Verifies the record with the head the last screen showed, and says how.
fn verified(left: &Left, rehearsal: &Rehearsal, out: &mut impl Write) -> Result<ExitCode, Box<dyn Error>> {
    let Rehearsal { plan, program, .. } = rehearsal;
    let folder = rehearsal.folder.path();
    let named = || (1..).zip(&plan.drives).map(|(number, drive)| (drive.holds, inside(number, drive.name.as_str())));
    let log = named().find(|(holds, _)| *holds == Holds::Transcript).ok_or("the plan has no log drive")?;
    let args = Verify {
        transcript: folder.join(log.1).join(TRANSCRIPT),
        plan: folder.join(PLAN),
        names: Some(folder.join(NAMES)),
        heads: vec![robot::edge(&left.screen).ok_or("the last screen showed no head")?],
        files: named().map(|(_, inside)| folder.join(inside)).collect(),
        also: Vec::new(),
        expect: Expected::Rehearsal,
        json: false,
    };
    writeln!(out, "\nThe sums once more:\n  (cd {} && sha256sum -c {LIST})", folder.display())?;
    writeln!(out, "\nNow the record is verified, as a stranger would, with the head the last screen showed:")?;
    writeln!(out, "  {program} {}\n", args.as_typed())?;
    judge(&args)
}

fn list_tokens(rehearsal: &Rehearsal, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let Rehearsal { plan, program, .. } = rehearsal;
    let folder = rehearsal.folder.path();
    for planned in &plan.tokens {
        let serial = planned.serial.as_str();
        let path = token_file(folder, serial);
        let kept = Kept::open(&path, Randomness::seeded(random::bytes()?), RsaSource::Generated)?;
        let link = tokens::simulated(kept)?;
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
    let inside = folder.join(TOKENS);
    writeln!(out, "\nMore of a token:\n  {program} token inspect --simulated {} --serial {first}", inside.display())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_is_read_from_the_edge_of_the_screen_and_from_nowhere_else() {
        let digest = Digest::of(b"abc");
        let groups = digest.groups().map(|group| group.to_string());
        let (first, second) = groups.split_at(groups.len() / 2);
        let row = |words: &str, from, groups: &[String], to| format!(" {words}   {from}  {}  {to} ", groups.join(" "));
        let (first, second) = (row("Head of 1054 entries.", 1, first, 8), row("It fixes", 9, second, 16));
        let screen = [format!("  {}", Digest::of(b"")), first, second, "F10".into()];
        assert_eq!(robot::edge(&screen), Some(digest));
        assert_eq!(robot::edge(&[screen[0].clone(), screen[2].clone(), "F10".into()]), None);
    }

    #[test]
    fn a_drive_whose_name_no_folder_can_have_is_called_by_its_number() {
        for (name, folder) in [
            ("LOG-A", "LOG-A"),
            ("LOG A", "drive-3"),
            ("..", "drive-3"),
            ("a/b", "drive-3"),
            ("tokens", "drive-3"),
            ("made.sha256", "drive-3"),
        ] {
            assert_eq!(inside(3, name), folder);
        }
    }
}
