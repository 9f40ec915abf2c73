//! The driver's side of the wire against the simulated reader and card: T=1, CCID, and everything that can happen to a
//! token between two bytes.
//!
//! Both sides were written from the standards by different hands; unmodified libccid judges the simulated one elsewhere.

mod faults;
mod levels;
mod many;
mod tamper;
mod unplug;

use std::sync::{Arc, Mutex};

use conclave_sim::ccid_device::{CcidDevice, Profile};
use conclave_sim::icc::{Answer, Icc, Wire};
use conclave_sim::in_process::InMemory;
use smartcard_hsm::apdu::{Apdu, ReplyLen};
use smartcard_hsm::ccid;
use smartcard_hsm::channel::{Channel, ChannelError, Patience};
use smartcard_hsm::link::CcidLink;
use smartcard_hsm::port::BulkPort;

/// Both kinds of token.
pub const PROFILES: [Profile; 2] = [Profile::Tpdu { interface: 1 }, Profile::Apdu];

/// ATR of a Nitrokey HSM 2, firmware 4.1.
const ATR: [u8; 24] = [
    0x3b, 0xde, 0x96, 0xff, 0x81, 0x91, 0xfe, 0x1f, 0xc3, 0x80, 0x31, 0x81, 0x54, 0x48, 0x53, 0x4d, 0x31, 0x73, 0x80,
    0x21, 0x40, 0x81, 0x07, 0x92,
];

/// A card that writes down each command, and answers by a rule everybody knows.
#[derive(Debug, Default)]
pub struct Scribe {
    /// Distinguishes the answers of this card.
    pub salt: u8,
    /// How the answers travel, in order; then all of them as they should.
    pub wires: Vec<Wire>,
    /// Every command that reached it.
    pub commands: Vec<Vec<u8>>,
}

/// A card in a token, and at the same time in our hands.
pub type Shared = Arc<Mutex<Scribe>>;

impl Icc for Scribe {
    fn power_on(&mut self) -> Vec<u8> {
        ATR.to_vec()
    }

    fn power_off(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Answer {
        let wire = if self.wires.is_empty() { Wire::Clean } else { self.wires.remove(0) };
        self.commands.push(command.to_vec());
        let response = [answer_to(self.salt, command), vec![0x90, 0x00]].concat();
        Answer { response, wire }
    }
}

/// P1 P2 bytes that depend on every byte of the command.
fn answer_to(salt: u8, command: &[u8]) -> Vec<u8> {
    let sum = command.iter().fold(salt, |sum, byte| sum.rotate_left(1) ^ byte);
    let len = usize::from(u16::from_be_bytes([command[2], command[3]]));
    (0..len).map(|at| sum.wrapping_add(at as u8)).collect()
}

/// A card with answers that travel like this.
pub fn card(wires: &[Wire]) -> Shared {
    Arc::new(Mutex::new(Scribe { wires: wires.to_vec(), ..Scribe::default() }))
}

/// The endpoints of a token with this card in it.
pub fn port(card: &Shared, profile: Profile) -> InMemory<Shared> {
    InMemory::new(CcidDevice::new(card.clone(), profile, "DENK0100001"))
}

/// The device that the driver reads from the token's descriptors.
pub fn descriptor(profile: Profile) -> ccid::Descriptor {
    ccid::descriptor(&profile.descriptors("DENK0100001").configuration).unwrap()
}

/// A link to a token with this card in it.
pub fn link(card: &Shared, profile: Profile) -> CcidLink<InMemory<Shared>> {
    CcidLink::open(port(card, profile), descriptor(profile)).unwrap()
}

/// A command with `command_len` body bytes that asks for `reply_len`; `mark` makes it unlike others.
pub fn command(mark: u8, command_len: usize, reply_len: u16) -> Apdu {
    let [high, low] = reply_len.to_be_bytes();
    Apdu::new([0x80, mark, high, low]).body(&vec![mark; command_len]).reply(ReplyLen::EXTENDED)
}

/// Exchanges a command; the answer is checked byte for byte.
#[track_caller]
pub fn exchange<P: BulkPort>(link: &mut CcidLink<P>, salt: u8, command: &Apdu) -> Result<(), ChannelError> {
    let reply = link.exchange(command, Patience::Ordinary)?;
    assert_eq!(reply.sw.0, 0x9000);
    assert_eq!(reply.body(), answer_to(salt, &command.to_bytes().unwrap()), "an answer that nobody gave");
    Ok(())
}

/// How often the card was told this command.
pub fn times_told(card: &Shared, command: &Apdu) -> usize {
    let bytes = command.to_bytes().unwrap();
    card.lock().unwrap().commands.iter().filter(|told| told.as_slice() == bytes.as_slice()).count()
}
