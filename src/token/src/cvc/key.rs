//! Public keys: checked when made, so that every one that exists can be verified with and shown.

use ecdsa::signature::hazmat::PrehashVerifier;
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey as RsaPublicKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use thiserror::Error;

use crate::{command::Digest as Hashed, curve::Curve, tlv};

/// The public half of a key a token holds, or of an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// A point on a curve.
    Ec(EcKey),
    /// An RSA modulus and exponent.
    Rsa(RsaKey),
}

/// A point that is on its curve and is not its neutral element.
///
/// Shape: `04 || x || y`, each coordinate padded to the field length.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EcKey {
    curve: Curve,
    point: Vec<u8>,
}

/// An RSA key of a size the tokens make.
///
/// Shape: modulus and exponent big-endian without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

/// Why bytes are no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The point is not `04 || x || y` in full length.
    #[error("point of {found} bytes starting {form:02X}, expected 04 and {expected} bytes in all on {}", curve.name())]
    PointForm {
        /// The curve it was said to be on.
        curve: Curve,
        /// Bytes of an uncompressed point there.
        expected: usize,
        /// Bytes there are.
        found: usize,
        /// First byte, 00 if there is none.
        form: u8,
    },
    /// The coordinates do not satisfy the curve's equation.
    #[error("the point is not on {}", curve.name())]
    OffCurve {
        /// The curve it was said to be on.
        curve: Curve,
    },
    /// A modulus of a size no token makes.
    #[error("RSA modulus of {found_bits} bits, expected 1024, 1536, 2048, 3072 or 4096")]
    ModulusSize {
        /// Significant bits there are.
        found_bits: usize,
    },
    /// An even modulus.
    #[error("RSA modulus is even, expected a product of two odd primes")]
    ModulusEven,
    /// An exponent that makes no sound key.
    #[error("RSA public exponent is {}, expected odd, 3 to 2^33 - 1", Shown(*found))]
    Exponent {
        /// Its value, `None` above 64 bits.
        found: Option<u64>,
    },
}

struct Shown(Option<u64>);

impl core::fmt::Display for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("longer than 64 bits"),
        }
    }
}

/// Why a signature does not hold. Holds no byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Another length than this key's signatures have.
    #[error("signature of {found} bytes, expected {expected}")]
    Length {
        /// Bytes of a signature under this key.
        expected: usize,
        /// Bytes there are.
        found: usize,
    },
    /// An ECDSA signature that is not two numbers in DER, or a reply that is no signature at all.
    #[error("what came has not the form of a signature")]
    Form,
    /// The key did not make this signature over this message.
    #[error("the signature is not this key's over these bytes")]
    Wrong,
}

impl PublicKey {
    /// Checks an ECDSA (`r || s`, fixed width) or PKCS#1 v1.5 signature with SHA-256: the forms certificates carry.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureError> {
        let expected = match self {
            Self::Ec(key) => 2 * key.curve.field_len(),
            Self::Rsa(key) => key.modulus.len(),
        };
        if signature.len() != expected {
            return Err(SignatureError::Length { expected, found: signature.len() });
        }
        let digest = Hashed::Sha256(Sha256::digest(message).into());
        let holds = match self {
            Self::Ec(key) => key.verifies(digest.bytes(), Form::Bare(signature)),
            Self::Rsa(key) => key.verifies(&digest, signature),
        };
        if holds { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// Checks a signature over a digest in the form tokens make it: ECDSA in DER, or PKCS#1 v1.5.
    pub fn verify_digest(&self, digest: &Hashed, signature: &[u8]) -> Result<(), SignatureError> {
        let holds = match self {
            Self::Ec(key) => key.verifies(digest.bytes(), Form::Der(signature)),
            Self::Rsa(key) => key.verifies(digest, signature),
        };
        if holds { Ok(()) } else { Err(SignatureError::Wrong) }
    }

    /// SubjectPublicKeyInfo in DER: its digest names the key everywhere outside the token.
    ///
    /// Source: RFC 5280 §4.1.2.7, RFC 5480 §2, RFC 3279 §2.3.1.
    pub fn spki(&self) -> Vec<u8> {
        let (algorithm, key) = match self {
            Self::Ec(key) => {
                let mut algorithm = tlv::element(OID, ID_EC_PUBLIC_KEY);
                tlv::push(&mut algorithm, OID, named_curve(key.curve));
                (algorithm, key.point.clone())
            }
            Self::Rsa(key) => {
                let mut algorithm = tlv::element(OID, RSA_ENCRYPTION);
                tlv::push(&mut algorithm, NULL, &[]);
                let mut numbers = unsigned(&key.modulus);
                numbers.extend(unsigned(&key.exponent));
                (algorithm, tlv::element(SEQUENCE, &numbers))
            }
        };
        let mut info = tlv::element(SEQUENCE, &algorithm);
        tlv::push(&mut info, BIT_STRING, &[&[0], key.as_slice()].concat());
        tlv::element(SEQUENCE, &info)
    }

    /// The kind of the key, as screens and reports name it: `P-256`, `RSA-2048`.
    pub fn kind(&self) -> String {
        match self {
            Self::Ec(key) => key.curve.name().into(),
            Self::Rsa(key) => format!("RSA-{}", key.bits()),
        }
    }
}

/// Runs `$body` with `$c` as the RustCrypto type of a [`Curve`].
macro_rules! on {
    ($curve:expr, $c:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                type $c = p256::NistP256;
                $body
            }
            Curve::P384 => {
                type $c = p384::NistP384;
                $body
            }
            Curve::P521 => {
                type $c = p521::NistP521;
                $body
            }
            Curve::BrainpoolP256r1 => {
                type $c = bp256::BrainpoolP256r1;
                $body
            }
            Curve::BrainpoolP384r1 => {
                type $c = bp384::BrainpoolP384r1;
                $body
            }
            Curve::Secp256k1 => {
                type $c = k256::Secp256k1;
                $body
            }
        }
    };
}

/// How an ECDSA signature is written.
enum Form<'a> {
    /// `r || s`, each in the field's length.
    Bare(&'a [u8]),
    /// SEQUENCE of two INTEGERs.
    Der(&'a [u8]),
}

impl EcKey {
    /// A key from its uncompressed point.
    ///
    /// Errors: [`KeyError::PointForm`], [`KeyError::OffCurve`].
    pub fn new(curve: Curve, point: &[u8]) -> Result<Self, KeyError> {
        let expected = 1 + 2 * curve.field_len();
        let form = point.first().copied().unwrap_or(0);
        if form != 4 || point.len() != expected {
            return Err(KeyError::PointForm { curve, expected, found: point.len(), form });
        }
        if on!(curve, C => ecdsa::VerifyingKey::<C>::from_sec1_bytes(point).is_err()) {
            return Err(KeyError::OffCurve { curve });
        }
        Ok(Self { curve, point: point.to_vec() })
    }

    /// The curve.
    pub fn curve(&self) -> Curve {
        self.curve
    }

    /// `04 || x || y`.
    pub fn point(&self) -> &[u8] {
        &self.point
    }

    fn verifies(&self, digest: &[u8], signature: Form<'_>) -> bool {
        on!(self.curve, C => {
            let key = ecdsa::VerifyingKey::<C>::from_sec1_bytes(&self.point);
            let signature = match signature {
                Form::Bare(bytes) => ecdsa::Signature::<C>::from_slice(bytes),
                Form::Der(bytes) => ecdsa::Signature::<C>::from_der(bytes),
            };
            // Tokens give the high twin of `s` as often as the low one; the secp256k1 crate takes the low one only.
            key.and_then(|key| key.verify_prehash(digest, &signature?.normalize_s())).is_ok()
        })
    }
}

impl RsaKey {
    /// A key from big-endian numbers; leading zeros are dropped.
    ///
    /// Errors: [`KeyError::ModulusSize`], [`KeyError::ModulusEven`], [`KeyError::Exponent`].
    pub fn new(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let key = Self { modulus: tlv::significant(modulus).to_vec(), exponent: tlv::significant(exponent).to_vec() };
        if !matches!(key.bits(), 1024 | 1536 | 2048 | 3072 | 4096) {
            return Err(KeyError::ModulusSize { found_bits: key.bits() });
        }
        if key.modulus.last().is_none_or(|byte| byte & 1 == 0) {
            return Err(KeyError::ModulusEven);
        }
        let value = (key.exponent.len() <= 8)
            .then(|| key.exponent.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)));
        match value {
            Some(value @ 3..=RsaPublicKey::MAX_PUB_EXPONENT) if value & 1 == 1 => Ok(key),
            found => Err(KeyError::Exponent { found }),
        }
    }

    /// Size of the modulus in bits.
    pub fn bits(&self) -> usize {
        self.modulus.first().map_or(0, |first| 8 * self.modulus.len() - first.leading_zeros() as usize)
    }

    /// The modulus.
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent.
    pub fn exponent(&self) -> &[u8] {
        &self.exponent
    }

    fn verifies(&self, digest: &Hashed, signature: &[u8]) -> bool {
        let padding = match digest {
            Hashed::Sha256(_) => Pkcs1v15Sign::new::<Sha256>(),
            Hashed::Sha384(_) => Pkcs1v15Sign::new::<Sha384>(),
            Hashed::Sha512(_) => Pkcs1v15Sign::new::<Sha512>(),
        };
        self.number().is_some_and(|key| key.verify(padding, digest.bytes(), signature).is_ok())
    }

    /// For the RSA crate, which repeats the checks of [`RsaKey::new`].
    fn number(&self) -> Option<RsaPublicKey> {
        let number = |bytes| BoxedUint::from_be_slice_vartime(bytes);
        RsaPublicKey::new(number(&self.modulus), number(&self.exponent)).ok()
    }
}

const NULL: u16 = 0x05;
const OID: u16 = 0x06;
const INTEGER: u16 = 0x02;
const BIT_STRING: u16 = 0x03;
const SEQUENCE: u16 = 0x30;

/// 1.2.840.10045.2.1
const ID_EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// 1.2.840.113549.1.1.1
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The curve's name in an AlgorithmIdentifier.
fn named_curve(curve: Curve) -> &'static [u8] {
    match curve {
        // 1.2.840.10045.3.1.7
        Curve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        // 1.3.132.0.34
        Curve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        // 1.3.132.0.35
        Curve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        // 1.3.36.3.3.2.8.1.1.7
        Curve::BrainpoolP256r1 => &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        // 1.3.36.3.3.2.8.1.1.11
        Curve::BrainpoolP384r1 => &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        // 1.3.132.0.10
        Curve::Secp256k1 => &[0x2b, 0x81, 0x04, 0x00, 0x0a],
    }
}

/// An INTEGER that stays positive.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    match bytes.first() {
        Some(0x80..) => tlv::element(INTEGER, &[&[0], bytes].concat()),
        _ => tlv::element(INTEGER, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl dgst -sha256 -sign` over `conclave`, ECDSA rewritten as `r || s`; secp256k1 with the high twin of `s`.
    const SIGNATURES: &str = include_str!("../../../../tests/vectors/token/cvc/signatures.txt");

    fn unhex(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// The key in OpenSSL's SubjectPublicKeyInfo, taken from where it lies there.
    fn key(kind: &str, spki: &[u8]) -> PublicKey {
        match Curve::ALL.into_iter().find(|curve| curve.name() == kind) {
            Some(curve) => {
                let at = spki.len() - 1 - 2 * curve.field_len();
                PublicKey::Ec(EcKey::new(curve, &spki[at..]).unwrap())
            }
            None => {
                let bytes = kind.strip_prefix("RSA-").unwrap().parse::<usize>().unwrap() / 8;
                let end = spki.len() - 5;
                PublicKey::Rsa(RsaKey::new(&spki[end - bytes..end], &spki[end + 2..]).unwrap())
            }
        }
    }

    fn signatures() -> impl Iterator<Item = (&'static str, Vec<u8>, Vec<u8>)> {
        SIGNATURES.lines().map(|line| {
            let [kind, spki, signature] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            (kind, unhex(spki), unhex(signature))
        })
    }

    #[test]
    fn signatures_of_openssl_hold_on_every_curve_and_rsa_size() {
        assert_eq!(signatures().count(), 8);
        for (kind, spki, mut signature) in signatures() {
            let key = key(kind, &spki);
            assert_eq!(key.verify(b"conclave", &signature), Ok(()), "{kind}");
            assert_eq!(key.verify(b"Conclave", &signature), Err(SignatureError::Wrong), "{kind}");
            signature[40] ^= 1;
            assert_eq!(key.verify(b"conclave", &signature), Err(SignatureError::Wrong), "{kind}");
            let (expected, found) = (signature.len(), signature.len() - 1);
            assert_eq!(
                key.verify(b"conclave", &signature[1..]),
                Err(SignatureError::Length { expected, found }),
                "{kind}"
            );
            signature.fill(0);
            assert_eq!(key.verify(b"conclave", &signature), Err(SignatureError::Wrong), "{kind}");
        }
    }

    #[test]
    fn the_subject_public_key_info_is_the_one_openssl_writes() {
        for (kind, spki, _) in signatures() {
            assert_eq!(key(kind, &spki).spki(), spki, "{kind}");
            assert_eq!(key(kind, &spki).kind(), kind);
        }
    }

    #[test]
    fn a_point_that_is_no_key_is_refused() {
        for curve in Curve::ALL {
            let good = curve.domain().generator;
            let expected = good.len();
            let check = |point: &[u8], want| assert_eq!(EcKey::new(curve, point), Err(want), "{}", curve.name());
            assert!(EcKey::new(curve, good).is_ok());
            let mut off = good.to_vec();
            off[expected - 1] ^= 1;
            check(&off, KeyError::OffCurve { curve });
            off[1..].fill(0xff);
            check(&off, KeyError::OffCurve { curve });
            off[1..].fill(0);
            check(&off, KeyError::OffCurve { curve });
            check(&[0], KeyError::PointForm { curve, expected, found: 1, form: 0 });
            check(&[], KeyError::PointForm { curve, expected, found: 0, form: 0 });
            let found = expected - 1;
            check(&good[..found], KeyError::PointForm { curve, expected, found, form: 4 });
            let compressed = [&[2], &good[1..=curve.field_len()]].concat();
            let found = compressed.len();
            check(&compressed, KeyError::PointForm { curve, expected, found, form: 2 });
        }
    }

    #[test]
    fn an_rsa_key_no_token_makes_is_refused() {
        #[track_caller]
        fn check(modulus: &[u8], exponent: &[u8], want: KeyError) {
            assert_eq!(RsaKey::new(modulus, exponent), Err(want));
        }
        let modulus = [0xff; 256];
        let exponent = |found| KeyError::Exponent { found };
        assert!(RsaKey::new(&modulus, &[1, 0, 1]).is_ok());
        assert!(RsaKey::new(&modulus, &[3]).is_ok());
        assert!(RsaKey::new(&modulus, &[1, 0xff, 0xff, 0xff, 0xff]).is_ok());
        check(&modulus, &[], exponent(Some(0)));
        check(&modulus, &[0, 1], exponent(Some(1)));
        check(&modulus, &[1, 0, 0], exponent(Some(65_536)));
        check(&modulus, &[2, 0, 0, 0, 1], exponent(Some((1 << 33) + 1)));
        check(&modulus, &[1; 9], exponent(None));
        check(&modulus[1..], &[1, 0, 1], KeyError::ModulusSize { found_bits: 2040 });
        check(&[&[0x7f], &modulus[1..]].concat(), &[1, 0, 1], KeyError::ModulusSize { found_bits: 2047 });
        check(&[], &[1, 0, 1], KeyError::ModulusSize { found_bits: 0 });
        check(&[&modulus[1..], &[0xfe]].concat(), &[1, 0, 1], KeyError::ModulusEven);
    }
}
