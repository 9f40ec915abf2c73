//! Drives that fit, and drives that each have one defect.

use std::io::Cursor;

use super::*;

/// First sector of the partition of a partitioned drive.
const START: usize = 2048;
/// Sectors of the volumes here: 65 600 clusters and the sectors before them.
const SECTORS: u32 = 32 + 2 * 513 + 65_600;

/// The boot sector `mkfs.vfat -F 32 -s 1` writes for a volume of [`SECTORS`].
fn boot() -> Vec<u8> {
    let mut boot = vec![0; SECTOR_LEN];
    let mut put = |at: usize, bytes: &[u8]| boot[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[0xEB, 0x58, 0x90]);
    put(3, b"mkfs.fat");
    put(11, &512_u16.to_le_bytes());
    put(13, &[1]);
    put(14, &32_u16.to_le_bytes());
    put(16, &[2]);
    put(21, &[0xF8]);
    put(32, &SECTORS.to_le_bytes());
    put(36, &513_u32.to_le_bytes());
    put(44, &2_u32.to_le_bytes());
    put(48, &1_u16.to_le_bytes());
    put(50, &6_u16.to_le_bytes());
    put(64, &[0x80, 0, 0x29]);
    put(67, &0x4A17_E2B0_u32.to_le_bytes());
    put(71, b"WELLINGTON ");
    put(82, b"FAT32   ");
    put(510, &[0x55, 0xAA]);
    boot
}

fn with(mut sector: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    sector[at..at + bytes.len()].copy_from_slice(bytes);
    sector
}

fn entry(kind: u8, start: u32, sectors: u32) -> [u8; 16] {
    let mut entry = [0; 16];
    entry[4] = kind;
    entry[8..12].copy_from_slice(&start.to_le_bytes());
    entry[12..].copy_from_slice(&sectors.to_le_bytes());
    entry
}

/// A table with these entries.
fn table(entries: &[[u8; 16]]) -> Vec<u8> {
    let table = with(vec![0; SECTOR_LEN], 446, &entries.concat());
    with(table, 510, &[0x55, 0xAA])
}

/// A drive that holds a table and, where the partition begins, `boot`.
fn partitioned(table: &[u8], boot: &[u8]) -> Vec<u8> {
    let mut drive = table.to_vec();
    drive.resize(START * SECTOR_LEN, 0);
    drive.extend(boot);
    drive
}

/// Identifies a drive that begins with these bytes and is long enough.
fn identified(bytes: Vec<u8>) -> Result<Fat32, Unfit> {
    let mut bytes = bytes;
    bytes.resize(bytes.len().max(32_768) + 8 * SECTOR_LEN, 0);
    let mut drive = Cursor::new(&mut bytes);
    // Only the length is that of the whole drive: the rest is never read.
    identify(&mut drive, (u64::from(SECTORS) + START as u64) * SECTOR)
}

fn volume() -> Volume {
    Volume { id: VolumeId(0x4A17_E2B0), label: Shown::new("WELLINGTON") }
}

#[test]
fn a_drive_that_is_one_volume_or_has_one_partition_fits() {
    assert_eq!(identified(boot()), Ok(Fat32 { volume: volume(), place: Place::Whole }));
    let start = START as u32;
    for kind in [0x0B, 0x0C] {
        for number in 1..=4_u8 {
            let mut entries = vec![entry(0, 0, 0); usize::from(number) - 1];
            entries.push(entry(kind, start, SECTORS));
            let place = Place::Partition { number, start: START as u64, sectors: u64::from(SECTORS) };
            assert_eq!(identified(partitioned(&table(&entries), &boot())), Ok(Fat32 { volume: volume(), place }));
        }
    }
}

#[test]
fn the_limits_of_every_field_are_within() {
    for (at, bytes) in [
        (0, &[0xE9, 0, 0][..]),
        (21, &[0xF0]),
        (21, &[0xFF]),
        (44, &65_601_u32.to_le_bytes()),
        (48, &31_u16.to_le_bytes()),
    ] {
        assert!(identified(with(boot(), at, bytes)).is_ok(), "{at}");
    }
    // One FAT leaves room for more clusters, so it is longer.
    let one_fat = with(with(boot(), 16, &[1]), 36, &517_u32.to_le_bytes());
    assert!(identified(one_fat).is_ok());
}

#[test]
fn a_boot_sector_with_one_defect_is_refused_by_its_name() {
    for (field, at, bytes) in [
        ("its signature", 511, &[0xAB][..]),
        ("its first jump", 0, &[0xE8]),
        ("its first jump", 2, &[0]),
        ("sectors that have not 512 bytes", 11, &4096_u16.to_le_bytes()),
        ("sectors that have not 512 bytes", 11, &0_u16.to_le_bytes()),
        ("sectors per cluster", 13, &[0]),
        ("sectors per cluster", 13, &[3]),
        ("reserved sectors", 14, &[0, 0]),
        ("number of FATs", 16, &[0]),
        ("number of FATs", 16, &[3]),
        ("a root directory of fixed length", 17, &[0, 2]),
        ("fields of FAT16", 19, &[1, 0]),
        ("fields of FAT16", 22, &[1, 0]),
        ("media byte", 21, &[0xF7]),
        ("more sectors than it has room for", 32, &u32::MAX.to_le_bytes()),
        ("more sectors than it has room for", 32, &[0; 4]),
        ("a FAT that is not kept twice", 40, &[0x80]),
        ("version", 42, &[1]),
        // One sector fewer than FAT32 has at least: 65 524 clusters.
        ("number of clusters", 32, &(32 + 2 * 513 + 65_524_u32).to_le_bytes()),
        ("number of clusters", 36, &u32::MAX.to_le_bytes()),
        ("length of its FAT", 36, &512_u32.to_le_bytes()),
        ("first cluster of its root directory", 44, &1_u32.to_le_bytes()),
        ("first cluster of its root directory", 44, &65_602_u32.to_le_bytes()),
        ("place of its summary sector", 48, &[0, 0]),
        ("place of its summary sector", 48, &32_u16.to_le_bytes()),
        ("extended signature", 66, &[0x28]),
    ] {
        assert_eq!(identified(with(boot(), at, bytes)), Err(Unfit::Damaged(field)), "{field} at {at}");
        let behind = partitioned(&table(&[entry(0x0C, START as u32, SECTORS)]), &with(boot(), at, bytes));
        assert_eq!(identified(behind), Err(Unfit::Damaged(field)), "{field} at {at}, in a partition");
    }
}

#[test]
fn what_is_not_fat32_is_called_by_its_name() {
    let no_fat32 = || with(boot(), 82, b"        ");
    let fat = |kind: &[u8]| with(no_fat32(), 54, kind);
    let gpt = table(&[entry(0xEE, 1, SECTORS)]);
    let ext4 = |at: usize| with(vec![0; at + 2048], at + 1080, &[0x53, 0xEF]);
    for (what, drive) in [
        ("exFAT", with(no_fat32(), 3, b"EXFAT   ")),
        ("NTFS", with(no_fat32(), 3, b"NTFS    ")),
        ("FAT12", fat(b"FAT12   ")),
        ("FAT16", fat(b"FAT16   ")),
        ("ext4", ext4(0)),
    ] {
        assert_eq!(identified(drive), Err(Unfit::Other(what)));
    }
    assert_eq!(identified(gpt), Err(Unfit::Gpt));
    // Protected in part, as some installers do.
    let hybrid = table(&[entry(0x0C, START as u32, SECTORS), entry(0xEE, 1, START as u32 - 1)]);
    assert_eq!(identified(partitioned(&hybrid, &boot())), Err(Unfit::Gpt));
    let table = table(&[entry(0x07, START as u32, SECTORS)]);
    assert_eq!(identified(partitioned(&table, &with(no_fat32(), 3, b"EXFAT   "))), Err(Unfit::Other("exFAT")));
    let inside = with(ext4(START * SECTOR_LEN), 0, &table);
    assert_eq!(identified(inside), Err(Unfit::Other("ext4")));
}

#[test]
fn a_table_that_leaves_a_doubt_is_refused() {
    let start = START as u32;
    let one = entry(0x0C, start, SECTORS);
    let behind = |entries: &[[u8; 16]]| identified(partitioned(&table(entries), &boot()));
    assert_eq!(behind(&[one, one]), Err(Unfit::Partitions(2)));
    assert_eq!(behind(&[one, one, one, one]), Err(Unfit::Partitions(4)));
    assert_eq!(behind(&[]), Err(Unfit::NotFormatted));
    assert_eq!(behind(&[entry(0x0C, start, SECTORS + 1)]), Err(Unfit::PartitionBounds));
    assert_eq!(behind(&[entry(0x0C, u32::MAX, u32::MAX)]), Err(Unfit::PartitionBounds));
    assert_eq!(behind(&[entry(0x0C, 0, SECTORS)]), Err(Unfit::PartitionBounds));
    assert_eq!(behind(&[entry(0x0C, start, 0)]), Err(Unfit::PartitionBounds));
    for kind in [0x06, 0x07, 0x0E, 0x1C, 0x83, 0xEF] {
        assert_eq!(behind(&[entry(kind, start, SECTORS)]), Err(Unfit::PartitionType(kind)));
    }
    assert_eq!(behind(&[with(one.to_vec(), 0, &[1]).try_into().unwrap()]), Err(Unfit::NotFormatted));
    // The volume says it is longer than its partition.
    assert_eq!(behind(&[entry(0x0C, start, SECTORS - 1)]), Err(Unfit::Damaged("more sectors than it has room for")));
    let no_signature = with(table(&[one]), 510, &[0, 0]);
    assert_eq!(identified(partitioned(&no_signature, &boot())), Err(Unfit::NotFormatted));
    let empty = partitioned(&table(&[one]), &[0; SECTOR_LEN]);
    assert_eq!(identified(empty), Err(Unfit::NotFormatted));
}

#[test]
fn a_disc_image_is_told_from_a_drive_with_partitions() {
    let mut image = table(&[entry(0x17, 1, 8), entry(0xEF, 16, 8)]);
    image.resize(40_000, 0);
    assert_eq!(identified(with(image, 32_769, b"CD001")), Err(Unfit::DiscImage));
}

#[test]
fn a_drive_shorter_than_what_is_looked_for_is_not_formatted() {
    for len in [0, 1, 511, 512, 32_768] {
        assert_eq!(identify(&mut Cursor::new(vec![0; len]), len as u64), Err(Unfit::NotFormatted), "{len} bytes");
    }
}

#[test]
fn a_drive_that_cannot_be_read_says_why() {
    // It says it is longer than it is.
    let read = identify(&mut Cursor::new(vec![0; 100]), 1 << 20);
    assert_eq!(read, Err(Unfit::Unreadable(Shown::new("failed to fill whole buffer"))));
}
