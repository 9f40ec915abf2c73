//! DNSSEC records: the data that a zone and its parent publish about a key.
//!
//! Source: RFC 4034, RFC 3110, RFC 4509, RFC 5702, RFC 6605.

mod key;
mod name;

pub(crate) use key::algorithm_number;
pub use key::{DnsKey, DnsKeyError, DsDigest, KeyRole};
pub use name::{DnsName, DnsNameError};
