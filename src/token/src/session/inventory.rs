//! The objects on a token, in a form in which two tokens can be compared: nothing in it depends on the serial number.

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::Session;
use crate::{
    apdu::StatusWord,
    channel::Channel,
    error::{Came, TokenError},
    object::{FileId, KeyId},
    pkcs15::{KeyDescription, Label, Pkcs15Error, TokenInfo},
    text::Hex,
    tlv,
};

/// Everything that INITIALIZE DEVICE would erase, keys first, by number.
///
/// Two tokens may differ in the label: [`Inventory::difference`] leaves it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The name that people use for the token.
    pub label: Option<Label>,
    /// The objects on the token.
    pub objects: Vec<Object>,
}

/// One object on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    /// A key and the files that describe it.
    Key(KeyEntry),
    /// A file of its own: a data object, a certificate without a key, a remaining file of a key that is gone.
    File {
        /// Its number.
        file: FileId,
        /// SHA-256 of its content; `None` if it is read only after a login.
        sha256: Option<[u8; 32]>,
    },
}

/// A key on a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// Its number.
    pub id: KeyId,
    /// Its description: kind, size, label, CKA_ID. Without one OpenSC does not see it.
    pub description: Option<Result<KeyDescription, Pkcs15Error>>,
    /// Its certificate file.
    pub certificate: Stored,
}

/// The content of a key's certificate file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// No file.
    Nothing,
    /// An X.509 certificate, by its SHA-256.
    Certificate([u8; 32]),
    /// The attestation of the token that made the key, by its SHA-256. Not verified here.
    Attestation([u8; 32]),
    /// Something else, by its SHA-256.
    Other([u8; 32]),
}

impl Stored {
    fn of(content: &[u8]) -> Self {
        // A file written over a longer one keeps the end of the longer one: only the element at its start counts.
        let sha256 = Sha256::digest(tlv::split(content).map_or(content, |(element, _)| element.raw)).into();
        match content.first() {
            Some(0x30) => Self::Certificate(sha256),
            Some(0x67) => Self::Attestation(sha256),
            _ => Self::Other(sha256),
        }
    }
}

impl Inventory {
    /// The first object in which two tokens differ, as it is on this and on the other.
    pub fn difference<'a>(&'a self, other: &'a Self) -> Option<(Option<&'a Object>, Option<&'a Object>)> {
        let longest = self.objects.len().max(other.objects.len());
        let mut pairs = (0..longest).map(|at| (self.objects.get(at), other.objects.get(at)));
        pairs.find(|(here, there)| here != there)
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// Reads the objects on the token.
    pub fn inventory(&mut self) -> Result<Inventory, TokenError> {
        let mut files = self.files()?;
        files.sort_unstable();
        let label = if files.contains(&FileId::TOKEN_INFO) {
            TokenInfo::parse(&self.read(FileId::TOKEN_INFO)?).ok().and_then(|info| info.label)
        } else {
            None
        };
        let keys: Vec<KeyId> = files.iter().filter_map(|file| file.as_key()).collect();
        let mut objects = Vec::new();
        for id in &keys {
            objects.push(Object::Key(self.key_entry(*id, &files)?));
        }
        let of_a_key = |file: &FileId| keys.iter().any(|key| key.files().contains(file));
        for file in files.into_iter().filter(|file| file.is_erasable() && !of_a_key(file)) {
            let sha256 = match self.read(file) {
                Ok(content) => Some(Sha256::digest(&content).into()),
                Err(TokenError { came: Came::Status(StatusWord(0x6982)), .. }) => None,
                Err(error) => return Err(error),
            };
            objects.push(Object::File { file, sha256 });
        }
        Ok(Inventory { label, objects })
    }

    fn key_entry(&mut self, id: KeyId, files: &[FileId]) -> Result<KeyEntry, TokenError> {
        let description = if files.contains(&id.description()) {
            Some(KeyDescription::parse(&self.read(id.description())?))
        } else {
            None
        };
        let certificate =
            if files.contains(&id.certificate()) { Stored::of(&self.read(id.certificate())?) } else { Stored::Nothing };
        Ok(KeyEntry { id, description, certificate })
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::File { file, sha256: Some(sha256) } => write!(f, "file {file}, SHA-256 {}", Hex(sha256)),
            Self::File { file, sha256: None } => write!(f, "file {file}, read after a login"),
        }
    }
}

impl fmt::Display for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}: ", self.id)?;
        match &self.description {
            None => f.write_str("no description, invisible to OpenSC")?,
            Some(Err(error)) => write!(f, "description cannot be read: {error}")?,
            Some(Ok(KeyDescription { label, id, kind, bits, .. })) => {
                kind.fmt(f)?;
                bits.map_or(Ok(()), |bits| write!(f, "-{bits}"))?;
                label.as_ref().map_or(Ok(()), |label| write!(f, " '{label}'"))?;
                write!(f, ", id {id}")?;
            }
        }
        match &self.certificate {
            Stored::Nothing => f.write_str(", no certificate"),
            Stored::Certificate(sha256) => write!(f, ", certificate SHA-256 {}", Hex(sha256)),
            Stored::Attestation(sha256) => write!(f, ", attestation SHA-256 {}", Hex(sha256)),
            Stored::Other(sha256) => write!(f, ", unknown certificate file SHA-256 {}", Hex(sha256)),
        }
    }
}
