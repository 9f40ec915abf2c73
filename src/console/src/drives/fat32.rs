//! Tells a drive that holds one FAT32 volume, in every detail as the standard has it, from everything else.
//!
//! The drive is read before the kernel's own file system code sees it, so that no doubtful volume is ever mounted. A
//! volume that two systems could read differently is refused here.
//!
//! Source: Microsoft, *FAT32 File System Specification* 1.03 (boot sector, limits); the classic table of four
//! partitions at 446 of the first sector; exFAT specification §3.1; ext4 superblock (magic 0xEF53 at 1080); ISO 9660
//! (`CD001` at 32769).

use std::io::{Read, Seek, SeekFrom};

use super::{Volume, VolumeId};
use crate::shown::Shown;

/// Units: bytes. Larger sectors exist on large disks only; sticks have these.
const SECTOR: u64 = 512;
/// As [`SECTOR`], to hold one.
const SECTOR_LEN: usize = 512;
/// Clusters a FAT32 volume has at least: with fewer, other systems take it for FAT16.
const CLUSTERS_MIN: u64 = 65_525;
/// And at most: 28 bits, less the reserved values.
const CLUSTERS_MAX: u64 = 0x0FFF_FFF5;
/// Partition types of FAT32: by cylinders, and by sectors.
const FAT32_TYPES: [u8; 2] = [0x0B, 0x0C];
/// Type of the one partition that protects a GPT.
const PROTECTIVE: u8 = 0xEE;

/// A FAT32 volume, and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fat32 {
    /// The id and the label of the volume.
    pub volume: Volume,
    /// Where it lies.
    pub place: Place,
}

/// Where on a drive the volume lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The whole drive is the volume.
    Whole,
    /// It is the drive's one partition. Units: sectors of 512 bytes.
    Partition {
        /// Which of the table's four places it stands in, from 1.
        number: u8,
        /// Its first sector.
        start: u64,
        /// How many it has.
        sectors: u64,
    },
}

/// Why a drive cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It is being read.
    #[error("not looked at yet")]
    NotYet,
    /// Several disks in one device, as a card reader has.
    #[error("{0} disks in one")]
    Disks(usize),
    /// It could not be read.
    #[error("unreadable: {0}")]
    Unreadable(Shown),
    /// No file system and no table of partitions that is known here.
    #[error("not formatted")]
    NotFormatted,
    /// A disc image, as the boot medium itself.
    #[error("holds a disc image")]
    DiscImage,
    /// Another file system, by its name.
    #[error("{0}, not FAT32")]
    Other(&'static str),
    /// A table of partitions of the newer kind, which is not read here.
    #[error("partitioned by a GPT")]
    Gpt,
    /// More partitions than one. With none, it is not formatted.
    #[error("{0} partitions, not one")]
    Partitions(usize),
    /// A partition that holds FAT32 under another type: another system may take it for that type.
    #[error("a partition of type {0:02X}, not 0B or 0C")]
    PartitionType(u8),
    /// A partition that does not lie within the drive.
    #[error("its partition does not lie within the drive")]
    PartitionBounds,
    /// FAT32, but a field of its boot sector is not as it must be.
    #[error("damaged FAT32: {0}")]
    Damaged(&'static str),
}

/// Identifies the contents of a drive of `len` bytes. At most five sectors are read.
///
/// **Errors**: anything but exactly one sound FAT32 volume.
pub fn identify(drive: &mut (impl Read + Seek), len: u64) -> Result<Fat32, Unfit> {
    let first = sector(drive, len, 0)?;
    if let Some(volume) = volume(&first, len / SECTOR) {
        return Ok(Fat32 { volume: volume?, place: Place::Whole });
    }
    // A disc image that starts from sticks has a table of partitions, too.
    if begins(&sector(drive, len, 32_768)?, 1, b"CD001") {
        return Err(Unfit::DiscImage);
    }
    if let Some(other) = other(drive, len, 0, &first)? {
        return Err(other);
    }
    if !begins(&first, 510, &[0x55, 0xAA]) {
        return Err(Unfit::NotFormatted);
    }
    let (number, kind, start, sectors) = only_partition(&first)?;
    let end = start.checked_add(sectors).and_then(|end| end.checked_mul(SECTOR));
    if start == 0 || sectors == 0 || end.is_none_or(|end| end > len) {
        return Err(Unfit::PartitionBounds);
    }
    let boot = sector(drive, len, start * SECTOR)?;
    match volume(&boot, sectors) {
        Some(volume) if FAT32_TYPES.contains(&kind) => {
            Ok(Fat32 { volume: volume?, place: Place::Partition { number, start, sectors } })
        }
        Some(_) => Err(Unfit::PartitionType(kind)),
        None => Err(other(drive, len, start * SECTOR, &boot)?.unwrap_or(Unfit::NotFormatted)),
    }
}

/// One sector; zeros where the drive has ended.
fn sector(drive: &mut (impl Read + Seek), len: u64, at: u64) -> Result<[u8; SECTOR_LEN], Unfit> {
    let mut sector = [0; SECTOR_LEN];
    if at + SECTOR <= len {
        let read = drive.seek(SeekFrom::Start(at)).and_then(|_| drive.read_exact(&mut sector));
        read.map_err(|error| Unfit::Unreadable(Shown::new(&error.to_string())))?;
    }
    Ok(sector)
}

fn begins(sector: &[u8; SECTOR_LEN], at: usize, with: &[u8]) -> bool {
    sector.get(at..).is_some_and(|rest| rest.starts_with(with))
}

fn byte(sector: &[u8; SECTOR_LEN], at: usize) -> u8 {
    sector.get(at).copied().unwrap_or_default()
}

fn le16(sector: &[u8; SECTOR_LEN], at: usize) -> u64 {
    u64::from(byte(sector, at)) | u64::from(byte(sector, at + 1)) << 8
}

fn le32(sector: &[u8; SECTOR_LEN], at: usize) -> u64 {
    le16(sector, at) | le16(sector, at + 2) << 16
}

/// The one entry of the table that is used: its number, type, first sector, sectors.
fn only_partition(table: &[u8; SECTOR_LEN]) -> Result<(u8, u8, u64, u64), Unfit> {
    let entries = [446, 462, 478, 494];
    // Protected whole or in part, the table that counts is the GPT.
    if entries.iter().any(|at| byte(table, at + 4) == PROTECTIVE) {
        return Err(Unfit::Gpt);
    }
    let mut used = (1..).zip(entries).filter(|(_, at)| byte(table, at + 4) != 0);
    match (used.next(), used.count()) {
        (None, _) => Err(Unfit::NotFormatted),
        (Some((number, at)), 0) => match byte(table, at) {
            // Bootable or not; anything else is no table.
            0 | 0x80 => Ok((number, byte(table, at + 4), le32(table, at + 8), le32(table, at + 12))),
            _ => Err(Unfit::NotFormatted),
        },
        (Some(_), more) => Err(Unfit::Partitions(more + 1)),
    }
}

/// The name of another file system that begins at `at`, if it is one people meet.
fn other(drive: &mut (impl Read + Seek), len: u64, at: u64, boot: &[u8; SECTOR_LEN]) -> Result<Option<Unfit>, Unfit> {
    let named =
        [(3, &b"EXFAT   "[..], "exFAT"), (3, b"NTFS    ", "NTFS"), (54, b"FAT12", "FAT12"), (54, b"FAT16", "FAT16")];
    let name = named.iter().find(|(offset, magic, _)| begins(boot, *offset, magic)).map(|(.., name)| *name);
    if name.is_none() && begins(&sector(drive, len, at + 1024)?, 56, &[0x53, 0xEF]) {
        return Ok(Some(Unfit::Other("ext4")));
    }
    Ok(name.map(Unfit::Other))
}

/// Reads a boot sector of a volume that may have `sectors` sectors at most; none if it does not say it is FAT32.
fn volume(boot: &[u8; SECTOR_LEN], sectors: u64) -> Option<Result<Volume, Unfit>> {
    begins(boot, 82, b"FAT32   ").then(|| match faults(boot, sectors).into_iter().find(|(_, sound)| !sound) {
        Some((field, _)) => Err(Unfit::Damaged(field)),
        None => {
            let label: String = boot.get(71..82).unwrap_or_default().iter().map(|byte| char::from(*byte)).collect();
            let id = VolumeId(le32(boot, 67) as u32);
            Ok(Volume { id, label: Shown::new(&label) })
        }
    })
}

/// Every field of a FAT32 boot sector by its name, and whether it is sound.
fn faults(boot: &[u8; SECTOR_LEN], sectors: u64) -> [(&'static str, bool); 17] {
    let per_cluster = le16(boot, 13) & 0xFF;
    let reserved = le16(boot, 14);
    let fats = u64::from(byte(boot, 16));
    let total = le32(boot, 32);
    let fat_sectors = le32(boot, 36);
    let root = le32(boot, 44);
    let before_data = reserved + fats * fat_sectors;
    let clusters = total.saturating_sub(before_data).checked_div(per_cluster).unwrap_or(0);
    [
        ("its signature", begins(boot, 510, &[0x55, 0xAA])),
        ("its first jump", byte(boot, 0) == 0xE9 || byte(boot, 0) == 0xEB && byte(boot, 2) == 0x90),
        ("sectors that have not 512 bytes", le16(boot, 11) == SECTOR),
        ("sectors per cluster", per_cluster.is_power_of_two()),
        ("reserved sectors", reserved > 0),
        ("number of FATs", matches!(fats, 1 | 2)),
        ("a root directory of fixed length", le16(boot, 17) == 0),
        ("fields of FAT16", le16(boot, 19) == 0 && le16(boot, 22) == 0),
        ("media byte", matches!(byte(boot, 21), 0xF0 | 0xF8..)),
        ("more sectors than it has room for", (1..=sectors).contains(&total)),
        ("a FAT that is not kept twice", le16(boot, 40) & 0x80 == 0),
        ("version", le16(boot, 42) == 0),
        ("number of clusters", (CLUSTERS_MIN..=CLUSTERS_MAX).contains(&clusters)),
        ("length of its FAT", fat_sectors * (SECTOR / 4) >= clusters + 2),
        ("first cluster of its root directory", (2..clusters + 2).contains(&root)),
        ("place of its summary sector", (1..reserved).contains(&le16(boot, 48))),
        ("extended signature", byte(boot, 66) == 0x29),
    ]
}

#[cfg(test)]
mod tests;
