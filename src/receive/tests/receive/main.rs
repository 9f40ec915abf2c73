//! Tokens of a finished ceremony, received through Debian's OpenSC: the right one, another, one of another ceremony, one
//! with another certificate.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan;
use conclave_publish::{PublicKey, Statement};
use conclave_room::ceremony::begin::Begun;
use conclave_room::ports::Machine;
use conclave_sim::memo::Memo;
use conclave_sim::token::Token;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, start};
use conclave_tests::opensc::Readers;
use conclave_tests::tool::{Ran, run};

const PLAN: &[u8] = include_bytes!("../../../docs/plans/minimal.toml");
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";

/// What a ceremony left: its transcript, its second token, that token's user PIN.
struct Left {
    transcript: Vec<u8>,
    token: Token,
    pin: String,
}

fn ceremony(seed: u8) -> Left {
    let planned = plan::read(PLAN).unwrap();
    let world = World::new([seed; 32], STARTED, Arc::new(Memo::default()));
    let mut stage = Stage::of(&planned, world, [seed + 100; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(PLAN, start(), &mut stage.world).unwrap() else {
        panic!("the example is a rehearsal")
    };
    let mut robot = Robot::new(&planned);
    assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Closed);
    let place = stage.place(TokenId(1)).unwrap();
    let token = stage.world.tokens().token(place, |token| token.clone()).unwrap();
    let pin = robot.papers()["PIN of BACKUP"].clone();
    Left { transcript: ceremony.transcript().to_vec(), token, pin }
}

fn receive(readers: &Readers, serial: &str, pin: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave-receive"));
    command.args(["--module", MODULE, "--transcript", "conclave.cbor", "--plan", "plan.toml", "--token", serial]);
    command.args(["--out", "."]).current_dir(readers.path()).stdin(Stdio::piped());
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
    let (ours, other) = (ceremony(1), ceremony(2));
    let readers = Readers::start();
    fs::write(readers.file("conclave.cbor"), &ours.transcript).unwrap();
    fs::write(readers.file("plan.toml"), PLAN).unwrap();

    // The same serial, keys of another ceremony: found out before a PIN is asked for.
    let plugged = readers.plug(0, Arc::new(Mutex::new(other.token)));
    let ran = receive(&readers, "DENK0000002", &ours.pin);
    refused(&ran, "another key under the same id");
    assert!(!ran.err.contains("PIN of"), "{ran:?}");
    readers.unplug(0, plugged);

    let plugged = readers.plug(0, Arc::new(Mutex::new(ours.token)));
    refused(
        &receive(&readers, "DENK0000001", &ours.pin),
        "no token DENK0000001 behind this module; it shows DENK0000002",
    );
    refused(
        &receive(&readers, "DENK0000009", &ours.pin),
        "the plan has no token DENK0000009; it has DENK0000001, DENK0000002",
    );
    refused(&receive(&readers, "DENK0000002", "000000"), "logging in");
    receive(&readers, "DENK0000002", &ours.pin)
        .says("signing: public key and certificate are those of the transcript")
        .says("signing: it signed that it was received: received-DENK0000002-01.statement and .signature");

    let text = fs::read(readers.file("received-DENK0000002-01.statement")).unwrap();
    let statement = Statement::parse(&text).unwrap();
    assert_eq!((statement.purpose.as_str(), statement.token.as_str()), ("received", "DENK0000002"));
    let head = conclave_ceremony::transcript::read(&ours.transcript).unwrap().head();
    assert_eq!(statement.head, head);
    // openssl alone says so, too.
    let wanted = ["--read-object", "--type", "pubkey", "--id", "01", "--output-file", "key.der"];
    readers.run("pkcs11-tool", [&["--module", MODULE][..], &wanted].concat());
    let key = PublicKey::from_spki_der(&fs::read(readers.file("key.der")).unwrap()).unwrap();
    assert_eq!(statement.key, key.digest());
    let name = "received-DENK0000002-01";
    let check = ["dgst", "-sha256", "-verify", "key.der", "-keyform", "DER", "-signature"];
    readers
        .openssl([&check[..], &[&format!("{name}.signature"), &format!("{name}.statement")]].concat())
        .says("Verified OK");

    // What was written down is not written over.
    refused(&receive(&readers, "DENK0000002", &ours.pin), "File exists");

    // A transcript that was never closed, or another plan's.
    let whole = conclave_ceremony::transcript::read(&ours.transcript).unwrap();
    let mut shorter = Vec::new();
    for entry in &whole.entries[..20] {
        let (bytes, _) = conclave_ceremony::transcript::append(&entry.prev.into(), entry).unwrap();
        shorter.extend(bytes);
    }
    fs::write(readers.file("conclave.cbor"), shorter).unwrap();
    refused(&receive(&readers, "DENK0000002", &ours.pin), "the transcript was never closed");
    fs::write(readers.file("conclave.cbor"), &ours.transcript[..ours.transcript.len() - 1]).unwrap();
    refused(&receive(&readers, "DENK0000002", &ours.pin), "ends in half an entry");
    fs::write(readers.file("conclave.cbor"), &ours.transcript).unwrap();
    fs::write(readers.file("plan.toml"), include_bytes!("../../../docs/plans/safire.toml")).unwrap();
    refused(&receive(&readers, "DENK0000002", &ours.pin), "bring that plan");
    readers.unplug(0, plugged);
}
