//! One command, one answer: sequence numbers, time extensions, messages in pieces, and answers left by an earlier
//! owner.

use zeroize::Zeroizing;

use crate::ccid::{self, Command, Descriptor, Outcome};
use crate::channel::{ChannelError, GRANTED_MAX_MS, Patience};
use crate::port::{BulkPort, Endpoint, PortError};
use crate::secret;

/// How long a reader may take to accept a message.
pub const SEND_MS: u64 = 5_000;
/// How long the link listens for answers that no command waits for any more.
pub const DRAIN_MS: u64 = 50;
/// Transfers dropped before a reader that never falls silent is given up.
pub const DRAIN_MAX: u32 = 64;
/// Answers to earlier commands that may come before the answer to this one.
pub const STALE_MAX: u32 = 8;

/// A full-speed packet; those of high speed are a multiple. A shorter transfer is the last of its message.
const PACKET_LEN: usize = 64;
/// Transfers are asked for in multiples of the longest bulk packet, so that none can be longer than asked for.
const PACKET_LEN_MAX: usize = 512;
/// Transfers without data that may stand between those of one message.
const EMPTY_MAX: usize = 4;
/// BWT before the card has told its own: the default BWI at the default clock.
const BWT_DEFAULT_MS: u64 = 1_600;

/// The data of an answer and where it stands in a chain.
pub(super) struct Answer {
    pub(super) chain: u8,
    pub(super) data: Zeroizing<Vec<u8>>,
}

pub(super) struct Reader<P> {
    port: P,
    descriptor: Descriptor,
    seq: u8,
    bwt_ms: u64,
    /// An earlier command may still be answered.
    unsettled: bool,
}

impl<P: BulkPort> Reader<P> {
    pub(super) fn new(port: P, descriptor: Descriptor) -> Self {
        Self { port, descriptor, seq: 0, bwt_ms: BWT_DEFAULT_MS, unsettled: true }
    }

    pub(super) fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    #[cfg(test)]
    pub(super) fn port_mut(&mut self) -> &mut P {
        &mut self.port
    }

    pub(super) fn set_block_waiting_ms(&mut self, bwt_ms: u64) {
        self.bwt_ms = bwt_ms;
    }

    /// So many block waiting times.
    pub(super) fn waiting_ms(&self, waiting_times: u8) -> u64 {
        self.bwt_ms.saturating_mul(u64::from(waiting_times))
    }

    /// Errors: [`ChannelError::NoCard`] if the slot is empty.
    pub(super) fn slot_status(&mut self) -> Result<(), ChannelError> {
        self.transact(&Command::SlotStatus, Patience::Ordinary.silence_max_ms()).map(|_| ())
    }

    /// Sends one command and waits for its answer, at most `silence_max_ms` for each message of the reader.
    ///
    /// Errors: [`ChannelError::Reader`] if the reader carried the command out and failed; any other leaves it open
    /// whether an answer is still to come, so the next command drains first.
    pub(super) fn transact(&mut self, command: &Command<'_>, silence_max_ms: u64) -> Result<Answer, ChannelError> {
        if self.unsettled {
            self.drain()?;
        }
        self.unsettled = true;
        let seq = self.seq;
        self.seq = seq.wrapping_add(1);
        if let Err(error) = self.port.send(&ccid::encode(command, seq), SEND_MS) {
            return Err(self.failed(error, Endpoint::BulkOut));
        }
        match self.answer(command, seq, silence_max_ms) {
            // Half a message may be the last of a token that was pulled out. Then the error of the drain is returned.
            Err(nonsense @ ChannelError::Ccid { .. }) => self.drain().and(Err(nonsense)),
            answer => answer,
        }
    }

    /// The answer to the command with this bSeq.
    fn answer(&mut self, command: &Command<'_>, seq: u8, silence_max_ms: u64) -> Result<Answer, ChannelError> {
        let (mut stale, mut granted_ms, mut wait_ms) = (0, 0u64, silence_max_ms);
        loop {
            let bytes = self.receive(wait_ms)?;
            let message = ccid::decode(&bytes)?;
            if message.seq != seq {
                stale += 1;
                if stale > STALE_MAX {
                    let (expected, got) = (u32::from(seq), u32::from(message.seq));
                    return Err(ChannelError::Ccid { what: "bSeq", expected, got });
                }
                continue;
            }
            match message.outcome {
                Outcome::MoreTime { waiting_times } => {
                    // A request for no time at all counts as one, or it could be made for ever.
                    let more_ms = self.waiting_ms(waiting_times.max(1));
                    granted_ms = granted_ms.saturating_add(more_ms);
                    if granted_ms > GRANTED_MAX_MS {
                        return Err(ChannelError::Endless { granted_ms });
                    }
                    wait_ms = silence_max_ms.max(more_ms);
                }
                Outcome::Failed { error } => {
                    self.unsettled = false;
                    return Err(if message.icc == ICC_ABSENT {
                        ChannelError::NoCard
                    } else {
                        ChannelError::Reader { error, icc: message.icc }
                    });
                }
                Outcome::Done => {
                    let expected = command.answer_kind();
                    if message.kind != expected {
                        let (expected, got) = (u32::from(expected), u32::from(message.kind));
                        return Err(ChannelError::Ccid { what: "bMessageType", expected, got });
                    }
                    self.unsettled = false;
                    if message.icc == ICC_ABSENT {
                        return Err(ChannelError::NoCard);
                    }
                    return Ok(Answer { chain: message.chain, data: Zeroizing::new(message.data.to_vec()) });
                }
            }
        }
    }

    /// One message of the reader, put together from as many transfers as it takes.
    fn receive(&mut self, wait_ms: u64) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
        let transfers_max = self.descriptor.message_len_max / PACKET_LEN + 1 + EMPTY_MAX;
        let mut message = Zeroizing::new(Vec::new());
        for _ in 0..transfers_max {
            let transfer = match self.port.receive(self.transfer_len(), wait_ms) {
                Ok(transfer) => transfer,
                Err(error) => return Err(self.failed(error, Endpoint::BulkIn)),
            };
            secret::append(&mut message, &transfer);
            let announced = ccid::announced_len(&message);
            if let Some(got) = announced.filter(|len| *len > self.descriptor.message_len_max) {
                return Err(ChannelError::Ccid {
                    what: "announced length of a message",
                    expected: self.descriptor.message_len_max as u32,
                    got: u32::try_from(got).unwrap_or(u32::MAX),
                });
            }
            let complete = announced.is_some_and(|len| message.len() >= len);
            if complete || !transfer.len().is_multiple_of(PACKET_LEN) {
                break;
            }
        }
        Ok(message)
    }

    /// Reads and drops the answers that no command waits for.
    fn drain(&mut self) -> Result<(), ChannelError> {
        for _ in 0..DRAIN_MAX {
            match self.port.receive(self.transfer_len(), DRAIN_MS) {
                Ok(_) => {}
                Err(PortError::Timeout { .. }) => {
                    self.unsettled = false;
                    return Ok(());
                }
                Err(PortError::Stalled) => {
                    self.port.clear_halt(Endpoint::BulkIn).map_err(|error| error.on(Endpoint::BulkIn))?;
                }
                Err(error) => return Err(error.on(Endpoint::BulkIn)),
            }
        }
        Err(ChannelError::Ccid { what: "transfers nobody asked for", expected: DRAIN_MAX - 1, got: DRAIN_MAX })
    }

    fn transfer_len(&self) -> usize {
        self.descriptor.message_len_max.next_multiple_of(PACKET_LEN_MAX)
    }

    /// The meaning of a failed transfer. A halt is cleared, so that the next command finds the endpoint open.
    fn failed(&mut self, error: PortError, endpoint: Endpoint) -> ChannelError {
        if error == PortError::Stalled
            && let Err(error) = self.port.clear_halt(endpoint)
        {
            return error.on(endpoint);
        }
        error.on(endpoint)
    }
}

/// bmICCStatus of an empty slot.
const ICC_ABSENT: u8 = 2;
