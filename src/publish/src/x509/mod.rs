//! Self-signed certificates and certification requests, signed elsewhere.
//!
//! A profile is checked before a key exists ([`CertificateProfile::new`], [`RequestProfile::new`]); the key gives the
//! bytes to be signed ([`ToBeSigned`]); the signature, made by a token, is verified when it is put in ([`Signed`]).
//!
//! Source: RFC 5280 (certificates), RFC 2986 and RFC 2985 §5.4.2 (requests), RFC 7468 (PEM).

mod profile;
mod signed;
mod subject;
mod time;

pub use profile::{CertificateProfile, ProfileError, Purpose, RequestProfile, SerialNumber, Term};
pub use signed::{BuildError, Certificate, Form, Request, Signed, ToBeSigned};
pub use subject::{Subject, SubjectError, SubjectNames};
pub use time::{Time, TimeError};
