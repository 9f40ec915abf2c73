//! Card memory in a file, so that a simulated token outlives its process as a real one outlives its plug.
//!
//! The file is written again, synced and renamed before the answer that tells of the change leaves. A host that saw
//! 9000 finds the change after any power cut. A power cut at any moment leaves the old memory or the new one.
//!
//! Shape: a CBOR sequence (RFC 8742) of the text `FORMAT`, the version, the SHA-256 of the remaining bytes, and the
//! memory. Only the one encoding this program writes is read.
//! Secret: the simulated token's keys and PINs, in clear, as on a bench. Only the owner can read the file, because
//! people type PINs that they also use elsewhere.

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

/// A card's answer when its memory cannot be kept: 6581, memory failure.
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
        /// The part that does not fit.
        what: &'static str,
    },
    /// The system failed.
    #[error("{}: cannot {doing}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The action that failed.
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::{env, process};

    use super::*;
    use crate::card::profile::Profile;
    use crate::card::tests::{INITIALIZE, SELECT, VERIFY, blank, expect, hex, read, write};

    /// A directory that goes with this value.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            static COUNT: AtomicU32 = AtomicU32::new(0);
            let name = format!("conclave-state-{}-{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
            let path = env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self) -> PathBuf {
            self.0.join("DENK0100001.token")
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn reopen(path: &Path) -> Kept {
        let mut kept = Kept::open(path, Randomness::seeded([8; 32]), RsaSource::Generated).unwrap();
        kept.power_on();
        expect(&mut kept, SELECT, 0x9000);
        kept
    }

    fn refusal(path: &Path) -> String {
        Kept::open(path, Randomness::seeded([8; 32]), RsaSource::Generated).err().unwrap().to_string()
    }

    #[test]
    fn a_token_outlives_its_process_with_keys_files_and_tries() {
        let scratch = Scratch::new();
        let mut kept = Kept::create(&scratch.file(), blank(Profile::firmware_3_3())).unwrap();
        expect(&mut kept, SELECT, 0x9000);
        expect(&mut kept, INITIALIZE, 0x9000);
        expect(&mut kept, "004801B000", 0x9000);
        expect(&mut kept, &write("CF01", "0102"), 0x9000);
        expect(&mut kept, "0020008106363438323130", 0x63c2);
        let device = expect(&mut kept, &read("2F02", 0, 100), 0x9000);
        // Not closed, as when the process is killed.
        std::mem::forget(kept);

        let mut kept = reopen(&scratch.file());
        assert_eq!(kept.token().serial(), "DENK0100001");
        assert_eq!(*kept.token().profile(), Profile::firmware_3_3());
        expect(&mut kept, "00200081", 0x63c2);
        assert_eq!(expect(&mut kept, &read("CF01", 0, 2), 0x9000), [1, 2]);
        assert_eq!(expect(&mut kept, &read("2F02", 0, 100), 0x9000), device);
        assert_eq!(expect(&mut kept, "8058000000", 0x9000), hex("2F02 CF01 CC00 CC01"));
        expect(&mut kept, VERIFY, 0x9000);
    }

    #[test]
    fn a_token_is_not_made_where_one_is() {
        let scratch = Scratch::new();
        Kept::create(&scratch.file(), blank(Profile::firmware_4_1())).unwrap();
        let again = Kept::create(&scratch.file(), blank(Profile::firmware_4_1()));
        assert!(matches!(again, Err(StateError::Exists { .. })));
    }

    #[test]
    fn a_command_that_changes_nothing_writes_nothing() {
        let scratch = Scratch::new();
        let mut kept = Kept::create(&scratch.file(), blank(Profile::firmware_4_1())).unwrap();
        expect(&mut kept, SELECT, 0x9000);
        expect(&mut kept, INITIALIZE, 0x9000);
        fs::remove_file(scratch.file()).unwrap();
        expect(&mut kept, SELECT, 0x9000);
        assert!(!scratch.file().exists());
        expect(&mut kept, VERIFY, 0x9000);
        assert!(scratch.file().exists());
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let scratch = Scratch::new();
        Kept::create(&scratch.file(), blank(Profile::firmware_4_1())).unwrap();
        assert_eq!(fs::metadata(scratch.file()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_kept_is_not_answered_with_success() {
        let scratch = Scratch::new();
        let mut kept = Kept::create(&scratch.file(), blank(Profile::firmware_4_1())).unwrap();
        expect(&mut kept, SELECT, 0x9000);
        fs::remove_dir_all(&scratch.0).unwrap();
        expect(&mut kept, INITIALIZE, 0x6581);
        // Nor later, when it could: the card in memory is no longer the one in the file.
        fs::create_dir(&scratch.0).unwrap();
        expect(&mut kept, SELECT, 0x6581);
        expect(&mut kept, INITIALIZE, 0x6581);
        assert!(!scratch.file().exists());
        assert!(kept.failure().unwrap().to_string().ends_with("cannot write beside it"));
    }

    #[test]
    fn a_file_with_a_defect_is_refused_in_words() {
        let scratch = Scratch::new();
        let path = scratch.file();
        Kept::create(&path, blank(Profile::firmware_4_1())).unwrap();
        let good = fs::read(&path).unwrap();
        let check = |bytes: &[u8], words: &str| {
            fs::write(&path, bytes).unwrap();
            let refusal = refusal(&path);
            assert!(refusal.contains(words), "{refusal}");
        };
        // 78 18 and 24 characters of format, 01, 58 20 and 32 bytes of digest, the memory.
        assert_eq!((good[0], good[1], &good[26..29]), (0x78, 0x18, &[1, 0x58, 0x20][..]));
        check(&[], "not the state of a simulated token");
        check(b"-----BEGIN CERTIFICATE-----", "not the state of a simulated token");
        check(&[&good[..25], b"m", &good[26..]].concat(), "not the state of a simulated token");
        check(&[&good[..], &vec![0; LEN_MAX as usize]].concat(), "not the state of a simulated token");
        check(&[&good[..26], &[2], &good[27..]].concat(), "state of version 2, this program reads version 1");
        check(&[&good[..26], &[0], &good[27..]].concat(), "version 0");
        check(&good[..26], "no version");
        check(&good[..40], "no digest");
        check(&good[..good.len() - 1], "its digest is another");
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 1;
        check(&flipped, "its digest is another");
        let with_body = |body: &[u8]| [&good[..29], &Sha256::digest(body), body].concat();
        check(&with_body(&[0xa0]), "its memory is none this program writes");
        check(&with_body(&[&good[61..], &[0]].concat()), "not in the encoding this program writes");
        // The same memory with a length written longer than needed: A9 is a map of nine, B8 09 says so too.
        assert_eq!(good[61], 0xa9);
        check(&with_body(&[&[0xb8, 9], &good[62..]].concat()), "not in the encoding this program writes");
        fs::write(&path, &good).unwrap();
        reopen(&path);
        assert!(refusal(&scratch.0.join("none")).ends_with("cannot read it"));
    }
}
