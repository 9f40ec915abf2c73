//! The transcript on the wire: a sequence of entries in deterministic CBOR, each chained to the one before by SHA-256.
//!
//! Source: RFC 8949 §4.2.1 (deterministic encoding), RFC 8742 (sequences), `docs/transcript.md`. A decoder that only parses
//! would take many spellings of one entry; here an entry is what encodes to the very bytes that were read.

use conclave_publish::{Digest, Plain};
use thiserror::Error;

use crate::entry::{Entry, Head};
use crate::event::Event;
use crate::public::Octets;
use crate::script::Script;

/// What entry 0 gives as the digest of the entry before it.
pub const GENESIS: Head = Digest::new([0; 32]);

/// The format this version writes and reads.
pub const FORMAT: u16 = 2;

/// Most bytes of an entry: the script of the largest plan, some 430 steps of at most 220 bytes, has room to spare.
pub const ENTRY_LEN_MAX: usize = 131_072;

/// Most bytes of a transcript: some ninety thousand entries of the usual size.
pub const TRANSCRIPT_LEN_MAX: usize = 16 << 20;

/// Deepest nesting: an entry, its event, the act in it and what the act names take eight.
const DEPTH_MAX: usize = 16;

/// Most characters of a decoder's message that an error repeats.
const REASON_LEN_MAX: usize = 160;

/// Why an entry cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// It is chained to another entry.
    #[error("the entry is chained to {found}, expected the head {expected}")]
    Head {
        /// The head it is to follow.
        expected: Head,
        /// What it gives.
        found: Head,
    },
    /// Nobody could read it back.
    #[error("the entry has {found} bytes, expected at most {ENTRY_LEN_MAX}")]
    Length {
        /// Bytes it has.
        found: usize,
    },
}

/// The bytes of an entry that follows `head`, and the head it leaves.
///
/// Errors: [`AppendError`]; nothing of an entry may be on a log that cannot be read back from it.
pub fn append(head: &Head, entry: &Entry) -> Result<(Vec<u8>, Head), AppendError> {
    if Digest::from(entry.prev) != *head {
        return Err(AppendError::Head { expected: *head, found: entry.prev.into() });
    }
    let bytes = encode(entry);
    if bytes.len() > ENTRY_LEN_MAX {
        return Err(AppendError::Length { found: bytes.len() });
    }
    let head = Digest::of(&bytes);
    Ok((bytes, head))
}

/// A transcript as far as it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Every entry.
    pub entries: Vec<Entry>,
    /// The head each entry left.
    pub heads: Vec<Head>,
    /// Bytes the entries take; a torn tail follows them.
    pub len: usize,
    /// Bytes of the torn tail: the beginning of an entry that was being written when the power failed, or nothing.
    pub torn: usize,
}

impl Transcript {
    /// The head the last entry left.
    pub fn head(&self) -> Head {
        self.heads.last().copied().unwrap_or(GENESIS)
    }

    /// The script that entry 1 promised; nothing if the transcript ends before.
    pub fn script(&self) -> Option<&Script> {
        match self.entries.get(1).map(|entry| &entry.event) {
            Some(Event::Promised(script)) => Some(script),
            _ => None,
        }
    }
}

/// Damage: bytes that no interruption of this program leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("byte {at}, entry {seq}: {what}")]
pub struct Damage {
    /// Where the entry begins. Units: bytes from the beginning of the transcript.
    pub at: usize,
    /// Which entry.
    pub seq: u64,
    /// What is wrong.
    pub what: Wrong,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Wrong {
    /// More bytes than a transcript may have.
    #[error("the transcript has {found} bytes, expected at most {TRANSCRIPT_LEN_MAX}")]
    TooMuch {
        /// Bytes there are.
        found: usize,
    },
    /// Not an entry of this format.
    #[error("not an entry: {reason}")]
    NotAnEntry {
        /// The decoder's words, which repeat those of the entry: on one line, filtered.
        reason: String,
    },
    /// An entry in another spelling than its one.
    #[error("an entry in another encoding than the deterministic one")]
    NotDeterministic,
    /// Entries are missing, doubled or out of order.
    #[error("it is entry {found}")]
    Seq {
        /// What it calls itself.
        found: u64,
    },
    /// An entry before it was changed, or it stood in another transcript.
    #[error("it is chained to {found}, expected {expected}")]
    Prev {
        /// SHA-256 of the entry before it here.
        expected: Head,
        /// What it gives.
        found: Head,
    },
    /// A transcript that does not begin, or begins twice.
    #[error("expected the beginning of a ceremony in entry 0 and nowhere else")]
    Beginning,
    /// A transcript without its script, or with two.
    #[error("expected the script in entry 1 and nowhere else")]
    Script,
    /// A format of another version.
    #[error("format {found}, expected {FORMAT}: take the verifier of that version")]
    Format {
        /// Its version.
        found: u16,
    },
}

/// Reads a transcript and checks that it is one chain.
///
/// A tail that is the beginning of an entry, or of one whose last sectors never left the drive's cache and read as zeros, is
/// torn; it is counted, and the entries before it stand. Everything else that is no entry is damage.
///
/// Errors: the first [`Damage`]. Reading never allocates more than the bytes that are there.
pub fn read(bytes: &[u8]) -> Result<Transcript, Damage> {
    let mut transcript = Transcript::default();
    let damage = |at, seq, what| Err(Damage { at, seq, what });
    if bytes.len() > TRANSCRIPT_LEN_MAX {
        return damage(0, 0, Wrong::TooMuch { found: bytes.len() });
    }
    let mut again = Vec::new();
    for seq in 0.. {
        let at = transcript.len;
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let (entry, len) = match decode(rest) {
            Ok(decoded) => decoded,
            Err(_) if is_torn(rest) => {
                transcript.torn = rest.len();
                break;
            }
            Err(Stop::Ends) => {
                return damage(at, seq, Wrong::NotAnEntry { reason: format!("longer than {ENTRY_LEN_MAX} bytes") });
            }
            Err(Stop::Not(reason)) => return damage(at, seq, Wrong::NotAnEntry { reason }),
        };
        let encoded = rest.get(..len).unwrap_or_default();
        again.clear();
        encode_into(&entry, &mut again);
        if again != encoded {
            return damage(at, seq, Wrong::NotDeterministic);
        }
        if entry.seq != seq {
            return damage(at, seq, Wrong::Seq { found: entry.seq });
        }
        if let (Event::Began(began), 0) = (&entry.event, seq) {
            if began.format != FORMAT {
                return damage(at, seq, Wrong::Format { found: began.format });
            }
        } else if seq == 0 || matches!(entry.event, Event::Began(_)) {
            return damage(at, seq, Wrong::Beginning);
        }
        if (seq == 1) != matches!(entry.event, Event::Promised(_)) {
            return damage(at, seq, Wrong::Script);
        }
        if entry.prev != Octets::from(transcript.head()) {
            return damage(at, seq, Wrong::Prev { expected: transcript.head(), found: entry.prev.into() });
        }
        transcript.heads.push(Digest::of(encoded));
        transcript.entries.push(entry);
        transcript.len += len;
    }
    Ok(transcript)
}

/// Why no entry was decoded.
enum Stop {
    /// The bytes end first.
    Ends,
    /// They are something else.
    Not(String),
}

/// One entry from the beginning of `bytes`, and how many of them it took.
fn decode(bytes: &[u8]) -> Result<(Entry, usize), Stop> {
    let mut rest = bytes.get(..ENTRY_LEN_MAX).unwrap_or(bytes);
    let before = rest.len();
    match ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX) {
        Ok(entry) => Ok((entry, before - rest.len())),
        Err(ciborium::de::Error::Io(_)) => Err(Stop::Ends),
        Err(ciborium::de::Error::Syntax(at)) => Err(Stop::Not(format!("no CBOR from byte {at} of it on"))),
        Err(ciborium::de::Error::RecursionLimitExceeded) => Err(Stop::Not("nested too deeply".to_owned())),
        Err(ciborium::de::Error::Semantic(_, words)) => {
            Err(Stop::Not(Plain(words).to_string().chars().take(REASON_LEN_MAX).collect()))
        }
    }
}

/// Whether a tail that is no entry is the beginning of one, apart from zeros that were never overwritten.
fn is_torn(tail: &[u8]) -> bool {
    let written = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    tail.len() <= ENTRY_LEN_MAX && matches!(decode(tail.get(..written).unwrap_or_default()), Err(Stop::Ends))
}

fn encode(entry: &Entry) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_into(entry, &mut bytes);
    bytes
}

fn encode_into(entry: &Entry, bytes: &mut Vec<u8>) {
    // Writing to memory does not fail, and every type of an entry is known to CBOR. Were it otherwise, what stands in
    // `bytes` would be no entry, and no reader would take it for one.
    let _ = ciborium::into_writer(entry, bytes);
}

#[cfg(test)]
mod tests;
