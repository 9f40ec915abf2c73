//! Card memory: the state that survives power-off, and the single door through which it changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use smartcard_hsm::apdu::StatusWord;

use super::domains::Domains;
use super::keys::{KEYS_LEN_MAX, Key};
use super::profile::Profile;
use super::sw;

/// EF of the device certificate and its issuer's.
pub(super) const EF_DEVICE_CERTIFICATE: u16 = 0x2f02;
/// EF that takes large command data; UNWRAP consumes it.
pub(super) const EF_SCRATCH: u16 = 0x2f10;

/// Bytes an EF takes besides its content. The real overhead is not published.
const FILE_OVERHEAD: usize = 64;

/// Everything a token remembers.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Memory {
    /// The kind of the token; INITIALIZE leaves it.
    pub(super) profile: Profile,
    /// The key no command changes; INITIALIZE leaves it.
    pub(super) device: Device,
    /// `None`: never set, the first INITIALIZE sets it.
    pub(super) so_pin: Option<Reference>,
    /// `None`: never initialised.
    pub(super) user_pin: Option<Reference>,
    /// Options of INITIALIZE.
    pub(super) options: u16,
    pub(super) domains: Domains,
    /// In order of creation, which is the order ENUMERATE OBJECTS lists them in.
    pub(super) files: Vec<File>,
    pub(super) keys: BTreeMap<u8, Key>,
    /// Deletions since memory was last cleaned up.
    pub(super) deletions: u32,
}

/// The device key and its certificates.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Device {
    /// brainpoolP256r1 scalar.
    #[serde(with = "serde_bytes")]
    pub(super) key: Vec<u8>,
    /// Holder name in the device certificate: serial and `00000`.
    pub(super) holder: String,
}

/// A PIN and its counter.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    #[serde(with = "serde_bytes")]
    pub(super) value: Vec<u8>,
    pub(super) tries_left: u8,
    pub(super) tries_max: u8,
    /// Must be changed before it can be verified.
    pub(super) transport: bool,
}

/// An elementary file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) fid: u16,
    #[serde(with = "serde_bytes")]
    pub(super) content: Vec<u8>,
}

/// One of the two references a card verifies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    SecurityOfficer,
}

/// One change of card memory, which a power cut either lets happen or prevents.
pub(super) enum Write {
    /// Every key, every file but the device certificate, user PIN, options and domains.
    Erase,
    Reference(Role, Reference),
    TriesLeft(Role, u8),
    Options(u16),
    Domains(Domains),
    File(u16, Vec<u8>),
    DeleteFile(u16),
    Key(u8, Key),
    DeleteKey(u8),
    /// Memory is cleaned up.
    Collect,
}

impl Memory {
    pub(super) fn new(profile: Profile, device: Device, certificates: Vec<u8>, so_pin: Option<Reference>) -> Self {
        Self {
            profile,
            device,
            so_pin,
            user_pin: None,
            options: 0,
            domains: Domains::None,
            files: vec![File { fid: EF_DEVICE_CERTIFICATE, content: certificates }],
            keys: BTreeMap::new(),
            deletions: 0,
        }
    }

    pub(super) fn file(&self, fid: u16) -> Option<&[u8]> {
        self.files.iter().find(|file| file.fid == fid).map(|file| file.content.as_slice())
    }

    pub(super) fn reference(&self, role: Role) -> Option<&Reference> {
        match role {
            Role::User => self.user_pin.as_ref(),
            Role::SecurityOfficer => self.so_pin.as_ref(),
        }
    }

    /// Bytes of memory that are free.
    pub(super) fn free(&self) -> u32 {
        let own = |file: &&File| file.fid != EF_DEVICE_CERTIFICATE;
        let files: usize = self.files.iter().filter(own).map(|file| FILE_OVERHEAD + file.content.len()).sum();
        let keys: usize = self.keys.values().map(Key::memory_len).sum();
        self.profile.memory_len.saturating_sub(u32::try_from(files + keys).unwrap_or(u32::MAX))
    }

    /// Refuses a new object of `len` bytes that does not fit.
    pub(super) fn room_for(&self, len: usize) -> Result<(), StatusWord> {
        if len + FILE_OVERHEAD <= self.free() as usize { Ok(()) } else { Err(sw::FULL) }
    }

    /// Refuses a new key of `len` bytes that does not fit among the keys or into the free memory.
    pub(super) fn room_for_key(&self, len: usize) -> Result<(), StatusWord> {
        let keys: usize = self.keys.values().map(Key::memory_len).sum();
        if keys + len <= KEYS_LEN_MAX { self.room_for(len) } else { Err(sw::FULL) }
    }

    fn apply(&mut self, write: Write) {
        match write {
            Write::Erase => {
                self.user_pin = None;
                self.options = 0;
                self.domains = Domains::None;
                self.files.retain(|file| file.fid == EF_DEVICE_CERTIFICATE);
                self.keys.clear();
            }
            Write::Reference(Role::User, reference) => self.user_pin = Some(reference),
            Write::Reference(Role::SecurityOfficer, reference) => self.so_pin = Some(reference),
            Write::TriesLeft(role, tries_left) => {
                let reference = match role {
                    Role::User => &mut self.user_pin,
                    Role::SecurityOfficer => &mut self.so_pin,
                };
                if let Some(reference) = reference {
                    reference.tries_left = tries_left;
                }
            }
            Write::Options(options) => self.options = options,
            Write::Domains(domains) => self.domains = domains,
            Write::File(fid, content) => match self.files.iter_mut().find(|file| file.fid == fid) {
                Some(file) => file.content = content,
                None => self.files.push(File { fid, content }),
            },
            Write::DeleteFile(fid) => {
                self.files.retain(|file| file.fid != fid);
                self.deletions = self.deletions.saturating_add(1);
            }
            Write::Key(id, key) => {
                self.keys.insert(id, key);
            }
            Write::DeleteKey(id) => {
                self.keys.remove(&id);
                self.deletions = self.deletions.saturating_add(1);
            }
            Write::Collect => self.deletions = 0,
        }
    }
}

/// Memory behind the door that counts writes and can be cut off from power.
#[derive(Clone)]
pub(super) struct Store {
    memory: Memory,
    /// Writes carried out so far: a keeper of memory elsewhere sees by it that there is something to keep.
    writes: u64,
    /// Writes until the power fails; `None`: it does not.
    writes_left: Option<u32>,
}

impl Store {
    pub(super) fn new(memory: Memory) -> Self {
        Self { memory, writes: 0, writes_left: None }
    }

    pub(super) fn read(&self) -> &Memory {
        &self.memory
    }

    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// Lets the power fail after `writes` more writes: later writes never reach memory.
    pub(super) fn power_fails_after(&mut self, writes: Option<u32>) {
        self.writes_left = writes;
    }

    pub(super) fn write(&mut self, write: Write) {
        match &mut self.writes_left {
            Some(0) => return,
            Some(left) => *left -= 1,
            None => {}
        }
        self.memory.apply(write);
        self.writes += 1;
    }
}
