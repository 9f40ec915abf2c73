//! One drive: the files it keeps, and its behaviour with the data it is given.

use std::collections::BTreeMap;

use conclave_console::drives::{Access, Came, Drive, Volume, VolumeId};
use conclave_console::shown::{Serial, Shown};
use conclave_publish::FileName;

/// The length of a file is rounded up to a multiple of this. Units: bytes.
pub(super) const CLUSTER: u64 = 4096;

/// Whether a drive keeps the data that it claims to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// It does.
    Never,
    /// It drops the bytes of every write and keeps the names: a stick of false capacity.
    Bytes,
    /// It drops every write.
    Everything,
    /// It keeps a write when the next one comes, or when it is unmounted.
    Late,
}

/// A simulated drive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stick {
    /// How the machine sees it.
    pub drive: Drive,
    /// The files it keeps.
    pub files: Files,
    /// Names of its folders.
    pub folders: Vec<String>,
    /// Room for files, in whole clusters. Units: bytes.
    pub capacity: u64,
    /// Whether its switch is set.
    pub read_only: bool,
    /// Whether it keeps the data that it claims to keep.
    pub lies: Lies,
    pub(super) mounted: Option<Access>,
    /// The changes that it claims to keep already and will keep later.
    pub(super) late: Vec<Change>,
    /// The machine's view of a mounted volume: the data that was written and read.
    pub(super) cache: Files,
}

/// The files of a volume.
pub(super) type Files = BTreeMap<FileName, Vec<u8>>;

impl Stick {
    /// An empty drive of 8 GB that fits, at this port, with this serial and label.
    pub fn new(port: &str, serial: &str, label: &str) -> Self {
        let id = serial.bytes().fold(0x4000_0000_u32, |id, byte| id.rotate_left(5) ^ u32::from(byte));
        let volume = Ok(Volume { id: VolumeId(id), label: Shown::new(label) });
        let drive = Drive {
            port: Shown::new(port),
            model: Shown::new("Simulated stick"),
            serial: Serial::new(serial),
            len: 8_000_000_000,
            volume,
        };
        let capacity = drive.len;
        let (files, cache, folders) = (Files::new(), Files::new(), Vec::new());
        Self {
            drive,
            files,
            folders,
            capacity,
            read_only: false,
            lies: Lies::Never,
            mounted: None,
            late: Vec::new(),
            cache,
        }
    }

    pub(super) fn mount(&mut self, access: Access) {
        self.mounted = Some(access);
        self.settle();
        self.cache = self.files.clone();
    }

    /// Room left. Units: bytes.
    pub(super) fn free(&self) -> u64 {
        let used: u64 = self.cache.values().map(|bytes| clusters(bytes.len())).sum();
        self.capacity.saturating_sub(used)
    }

    /// Makes a change in the machine's memory as a file system would, or refuses it.
    pub(super) fn take(&mut self, change: Change) -> Result<(), Came> {
        // FAT holds names that differ in capitals for the same.
        let taken = |name: &FileName| self.cache.keys().any(|there| there.as_str().eq_ignore_ascii_case(name.as_str()));
        match &change {
            Change::Create(name) | Change::Rename(_, name) if taken(name) => return Err(Came::Exists(name.clone())),
            Change::Extend(name, _) | Change::Shorten(name, _) | Change::Rename(name, _)
                if !self.cache.contains_key(name) =>
            {
                return Err(Came::NoFile);
            }
            Change::Extend(name, bytes) => {
                let len = self.cache.get(name).map_or(0, Vec::len);
                let (need, free) = (clusters(len + bytes.len()) - clusters(len), self.free());
                if need > free {
                    return Err(Came::Full { need, free });
                }
            }
            Change::Create(_) | Change::Shorten(..) | Change::Rename(..) => {}
        }
        apply(&mut self.cache, change);
        Ok(())
    }

    /// Keeps the changes that came late.
    fn settle(&mut self) {
        core::mem::take(&mut self.late).into_iter().for_each(|change| apply(&mut self.files, change));
    }

    /// The files that it claims to keep.
    pub(super) fn says(&self) -> Files {
        let mut files = self.files.clone();
        self.late.iter().for_each(|change| apply(&mut files, change.clone()));
        files
    }

    /// Keeps a change, or only says so.
    pub(super) fn keep(&mut self, change: Change) {
        match (self.lies, change) {
            (Lies::Late, change) => {
                self.settle();
                self.late.push(change);
            }
            (Lies::Everything, _) => {}
            (Lies::Bytes, Change::Extend(name, bytes)) => {
                apply(&mut self.files, Change::Extend(name, vec![0; bytes.len()]));
            }
            (_, change) => apply(&mut self.files, change),
        }
    }
}

fn apply(files: &mut Files, change: Change) {
    match change {
        Change::Create(name) => drop(files.insert(name, Vec::new())),
        Change::Extend(name, bytes) => {
            if let Some(file) = files.get_mut(&name) {
                file.extend(bytes);
            }
        }
        Change::Shorten(name, len) => {
            if let Some(file) = files.get_mut(&name) {
                file.truncate(len);
            }
        }
        Change::Rename(from, to) => {
            if let Some(bytes) = files.remove(&from) {
                files.insert(to, bytes);
            }
        }
    }
}

fn clusters(len: usize) -> u64 {
    (len as u64).next_multiple_of(CLUSTER)
}

/// Something that was done and may not have been kept yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create(FileName),
    Extend(FileName, Vec<u8>),
    Shorten(FileName, usize),
    Rename(FileName, FileName),
}

impl Change {
    /// In how many places it can be torn.
    pub(super) fn weight(&self) -> usize {
        if let Self::Extend(_, bytes) = self { bytes.len() } else { 1 }
    }

    /// The part of the change that is left if `left` units are kept; `None` if nothing is left.
    pub(super) fn torn(self, left: usize) -> Option<Self> {
        match self {
            _ if left == 0 => None,
            Self::Extend(name, mut bytes) => {
                bytes.truncate(left);
                Some(Self::Extend(name, bytes))
            }
            whole => Some(whole),
        }
    }

    /// Whether syncing this file makes the drive keep it.
    pub(super) fn concerns(&self, name: &FileName) -> bool {
        match self {
            Self::Create(there) | Self::Extend(there, _) | Self::Shorten(there, _) => there == name,
            Self::Rename(from, to) => from == name || to == name,
        }
    }
}
