//! The golden transcript of format 2: a rehearsal of one key on two tokens. It verifies for ever.
//!
//! While format 2 is open, `CONCLAVE_BLESS=1 cargo test -p conclave-tests --test verify golden_transcript` makes it
//! again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use conclave_ceremony::entry::Head;
use conclave_ceremony::plan;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::transcript::{Transcript, read};
use conclave_ceremony::verify::{Account, Given, verify};
use conclave_console::civil::Wall;
use conclave_tests::ceremony::{Played, STARTED, played_at};

pub(crate) const TRANSCRIPT: &[u8] = include_bytes!("../golden/transcripts/v2/conclave.cbor");
pub(crate) const PLAN: &[u8] = include_bytes!("../golden/transcripts/v2/plan.toml");

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/transcripts/v2")
}

/// Plays the golden plan and keeps its record and the files beside it; the tests must be built again then.
pub(crate) fn made_anew() {
    // At another minute than the tests' own ceremonies, so that no entry is one of theirs.
    let started = Wall(STARTED.0 + 61);
    let Played { transcript, files, .. } = played_at(started, PLAN, ([5; 32], [6; 32]), &Arc::default());
    let head = read(&transcript).unwrap().head();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder().join(name), bytes).unwrap();
    write("conclave.cbor", &transcript);
    write("head.sha256", format!("{head}\n").as_bytes());
    files.iter().filter(|(name, _)| *name != "conclave.txt").for_each(|(name, bytes)| write(name, bytes));
}

/// The files beside it.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()));
    named.filter(|(name, _)| !["conclave.cbor", "head.sha256"].contains(&name.as_str())).collect()
}

pub(crate) fn transcript() -> Transcript {
    read(TRANSCRIPT).unwrap()
}

/// The names behind the ids of its plan.
pub(crate) fn names() -> Names {
    let names = include_bytes!("../golden/transcripts/v2/names.toml");
    Names::read(names, &plan::read(PLAN).unwrap()).unwrap()
}

/// Judged by the golden plan.
pub(crate) fn judged(transcript: &[u8], heads: &[Head]) -> Account {
    verify(Given { names: None, transcript, plan: PLAN, files: &BTreeMap::new(), heads })
}
