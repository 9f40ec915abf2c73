//! DNSKEY and DS records, and the key tag between them.
//!
//! Source: RFC 4034 §2, §5 and appendix B; RFC 3110 and RFC 5702 (RSA); RFC 6605 (ECDSA, DS with SHA-384); RFC 4509 (DS
//! with SHA-256).

use core::fmt;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256, Sha384};
use thiserror::Error;

use super::name::DnsName;
use crate::key::{KeyKind, Numbers, PublicKey};
use crate::signature::Hash;
use crate::statement::Kind;

/// The role of a key in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// Key-signing key: zone key with the SEP flag, 257.
    Ksk,
    /// Zone-signing key: 256.
    Zsk,
}

/// A zone's key as its DNSKEY record.
///
/// Shape: [`fmt::Display`] is the record in presentation form on one line, without a TTL, which is the zone's affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsKey {
    owner: DnsName,
    flags: u16,
    algorithm: u8,
    key: Vec<u8>,
}

impl DnsKey {
    /// The record of `key` for the zone `owner`, signing with `hash`.
    ///
    /// Errors: DNSSEC has no algorithm for that key and digest.
    pub fn new(owner: DnsName, role: KeyRole, key: &PublicKey, hash: Hash) -> Result<Self, DnsKeyError> {
        let algorithm = algorithm_number(key.kind(), hash).ok_or(DnsKeyError::Algorithm { key: key.kind(), hash })?;
        let key = match key.numbers() {
            // RFC 3110 §2: an exponent of at most 255 bytes after one byte of length.
            Numbers::Rsa { modulus, exponent } => {
                let length = u8::try_from(exponent.len()).unwrap_or(0);
                [&[length], exponent.as_slice(), modulus].concat()
            }
            // RFC 6605 §4: the point without its leading 04.
            Numbers::Ec { point, .. } => point.iter().skip(1).copied().collect(),
        };
        let flags = match role {
            KeyRole::Ksk => 257,
            KeyRole::Zsk => 256,
        };
        Ok(Self { owner, flags, algorithm, key })
    }

    /// The record's data on the wire.
    fn rdata(&self) -> Vec<u8> {
        let [high, low] = self.flags.to_be_bytes();
        // Protocol 3: the only one DNSSEC has.
        [&[high, low, 3, self.algorithm], self.key.as_slice()].concat()
    }

    /// The short number by which DS and RRSIG records point at this key; not unique.
    pub fn key_tag(&self) -> u16 {
        let rdata = self.rdata();
        let bytes = rdata.iter().enumerate().map(|(at, byte)| u32::from(*byte) << if at % 2 == 0 { 8 } else { 0 });
        let sum: u32 = bytes.sum();
        let [_, _, high, low] = (sum + (sum >> 16)).to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    /// The record as a file for the zone, its key tag in a comment. A rehearsal's file says so in its first line: the
    /// record of a rehearsal is never to stand in a zone.
    pub fn zone_file(&self, kind: Kind) -> String {
        format!("{}; key tag {}\n{self}\n", mark(kind), self.key_tag())
    }

    /// The DS records, with SHA-256 and with SHA-384, as a file for the parent zone. A rehearsal's file says so in its
    /// first line.
    pub fn ds_file(&self, kind: Kind) -> String {
        format!("{}{}\n{}\n", mark(kind), self.ds(DsDigest::Sha256), self.ds(DsDigest::Sha384))
    }

    /// The DS record for the parent zone, in presentation form on one line, without a TTL.
    pub fn ds(&self, digest: DsDigest) -> String {
        let input = [self.owner.wire(), self.rdata()].concat();
        let (number, digest) = match digest {
            DsDigest::Sha256 => (2, Sha256::digest(input).to_vec()),
            DsDigest::Sha384 => (4, Sha384::digest(input).to_vec()),
        };
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{} IN DS {} {} {number} {hex}", self.owner, self.key_tag(), self.algorithm)
    }
}

/// The first line of a rehearsal's file.
const fn mark(kind: Kind) -> &'static str {
    match kind {
        Kind::Production => "",
        Kind::Rehearsal => "; REHEARSAL: for no zone\n",
    }
}

/// DNSSEC's number for signing with that key and digest, if it has one.
pub(crate) fn algorithm_number(key: KeyKind, hash: Hash) -> Option<u8> {
    match (key, hash) {
        (KeyKind::Rsa { .. }, Hash::Sha256) => Some(8),
        (KeyKind::Rsa { .. }, Hash::Sha512) => Some(10),
        (KeyKind::P256, Hash::Sha256) => Some(13),
        (KeyKind::P384, Hash::Sha384) => Some(14),
        _ => None,
    }
}

impl fmt::Display for DnsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, flags, algorithm, key } = self;
        write!(f, "{owner} IN DNSKEY {flags} 3 {algorithm} {}", Base64::encode_string(key))
    }
}

/// The digest of a DS record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DsDigest {
    /// Type 2.
    Sha256,
    /// Type 4.
    Sha384,
}

/// Why a key has no DNSKEY record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DnsKeyError {
    /// No algorithm number for it.
    #[error(
        "DNSSEC has no algorithm for {key} with {hash}: expected RSA with SHA-256 or SHA-512, P-256 with SHA-256, or P-384 with SHA-384"
    )]
    Algorithm {
        /// The kind of key.
        key: KeyKind,
        /// The digest.
        hash: Hash,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::{ec_key, key, rsa_key};

    fn unbase64(text: &str) -> Vec<u8> {
        Base64::decode_vec(&text.replace(' ', "")).unwrap()
    }

    #[test]
    fn the_root_zones_key_of_2017_has_the_tag_and_ds_that_iana_publishes() {
        let text = "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5\
                    xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUD\
                    K/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM\
                    8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=";
        // One byte of length, the exponent 65537, then the modulus.
        let key = rsa_key(&unbase64(text)[4..], &[1, 0, 1]);
        let record = DnsKey::new(DnsName::new(".").unwrap(), KeyRole::Ksk, &key, Hash::Sha256).unwrap();
        assert_eq!(record.to_string(), format!(". IN DNSKEY 257 3 8 {text}"));
        assert_eq!(record.key_tag(), 20326);
        assert_eq!(
            record.ds(DsDigest::Sha256),
            ". IN DS 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d"
        );
    }

    #[test]
    fn the_examples_of_rfc_6605_come_out_as_printed() {
        for (kind, hash, text, digest, ds) in [
            (
                KeyKind::P256,
                Hash::Sha256,
                "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
                DsDigest::Sha256,
                "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17",
            ),
            (
                KeyKind::P384,
                Hash::Sha384,
                "257 3 14 xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/uX4\
                 5NBwY8rp65F6Glur8I/mlVNgF6W/qTI37m40",
                DsDigest::Sha384,
                "10771 14 4 72d7b62976ce06438e9c0bf319013cf801f09ecc84b8d7e9495f27e305c6a9b0563a9b5f4d288405c3008a946df983d6",
            ),
        ] {
            let base64 = text.rsplit(' ').next().unwrap();
            let key = ec_key(kind, &[&[4], unbase64(base64).as_slice()].concat());
            let record = DnsKey::new(DnsName::new("example.net").unwrap(), KeyRole::Ksk, &key, hash).unwrap();
            assert_eq!(record.to_string(), format!("example.net. IN DNSKEY {text}"));
            assert_eq!(record.ds(digest), format!("example.net. IN DS {ds}"));
        }
    }

    #[test]
    fn the_files_of_a_rehearsal_say_so_in_a_comment_of_their_first_line() {
        let record = DnsKey::new(DnsName::new("nz").unwrap(), KeyRole::Ksk, &key("p256"), Hash::Sha256).unwrap();
        let (zone, ds) = (record.zone_file(Kind::Production), record.ds_file(Kind::Production));
        assert_eq!(zone, format!("; key tag {}\n{record}\n", record.key_tag()));
        assert_eq!(ds, format!("{}\n{}\n", record.ds(DsDigest::Sha256), record.ds(DsDigest::Sha384)));
        let mark = "; REHEARSAL: for no zone\n";
        assert_eq!(record.zone_file(Kind::Rehearsal), format!("{mark}{zone}"));
        assert_eq!(record.ds_file(Kind::Rehearsal), format!("{mark}{ds}"));
    }

    #[test]
    fn a_zone_signing_key_lacks_the_sep_flag() {
        let owner = DnsName::new("nz").unwrap();
        let record = DnsKey::new(owner, KeyRole::Zsk, &key("p256"), Hash::Sha256).unwrap();
        assert!(record.to_string().starts_with("nz. IN DNSKEY 256 3 13 "), "{record}");
    }

    #[test]
    fn a_key_or_digest_without_an_algorithm_number_is_refused() {
        for (name, hash) in [
            ("p521", Hash::Sha512),
            ("bp256r1", Hash::Sha256),
            ("bp384r1", Hash::Sha384),
            ("rsa2048", Hash::Sha384),
            ("p256", Hash::Sha384),
            ("p384", Hash::Sha256),
        ] {
            let key = key(name);
            let owner = DnsName::new("nz").unwrap();
            let error = DnsKeyError::Algorithm { key: key.kind(), hash };
            assert_eq!(DnsKey::new(owner, KeyRole::Zsk, &key, hash), Err(error));
        }
    }
}
