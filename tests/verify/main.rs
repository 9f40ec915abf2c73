//! The verdict on a transcript: of a whole ceremony, of a golden one, and of every way to change one.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod boots;
mod codes;
mod deleted;
mod every;
mod forged;
mod golden;
mod much;
mod mutants;
mod received;
mod rewritten;
mod rules;
mod troubled;
/// The names of variants and fields in the types of the record, as the crate's own tests collect them.
#[path = "../../src/ceremony/src/variants.rs"]
mod variants;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use conclave_ceremony::twin::twin;
use conclave_ceremony::verify::{Account, Given, Verdict, verify};
use conclave_publish::Digest;
use conclave_tests::ceremony::{Played, played};

fn named(findings: &[conclave_ceremony::verify::Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.name()).collect()
}

#[track_caller]
fn refused_by(account: &Account, rule: &str) {
    assert_eq!(account.verdict(), Verdict::Refused);
    assert!(named(&account.refused).contains(&rule), "{:?}", account.refused);
    every::refused_by(rule);
}

/// The record is sound, and a thing beside it is not.
#[track_caller]
fn differs_by(account: &Account, rule: &str) {
    assert_eq!(account.refused, []);
    assert!(named(&account.changed).contains(&rule), "{:?}", account.changed);
}

/// A ceremony's record, and the other files of its drives.
struct Left {
    transcript: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
}

/// Another ceremony of the golden plan.
static ANOTHER: LazyLock<Left> = LazyLock::new(|| {
    let Played { transcript, files, .. } = played(golden::PLAN, [7; 32], [3; 32], &Arc::default());
    Left { transcript, files }
});

#[test]
fn a_whole_ceremony_is_consistent_and_with_its_head_anchored() {
    let Left { transcript, files } = &*ANOTHER;
    let names = golden::names();
    let judge = |heads: &[Digest]| verify(Given { names: Some(&names), transcript, plan: golden::PLAN, files, heads });
    let account = judge(&[]);
    assert_eq!(account.refused, []);
    assert_eq!((account.verdict(), named(&account.missing)), (Verdict::ConsistentNotAnchored, vec!["heads"]));
    let account = judge(&[account.head.unwrap()]);
    assert_eq!((account.verdict(), account.missing), (Verdict::Anchored, vec![]));
}

#[test]
fn the_golden_transcript_verifies_for_ever() {
    if std::env::var_os("CONCLAVE_BLESS").is_some() {
        return golden::made_anew();
    }
    let transcript = golden::transcript();
    let (head, entries) = (transcript.head(), transcript.entries.len() as u64);
    assert_eq!(head.to_string(), include_str!("../golden/transcripts/v2/head.sha256").trim_end());
    let files = golden::files();
    let names = golden::names();
    let given = Given {
        names: Some(&names),
        transcript: golden::TRANSCRIPT,
        plan: golden::PLAN,
        files: &files,
        heads: &[head],
    };
    let account = verify(given);
    assert_eq!((&account.refused, account.verdict()), (&vec![], Verdict::Anchored));
    assert_eq!((account.entries, account.witnessed), (entries, Some(entries - 1)));
    // Everything before the last statement is fixed by the key itself, no matter which person kept the logs.
    assert_eq!(account.signed, Some(155));
    let proved = named(&account.proved);
    for rule in
        ["chain", "plan", "certificates", "proofs", "births", "profile", "statements", "sealed", "bundle", "names"]
    {
        assert!(proved.contains(&rule), "{rule}: {proved:?}");
    }
    for (rule, times) in
        [("certificates", 2), ("proofs", 3), ("births", 1), ("profile", 1), ("statements", 2), ("sealed", 4)]
    {
        assert_eq!(proved.iter().filter(|one| **one == rule).count(), times, "{rule}");
    }
}

#[test]
fn that_a_key_signed_is_proved_and_which_of_its_tokens_did_is_on_the_word_of_the_appliance() {
    let account = golden::judged(golden::TRANSCRIPT, &[]);
    let words = |findings: &[conclave_ceremony::verify::Finding]| -> Vec<String> {
        let statements = findings.iter().filter(|finding| finding.rule.name() == "statements");
        statements.map(|finding| finding.words.clone()).collect()
    };
    let tokens = ["token MASTER (DENK0000001)", "token BACKUP (DENK0000002)"];
    let proved = words(&account.proved);
    assert_eq!(proved.len(), tokens.len());
    for (words, token) in proved.iter().zip(tokens) {
        assert!(
            words.starts_with(&format!("key signing signed the statement that names {token}, over the head")),
            "{words}"
        );
    }
    assert_eq!(words(&account.reported), tokens.map(|token| format!("{token} made this signature with key signing")));
}

#[test]
fn a_head_anchors_up_to_its_entry_and_one_of_no_entry_fixes_nothing_and_refuses_nothing() {
    let heads = golden::transcript().heads;
    let account = golden::judged(golden::TRANSCRIPT, &[heads[101]]);
    assert_eq!((account.verdict(), account.witnessed), (Verdict::ConsistentNotAnchored, Some(101)));
    let account = golden::judged(golden::TRANSCRIPT, &[Digest::of(b"another")]);
    differs_by(&account, "heads");
    assert_eq!((account.verdict(), account.witnessed), (Verdict::ConsistentNotAnchored, None));
    // The last head is there, too: one of the two papers is of another record.
    let account = golden::judged(golden::TRANSCRIPT, &[*heads.last().unwrap(), Digest::of(b"another")]);
    differs_by(&account, "heads");
    assert_eq!(account.verdict(), Verdict::Disputed);
}

#[test]
fn each_file_beside_it_is_compared_and_none_of_them_refuses_the_record() {
    let transcript = golden::transcript();
    let plan = conclave_ceremony::plan::read(golden::PLAN).unwrap();
    let mut all = golden::files();
    all.insert("conclave.txt".to_owned(), twin(&plan, &transcript).into_bytes());
    let heads = [transcript.head()];
    let judge = |files: &BTreeMap<String, Vec<u8>>| {
        verify(Given { names: None, transcript: golden::TRANSCRIPT, plan: golden::PLAN, files, heads: &heads })
    };
    let account = judge(&all);
    assert_eq!((account.verdict(), account.changed.len(), account.foreign.len()), (Verdict::Anchored, 0, 0));
    assert!(account.refused.is_empty() && named(&account.proved).contains(&"text-twin"), "{:?}", account.refused);
    for (name, rule) in [
        ("conclave.txt", "text-twin"),
        ("names.toml", "sealed"),
        ("plan.toml", "beside"),
        ("conclave.cbor", "beside"),
        ("plan.sha256", "bundle"),
        ("manifest.txt", "bundle"),
        ("DENK0000001.chain.cvc", "bundle"),
        ("signing.crt.der", "bundle"),
        ("signing.crt.pem", "bundle"),
        ("signing.pkcs11.txt", "bundle"),
        ("signing.ssh.pub", "bundle"),
        ("signing.saml.xml", "bundle"),
        ("signing.DENK0000002.statement.sig", "bundle"),
        ("share-2.pbe", "sealed"),
        ("signing.wrap", "sealed"),
    ] {
        let mut files = all.clone();
        files.entry(name.to_owned()).or_insert_with(|| golden::TRANSCRIPT.to_vec())[40] ^= 1;
        let account = judge(&files);
        differs_by(&account, rule);
        assert_eq!(account.verdict(), Verdict::Disputed, "{name}");
        // The end of every line changed on the way: in a text that counts.
        let mut files = all.clone();
        if let Some(text) = files.get_mut(name).and_then(|bytes| String::from_utf8(std::mem::take(bytes)).ok()) {
            files.insert(name.to_owned(), text.replace('\n', "\r\n").into_bytes());
            differs_by(&judge(&files), rule);
        }
    }
    let mut files = all.clone();
    files.remove("signing.crt.der");
    let account = judge(&files);
    differs_by(&account, "bundle");
    assert!(account.changed[0].words.contains("signing.crt.der: it was published, and is missing"), "{account:?}");
    let mut files = all.clone();
    files.remove("plan.toml");
    assert!(judge(&files).changed[0].words.contains("plan.toml: it was published, and is missing"));
    // A form that this key does not have is no file of the record.
    let mut files = all.clone();
    files.insert("signing.dnskey".to_owned(), b"anything".to_vec());
    assert!(judge(&files).foreign[0].words.starts_with("signing.dnskey: "));
    // A file that no ceremony writes is named, and changes nothing.
    let mut files = all.clone();
    let foreign =
        ["._x.received.txt", ".DS_Store", "other.DENK0000002.received.txt", "signing.DENK0000009.statement.sig"];
    files.extend(foreign.map(|name| (name.to_owned(), b"anything".to_vec())));
    files.insert("conclave.cbor.torn1".to_owned(), vec![0xa8, 0x63]);
    let account = judge(&files);
    assert_eq!((account.verdict(), account.foreign.len()), (Verdict::Anchored, foreign.len()), "{:?}", account.foreign);
    for name in foreign {
        assert!(account.foreign.iter().any(|finding| finding.words.starts_with(&format!("{name}: "))), "{name}");
    }
}

#[test]
fn names_are_said_where_they_are_shown_and_ids_where_they_are_not() {
    let (names, files) = (golden::names(), BTreeMap::new());
    let judge = |names| {
        let given = Given { names, transcript: golden::TRANSCRIPT, plan: golden::PLAN, files: &files, heads: &[] };
        let Account { refused, proved, reported, attested, missing, .. } = verify(given);
        assert_eq!(refused, []);
        let all = [&proved, &reported, &attested, &missing].into_iter().flatten();
        (named(&missing).contains(&"names"), all.map(|finding| format!("{}\n", finding.words)).collect::<String>())
    };
    let (missing, said) = judge(None);
    assert!(missing && said.contains("witness attested"), "{said}");
    assert!(names.all().all(|(_, name)| !said.contains(name.as_str())), "{said}");
    let (missing, said) = judge(Some(&names));
    assert!(!missing && said.contains("witness (Walter Witness, Example Auditors) attested"), "{said}");
    for (id, name) in names.all() {
        assert!(said.contains(&format!("{id} is {name}: its line of names.toml has the digest")), "{said}");
    }
}

#[test]
fn another_plan_is_refused() {
    let files = BTreeMap::new();
    let judge =
        |plan: &[u8]| verify(Given { names: None, transcript: golden::TRANSCRIPT, plan, files: &files, heads: &[] });
    // Only a comment is longer.
    refused_by(&judge(&[b"#", golden::PLAN].concat()), "plan");
    refused_by(&judge(b""), "plan");
}

#[test]
fn a_text_in_place_of_the_record_is_called_a_text() {
    let files = BTreeMap::new();
    let judge = |transcript: &[u8]| {
        let account = verify(Given { names: None, transcript, plan: golden::PLAN, files: &files, heads: &[] });
        assert_eq!(named(&account.refused), ["chain"]);
        account.refused[0].words.clone()
    };
    assert_eq!(judge(golden::PLAN), "it is text, and no record: the record is the file conclave.cbor");
    // A record that is damaged from its first byte on is none.
    let damaged = [&[b'a', 0xff], &golden::TRANSCRIPT[2..]].concat();
    assert!(judge(&damaged).contains("not an entry"), "{}", judge(&damaged));
}
