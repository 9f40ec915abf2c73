//! A token's own word, as facts: PINs, DKEK, objects. The word is worth nothing before the token proved itself.

use core::fmt;

use conclave_publish::Digest;
use serde::{Deserialize, Serialize};
use smartcard_hsm::command::{DkekStatus, KeyDomain};
use smartcard_hsm::dkek::Kcv;
use smartcard_hsm::object::PinState;
use smartcard_hsm::pkcs15::KeyKind;
use smartcard_hsm::text::Hex;

use crate::public::{Bytes, Octets, Text};

/// The word of a token on itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenSeen {
    /// User PIN.
    pub pin: PinSeen,
    /// Key domain 0.
    pub dkek: DomainSeen,
    /// From its certificate.
    pub serial: Text,
    /// SO-PIN.
    pub so_pin: PinSeen,
    /// Everything that initialising would erase.
    pub objects: Vec<Object>,
    /// Version of the applet: before and after the point.
    pub firmware: (u8, u8),
    /// Device certificate and device issuer certificate, as they are on the token.
    pub certificates: Bytes,
}

/// The state of a PIN, as a token tells it when none is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PinSeen(#[serde(with = "PinWritten")] pub PinState);

/// The form of a [`PinState`] in the record.
#[derive(Serialize, Deserialize)]
#[serde(remote = "PinState")]
enum PinWritten {
    Verified,
    TriesLeft(u8),
    Blocked,
    Transport,
    NeverSet,
    OtherTokens,
}

/// Key domain 0, as a token tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DomainSeen {
    /// There is none: its keys can never be exported.
    None,
    /// It exists and holds no key.
    Empty,
    /// It holds, or waits for, a DKEK.
    Dkek(Shares),
    /// It holds, or waits for, a key agreed with other tokens (XKEK).
    Agreed(Shares),
}

/// Where the import of shares stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// Check value of the complete DKEK, if the token states one.
    pub kcv: Option<Octets<8>>,
    /// Shares the token was initialised for.
    pub total: u8,
    /// Shares not imported yet.
    pub outstanding: u8,
}

/// One thing on a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Object {
    /// A key.
    Key(KeySeen),
    /// A file that belongs to no key.
    File {
        /// Its number.
        file: u16,
        /// SHA-256 of its content; none if it is read only after a login.
        content: Option<Octets<32>>,
    },
}

/// A key on a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySeen {
    /// Its number, from 1.
    pub number: u8,
    /// The content of its certificate file.
    pub stored: Stored,
    /// Its description.
    pub description: Description,
}

/// The content of a key's certificate file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stored {
    /// No file.
    Nothing,
    /// An X.509 certificate, by its SHA-256.
    Certificate(Octets<32>),
    /// The attestation of the token that made the key, by its SHA-256.
    Attestation(Octets<32>),
    /// Something else, by its SHA-256.
    Other(Octets<32>),
}

/// The description of a key. OpenSC does not see a key without one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Description {
    /// There is none.
    Nothing,
    /// It cannot be read.
    Unreadable,
    /// As it says.
    Read {
        /// CKA_ID.
        id: Bytes,
        /// Size in bits; of an elliptic curve's field.
        bits: Option<u16>,
        /// Kind of key.
        kind: Family,
        /// The name people call the key by.
        label: Option<Text>,
    },
}

/// A kind of key, as descriptions tell kinds apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Family(#[serde(with = "FamilyWritten")] pub KeyKind);

/// The form of a [`KeyKind`] in the record.
#[derive(Serialize, Deserialize)]
#[serde(remote = "KeyKind")]
enum FamilyWritten {
    Rsa,
    Ec,
    Aes,
    Other(u16),
}

impl Stored {
    /// A certificate, DER.
    pub fn certificate(der: &Bytes) -> Self {
        Self::Certificate(Digest::of(der.get()).into())
    }

    /// An attestation.
    pub fn attestation(attestation: &Bytes) -> Self {
        Self::Attestation(Digest::of(attestation.get()).into())
    }
}

impl fmt::Display for PinSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for DomainSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => KeyDomain::None.fmt(f),
            Self::Empty => KeyDomain::Empty.fmt(f),
            Self::Dkek(shares) => shares.fmt(f),
            Self::Agreed(shares) => write!(f, "agreed with other tokens (XKEK), {shares}"),
        }
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kcv, total, outstanding } = *self;
        DkekStatus { total, outstanding, kcv: kcv.and_then(|Octets(kcv)| Kcv::stated(kcv).ok()) }.fmt(f)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::File { file, content: Some(content) } => write!(f, "file {file:04X}, SHA-256 {content}"),
            Self::File { file, content: None } => write!(f, "file {file:04X}, read after a login"),
        }
    }
}

impl fmt::Display for KeySeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}: ", self.number)?;
        match &self.description {
            Description::Nothing => f.write_str("no description, invisible to OpenSC")?,
            Description::Unreadable => f.write_str("its description cannot be read")?,
            Description::Read { id, bits, kind, label } => {
                kind.0.fmt(f)?;
                bits.map_or(Ok(()), |bits| write!(f, "-{bits}"))?;
                label.as_ref().map_or(Ok(()), |label| write!(f, " '{label}'"))?;
                write!(f, ", id {}", Hex(id.get()))?;
            }
        }
        match self.stored {
            Stored::Nothing => f.write_str(", no certificate"),
            Stored::Certificate(digest) => write!(f, ", certificate SHA-256 {digest}"),
            Stored::Attestation(digest) => write!(f, ", attestation SHA-256 {digest}"),
            Stored::Other(digest) => write!(f, ", unknown certificate file SHA-256 {digest}"),
        }
    }
}
