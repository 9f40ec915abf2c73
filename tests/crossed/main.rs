//! Our driver and OpenSC on the same tokens, each continuing the work of the other: keys, certificates, DKEK shares,
//! split passphrases and wrapped keys cross in both directions. Signatures are checked by openssl under public keys the
//! other side read.

mod keys;
mod shares;

use std::fs;

use conclave_sim::in_process::InProcess;
use conclave_tests::bench::{Bench, PIN, Shared};
use smartcard_hsm::cvc::Simulated;
use smartcard_hsm::dkek::{Passphrase, Share};
use smartcard_hsm::secret::{Pin, SO_PIN_PUBLISHED, Secret, SecretBytes};
use smartcard_hsm::session::{LastTry, Proven, Session, User};

/// A session of a token that proved genuine, with its user logged in.
type Driver = Session<InProcess<Shared>, Proven<Simulated>, User>;

fn pin() -> Pin {
    Pin::new(SecretBytes::copied_from(PIN.as_bytes())).unwrap()
}

/// The secret that opens a share file.
fn passphrase(words: &str) -> Passphrase {
    Passphrase::new(SecretBytes::copied_from(words.as_bytes())).unwrap()
}

fn share(byte: u8) -> Share {
    Share::new(Secret::filled(|share| *share = [byte; 32]))
}
