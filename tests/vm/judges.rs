//! Strangers judge the files that a ceremony on the image left: `conclave verify`, openssl, and unmodified OpenSC with
//! the tokens in its own readers.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use conclave_ceremony::plan::{Holds, Plan};
use conclave_publish::Digest;
use conclave_sim::card::BirthSoPin;
use conclave_sim::card::profile::Profile;
use conclave_sim::token::Token;
use conclave_tests::bench::{PIN, SO_PIN};
use conclave_tests::card::card;
use conclave_tests::opensc::Readers;
use conclave_tests::scratch::Scratch;
use conclave_tests::tool::{Ran, openssl, run};
use conclave_tests::vm::stick;
use smartcard_hsm::command::KeySpec;

/// Slots of a fresh token that blobs are unwrapped into, counted from this one.
const REFERENCE: usize = 1;

/// The files and tokens that a ceremony left.
pub(crate) struct Left {
    pub(crate) plan: Plan,
    /// Every stick, by its serial.
    pub(crate) sticks: Scratch,
    pub(crate) tokens: BTreeMap<String, Arc<Mutex<Token>>>,
    /// The secrets that people wrote down.
    pub(crate) papers: BTreeMap<String, String>,
    /// The head on the last screen.
    pub(crate) head: Digest,
}

impl Left {
    /// Every file of every drive of a kind, in a folder of its own.
    fn files(&self, holds: impl Fn(Holds) -> bool) -> Scratch {
        let folder = Scratch::new();
        for drive in self.plan.drives.iter().filter(|drive| holds(drive.holds)) {
            stick::all(&self.sticks.file(drive.serial.as_str()), folder.path());
        }
        folder
    }

    fn paper(&self, of: &str) -> &str {
        self.papers.get(of).unwrap_or_else(|| panic!("a paper with the {of}"))
    }

    /// The mechanism in PKCS#11 with which each key signs.
    fn mechanisms(&self) -> impl Iterator<Item = (&str, String, &'static str)> {
        self.plan.keys.iter().map(|key| {
            let mechanism = match key.spec {
                KeySpec::Rsa(_) => "SHA256-RSA-PKCS",
                KeySpec::Ec(_) => "ECDSA-SHA256",
            };
            (key.label.as_str(), key.id.to_string(), mechanism)
        })
    }

    /// Anchored by the head a witness wrote down, to its last entry; not anchored by another.
    pub(crate) fn is_verified(&self) {
        let folder = self.files(|_| true);
        let verify = |head: &str| {
            let mut command = Command::new(env!("CARGO"));
            command.args(["run", "--quiet", "--locked", "--package", "conclave", "--", "verify"]);
            command.arg(folder.file("conclave.cbor")).arg("--plan").arg(folder.file("plan.toml"));
            command.args(["--expect", "rehearsal", "--head", head, "--files"]).arg(folder.path());
            run(command, "")
        };
        let ran = verify(&self.head.to_string());
        assert!(ran.zero, "{ran:#?}");
        ran.says("ANCHORED. It is the record, to its last entry").does_not_say("Broken rules");
        let ran = verify(&Digest::of(b"another").to_string());
        assert!(
            !ran.zero && ran.out.contains("CONSISTENT, NOT ANCHORED") && ran.out.contains("is of no entry"),
            "{ran:#?}"
        );
    }

    /// Certificates are signed by their own keys, statements by each token's, as `docs/verify-by-hand.md` checks it.
    pub(crate) fn openssl_agrees(&self) {
        let folder = self.files(|holds| holds == Holds::Public);
        let openssl = |args: &[&str]| openssl(folder.path(), args);
        for (label, ..) in self.mechanisms() {
            let (certificate, public) = (format!("{label}.crt.der"), format!("{label}.pub.pem"));
            let pem = openssl(&["x509", "-inform", "DER", "-in", &certificate]).out;
            fs::write(folder.file("certificate.pem"), pem).unwrap();
            let published = fs::read_to_string(folder.file(&public)).unwrap();
            assert_eq!(openssl(&["x509", "-in", "certificate.pem", "-noout", "-pubkey"]).out, published);
            openssl(&["x509", "-in", "certificate.pem", "-noout", "-subject"]).says("REHEARSAL");
            let itself = ["-check_ss_sig", "-CAfile", "certificate.pem", "certificate.pem"];
            openssl(&[&["verify", "-no_check_time"], &itself[..]].concat()).says("certificate.pem: OK");
            for serial in self.tokens.keys() {
                let [statement, signature] = ["txt", "sig"].map(|kind| format!("{label}.{serial}.statement.{kind}"));
                let verify = ["dgst", "-sha256", "-verify", &public, "-signature", &signature];
                openssl(&[&verify[..], &[&statement]].concat()).says("Verified OK");
                openssl(&[&verify[..], &["plan.sha256"]].concat()).does_not_say("Verified OK");
                let said = fs::read_to_string(folder.file(&statement)).unwrap();
                assert!(said.contains(&format!("\ntoken {serial}\n")), "{said}");
            }
        }
        let mut command = Command::new("sha256sum");
        command.args(["--check", "--strict", "manifest.txt"]).current_dir(folder.path());
        let ran = run(command, "");
        assert!(ran.zero, "{ran:#?}");
    }

    /// All tokens show the same to OpenSC but their serial numbers and labels, and sign with every key under their papers'
    /// PINs. A fresh token takes the written shares under their papers' passphrases and the written blobs, and signs, too.
    pub(crate) fn opensc_agrees(&self) {
        let readers = Readers::start();
        let public = self.files(|holds| holds == Holds::Public);
        let (mut dumps, mut values) = (Vec::new(), Vec::new());
        for token in &self.plan.tokens {
            let (serial, label) = (token.serial.as_str(), token.label.as_str());
            let plugged = readers.plug(0, Arc::clone(&self.tokens[serial]));
            let dump = tool(&readers, "pkcs15-tool", &["--dump"]);
            dump.says(serial).says(label);
            // The guid of a key is OpenSC's own: it hashes the token's serial number with the key's ID.
            let lines = dump.out.lines().filter(|line| !line.trim_start().starts_with("MD:guid"));
            dumps.push(lines.collect::<Vec<_>>().join("\n").replace(serial, "SERIAL").replace(label, "LABEL"));
            values.push(readers.key_check_value(0));
            let pin = self.paper(&format!("PIN of {}", token.name));
            self.signs(&readers, &public, pin);
            readers.unplug(0, plugged);
        }
        assert!(dumps.iter().all(|dump| *dump == dumps[0]), "{}", dumps.join("\n"));
        for (label, id, _) in self.mechanisms() {
            assert!(dumps[0].contains(label) && dumps[0].contains(&format!("ID             : {id}")), "{}", dumps[0]);
        }

        let sealed = self.files(|holds| matches!(holds, Holds::Share(_) | Holds::Blobs));
        let fresh = card("DENK0000009", Profile::firmware_4_1(), BirthSoPin::Unset, [9; 32]);
        let _fresh = readers.plug(0, Arc::new(Mutex::new(Token::new(fresh))));
        let shares = self.plan.shares.len();
        let initialise = ["--initialize", "--so-pin", SO_PIN, "--pin", PIN, "--label", "fresh", "--dkek-shares"];
        tool(&readers, "sc-hsm-tool", &[&initialise[..], &[&shares.to_string()]].concat());
        for share in 1..=shares {
            let file = path(sealed.file(&format!("share-{share}.pbe")));
            let passphrase = self.paper(&format!("passphrase of share {share}"));
            tool(&readers, "sc-hsm-tool", &["--import-dkek-share", &file, "--password", passphrase]);
        }
        values.push(readers.key_check_value(0));
        assert!(values.iter().all(|value| *value == values[0]), "one DKEK in all of them: {values:?}");
        for (reference, key) in (REFERENCE..).zip(&self.plan.keys) {
            let file = path(sealed.file(&format!("{}.wrap", key.label.as_str())));
            let reference = reference.to_string();
            tool(&readers, "sc-hsm-tool", &["--unwrap-key", &file, "--key-reference", &reference, "--pin", PIN]);
        }
        self.signs(&readers, &public, PIN);
    }

    /// The token in the reader signs with every key; openssl takes that under the published ones, and nothing else.
    fn signs(&self, readers: &Readers, public: &Scratch, pin: &str) {
        fs::write(readers.file("message"), "what is signed").unwrap();
        fs::write(readers.file("other"), "what is not").unwrap();
        for (label, id, mechanism) in self.mechanisms() {
            let _ = fs::remove_file(readers.file("signature"));
            let login = ["--slot-index", "0", "--login", "--pin", pin, "--sign", "--id", &id, "--mechanism", mechanism];
            let files = ["--signature-format", "openssl", "--input-file", "message", "--output-file", "signature"];
            let ran = readers.run("pkcs11-tool", [&login[..], &files].concat());
            assert!(readers.file("signature").exists(), "{label}: {ran:#?}");
            let key = path(public.file(&format!("{label}.pub.pem")));
            let verify = ["dgst", "-sha256", "-verify", &key, "-signature", "signature"];
            readers.openssl([&verify[..], &["message"]].concat()).says("Verified OK");
            readers.openssl([&verify[..], &["other"]].concat()).does_not_say("Verified OK");
        }
    }
}

fn tool(readers: &Readers, tool: &str, args: &[&str]) -> Ran {
    readers.run(tool, [&["--reader", "0"], args].concat())
}

fn path(file: PathBuf) -> String {
    file.display().to_string()
}
