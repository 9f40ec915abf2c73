//! The errors of a drive; the words for people are in [`crate::wording::drives`].

use conclave_publish::{FileName, ManifestError};

use super::fat32::Unfit;
use crate::shown::Shown;

/// An operation on a drive failed.
///
/// Nothing here says that a file was left alone: after a failed write the name may exist with part of the bytes, and
/// [`super::Attempt::Resumed`] is the way on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("drive at {port}: {tried} failed: {came}")]
pub struct DriveError {
    /// Where the drive is, or was.
    pub port: Shown,
    /// The operation.
    pub tried: Tried,
    /// The cause.
    pub came: Came,
}

/// An operation on a drive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Tried {
    /// Looking which drives there are.
    #[error("looking for it")]
    Look,
    /// Making its files reachable.
    #[error("mounting")]
    Mount,
    /// Listing its root directory.
    #[error("listing its files")]
    List,
    /// Reading a file.
    #[error("reading {}", .0.as_str())]
    Read(FileName),
    /// Writing a file.
    #[error("writing {}", .0.as_str())]
    Write(FileName),
    /// Several files, before any of them was touched.
    #[error("writing")]
    WriteAll,
    /// Making the drive keep the written bytes.
    #[error("making it keep {}", .0.as_str())]
    Sync(FileName),
    /// Ending a mount.
    #[error("unmounting")]
    Unmount,
    /// Logging it off the bus and on again, so that nothing but the drive itself can answer.
    #[error("logging it off and on again")]
    Replug,
    /// Reading the written bytes back.
    #[error("reading back {}", .0.as_str())]
    ReadBack(FileName),
    /// Giving it back.
    #[error("releasing")]
    Release,
}

/// The cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Came {
    /// No drive is at that port.
    #[error("no drive is there")]
    Absent,
    /// Another drive is at that port than the one that was meant.
    #[error("another drive is there, serial {}", .0.serial)]
    Swapped(Box<super::Drive>),
    /// It was pulled out, or it no longer answers.
    #[error("it was pulled out or stopped answering")]
    Gone,
    /// It has no serial, so nothing can tell it from another.
    #[error("it has no serial")]
    NoSerial,
    /// Another drive that is plugged in claims the same serial.
    #[error("another drive has the same serial")]
    SameSerial {
        /// Where that one is.
        other: Shown,
    },
    /// There is no FAT32 volume to work with.
    #[error("{0}")]
    Unfit(Unfit),
    /// It cannot be written to.
    #[error("it is write-protected")]
    ReadOnly,
    /// The files to be written do not fit. Units: bytes.
    #[error("it is full: {need} bytes needed, {free} free")]
    Full {
        /// Needed, in whole clusters.
        need: u64,
        /// There.
        free: u64,
    },
    /// The kernel reported an error of the drive.
    #[error("{0}")]
    Io(Shown),
    /// It took the bytes and then could not say that it keeps them.
    #[error("it could not keep what it took: {0}")]
    FlushFailed(Shown),
    /// The contents read back differ from the contents written.
    #[error("it gives back something else: {0}")]
    NotReadBack(Differs),
    /// A file of this name is there, with other contents.
    #[error("{} exists with other contents", .0.as_str())]
    Exists(FileName),
    /// No file of this name is there.
    #[error("it holds no such file")]
    NoFile,
    /// A file is longer than its reader accepts. Units: bytes.
    #[error("the file has {len} bytes, at most {at_most} are read")]
    TooLong {
        /// Its length.
        len: u64,
        /// Most that is read.
        at_most: u64,
    },
    /// A log is not as long as the record says. Units: bytes.
    #[error("the log has {found} bytes, the record {expected}")]
    LogLength {
        /// Length in the record.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
    /// More names than a drive of a ceremony has.
    #[error("its root directory holds more than {} names", super::NAMES_MAX)]
    TooManyNames,
    /// A name in a folder: drives of a ceremony hold files in their root directory only.
    #[error("{} is in a folder", .0.as_str())]
    Folder(FileName),
    /// Two of the names are one on FAT, or too many files at once.
    #[error(transparent)]
    Names(#[from] ManifestError),
    /// All names for keeping torn files are taken.
    #[error("every name for what a power cut left of {} is taken", .0.as_str())]
    NoNameLeft(FileName),
}

/// How a file differs from the written one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Differs {
    /// It is not there.
    #[error("the file is missing")]
    Missing,
    /// It has another length. Units: bytes.
    #[error("{found} bytes instead of {written}")]
    Length {
        /// Bytes written.
        written: u64,
        /// Bytes read back.
        found: u64,
    },
    /// Its bytes differ.
    #[error("other bytes of the same length")]
    Bytes,
    /// Another file changed, came or went meanwhile.
    #[error("{} changed, came or went meanwhile", .0.as_str())]
    Another(FileName),
}
