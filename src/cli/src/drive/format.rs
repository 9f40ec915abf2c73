//! Formats a stick as the appliance takes it: an MBR with one partition, and FAT32 in it.
//!
//! Source: Microsoft, *FAT32 File System Specification* 1.03 (boot sector, summary sector, size of the FAT, clusters by
//! size).

use std::io::{self, Read, Seek, SeekFrom, Write};

/// Units: bytes.
const SECTOR: u64 = 512;
/// Where the partition begins, and how much of the end of a drive may hold a second copy of an older table. Units:
/// sectors.
const START: u64 = 2_048;
/// Sectors before the first FAT.
const RESERVED: u64 = 32;
/// Where the copy of the boot sector is.
const BACKUP: u64 = 6;
/// Bytes written at a time.
const CHUNK: usize = 1 << 20;

/// The name of a volume, in the form the boot sector has.
///
/// Shape: 11 bytes, blanks at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label([u8; 11]);

impl Label {
    /// Takes 1 to 11 capital letters, digits, hyphens and low lines.
    pub fn new(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let mut label = [b' '; 11];
        label.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        (!text.is_empty() && text.bytes().all(fits)).then_some(Self(label))
    }
}

/// The parts of a volume. Units: sectors, but for `clusters`.
struct Volume {
    sectors: u64,
    per_cluster: u64,
    fat: u64,
    clusters: u64,
}

impl Volume {
    /// The volume of a drive of `len` bytes, which has room for FAT32.
    fn of(len: u64) -> Self {
        let sectors = len / SECTOR - START;
        let per_cluster = match (sectors * SECTOR) >> 20 {
            0..=260 => 1,
            261..=8_192 => 8,
            8_193..=16_384 => 16,
            16_385..=32_768 => 32,
            _ => 64,
        };
        // The specification's own formula, which may make it a few sectors too long.
        let fat = (sectors - RESERVED).div_ceil((256 * per_cluster + 2) / 2);
        Self { sectors, per_cluster, fat, clusters: (sectors - RESERVED - 2 * fat) / per_cluster }
    }

    fn boot(&self, id: u32, label: Label) -> Vec<u8> {
        let mut boot = b"\xEB\x58\x90MSWIN4.1".to_vec();
        boot.extend(512_u16.to_le_bytes());
        boot.push(self.per_cluster as u8);
        boot.extend((RESERVED as u16).to_le_bytes());
        // Two FATs; a root directory of no fixed length; a hard disk; no fields of FAT16.
        boot.extend([2, 0, 0, 0, 0, 0xF8, 0, 0]);
        boot.extend([63, 0, 255, 0]);
        boot.extend((START as u32).to_le_bytes());
        boot.extend((self.sectors as u32).to_le_bytes());
        boot.extend((self.fat as u32).to_le_bytes());
        // Both FATs alike; version 0; the root directory in the first cluster; summary and copy.
        boot.extend([0, 0, 0, 0, 2, 0, 0, 0, 1, 0, BACKUP as u8, 0]);
        boot.extend([0; 12]);
        boot.extend([0x80, 0, 0x29]);
        boot.extend(id.to_le_bytes());
        boot.extend(label.0);
        boot.extend(b"FAT32   ");
        signed(boot)
    }

    fn summary(&self) -> Vec<u8> {
        let mut summary = b"RRaA".to_vec();
        summary.resize(484, 0);
        summary.extend(b"rrAa");
        summary.extend((self.clusters as u32 - 1).to_le_bytes());
        summary.extend(3_u32.to_le_bytes());
        signed(summary)
    }

    /// Everything before the first file: boot sector and its copy, both FATs, the root directory with the label in it.
    fn write(&self, id: u32, label: Label, drive: &mut (impl Write + Seek)) -> io::Result<()> {
        let first_fat = START + RESERVED;
        let root = first_fat + 2 * self.fat;
        zeros(drive, START, RESERVED + 2 * self.fat + self.per_cluster)?;
        for at in [START, START + BACKUP] {
            put(drive, at, &self.boot(id, label))?;
            put(drive, at + 1, &self.summary())?;
            put(drive, at + 2, &signed(Vec::new()))?;
        }
        let begins: Vec<u8> =
            [0x0FFF_FFF8_u32, 0x0FFF_FFFF, 0x0FFF_FFF8].into_iter().flat_map(u32::to_le_bytes).collect();
        put(drive, first_fat, &begins)?;
        put(drive, first_fat + self.fat, &begins)?;
        let mut named = label.0.to_vec();
        named.push(0x08);
        named.extend([0; 12]);
        // The first day FAT knows.
        named.extend(0x0021_u16.to_le_bytes());
        named.resize(32, 0);
        put(drive, root, &named)
    }
}

/// A sector with the signature at its end.
fn signed(mut sector: Vec<u8>) -> Vec<u8> {
    sector.resize(510, 0);
    sector.extend([0x55, 0xAA]);
    sector
}

/// The table of partitions: one, of type FAT32 by sectors.
fn table(volume: &Volume) -> Vec<u8> {
    let mut table = vec![0; 446];
    // Places by cylinder, head and sector that say: by sectors only.
    table.extend([0, 0xFE, 0xFF, 0xFF, 0x0C, 0xFE, 0xFF, 0xFF]);
    table.extend((START as u32).to_le_bytes());
    table.extend((volume.sectors as u32).to_le_bytes());
    signed(table)
}

fn put(drive: &mut (impl Write + Seek), at: u64, bytes: &[u8]) -> io::Result<()> {
    drive.seek(SeekFrom::Start(at * SECTOR))?;
    drive.write_all(bytes)
}

fn zeros(drive: &mut (impl Write + Seek), at: u64, sectors: u64) -> io::Result<()> {
    drive.seek(SeekFrom::Start(at * SECTOR))?;
    io::copy(&mut io::repeat(0).take(sectors * SECTOR), &mut io::BufWriter::with_capacity(CHUNK, drive)).map(drop)
}

/// Makes a drive of `len` bytes, 34 MiB at least and 2 TiB at most, a stick of one FAT32 volume. Everything on it is
/// lost.
///
/// The signatures of other systems stand in its first and its last MiB: both are wiped first. The table is written
/// last: a drive that is pulled out meanwhile holds nothing that a system takes for a volume.
///
/// **Errors**: the drive's.
pub fn format(drive: &mut (impl Write + Seek), len: u64, id: u32, label: Label) -> io::Result<()> {
    let volume = Volume::of(len);
    zeros(drive, 0, START)?;
    zeros(drive, len / SECTOR - START, START)?;
    volume.write(id, label, drive)?;
    put(drive, 0, &table(&volume))
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_console::drives::fat32::{Fat32, Place, identify};
    use std::io::Cursor;

    #[test]
    fn what_is_written_is_what_the_appliance_takes() {
        let label = Label::new("SHARE-1").unwrap();
        for len in [34 << 20, 64 << 20, (300 << 20) + 512] {
            let mut drive = Cursor::new(vec![0xE5; len]);
            format(&mut drive, len as u64, 0xC0DE_0001, label).unwrap();
            let Fat32 { volume, place } = identify(&mut drive, len as u64).unwrap();
            assert_eq!((volume.id.0, volume.label.as_str()), (0xC0DE_0001, "SHARE-1"));
            assert_eq!(place, Place::Partition { number: 1, start: START, sectors: len as u64 / SECTOR - START });
            assert!(drive.get_ref()[len - (1 << 20)..].iter().all(|byte| *byte == 0), "where a GPT keeps its copy");
        }
    }

    #[test]
    fn every_size_a_plan_may_name_makes_a_number_of_clusters_that_is_fat32() {
        for shift in 25..41 {
            for len in [1_u64 << shift, (1 << shift) + (3 << (shift - 2)), (1 << 41) - 512] {
                let volume = Volume::of(len.max(34 << 20));
                assert!((65_525..0x0FFF_FFF5).contains(&volume.clusters), "{len}: {}", volume.clusters);
                assert!(volume.fat * 128 >= volume.clusters + 2, "{len}");
            }
        }
    }

    #[test]
    fn a_label_is_what_every_system_shows_alike() {
        for label in ["", "share-1", "TWELVE-CHARS", "A B", "Ü", "A."] {
            assert_eq!(Label::new(label), None, "{label}");
        }
        assert_eq!(Label::new("LOG_A"), Some(Label(*b"LOG_A      ")));
    }
}
