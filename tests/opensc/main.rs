//! The simulated token judged by Debian's OpenSC: unmodified `sc-hsm-tool`, `pkcs15-tool` and `pkcs11-tool` against tokens in
//! readers of a private pcscd, their signatures by openssl. What is asserted was read back, by another tool or from the card;
//! no exit code counts.

mod keys;
mod objects;
mod pins;
mod replicate;

use std::sync::{Arc, Mutex};

use conclave_sim::card::profile::Profile;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::token::Token;
use conclave_sim::vpcd::Plugged;
use conclave_tests::opensc::Readers;
use conclave_tests::tool::Ran;

const SO_PIN: &str = "3537363231383830";
const PIN: &str = "648219";

/// A pcscd with a token of today's firmware in reader 0 and one of older firmware in reader 1.
struct Bench {
    // Pulled out before the daemon goes.
    _plugged: [Plugged; 2],
    tokens: [Arc<Mutex<Token>>; 2],
    readers: Readers,
}

const READERS: [&str; 2] = ["0", "1"];

impl Bench {
    fn new() -> Self {
        let readers = Readers::start();
        let tokens = [("DENK0100001", Profile::firmware_4_1()), ("DENK0100002", Profile::firmware_3_3())]
            .map(|(serial, profile)| token(serial, profile));
        let plugged = [0, 1].map(|reader| readers.plug(reader, tokens[usize::from(reader)].clone()));
        Self { _plugged: plugged, tokens, readers }
    }

    /// Initialises the token in `reader`, labelled with the reader's number, for `shares` DKEK shares.
    fn initialize(&self, reader: usize, shares: &str) {
        let label = format!("token {reader}");
        let orders = ["--initialize", "--so-pin", SO_PIN, "--pin", PIN, "--label", &label, "--dkek-shares", shares];
        self.sc_hsm_tool(reader, &orders);
        self.sc_hsm_tool(reader, &[]).says("SO-PIN tries left    : 15").says("User PIN tries left  : 3");
        self.pkcs15_tool(reader, &["--dump"]).says(&format!("PKCS#15 Card [{label}]")).does_not_say("Private");
    }

    fn sc_hsm_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("sc-hsm-tool", [&["--reader", READERS[reader]], args].concat())
    }

    fn pkcs15_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("pkcs15-tool", [&["--reader", READERS[reader]], args].concat())
    }

    fn pkcs11_tool(&self, reader: usize, args: &[&str]) -> Ran {
        self.readers.run("pkcs11-tool", [&["--slot-index", READERS[reader]], args].concat())
    }

    fn pkcs11_tool_logged_in(&self, reader: usize, args: &[&str]) -> Ran {
        self.pkcs11_tool(reader, &[&["--login", "--pin", PIN], args].concat())
    }

    /// Generates a key pair and takes its public half from another tool, as a PEM file.
    #[track_caller]
    fn generate(&self, reader: usize, kind: &str, id: &str) -> String {
        let orders = ["--keypairgen", "--key-type", kind, "--id", id, "--label", kind];
        self.pkcs11_tool_logged_in(reader, &orders);
        self.pkcs15_tool(reader, &["--list-keys"]).says(kind);
        self.public_key(reader, id)
    }

    /// The public key of `id` as a PEM file of this bench.
    #[track_caller]
    fn public_key(&self, reader: usize, id: &str) -> String {
        let name = format!("{reader}-{id}.pem");
        let public = self.pkcs15_tool(reader, &["--read-public-key", id]);
        public.says("-----BEGIN PUBLIC KEY-----");
        std::fs::write(self.readers.file(&name), public.out).unwrap();
        name
    }

    /// Signs with key `id` and has openssl check the signature under `public`.
    #[track_caller]
    fn sign_and_check(&self, reader: usize, id: &str, mechanism: &str, public: &str) {
        std::fs::write(self.readers.file("message"), "what is signed").unwrap();
        let _ = std::fs::remove_file(self.readers.file("signature"));
        let files = ["--input-file", "message", "--output-file", "signature", "--signature-format", "openssl"];
        let ran = self
            .pkcs11_tool_logged_in(reader, &[&["--sign", "--id", id, "--mechanism", mechanism], &files[..]].concat());
        assert!(self.readers.file("signature").exists(), "{ran:#?}");
        let hash = format!("-sha{}", mechanism.chars().filter(char::is_ascii_digit).collect::<String>());
        self.readers
            .openssl(["dgst", &hash, "-verify", public, "-signature", "signature", "message"])
            .says("Verified OK");
        // A check that cannot fail would be none.
        std::fs::write(self.readers.file("message"), "what is not signed").unwrap();
        let other = self.readers.openssl(["dgst", &hash, "-verify", public, "-signature", "signature", "message"]);
        other.does_not_say("Verified OK");
    }
}

fn token(serial: &str, profile: Profile) -> Arc<Mutex<Token>> {
    let mut seed = [0; 32];
    seed[..serial.len()].copy_from_slice(serial.as_bytes());
    let birth = Birth {
        serial,
        profile,
        so_pin: BirthSoPin::Unset,
        random: Randomness::seeded(seed),
        rsa: RsaSource::Generated,
    };
    Arc::new(Mutex::new(Token::new(Card::new(birth).unwrap())))
}

#[test]
fn a_new_token_is_initialised_and_shown_as_what_it_is() {
    let bench = Bench::new();
    for (reader, version, serial) in [(0, "4.1", "DENK0100001"), (1, "3.3", "DENK0100002")] {
        bench
            .sc_hsm_tool(reader, &[])
            .says(&format!("Version              : {version}"))
            .says("never been initialized");
        bench.initialize(reader, "0");
        bench.sc_hsm_tool(reader, &[]).says("User PIN reset with SO-PIN enabled").says("DKEK key check value");
        bench.pkcs15_tool(reader, &["--dump"]).says(&format!("Serial number  : {serial}"));
    }
}
