//! Where the card ends and its wires begin: every front end drives a card through [`Icc`].

use std::sync::{Arc, Mutex, PoisonError};

/// An integrated-circuit card as its contacts see it.
pub trait Icc: Send {
    /// Applies power: security state and applet selection are clear. Returns the ATR.
    fn power_on(&mut self) -> Vec<u8>;

    /// Removes power. Changes that were not written to card memory are gone.
    fn power_off(&mut self);

    /// One command APDU.
    fn transmit(&mut self, command: &[u8]) -> Answer;
}

/// A card that is only lent.
impl<I: Icc> Icc for &mut I {
    fn power_on(&mut self) -> Vec<u8> {
        (**self).power_on()
    }

    fn power_off(&mut self) {
        (**self).power_off();
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        (**self).transmit(command)
    }
}

/// A card that others look at while it is plugged in.
impl<I: Icc> Icc for Arc<Mutex<I>> {
    fn power_on(&mut self) -> Vec<u8> {
        self.lock().unwrap_or_else(PoisonError::into_inner).power_on()
    }

    fn power_off(&mut self) {
        self.lock().unwrap_or_else(PoisonError::into_inner).power_off();
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        self.lock().unwrap_or_else(PoisonError::into_inner).transmit(command)
    }
}

/// The result of a command: the card's response, and the fault of the wire while the response travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Response APDU, status word included. A front end ignores the parts that its fault does not need.
    pub response: Vec<u8>,
    /// How it travels.
    pub wire: Wire,
}

/// The ways an answer travels. Front ends without the layer a fault lives on (vpcd and in-process have no blocks) treat
/// it as [`Wire::Mute`] where the fault would end in silence and as [`Wire::Clean`] where the protocol would recover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// As it should.
    Clean,
    /// The card never answers.
    Mute,
    /// The reader stalls its bulk IN endpoint instead of answering.
    Stall,
    /// The reader answers with bytes that are no CCID message.
    Garbage,
    /// The next `blocks` blocks of the card carry a wrong LRC; the repetition after them is right.
    BadLrc {
        /// How many blocks are spoilt.
        blocks: u32,
    },
    /// The card asks for more time `rounds` times before it answers; `u32::MAX` ends in no lifetime.
    Wtx {
        /// How many S(WTX request) blocks, or CCID time extensions at APDU level.
        rounds: u32,
    },
    /// The card asks for I-blocks of at most `ifsc` bytes before it answers.
    Ifs {
        /// INF of the S(IFS request), 1 to 254.
        ifsc: u8,
    },
    /// The answer comes only after the host gave up: at APDU and TPDU level it is queued behind the next command.
    Late,
    /// The token is pulled out after `bytes` bytes of the answer left it.
    Vanish {
        /// Bytes of the first bulk IN message that still arrive.
        bytes: usize,
    },
}
