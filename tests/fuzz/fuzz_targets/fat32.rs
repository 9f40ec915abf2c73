//! Drives with any content: at most five sectors of a drive are read, and a volume that is found lies within it.
#![no_main]

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use conclave_fuzz::{plain, target};
use conclave_console::drives::fat32::{Place, identify};
use conclave_console::wording::drives::{mend, unfit};

/// Length of the drive the bytes stand at the beginning of.
const LEN: u64 = 1 << 36;

/// The bytes, then zeros.
struct Drive<'a> {
    bytes: Cursor<&'a [u8]>,
    read: usize,
}

impl Read for Drive<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(0);
        let _end = self.bytes.read(buffer)?;
        self.read += buffer.len();
        Ok(buffer.len())
    }
}

impl Seek for Drive<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}

target!(|bytes: &[u8]| {
    let mut drive = Drive { bytes: Cursor::new(bytes), read: 0 };
    let found = identify(&mut drive, LEN);
    assert!(drive.read <= 5 * 512);
    match found {
        Ok(found) => {
            plain(found.volume.label);
            if let Place::Partition { number, start, sectors } = found.place {
                assert!((1..=4).contains(&number) && start > 0 && (start + sectors) * 512 <= LEN);
            }
        }
        Err(why) => {
            plain(unfit(&why));
            plain(mend(&why));
        }
    }
    Ok(())
});
