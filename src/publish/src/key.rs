//! Public keys as a leaf crate takes them: SubjectPublicKeyInfo in DER, checked once.
//!
//! Source: RFC 5280 §4.1.2.7 (SubjectPublicKeyInfo), RFC 3279 §2.3.1 and RFC 8017 §A.1.1 (RSA), RFC 5480 §2 and RFC 5639
//! (curves), SEC 1 §2.3.3 (points).

use core::fmt;

use der::asn1::{ObjectIdentifier, UintRef};
use der::{Decode, Sequence};
use rsa::{BoxedUint, PublicKey as RsaPublicKey};
use spki::SubjectPublicKeyInfoRef;
use thiserror::Error;

use crate::digest::Digest;
use crate::pem::pem;

/// The kinds of key a ceremony publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA with a modulus of that many bits, 2048 to 4096.
    Rsa {
        /// Units: bits of the modulus.
        bits: u16,
    },
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// brainpoolP256r1.
    BrainpoolP256r1,
    /// brainpoolP384r1.
    BrainpoolP384r1,
}

impl KeyKind {
    /// Fewest bits of an RSA modulus.
    pub const RSA_BITS_MIN: u16 = 2048;
    /// Most bits of an RSA modulus: the tokens hold no longer one.
    pub const RSA_BITS_MAX: u16 = 4096;
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA-{bits}"),
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::P521 => f.write_str("P-521"),
            Self::BrainpoolP256r1 => f.write_str("brainpoolP256r1"),
            Self::BrainpoolP384r1 => f.write_str("brainpoolP384r1"),
        }
    }
}

pub(crate) const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const CURVES: [(ObjectIdentifier, KeyKind); 5] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), KeyKind::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), KeyKind::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), KeyKind::P521),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.7"), KeyKind::BrainpoolP256r1),
    (ObjectIdentifier::new_unwrap("1.3.36.3.3.2.8.1.1.11"), KeyKind::BrainpoolP384r1),
];

/// A public key that can be published: of a known kind, sound, and in its one encoding.
///
/// Source: RFC 5280 §4.1.2.7, RFC 8017 §A.1.1, RFC 5480 §2, RFC 5639.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    numbers: Numbers,
}

/// The content of the encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// Big-endian, no leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// `04 || x || y`, on the curve.
    Ec { curve: KeyKind, point: Vec<u8> },
}

#[derive(Sequence)]
struct RsaNumbers<'a> {
    modulus: UintRef<'a>,
    exponent: UintRef<'a>,
}

impl PublicKey {
    /// Takes a key over from where it was made.
    ///
    /// Errors: bytes that are not exactly one SubjectPublicKeyInfo in DER, a kind outside [`KeyKind`], an RSA key that is
    /// too small, too large or unsound, a point that is not on its curve or not uncompressed.
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        let info = SubjectPublicKeyInfoRef::from_der(spki).map_err(|source| KeyError::Encoding { source })?;
        let Some(key) = info.subject_public_key.as_bytes() else {
            return Err(KeyError::Encoding { source: der::Tag::BitString.value_error().into() });
        };
        let parameters = info.algorithm.parameters;
        let numbers = match info.algorithm.oid {
            RSA_ENCRYPTION if parameters.is_some_and(|parameters| parameters.is_null()) => rsa_numbers(key)?,
            EC_PUBLIC_KEY => {
                let curve = parameters.and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
                ec_numbers(curve, key)?
            }
            found => return Err(KeyError::Algorithm { found }),
        };
        Ok(Self { spki: spki.to_vec(), numbers })
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// SubjectPublicKeyInfo as PEM (RFC 7468 §13), in the form that `openssl dgst -verify` takes.
    pub fn spki_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki)
    }

    /// SHA-256 of the SubjectPublicKeyInfo: how a key is named everywhere outside its token.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.spki)
    }

    /// Which kind it is.
    pub fn kind(&self) -> KeyKind {
        match &self.numbers {
            Numbers::Rsa { modulus, .. } => KeyKind::Rsa { bits: bits(modulus) },
            Numbers::Ec { curve, .. } => *curve,
        }
    }

    pub(crate) fn numbers(&self) -> &Numbers {
        &self.numbers
    }
}

/// Runs `$body` with `$c` as the RustCrypto type of a curve; `None` for RSA.
macro_rules! on {
    ($kind:expr, $c:ident => $body:expr) => {
        match $kind {
            KeyKind::P256 => {
                type $c = p256::NistP256;
                Some($body)
            }
            KeyKind::P384 => {
                type $c = p384::NistP384;
                Some($body)
            }
            KeyKind::P521 => {
                type $c = p521::NistP521;
                Some($body)
            }
            KeyKind::BrainpoolP256r1 => {
                type $c = bp256::BrainpoolP256r1;
                Some($body)
            }
            KeyKind::BrainpoolP384r1 => {
                type $c = bp384::BrainpoolP384r1;
                Some($body)
            }
            KeyKind::Rsa { .. } => None,
        }
    };
}
pub(crate) use on;

/// Significant bits of a big-endian number without leading zeros; saturates far above every size accepted.
fn bits(number: &[u8]) -> u16 {
    let zeros = number.first().map_or(0, |first| first.leading_zeros() as usize);
    u16::try_from((8 * number.len()).saturating_sub(zeros)).unwrap_or(u16::MAX)
}

fn rsa_numbers(key: &[u8]) -> Result<Numbers, KeyError> {
    let RsaNumbers { modulus, exponent } = RsaNumbers::from_der(key).map_err(|source| KeyError::Encoding { source })?;
    let (modulus, exponent) = (modulus.as_bytes(), exponent.as_bytes());
    let found = bits(modulus);
    if !(KeyKind::RSA_BITS_MIN..=KeyKind::RSA_BITS_MAX).contains(&found) {
        return Err(KeyError::RsaSize { found });
    }
    let value = exponent.iter().try_fold(0_u64, |value, byte| Some(value.checked_mul(256)? | u64::from(*byte)));
    let is_usual = value.is_some_and(|value| (65_537..=RsaPublicKey::MAX_PUB_EXPONENT).contains(&value));
    let sound = is_usual && rsa_public_key(modulus, exponent).is_some();
    if sound {
        Ok(Numbers::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    } else {
        Err(KeyError::RsaUnsound)
    }
}

/// The RSA crate's form of a key; it refuses even moduli and exponents.
pub(crate) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Option<RsaPublicKey> {
    let number = |bytes| BoxedUint::from_be_slice_vartime(bytes);
    RsaPublicKey::new(number(modulus), number(exponent)).ok()
}

fn ec_numbers(oid: Option<ObjectIdentifier>, point: &[u8]) -> Result<Numbers, KeyError> {
    let Some((_, curve)) = CURVES.into_iter().find(|(known, _)| Some(*known) == oid) else {
        return Err(KeyError::Curve { found: oid });
    };
    let on_curve = on!(curve, C => ecdsa::VerifyingKey::<C>::from_sec1_bytes(point).is_ok()).unwrap_or(false);
    if on_curve && point.first() == Some(&4) {
        Ok(Numbers::Ec { curve, point: point.to_vec() })
    } else {
        Err(KeyError::Point { curve })
    }
}

/// Why a key is not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The bytes are not one SubjectPublicKeyInfo in DER.
    #[error("public key: expected one SubjectPublicKeyInfo in DER")]
    Encoding {
        /// The fault in the bytes.
        source: der::Error,
    },
    /// Neither RSA with NULL parameters nor ECDSA.
    #[error("public key algorithm {found}: expected rsaEncryption with NULL parameters, or id-ecPublicKey")]
    Algorithm {
        /// Its object identifier.
        found: ObjectIdentifier,
    },
    /// Another curve, or parameters that do not name one.
    #[error("public key on curve {}: expected P-256, P-384, P-521, brainpoolP256r1 or brainpoolP384r1 by name", found.map_or_else(|| "without a name".to_owned(), |oid| oid.to_string()))]
    Curve {
        /// The curve's object identifier, if it has one.
        found: Option<ObjectIdentifier>,
    },
    /// Not a point of the curve, or compressed, or the neutral element.
    #[error("the public key is not an uncompressed point on {curve}")]
    Point {
        /// The curve it was said to be on.
        curve: KeyKind,
    },
    /// A modulus of another size.
    #[error("RSA modulus of {found} bits: expected {} to {}", KeyKind::RSA_BITS_MIN, KeyKind::RSA_BITS_MAX)]
    RsaSize {
        /// Units: bits.
        found: u16,
    },
    /// An even modulus, or an exponent that makes no sound key.
    #[error("RSA key is unsound: expected an odd modulus and an odd exponent from 65537 to 2^33 - 1")]
    RsaUnsound,
}

#[cfg(test)]
pub(crate) mod tests {
    use der::Encode;
    use der::asn1::{AnyRef, BitStringRef};
    use spki::AlgorithmIdentifierRef;

    use super::*;

    const SPKI: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/publish/spki");

    /// A key of `tests/vectors/publish/keys`, by its file name.
    pub(crate) fn key(name: &str) -> PublicKey {
        PublicKey::from_spki_der(&std::fs::read(format!("{SPKI}/{name}.der")).unwrap()).unwrap()
    }

    /// A key of a published vector, from its point.
    pub(crate) fn ec_key(kind: KeyKind, point: &[u8]) -> PublicKey {
        let (curve, _) = CURVES.into_iter().find(|(_, curve)| *curve == kind).unwrap();
        let algorithm = AlgorithmIdentifierRef { oid: EC_PUBLIC_KEY, parameters: Some((&curve).into()) };
        published(algorithm, point)
    }

    /// A key of a published vector, from its numbers.
    pub(crate) fn rsa_key(modulus: &[u8], exponent: &[u8]) -> PublicKey {
        let algorithm = AlgorithmIdentifierRef { oid: RSA_ENCRYPTION, parameters: Some(AnyRef::NULL) };
        let number = |bytes| UintRef::new(bytes).unwrap();
        let numbers = RsaNumbers { modulus: number(modulus), exponent: number(exponent) };
        published(algorithm, &numbers.to_der().unwrap())
    }

    fn published(algorithm: AlgorithmIdentifierRef<'_>, key: &[u8]) -> PublicKey {
        let subject_public_key = BitStringRef::from_bytes(key).unwrap();
        let info = SubjectPublicKeyInfoRef { algorithm, subject_public_key };
        PublicKey::from_spki_der(&info.to_der().unwrap()).unwrap()
    }

    #[test]
    fn every_kind_is_taken_over_as_openssl_writes_it() {
        for (name, kind) in [
            ("rsa2048", KeyKind::Rsa { bits: 2048 }),
            ("rsa3072", KeyKind::Rsa { bits: 3072 }),
            ("rsa4096", KeyKind::Rsa { bits: 4096 }),
            ("p256", KeyKind::P256),
            ("p384", KeyKind::P384),
            ("p521", KeyKind::P521),
            ("bp256r1", KeyKind::BrainpoolP256r1),
            ("bp384r1", KeyKind::BrainpoolP384r1),
        ] {
            let key = key(name);
            assert_eq!(key.kind(), kind);
            assert_eq!(key.spki_der(), std::fs::read(format!("{SPKI}/{name}.der")).unwrap());
            assert_eq!(key.digest(), Digest::of(key.spki_der()));
        }
    }

    #[test]
    fn every_hostile_key_is_refused_for_its_one_defect() {
        let mut left: Vec<_> =
            std::fs::read_dir(format!("{SPKI}/refused")).unwrap().map(|file| file.unwrap().path()).collect();
        let mut check = |defect: &str, expected: fn(&KeyError) -> bool| {
            let at = left.iter().position(|path| path.file_stem().unwrap() == defect).unwrap();
            let error = PublicKey::from_spki_der(&std::fs::read(left.remove(at)).unwrap()).unwrap_err();
            assert!(expected(&error), "{defect}: {error:?}");
        };
        let encoding = |error: &KeyError| matches!(error, KeyError::Encoding { .. });
        let algorithm = |error: &KeyError| matches!(error, KeyError::Algorithm { .. });
        let curve = |error: &KeyError| matches!(error, KeyError::Curve { .. });
        let point = |error: &KeyError| *error == KeyError::Point { curve: KeyKind::P256 };
        let unsound = |error: &KeyError| *error == KeyError::RsaUnsound;
        check("empty", encoding);
        check("truncated", encoding);
        check("trailing_byte", encoding);
        check("length_not_shortest", encoding);
        check("bit_string_unused_bits", encoding);
        check("rsa_modulus_negative", encoding);
        check("algorithm_foreign", algorithm);
        check("algorithm_rsa_pss", algorithm);
        check("rsa_parameters_absent", algorithm);
        check("curve_foreign", curve);
        check("curve_explicit", curve);
        check("curve_absent", curve);
        check("point_compressed", point);
        check("point_off_curve", point);
        check("point_at_infinity", point);
        check("rsa_2040_bits", |error| *error == KeyError::RsaSize { found: 2040 });
        check("rsa_4104_bits", |error| *error == KeyError::RsaSize { found: 4104 });
        check("rsa_modulus_even", unsound);
        check("rsa_exponent_3", unsound);
        check("rsa_exponent_even", unsound);
        check("rsa_exponent_above_33_bits", unsound);
        assert!(left.is_empty(), "{left:?}");
    }
}
