//! T=1 as the card speaks it: every block from the host is answered by exactly one block.
//!
//! Written from ISO/IEC 7816-3:2006 clause 11 alone, so that the host's side of this project meets a stranger.

use super::block_log::{BlockLog, Side};
use crate::icc::{Icc, Wire};

/// Largest INF the card takes, as TA3 of its ATR says.
const IFSC: u8 = 254;
/// Largest INF the host takes until it says otherwise.
const IFSD_START: usize = 32;
/// Longest command: header, extended Lc, 65,535 bytes, extended Le. A chain beyond it is aborted.
const COMMAND_LEN_MAX: usize = 4 + 3 + 65_535 + 2;
/// Multiplier of the block waiting time the card asks for.
pub(super) const WTX_MULTIPLIER: u8 = 1;

/// INF of R-blocks: the fault of the block before.
mod wrong {
    pub(super) const NOTHING: u8 = 0;
    pub(super) const CHECKSUM: u8 = 1;
    pub(super) const OTHER: u8 = 2;
}

/// PCB of S-blocks: requests; responses have this bit as well.
const RESPONSE: u8 = 0x20;
const RESYNCH: u8 = 0xc0;
const IFS: u8 = 0xc1;
const ABORT: u8 = 0xc2;
const WTX: u8 = 0xc3;

/// A request of the card. The card goes on only after it is met, and repeats it until then.
#[derive(Clone, Copy, Debug)]
enum Request {
    /// Time, this many times more.
    Wtx { rounds: u32 },
    /// Blocks of another size.
    Ifs { ifsc: u8 },
    /// The end of the host's chain.
    Abort,
}

impl Request {
    fn pcb_and_inf(self) -> (u8, Option<u8>) {
        match self {
            Self::Wtx { .. } => (WTX, Some(WTX_MULTIPLIER)),
            Self::Ifs { ifsc } => (IFS, Some(ifsc)),
            Self::Abort => (ABORT, None),
        }
    }
}

/// A block as it was sent, without checksum; a repetition sends it again.
type Unsealed = Vec<u8>;

/// The card's end of the line.
#[derive(Debug)]
pub(super) struct CardT1 {
    /// N(S) of the next I-block from the host.
    expected: u8,
    /// N(S) of the next I-block to the host.
    next: u8,
    ifsc: u8,
    ifsd: usize,
    /// The command as far as its chain has come.
    command: Vec<u8>,
    /// The response as far as it has not been sent.
    response: Vec<u8>,
    /// The last I-block sent.
    sent: Option<Unsealed>,
    /// The last block sent, of any kind.
    last: Unsealed,
    request: Option<Request>,
    /// Blocks that are still to carry a wrong checksum.
    spoil: u32,
    mute: bool,
    log: BlockLog,
}

/// The next signal on the contacts of the card.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// The block, `None` for silence.
    pub(super) block: Option<Vec<u8>>,
    /// The fault of the reader with this block.
    pub(super) wire: Wire,
}

impl CardT1 {
    pub(super) fn new(log: BlockLog) -> Self {
        Self {
            expected: 0,
            next: 0,
            ifsc: IFSC,
            ifsd: IFSD_START,
            command: Vec::new(),
            response: Vec::new(),
            sent: None,
            last: vec![0x80 | wrong::OTHER],
            request: None,
            spoil: 0,
            mute: false,
            log,
        }
    }

    /// Power was applied: the line starts from nothing.
    pub(super) fn power_on(&mut self) {
        *self = Self::new(self.log.clone());
    }

    /// One block from the host.
    pub(super) fn exchange(&mut self, block: &[u8], icc: &mut impl Icc) -> Sent {
        if self.mute {
            return Sent { block: None, wire: Wire::Clean };
        }
        self.log.note(Side::Host, block);
        let (reply, wire) = match self.understand(block) {
            Ok((pcb, inf)) => self.react(pcb, inf, icc),
            Err(what) => (self.complain(what), Wire::Clean),
        };
        if wire == Wire::Mute {
            self.mute = true;
            return Sent { block: None, wire: Wire::Clean };
        }
        self.last.clone_from(&reply);
        // Source and destination address change places.
        let nad = block.first().map_or(0, |nad| nad.rotate_left(4) & 0x77);
        Sent { block: Some(self.seal(nad, &reply)), wire }
    }

    /// PCB and INF of a block, or its fault.
    fn understand<'a>(&self, block: &'a [u8]) -> Result<(u8, &'a [u8]), u8> {
        if block.iter().fold(0, |sum, byte| sum ^ byte) != 0 {
            return Err(wrong::CHECKSUM);
        }
        match block {
            [_, pcb, len, inf @ .., _] if usize::from(*len) == inf.len() && *len <= self.ifsc => Ok((*pcb, inf)),
            _ => Err(wrong::OTHER),
        }
    }

    fn react(&mut self, pcb: u8, inf: &[u8], icc: &mut impl Icc) -> (Unsealed, Wire) {
        // RESYNCH goes before everything.
        if (pcb, inf) == (RESYNCH, &[]) {
            self.resynch();
            return (vec![RESYNCH | RESPONSE], Wire::Clean);
        }
        if let Some(request) = self.request {
            return (self.after_request(request, pcb, inf), Wire::Clean);
        }
        match pcb {
            _ if pcb & 0x9f == 0 => self.information(pcb, inf, icc),
            _ if pcb & 0xec == 0x80 && inf.is_empty() => (self.receipt(pcb >> 4 & 1), Wire::Clean),
            IFS => match *inf {
                [ifsd @ 1..=254] => {
                    self.ifsd = usize::from(ifsd);
                    (vec![IFS | RESPONSE, ifsd], Wire::Clean)
                }
                _ => (self.complain(wrong::OTHER), Wire::Clean),
            },
            ABORT if inf.is_empty() => {
                self.command.clear();
                self.response.clear();
                (vec![ABORT | RESPONSE], Wire::Clean)
            }
            _ => (self.complain(wrong::OTHER), Wire::Clean),
        }
    }

    /// An I-block: part of a command.
    fn information(&mut self, pcb: u8, inf: &[u8], icc: &mut impl Icc) -> (Unsealed, Wire) {
        let (number, more) = (pcb >> 6 & 1, pcb & 0x20 != 0);
        // A host that has not fetched the whole response cannot begin a command.
        if number != self.expected || !self.response.is_empty() {
            return (self.complain(wrong::OTHER), Wire::Clean);
        }
        self.expected ^= 1;
        if self.command.len() + inf.len() > COMMAND_LEN_MAX {
            self.command.clear();
            return (self.ask(Request::Abort), Wire::Clean);
        }
        self.command.extend_from_slice(inf);
        if more {
            return (self.complain(wrong::NOTHING), Wire::Clean);
        }
        let answer = icc.transmit(&core::mem::take(&mut self.command));
        self.response = answer.response;
        let block = match answer.wire {
            Wire::Wtx { rounds: rounds @ 1.. } => self.ask(Request::Wtx { rounds }),
            Wire::Ifs { ifsc } => self.ask(Request::Ifs { ifsc }),
            _ => self.respond(),
        };
        match answer.wire {
            Wire::BadLrc { blocks } => self.spoil = blocks,
            Wire::Clean | Wire::Wtx { .. } | Wire::Ifs { .. } => {}
            wire @ (Wire::Mute | Wire::Stall | Wire::Garbage | Wire::Late | Wire::Vanish { .. }) => {
                return (block, wire);
            }
        }
        (block, Wire::Clean)
    }

    /// An R-block: the host wants the block with this number.
    fn receipt(&mut self, wanted: u8) -> Unsealed {
        match &self.sent {
            Some(block) if wanted != self.next => block.clone(),
            Some(_) if !self.response.is_empty() => self.respond(),
            _ => self.last.clone(),
        }
    }

    /// A block that arrived while the card waits for the answer to a request.
    fn after_request(&mut self, request: Request, pcb: u8, inf: &[u8]) -> Unsealed {
        let (asked, wanted) = request.pcb_and_inf();
        if (pcb, inf) != (asked | RESPONSE, wanted.as_slice()) {
            return self.ask(request);
        }
        self.request = None;
        match request {
            Request::Wtx { rounds: rounds @ 2.. } => self.ask(Request::Wtx { rounds: rounds - 1 }),
            Request::Wtx { .. } => self.respond(),
            Request::Ifs { ifsc } => {
                self.ifsc = ifsc;
                self.respond()
            }
            Request::Abort => self.complain(wrong::NOTHING),
        }
    }

    fn ask(&mut self, request: Request) -> Unsealed {
        self.request = Some(request);
        let (pcb, inf) = request.pcb_and_inf();
        [pcb].into_iter().chain(inf).collect()
    }

    /// An R-block: N(R) names the I-block expected next. The block kept for a repetition stays.
    fn complain(&mut self, what: u8) -> Unsealed {
        match self.request {
            Some(request) => self.ask(request),
            None => vec![0x80 | self.expected << 4 | what],
        }
    }

    /// The next I-block of the response.
    fn respond(&mut self) -> Unsealed {
        let rest = self.response.split_off(self.response.len().min(self.ifsd));
        let inf = core::mem::replace(&mut self.response, rest);
        let more = if self.response.is_empty() { 0 } else { 0x20 };
        let mut block = vec![self.next << 6 | more];
        block.extend(inf);
        self.next ^= 1;
        self.sent = Some(block.clone());
        block
    }

    fn resynch(&mut self) {
        let spoil = self.spoil;
        self.power_on();
        self.spoil = spoil;
    }

    /// PCB and INF as a block: addresses in front, length between, checksum behind.
    fn seal(&mut self, nad: u8, unsealed: &[u8]) -> Vec<u8> {
        let (pcb, inf) = unsealed.split_first().map_or((0, &[][..]), |(pcb, inf)| (*pcb, inf));
        let mut block = vec![nad, pcb, inf.len() as u8];
        block.extend(inf);
        let mut sum = block.iter().fold(0, |sum, byte| sum ^ byte);
        if self.spoil > 0 {
            self.spoil -= 1;
            sum = !sum;
        }
        block.push(sum);
        self.log.note(Side::Card, &block);
        block
    }
}
