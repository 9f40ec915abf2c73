//! The one thing a session needs below it: something that carries an APDU to the card and its answer back.

use thiserror::Error;

use crate::apdu::{Apdu, ApduError, Reply};

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
        /// What the rule demands.
        expected: u32,
        /// What came.
        got: u32,
    },
    /// The reader reported an error with the card.
    #[error("the reader reports error {error:02X} (card status {icc})")]
    Reader {
        /// bError of the CCID message.
        error: u8,
        /// bmICCStatus: 0 present and active, 1 present and inactive, 2 absent.
        icc: u8,
    },
    /// The block protocol could not be kept up although blocks were repeated.
    #[error("T=1: {what} after {tries} tries")]
    Block {
        /// What kept going wrong.
        what: &'static str,
        /// Repetitions spent.
        tries: u8,
    },
    /// The exchange was lost and the line was set back with RESYNCH: the card may or may not have acted.
    #[error("T=1: exchange lost, line resynchronised")]
    Lost,
    /// The ATR does not describe a card this driver can talk to.
    #[error("ATR: {what}")]
    Atr {
        /// What is wrong with it.
        what: &'static str,
    },
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
        matches!(self, Self::CommandTooLong { .. } | Self::Atr { .. } | Self::Apdu(ApduError::BodyTooLong { .. }))
    }
}
