//! Codecs of the data that leaves a ceremony, in the forms that other people's tools read.
//!
//! A leaf: no ceremony, no I/O, no clock, no randomness and no secret; all arrive as arguments or not at all. Every
//! module names its standard; `docs/formats.md` lists them with their golden files.

mod challenge;
mod digest;
pub mod dns;
mod key;
mod line;
mod manifest;
mod pem;
mod pkcs11_uri;
mod plain;
pub mod qr;
mod saml;
mod signature;
mod ssh;
mod statement;
mod tree;
mod typed;
mod words;
pub mod x509;

pub use challenge::Challenge;
pub use digest::{Digest, Group};
pub use key::{KeyError, KeyKind, PublicKey};
pub use line::{Line, LineError};
pub use manifest::{FileName, FileNameError, Item, Manifest, ManifestError};
pub use pkcs11_uri::{ObjectClass, Pkcs11Uri, Pkcs11UriError};
pub use plain::{Plain, is_plain, plain_lines, plain_usage, told};
pub use saml::saml_key_descriptor;
pub use signature::{Hash, Scheme, SchemeError, SignatureError};
pub use ssh::{SshKey, SshKeyError};
pub use statement::{Kind, RECEIVED, Statement, StatementError};
pub use tree::Tree;
pub use typed::{TypedError, decode_typed};
pub use words::{WORDS, any_word, every_word};

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExample;
