//! The units behind a storage interface: one device may have several logical units, each a disk, an optical drive or
//! something else.
//!
//! Source: SCSI SPC-4 §6.4.2 (peripheral device types); drivers `sd` and `sr` of Linux 6.1, by the types they take.

use super::gate::{Never, Use};

/// Type of a disk.
const DISK: u8 = 0x00;
/// Type of a CD or DVD drive.
const OPTICAL: u8 = 0x05;
/// Types the kernel makes a disk of besides [`DISK`]: optical memory, simplified disk, zoned disk.
const OTHER_DISKS: [u8; 3] = [0x07, 0x0E, 0x14];

/// The use of the units of a storage device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Disks; with more than one that has a medium, the device is no drive of a ceremony.
    Disks,
    /// An optical drive: a medium is looked for on it, and nothing else.
    Optical,
}

/// Judges a storage device by the types of all its units; `None` while it has none that is used.
///
/// **Errors**: a device that is an optical drive in part, or was let in as one and is none.
pub fn judge(used: Use, types: &[u8]) -> Result<Option<Kind>, Never> {
    let optical = types.contains(&OPTICAL);
    let only_optical = types.iter().all(|kind| *kind == OPTICAL);
    match used {
        Use::Optical(_) if !only_optical => Err(Never::NotOnlyOptical),
        Use::Storage(_) if optical && !only_optical => Err(Never::NotOnlyOptical),
        Use::Storage(_) | Use::Optical(_) if optical => Ok(Some(Kind::Optical)),
        Use::Storage(_) if types.iter().any(|kind| *kind == DISK || OTHER_DISKS.contains(kind)) => {
            Ok(Some(Kind::Disks))
        }
        Use::Storage(_) | Use::Optical(_) | Use::Hub(_) | Use::Token(_) | Use::Keyboard(_) | Use::Never(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An enclosure, which no driver takes.
    const ENCLOSURE: u8 = 0x0D;

    #[test]
    fn every_unit_of_an_optical_drive_says_so_or_the_device_is_refused() {
        let mixed = Err(Never::NotOnlyOptical);
        for (types, storage, optical) in [
            (&[][..], Ok(None), Ok(None)),
            (&[OPTICAL], Ok(Some(Kind::Optical)), Ok(Some(Kind::Optical))),
            (&[OPTICAL, OPTICAL], Ok(Some(Kind::Optical)), Ok(Some(Kind::Optical))),
            // A disk behind a CD, and a CD behind a disk: sticks that bring their own software.
            (&[OPTICAL, DISK], mixed, mixed),
            (&[DISK, OPTICAL], mixed, mixed),
            (&[OPTICAL, ENCLOSURE], mixed, mixed),
            (&[OPTICAL, 0x0E], mixed, mixed),
            (&[DISK], Ok(Some(Kind::Disks)), mixed),
            (&[DISK, DISK, ENCLOSURE], Ok(Some(Kind::Disks)), mixed),
            (&[0x07], Ok(Some(Kind::Disks)), mixed),
            (&[ENCLOSURE], Ok(None), mixed),
        ] {
            assert_eq!(judge(Use::Storage(0), types), storage, "{types:?}");
            assert_eq!(judge(Use::Optical(0), types), optical, "{types:?}");
        }
    }
}
