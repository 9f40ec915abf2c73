//! A ceremony's operations on drives, made of the operations of [`Media`].

use std::collections::BTreeMap;

use conclave_publish::{Digest, FileName, Item, Manifest};

use super::{Access, Came, Differs, Drive, DriveError, Listing, Media, Past, Tried};
use crate::export::Exportable;
use crate::shown::Shown;

/// Most files in the root directory of a drive.
pub const NAMES_MAX: usize = Manifest::ITEMS_MAX;
/// Most torn states of one file that are kept.
const TORN_MAX: usize = 99;
/// Most bytes of a log's torn tail: far more than one entry, which is all a power cut can leave.
const TORN_LEN_MAX: usize = 1 << 20;

/// Whether an act is done for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It is: a file that is already there and differs belongs to somebody, and nothing is written.
    First,
    /// By the record, the power failed during this very act: a file that differs is its torn rest. The rest is kept
    /// under another name, `NAME.torn1`, and the file is written again.
    Resumed,
}

/// Drives as a ceremony uses them. Every machine with [`Media`] has them.
///
/// A drive is handed over as it was seen by [`Self::present`]; if another is in its port by then, nothing happens.
pub trait Drives {
    /// Every drive that is plugged in, in the order of ports.
    fn present(&mut self) -> Result<Vec<Drive>, DriveError>;

    /// The contents of the root directory, mounted read-only, its files sorted by name.
    fn names(&mut self, drive: &Drive) -> Result<Listing, DriveError>;

    /// Bytes free on the volume, read-only.
    fn free(&mut self, drive: &Drive) -> Result<u64, DriveError>;

    /// A whole file, read-only.
    ///
    /// **Errors**: [`Came::TooLong`] beyond `at_most` bytes, before any of them is read.
    fn read(&mut self, drive: &Drive, name: &FileName, at_most: u64) -> Result<Vec<u8>, DriveError>;

    /// Writes new files, and returns when they have been read back from the drive itself: written, synced, unmounted,
    /// logged off and on, read, compared by name, length and SHA-256; and no other file of the drive has changed. A
    /// file that is there already with the same bytes is not written again, so that a resumed act ends where it would
    /// have.
    ///
    /// **Errors**: [`Came::Exists`] if one is there with other bytes (see [`Attempt`]); then nothing was written.
    fn write(
        &mut self,
        drive: &Drive,
        files: &[(FileName, &dyn Exportable)],
        attempt: Attempt,
    ) -> Result<(), DriveError>;

    /// Adds `bytes` to a log of exactly `at` bytes (at zero it may not exist yet), and returns when the drive has
    /// said it keeps them and has given them back past every cache. The drive stays mounted until [`Self::release`] or
    /// anything else is asked of it.
    ///
    /// **Errors**: [`Came::LogLength`] if the log has another length; [`Self::truncate_to`] mends a longer one.
    fn append(&mut self, drive: &Drive, log: &FileName, at: u64, bytes: &[u8]) -> Result<(), DriveError>;

    /// Cuts a torn tail off a log, after it was written to a file of its own, `LOG.torn1`, and read back.
    ///
    /// **Errors**: [`Came::LogLength`] if the log is shorter.
    fn truncate_to(&mut self, drive: &Drive, log: &FileName, len: u64) -> Result<(), DriveError>;

    /// Writes back the rest and ends every mount: the drive may be pulled out.
    fn release(&mut self, drive: &Drive) -> Result<(), DriveError>;
}

impl<M: Media> Drives for M {
    fn present(&mut self) -> Result<Vec<Drive>, DriveError> {
        self.look().map_err(|came| DriveError { port: Shown::default(), tried: Tried::Look, came })
    }

    fn names(&mut self, drive: &Drive) -> Result<Listing, DriveError> {
        let at = At(&drive.port);
        ready(self, drive, Access::Read)?;
        let names = self.list(at.0).map_err(at.tried(Tried::List));
        ended(self, drive, names)
    }

    fn free(&mut self, drive: &Drive) -> Result<u64, DriveError> {
        ready(self, drive, Access::Read)?;
        let space = self.space(&drive.port).map_err(At(&drive.port).tried(Tried::List));
        ended(self, drive, space).map(|space| space.free)
    }

    fn read(&mut self, drive: &Drive, name: &FileName, at_most: u64) -> Result<Vec<u8>, DriveError> {
        let at = At(&drive.port);
        ready(self, drive, Access::Read)?;
        let bytes = whole(self, at.0, name, at_most).map_err(at.tried(Tried::Read(name.clone())));
        ended(self, drive, bytes)
    }

    fn write(
        &mut self,
        drive: &Drive,
        files: &[(FileName, &dyn Exportable)],
        attempt: Attempt,
    ) -> Result<(), DriveError> {
        let files: Vec<_> = files.iter().map(|(name, exportable)| (name.clone(), exportable.bytes())).collect();
        let files = files.as_slice();
        let at = At(&drive.port);
        let wanted = manifest(files).map_err(at.tried(Tried::WriteAll))?;
        writable(self, drive)?;
        ready(self, drive, Access::Write)?;
        let before = write_all(self, at, files, attempt);
        let before = ended(self, drive, before)?;
        self.replug(at.0).map_err(at.tried(Tried::Replug))?;
        ready(self, drive, Access::Read)?;
        let compared = read_back(self, at, &wanted, before);
        ended(self, drive, compared)
    }

    fn append(&mut self, drive: &Drive, log: &FileName, at: u64, bytes: &[u8]) -> Result<(), DriveError> {
        let port = At(&drive.port);
        if self.mounted(port.0) != Some(Access::Write) {
            writable(self, drive)?;
            ready(self, drive, Access::Write)?;
        }
        let found = length(self, port.0, log).map_err(port.tried(Tried::Read(log.clone())))?;
        let tried = || port.tried(Tried::Write(log.clone()));
        if found.unwrap_or(0) != at {
            return Err(tried()(Came::LogLength { expected: at, found: found.unwrap_or(0) }));
        }
        if found.is_none() {
            self.create(port.0, log).map_err(tried())?;
        }
        self.extend(port.0, log, bytes).map_err(tried())?;
        self.sync(port.0, log).map_err(port.tried(Tried::Sync(log.clone())))?;
        tail(self, port.0, log, at, bytes).map_err(port.tried(Tried::ReadBack(log.clone())))
    }

    fn truncate_to(&mut self, drive: &Drive, log: &FileName, len: u64) -> Result<(), DriveError> {
        let at = At(&drive.port);
        writable(self, drive)?;
        ready(self, drive, Access::Write)?;
        let cut = keep_and_cut(self, at, log, len);
        ended(self, drive, cut)
    }

    fn release(&mut self, drive: &Drive) -> Result<(), DriveError> {
        match self.mounted(&drive.port) {
            Some(_) => self.unmount(&drive.port).map_err(At(&drive.port).tried(Tried::Release)),
            None => Ok(()),
        }
    }
}

/// The port errors are told of.
#[derive(Clone, Copy)]
struct At<'a>(&'a Shown);

impl At<'_> {
    fn tried(self, tried: Tried) -> impl FnOnce(Came) -> DriveError {
        let port = self.0.clone();
        move |came| DriveError { port, tried, came }
    }
}

/// Mounts the drive that is meant, and no other.
fn ready(media: &mut impl Media, drive: &Drive, access: Access) -> Result<(), DriveError> {
    let at = At(&drive.port);
    if media.mounted(at.0).is_some() {
        media.unmount(at.0).map_err(at.tried(Tried::Unmount))?;
    }
    let there = media.look().map_err(at.tried(Tried::Look))?;
    let Some(there) = there.into_iter().find(|there| there.port == drive.port) else {
        return Err(at.tried(Tried::Look)(Came::Absent));
    };
    if let Err(unfit) = &there.volume {
        return Err(at.tried(Tried::Look)(Came::Unfit(unfit.clone())));
    }
    if there != *drive {
        return Err(at.tried(Tried::Look)(Came::Swapped(Box::new(there))));
    }
    media.mount(at.0, access).map_err(at.tried(Tried::Mount))
}

/// Ends the mount, whatever came before it; the first error counts.
fn ended<T>(media: &mut impl Media, drive: &Drive, result: Result<T, DriveError>) -> Result<T, DriveError> {
    let unmounted = media.unmount(&drive.port).map_err(At(&drive.port).tried(Tried::Unmount));
    let value = result?;
    unmounted.map(|()| value)
}

/// Refuses to write to a drive that cannot be told from another.
fn writable(media: &mut impl Media, drive: &Drive) -> Result<(), DriveError> {
    let at = At(&drive.port);
    let refuse = at.tried(Tried::Look);
    if drive.serial.is_empty() {
        return Err(refuse(Came::NoSerial));
    }
    let there = media.look().map_err(at.tried(Tried::Look))?;
    match there.into_iter().find(|there| there.serial == drive.serial && there.port != drive.port) {
        Some(other) => Err(refuse(Came::SameSerial { other: other.port })),
        None => Ok(()),
    }
}

/// The list of the files to be written, each name once.
fn manifest(files: &[(FileName, &[u8])]) -> Result<Manifest, Came> {
    Ok(Manifest::new(files.iter().map(|(name, bytes)| item(name, bytes)).collect())?)
}

fn item(name: &FileName, bytes: &[u8]) -> Item {
    Item { name: name.clone(), size: bytes.len() as u64, digest: Digest::of(bytes) }
}

/// Length of a file; none if there is none of exactly this name.
///
/// **Errors**: [`Came::Exists`] if the name is there in other capitals, which FAT holds for the same; [`Came::Folder`]
/// if it is not one of the root directory.
fn length(media: &mut impl Media, port: &Shown, name: &FileName) -> Result<Option<u64>, Came> {
    if name.as_str().contains('/') {
        return Err(Came::Folder(name.clone()));
    }
    let names = media.list(port)?.files;
    match names.into_iter().find(|(there, _)| there.as_str().eq_ignore_ascii_case(name.as_str())) {
        None => Ok(None),
        Some((there, len)) if there == *name => Ok(Some(len)),
        Some((there, _)) => Err(Came::Exists(there)),
    }
}

/// A whole file of at most `at_most` bytes.
fn whole(media: &mut impl Media, port: &Shown, name: &FileName, at_most: u64) -> Result<Vec<u8>, Came> {
    let len = length(media, port, name)?.ok_or(Came::NoFile)?;
    match usize::try_from(len) {
        Ok(wanted) if len <= at_most => media.fetch(port, name, 0, wanted, Past::Nothing),
        _ => Err(Came::TooLong { len, at_most }),
    }
}

/// Writes and syncs the files that are not there yet; returns names and lengths of all other files.
fn write_all(
    media: &mut impl Media,
    at: At<'_>,
    files: &[(FileName, &[u8])],
    attempt: Attempt,
) -> Result<BTreeMap<FileName, u64>, DriveError> {
    let mut missing = Vec::new();
    let mut torn = Vec::new();
    for (name, bytes) in files {
        let tried = || at.tried(Tried::Write(name.clone()));
        match length(media, at.0, name).map_err(tried())? {
            None => missing.push((name, *bytes)),
            Some(len) if len == bytes.len() as u64 => {
                let there = media.fetch(at.0, name, 0, bytes.len(), Past::Nothing).map_err(tried())?;
                if there != *bytes {
                    torn.push((name, *bytes));
                }
            }
            Some(_) => torn.push((name, *bytes)),
        }
    }
    if let (Attempt::First, Some((name, _))) = (attempt, torn.first()) {
        return Err(at.tried(Tried::WriteAll)(Came::Exists((*name).clone())));
    }
    for (name, _) in &torn {
        let aside = free_name(media, at.0, name).map_err(at.tried(Tried::Write((*name).clone())))?;
        media.rename(at.0, name, &aside).map_err(at.tried(Tried::Write(aside.clone())))?;
        media.sync(at.0, &aside).map_err(at.tried(Tried::Sync(aside)))?;
    }
    missing.append(&mut torn);
    let space = media.space(at.0).map_err(at.tried(Tried::WriteAll))?;
    let clusters = |bytes: &[u8]| (bytes.len() as u64).next_multiple_of(space.cluster.max(1));
    let need = missing.iter().map(|(_, bytes)| clusters(bytes)).sum();
    if need > space.free {
        return Err(at.tried(Tried::WriteAll)(Came::Full { need, free: space.free }));
    }
    for (name, bytes) in missing {
        let tried = || at.tried(Tried::Write(name.clone()));
        media.create(at.0, name).map_err(tried())?;
        media.extend(at.0, name, bytes).map_err(tried())?;
        media.sync(at.0, name).map_err(at.tried(Tried::Sync(name.clone())))?;
    }
    let all = media.list(at.0).map_err(at.tried(Tried::List))?.files;
    Ok(all.into_iter().filter(|(there, _)| files.iter().all(|(name, _)| name != there)).collect())
}

/// Compares the files on the drive with the written ones, and checks that its other files are as they were.
fn read_back(
    media: &mut impl Media,
    at: At<'_>,
    wanted: &Manifest,
    mut others: BTreeMap<FileName, u64>,
) -> Result<(), DriveError> {
    let there = media.list(at.0).map_err(at.tried(Tried::List))?.files;
    let mut there: BTreeMap<FileName, u64> = there.into_iter().collect();
    for wanted in wanted.items() {
        let tried = || at.tried(Tried::ReadBack(wanted.name.clone()));
        let differs = |differs| Err(tried()(Came::NotReadBack(differs)));
        match there.remove(&wanted.name) {
            None => return differs(Differs::Missing),
            Some(found) if found != wanted.size => {
                return differs(Differs::Length { written: wanted.size, found });
            }
            Some(_) => {}
        }
        let bytes = whole(media, at.0, &wanted.name, wanted.size).map_err(tried())?;
        match item(&wanted.name, &bytes) {
            found if found.size != wanted.size => {
                return differs(Differs::Length { written: wanted.size, found: found.size });
            }
            found if found != *wanted => return differs(Differs::Bytes),
            _ => {}
        }
    }
    let changed = there.iter().find(|(name, len)| others.remove(*name) != Some(**len)).map(|(name, _)| name.clone());
    match changed.or_else(|| others.into_keys().next()) {
        None => Ok(()),
        Some(name) => {
            let tried = at.tried(Tried::ReadBack(name.clone()));
            Err(tried(Came::NotReadBack(Differs::Another(name))))
        }
    }
}

/// Compares the end of a log with the bytes just added to it, past every cache.
fn tail(media: &mut impl Media, port: &Shown, log: &FileName, at: u64, bytes: &[u8]) -> Result<(), Came> {
    let written = at + bytes.len() as u64;
    match length(media, port, log)? {
        None => return Err(Came::NotReadBack(Differs::Missing)),
        Some(found) if found != written => return Err(Came::NotReadBack(Differs::Length { written, found })),
        Some(_) => {}
    }
    let found = media.fetch(port, log, at, bytes.len(), Past::Cache)?;
    match found.len() {
        len if len != bytes.len() => Err(Came::NotReadBack(Differs::Length { written, found: at + len as u64 })),
        _ if found != bytes => Err(Came::NotReadBack(Differs::Bytes)),
        _ => Ok(()),
    }
}

/// Keeps the tail of a log beyond `len` in a file of its own, then cuts it off.
fn keep_and_cut(media: &mut impl Media, at: At<'_>, log: &FileName, len: u64) -> Result<(), DriveError> {
    let tried = || at.tried(Tried::Write(log.clone()));
    let found = length(media, at.0, log).map_err(tried())?.unwrap_or(0);
    let Some(torn) = found.checked_sub(len) else {
        return Err(tried()(Came::LogLength { expected: len, found }));
    };
    let torn = match usize::try_from(torn) {
        Ok(0) => return Ok(()),
        Ok(torn) if torn <= TORN_LEN_MAX => torn,
        _ => return Err(tried()(Came::TooLong { len: torn, at_most: TORN_LEN_MAX as u64 })),
    };
    let torn = media.fetch(at.0, log, len, torn, Past::Nothing).map_err(tried())?;
    let aside = free_name(media, at.0, log).map_err(tried())?;
    let kept = || at.tried(Tried::Write(aside.clone()));
    media.create(at.0, &aside).map_err(kept())?;
    media.extend(at.0, &aside, &torn).map_err(kept())?;
    media.sync(at.0, &aside).map_err(at.tried(Tried::Sync(aside.clone())))?;
    tail(media, at.0, &aside, 0, &torn).map_err(at.tried(Tried::ReadBack(aside.clone())))?;
    media.shorten(at.0, log, len).map_err(tried())?;
    media.sync(at.0, log).map_err(at.tried(Tried::Sync(log.clone())))?;
    tail(media, at.0, log, len, &[]).map_err(at.tried(Tried::ReadBack(log.clone())))
}

/// The first name for a torn state of this file that is not taken.
fn free_name(media: &mut impl Media, port: &Shown, name: &FileName) -> Result<FileName, Came> {
    let names = media.list(port)?.files;
    (1..=TORN_MAX)
        .filter_map(|n| FileName::new(format!("{}.torn{n}", name.as_str()).as_bytes()).ok())
        .find(|aside| !names.iter().any(|(there, _)| there.as_str().eq_ignore_ascii_case(aside.as_str())))
        .ok_or_else(|| Came::NoNameLeft(name.clone()))
}
