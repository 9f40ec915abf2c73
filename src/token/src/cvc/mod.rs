//! Card-verifiable certificates and the chain from a token to a root of one kind.
//!
//! Source: BSI TR-03110-3 Annexes A.6 and C (names, certificates, requests), with the role of CardContact's issuers.

mod certificate;
mod chain;
pub(crate) mod field;
mod key;
mod name;
mod terms;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod write;

pub use certificate::{Cvc, CvcError};
pub use chain::{ChainError, Device, DeviceChain, Production, RootKind, Simulated, UsbSerialError};
pub use key::{EcKey, KeyError, PublicKey, RsaKey, SignatureError};
pub use name::{Name, NameError};
pub use terms::{Date, Role, Terms};
#[cfg(test)]
pub(crate) use write::Unsigned;
