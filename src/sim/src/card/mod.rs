//! The applet: files, access rules, counters, keys.
//!
//! A card is its memory, the state that it forgets without power, and a source of randomness. It never looks at a clock
//! and never fails of itself; faults are the business of [`crate::fault`].

mod aes;
mod chip;
mod domains;
mod ec;
mod files;
mod generate;
mod initialize;
mod issuer;
mod keys;
pub(crate) mod memory;
mod pins;
pub mod profile;
pub mod random;
mod request;
pub mod rsa;
mod sign;
mod sw;
mod wrap;

use std::fmt;

use smartcard_hsm::apdu::{Apdu, ReplyLen, StatusWord};
use smartcard_hsm::secret::SO_PIN_PUBLISHED;
use thiserror::Error;

use self::memory::{Device, Memory, Reference, Store};
use self::profile::Profile;
use self::random::Randomness;
use self::rsa::RsaSource;
use crate::icc::{Answer, Icc, Wire};

/// The applet's identifier.
const AID: [u8; 11] = [0xe8, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x02, 0x01];

/// Tries of the SO-PIN.
const SO_TRIES_MAX: u8 = 15;

/// A SmartCard-HSM. Cloning it forks its memory, its session and its randomness.
#[derive(Clone)]
pub struct Card {
    store: Store,
    session: Session,
    random: Randomness,
    rsa: RsaSource,
}

/// The state that power-off ends.
#[derive(Clone, Default)]
struct Session {
    selected: bool,
    current_file: Option<u16>,
    user: bool,
    officer: bool,
    /// The protocol was chosen, the answer not given yet.
    chip_authentication: bool,
}

/// The facts with which a token is made.
pub struct Birth<'a> {
    /// The serial number printed on it: two letters of country, then letters and digits; 8 to 11 characters.
    pub serial: &'a str,
    /// Its firmware.
    pub profile: Profile,
    /// Whether an SO-PIN is set when it leaves the factory.
    pub so_pin: BirthSoPin,
    /// Its randomness, the device key included.
    pub random: Randomness,
    /// Where its RSA keys come from.
    pub rsa: RsaSource,
}

/// The SO-PIN of a token that was never initialised.
///
/// Vendor papers name a published SO-PIN for new tokens; the applet takes the SO-PIN that the first INITIALIZE brings.
/// Either way VERIFY answers that there is no user PIN yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BirthSoPin {
    /// None: the first INITIALIZE sets it.
    Unset,
    /// [`SO_PIN_PUBLISHED`]: the first INITIALIZE must know it.
    Published,
}

/// A serial number no token can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("serial number {found:?}: expected two capital letters, then capital letters and digits, 8 to 11 characters")]
pub struct SerialError {
    /// The serial number that was given.
    pub found: String,
}

impl Card {
    /// A token as it leaves the factory, certified under the simulated root.
    pub fn new(birth: Birth<'_>) -> Result<Self, SerialError> {
        let Birth { serial, profile, so_pin, mut random, rsa } = birth;
        let (country, rest) = serial.split_at_checked(2).unwrap_or_default();
        let fits = (8..=11).contains(&serial.len())
            && country.bytes().all(|byte| byte.is_ascii_uppercase())
            && rest.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !fits {
            return Err(SerialError { found: serial.to_owned() });
        }
        let holder = format!("{serial}00000");
        let (key, public) = ec::generate(issuer::CURVE, &mut random);
        let certificates = issuer::certify(&holder, &public, &mut random);
        let so_pin = match so_pin {
            BirthSoPin::Unset => None,
            BirthSoPin::Published => Some(Reference {
                value: SO_PIN_PUBLISHED.to_vec(),
                tries_left: SO_TRIES_MAX,
                tries_max: SO_TRIES_MAX,
                transport: false,
            }),
        };
        let memory = Memory::new(profile, Device { key, holder }, certificates, so_pin);
        Ok(Self::with_memory(memory, random, rsa))
    }

    /// A forgery of this token: the same certificates, read from it and copied, over another device key.
    pub fn counterfeit(&self, mut random: Randomness) -> Self {
        let genuine = self.store.read();
        let certificates = genuine.file(memory::EF_DEVICE_CERTIFICATE).unwrap_or_default().to_vec();
        let (key, _) = ec::generate(issuer::CURVE, &mut random);
        let device = Device { key, holder: genuine.device.holder.clone() };
        let memory = Memory::new(genuine.profile.clone(), device, certificates, None);
        Self::with_memory(memory, random, self.rsa.clone())
    }

    /// The token with this memory, without power.
    pub(crate) fn with_memory(memory: Memory, random: Randomness, rsa: RsaSource) -> Self {
        Self { store: Store::new(memory), session: Session::default(), random, rsa }
    }

    /// The state that survives power-off.
    pub(crate) fn memory(&self) -> &Memory {
        self.store.read()
    }

    /// Writes to memory so far. While the count is unchanged, there is nothing to keep.
    pub(crate) fn writes(&self) -> u64 {
        self.store.writes()
    }

    /// One command during which the power fails after `writes` writes.
    pub(crate) fn transmit_until_power_fails(&mut self, command: &[u8], writes: u32) {
        self.store.power_fails_after(Some(writes));
        self.transmit(command);
        self.store.power_fails_after(None);
        self.power_off();
    }

    /// The serial number: the device certificate's holder without its sequence number.
    pub fn serial(&self) -> &str {
        let holder = &self.store.read().device.holder;
        holder.strip_suffix("00000").unwrap_or(holder)
    }

    /// Its kind.
    pub fn profile(&self) -> &Profile {
        &self.store.read().profile
    }

    fn command(&mut self, bytes: &[u8]) -> Outcome {
        if bytes.len() > self.profile().command_len_max as usize {
            return Err(sw::WRONG_LENGTH);
        }
        let command = Apdu::parse(bytes).map_err(|_| sw::WRONG_LENGTH)?;
        let [cla, ins, p1, p2] = command.header();
        let p = [p1, p2];
        match (cla, ins) {
            (0x00, 0xa4) => self.select(&command, p),
            (0x00 | 0x80, _) if !self.session.selected => Err(sw::INSTRUCTION),
            (0x00, 0x20) => self.verify(&command, p),
            (0x00, 0x22) => self.set_environment(&command, p),
            (0x00, 0x24) => self.change_reference(&command, p),
            (0x00, 0x2c) => self.reset_retry_counter(&command, p),
            (0x00, 0x46) => self.generate_pair(&command, p),
            (0x00, 0x48) => self.generate_symmetric(&command, p),
            (0x00, 0x84) => self.challenge(&command, p),
            (0x00, 0x86) => self.general_authenticate(&command, p),
            (0x00, 0xb1) => self.read_binary(&command, p),
            (0x00, 0xd7) => self.update_binary(&command, p),
            (0x00, 0xe4) => self.delete(&command, p),
            (0x80, 0x50) => self.initialize(&command, p),
            (0x80, 0x52) => self.manage_domain(&command, p),
            (0x80, 0x58) => self.enumerate(),
            (0x80, 0x62) => self.decipher(&command, p),
            (0x80, 0x68) => self.sign(&command, p),
            (0x80, 0x72) => self.wrap(p),
            (0x80, 0x74) => self.unwrap(&command, p),
            (0x80, 0x78) => self.cipher(&command, p),
            (0x00 | 0x80, _) => Err(sw::INSTRUCTION),
            _ => Err(sw::CLASS),
        }
        .map(|reply| reply.cut_to(command.reply_len_max()))
    }

    /// GET CHALLENGE: at most 1024 bytes.
    fn challenge(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let len = command.reply_len_max().map(ReplyLen::bytes).ok_or(sw::WRONG_LENGTH)?;
        match (p, len) {
            ([0, 0], ..=1024) => Ok(Reply::ok(self.random.bytes(len))),
            ([0, 0], _) => Err(sw::WRONG_LENGTH),
            _ => Err(sw::WRONG_P1_P2),
        }
    }

    fn user_needed(&self) -> Result<(), StatusWord> {
        if self.session.user { Ok(()) } else { Err(sw::NOT_AUTHENTICATED) }
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({})", self.serial())
    }
}

impl Icc for Card {
    fn power_on(&mut self) -> Vec<u8> {
        self.session = Session::default();
        self.profile().atr().to_vec()
    }

    fn power_off(&mut self) {
        self.session = Session::default();
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        let reply = self.command(command).unwrap_or_else(|sw| Reply { sw, ..Reply::done() });
        let wire = if reply.waits > 0 { Wire::Wtx { rounds: reply.waits } } else { Wire::Clean };
        Answer { response: [&reply.body[..], &reply.sw.0.to_be_bytes()].concat(), wire }
    }
}

/// A response that is not an error.
struct Reply {
    body: Vec<u8>,
    sw: StatusWord,
    /// How often the card asks for more time before it answers.
    waits: u32,
}

type Outcome = Result<Reply, StatusWord>;

impl Reply {
    fn done() -> Self {
        Self::ok(Vec::new())
    }

    fn ok(body: Vec<u8>) -> Self {
        Self { body, sw: sw::OK, waits: 0 }
    }

    /// No more than was asked for: without Le, middleware reads the result from a file instead.
    fn cut_to(mut self, len_max: Option<ReplyLen>) -> Self {
        self.body.truncate(len_max.map_or(0, ReplyLen::bytes));
        self
    }
}

#[cfg(test)]
pub(crate) mod tests;
