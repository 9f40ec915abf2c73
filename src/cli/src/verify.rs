//! `conclave verify`: the verdict on a transcript, in words and as an exit code.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use conclave_ceremony::plan;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::transcript::TRANSCRIPT_LEN_MAX;
use conclave_ceremony::verify::{self, Account, Finding, Given, Verdict, verify};
use conclave_publish::{Digest, Kind, told};
use serde_json::{Value, json};

use crate::names;
use crate::said;

/// The name of the log on a log drive.
const RECORD: &str = "conclave.cbor";

/// Most files that are looked at beside the transcript.
const FILES_MAX: usize = 1024;

/// Most bytes of all of them. The text of the longest transcript is a few times as long as the transcript.
const FILES_LEN_MAX: usize = 64 << 20;

/// Exit code where a file cannot be read, or the names that were given are not those of the plan: nothing was judged.
const NOT_JUDGED: u8 = 2;

/// Exit code of a transcript that is sound as far as it goes, and not closed or not fixed to its end.
pub(crate) const NOT_ANCHORED: u8 = 3;

/// Exit code of a transcript that is anchored, and a person said no, or a file beside it is missing or changed.
const DISPUTED: u8 = 4;

/// Exit code of a sound transcript of another kind than was asked for.
const OTHER_KIND: u8 = 5;

/// The things to be verified.
#[derive(Debug, Args)]
pub struct Verify {
    /// The transcript: `conclave.cbor` of a log drive.
    pub(crate) transcript: PathBuf,
    /// The plan, as everybody agreed on it.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The names behind the plan's ids: `names.toml`. Without it people, organisations and places are called by their
    /// ids.
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
    /// A head that a witness wrote down: 64 hex digits, or the words. May be given more than once.
    #[arg(long = "head", value_name = "HEX|WORDS")]
    pub(crate) heads: Vec<Digest>,
    /// Files of the ceremony to judge with it: the public bundle, `names.toml`, `conclave.txt`, share files, key blobs,
    /// statements of `conclave-receive`.
    /// May be given more than once, as for several drives. Two files of one name must be equal.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) files: Vec<PathBuf>,
    /// A folder with the log of a drive that was lost and is found: its conclave.cbor is compared with the transcript. May be
    /// given more than once.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) also: Vec<PathBuf>,
    /// The kind of ceremony it must be the record of.
    #[arg(long, value_name = "KIND", value_enum, default_value_t = Expected::Production)]
    pub(crate) expect: Expected,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A kind of ceremony, as it is typed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Expected {
    /// One that counts.
    Production,
    /// One that was held with simulated tokens.
    Rehearsal,
}

impl From<Expected> for Kind {
    fn from(expected: Expected) -> Self {
        match expected {
            Expected::Production => Self::Production,
            Expected::Rehearsal => Self::Rehearsal,
        }
    }
}

impl Verify {
    /// The words behind the program's name that ask for this, in lines a shell joins.
    pub(crate) fn as_typed(&self) -> String {
        let heads = self.heads.iter().map(|head| format!("--head {head}"));
        let files = self.files.iter().map(|folder| format!("--files {}", folder.display()));
        let names = self.names.iter().map(|names| format!("--names {}", names.display()));
        let first = format!("verify {} --plan {}", self.transcript.display(), self.plan.display());
        let kind = format!("--expect {}", Kind::from(self.expect));
        let also = self.also.iter().map(|folder| format!("--also {}", folder.display()));
        [first, kind]
            .into_iter()
            .chain(names)
            .chain(heads)
            .chain(files)
            .chain(also)
            .collect::<Vec<_>>()
            .join(" \\\n    ")
    }
}

/// The files that were brought, as read.
struct Brought {
    transcript: Vec<u8>,
    plan: Vec<u8>,
    names: Option<Names>,
    files: BTreeMap<String, Vec<u8>>,
    also: Vec<Vec<u8>>,
}

impl Brought {
    fn read(args: &Verify) -> Result<Self, Box<dyn Error>> {
        let transcript = read(&args.transcript, TRANSCRIPT_LEN_MAX)?;
        let plan = read(&args.plan, plan::LEN_MAX)?;
        let mut files = BTreeMap::new();
        for path in &args.files {
            folder(path, &mut files)?;
        }
        let names = opened(args, &plan)?;
        let also =
            args.also.iter().map(|folder| read(&folder.join(RECORD), TRANSCRIPT_LEN_MAX)).collect::<Result<_, _>>()?;
        Ok(Self { transcript, plan, names, files, also })
    }
}

/// Judges a transcript and says so. Exit codes, asked in this order: 2: a file cannot be read, or the names are not
/// those of the plan, and nothing was judged; 1: refused; 5: sound, and of another kind than was asked for; 3: sound as
/// far as it goes, and incomplete or not anchored; 4: anchored, and a person said no, or a file beside it is missing or
/// changed; 0: anchored.
pub fn judge(args: &Verify) -> Result<ExitCode, Box<dyn Error>> {
    let Brought { transcript, plan, names, files, also } = match Brought::read(args) {
        Ok(brought) => brought,
        Err(error) => {
            // A failure here cannot be told to any person.
            let _ = said::err().write_all(told("conclave", error.as_ref()).as_bytes());
            return Ok(ExitCode::from(NOT_JUDGED));
        }
    };
    let mut account = verify(Given {
        names: names.as_ref(),
        transcript: &transcript,
        plan: &plan,
        files: &files,
        heads: &args.heads,
    });
    for log in &also {
        verify::also(&transcript, log, &mut account);
    }
    let text = if args.json { said::json(&as_json(&account))? } else { as_text(&account) };
    said::out().write_all(text.as_bytes())?;
    let expected = account.about.as_ref().is_some_and(|about| about.kind == args.expect.into());
    Ok(match account.verdict() {
        Verdict::Refused => ExitCode::FAILURE,
        _ if !expected => ExitCode::from(OTHER_KIND),
        Verdict::Anchored => ExitCode::SUCCESS,
        Verdict::Disputed => ExitCode::from(DISPUTED),
        Verdict::Incomplete | Verdict::ConsistentNotAnchored => ExitCode::from(NOT_ANCHORED),
    })
}

/// The names, if they were given and there is a plan to hold them against; that there is none is for the verifier to
/// say.
fn opened(args: &Verify, plan: &[u8]) -> Result<Option<Names>, Box<dyn Error>> {
    match (&args.names, plan::read(plan)) {
        (Some(path), Ok(plan)) => Ok(Some(names::of_file(path, &plan)?)),
        (None, _) | (_, Err(_)) => Ok(None),
    }
}

fn read(path: &Path, len_max: usize) -> Result<Vec<u8>, Box<dyn Error>> {
    let named = |error: io::Error| format!("{}: {error}", path.display());
    let mut bytes = Vec::new();
    // One byte more than may be: a file that is too long is told from one that is just as long.
    let limit = u64::try_from(len_max)?.saturating_add(1);
    File::open(path).map_err(named)?.take(limit).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() > len_max {
        return Err(format!("{}: more than {len_max} bytes: give the right file", path.display()).into());
    }
    Ok(bytes)
}

/// Adds every file of a folder, by name.
fn folder(path: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let named = |error: io::Error| format!("{}: {error}", path.display());
    for entry in fs::read_dir(path).map_err(named)? {
        let entry = entry.map_err(named)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !entry.file_type().map_err(named)?.is_file() {
            continue;
        }
        if files.len() == FILES_MAX {
            return Err(
                format!("{}: more than {FILES_MAX} files: give the folder of the ceremony", path.display()).into()
            );
        }
        let left = FILES_LEN_MAX.saturating_sub(files.values().map(Vec::len).sum());
        let bytes = read(&entry.path(), left).map_err(|error| {
            format!("{error}; all files beside a transcript have at most {FILES_LEN_MAX} bytes together")
        })?;
        if files.get(&name).is_some_and(|other| *other != bytes) {
            let path = entry.path();
            return Err(format!("{}: another folder holds this file with other contents", path.display()).into());
        }
        files.insert(name, bytes);
    }
    Ok(())
}

fn verdict(account: &Account) -> &'static str {
    match account.verdict() {
        Verdict::Refused => "REFUSED. Nothing in this transcript may be relied on.",
        Verdict::Incomplete => {
            "INCOMPLETE. It breaks no rule, but it has no last entry: what followed is not recorded, and never will be."
        }
        Verdict::ConsistentNotAnchored => {
            "CONSISTENT, NOT ANCHORED. Give the head that a witness wrote down (--head) to fix it to its end."
        }
        Verdict::Disputed => {
            "ANCHORED, WITH SOMETHING AGAINST IT. It is the record, to its last entry, whose head a witness wrote down; a person \
             said no, or a file beside it is missing or changed."
        }
        Verdict::Anchored => "ANCHORED. It is the record, to its last entry, whose head a witness wrote down.",
    }
}

fn lists(account: &Account) -> [(&'static str, &'static str, &[Finding]); 8] {
    [
        ("against", "People said against it", &account.against),
        ("changed", "Changed or missing beside it", &account.changed),
        ("foreign", "Files it does not speak of", &account.foreign),
        ("refused", "Broken rules", &account.refused),
        ("proved", "Proved, by mathematics from public roots", &account.proved),
        ("reported", "On the word of the appliance, worth as much as its medium's digest", &account.reported),
        ("attested", "On the word of people", &account.attested),
        ("missing", "Missing", &account.missing),
    ]
}

fn as_text(account: &Account) -> String {
    // Writing to a string does not fail.
    let mut text = String::new();
    if let Some(about) = &account.about {
        let kind = match about.kind {
            Kind::Production => "production",
            Kind::Rehearsal => "REHEARSAL",
        };
        let _ = writeln!(text, "{kind}: {:?}\n  plan   {}", about.title, about.plan);
        if let Some(script) = about.script {
            let _ = writeln!(text, "  script {script}");
        }
        for (role, people) in &about.people {
            let _ = writeln!(text, "  {role}: {}", people.join(", "));
        }
        for key in &about.keys {
            let _ = writeln!(text, "  {key}");
        }
        text.push('\n');
    }
    let _ = writeln!(text, "{}", verdict(account));
    if let Some(head) = account.head {
        let _ = writeln!(text, "{} entries, final head {head}\n  {}", account.entries, head.words());
    }
    let upto = |entry: Option<u64>| entry.map_or_else(|| "nothing".to_owned(), |entry| format!("entries 0 to {entry}"));
    let _ = writeln!(text, "Fixed by heads written down, against everybody: {}.", upto(account.witnessed));
    let _ = writeln!(
        text,
        "Fixed by the ceremony's own keys, against whoever cannot use these keys: {}.",
        upto(account.signed)
    );
    for (_, title, findings) in lists(account) {
        if findings.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{title}:");
        for Finding { rule, entry, words, .. } in findings {
            let entry = entry.map_or_else(String::new, |entry| format!(" entry {entry}"));
            let _ = writeln!(text, "  [{}]{entry} {words}", rule.name());
        }
    }
    text
}

/// Version of the shape below; a change that a reader would notice makes another.
const JSON_VERSION: u32 = 1;

fn as_json(account: &Account) -> Value {
    let mut value = json!({
        "version": JSON_VERSION,
        "about": account.about.as_ref().map(|about| json!({
            "kind": about.kind.to_string(),
            "title": about.title,
            "plan": about.plan.to_string(),
            "script": about.script.map(|script| script.to_string()),
            "people": about.people.iter().map(|(role, people)| ((*role).to_owned(), json!(people))).collect::<Value>(),
            "keys": about.keys,
        })),
        "verdict": match account.verdict() {
            Verdict::Refused => "refused",
            Verdict::Incomplete => "incomplete",
            Verdict::ConsistentNotAnchored => "consistent-not-anchored",
            Verdict::Disputed => "disputed",
            Verdict::Anchored => "anchored",
        },
        "entries": account.entries,
        "head": account.head.map(|head| head.to_string()),
        "witnessed_to_entry": account.witnessed,
        "signed_to_entry": account.signed,
    });
    let finding =
        |Finding { rule, entry, words, .. }: &Finding| json!({ "rule": rule.name(), "entry": entry, "words": words });
    if let Some(map) = value.as_object_mut() {
        for (name, _, findings) in lists(account) {
            map.insert(name.to_owned(), findings.iter().map(finding).collect());
        }
    }
    value
}
