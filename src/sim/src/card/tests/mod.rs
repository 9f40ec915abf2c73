//! The card by its commands, as hex: the protocol's tables explain the fields.

mod domains;
mod files;
mod initialize;
mod keys;
mod pins;
mod wrap;

use super::profile::Profile;
use super::random::Randomness;
use super::rsa::RsaSource;
use super::{Birth, BirthSoPin, Card};
use crate::icc::Icc;

pub(crate) const SELECT: &str = "00A404000BE82B0601040181C31F020100";
pub(crate) const VERIFY: &str = "0020008106363438323139";
pub(crate) const SO_PIN: &str = "3537363231383830";
/// Options 0001, PIN 648219, the published SO-PIN, 3 tries, two DKEK shares.
pub(crate) const INITIALIZE: &str = "805000001C8002000181063634383231398208353736323138383091010392 0102";

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// A token that was never initialised.
pub(crate) fn blank(profile: Profile) -> Card {
    let birth = Birth {
        serial: "DENK0100001",
        profile,
        so_pin: BirthSoPin::Unset,
        random: Randomness::seeded([1; 32]),
        rsa: RsaSource::Generated,
    };
    let mut card = Card::new(birth).unwrap();
    card.power_on();
    card
}

/// A token initialised for two shares, its applet selected, no user logged in.
pub(crate) fn initialized(profile: Profile) -> Card {
    let mut card = blank(profile);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, INITIALIZE, 0x9000);
    expect(&mut card, SELECT, 0x9000);
    card
}

/// The same, with the user logged in.
pub(crate) fn logged_in(profile: Profile) -> Card {
    let mut card = initialized(profile);
    expect(&mut card, VERIFY, 0x9000);
    card
}

/// Sends a command and compares the status word; returns the body.
#[track_caller]
pub(crate) fn expect(card: &mut impl Icc, command: &str, sw: u16) -> Vec<u8> {
    let mut response = card.transmit(&hex(command)).response;
    let found = response.split_off(response.len() - 2);
    assert_eq!(format!("{:02X}{:02X}", found[0], found[1]), format!("{sw:04X}"), "{command}");
    response
}

/// UPDATE BINARY of a whole short file.
pub(crate) fn write(fid: &str, content: &str) -> String {
    let len = hex(content).len();
    format!("00D7{fid}{:02X}5402000053{len:02X}{content}", 6 + len)
}

/// READ BINARY from `offset`, at most `len` bytes.
pub(crate) fn read(fid: &str, offset: u16, len: u8) -> String {
    format!("00B1{fid}045402{offset:04X}{len:02X}")
}
