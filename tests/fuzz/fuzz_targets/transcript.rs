//! Transcripts: each transcript that is read is written back to the same bytes, and a verifier comes to an end on
//! every one.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use conclave_ceremony::plan::{self, Plan};
use conclave_ceremony::transcript::{append, read};
use conclave_ceremony::twin::twin;
use conclave_ceremony::verify::{Given, verify};
use conclave_fuzz::{plain, target};

const PLAN: &[u8] = include_bytes!("../../golden/transcripts/v2/plan.toml");

static GOLDEN: LazyLock<Plan> = LazyLock::new(|| plan::read(PLAN).unwrap());

target!(|bytes: &[u8]| {
    let account = verify(Given { transcript: bytes, plan: PLAN, files: &BTreeMap::new(), heads: &[], names: None });
    let lists = [&account.refused, &account.proved, &account.reported, &account.attested, &account.missing];
    for finding in lists.into_iter().flatten() {
        plain(&finding.words);
    }
    let transcript = read(bytes)?;
    twin(&GOLDEN, &transcript).lines().for_each(plain);
    let written = transcript.entries.iter().flat_map(|entry| append(&entry.prev.into(), entry).unwrap().0);
    assert!(written.eq(bytes[..transcript.len].iter().copied()));
    assert_eq!(transcript.len + transcript.torn, bytes.len());
    assert!(account.witnessed.is_none());
    Ok(())
});
