//! Blocks of T=1: their form and their faults.

use zeroize::Zeroizing;

/// Bytes of a block around its information field: NAD, PCB, LEN and LRC.
pub const FRAME_LEN: usize = 4;
/// Longest information field.
pub const INF_LEN_MAX: u8 = 254;

/// A block for the card.
///
/// Secret: it may carry part of a command's body; it is wiped on drop and never printed.
pub struct Block {
    /// NAD, PCB, LEN, information field, LRC.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Block waiting times the card may take for its answer: 1, or the number it asked for by S(WTX).
    pub waiting_times: u8,
}

impl Block {
    /// A block around `inf`, which must fit one.
    pub(super) fn new(pcb: u8, inf: &[u8], waiting_times: u8) -> Self {
        let mut bytes = Zeroizing::new(Vec::with_capacity(FRAME_LEN + inf.len()));
        bytes.extend_from_slice(&[0, pcb, inf.len() as u8]);
        bytes.extend_from_slice(inf);
        let lrc = bytes.iter().fold(0, |sum, byte| sum ^ byte);
        bytes.push(lrc);
        Self { bytes, waiting_times }
    }
}

impl core::fmt::Debug for Block {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Block({} bytes, {} waiting times)", self.bytes.len(), self.waiting_times)
    }
}

/// Faults of a received block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Lrc,
    Len,
    Nad,
    Pcb,
    Number,
    Unexpected,
    Repeat,
    Silence,
    Abort,
    /// The exchange before this one never ended.
    Abandoned,
}

impl Fault {
    /// Error bits of an R-block.
    pub(super) fn code(self) -> u8 {
        if self == Self::Lrc { 1 } else { 2 }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Lrc => "block with wrong checksum and RESYNCH not answered",
            Self::Len => "block with wrong length and RESYNCH not answered",
            Self::Nad => "block with wrong address and RESYNCH not answered",
            Self::Pcb => "block of unknown kind and RESYNCH not answered",
            Self::Number => "block with wrong number and RESYNCH not answered",
            Self::Unexpected => "block out of turn and RESYNCH not answered",
            Self::Repeat => "card keeps asking for repetition and RESYNCH not answered",
            Self::Silence => "no block and RESYNCH not answered",
            Self::Abort => "card aborted the exchange and RESYNCH not answered",
            Self::Abandoned => "exchange before this one given up and RESYNCH not answered",
        }
    }
}

/// A block of the card.
pub(super) enum Incoming<'a> {
    Information { number: u8, more: bool, inf: &'a [u8] },
    Ready { number: u8 },
    ResynchResponse,
    IfsRequest(u8),
    IfsResponse(u8),
    AbortRequest,
    WtxRequest(u8),
}

pub(super) const READY: u8 = 0x80;
pub(super) const RESYNCH_REQUEST: u8 = 0xc0;
pub(super) const IFS_REQUEST: u8 = 0xc1;
pub(super) const IFS_RESPONSE: u8 = 0xe1;
pub(super) const ABORT_RESPONSE: u8 = 0xe2;
pub(super) const WTX_RESPONSE: u8 = 0xe3;

/// Reads a block; a defect is told by the repetition it calls for.
pub(super) fn parse(bytes: &[u8]) -> Result<Incoming<'_>, Fault> {
    let [nad, pcb, len, inf @ .., _] = bytes else { return Err(Fault::Len) };
    if *len > INF_LEN_MAX || usize::from(*len) != inf.len() {
        return Err(Fault::Len);
    }
    if bytes.iter().fold(0, |sum, byte| sum ^ byte) != 0 {
        return Err(Fault::Lrc);
    }
    if *nad != 0 {
        return Err(Fault::Nad);
    }
    match (*pcb, inf) {
        // A chained block that brings nothing could be repeated for ever.
        (0x20 | 0x60, []) => Err(Fault::Len),
        (0x00 | 0x20 | 0x40 | 0x60, inf) => {
            Ok(Incoming::Information { number: pcb >> 6 & 1, more: pcb & 0x20 != 0, inf })
        }
        (0x80..=0x82 | 0x90..=0x92, []) => Ok(Incoming::Ready { number: pcb >> 4 & 1 }),
        (0xe0, []) => Ok(Incoming::ResynchResponse),
        (0xc1, [ifs @ 1..=INF_LEN_MAX]) => Ok(Incoming::IfsRequest(*ifs)),
        (0xe1, [ifs]) => Ok(Incoming::IfsResponse(*ifs)),
        (0xc2, []) => Ok(Incoming::AbortRequest),
        (0xc3, [factor @ 1..=u8::MAX]) => Ok(Incoming::WtxRequest(*factor)),
        (0x80..=0x82 | 0x90..=0x92 | 0xe0 | 0xc1 | 0xe1 | 0xc2 | 0xc3, _) => Err(Fault::Len),
        _ => Err(Fault::Pcb),
    }
}
