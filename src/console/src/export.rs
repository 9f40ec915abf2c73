//! The things that may leave on a drive: public and sealed material and the names have a way to its door, secrets have
//! none.
//!
//! The door, [`Drives::write`](crate::drives::Drives::write), takes a type that [`Exportable`]; no other module can say of
//! a type that it does. A passphrase does not leave:
//!
//! ```compile_fail,E0277
//! use conclave_publish::FileName;
//! use conclave_console::drives::{Attempt, Drive, DriveError, Drives};
//! use smartcard_hsm::secret::SecretBytes;
//!
//! fn leak(drives: &mut impl Drives, to: &Drive, name: FileName, secret: &SecretBytes) -> Result<(), DriveError> {
//!     drives.write(to, &[(name, secret)], Attempt::First)
//! }
//! ```
//!
//! The share file that it seals is:
//!
//! ```
//! use conclave_publish::FileName;
//! use conclave_console::drives::{Attempt, Drive, DriveError, Drives};
//! use conclave_console::export::Sealed;
//!
//! fn keep(drives: &mut impl Drives, to: &Drive, name: FileName, sealed: &Sealed) -> Result<(), DriveError> {
//!     drives.write(to, &[(name, sealed)], Attempt::First)
//! }
//! ```
//!
//! A clear share does not become sealed by being called so:
//!
//! ```compile_fail,E0277
//! fn seal(share: &smartcard_hsm::dkek::Share) -> conclave_console::export::Sealed {
//!     share.into()
//! }
//! ```
//!
//! Its file does:
//!
//! ```
//! fn seal(share: &smartcard_hsm::dkek::share::SealedShare) -> conclave_console::export::Sealed {
//!     share.into()
//! }
//! ```
//!
//! Nor does a PIN become public, or bytes without a declared kind:
//!
//! ```compile_fail,E0277
//! fn publish(pin: &smartcard_hsm::secret::Pin) -> conclave_console::export::Public {
//!     pin.into()
//! }
//! ```
//!
//! ```compile_fail,E0277
//! fn publish(bytes: &[u8]) -> conclave_console::export::Public {
//!     bytes.into()
//! }
//! ```
//!
//! A value of the transcript does:
//!
//! ```
//! fn publish(certificate: &conclave_ceremony::public::Bytes) -> conclave_console::export::Public {
//!     certificate.into()
//! }
//! ```

use conclave_ceremony::bundle::Leaf;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::plan::{self, Plan, Refusal};
use conclave_ceremony::public::Bytes;
use conclave_ceremony::transcript::Transcript;
use conclave_ceremony::twin::twin;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::wrapfile::{WrapFile, WrapFileError};

mod closed {
    /// Says that a type is public or sealed: only the module around this one can.
    pub trait Closed {}
}

/// Material that may leave by the drive its plan names.
pub trait Exportable: closed::Closed {
    /// The bytes of its file.
    fn bytes(&self) -> &[u8];
}

/// Material that anybody may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public(Vec<u8>);

/// Material that is worth nothing without a secret: for the one drive the plan names for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl closed::Closed for Public {}
impl closed::Closed for Sealed {}
/// Neither public nor sealed: for log drives only, which get it by an act of its own ([`Item::Names`]).
///
/// [`Item::Names`]: conclave_ceremony::act::Item::Names
impl closed::Closed for Names {}

impl Exportable for Public {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Exportable for Sealed {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Exportable for Names {
    fn bytes(&self) -> &[u8] {
        Self::bytes(self)
    }
}

impl Public {
    /// A plan, read, and byte by byte as everybody agreed on it.
    ///
    /// **Errors**: it is none, with every reason.
    pub fn plan(bytes: &[u8]) -> Result<(Plan, Self), Vec<Refusal>> {
        plan::read(bytes).map(|plan| (plan, Self(bytes.to_vec())))
    }

    /// The text twin of a transcript.
    pub fn twin(plan: &Plan, transcript: &Transcript) -> Self {
        Self(twin(plan, transcript).into_bytes())
    }
}

impl From<&Bytes> for Public {
    fn from(bytes: &Bytes) -> Self {
        Self(bytes.get().to_vec())
    }
}

/// A file of the public bundle.
impl From<&Leaf> for Public {
    fn from(leaf: &Leaf) -> Self {
        Self(leaf.bytes().to_vec())
    }
}

impl From<&SealedShare> for Sealed {
    fn from(share: &SealedShare) -> Self {
        Self(share.to_file().to_vec())
    }
}

impl TryFrom<&WrapFile<'_>> for Sealed {
    type Error = WrapFileError;

    fn try_from(file: &WrapFile<'_>) -> Result<Self, WrapFileError> {
        file.to_file().map(Self)
    }
}
