//! Readers at the machine's USB ports, and the tokens in them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use conclave_sim::card::BirthSoPin;
use conclave_sim::card::profile::Profile as Firmware;
use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::token::Token;

use crate::card::{card, seed};
use crate::scratch::Scratch;

/// The reader inside a Nitrokey HSM.
pub const TPDU: Profile = Profile::Tpdu { interface: 0 };

/// The socket of a USB port.
pub fn socket(scratch: &Scratch, port: &str) -> PathBuf {
    scratch.file(&format!("port{port}"))
}

/// A token as its factory made it.
pub fn token(serial: &str) -> Arc<Mutex<Token>> {
    let card = card(serial, Firmware::firmware_4_1(), BirthSoPin::Published, seed(serial));
    Arc::new(Mutex::new(Token::new(card)))
}

/// A reader with this token in it; a Nitrokey's names the token, with the sequence of its certificate cut off at 15.
pub fn reader(token: &Arc<Mutex<Token>>, serial: &str, profile: Profile) -> CcidDevice<Arc<Mutex<Token>>> {
    let usb_serial = if profile == Profile::Apdu { "53311".into() } else { format!("{serial}0000") };
    CcidDevice::new(Arc::clone(token), profile, &usb_serial)
}
