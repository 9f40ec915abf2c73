//! One certificate or key-generation request, read strictly.

use core::fmt;

use thiserror::Error;

use super::{
    Date, EcKey, KeyError, Name, NameError, PublicKey, RsaKey, SignatureError, Terms,
    field::{
        BODY, CAR, CHR, CVC, ECDSA_SHA256, EXTENSIONS, OID, PROFILE, PUBLIC_KEY, ROLE, ROLE_OID, RSA_SHA256, SIGNATURE,
        VALID_FROM, VALID_UNTIL,
    },
};
use crate::{
    curve::Curve,
    text::Hex,
    tlv::{self, Reader, TlvError},
};

/// A certificate as it was read. Nothing about it is true before [`Cvc::verify`] said so under a key that is.
///
/// Shape: `7F21 { 7F4E { 5F29 42 7F49 5F20 [7F4C 5F25 5F24] [65] } 5F37 }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cvc {
    /// The signer.
    pub car: Name,
    /// The holder of the key.
    pub chr: Name,
    /// The role and the period that make it a certificate. A request has none.
    pub terms: Option<Terms>,
    key: Key,
    body: Vec<u8>,
    signature: Vec<u8>,
}

/// Certificates below the root hold the point only; its curve is the issuer's.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Whole(PublicKey),
    Point(Vec<u8>),
}

/// Faults of a certificate or of a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CvcError {
    /// Not the elements a certificate has.
    #[error(transparent)]
    Encoding(#[from] TlvError),
    /// Issuer or holder.
    #[error("{field}: {source}")]
    Name {
        /// `CAR` or `CHR`.
        field: &'static str,
        /// The fault.
        source: NameError,
    },
    /// A profile this format does not have.
    #[error("certificate profile {}, expected 00", Hex(found))]
    Profile {
        /// The profile identifier.
        found: Vec<u8>,
    },
    /// The key is of an unknown algorithm.
    #[error(
        "key algorithm {}, expected {} (ECDSA) or {} (RSA), both with SHA-256",
        Hex(found),
        Hex(ECDSA_SHA256),
        Hex(RSA_SHA256)
    )]
    Algorithm {
        /// The object identifier.
        found: Vec<u8>,
    },
    /// Domain parameters of no curve known here.
    #[error("domain parameters over the prime {} are of no known curve, expected {}", Hex(prime), KnownCurves)]
    Curve {
        /// The field prime.
        prime: Vec<u8>,
    },
    /// A cofactor other than 1.
    #[error("cofactor {}, expected 01", Hex(found))]
    Cofactor {
        /// The cofactor.
        found: Vec<u8>,
    },
    /// A point without domain parameters, and there is no issuer's curve to use.
    #[error("a point without its curve, expected domain parameters 81 to 85 and 87")]
    CurveMissing,
    /// The key itself.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A role of another system.
    #[error("role {}, expected {} (SmartCard-HSM)", Hex(found), Hex(ROLE_OID))]
    Role {
        /// The object identifier.
        found: Vec<u8>,
    },
    /// Rights that belong to no role.
    #[error("rights {}, expected C0 (root), 80 (issuer) or 00 (device)", Hex(found))]
    Rights {
        /// The rights.
        found: Vec<u8>,
    },
    /// Six bytes that are no calendar day.
    #[error("{field} {}, expected six digits YYMMDD, one per byte", Hex(found))]
    Date {
        /// `first day` or `last day`.
        field: &'static str,
        /// The bytes.
        found: Vec<u8>,
    },
    /// It ends before it begins.
    #[error("valid from {from} until {until}, expected the last day not before the first")]
    Period {
        /// First day.
        from: Date,
        /// Last day.
        until: Date,
    },
}

struct KnownCurves;

impl fmt::Display for KnownCurves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&Curve::ALL.map(Curve::name).join(", "))
    }
}

impl Cvc {
    /// Reads the certificate that fills `bytes`.
    ///
    /// Errors: every [`CvcError`] but [`CvcError::CurveMissing`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CvcError> {
        let mut outer = Reader::new(tlv::whole(bytes, CVC)?.value);
        let body = outer.expect(BODY)?;
        let signature = outer.expect(SIGNATURE)?.value.to_vec();
        outer.finish()?;

        let mut reader = Reader::new(body.value);
        let profile = reader.expect(PROFILE)?.value;
        if profile != [0] {
            return Err(CvcError::Profile { found: profile.to_vec() });
        }
        let name = |field, bytes| Name::parse(bytes).map_err(|source| CvcError::Name { field, source });
        let car = name("CAR", reader.expect(CAR)?.value)?;
        let key = Key::parse(reader.expect(PUBLIC_KEY)?.value)?;
        let chr = name("CHR", reader.expect(CHR)?.value)?;
        let terms = match reader.peek()? {
            Some(ROLE | VALID_FROM | VALID_UNTIL) => Some(Terms::parse(&mut reader)?),
            _ => None,
        };
        // Issuers of firmware 4.1 carry an empty one; requests of keys in a key domain name the domain there.
        reader.accept(EXTENSIONS)?;
        reader.finish()?;
        Ok(Self { car, chr, terms, key, body: body.raw.to_vec(), signature })
    }

    /// The key it holds. A point without a curve is on `lent`, the curve of the issuer's key.
    ///
    /// Errors: [`CvcError::CurveMissing`], [`CvcError::Key`].
    pub fn key(&self, lent: Option<Curve>) -> Result<PublicKey, CvcError> {
        match (&self.key, lent) {
            (Key::Whole(key), _) => Ok(key.clone()),
            (Key::Point(point), Some(curve)) => Ok(PublicKey::Ec(EcKey::new(curve, point)?)),
            (Key::Point(_), None) => Err(CvcError::CurveMissing),
        }
    }

    /// Whether `issuer` signed it.
    pub fn verify(&self, issuer: &PublicKey) -> Result<(), SignatureError> {
        issuer.verify(&self.body, &self.signature)
    }
}

impl Key {
    fn parse(bytes: &[u8]) -> Result<Self, CvcError> {
        let mut reader = Reader::new(bytes);
        let algorithm = reader.expect(OID)?.value;
        let key = match algorithm {
            RSA_SHA256 => {
                let modulus = reader.expect(0x81)?.value;
                Self::Whole(PublicKey::Rsa(RsaKey::new(modulus, reader.expect(0x82)?.value)?))
            }
            ECDSA_SHA256 if reader.peek()? == Some(0x86) => Self::Point(reader.expect(0x86)?.value.to_vec()),
            ECDSA_SHA256 => {
                let mut next = |tag| reader.expect(tag).map(|element| element.value);
                let (prime, a, b, generator, order) = (next(0x81)?, next(0x82)?, next(0x83)?, next(0x84)?, next(0x85)?);
                let (point, cofactor) = (next(0x86)?, next(0x87)?);
                if cofactor != [1] {
                    return Err(CvcError::Cofactor { found: cofactor.to_vec() });
                }
                let Some(curve) = Curve::from_domain(prime, a, b, generator, order) else {
                    return Err(CvcError::Curve { prime: prime.to_vec() });
                };
                Self::Whole(PublicKey::Ec(EcKey::new(curve, point)?))
            }
            found => return Err(CvcError::Algorithm { found: found.to_vec() }),
        };
        reader.finish()?;
        Ok(key)
    }
}
