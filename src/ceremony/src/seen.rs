//! What a token says of itself, as facts: PINs, DKEK, objects. Worth nothing before the token proved itself.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::public::{Bytes, Octets, Text};

/// What a token says of itself.
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

/// What a token says of a PIN when none is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PinSeen {
    /// Accepted since the applet was selected.
    Verified,
    /// This many tries are left.
    TriesLeft(u8),
    /// No try is left.
    Blocked,
    /// A transport PIN, to be changed before use.
    Transport,
    /// Never set.
    NeverSet,
    /// Other tokens authenticate instead of a PIN.
    OtherTokens,
}

/// What a token says of its key domain 0.
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
    /// What stands in its certificate file.
    pub stored: Stored,
    /// Its description.
    pub description: Description,
}

/// What stands in a key's certificate file.
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

/// What describes a key. Without a description OpenSC does not see it.
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
        /// What kind of key.
        kind: Family,
        /// What people call it.
        label: Option<Text>,
    },
}

/// Kinds of keys that descriptions tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Family {
    /// RSA.
    Rsa,
    /// Elliptic curve.
    Ec,
    /// AES.
    Aes,
    /// Any other, by its tag.
    Other(u16),
}

impl fmt::Display for PinSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verified => f.write_str("verified"),
            Self::TriesLeft(1) => f.write_str("1 try left"),
            Self::TriesLeft(left) => write!(f, "{left} tries left"),
            Self::Blocked => f.write_str("blocked, no try left"),
            Self::Transport => f.write_str("a transport PIN, to be changed before use"),
            Self::NeverSet => f.write_str("never set"),
            Self::OtherTokens => f.write_str("replaced by the authentication of other tokens"),
        }
    }
}

impl fmt::Display for DomainSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no DKEK: its keys can never be exported"),
            Self::Empty => f.write_str("an empty key domain"),
            Self::Dkek(shares) => shares.fmt(f),
            Self::Agreed(shares) => write!(f, "agreed with other tokens (XKEK), {shares}"),
        }
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kcv, total, outstanding } = self;
        match (outstanding, kcv) {
            (0, Some(kcv)) => write!(f, "{total} DKEK shares imported, KCV {kcv}"),
            (0, None) => write!(f, "{total} DKEK shares imported, KCV missing"),
            (outstanding, _) => write!(f, "{outstanding} of {total} DKEK shares outstanding"),
        }
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
                match kind {
                    Family::Rsa => f.write_str("RSA")?,
                    Family::Ec => f.write_str("EC")?,
                    Family::Aes => f.write_str("AES")?,
                    Family::Other(tag) => write!(f, "unknown kind {tag:X}")?,
                }
                bits.map_or(Ok(()), |bits| write!(f, "-{bits}"))?;
                label.as_ref().map_or(Ok(()), |label| write!(f, " '{label}'"))?;
                f.write_str(", id ")?;
                id.get().iter().try_for_each(|byte| write!(f, "{byte:02X}"))?;
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
