//! A key that moved: a quorum opened its sealed copy, and the key was put into SoftHSM and received there.

use std::fs;
use std::path::Path;
use std::process::Command;

use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{require, run};
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::dkek::{Dkek, Passphrase};
use smartcard_hsm::secret::SecretBytes;
use smartcard_hsm_recover::{ClearKey, open};

use super::left::{Left, PLAN, SERIAL};
use super::{NAME, command};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// PKCS#8 of a P-256 key, up to its private scalar. Source: RFC 5208 §5, RFC 5915 §3.
const PKCS8_P256: &[u8] = b"\x30\x41\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\
    \x3d\x03\x01\x07\x04\x27\x30\x25\x02\x01\x01\x04\x20";

/// The private key as PKCS#8, from both shares and the blob.
fn opened(left: &Left) -> Vec<u8> {
    let share = |number: u8| {
        let words = &left.papers[&format!("passphrase of share {number}")];
        let passphrase = Passphrase::new(SecretBytes::copied_from(words.as_bytes())).unwrap();
        let sealed = SealedShare::parse(&left.files[&format!("share-{number}.pbe")]).unwrap();
        sealed.open(&passphrase, &*left.memo, &mut |_| ()).unwrap()
    };
    let dkek = Dkek::combine(&[&share(1), &share(2)]).unwrap();
    let wrapped = WrapFile::parse(&left.files["signing.wrap"]).unwrap();
    let ClearKey::Ec(key) = open(wrapped.blob.bytes(), &dkek).unwrap() else { panic!("a P-256 key") };
    [PKCS8_P256, key.private.expose()].concat()
}

struct Soft(Scratch);

impl Soft {
    /// A token that says it has this serial.
    fn of(serial: &str) -> Self {
        require("softhsm2", "/usr/bin/softhsm2-util");
        let soft = Self(Scratch::new());
        fs::create_dir(soft.0.file("tokens")).unwrap();
        fs::write(soft.0.file("conf"), format!("directories.tokendir = {}\n", soft.0.file("tokens").display()))
            .unwrap();
        soft.run(
            "softhsm2-util",
            &["--init-token", "--free", "--label", "new home", "--pin", "1234", "--so-pin", "1234"],
        );
        // SoftHSM draws serials; sixteen characters of this file are its own.
        let folder = fs::read_dir(soft.0.file("tokens")).unwrap().next().unwrap().unwrap().path();
        let mut token = fs::read(folder.join("token.object")).unwrap();
        let own = folder.file_name().unwrap().to_str().unwrap().replace('-', "")[16..].to_owned();
        let at = token.windows(16).position(|window| window == own.as_bytes()).expect("its serial");
        token[at..at + 16].copy_from_slice(format!("{serial:<16}").as_bytes());
        fs::write(folder.join("token.object"), token).unwrap();
        soft
    }

    fn run(&self, tool: &str, arguments: &[&str]) {
        let mut command = Command::new(tool);
        command.args(arguments).env("SOFTHSM2_CONF", self.0.file("conf")).current_dir(self.0.path());
        let ran = run(command, "");
        assert!(ran.zero, "{ran:?}");
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_key_that_moved_to_softhsm_is_received_there() {
    let left = Left::by(3);
    let soft = Soft::of(SERIAL);
    let file = |name: &str| soft.0.file(name);
    fs::write(file("conclave.cbor"), &left.transcript).unwrap();
    fs::write(file("plan.toml"), PLAN).unwrap();
    let receive = || {
        let mut command = command(MODULE, soft.0.path(), SERIAL);
        command.args(["--out", "."]).env("SOFTHSM2_CONF", file("conf"));
        run(command, "1234\n")
    };
    super::refused(&receive(), "expected one public key with this id on the token, found 0");

    fs::write(file("key.der"), opened(&left)).unwrap();
    let [der, pem] = ["key.der", "key.pem"].map(file);
    soft.run("openssl", &["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in", path(&der), "-out", path(&pem)]);
    let token = ["--token", "new home", "--pin", "1234", "--label", "signing", "--id", "01"];
    soft.run("softhsm2-util", &[&["--import", path(&pem)][..], &token].concat());
    super::refused(&receive(), "expected one certificate with this id on the token, found 0");

    fs::write(file("certificate"), &left.files["signing.crt.der"]).unwrap();
    let write = ["--module", MODULE, "--login", "--write-object", "certificate", "--type", "cert"];
    soft.run("pkcs11-tool", &[&write[..], &["--token-label", "new home", "--pin", "1234", "--id", "01"]].concat());
    receive().says("signing: public key and certificate are those of the transcript").says(NAME);
    assert!(file(&format!("{NAME}.sig")).exists());
    tokens_that_tell_badly(&soft);
}

/// The same token behind a module. The information of another token cannot be read there, and the information of this
/// token tells how many tries are left.
fn tokens_that_tell_badly(soft: &Soft) {
    let between = soft.0.file("between.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/receive/between.c");
    soft.run("cc", &["-shared", "-fPIC", "-Wall", "-Werror", "-o", path(&between), source, "-ldl"]);
    let receive = |flags: &str, folder: &str, typed: &str| {
        let mut command = command(path(&between), soft.0.path(), SERIAL);
        command.args(["--out", folder]).env("SOFTHSM2_CONF", soft.0.file("conf"));
        command.env("BETWEEN_MODULE", MODULE).env("BETWEEN_FLAGS", flags);
        run(command, typed)
    };
    let written = |folder: &str| soft.0.file(&format!("{folder}/{NAME}.sig")).exists();

    // The folder is made, the slot that cannot be read is named and passed over.
    let ran = receive("0", "new/folder", "1234\n");
    assert!(ran.zero && written("new/folder"), "{ran:?}");
    let (said, rest) = ran.err.split_once("passed over: slot ").expect("a slot is named");
    assert!(said.is_empty() && rest.contains(", whose token information cannot be read ("), "{ran:?}");
    let mut other = command(path(&between), soft.0.path(), "DENK0000001");
    other.args(["--out", "."]).env("SOFTHSM2_CONF", soft.0.file("conf")).env("BETWEEN_MODULE", MODULE);
    let ran = run(other, "1234\n");
    super::refused(&ran, "it shows DENK0000002, slot ");
    super::refused(&ran, "has the serial of that module, never one of the plan");

    let ran = receive("10000", "low", "1234\n");
    assert!(ran.zero && ran.err.contains("a wrong one was typed before") && written("low"), "{ran:?}");
    // Other modules leave COUNT_LOW beside FINAL_TRY; so it is the same with both.
    for flags in ["20000", "30000"] {
        let ran = receive(flags, flags, "1234\n");
        super::refused(&ran, "ONE TRY IS LEFT");
        super::refused(&ran, "was not spent: last was not typed");
        let ran = receive(flags, flags, "last\n1234\n");
        assert!(ran.zero && written(flags), "{ran:?}");
    }
    let ran = receive("40000", "locked", "1234\n");
    super::refused(&ran, "the PIN of DENK0000002 is locked: no PIN opens it, and none is asked for");
    assert!(!written("locked"));
}
