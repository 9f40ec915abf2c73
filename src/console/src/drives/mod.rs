//! Drives: the files that enter and leave the room on sticks, and the conditions for a file to count as written.
//!
//! [`Media`] is a machine's operations on a drive, one small operation each. [`Drives`] is a ceremony's operations,
//! made of those here, once, so that *written* means the same on the appliance and in the simulated world. A file is
//! never overwritten and a cache is never trusted: the written bytes are read back from the drive itself.

mod error;
pub mod fat32;
mod listing;
mod media;
mod store;

use core::fmt;

pub use error::{Came, Differs, DriveError, Tried};
pub use listing::Listing;
pub use media::{Access, Media, Past, Space};
pub use store::{Attempt, Drives, NAMES_MAX};

use crate::shown::{Serial, Shown};
use fat32::Unfit;

/// A drive as the machine sees it at this moment.
///
/// Whoever works with a drive hands over the whole of this, so that another one pushed into the same port meanwhile is
/// refused and not written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drive {
    /// Where: controller, hub and port, as the kernel counts them (`1-4`, `1-4.2` behind a hub).
    pub port: Shown,
    /// The name that the drive reports.
    pub model: Shown,
    /// USB serial; empty if it has none.
    pub serial: Serial,
    /// Units: bytes.
    pub len: u64,
    /// Its FAT32 volume, or why there is none to work with.
    pub volume: Result<Volume, Unfit>,
}

/// A FAT32 volume as its boot sector describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Drawn when it was formatted.
    pub id: VolumeId,
    /// The name given then. A name that a desktop gives later stands elsewhere and is not read.
    pub label: Shown,
}

/// A FAT volume id: tells a stick that was formatted again from the one the plan knows.
///
/// **Shape**: 32 bits; shown as desktops show it, `4A17-E2B0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VolumeId(pub u32);

impl fmt::Display for VolumeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}-{:04X}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_id_is_shown_as_desktops_show_it() {
        assert_eq!(VolumeId(0x4A17_E2B0).to_string(), "4A17-E2B0");
        assert_eq!(VolumeId(0x000A_000B).to_string(), "000A-000B");
    }
}
