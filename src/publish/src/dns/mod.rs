//! DNSSEC records: what a zone and its parent publish about a key.

mod key;
mod name;

pub(crate) use key::algorithm_number;
pub use key::{DnsKey, DnsKeyError, DsDigest, KeyRole};
pub use name::{DnsName, DnsNameError};
