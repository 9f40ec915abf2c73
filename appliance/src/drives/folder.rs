//! Files of a mounted volume's root directory, each operation by itself.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use conclave_console::drives::{Came, Listing, NAMES_MAX, Past, Space};
use conclave_console::shown::Shown;
use conclave_publish::FileName;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, RenameFlags, renameat2};
use nix::sys::statvfs::statvfs;

/// Most entries of a root directory that are looked at, whatever their names: FAT holds no more in one.
const ENTRIES_MAX: usize = 65_536;
/// The alignment of reads past the cache: any sector that a drive may have.
const SECTOR_MAX: usize = 4_096;
/// Bytes read past the cache at a time.
const CHUNK_LEN: usize = 65_536;

/// The root directory of a mounted volume.
#[derive(Clone, Debug)]
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    fn path(&self, name: &FileName) -> PathBuf {
        self.0.join(name.as_str())
    }

    pub(super) fn list(&self) -> Result<Listing, Came> {
        let mut names = Listing::default();
        for entry in fs::read_dir(&self.0).map_err(io_came)?.take(ENTRIES_MAX) {
            let entry = entry.map_err(io_came)?;
            let metadata = entry.metadata().map_err(io_came)?;
            names.add(entry.file_name().as_bytes(), metadata.is_file().then_some(metadata.len()));
        }
        names.files.sort();
        if names.files.len() > NAMES_MAX { Err(Came::TooManyNames) } else { Ok(names) }
    }

    pub(super) fn space(&self) -> Result<Space, Came> {
        let told = statvfs(&self.0).map_err(|errno| io_came(errno.into()))?;
        Ok(Space { free: told.blocks_available() * told.fragment_size(), cluster: told.block_size() })
    }

    pub(super) fn fetch(&self, name: &FileName, at: u64, len: usize, past: Past) -> Result<Vec<u8>, Came> {
        let read = match past {
            Past::Nothing => File::open(self.path(name)).and_then(|mut file| {
                let mut bytes = Vec::new();
                file.seek(SeekFrom::Start(at))?;
                file.take(len as u64).read_to_end(&mut bytes)?;
                Ok(bytes)
            }),
            Past::Cache => {
                let direct = OpenOptions::new().read(true).custom_flags(OFlag::O_DIRECT.bits()).open(self.path(name));
                direct.and_then(|mut file| read_aligned(&mut file, at, len))
            }
        };
        read.map_err(io_came)
    }

    pub(super) fn create(&self, name: &FileName) -> Result<(), Came> {
        match OpenOptions::new().write(true).create_new(true).open(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Came::Exists(name.clone())),
            Err(error) => Err(self.no_room(error, 0)),
            Ok(_) => Ok(()),
        }
    }

    pub(super) fn extend(&self, name: &FileName, bytes: &[u8]) -> Result<(), Came> {
        let file = OpenOptions::new().append(true).open(self.path(name));
        file.and_then(|mut file| file.write_all(bytes)).map_err(|error| self.no_room(error, bytes.len()))
    }

    pub(super) fn shorten(&self, name: &FileName, len: u64) -> Result<(), Came> {
        let file = OpenOptions::new().write(true).open(self.path(name));
        file.and_then(|file| file.set_len(len)).map_err(io_came)
    }

    pub(super) fn rename(&self, from: &FileName, to: &FileName) -> Result<(), Came> {
        let (old, new) = (self.path(from), self.path(to));
        match renameat2(AT_FDCWD, &old, AT_FDCWD, &new, RenameFlags::RENAME_NOREPLACE) {
            Err(Errno::EEXIST) => Err(Came::Exists(to.clone())),
            Err(errno) => Err(self.no_room(errno.into(), 0)),
            Ok(()) => Ok(()),
        }
    }

    /// The file, then the directory that names it: first the drive takes them, then it says that it keeps them.
    pub(super) fn sync(&self, name: &FileName) -> Result<(), Came> {
        self.write_back()?;
        let synced = |path: &Path| File::open(path)?.sync_all();
        synced(&self.path(name)).and_then(|()| synced(&self.0)).map_err(|error| Came::FlushFailed(said(&error)))
    }

    /// Hands the drive everything that was not written back yet. It may still keep it in a cache of its own.
    pub(super) fn write_back(&self) -> Result<(), Came> {
        let written = File::open(&self.0).and_then(|volume| Ok(nix::unistd::syncfs(&volume)?));
        written.map_err(io_came)
    }

    fn no_room(&self, error: io::Error, need: usize) -> Came {
        match (error.kind(), self.space()) {
            (io::ErrorKind::StorageFull, Ok(space)) => {
                Came::Full { need: (need as u64).next_multiple_of(space.cluster.max(1)), free: space.free }
            }
            _ => io_came(error),
        }
    }
}

pub(super) fn io_came(error: io::Error) -> Came {
    match (error.kind(), error.raw_os_error().map(Errno::from_raw)) {
        (io::ErrorKind::NotFound, _) => Came::NoFile,
        (_, Some(Errno::EROFS)) => Came::ReadOnly,
        (_, Some(Errno::ENODEV | Errno::ENXIO | Errno::ENOMEDIUM)) => Came::Gone,
        _ => Came::Io(said(&error)),
    }
}

fn said(error: &io::Error) -> Shown {
    Shown::new(&error.to_string())
}

/// Reads `len` bytes from `at` on, fewer if the file ends before, in pieces that begin and end where sectors do, into
/// memory that does, too: the kernel moves them from the drive without keeping them.
fn read_aligned(file: &mut (impl Read + Seek), at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut room = vec![0; CHUNK_LEN + SECTOR_MAX];
    let skip = room.as_ptr().align_offset(SECTOR_MAX);
    let Some(chunk) = room.get_mut(skip..).and_then(|room| room.get_mut(..CHUNK_LEN)) else {
        return Err(io::Error::other("no aligned memory"));
    };
    let mut bytes = Vec::new();
    let mut before = (at % SECTOR_MAX as u64) as usize;
    file.seek(SeekFrom::Start(at - before as u64))?;
    while bytes.len() < len {
        let read = file.read(chunk)?;
        let wanted = chunk.get(before..read).unwrap_or_default();
        bytes.extend(wanted.iter().take(len - bytes.len()));
        before = 0;
        // The end of the file, where alone a piece may end within a sector.
        if read < CHUNK_LEN {
            break;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A folder of this machine's own, removed when dropped.
    struct Scratch(Folder);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("conclave-folder-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Self(Folder(path))
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0.0).unwrap();
        }
    }

    fn name(name: &str) -> FileName {
        FileName::new(name.as_bytes()).unwrap()
    }

    #[test]
    fn files_are_made_extended_read_cut_and_renamed() {
        let scratch = Scratch::new("whole");
        let (folder, log) = (&scratch.0, name("log.cbor"));
        folder.create(&log).unwrap();
        folder.extend(&log, b"first").unwrap();
        folder.extend(&log, b"second").unwrap();
        folder.sync(&log).unwrap();
        folder.write_back().unwrap();
        assert_eq!(folder.fetch(&log, 5, 99, Past::Nothing).unwrap(), b"second");
        assert_eq!(folder.fetch(&log, 1, 3, Past::Nothing).unwrap(), b"irs");
        folder.shorten(&log, 5).unwrap();
        folder.rename(&log, &name("log.cbor.torn1")).unwrap();
        assert_eq!(folder.list().unwrap(), Listing { files: vec![(name("log.cbor.torn1"), 5)], others: 0 });
        assert!(folder.space().unwrap().free > 0);
    }

    #[test]
    fn nothing_that_is_there_is_replaced_and_nothing_that_is_not_is_made() {
        let scratch = Scratch::new("there");
        let (folder, there, not) = (&scratch.0, name("there"), name("not"));
        folder.create(&there).unwrap();
        folder.extend(&there, b"kept").unwrap();
        assert_eq!(folder.create(&there), Err(Came::Exists(there.clone())));
        folder.create(&name("other")).unwrap();
        assert_eq!(folder.rename(&name("other"), &there), Err(Came::Exists(there.clone())));
        assert_eq!(folder.fetch(&there, 0, 9, Past::Nothing).unwrap(), b"kept");
        assert_eq!(folder.extend(&not, b"x"), Err(Came::NoFile));
        assert_eq!(folder.shorten(&not, 0), Err(Came::NoFile));
        assert_eq!(folder.fetch(&not, 0, 1, Past::Nothing), Err(Came::NoFile));
    }

    #[test]
    fn what_is_no_file_or_has_a_name_that_is_refused_is_counted_unless_a_system_made_it() {
        let scratch = Scratch::new("list");
        for folder in ["folder", "System Volume Information"] {
            fs::create_dir(scratch.0.0.join(folder)).unwrap();
        }
        for file in ["b", "a", ".hidden", "two words", "ü", "._a"] {
            fs::write(scratch.0.0.join(file), file).unwrap();
        }
        let listing = scratch.0.list().unwrap();
        assert_eq!(listing, Listing { files: vec![(name("a"), 1), (name("b"), 1)], others: 4 });
    }

    #[test]
    fn reading_in_whole_sectors_gives_exactly_what_was_asked_for() {
        let all: Vec<u8> = (0..3 * CHUNK_LEN + 100).map(|at| (at % 251) as u8).collect();
        for at in [0, 1, 4_095, 4_096, 4_097, CHUNK_LEN - 1, CHUNK_LEN, all.len() - 1, all.len(), all.len() + 5_000] {
            for len in [0, 1, 100, 4_096, CHUNK_LEN, 2 * CHUNK_LEN + 1, all.len()] {
                let read = read_aligned(&mut Cursor::new(&all), at as u64, len).unwrap();
                let end = (at + len).min(all.len());
                assert_eq!(read, all.get(at..end).unwrap_or_default(), "{len} from {at}");
            }
        }
    }

    #[test]
    fn errors_of_the_system_keep_their_meaning() {
        let of = |errno: Errno| io_came(errno.into());
        assert_eq!(of(Errno::EROFS), Came::ReadOnly);
        assert_eq!(of(Errno::ENODEV), Came::Gone);
        assert_eq!(of(Errno::EIO), Came::Io(Shown::new("Input/output error (os error 5)")));
    }
}
