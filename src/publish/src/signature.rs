//! Signature schemes, and verification of signatures made elsewhere.
//!
//! Source: RFC 8017 §8.2 (RSASSA-PKCS1-v1_5), FIPS 186-5 §6 (ECDSA), RFC 3279 §2.2.3 (Ecdsa-Sig-Value).

use core::fmt;

use ecdsa::signature::hazmat::PrehashVerifier;
use rsa::Pkcs1v15Sign;
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::key::{KeyKind, Numbers, PublicKey, on, rsa_public_key};

/// The digest a signature is made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// The digest of `message`, which a token is given to sign.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

/// A kind of key with the digest it signs.
///
/// Source: RFC 8017 §8.2, FIPS 186-5 §6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    key: KeyKind,
    hash: Hash,
}

impl Scheme {
    /// RSASSA-PKCS1-v1_5 with any digest, or ECDSA with the digest of the curve's strength, which is the only pairing that
    /// X.509, DNSSEC and SSH software agree on.
    ///
    /// Errors: another pairing, an RSA size outside 2048 to 4096.
    pub fn new(key: KeyKind, hash: Hash) -> Result<Self, SchemeError> {
        match key {
            KeyKind::Rsa { bits } if !(KeyKind::RSA_BITS_MIN..=KeyKind::RSA_BITS_MAX).contains(&bits) => {
                Err(SchemeError::RsaSize { found: bits })
            }
            KeyKind::Rsa { .. } => Ok(Self { key, hash }),
            _ if hash == usual_hash(key) => Ok(Self { key, hash }),
            _ => Err(SchemeError::Pairing { key, expected: usual_hash(key), found: hash }),
        }
    }

    /// The scheme of every key where no scheme is chosen: SHA-256 with RSA, the digest of its curve's strength with
    /// ECDSA.
    pub fn usual(key: KeyKind) -> Self {
        Self { key, hash: usual_hash(key) }
    }

    /// The kind of key.
    pub const fn key(&self) -> KeyKind {
        self.key
    }

    /// The digest.
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    /// Verifies a signature over `message`.
    ///
    /// Shape: RSA as long as the modulus; ECDSA as Ecdsa-Sig-Value (RFC 3279 §2.2.3) in DER.
    ///
    /// Errors: the key is of another kind, the signature has the wrong length or form, or it is not of this key over these
    /// bytes.
    pub fn verify(&self, key: &PublicKey, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        if key.kind() != self.key {
            return Err(SignatureError::KeyKind { expected: self.key, found: key.kind() });
        }
        let prehash = self.hash.digest(message);
        let holds = match key.numbers() {
            Numbers::Rsa { modulus, exponent } => {
                if signature.len() != modulus.len() {
                    return Err(SignatureError::Length { expected: modulus.len(), found: signature.len() });
                }
                let padding = match self.hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                rsa_public_key(modulus, exponent).is_some_and(|key| key.verify(padding, &prehash, signature).is_ok())
            }
            Numbers::Ec { curve, point } => on!(curve, C => {
                let Ok(signature) = ecdsa::Signature::<C>::from_der(signature) else {
                    return Err(SignatureError::Form { key: self.key, found: signature.len() });
                };
                ecdsa::VerifyingKey::<C>::from_sec1_bytes(point)
                    .is_ok_and(|key| key.verify_prehash(&prehash, &signature).is_ok())
            })
            .unwrap_or(false),
        };
        if holds { Ok(()) } else { Err(SignatureError::Wrong { scheme: *self }) }
    }
}

fn usual_hash(key: KeyKind) -> Hash {
    match key {
        KeyKind::Rsa { .. } | KeyKind::P256 | KeyKind::BrainpoolP256r1 => Hash::Sha256,
        KeyKind::P384 | KeyKind::BrainpoolP384r1 => Hash::Sha384,
        KeyKind::P521 => Hash::Sha512,
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = if matches!(self.key, KeyKind::Rsa { .. }) { "PKCS#1 v1.5" } else { "ECDSA" };
        write!(f, "{} {family} with {}", self.key, self.hash)
    }
}

/// A pairing of key and digest that is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SchemeError {
    /// A curve with a digest of another strength.
    #[error("{key} with {found}: expected {expected}")]
    Pairing {
        /// The kind of key.
        key: KeyKind,
        /// Its digest.
        expected: Hash,
        /// The digest asked for.
        found: Hash,
    },
    /// An RSA size that is too small or that no token holds.
    #[error("RSA of {found} bits: expected {} to {}", KeyKind::RSA_BITS_MIN, KeyKind::RSA_BITS_MAX)]
    RsaSize {
        /// Units: bits.
        found: u16,
    },
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The key is not of the kind that was announced.
    #[error("the key is {found}, expected {expected}")]
    KeyKind {
        /// The kind announced before the key existed.
        expected: KeyKind,
        /// The kind it is.
        found: KeyKind,
    },
    /// Not as long as the modulus.
    #[error("RSA signature of {found} bytes, expected {expected}")]
    Length {
        /// Bytes of the modulus.
        expected: usize,
        /// Bytes of the signature.
        found: usize,
    },
    /// Not two integers of the curve's size in DER.
    #[error(
        "{key} signature of {found} bytes: expected a DER SEQUENCE of two positive INTEGERs below the curve's order"
    )]
    Form {
        /// The kind of key.
        key: KeyKind,
        /// Bytes of the signature.
        found: usize,
    },
    /// Well formed, and not made by this key over these bytes.
    #[error("the signature is not this key's over these bytes ({scheme})")]
    Wrong {
        /// How it was checked.
        scheme: Scheme,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::key;

    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/publish/signature");

    /// The signature of `openssl dgst -sign` over `message` with that key and digest.
    fn signature(name: &str, hash: Hash) -> Vec<u8> {
        let hash = hash.to_string().to_lowercase().replace('-', "");
        std::fs::read(format!("{VECTORS}/{name}-{hash}.sig")).unwrap()
    }

    const ALL: [(&str, Hash); 14] = [
        ("rsa2048", Hash::Sha256),
        ("rsa2048", Hash::Sha384),
        ("rsa2048", Hash::Sha512),
        ("rsa3072", Hash::Sha256),
        ("rsa3072", Hash::Sha384),
        ("rsa3072", Hash::Sha512),
        ("rsa4096", Hash::Sha256),
        ("rsa4096", Hash::Sha384),
        ("rsa4096", Hash::Sha512),
        ("p256", Hash::Sha256),
        ("bp256r1", Hash::Sha256),
        ("p384", Hash::Sha384),
        ("bp384r1", Hash::Sha384),
        ("p521", Hash::Sha512),
    ];

    #[test]
    fn signatures_made_by_openssl_hold_and_no_changed_one_does() {
        for (name, hash) in ALL {
            let key = key(name);
            let scheme = Scheme::new(key.kind(), hash).unwrap();
            let mut signature = signature(name, hash);
            assert_eq!(scheme.verify(&key, b"conclave", &signature), Ok(()), "{scheme}");
            assert_eq!(scheme.verify(&key, b"Conclave", &signature), Err(SignatureError::Wrong { scheme }), "{scheme}");
            if let Some(last) = signature.last_mut() {
                *last ^= 1;
            }
            assert_eq!(scheme.verify(&key, b"conclave", &signature), Err(SignatureError::Wrong { scheme }), "{scheme}");
        }
    }

    #[test]
    fn a_signature_of_another_key_or_digest_does_not_hold() {
        let (mine, theirs) = (key("p256"), key("bp256r1"));
        let scheme = Scheme::usual(mine.kind());
        assert_eq!(
            scheme.verify(&mine, b"conclave", &signature("bp256r1", Hash::Sha256)),
            Err(SignatureError::Wrong { scheme })
        );
        assert_eq!(
            scheme.verify(&theirs, b"conclave", &signature("bp256r1", Hash::Sha256)),
            Err(SignatureError::KeyKind { expected: KeyKind::P256, found: KeyKind::BrainpoolP256r1 })
        );
        let key = key("rsa2048");
        let scheme = Scheme::usual(key.kind());
        assert_eq!(
            scheme.verify(&key, b"conclave", &signature("rsa2048", Hash::Sha384)),
            Err(SignatureError::Wrong { scheme })
        );
    }

    #[test]
    fn a_signature_of_another_length_or_form_is_refused_as_such() {
        let rsa = key("rsa2048");
        let scheme = Scheme::usual(rsa.kind());
        for found in [0, 255, 257] {
            let signature = vec![1; found];
            let error = SignatureError::Length { expected: 256, found };
            assert_eq!(scheme.verify(&rsa, b"conclave", &signature), Err(error));
        }
        for (name, hash) in &ALL[9..] {
            let key = key(name);
            let scheme = Scheme::usual(key.kind());
            let good = signature(name, *hash);
            let form = |signature: &[u8]| {
                let error = SignatureError::Form { key: key.kind(), found: signature.len() };
                assert_eq!(scheme.verify(&key, b"conclave", signature), Err(error), "{scheme} {signature:02x?}");
            };
            form(&[]);
            form(&good[..good.len() - 1]);
            form(&[good.as_slice(), &[0]].concat());
            // As tokens and CVCs write it: two numbers, bare.
            form(&[1; 64]);
            // r = 0; s = 0; r negative; r with a needless leading zero.
            form(&[0x30, 6, 2, 1, 0, 2, 1, 1]);
            form(&[0x30, 6, 2, 1, 1, 2, 1, 0]);
            form(&[0x30, 6, 2, 1, 0x80, 2, 1, 1]);
            form(&[0x30, 7, 2, 2, 0, 1, 2, 1, 1]);
        }
    }

    #[test]
    fn a_curve_signs_its_own_digest_only_and_rsa_any() {
        for (key, own) in [
            (KeyKind::P256, Hash::Sha256),
            (KeyKind::BrainpoolP256r1, Hash::Sha256),
            (KeyKind::P384, Hash::Sha384),
            (KeyKind::BrainpoolP384r1, Hash::Sha384),
            (KeyKind::P521, Hash::Sha512),
        ] {
            for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
                let expected = if hash == own {
                    Ok(Scheme::usual(key))
                } else {
                    Err(SchemeError::Pairing { key, expected: own, found: hash })
                };
                assert_eq!(Scheme::new(key, hash), expected);
            }
        }
        for bits in [2048, 3072, 4096] {
            for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
                assert_eq!(Scheme::new(KeyKind::Rsa { bits }, hash).map(|scheme| scheme.hash()), Ok(hash));
            }
        }
        for found in [0, 1024, 2047, 4097] {
            assert_eq!(Scheme::new(KeyKind::Rsa { bits: found }, Hash::Sha256), Err(SchemeError::RsaSize { found }));
        }
    }
}
