//! The operations that are tried with a token, and their effects.

use core::fmt;

use crate::{
    command::SignAlgorithm,
    object::{FileId, KeyId, PinKind},
};

/// An operation that was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tried {
    /// Powering the card off and on.
    Restart,
    /// Following the token's certificates to their root.
    Certificates,
    /// SELECT of the applet.
    Select,
    /// Asking for free memory.
    FreeMemory,
    /// Asking how many other tokens must authenticate.
    PkaStatus,
    /// Asking for the tries left.
    PinStatus(PinKind),
    /// VERIFY.
    Verify(PinKind),
    /// CHANGE REFERENCE DATA.
    ChangePin(PinKind),
    /// RESET RETRY COUNTER.
    ResetRetryCounter,
    /// INITIALIZE DEVICE.
    Initialize,
    /// Asking for the state of a key domain, by its index.
    KeyDomain(u8),
    /// IMPORT DKEK SHARE.
    ImportShare,
    /// ENUMERATE OBJECTS.
    Enumerate,
    /// READ BINARY.
    Read(FileId),
    /// UPDATE BINARY.
    Write(FileId),
    /// DELETE FILE.
    Delete(FileId),
    /// GENERATE ASYMMETRIC KEY PAIR.
    Generate(KeyId),
    /// SIGN.
    Sign(KeyId, SignAlgorithm),
    /// WRAP KEY.
    Wrap(KeyId),
    /// UNWRAP KEY.
    Unwrap(KeyId),
    /// GET CHALLENGE.
    Challenge,
    /// MANAGE SECURITY ENVIRONMENT, for chip authentication.
    ChipProtocol,
    /// GENERAL AUTHENTICATE.
    ChipAuthentication,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restart => f.write_str("power cycle"),
            Self::Certificates => f.write_str("device certificate"),
            Self::Select => f.write_str("SELECT"),
            Self::FreeMemory => f.write_str("free memory"),
            Self::PkaStatus => f.write_str("public key authentication status"),
            Self::PinStatus(pin) => write!(f, "tries left of the {pin}"),
            Self::Verify(pin) => write!(f, "VERIFY {pin}"),
            Self::ChangePin(pin) => write!(f, "CHANGE {pin}"),
            Self::ResetRetryCounter => f.write_str("RESET RETRY COUNTER"),
            Self::Initialize => f.write_str("INITIALIZE DEVICE"),
            Self::KeyDomain(index) => write!(f, "status of key domain {index}"),
            Self::ImportShare => f.write_str("IMPORT DKEK SHARE"),
            Self::Enumerate => f.write_str("ENUMERATE OBJECTS"),
            Self::Read(file) => write!(f, "READ BINARY {file}"),
            Self::Write(file) => write!(f, "UPDATE BINARY {file}"),
            Self::Delete(file) => write!(f, "DELETE FILE {file}"),
            Self::Generate(key) => write!(f, "GENERATE KEY {key}"),
            Self::Sign(key, algorithm) => {
                write!(f, "SIGN with key {key}, algorithm {:02X}", algorithm.number())
            }
            Self::Wrap(key) => write!(f, "WRAP KEY {key}"),
            Self::Unwrap(key) => write!(f, "UNWRAP KEY {key}"),
            Self::Challenge => f.write_str("GET CHALLENGE"),
            Self::ChipProtocol => f.write_str("MSE SET AT"),
            Self::ChipAuthentication => f.write_str("GENERAL AUTHENTICATE"),
        }
    }
}

/// The effect of a command on the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing.
    Looks,
    /// Changes keys, files or state.
    Acts,
    /// Carries a PIN: even a refusal may have counted a try.
    SpendsTry,
}

impl Tried {
    pub(super) fn effect(self) -> Effect {
        match self {
            Self::Restart
            | Self::Certificates
            | Self::Select
            | Self::FreeMemory
            | Self::PkaStatus
            | Self::PinStatus(_)
            | Self::KeyDomain(_)
            | Self::Enumerate
            | Self::Read(_)
            | Self::Wrap(_)
            | Self::Challenge
            | Self::ChipProtocol
            | Self::ChipAuthentication => Effect::Looks,
            // A key may have a use counter.
            Self::Sign(..)
            | Self::ImportShare
            | Self::Write(_)
            | Self::Delete(_)
            | Self::Generate(_)
            | Self::Unwrap(_) => Effect::Acts,
            Self::Verify(_) | Self::ChangePin(_) | Self::ResetRetryCounter | Self::Initialize => Effect::SpendsTry,
        }
    }
}
