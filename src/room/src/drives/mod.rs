//! Drives: what goes in and out of the room on sticks, and what must be true before a file on one counts as written.
//!
//! [`Media`] is what a machine can do with a drive, one small operation each; [`Drives`] is what a ceremony asks for,
//! made of those operations here, once, so that the appliance and the simulated world cannot differ in what they call
//! written. It never overwrites a file and never trusts a cache: what was written is read back from the drive itself.

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
    /// What it calls itself.
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
    /// The name given then. What a desktop renames it to later stands elsewhere and is not looked at.
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
