//! The USB side of a token: a CCID reader with the card soldered in, and the card side of T=1.
//!
//! No I/O and no clock: bytes come in through [`UsbDevice`], replies wait in a queue until the host fetches them.

mod block_log;
mod descriptors;
mod message;
mod reader;
mod t1;

#[cfg(test)]
pub(crate) mod test_card;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

pub use block_log::{BlockLog, Passed, Side};
pub use descriptors::Profile;

use crate::icc::{Icc, Wire};
use crate::usb::{Descriptors, NoTransfer, Setup, UsbDevice};
use descriptors::PACKET_LEN;
use message::Reply;
use reader::Reader;

/// Replies that may wait for the host. A reader with one busy slot has no more; further commands are NAKed.
const REPLIES_MAX: usize = 8;
/// Time extensions ask for this many times the block waiting time.
const EXTENSION_MULTIPLIER: u8 = 1;

/// NotifySlotChange: card present, changed since last told.
const SLOT_CHANGE: [u8; 2] = [0x50, 0x03];

/// A token as a USB device.
#[derive(Debug)]
pub struct CcidDevice<I> {
    descriptors: Descriptors,
    reader: Reader<I>,
    replies: VecDeque<Waiting>,
    /// The answer that comes too late.
    late: Option<Vec<u8>>,
    /// The rest of a message that the host fetches in parts.
    part: Option<Vec<u8>>,
    slot_changed: bool,
    gone: bool,
}

/// The next answer of the bulk IN endpoint.
#[derive(Debug)]
enum Waiting {
    Message(Vec<u8>),
    /// Time extensions, then the reply.
    Extended {
        rounds: u32,
        reply: Reply,
    },
    Stall,
    /// The last bytes of a device that is pulled out.
    Last(Vec<u8>),
}

impl<I: Icc> CcidDevice<I> {
    /// A token with this card in it.
    pub fn new(card: I, profile: Profile, serial: &str) -> Self {
        Self {
            descriptors: profile.descriptors(serial),
            reader: Reader::new(card, profile),
            replies: VecDeque::new(),
            late: None,
            part: None,
            slot_changed: true,
            gone: false,
        }
    }

    /// The T=1 blocks that pass between host and card; stays empty at APDU level.
    pub fn block_log(&self) -> BlockLog {
        self.reader.block_log()
    }

    /// Takes the card out of the reader.
    pub fn into_card(self) -> I {
        self.reader.into_card()
    }

    fn queue(&mut self, reply: Reply, wire: Wire) {
        self.replies.extend(self.late.take().map(Waiting::Message));
        let message = reply.to_bytes();
        match wire {
            Wire::Stall => self.replies.push_back(Waiting::Stall),
            // Shorter than a header, of no message type.
            Wire::Garbage => self.replies.push_back(Waiting::Message(vec![0x80, 0xff, 0xff])),
            Wire::Late => self.late = Some(message),
            Wire::Wtx { rounds } => self.replies.push_back(Waiting::Extended { rounds, reply }),
            Wire::Vanish { bytes } => {
                self.replies.push_back(Waiting::Last(message.into_iter().take(bytes).collect()));
            }
            // The other faults are those of the card, and the card has already dealt with them.
            Wire::Clean | Wire::Mute | Wire::BadLrc { .. } | Wire::Ifs { .. } => {
                self.replies.push_back(Waiting::Message(message));
            }
        }
    }

    fn next_message(&mut self) -> Result<Vec<u8>, NoTransfer> {
        match self.replies.pop_front() {
            None => Err(NoTransfer::Nak),
            Some(Waiting::Message(message)) => Ok(message),
            Some(Waiting::Extended { rounds: 0, reply }) => Ok(reply.to_bytes()),
            Some(Waiting::Extended { rounds, reply }) => {
                let extension = reply.time_extension(EXTENSION_MULTIPLIER).to_bytes();
                self.replies.push_front(Waiting::Extended { rounds: rounds - 1, reply });
                Ok(extension)
            }
            Some(Waiting::Stall) => Err(NoTransfer::Stall),
            Some(Waiting::Last(bytes)) => {
                self.pull();
                if bytes.is_empty() { Err(NoTransfer::Gone) } else { Ok(bytes) }
            }
        }
    }

    fn pull(&mut self) {
        self.gone = true;
        self.replies.clear();
        self.reader.cut_power();
    }
}

impl<I: Icc> UsbDevice for CcidDevice<I> {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn reset(&mut self) {
        self.replies.clear();
        (self.late, self.part) = (None, None);
        (self.slot_changed, self.gone) = (true, false);
        self.reader.cut_power();
    }

    fn control(&mut self, setup: Setup, _data: &[u8]) -> Result<Vec<u8>, NoTransfer> {
        match (setup.request_type, setup.request) {
            // ABORT: there is never a command under way that could be stopped.
            (0x21, 1) => Ok(Vec::new()),
            // Neither reader lists clock frequencies or data rates.
            _ => self.described(setup),
        }
    }

    fn bulk_out(&mut self, _endpoint: u8, data: &[u8]) -> Result<(), NoTransfer> {
        if self.replies.len() >= REPLIES_MAX {
            return Err(NoTransfer::Nak);
        }
        if let Some((reply, wire)) = self.reader.command(data) {
            self.queue(reply, wire);
        }
        Ok(())
    }

    fn bulk_in(&mut self, _endpoint: u8, len_max: usize) -> Result<Vec<u8>, NoTransfer> {
        let mut message = match self.part.take() {
            Some(part) => part,
            None => self.next_message()?,
        };
        let whole_packets = len_max.is_multiple_of(PACKET_LEN);
        // A transfer ends with a packet that is not full, so a message of full packets ends with an empty one.
        if message.len() < len_max || (message.len() == len_max && !whole_packets) {
            return Ok(message);
        }
        if !whole_packets {
            return Err(NoTransfer::Babble);
        }
        self.part = Some(message.split_off(len_max));
        Ok(message)
    }

    fn interrupt_in(&mut self, _endpoint: u8) -> Option<Vec<u8>> {
        core::mem::take(&mut self.slot_changed).then(|| SLOT_CHANGE.to_vec())
    }

    fn is_gone(&self) -> bool {
        self.gone
    }
}
