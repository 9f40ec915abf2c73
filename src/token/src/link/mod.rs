//! A reader as a [`Channel`]: CCID messages, and T=1 blocks where the reader leaves them to the host.

mod reader;

#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use crate::apdu::{Apdu, Reply};
use crate::atr::Atr;
use crate::ccid::{Command, Descriptor, HEADER_LEN, Level, Part};
use crate::channel::{COMMAND_LEN_MAX, Channel, ChannelError, Patience};
use crate::port::BulkPort;
use crate::secret;
use crate::t1::{self, Step};
use reader::Reader;

pub use reader::{DRAIN_MAX, DRAIN_MS, SEND_MS, STALE_MAX};

/// A token on the bus, its card powered.
///
/// After an error the line is set right before the next command goes out: late answers are read and dropped, and
/// the numbers of T=1 are set back. A command is never sent twice.
pub struct CcidLink<P> {
    reader: Reader<P>,
    atr: Atr,
    /// The host's side of T=1, `None` where the reader runs the protocol.
    host: Option<t1::Host>,
}

impl<P: BulkPort> CcidLink<P> {
    /// Takes over a reader: drops what an earlier owner left in it, and powers its card off and on.
    ///
    /// Errors: [`ChannelError::NoCard`], [`ChannelError::Atr`] if it is no card for this driver, or the error of the
    /// bus.
    pub fn open(port: P, descriptor: Descriptor) -> Result<Self, ChannelError> {
        let mut reader = Reader::new(port, descriptor);
        // An endpoint that an earlier owner left halted refuses the first message; the halt is cleared then, and asking
        // for the status once more does no harm.
        match reader.slot_status() {
            Err(ChannelError::Stalled { .. }) => reader.slot_status(),
            status => status,
        }?;
        let (atr, host) = power_cycle(&mut reader)?;
        Ok(Self { reader, atr, host })
    }

    /// The card's answer when it was last powered.
    pub fn atr(&self) -> &Atr {
        &self.atr
    }

    /// The reader's description of itself, its exchange level above all.
    pub fn descriptor(&self) -> &Descriptor {
        self.reader.descriptor()
    }
}

fn power_cycle<P: BulkPort>(reader: &mut Reader<P>) -> Result<(Atr, Option<t1::Host>), ChannelError> {
    let silence_max_ms = Patience::Ordinary.silence_max_ms();
    reader.transact(&Command::PowerOff, silence_max_ms)?;
    let answer = reader.transact(&Command::PowerOn, silence_max_ms)?;
    let atr = Atr::parse(&answer.data)?;
    let descriptor = *reader.descriptor();
    let bwt_ms = atr.block_waiting_ms(descriptor.clock_khz);
    reader.set_block_waiting_ms(bwt_ms);
    let host = match descriptor.level {
        Level::Tpdu => {
            let block_len_max = descriptor.message_len_max - HEADER_LEN;
            let inf_len_max = u8::try_from(block_len_max - t1::FRAME_LEN).unwrap_or(u8::MAX);
            Some(t1::Host::new(atr.ifsc(), descriptor.ifsd_max.min(inf_len_max), block_len_max, bwt_ms))
        }
        Level::Apdu => None,
    };
    Ok((atr, host))
}

impl<P: BulkPort> Channel for CcidLink<P> {
    fn exchange(&mut self, command: &Apdu, patience: Patience) -> Result<Reply, ChannelError> {
        let command = command.to_bytes()?;
        if command.len() > COMMAND_LEN_MAX {
            return Err(ChannelError::CommandTooLong { found: command.len() });
        }
        let response = match &mut self.host {
            Some(host) => in_blocks(&mut self.reader, host, command, patience),
            None => in_parts(&mut self.reader, &command, patience),
        }?;
        Ok(Reply::parse(response)?)
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        (self.atr, self.host) = power_cycle(&mut self.reader)?;
        Ok(self.atr.as_bytes().to_vec())
    }
}

/// Values of bError: the card gave no answer in its waiting time (mute), or its answer came garbled (parity, overrun).
const MUTE: u8 = 0xfe;
const PARITY: u8 = 0xfd;
const OVERRUN: u8 = 0xfc;

/// One command at TPDU level. The host of T=1 bounds the number of blocks.
fn in_blocks<P: BulkPort>(
    reader: &mut Reader<P>,
    host: &mut t1::Host,
    command: Zeroizing<Vec<u8>>,
    patience: Patience,
) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
    let mut step = host.exchange(command, patience);
    loop {
        let block = match step {
            Step::Done(response) => return Ok(response),
            Step::Send(block) => block,
        };
        let waiting_times = if block.waiting_times > 1 { block.waiting_times } else { 0 };
        let silence_max_ms = patience.silence_max_ms().max(reader.waiting_ms(block.waiting_times));
        let transfer = Command::Transfer { waiting_times, part: Part::Whole, data: &block.bytes };
        step = match reader.transact(&transfer, silence_max_ms) {
            Ok(answer) => host.received(&answer.data),
            Err(ChannelError::Reader { error: MUTE, .. }) => host.silent(),
            Err(ChannelError::Reader { error: PARITY | OVERRUN, .. }) => host.garbled(),
            Err(error) => Err(error),
        }?;
    }
}

/// One command at APDU level, cut into parts where it is longer than a message.
fn in_parts<P: BulkPort>(
    reader: &mut Reader<P>,
    command: &[u8],
    patience: Patience,
) -> Result<Zeroizing<Vec<u8>>, ChannelError> {
    let silence_max_ms = patience.silence_max_ms();
    let part_len_max = reader.descriptor().message_len_max - HEADER_LEN;
    let mut transfer =
        |part, data: &[u8]| reader.transact(&Command::Transfer { waiting_times: 0, part, data }, silence_max_ms);
    let out_of_turn = |expected: Part, got| ChannelError::Ccid {
        what: "bChainParameter",
        expected: expected as u32,
        got: u32::from(got),
    };

    let mut rest = command;
    let mut answer = loop {
        let first = rest.len() == command.len();
        let (data, after) = rest.split_at_checked(part_len_max).unwrap_or((rest, &[]));
        rest = after;
        match (first, rest.is_empty()) {
            (true, true) => break transfer(Part::Whole, data)?,
            (false, true) => break transfer(Part::Ends, data)?,
            (first, false) => {
                let answer = transfer(if first { Part::Begins } else { Part::Continues }, data)?;
                if answer.chain != Part::GoOn as u8 {
                    return Err(out_of_turn(Part::GoOn, answer.chain));
                }
            }
        }
    };

    let mut response = Zeroizing::new(Vec::new());
    if answer.chain == Part::Whole as u8 {
        return Ok(answer.data);
    }
    let mut expected = Part::Begins;
    loop {
        // A part that brings nothing could be repeated for ever.
        let more = answer.chain == expected as u8 && !answer.data.is_empty();
        let last = answer.chain == Part::Ends as u8 && expected == Part::Continues;
        if !more && !last {
            return Err(out_of_turn(expected, answer.chain));
        }
        if response.len() + answer.data.len() > t1::RESPONSE_LEN_MAX {
            return Err(ChannelError::Ccid {
                what: "length of a response in parts",
                expected: t1::RESPONSE_LEN_MAX as u32,
                got: (response.len() + answer.data.len()) as u32,
            });
        }
        secret::append(&mut response, &answer.data);
        if last {
            return Ok(response);
        }
        expected = Part::Continues;
        answer = transfer(Part::GoOn, &[])?;
    }
}
