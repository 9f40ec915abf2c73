//! A token: card, faults and its log of commands, ready to be plugged into a front end.

use std::fmt;

use smartcard_hsm::apdu::StatusWord;

use crate::card::Card;
use crate::card::profile::Profile;
use crate::fault::{Fault, FaultPlan, Misfortune};
use crate::icc::{Answer, Icc, Wire};

/// Commands the log keeps. Longer use is possible, but then [`Log::never_saw`] vouches for nothing.
const LOG_LEN_MAX: usize = 20_000;

/// A card with what goes wrong with it and a memory of what it was told. Cloning forks all of it.
#[derive(Clone)]
pub struct Token {
    card: Card,
    faults: FaultPlan,
    log: Log,
    /// Power failed under a command and has not come back.
    dark: bool,
}

impl Token {
    /// A token without faults.
    pub fn new(card: Card) -> Self {
        Self { card, faults: FaultPlan::default(), log: Log::default(), dark: false }
    }

    /// The same token with these faults before it; commands count anew.
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.set_faults(faults);
        self
    }

    /// Replaces the faults it has before it; commands count anew.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = FaultPlan::new(faults);
    }

    /// The card itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What it was told.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        self.card.serial()
    }

    /// Its kind.
    pub fn profile(&self) -> &Profile {
        self.card.profile()
    }

    fn answer(&mut self, command: &[u8]) -> Answer {
        let silence = Answer { response: Vec::new(), wire: Wire::Mute };
        if self.dark {
            return silence;
        }
        let ins = command.get(1).copied().unwrap_or_default();
        match self.faults.next(ins) {
            None => self.card.transmit(command),
            Some(Misfortune::Status(sw)) => Answer { response: sw.to_be_bytes().to_vec(), wire: Wire::Clean },
            Some(Misfortune::Travels(wire)) => Answer { wire, ..self.card.transmit(command) },
            Some(Misfortune::PowerCut { writes }) => {
                self.card.transmit_until_power_fails(command, writes);
                self.dark = true;
                silence
            }
            Some(Misfortune::NothingDone) => self.card.clone().transmit(command),
        }
    }
}

impl Icc for Token {
    fn power_on(&mut self) -> Vec<u8> {
        self.dark = false;
        self.card.power_on()
    }

    fn power_off(&mut self) {
        self.card.power_off();
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        let answer = self.answer(command);
        self.log.push(command, &answer);
        answer
    }
}

/// The commands a token received, newest last.
///
/// Secret: it holds every byte of them, PINs and shares too, so that a test can prove that a token never saw one. It is never
/// written anywhere; `Debug` shows headers and lengths.
#[derive(Clone, Default)]
pub struct Log {
    exchanges: Vec<Exchange>,
    forgotten: u64,
}

/// One command and its answer.
#[derive(Clone)]
pub struct Exchange {
    command: Vec<u8>,
    /// Bytes of the response without its status word.
    pub reply_len: usize,
    /// Status word the card gave, whether or not it arrived; `None` if it gave none.
    pub sw: Option<StatusWord>,
}

impl Log {
    fn push(&mut self, command: &[u8], answer: &Answer) {
        if self.exchanges.len() == LOG_LEN_MAX {
            self.forgotten += 1;
            return;
        }
        let (body, sw) = answer.response.split_last_chunk::<2>().unwrap_or((&[], &[0, 0]));
        let sw = (!answer.response.is_empty()).then_some(StatusWord(u16::from_be_bytes(*sw)));
        self.exchanges.push(Exchange { command: command.to_vec(), reply_len: body.len(), sw });
    }

    /// The commands with their answers.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Whether it is certain that no command carried `bytes`.
    pub fn never_saw(&self, bytes: &[u8]) -> bool {
        let carried = |exchange: &Exchange| exchange.command.windows(bytes.len().max(1)).any(|part| part == bytes);
        self.forgotten == 0 && !self.exchanges.iter().any(carried)
    }
}

impl Exchange {
    /// CLA INS P1 P2; shorter commands are filled with zeros.
    pub fn header(&self) -> [u8; 4] {
        core::array::from_fn(|at| self.command.get(at).copied().unwrap_or_default())
    }

    /// Bytes of the whole command.
    pub fn command_len(&self) -> usize {
        self.command.len()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cla, ins, p1, p2] = self.header();
        write!(f, "{cla:02X}{ins:02X}{p1:02X}{p2:02X} of {} bytes: {} bytes ", self.command.len(), self.reply_len)?;
        match self.sw {
            Some(sw) => write!(f, "{sw}"),
            None => f.write_str("no answer"),
        }
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.exchanges).finish()
    }
}
