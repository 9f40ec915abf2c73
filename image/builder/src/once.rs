//! Stores the kernel once: the directory entry of ISO 9660 is pointed at the bytes that lie in the FAT image for UEFI.
//!
//! `xorriso` writes each file it is given, so it is given a placeholder. The FAT image is appended behind the tree, as an
//! MBR partition; both clusters and partition begin on sectors of 2048 bytes, so ISO 9660 can name a file in it.

use std::ops::Range;

use crate::run::Failure;

/// Sector of ISO 9660, in bytes (ECMA-119 §6.1.2).
const SECTOR: usize = 2048;
/// Sector that FAT and the partition table count in.
const BLOCK: usize = 512;
/// The primary volume descriptor (ECMA-119 §8.4).
const DESCRIPTOR_AT: usize = 16 * SECTOR;
/// Offsets in that descriptor: the volume's size in sectors, and the record of the root directory.
const VOLUME_SIZE: usize = 80;
const ROOT: usize = 156;
/// Offsets in a directory record (ECMA-119 §9.1): first sector, length, length of the name, name.
const EXTENT: usize = 2;
const LENGTH: usize = 10;
const NAME_LEN: usize = 32;
const NAME: usize = 33;
/// The second entry of the partition table, and the type of an EFI system partition.
const PARTITION_AT: usize = 446 + 16;
const EFI_SYSTEM: u8 = 0xef;

/// Points `isolinux/bzimage` of the ISO 9660 tree at the kernel in the appended FAT image, where the file lies in the
/// clusters `listed` by `mshowfat`, and makes the volume as long as the image.
///
/// **Errors**: [`Failure::Medium`] names the field that is wrong; the image is then of no use.
pub(crate) fn name_kernel(image: &mut [u8], listed: &str, kernel: &[u8]) -> Result<(), Failure> {
    let found = kernel_in_fat(image, listed)?;
    if image.get(found.clone()).and_then(|bytes| bytes.get(..kernel.len())) != Some(kernel) {
        return Err(wrong("the clusters mshowfat lists do not hold the kernel"));
    }
    let [sector, sectors] = [found.start, image.len()].map(|bytes| (bytes % SECTOR == 0).then_some(bytes / SECTOR));
    let (Some(sector), Some(sectors)) = (sector, sectors) else {
        return Err(wrong("the kernel or the end of the image is not on a boundary of 2048 bytes"));
    };
    let folder = record(image, &(DESCRIPTOR_AT + ROOT..DESCRIPTOR_AT + ROOT + 34), "ISOLINUX")?;
    let file = record(image, &folder, "BZIMAGE")?.start;
    put(image, file + EXTENT, sector)?;
    put(image, file + LENGTH, kernel.len())?;
    put(image, DESCRIPTOR_AT + VOLUME_SIZE, sectors)
}

/// The bytes of the image that the clusters `<FIRST-LAST>` of its FAT image take.
fn kernel_in_fat(image: &[u8], listed: &str) -> Result<Range<usize>, Failure> {
    let clusters = listed.trim().split_once('<').and_then(|(_, rest)| rest.strip_suffix('>')?.split_once('-'));
    let number = |text: &str| text.parse::<usize>().ok();
    let Some((Some(first), Some(last))) = clusters.map(|(first, last)| (number(first), number(last))) else {
        return Err(wrong(&format!(
            "the kernel should lie in one row of clusters, mshowfat lists `{}`",
            listed.trim()
        )));
    };
    if image.get(PARTITION_AT + 4) != Some(&EFI_SYSTEM) {
        return Err(wrong("the second partition is no EFI system partition"));
    }
    let fat = number_at(image, PARTITION_AT + 8, 4)? * BLOCK;
    // Sectors a cluster, reserved ones, file allocation tables, root entries of 32 bytes, sectors a table.
    let [cluster, reserved, tables, entries, table] =
        [(13, 1), (14, 2), (16, 1), (17, 2), (22, 2)].map(|(at, len)| number_at(image, fat + at, len));
    let data = fat + (reserved? + tables? * table?) * BLOCK + entries? * 32;
    let cluster = cluster? * BLOCK;
    let at = |number: usize| number.checked_sub(2).map(|before| data + before * cluster);
    match (at(first), at(last)) {
        (Some(start), Some(last)) if start <= last => Ok(start..last + cluster),
        _ => Err(wrong("mshowfat lists clusters that no file can have")),
    }
}

/// The directory record of this name in a directory; the directory's own record lies at `of`.
fn record(image: &[u8], of: &Range<usize>, name: &str) -> Result<Range<usize>, Failure> {
    let start = number_at(image, of.start + EXTENT, 4)? * SECTOR;
    let end = start + number_at(image, of.start + LENGTH, 4)?;
    let mut at = start;
    while at < end {
        let len = number_at(image, at, 1)?;
        if len == 0 {
            // No record crosses the end of a sector; the rest of it is empty.
            at = (at / SECTOR + 1) * SECTOR;
            continue;
        }
        let called = number_at(image, at + NAME_LEN, 1)?;
        let called = image.get(at + NAME..at + NAME + called).unwrap_or_default();
        if called.split(|byte| *byte == b';').next().map(|called| called.strip_suffix(b".").unwrap_or(called))
            == Some(name.as_bytes())
        {
            return Ok(at..at + len);
        }
        at += len;
    }
    Err(wrong(&format!("the tree of ISO 9660 has no {name}")))
}

/// A number of up to four bytes, little endian.
fn number_at(image: &[u8], at: usize, len: usize) -> Result<usize, Failure> {
    let bytes = image.get(at..at + len).ok_or_else(|| wrong("it ends inside its own tables"))?;
    Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
}

/// Writes a number in both byte orders, as ECMA-119 §7.3.3 wants it.
fn put(image: &mut [u8], at: usize, number: usize) -> Result<(), Failure> {
    let number = u32::try_from(number).map_err(|_| wrong("it is too long"))?;
    let field = image.get_mut(at..at + 8).ok_or_else(|| wrong("it ends inside its own tables"))?;
    let (little, big) = field.split_at_mut(4);
    little.copy_from_slice(&number.to_le_bytes());
    big.copy_from_slice(&number.to_be_bytes());
    Ok(())
}

fn wrong(what: &str) -> Failure {
    Failure::Medium(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root directory at sector 20, `ISOLINUX` at 21, a partition at sector 24 with a FAT of one table of one sector,
    /// three reserved sectors and no root entries, so that cluster 2 begins at its sector 25.
    fn image() -> Vec<u8> {
        let mut image = vec![0; 28 * SECTOR];
        let mut record = |at: usize, sector: usize, len: usize, name: &[u8]| {
            image[at] = u8::try_from((NAME + name.len() + 1) & !1).unwrap();
            image[at + NAME_LEN] = u8::try_from(name.len()).unwrap();
            image[at + NAME..at + NAME + name.len()].copy_from_slice(name);
            put(&mut image, at + EXTENT, sector).unwrap();
            put(&mut image, at + LENGTH, len).unwrap();
        };
        record(DESCRIPTOR_AT + ROOT, 20, SECTOR, b"\0");
        record(20 * SECTOR, 20, SECTOR, b"\0");
        record(20 * SECTOR + 34, 21, 2 * SECTOR, b"ISOLINUX");
        record(21 * SECTOR, 21, SECTOR, b"\0");
        // In the directory's second sector, behind the empty end of its first.
        record(22 * SECTOR, 23, 1, b"BZIMAGE.;1");
        image[PARTITION_AT + 4] = EFI_SYSTEM;
        image[PARTITION_AT + 8] = 24 * 4;
        for (at, value) in [(13, 1), (14, 3), (16, 1), (22, 1)] {
            image[24 * SECTOR + at] = value;
        }
        image[25 * SECTOR..25 * SECTOR + 600].fill(0xaa);
        image
    }

    const LISTED: &str = "::/EFI/BOOT/BOOTX64.EFI <2-3>\n";

    #[test]
    fn both_directories_name_the_same_bytes_and_the_volume_is_as_long_as_the_image() {
        let mut image = image();
        name_kernel(&mut image, LISTED, &[0xaa; 600]).unwrap();
        let file = 22 * SECTOR;
        assert_eq!(
            image[file + EXTENT..file + NAME_LEN - 14],
            [25, 0, 0, 0, 0, 0, 0, 25, 0x58, 2, 0, 0, 0, 0, 2, 0x58]
        );
        assert_eq!(image[DESCRIPTOR_AT + VOLUME_SIZE..][..8], [28, 0, 0, 0, 0, 0, 0, 28]);
    }

    #[test]
    fn each_defect_is_refused_in_words() {
        let refused = |change: &dyn Fn(&mut Vec<u8>), listed: &str| {
            let mut image = image();
            change(&mut image);
            name_kernel(&mut image, listed, &[0xaa; 600]).unwrap_err().to_string()
        };
        let cut = |image: &mut Vec<u8>| image.truncate(20 * SECTOR + 40);
        for (said, expected) in [
            (refused(&|_| (), "::/EFI/BOOT/BOOTX64.EFI <2-2> <4-4>"), "one row of clusters"),
            (refused(&|_| (), "init: no such file"), "one row of clusters"),
            (refused(&|_| (), "::/EFI/BOOT/BOOTX64.EFI <1-3>"), "no file can have"),
            (refused(&|_| (), "::/EFI/BOOT/BOOTX64.EFI <6-7>"), "do not hold the kernel"),
            (refused(&|image| image[25 * SECTOR] = 0, LISTED), "do not hold the kernel"),
            (refused(&|image| image[PARTITION_AT + 4] = 0x17, LISTED), "no EFI system partition"),
            (refused(&|image| image[22 * SECTOR + NAME] = b'X', LISTED), "no BZIMAGE"),
            (refused(&|image| image[20 * SECTOR + 34 + NAME] = b'X', LISTED), "no ISOLINUX"),
            (refused(&|image| image.truncate(25 * SECTOR + 512), LISTED), "do not hold the kernel"),
            (refused(&cut, LISTED), "ends inside"),
            (refused(&|image| image.push(0), LISTED), "boundary of 2048 bytes"),
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}
