//! Tokens of a finished ceremony, received through Debian's OpenSC: the right one, another, one of another ceremony, one
//! with another certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod left;
mod softhsm;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use conclave_ceremony::verify::{Account, Given, Verdict, verify};
use conclave_publish::{PublicKey, Statement};
use conclave_sim::icc::Icc;
use conclave_sim::token::Token;
use conclave_tests::ceremony::chained;
use conclave_tests::opensc::Readers;
use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{Ran, run};

use left::{Left, PLAN, SERIAL};

const MODULE: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
/// The name of the files about its key, without the endings.
const NAME: &str = "signing.DENK0000002.received";

/// Runs it in a folder that holds `conclave.cbor` and `plan.toml`.
fn command(module: &str, folder: &Path, serial: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-receive"));
    command.args(["--module", module, "--transcript", "conclave.cbor", "--plan", "plan.toml", "--token", serial]);
    command.current_dir(folder).stdin(Stdio::piped());
    command
}

fn receive(readers: &Readers, serial: &str, pin: &str) -> Ran {
    let mut command = command(MODULE, readers.path(), serial);
    command.args(["--out", "."]);
    command.env("PCSCLITE_CSOCK_NAME", readers.file("socket/pcscd.comm")).env("HOME", readers.path());
    run(command, &format!("{pin}\n"))
}

/// Refused with these words, and without a word on standard output.
#[track_caller]
fn refused(ran: &Ran, words: &str) {
    assert!(!ran.zero && ran.err.contains(words), "expected {words:?} in {ran:?}");
}

#[test]
fn a_token_is_received_once_and_impostors_are_not() {
    let (ours, other) = (Left::by(1), Left::by(2));
    let readers = Readers::start();
    fs::write(readers.file("conclave.cbor"), &ours.transcript).unwrap();
    fs::write(readers.file("plan.toml"), PLAN).unwrap();

    // The same serial, keys of another ceremony: found out before a PIN is asked for.
    let plugged = readers.plug(0, Arc::new(Mutex::new(other.token)));
    let ran = receive(&readers, SERIAL, ours.pin());
    refused(&ran, "another key under the same id");
    assert!(!ran.err.contains("PIN of"), "{ran:?}");
    readers.unplug(0, plugged);

    // Another certificate for the right key: found out before a PIN is asked for, too.
    let swapped = with_another_certificate(ours.token.clone(), ours.pin());
    let plugged = readers.plug(0, Arc::new(Mutex::new(swapped)));
    let ran = receive(&readers, SERIAL, ours.pin());
    refused(&ran, "another certificate");
    assert!(!ran.err.contains("PIN of"), "{ran:?}");
    readers.unplug(0, plugged);

    let plugged = readers.plug(0, Arc::new(Mutex::new(ours.token.clone())));
    refused(
        &receive(&readers, "DENK0000001", ours.pin()),
        "no token DENK0000001 behind this module; it shows DENK0000002",
    );
    refused(
        &receive(&readers, "DENK0000009", ours.pin()),
        "the plan has no token DENK0000009; it has DENK0000001, DENK0000002",
    );
    // Three tries, of which two are spent; OpenSC tells of the last one by FINAL_TRY alone.
    let ran = receive(&readers, SERIAL, "000000");
    refused(&ran, "Fewer tries than at first are left");
    assert!(ran.err.contains("logging in") && !ran.err.contains("a wrong one was typed before"), "{ran:?}");
    let ran = receive(&readers, SERIAL, "000000");
    refused(&ran, "a wrong one was typed before");
    refused(&ran, "ONE TRY IS LEFT: look the PIN up");
    let ran = receive(&readers, SERIAL, ours.pin());
    refused(&ran, "the last try of DENK0000002 was not spent: last was not typed");
    assert!(!ran.err.contains("PIN of DENK0000002: \n"), "{ran:?}");
    receive(&readers, SERIAL, &format!("last\n{}", ours.pin()))
        .says("signing: public key and certificate are those of the transcript")
        .says("signing: it signed that it was received: signing.DENK0000002.received.txt and signing.DENK0000002.received.sig");

    let text = fs::read(readers.file(&format!("{NAME}.txt"))).unwrap();
    let statement = Statement::parse(&text).unwrap();
    assert_eq!((statement.purpose.as_str(), statement.token.as_str()), ("received", "DENK0000002"));
    let head = conclave_ceremony::transcript::read(&ours.transcript).unwrap().head();
    assert_eq!(statement.head, head);
    // openssl alone says so, too.
    let wanted = ["--read-object", "--type", "pubkey", "--id", "01", "--output-file", "key.der"];
    readers.run("pkcs11-tool", [&["--module", MODULE][..], &wanted].concat());
    let key = PublicKey::from_spki_der(&fs::read(readers.file("key.der")).unwrap()).unwrap();
    assert_eq!(statement.key, key.digest());
    let check = ["dgst", "-sha256", "-verify", "key.der", "-keyform", "DER", "-signature"];
    readers.openssl([&check[..], &[&format!("{NAME}.sig"), &format!("{NAME}.txt")]].concat()).says("Verified OK");

    addendum(&readers, &ours);

    // The written files are not written over.
    refused(&receive(&readers, SERIAL, ours.pin()), "is there already: name another folder with --out");
    readers.unplug(0, plugged);
}

/// A token does not sign over a head that may not be the last, or that no ceremony had.
#[test]
fn nothing_is_received_from_a_transcript_that_is_not_closed_or_refused() {
    const GENUINE: &[u8] = include_bytes!("../../../../tests/golden/transcripts/v2/conclave.cbor");
    let scratch = Scratch::new();
    let received = |transcript: &[u8], plan: &[u8]| {
        fs::write(scratch.file("conclave.cbor"), transcript).unwrap();
        fs::write(scratch.file("plan.toml"), plan).unwrap();
        let mut command = command("no-such-module.so", scratch.path(), SERIAL);
        command.args(["--out", "."]);
        run(command, "")
    };
    let plan = include_bytes!("../../../../tests/golden/transcripts/v2/plan.toml");
    refused(&received(GENUINE, plan), "no-such-module.so");
    // Where nothing can be written down, not even the module is asked.
    let mut nowhere = command("no-such-module.so", scratch.path(), SERIAL);
    nowhere.args(["--out", "plan.toml/received"]);
    refused(&run(nowhere, ""), "--out plan.toml/received: ");

    let entries = conclave_ceremony::transcript::read(GENUINE).unwrap().entries;
    // The first of the two people who close it agreed; then the second did not.
    for len in [20, entries.len() - 1] {
        refused(&received(&chained(entries[..len].iter().cloned()), plan), "the transcript was never closed");
    }
    refused(&received(&GENUINE[..GENUINE.len() - 1], plan), "ends in half an entry");
    let mut fewer = entries;
    fewer.remove(100);
    refused(&received(&chained(fewer), plan), "the transcript is refused, rule ");
    refused(&received(GENUINE, include_bytes!("../../../../docs/plans/safire/plan.toml")), "bring that plan");
}

/// `conclave verify` reads the written files: only they fix the record to its end.
fn addendum(readers: &Readers, ours: &Left) {
    let file = |name: String| (name.clone(), fs::read(readers.file(&name)).unwrap());
    let all: BTreeMap<_, _> = ["txt", "sig"].map(|end| file(format!("{NAME}.{end}"))).into();
    let judge = |files: &BTreeMap<String, Vec<u8>>| {
        verify(Given { names: None, transcript: &ours.transcript, plan: PLAN, files, heads: &[] })
    };
    let by_rule = |findings: &[conclave_ceremony::verify::Finding]| {
        findings.iter().filter(|finding| finding.rule.name() == "received").count()
    };
    let without = judge(&BTreeMap::new());
    assert!(without.signed.unwrap() + 1 < without.entries);
    let account = judge(&all);
    assert_eq!((by_rule(&account.proved), by_rule(&account.refused)), (1, 0), "{account:?}");
    // The record shows that it was this token and no other copy only on the word of the person who received it.
    assert_eq!(by_rule(&account.attested), 1, "{account:?}");
    assert_eq!((account.signed, account.verdict()), (Some(account.entries - 1), Verdict::ConsistentNotAnchored));

    let differs = |account: Account| account.refused.is_empty() && by_rule(&account.changed) == 1;
    let changed = |end: &str, at: usize| {
        let mut files = all.clone();
        files.get_mut(&format!("{NAME}.{end}")).unwrap()[at] ^= 1;
        judge(&files)
    };
    assert!(differs(changed("txt", 40)) && differs(changed("sig", 20)));
    let mut files = all.clone();
    files.remove(&format!("{NAME}.sig"));
    assert!(differs(judge(&files)), "only the statement is there");
    files = all.clone();
    files.insert("other.DENK0000002.received.txt".into(), all[&format!("{NAME}.txt")].clone());
    let account = judge(&files);
    assert!(account.changed.is_empty() && account.foreign.len() == 1, "no such key: {account:?}");
    // Over another head than the last: it was not received after the ceremony.
    let whole = conclave_ceremony::transcript::read(&ours.transcript).unwrap();
    let shorter = chained(whole.entries[..whole.entries.len() - 1].iter().cloned());
    let account = verify(Given { names: None, transcript: &shorter, plan: PLAN, files: &all, heads: &[] });
    assert!(differs(account), "it was never closed");
}

/// The token after a person with its PIN changed one bit of its certificate's signature.
fn with_another_certificate(mut token: Token, pin: &str) -> Token {
    const SELECT: &[u8] = b"\x00\xa4\x04\x00\x0b\xe8\x2b\x06\x01\x04\x01\x81\xc3\x1f\x02\x01\x00";
    // EF CE01: the certificate of key 1. READ and UPDATE BINARY by offset, in extended form.
    const READ: &[u8] = b"\x00\xb1\xce\x01\x00\x00\x04\x54\x02\x00\x00\x00\x00";
    let verify = [&[0, 0x20, 0, 0x81, pin.len() as u8], pin.as_bytes()].concat();
    token.power_on();
    let mut ask = |apdu: &[u8]| {
        let response = token.transmit(apdu).response;
        let (data, status) = response.split_at(response.len() - 2);
        // Reading to the end says that it was reached.
        assert!([[0x90, 0], [0x62, 0x82]].map(|good| status == good).contains(&true), "{apdu:02x?}: {status:02x?}");
        data.to_vec()
    };
    ask(SELECT);
    ask(&verify);
    let certificate = ask(READ);
    let (last, byte) = (certificate.len() as u16 - 1, certificate.last().unwrap() ^ 1);
    let offset = last.to_be_bytes();
    ask(&[&[0, 0xd7, 0xce, 1, 7, 0x54, 2][..], &offset, &[0x53, 1, byte]].concat());
    token.power_off();
    token
}
