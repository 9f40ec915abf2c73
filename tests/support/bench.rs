//! Two simulated tokens in front of OpenSC.

use std::fs;
use std::sync::{Arc, Mutex};

use conclave_sim::card::profile::Profile;
use conclave_sim::card::{BirthSoPin, Card};
use conclave_sim::in_process::InProcess;
use conclave_sim::token::Token;
use conclave_sim::vpcd::Plugged;

use crate::card::{card, seed};
use crate::opensc::Readers;
use crate::tool::Ran;

/// The published SO-PIN.
pub const SO_PIN: &str = "3537363231383830";
/// The user PIN of every token here.
pub const PIN: &str = "648219";

const READERS: [&str; 2] = ["0", "1"];

/// A token that a test looks at while a reader drives it.
pub type Shared = Arc<Mutex<Token>>;

/// A pcscd with a token of today's firmware in reader 0 and one of older firmware in reader 1.
#[derive(Debug)]
pub struct Bench {
    /// The tokens by their readers.
    pub tokens: [Shared; 2],
    // Before the daemon: pulled out first.
    plugged: [Mutex<Option<Plugged>>; 2],
    /// The daemon and its directory.
    pub readers: Readers,
}

impl Bench {
    /// Starts the daemon and plugs both tokens in, as their factory made them.
    pub fn new() -> Self {
        let cards = [("DENK0100001", Profile::firmware_4_1()), ("DENK0100002", Profile::firmware_3_3())];
        Self::with(cards.map(|(serial, profile)| card(serial, profile, BirthSoPin::Unset, seed(serial))))
    }

    /// The same with cards of the test's own.
    pub fn with(cards: [Card; 2]) -> Self {
        let readers = Readers::start();
        let tokens = cards.map(|card| Arc::new(Mutex::new(Token::new(card))));
        let bench = Self { tokens, plugged: [Mutex::default(), Mutex::default()], readers };
        bench.plug(0);
        bench.plug(1);
        bench
    }

    fn plug(&self, reader: usize) {
        let plugged = self.readers.plug(reader as u16, self.tokens[reader].clone());
        *self.plugged[reader].lock().unwrap() = Some(plugged);
    }

    /// Takes a token out of its reader, has `work` drive it without any daemon, and plugs it in again.
    pub fn aside<V>(&self, reader: usize, work: impl FnOnce(InProcess<Shared>) -> V) -> V {
        let plugged = self.plugged[reader].lock().unwrap().take().expect("a token in its reader");
        self.readers.unplug(reader as u16, plugged);
        let result = work(InProcess::new(self.tokens[reader].clone()));
        self.plug(reader);
        result
    }

    /// Initialises the token in `reader`, labelled with the reader's number, for `shares` DKEK shares.
    #[track_caller]
    pub fn initialize(&self, reader: usize, shares: &str) {
        let label = format!("token {reader}");
        let orders = ["--initialize", "--so-pin", SO_PIN, "--pin", PIN, "--label", &label, "--dkek-shares", shares];
        self.sc_hsm_tool(reader, &orders);
        self.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 15").says("User PIN tries left  : 3");
        self.pkcs15_tool(reader, &["--dump"]).says(&format!("PKCS#15 Card [{label}]")).does_not_say("Private");
    }

    /// Runs `sc-hsm-tool`.
    pub fn sc_hsm_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("sc-hsm-tool", [&["--reader", READERS[reader]], args].concat())
    }

    /// Runs `sc-hsm-tool` with `input` typed into it.
    pub fn sc_hsm_tool_typing(&self, reader: usize, args: &[&str], input: &str) -> Ran {
        self.readers.run_with_input("sc-hsm-tool", [&["--reader", READERS[reader]], args].concat(), input)
    }

    /// Runs `pkcs15-tool`.
    pub fn pkcs15_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("pkcs15-tool", [&["--reader", READERS[reader]], args].concat())
    }

    /// Runs `pkcs11-tool`.
    pub fn pkcs11_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("pkcs11-tool", [&["--slot-index", READERS[reader]], args].concat())
    }

    /// Runs `pkcs11-tool` with the user logged in.
    pub fn pkcs11_tool_logged_in(&self, reader: usize, args: &[&str]) -> Ran {
        self.pkcs11_tool(reader, &[&["--login", "--pin", PIN], args].concat())
    }

    /// Generates a key pair labelled with its kind, and takes its public half from another tool, as a PEM file.
    #[track_caller]
    pub fn generate(&self, reader: usize, kind: &str, id: &str) -> String {
        let orders = ["--keypairgen", "--key-type", kind, "--id", id, "--label", kind];
        self.pkcs11_tool_logged_in(reader, &orders);
        self.pkcs15_tool(reader, &["--list-keys"]).says(kind);
        self.public_key(reader, id)
    }

    /// The public key of `id` as a PEM file of this bench.
    #[track_caller]
    pub fn public_key(&self, reader: usize, id: &str) -> String {
        let name = format!("{reader}-{id}.pem");
        let public = self.pkcs15_tool(reader, &["--read-public-key", id]);
        public.says("-----BEGIN PUBLIC KEY-----");
        fs::write(self.readers.file(&name), public.out).unwrap();
        name
    }

    /// Signs with key `id` and has openssl check the signature under `public`.
    #[track_caller]
    pub fn sign_and_check(&self, reader: usize, id: &str, mechanism: &str, public: &str) {
        fs::write(self.readers.file("message"), "what is signed").unwrap();
        let _ = fs::remove_file(self.readers.file("signature"));
        let what = ["--sign", "--id", id, "--mechanism", mechanism, "--signature-format", "openssl"];
        let files = ["--input-file", "message", "--output-file", "signature"];
        let ran = self.pkcs11_tool_logged_in(reader, &[&what[..], &files].concat());
        let signature = fs::read(self.readers.file("signature")).unwrap_or_else(|_| panic!("{ran:#?}"));
        let bits: String = mechanism.chars().filter(char::is_ascii_digit).collect();
        self.check(b"what is signed", &signature, &format!("-sha{bits}"), public);
    }

    /// Has openssl check a signature under a public key, and refuse it for another message.
    #[track_caller]
    pub fn check(&self, message: &[u8], signature: &[u8], hash: &str, public: &str) {
        fs::write(self.readers.file("signed"), message).unwrap();
        fs::write(self.readers.file("other"), [message, b"!"].concat()).unwrap();
        fs::write(self.readers.file("signature"), signature).unwrap();
        let verify = ["dgst", hash, "-verify", public, "-signature", "signature"];
        self.readers.openssl([&verify[..], &["signed"]].concat()).says("Verified OK");
        self.readers.openssl([&verify[..], &["other"]].concat()).does_not_say("Verified OK");
    }
}

impl Default for Bench {
    fn default() -> Self {
        Self::new()
    }
}
