//! Card memory in a file, so that a simulated token outlives its process as a real one outlives its plug.
//!
//! The file is written anew, synced and renamed before the answer that tells of the change leaves: whoever saw 9000 finds the
//! change after any power cut, and whoever cuts the power finds the old memory or the new one.
//!
//! Shape: a CBOR sequence (RFC 8742) of the text [`FORMAT`], the version, the SHA-256 of what follows, and the memory. Only the
//! one encoding this program writes is read.
//! Secret: the simulated token's keys and PINs, in clear as on a bench; the file is readable to its owner alone because people
//! type PINs they also use elsewhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::card::Card;
use crate::card::memory::Memory;
use crate::card::random::Randomness;
use crate::card::rsa::RsaSource;
use crate::icc::{Answer, Icc, Wire};
use crate::token::Token;

/// First item of every state file.
const FORMAT: &str = "conclave simulated token";

/// The one version there is.
const VERSION: u32 = 1;

/// Longest file read. Memory of a full token, the largest written, stays below a quarter of it.
const LEN_MAX: u64 = 1 << 20;

/// What a card answers when its memory cannot be kept: 6581, memory failure.
const MEMORY_FAILURE: [u8; 2] = [0x65, 0x81];

/// A token whose memory is kept in a file.
pub struct Kept {
    token: Token,
    path: PathBuf,
    /// Writes the file knows of.
    writes: u64,
    failure: Option<StateError>,
}

/// Why a state file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// There is a token already.
    #[error("{}: a token is there already; take another name, or remove the file to throw that token away", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is no state file.
    #[error("{}: not the state of a simulated token", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later program wrote it.
    #[error("{}: state of version {found}, this program reads version {VERSION}; use the program that wrote it", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The file is a state file, but not as it was written.
    #[error("{}: damaged: {what}; the token in it is lost, remove the file and make a new one", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// The system failed.
    #[error("{}: cannot {doing}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why it failed.
        source: io::Error,
    },
}

impl Kept {
    /// Keeps a new token's memory in a new file.
    pub fn create(path: &Path, card: Card) -> Result<Self, StateError> {
        if path.exists() {
            return Err(StateError::Exists { path: path.to_owned() });
        }
        save(path, &encode(path, card.memory())?)?;
        Ok(Self { writes: card.writes(), token: Token::new(card), path: path.to_owned(), failure: None })
    }

    /// The token of a file, without power. Its further randomness and RSA keys come from here, not from the file.
    pub fn open(path: &Path, random: Randomness, rsa: RsaSource) -> Result<Self, StateError> {
        let io = |doing| move |source| StateError::Io { path: path.to_owned(), doing, source };
        let len = fs::metadata(path).map_err(io("read it"))?.len();
        if len > LEN_MAX {
            return Err(StateError::Foreign { path: path.to_owned() });
        }
        let memory = decode(path, &fs::read(path).map_err(io("read it"))?)?;
        let card = Card::with_memory(memory, random, rsa);
        Ok(Self { writes: card.writes(), token: Token::new(card), path: path.to_owned(), failure: None })
    }

    /// The token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The token, to give it faults.
    pub fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }

    /// Why the memory could not be kept; from then on the token answers 6581 to everything.
    pub fn failure(&self) -> Option<&StateError> {
        self.failure.as_ref()
    }

    fn keep(&mut self) -> Result<(), StateError> {
        let card = self.token.card();
        if card.writes() == self.writes {
            return Ok(());
        }
        save(&self.path, &encode(&self.path, card.memory())?)?;
        self.writes = card.writes();
        Ok(())
    }
}

impl Icc for Kept {
    fn power_on(&mut self) -> Vec<u8> {
        self.token.power_on()
    }

    fn power_off(&mut self) {
        self.token.power_off();
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        let refused = || Answer { response: MEMORY_FAILURE.to_vec(), wire: Wire::Clean };
        if self.failure.is_some() {
            return refused();
        }
        let answer = self.token.transmit(command);
        match self.keep() {
            Ok(()) => answer,
            Err(failure) => {
                self.failure = Some(failure);
                refused()
            }
        }
    }
}

fn encode(path: &Path, memory: &Memory) -> Result<Vec<u8>, StateError> {
    let unwritable = |_| StateError::Damaged { path: path.to_owned(), what: "its memory has no encoding" };
    let mut body = Vec::new();
    ciborium::into_writer(memory, &mut body).map_err(unwritable)?;
    let mut out = Vec::new();
    let digest = serde_bytes::ByteBuf::from(Sha256::digest(&body).to_vec());
    ciborium::into_writer(FORMAT, &mut out).map_err(unwritable)?;
    ciborium::into_writer(&VERSION, &mut out).map_err(unwritable)?;
    ciborium::into_writer(&digest, &mut out).map_err(unwritable)?;
    out.extend_from_slice(&body);
    Ok(out)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Memory, StateError> {
    let foreign = || StateError::Foreign { path: path.to_owned() };
    let damaged = |what| StateError::Damaged { path: path.to_owned(), what };
    let mut rest = bytes;
    let format: String = ciborium::from_reader(&mut rest).map_err(|_| foreign())?;
    if format != FORMAT {
        return Err(foreign());
    }
    let version: u32 = ciborium::from_reader(&mut rest).map_err(|_| damaged("no version"))?;
    match version {
        VERSION => {}
        0 => return Err(damaged("version 0")),
        found => return Err(StateError::Newer { path: path.to_owned(), found }),
    }
    let digest: serde_bytes::ByteBuf = ciborium::from_reader(&mut rest).map_err(|_| damaged("no digest"))?;
    if digest.as_slice() != Sha256::digest(rest).as_slice() {
        return Err(damaged("its digest is another"));
    }
    let memory: Memory = ciborium::from_reader(rest).map_err(|_| damaged("its memory is none this program writes"))?;
    if encode(path, &memory)? != bytes {
        return Err(damaged("not in the encoding this program writes"));
    }
    Ok(memory)
}

/// Replaces the file in one step.
fn save(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let io = |doing| move |source| StateError::Io { path: path.to_owned(), doing, source };
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(io("write beside it"))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write beside it"))?;
    fs::rename(&new, path).map_err(io("replace it"))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(io("sync its directory"))
}
