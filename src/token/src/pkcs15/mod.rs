//! PKCS#15 descriptions: they make the objects on a token visible to OpenSC.
//!
//! The parser reads them as OpenSC 0.23, OpenSC's master branch and CardContact write them, in PKCS#15's order. It does
//! not insist on fields that no program needs. It ignores the bytes after a description in its file, because a
//! description written over a longer one leaves the end of the longer one behind. The writer writes byte for byte as
//! OpenSC 0.23 does.
//! Source: PKCS #15 v1.1 (ISO 7816-15); OpenSC `pkcs15-prkey.c`, `pkcs15-data.c`, `pkcs15-cert.c`.

mod key;
mod object;
mod text;
mod token_info;
mod usage;
mod value;

pub use key::{KeyDescription, KeyKind, NewKeyDescription};
pub use object::{CertificateDescription, DataDescription, Path};
pub use text::{CkaId, Label};
pub use token_info::TokenInfo;
pub use usage::KeyUsage;
pub use value::Pkcs15Error;
