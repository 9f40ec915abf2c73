//! Tells the Conclave boot medium from other disks and reports its content: the one reading shared by the appliance's
//! first screen, `conclave medium` on any Linux, and the builder that writes the image.
//!
//! An image carries a *seal* in the application-use field of its ISO 9660 volume descriptor: its own length, and the
//! SHA-256 of itself with that field blanked. The seal finds the medium and detects damage. It proves nothing against
//! an attacker, because the attacker can compute it again. For an attacker there is the full digest: people compare it
//! with a copy from elsewhere.
//!
//! Nothing here opens a device. Bytes come from a reader the caller chose, and never beyond the length in the seal, so
//! that rubbish behind the image on a larger stick does not count.

mod masked;
mod seal;

pub use seal::{DESCRIPTOR_AT, DESCRIPTOR_LEN, FIELD_AT, FIELD_LEN, LEN_MAX, LEN_MIN, Seal, SealError};

use std::io::{Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use conclave_publish::Digest;
use masked::Masked;
use sha2::{Digest as _, Sha256};

/// Bytes read from the medium at a time; progress is told once for each.
const CHUNK_LEN: usize = 1 << 20;
/// Pieces that may wait for each of the two hashes: enough that neither waits for the drive's next answer.
const CHUNKS_WAITING_MAX: usize = 2;

/// The result of examining a medium.
///
/// **Shape**: digests are 32 bytes; `len` is the exact length of the image, not of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Bytes of the image, from its seal.
    pub len: u64,
    /// SHA-256 of exactly these bytes. It equals `sha256sum` of the published file; people compare it.
    pub digest: Digest,
    /// Whether the image agrees with its own seal.
    pub self_check: SelfCheck,
}

/// Whether an image agrees with the seal written into it: detects bad media, never malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfCheck {
    /// Every byte is as the builder wrote it, unless a person computed the seal again.
    Holds,
    /// At least one byte differs from the builder's byte.
    Fails,
}

/// Why a device or file could not be examined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExamineError {
    /// It carries no valid seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It ends before the length its seal names.
    #[error("the image should be {want} bytes long but ends after {got}: the copy is incomplete")]
    Truncated {
        /// Length in the seal.
        want: u64,
        /// Bytes there were.
        got: u64,
    },
    /// Reading failed.
    #[error("cannot read it at byte {at}")]
    Read {
        /// Offset of the failing read.
        at: u64,
        /// The error of the system.
        #[source]
        source: std::io::Error,
    },
}

/// Reads the seal alone: enough to tell our medium from any other disk, with one read of 2048 bytes.
///
/// **Errors**: [`ExamineError::Truncated`] if there is no sector 16; [`ExamineError::Seal`] if it is not ours.
pub fn identify(medium: &mut (impl Read + Seek)) -> Result<Seal, ExamineError> {
    let read = |source| ExamineError::Read { at: DESCRIPTOR_AT, source };
    medium.seek(SeekFrom::Start(DESCRIPTOR_AT)).map_err(read)?;
    let mut descriptor = [0; DESCRIPTOR_LEN];
    let got = fill(medium, &mut descriptor).map_err(read)?;
    if got < descriptor.len() {
        let want = DESCRIPTOR_AT + DESCRIPTOR_LEN as u64;
        return Err(ExamineError::Truncated { want, got: DESCRIPTOR_AT + got as u64 });
    }
    Ok(Seal::of_descriptor(&descriptor)?)
}

/// Hashes the medium over exactly the length in its seal and compares it with the seal.
///
/// It is read once and hashed twice, with and without its seal, by a thread each while the next piece is read.
/// `progress` is told how many bytes of how many are done, about once per MiB.
/// **Errors**: as [`identify`], and [`ExamineError::Truncated`] if it ends early.
pub fn examine(medium: &mut (impl Read + Seek), mut progress: impl FnMut(u64, u64)) -> Result<Report, ExamineError> {
    let seal = identify(medium)?;
    medium.seek(SeekFrom::Start(0)).map_err(|source| ExamineError::Read { at: 0, source })?;
    thread::scope(|scope| {
        let (to_full, from_full) = sync_channel(CHUNKS_WAITING_MAX);
        let (to_masked, from_masked) = sync_channel(CHUNKS_WAITING_MAX);
        let full = scope.spawn(|| {
            let mut hash = Sha256::new();
            each(from_full, |chunk| hash.update(chunk));
            Digest::new(hash.finalize().into())
        });
        let masked = scope.spawn(|| {
            let mut hash = Masked::default();
            each(from_masked, |chunk| hash.update(chunk));
            hash.finish()
        });
        // Both ends are dropped in here, which ends the two hashes, whatever came of the reading.
        let read = read(medium, seal.len, &[to_full, to_masked], &mut progress);
        let (Ok(digest), Ok(masked)) = (full.join(), masked.join()) else {
            let source = std::io::Error::other("hashing it stopped half way");
            return Err(ExamineError::Read { at: 0, source });
        };
        read?;
        let self_check = if masked == seal.masked { SelfCheck::Holds } else { SelfCheck::Fails };
        Ok(Report { len: seal.len, digest, self_check })
    })
}

type Chunk = Arc<Vec<u8>>;

fn each(chunks: Receiver<Chunk>, mut work: impl FnMut(&[u8])) {
    chunks.into_iter().for_each(|chunk| work(&chunk));
}

/// Reads exactly `len` bytes and hands each piece to every hash.
fn read(
    medium: &mut impl Read,
    len: u64,
    hashes: &[SyncSender<Chunk>],
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), ExamineError> {
    let mut done = 0;
    while done < len {
        let wanted = usize::try_from(len - done).unwrap_or(CHUNK_LEN).min(CHUNK_LEN);
        let mut chunk = vec![0; wanted];
        let got = fill(medium, &mut chunk).map_err(|source| ExamineError::Read { at: done, source })?;
        done += got as u64;
        if got < wanted {
            return Err(ExamineError::Truncated { want: len, got: done });
        }
        let chunk = Arc::new(chunk);
        for hash in hashes {
            // A hash that has stopped is told of when it is joined.
            let _ = hash.send(Arc::clone(&chunk));
        }
        progress(done, len);
    }
    Ok(())
}

/// Fills `buffer` as far as the reader has bytes; a short count means the end was reached.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// An image of three odd chunks with a correct seal.
    fn image() -> Vec<u8> {
        let mut image: Vec<u8> = (0..2 * CHUNK_LEN + 777).map(|i| (i % 251) as u8).collect();
        let descriptor = &mut image[DESCRIPTOR_AT as usize..][..DESCRIPTOR_LEN];
        descriptor[..7].copy_from_slice(b"\x01CD001\x01");
        Seal::write(&mut image).unwrap();
        image
    }

    fn check(bytes: Vec<u8>) -> Result<Report, ExamineError> {
        examine(&mut Cursor::new(bytes), |_, _| {})
    }

    #[test]
    fn a_sound_image_holds_and_its_digest_is_the_one_of_the_file() {
        let image = image();
        let report = check(image.clone()).unwrap();
        assert_eq!(report.len, image.len() as u64);
        assert_eq!(report.digest, Digest::of(&image));
        assert_eq!(report.self_check, SelfCheck::Holds);
    }

    #[test]
    fn rubbish_behind_the_image_changes_nothing() {
        let image = image();
        let mut larger = image.clone();
        larger.extend([0xa5; 4096]);
        assert_eq!(check(larger).unwrap(), check(image).unwrap());
    }

    #[test]
    fn one_flipped_bit_anywhere_outside_the_seal_fails_the_self_check() {
        let sound = image();
        for at in [0, 511, FIELD_AT as usize - 1, FIELD_AT as usize + FIELD_LEN, CHUNK_LEN, sound.len() - 1] {
            let mut bad = sound.clone();
            bad[at] ^= 1;
            let report = check(bad).unwrap();
            assert_eq!(report.self_check, SelfCheck::Fails, "byte {at}");
            assert_ne!(report.digest, Digest::of(&sound), "byte {at}");
        }
    }

    #[test]
    fn an_image_cut_short_is_told_from_a_damaged_one() {
        let mut short = image();
        short.pop();
        let want = short.len() as u64 + 1;
        assert!(matches!(check(short), Err(ExamineError::Truncated { want: w, got }) if w == want && got == want - 1));
    }

    #[test]
    fn a_disk_too_small_for_a_descriptor_is_refused() {
        assert!(matches!(check(vec![0; 34_815]), Err(ExamineError::Truncated { want: 34_816, got: 34_815 })));
    }

    #[test]
    fn progress_ends_at_the_whole_length() {
        let image = image();
        let mut told = Vec::new();
        examine(&mut Cursor::new(image.clone()), |done, of| told.push((done, of))).unwrap();
        assert_eq!(told.last(), Some(&(image.len() as u64, image.len() as u64)));
        assert_eq!(told.len(), 3);
    }
}
