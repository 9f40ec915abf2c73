//! Card-verifiable certificates and the chain from a token to a root of one kind.
//!
//! Source: BSI TR-03110-3 Annex C (certificates, requests, names), with the private role of CardContact.

mod key;
mod name;

pub use key::{EcKey, KeyError, PublicKey, RsaKey, SignatureError};
pub use name::{Name, NameError};
