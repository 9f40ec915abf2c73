//! Transcripts: what is read is written back to the same bytes, and a verifier comes to an end whatever it says, in words that
//! show as themselves.
#![no_main]

use std::collections::BTreeMap;

use conclave_ceremony::transcript::{append, read};
use conclave_ceremony::verify::{Given, verify};
use conclave_publish::is_plain;
use libfuzzer_sys::fuzz_target;

const PLAN: &[u8] = include_bytes!("../../golden/transcripts/v1/plan.toml");

fuzz_target!(|bytes: &[u8]| {
    let account = verify(Given { transcript: bytes, plan: PLAN, files: &BTreeMap::new(), heads: &[] });
    let lists = [&account.refused, &account.proved, &account.reported, &account.attested, &account.missing];
    for finding in lists.into_iter().flatten() {
        assert!(finding.words.chars().all(is_plain), "{finding:?}");
    }
    if let Ok(transcript) = read(bytes) {
        let written = transcript.entries.iter().flat_map(|entry| append(&entry.prev.into(), entry).unwrap().0);
        assert!(written.eq(bytes[..transcript.len].iter().copied()));
        assert_eq!(transcript.len + transcript.torn, bytes.len());
        assert!(account.witnessed.is_none());
    }
});
