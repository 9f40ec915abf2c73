//! Readers at the machine's USB ports, and the tokens in them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use conclave_sim::card::profile::Profile as Firmware41;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::token::Token;

use crate::scratch::Scratch;

/// The reader inside a Nitrokey HSM.
pub const TPDU: Profile = Profile::Tpdu { interface: 0 };

/// The socket of a USB port.
pub fn socket(scratch: &Scratch, port: &str) -> PathBuf {
    scratch.file(&format!("port{port}"))
}

/// A token as its factory made it.
pub fn token(serial: &str) -> Arc<Mutex<Token>> {
    let mut seed = [0; 32];
    seed[..serial.len()].copy_from_slice(serial.as_bytes());
    let birth = Birth {
        serial,
        profile: Firmware41::firmware_4_1(),
        so_pin: BirthSoPin::Published,
        random: Randomness::seeded(seed),
        rsa: RsaSource::Premade(Vec::new()),
    };
    Arc::new(Mutex::new(Token::new(Card::new(birth).unwrap())))
}

/// A reader with this token in it; a Nitrokey's names the token, with the sequence of its certificate cut off at 15.
pub fn reader(token: &Arc<Mutex<Token>>, serial: &str, profile: Profile) -> CcidDevice<Arc<Mutex<Token>>> {
    let usb_serial = if profile == Profile::Apdu { "53311".into() } else { format!("{serial}0000") };
    CcidDevice::new(Arc::clone(token), profile, &usb_serial)
}
