//! The golden transcript of format 1: a rehearsal of one key on two tokens. It verifies for ever.
//!
//! While format 1 is open it is made anew by `conclave rehearse --plan tests/golden/transcripts/v1/plan.toml --folder F`: what its
//! drives hold, but `conclave.txt`, with the head that is its last line but one.

use std::collections::BTreeMap;
use std::path::Path;

use conclave_ceremony::entry::Head;
use conclave_ceremony::transcript::{Transcript, read};
use conclave_ceremony::verify::{Account, Given, verify};

pub(crate) const TRANSCRIPT: &[u8] = include_bytes!("../golden/transcripts/v1/conclave.cbor");
pub(crate) const PLAN: &[u8] = include_bytes!("../golden/transcripts/v1/plan.toml");

/// What lies beside it.
pub(crate) fn files() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/transcripts/v1");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()));
    named.filter(|(name, _)| name != "conclave.cbor").collect()
}

pub(crate) fn transcript() -> Transcript {
    read(TRANSCRIPT).unwrap()
}

/// Judged by the golden plan.
pub(crate) fn judged(transcript: &[u8], heads: &[Head]) -> Account {
    verify(Given { transcript, plan: PLAN, files: &BTreeMap::new(), heads })
}
