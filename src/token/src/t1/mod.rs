//! T=1 (ISO 7816-3, clause 11): the host side of the block protocol.
//!
//! No I/O: [`Host`] gets the received bytes and returns the next block. The caller handles time; the host only adds up
//! the time that the card asked for.

mod block;

use zeroize::Zeroizing;

use crate::channel::{ChannelError, GRANTED_MAX_MS, Patience};
use crate::secret;
use block::{ABORT_RESPONSE, Fault, IFS_REQUEST, IFS_RESPONSE, Incoming, READY, RESYNCH_REQUEST, WTX_RESPONSE, parse};

pub use block::{Block, FRAME_LEN, INF_LEN_MAX};

/// Information field size both sides start with unless told otherwise.
pub const IFS_DEFAULT: u8 = 32;
/// Repetitions asked for before the line is set back, and tries to set it back.
pub const TRIES_MAX: u8 = 3;
/// S-blocks other than S(WTX) a card may send during one command.
pub const SUPERVISORY_MAX: u8 = 8;
/// Longest response: an extended Le's worth and the status word.
pub const RESPONSE_LEN_MAX: usize = 65_538;

/// The bytes that the Nitrokey's reader delivers when the card said nothing at all.
const SILENCE: [u8; 2] = [0xa5, 0xa5];

/// The next step of the host. There is no `Debug`: a response may be secret.
pub enum Step {
    /// Send this block and report what comes: [`Host::received`], or [`Host::silent`] if the reader says nothing came.
    Send(Block),
    /// The response to the command is complete.
    Done(Zeroizing<Vec<u8>>),
}

/// The host's end of the line to one card, from power-on to power-off.
///
/// Secret: holds the command under way and the response so far; both are wiped.
pub struct Host {
    ifsc_initial: u8,
    ifsd: u8,
    block_len_max: usize,
    bwt_ms: u64,

    phase: Phase,
    /// Both sides agree on the block numbers: so after power-on, RESYNCH, and every completed exchange.
    in_step: bool,
    /// The card was told our IFSD, or would not hear of it.
    ifsd_settled: bool,
    ifsc: u8,
    /// N(S) of the I-block under way or to be sent next.
    ns: u8,
    /// N(S) expected of the card.
    nr: u8,

    command: Zeroizing<Vec<u8>>,
    /// Bytes of the command the card has acknowledged, and bytes in the I-block under way.
    acknowledged: usize,
    under_way: usize,
    response: Zeroizing<Vec<u8>>,

    faults: u8,
    silences: u64,
    silences_max: u64,
    supervisory: u8,
    granted_ms: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Idle,
    /// S(RESYNCH request) is out for the `tries`-th time; `lost`: a command was, too.
    Resynch {
        tries: u8,
        lost: bool,
        cause: Fault,
    },
    /// S(IFS request) is out for the `tries`-th time.
    Ifs {
        tries: u8,
    },
    /// An I-block is out and not acknowledged.
    Sending,
    /// The card took the command and is sending its response.
    Receiving,
    /// S(ABORT response) is out.
    Aborted,
}

fn send(pcb: u8, inf: &[u8], waiting_times: u8) -> Step {
    Step::Send(Block::new(pcb, inf, waiting_times))
}

impl Host {
    /// The line just after power-on.
    ///
    /// Units: `ifsc` is the value in the card's ATR. `ifsd` is the longest field the reader can take in one block.
    /// `block_len_max` is the longest block it can pass on to the card. `bwt_ms` is the card's block waiting time.
    pub fn new(ifsc: u8, ifsd: u8, block_len_max: usize, bwt_ms: u64) -> Self {
        Self {
            ifsc_initial: ifsc,
            ifsd: ifsd.clamp(1, INF_LEN_MAX),
            block_len_max,
            bwt_ms: bwt_ms.max(1),
            phase: Phase::Idle,
            in_step: true,
            ifsd_settled: false,
            ifsc,
            ns: 0,
            nr: 0,
            command: Zeroizing::default(),
            acknowledged: 0,
            under_way: 0,
            response: Zeroizing::default(),
            faults: 0,
            silences: 0,
            silences_max: 0,
            supervisory: 0,
            granted_ms: 0,
        }
    }

    /// Begins an exchange. If the one before was given up, the line is set back first: nothing of the new command has
    /// gone out then, so nothing is repeated.
    pub fn exchange(&mut self, command: Zeroizing<Vec<u8>>, patience: Patience) -> Step {
        self.command = command;
        self.acknowledged = 0;
        self.response = Zeroizing::default();
        self.faults = 0;
        self.silences = 0;
        // A reader reports silence after each block waiting time, and a card busy with its memory stays silent longer.
        self.silences_max = (patience.silence_max_ms() / self.bwt_ms).max(u64::from(TRIES_MAX));
        self.supervisory = 0;
        self.granted_ms = 0;
        if self.in_step { self.begin() } else { self.resynch(1, false, Fault::Abandoned) }
    }

    /// Takes the card's answer to the last block.
    ///
    /// Errors: [`ChannelError::Lost`] if the line had to be set back while a command was under way;
    /// [`ChannelError::Block`] if that failed too, [`ChannelError::Silent`] if nothing came at all;
    /// [`ChannelError::Endless`].
    pub fn received(&mut self, bytes: &[u8]) -> Result<Step, ChannelError> {
        if bytes == SILENCE {
            return self.silent();
        }
        match parse(bytes) {
            Ok(incoming) => self.took(incoming),
            Err(fault) => self.fault(fault),
        }
    }

    /// The reader says the card answered nothing within its waiting time.
    ///
    /// Errors: as [`Host::received`].
    pub fn silent(&mut self) -> Result<Step, ChannelError> {
        self.fault(Fault::Silence)
    }

    /// The reader reports that the card's answer came garbled: parity, overrun.
    ///
    /// Errors: as [`Host::received`].
    pub fn garbled(&mut self) -> Result<Step, ChannelError> {
        self.fault(Fault::Lrc)
    }

    fn took(&mut self, incoming: Incoming<'_>) -> Result<Step, ChannelError> {
        match (self.phase, incoming) {
            (Phase::Resynch { lost, .. }, Incoming::ResynchResponse) => {
                self.in_step = true;
                self.ifsd_settled = false;
                self.ifsc = self.ifsc_initial;
                (self.ns, self.nr) = (0, 0);
                if lost {
                    self.end();
                    return Err(ChannelError::Lost);
                }
                Ok(self.begin())
            }
            (Phase::Resynch { .. } | Phase::Aborted | Phase::Idle, _) => self.fault(Fault::Unexpected),

            (_, Incoming::WtxRequest(factor)) => {
                self.granted_ms = self.granted_ms.saturating_add(self.bwt_ms.saturating_mul(u64::from(factor)));
                if self.granted_ms > GRANTED_MAX_MS {
                    let granted_ms = self.granted_ms;
                    self.end();
                    return Err(ChannelError::Endless { granted_ms });
                }
                self.progress();
                Ok(send(WTX_RESPONSE, &[factor], factor))
            }
            (_, Incoming::IfsRequest(ifsc)) if self.supervisory < SUPERVISORY_MAX => {
                self.supervisory += 1;
                self.ifsc = ifsc;
                Ok(send(IFS_RESPONSE, &[ifsc], 1))
            }
            (_, Incoming::AbortRequest) => {
                self.phase = Phase::Aborted;
                Ok(send(ABORT_RESPONSE, &[], 1))
            }

            (Phase::Ifs { .. }, Incoming::IfsResponse(ifsd)) if ifsd == self.ifsd => Ok(self.settled()),
            // A card that answers anything else will not have it.
            (Phase::Ifs { .. }, Incoming::Ready { .. }) => Ok(self.settled()),

            (Phase::Sending, Incoming::Ready { number }) if number == self.ns => self.repeat(),
            (Phase::Sending, Incoming::Ready { .. }) if self.more() => {
                self.acknowledged += self.under_way;
                self.ns ^= 1;
                self.progress();
                Ok(self.information())
            }
            (Phase::Sending, Incoming::Information { number, more, inf }) if number == self.nr && !self.more() => {
                self.ns ^= 1;
                self.phase = Phase::Receiving;
                self.append(more, inf)
            }
            (Phase::Receiving, Incoming::Information { number, more, inf }) if number == self.nr => {
                self.append(more, inf)
            }
            (Phase::Sending | Phase::Receiving, Incoming::Information { number, .. }) if number != self.nr => {
                self.fault(Fault::Number)
            }
            _ => self.fault(Fault::Unexpected),
        }
    }

    /// Asks for the block again, then sets the line back, then gives up.
    fn fault(&mut self, fault: Fault) -> Result<Step, ChannelError> {
        match self.phase {
            Phase::Idle => Err(ChannelError::Block { what: "block without a command", tries: 0 }),
            Phase::Resynch { tries, cause, .. } if tries >= TRIES_MAX => {
                self.end();
                if cause == Fault::Silence && fault == Fault::Silence {
                    let waited_ms = self.bwt_ms.saturating_mul(self.silences + u64::from(tries));
                    return Err(ChannelError::Silent { waited_ms });
                }
                Err(ChannelError::Block { what: cause.words(), tries })
            }
            Phase::Resynch { tries, lost, cause } => Ok(self.resynch(tries + 1, lost, cause)),
            Phase::Ifs { tries } if tries >= TRIES_MAX => Ok(self.settled()),
            Phase::Ifs { tries } => Ok(self.ifs(tries + 1)),
            Phase::Aborted => Ok(self.resynch(1, true, Fault::Abort)),
            Phase::Sending | Phase::Receiving => Ok(if self.spend(fault) {
                send(READY | self.nr << 4 | fault.code(), &[], 1)
            } else {
                self.resynch(1, true, fault)
            }),
        }
    }

    /// Sends the I-block under way again, because the card asked for it.
    fn repeat(&mut self) -> Result<Step, ChannelError> {
        if self.spend(Fault::Repeat) { Ok(self.information()) } else { Ok(self.resynch(1, true, Fault::Repeat)) }
    }

    /// Whether another repetition is allowed; counts it.
    fn spend(&mut self, fault: Fault) -> bool {
        if fault == Fault::Silence {
            self.silences += 1;
            self.silences <= self.silences_max
        } else {
            self.faults += 1;
            self.faults <= TRIES_MAX
        }
    }

    fn progress(&mut self) {
        self.faults = 0;
        self.silences = 0;
    }

    fn begin(&mut self) -> Step {
        if self.ifsd_settled || self.ifsd <= IFS_DEFAULT { self.settled() } else { self.ifs(1) }
    }

    fn ifs(&mut self, tries: u8) -> Step {
        self.phase = Phase::Ifs { tries };
        send(IFS_REQUEST, &[self.ifsd], 1)
    }

    fn settled(&mut self) -> Step {
        self.ifsd_settled = true;
        // From here on the card may have acted.
        self.in_step = false;
        self.phase = Phase::Sending;
        self.information()
    }

    fn resynch(&mut self, tries: u8, lost: bool, cause: Fault) -> Step {
        self.phase = Phase::Resynch { tries, lost, cause };
        send(RESYNCH_REQUEST, &[], 1)
    }

    fn more(&self) -> bool {
        self.acknowledged + self.under_way < self.command.len()
    }

    /// The I-block with the next part of the command.
    fn information(&mut self) -> Step {
        let len_max = usize::from(self.ifsc).min(self.block_len_max.saturating_sub(FRAME_LEN)).max(1);
        let rest = self.command.get(self.acknowledged..).unwrap_or(&[]);
        let part = rest.get(..len_max).unwrap_or(rest);
        self.under_way = part.len();
        let more = if part.len() < rest.len() { 0x20 } else { 0 };
        send(self.ns << 6 | more, part, 1)
    }

    fn append(&mut self, more: bool, inf: &[u8]) -> Result<Step, ChannelError> {
        if self.response.len() + inf.len() > RESPONSE_LEN_MAX {
            self.end();
            return Err(ChannelError::Block { what: "response longer than any APDU", tries: 0 });
        }
        secret::append(&mut self.response, inf);
        self.nr ^= 1;
        self.progress();
        if more {
            return Ok(send(READY | self.nr << 4, &[], 1));
        }
        self.in_step = true;
        let response = core::mem::take(&mut self.response);
        self.end();
        Ok(Step::Done(response))
    }

    /// Forgets the exchange; its contents are wiped.
    fn end(&mut self) {
        self.phase = Phase::Idle;
        self.command = Zeroizing::default();
        self.response = Zeroizing::default();
    }
}

#[cfg(test)]
mod tests;
