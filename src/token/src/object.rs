//! The objects on a token: keys and files by number, PINs by role.

use core::fmt;

/// Number of a key on the token: 1 to 255. Key 0 is the device key; only the card uses it.
///
/// Shape: shown in decimal, as `sc-hsm-tool --key-reference` takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(u8);

impl KeyId {
    /// Every key id there is, lowest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (1..=u8::MAX).map(Self)
    }

    /// The key with this number, `None` for the device key's 0.
    pub const fn new(id: u8) -> Option<Self> {
        if id == 0 { None } else { Some(Self(id)) }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The key and its files.
    pub fn files(self) -> [FileId; 3] {
        [self.key_file(), self.description(), self.certificate()]
    }

    /// EF CCxx: the private key itself. Listed and deleted by this number, never readable.
    pub const fn key_file(self) -> FileId {
        FileId::of(0xcc, self.0)
    }

    /// EF C4xx: its PKCS#15 description, without which OpenSC does not show it.
    pub const fn description(self) -> FileId {
        FileId::of(0xc4, self.0)
    }

    /// EF CExx: its certificate, or the key-generation request the card left there.
    pub const fn certificate(self) -> FileId {
        FileId::of(0xce, self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Number of an elementary file.
///
/// Shape: two bytes, shown as four hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u16);

impl FileId {
    /// Device certificate and the certificate of its issuer. Survives INITIALIZE DEVICE.
    pub const DEVICE_CERTIFICATE: Self = Self(0x2f02);
    /// TokenInfo: the label.
    pub const TOKEN_INFO: Self = Self(0x2f03);
    /// Scratch file for command data that does not fit a command.
    pub const SCRATCH: Self = Self(0x2f10);
    /// The device key, which ENUMERATE OBJECTS lists as a key.
    pub const DEVICE_KEY: Self = Self(0xcc00);

    const fn of(prefix: u8, key: u8) -> Self {
        Self(u16::from_be_bytes([prefix, key]))
    }

    /// Whether INITIALIZE DEVICE erases it: keys, descriptions, certificates and data objects.
    pub const fn is_erasable(self) -> bool {
        matches!(self.0.to_be_bytes(), [0xc4 | 0xc8 | 0xc9 | 0xca | 0xcd..=0xcf, _] | [0xcc, 1..=0xff])
    }

    /// The key this file is the key file of; `None` for the device key and for any other file.
    pub const fn as_key(self) -> Option<KeyId> {
        match self.0.to_be_bytes() {
            [0xcc, id] => KeyId::new(id),
            _ => None,
        }
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

/// The role of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PinKind {
    /// The user's, which uses keys and writes files.
    User,
    /// The security officer's, which initialises and, where the options allow it, unblocks.
    So,
}

impl PinKind {
    /// Reference data qualifier: P2 of VERIFY and CHANGE REFERENCE DATA.
    pub(crate) const fn reference(self) -> u8 {
        match self {
            Self::User => 0x81,
            Self::So => 0x88,
        }
    }
}

impl fmt::Display for PinKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "user PIN",
            Self::So => "SO-PIN",
        })
    }
}

/// Fewest tries of the SO-PIN that must be left before it is tried: a blocked one makes a token worthless.
pub const SO_TRIES_LEFT_MIN: u8 = 5;

/// The state of a PIN, which a token tells without a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PinState {
    /// Accepted since the applet was selected; the counter is not told then.
    Verified,
    /// This many tries are left, at least one.
    TriesLeft(u8),
    /// No try is left.
    Blocked,
    /// A transport PIN that must be changed before use. Firmware 1.x says this of a PIN that was never set.
    Transport,
    /// Never set: the token was never initialised.
    NeverSet,
    /// Other tokens authenticate instead of a PIN (n-of-m).
    OtherTokens,
}

impl fmt::Display for PinState {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_its_files_share_the_number() {
        let id = KeyId::new(0x1a).unwrap();
        assert_eq!(id.files().map(|file| file.0), [0xcc1a, 0xc41a, 0xce1a]);
        assert!(id.files().into_iter().all(FileId::is_erasable));
        assert_eq!(id.key_file().as_key(), Some(id));
        assert_eq!(id.certificate().as_key(), None);
        assert_eq!(format!("{id} {}", id.key_file()), "26 CC1A");
    }

    #[test]
    fn the_device_key_is_no_key_of_ours() {
        assert_eq!(KeyId::new(0), None);
        assert_eq!(FileId::DEVICE_KEY.as_key(), None);
        assert!(![FileId::DEVICE_KEY, FileId::DEVICE_CERTIFICATE].into_iter().any(FileId::is_erasable));
        assert_eq!(KeyId::all().count(), 255);
    }
}
