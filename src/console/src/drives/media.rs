//! A machine's operations on drives: the port that the appliance and the simulated world implement.

use conclave_publish::FileName;

use super::{Came, Drive, Listing};
use crate::shown::Shown;

/// The access that a mount allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing is changed, not even a mark that the volume is in use.
    Read,
    /// New files.
    Write,
}

/// The caches that may answer when a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// Anything, the machine's own memory of it included.
    Nothing,
    /// The drive alone: the machine's memory is passed by.
    Cache,
}

/// Room on a volume. Units: bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Free.
    pub free: u64,
    /// The unit to which a file's length is rounded up.
    pub cluster: u64,
}

/// Operations on drives, none of which decides anything. Drives are addressed by port; a drive is mounted at most once.
///
/// **Errors**: [`Came::Gone`] as soon as the drive no longer answers; [`Came::Io`] for any other error of the system.
pub trait Media {
    /// Every drive that may be looked at, in the order of ports, without mounting any.
    fn look(&mut self) -> Result<Vec<Drive>, Came>;

    /// The access of the mount at this port. `None` if there is no mount, or its drive is gone.
    fn mounted(&mut self, port: &Shown) -> Option<Access>;

    /// Mounts the FAT32 volume of the drive at this port, which is not mounted.
    fn mount(&mut self, port: &Shown, access: Access) -> Result<(), Came>;

    /// Writes back everything and ends the mount; fails if the drive did not take it.
    fn unmount(&mut self, port: &Shown) -> Result<(), Came>;

    /// The contents of the root directory, its files sorted by name.
    ///
    /// **Errors**: [`Came::TooManyNames`] beyond [`super::NAMES_MAX`] of them.
    fn list(&mut self, port: &Shown) -> Result<Listing, Came>;

    /// Room on the mounted volume.
    fn space(&mut self, port: &Shown) -> Result<Space, Came>;

    /// At most `len` bytes of a file from `at` on; fewer if the file ends before.
    fn fetch(&mut self, port: &Shown, name: &FileName, at: u64, len: usize, past: Past) -> Result<Vec<u8>, Came>;

    /// Makes a new, empty file.
    ///
    /// **Errors**: [`Came::Exists`] if the name is taken, in whatever capitals.
    fn create(&mut self, port: &Shown, name: &FileName) -> Result<(), Came>;

    /// Adds bytes at the end of a file.
    fn extend(&mut self, port: &Shown, name: &FileName, bytes: &[u8]) -> Result<(), Came>;

    /// Cuts a file off at `len`.
    fn shorten(&mut self, port: &Shown, name: &FileName, len: u64) -> Result<(), Came>;

    /// Gives a file another name, which is not taken.
    fn rename(&mut self, port: &Shown, from: &FileName, to: &FileName) -> Result<(), Came>;

    /// Returns when the drive says it keeps the file and its directory entry.
    ///
    /// **Errors**: [`Came::FlushFailed`] if it says otherwise.
    fn sync(&mut self, port: &Shown, name: &FileName) -> Result<(), Came>;

    /// Logs an unmounted drive off the bus and on again: the machine forgets all it read from it. Returns when the
    /// drive is there again.
    fn replug(&mut self, port: &Shown) -> Result<(), Came>;
}
