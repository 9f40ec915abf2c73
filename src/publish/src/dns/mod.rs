//! DNSSEC records: what a zone and its parent publish about a key.

mod key;
mod name;

pub use key::{DnsKey, DnsKeyError, DsDigest, KeyRole};
pub use name::{DnsName, DnsNameError};
