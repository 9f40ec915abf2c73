//! A token: card, faults and its log of commands, ready to be plugged into a front end.

use std::fmt;

use smartcard_hsm::apdu::StatusWord;

use crate::card::Card;
use crate::card::profile::Profile;
use crate::fault::{Fault, FaultPlan, Misfortune};
use crate::icc::{Answer, Icc, Wire};

/// Commands the log keeps. Longer use is possible, but then [`Log::never_saw`] vouches for nothing.
const LOG_LEN_MAX: usize = 20_000;

/// Exchanges after which a token of the defective batch is dead.
const DEFECTIVE_AFTER: u32 = 242;
/// The serial that the reader tells where it could not read the card.
const UNREAD_SERIAL: &str = "01A001000000000";
/// Bytes of its ATR then.
const UNREAD_ATR_LEN: usize = 3;

/// A card with its faults and a memory of the commands it got. Cloning forks all of it.
#[derive(Clone)]
pub struct Token {
    card: Card,
    faults: FaultPlan,
    log: Log,
    lies: Vec<Vec<u8>>,
    /// Power failed under a command and has not come back.
    dark: bool,
    /// How often it was plugged in before.
    plugged: u32,
    /// Commands since it was plugged in.
    commands: u32,
}

impl Token {
    /// A token without faults.
    pub fn new(card: Card) -> Self {
        Self {
            card,
            faults: FaultPlan::default(),
            log: Log::default(),
            lies: Vec::new(),
            dark: false,
            plugged: 0,
            commands: 0,
        }
    }

    /// The same token with these faults before it; commands are counted again from the first.
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        self.set_faults(faults);
        self
    }

    /// Replaces the faults it has before it; commands are counted again from the first.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = FaultPlan::new(faults);
    }

    /// The card itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// The commands it got.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// The responses in which it lied ([`Misfortune::Lies`]): they must be found nowhere else.
    pub fn lies(&self) -> &[Vec<u8>] {
        &self.lies
    }

    /// It is plugged in, and was so often before.
    pub fn plug(&mut self, before: u32) {
        (self.plugged, self.commands) = (before, 0);
    }

    /// Whether it has the defect now.
    fn unread(&self) -> bool {
        self.profile().defective && self.plugged % 2 == 1
    }

    /// The serial that its reader tells: the beginning of the card's name.
    pub fn usb_serial(&self) -> String {
        if self.unread() { UNREAD_SERIAL.to_owned() } else { format!("{}0000", self.serial()) }
    }

    /// Its serial number.
    pub fn serial(&self) -> &str {
        self.card.serial()
    }

    /// Its kind.
    pub fn profile(&self) -> &Profile {
        self.card.profile()
    }

    /// One command that goes wrong like this, whatever faults it has before it.
    pub(crate) fn transmit_amiss(&mut self, command: &[u8], misfortune: Misfortune) -> Answer {
        let answer = self.carry_out(command, Some(misfortune));
        self.log.push(command, &answer);
        answer
    }

    fn answer(&mut self, command: &[u8]) -> Answer {
        self.commands = self.commands.saturating_add(1);
        let dead = self.profile().defective && self.commands > DEFECTIVE_AFTER;
        if self.dark || dead {
            return Answer { response: Vec::new(), wire: Wire::Mute };
        }
        let ins = command.get(1).copied().unwrap_or_default();
        let misfortune = self.faults.next(ins);
        self.carry_out(command, misfortune)
    }

    fn carry_out(&mut self, command: &[u8], misfortune: Option<Misfortune>) -> Answer {
        let silence = Answer { response: Vec::new(), wire: Wire::Mute };
        match misfortune {
            None => self.card.transmit(command),
            Some(Misfortune::Status(sw)) => Answer { response: sw.to_be_bytes().to_vec(), wire: Wire::Clean },
            Some(Misfortune::Travels(wire)) => Answer { wire, ..self.card.transmit(command) },
            Some(Misfortune::PowerCut { writes }) => {
                self.card.transmit_until_power_fails(command, writes);
                self.dark = true;
                silence
            }
            Some(Misfortune::NothingDone) => self.card.clone().transmit(command),
            Some(Misfortune::Lies) => {
                let mut answer = self.card.transmit(command);
                if let Some(last) = answer.response.iter_mut().rev().nth(size_of::<StatusWord>()) {
                    *last ^= 1;
                }
                self.lies.push(answer.response.clone());
                answer
            }
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.serial())
    }
}

impl Icc for Token {
    fn power_on(&mut self) -> Vec<u8> {
        self.dark = false;
        let mut atr = self.card.power_on();
        if self.unread() {
            atr.truncate(UNREAD_ATR_LEN);
        }
        atr
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::tests::{INITIALIZE, SELECT, SO_PIN, VERIFY, expect, hex, initialized, logged_in, read, write};
    use crate::fault::At;

    const WRONG: &str = "0020008106363438323130";

    fn token(what: Misfortune, nth: u32) -> Token {
        let card = logged_in(Profile::firmware_4_1());
        Token::new(card).with_faults(vec![Fault { at: At::Command(nth), what }])
    }

    #[test]
    fn a_status_word_takes_the_place_of_the_deed() {
        let mut token = token(Misfortune::Status(0x6f00), 1);
        expect(&mut token, &write("CF01", "01"), 0x6f00);
        expect(&mut token, &read("CF01", 0, 1), 0x6a82);
    }

    #[test]
    fn an_answer_that_is_lost_was_still_a_deed() {
        let mut token = token(Misfortune::Travels(Wire::Mute), 1);
        assert_eq!(token.transmit(&hex(&write("CF01", "01"))).wire, Wire::Mute);
        expect(&mut token, &read("CF01", 0, 1), 0x9000);
    }

    #[test]
    fn success_with_nothing_done_looks_like_success() {
        let mut token = token(Misfortune::NothingDone, 1);
        expect(&mut token, &write("CF01", "01"), 0x9000);
        expect(&mut token, &read("CF01", 0, 1), 0x6a82);
        let share = format!("8052000020{}00", "11".repeat(32));
        token.set_faults(vec![Fault { at: At::Instruction { ins: 0x52, nth: 1 }, what: Misfortune::NothingDone }]);
        assert_eq!(expect(&mut token, &share, 0x9000)[..2], [2, 1]);
        assert_eq!(expect(&mut token, "8052000000", 0x9000)[..2], [2, 2]);
    }

    #[test]
    fn a_power_cut_leaves_the_first_writes_and_then_silence() {
        for (writes, sw) in [(0, 0x63c3), (1, 0x63c2)] {
            let mut token = token(Misfortune::PowerCut { writes }, 1);
            assert_eq!(token.transmit(&hex(WRONG)), Answer { response: Vec::new(), wire: Wire::Mute });
            assert_eq!(token.transmit(&hex(SELECT)).wire, Wire::Mute);
            token.power_on();
            expect(&mut token, SELECT, 0x9000);
            expect(&mut token, "00200081", sw);
        }
    }

    #[test]
    fn a_power_cut_can_leave_a_key_without_its_request() {
        let body = include_str!("../../../tests/vectors/token/apdu/opensc-0.23.0-trace.txt");
        let generate =
            body.lines().find_map(|line| line.strip_prefix("> ").filter(|line| line.starts_with("00460200")));
        for (writes, listed) in [(0, "2F02 CC00"), (1, "2F02 CC00 CC02"), (2, "2F02 CE02 CC00 CC02")] {
            let mut token = token(Misfortune::PowerCut { writes }, 1);
            token.transmit(&hex(generate.unwrap()));
            token.power_on();
            expect(&mut token, SELECT, 0x9000);
            assert_eq!(expect(&mut token, "8058000000", 0x9000), hex(listed));
        }
    }

    #[test]
    fn cut_anywhere_an_initialisation_leaves_the_old_token_or_none_and_can_be_done_again() {
        // Old SO-PIN tries (2 writes), erasure, SO-PIN, options, domains, user PIN.
        for (writes, pin) in
            [(0, 0x63c3), (1, 0x63c3), (2, 0x63c3), (3, 0x6a88), (5, 0x6a88), (6, 0x6a88), (7, 0x63c3), (8, 0x63c3)]
        {
            let mut token = token(Misfortune::PowerCut { writes }, 1);
            token.transmit(&hex(INITIALIZE));
            token.power_on();
            expect(&mut token, SELECT, 0x9000);
            expect(&mut token, "00200081", pin);
            // From erasure on, no DKEK until the new one is there.
            expect(&mut token, "8052000000", if (3..6).contains(&writes) { 0x6d00 } else { 0x9000 });
            expect(&mut token, INITIALIZE, 0x9000);
            expect(&mut token, "00200088", 0x63cf);
        }
    }

    #[test]
    fn a_fork_goes_its_own_way() {
        let mut one = Token::new(initialized(Profile::firmware_4_1()));
        let mut two = one.clone();
        expect(&mut one, WRONG, 0x63c2);
        expect(&mut two, "00200081", 0x63c3);
        assert_eq!(expect(&mut one, "0084000008", 0x9000), expect(&mut two, "0084000008", 0x9000));
    }

    #[test]
    fn the_log_knows_what_was_never_said_and_prints_no_body() {
        let mut token = Token::new(initialized(Profile::firmware_4_1()));
        expect(&mut token, VERIFY, 0x9000);
        expect(&mut token, &format!("002C018108{SO_PIN}"), 0x9000);
        assert!(!token.log().never_saw(b"648219"));
        assert!(!token.log().never_saw(&hex(SO_PIN)));
        assert!(token.log().never_saw(b"648210"));
        assert_eq!(
            format!("{:?}", token.log()),
            "[00200081 of 11 bytes: 0 bytes SW 9000, 002C0181 of 13 bytes: 0 bytes SW 9000]"
        );
        for _ in 0..LOG_LEN_MAX {
            token.log.push(&[0], &Answer { response: vec![0x90, 0], wire: Wire::Clean });
        }
        assert!(!token.log().never_saw(b"648210"), "a log that forgot vouches for nothing");
    }

    #[test]
    fn a_token_of_the_defective_batch_shows_all_three_symptoms() {
        let mut token = Token::new(initialized(Profile::defective()));
        let mut plug = |before| {
            token.plug(before);
            (token.usb_serial(), token.power_on().len())
        };
        assert_eq!(plug(0), ("DENK01000010000".into(), 24));
        assert_eq!(plug(1), ("01A001000000000".into(), 3));
        assert_eq!(plug(2), ("DENK01000010000".into(), 24));
        expect(&mut token, SELECT, 0x9000);
        for _ in 1..DEFECTIVE_AFTER {
            expect(&mut token, "0084000008", 0x9000);
        }
        assert_eq!(token.transmit(&hex("0084000008")), Answer { response: Vec::new(), wire: Wire::Mute });
    }
}
