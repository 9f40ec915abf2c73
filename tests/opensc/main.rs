//! The simulated token judged by Debian's OpenSC: unmodified `sc-hsm-tool`, `pkcs15-tool` and `pkcs11-tool` against tokens in
//! readers of a private pcscd. What is asserted was read back, by another tool or from the card; no exit code counts.

use std::sync::{Arc, Mutex};

use conclave_sim::card::profile::Profile;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::token::Token;
use conclave_tests::opensc::Readers;

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

const SO_PIN: &str = "3537363231383830";
const PIN: &str = "648219";

#[test]
fn a_new_token_is_initialised_and_shown_as_what_it_is() {
    let readers = Readers::start();
    let token = token("DENK0100001", Profile::firmware_4_1());
    let _plugged = readers.plug(0, token.clone());
    readers.run("sc-hsm-tool", ["-r", "0"]).says("Version              : 4.1").says("has never been initialized");
    let new = ["-r", "0", "--initialize", "--so-pin", SO_PIN, "--pin", PIN, "--label", "Alpha"];
    readers.run("sc-hsm-tool", new);
    readers
        .run("sc-hsm-tool", ["-r", "0"])
        .says("User PIN reset with SO-PIN enabled")
        .says("SO-PIN tries left    : 15")
        .says("User PIN tries left  : 3")
        .does_not_say("DKEK");
    let listed = readers.run("pkcs15-tool", ["-r", "0", "--dump"]);
    listed.says("PKCS#15 Card [Alpha]").says("Serial number  : DENK0100001").does_not_say("Private");
}
