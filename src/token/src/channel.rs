//! The one thing a session needs below it: something that carries an APDU to the card and its answer back.

use thiserror::Error;

use crate::apdu::{Apdu, ApduError, Reply};
use crate::atr::AtrError;

/// Longest complete command APDU every generation of the token accepts, in bytes (JCOP 3: 1232).
pub const COMMAND_LEN_MAX: usize = 1232;

/// How long the card may be silent before it is given up.
///
/// The card cannot be interrupted; unplugging is the only cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Ordinary commands: 10 s of silence.
    Ordinary,
    /// INITIALIZE, key generation and DELETE, where memory clean-up may keep the card silent: 300 s.
    Long,
}

impl Patience {
    /// The silence allowed, in milliseconds.
    pub const fn silence_max_ms(self) -> u64 {
        match self {
            Self::Ordinary => 10_000,
            Self::Long => 300_000,
        }
    }
}

/// Most time a card may ask for during one command, in milliseconds of waiting time granted: one hour.
///
/// T=1 sets no limit, so a card that asks for ever would hold the ceremony for ever. The longest honest operation, an
/// RSA-4096 key generation, takes minutes. A card asks early and for whole multiples of its waiting time, so it is
/// granted a multiple of the time that it uses. An hour leaves room for both.
pub const GRANTED_MAX_MS: u64 = 3_600_000;

/// Carries APDUs. An error leaves it unknown whether the card acted, unless [`ChannelError::before_card`] says so.
pub trait Channel {
    /// One command, one reply.
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError>;

    /// Powers the card off and on: ends every login, clears the applet selection. Returns the ATR.
    fn restart(&mut self) -> Result<Vec<u8>, ChannelError>;
}

/// Why no reply came.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The token was pulled out.
    #[error("the token was unplugged")]
    Unplugged,
    /// No answer within the patience of the command.
    #[error("no answer from the token after {waited_ms} ms")]
    Silent {
        /// How long was waited.
        waited_ms: u64,
    },
    /// The reader refused a USB transfer.
    #[error("the reader stalled its {endpoint} endpoint")]
    Stalled {
        /// `bulk IN` or `bulk OUT`.
        endpoint: &'static str,
    },
    /// The operating system failed the transfer.
    #[error("USB transfer failed: {what}")]
    Usb {
        /// The system's name of the failure.
        what: &'static str,
    },
    /// The reader's message made no sense.
    #[error("CCID: {what}: expected {expected}, got {got}")]
    Ccid {
        /// Field or rule that was broken.
        what: &'static str,
        /// The value that the rule demands.
        expected: u32,
        /// The value that came.
        got: u32,
    },
    /// The reader's slot holds no card: the token is broken, or the reader is not a token.
    #[error("the reader has no card in its slot")]
    NoCard,
    /// The reader reported an error with the card.
    #[error("the reader reports error {error:02X}, {} (card status {icc})", reader_error(*error))]
    Reader {
        /// bError of the CCID message.
        error: u8,
        /// bmICCStatus: 0 present and active, 1 present and inactive, 2 absent.
        icc: u8,
    },
    /// The block protocol could not be kept up although blocks were repeated.
    #[error("T=1: {what} after {tries} tries")]
    Block {
        /// The fault that came again each time.
        what: &'static str,
        /// Repetitions spent.
        tries: u8,
    },
    /// The card asked for more time until [`GRANTED_MAX_MS`] was spent.
    #[error("the card kept asking for more time, {granted_ms} ms were granted")]
    Endless {
        /// Waiting time granted so far.
        granted_ms: u64,
    },
    /// The exchange was lost and the line was set back with RESYNCH: the card may or may not have acted.
    #[error("T=1: exchange lost, line resynchronised")]
    Lost,
    /// The ATR does not describe a card this driver can talk to.
    #[error("answer to reset: {0}")]
    Atr(#[from] AtrError),
    /// The command or the response is no APDU, or the command is longer than the token takes.
    #[error(transparent)]
    Apdu(#[from] ApduError),
    /// The command is longer than every token accepts.
    #[error("command of {found} bytes, the token takes at most {}", COMMAND_LEN_MAX)]
    CommandTooLong {
        /// Bytes of the complete command APDU.
        found: usize,
    },
}

impl ChannelError {
    /// Whether the failure is certain to have happened before the card saw the command.
    pub fn before_card(&self) -> bool {
        matches!(self, Self::CommandTooLong { .. } | Self::Atr(_) | Self::Apdu(ApduError::BodyTooLong { .. }))
    }
}

/// The meaning of bError of a CCID message. Source: CCID 1.10, table 6.2-2; below 80h it is the offset of a refused
/// field.
fn reader_error(error: u8) -> &'static str {
    match error {
        0x00 => "command not supported",
        0x01 => "it refuses the message length",
        0x05 => "it has no such slot",
        0x07 => "it refuses the voltage, protocol or waiting time",
        0x08 => "it refuses the level parameter",
        0x02..=0x04 | 0x06 | 0x09..=0x7f => "it refuses a field of the message",
        0xe0 => "slot busy with an earlier command",
        0xef => "PIN entry cancelled",
        0xf0 => "PIN entry timed out",
        0xf2 => "busy with its own power-up sequence",
        0xf3 => "protocol deactivated",
        0xf4 => "procedure byte conflict",
        0xf5 => "class not supported",
        0xf6 => "protocol not supported",
        0xf7 => "bad TCK in the answer to reset",
        0xf8 => "bad TS in the answer to reset",
        0xfb => "hardware error",
        0xfc => "overrun while talking to the card",
        0xfd => "parity error while talking to the card",
        0xfe => "the card is mute",
        0xff => "command aborted",
        0x81..=0xc0 => "an error of the reader maker's own",
        _ => "an unassigned error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_reader_are_named_in_words() {
        #[track_caller]
        fn check(error: u8, want: &str) {
            assert_eq!(ChannelError::Reader { error, icc: 0 }.to_string(), want);
        }
        check(0xfe, "the reader reports error FE, the card is mute (card status 0)");
        check(0x00, "the reader reports error 00, command not supported (card status 0)");
        check(0x0a, "the reader reports error 0A, it refuses a field of the message (card status 0)");
        check(0x80, "the reader reports error 80, an unassigned error (card status 0)");
        check(0x81, "the reader reports error 81, an error of the reader maker's own (card status 0)");
    }

    #[test]
    fn only_refusals_before_sending_are_certain_not_to_have_reached_the_card() {
        assert!(ChannelError::CommandTooLong { found: COMMAND_LEN_MAX + 1 }.before_card());
        assert!(!ChannelError::Lost.before_card());
        assert!(!ChannelError::Silent { waited_ms: 10_000 }.before_card());
    }
}
