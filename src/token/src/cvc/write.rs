//! Certificates and requests as tokens and their issuers write them.

use super::{
    Name, PublicKey, Role, Terms,
    field::{
        BODY, CAR, CHR, CVC, ECDSA_SHA256, OID, PROFILE, PUBLIC_KEY, RIGHTS, ROLE, ROLE_OID, RSA_SHA256, SIGNATURE,
        VALID_FROM, VALID_UNTIL,
    },
};
use crate::{curve::Curve, tlv};

/// A certificate or request that is still to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// Who signs it. A token puts the caller's choice here when it makes a request.
    pub car: Name,
    /// The key. Below the root the curve is left out: it is the issuer's.
    pub key: &'a PublicKey,
    /// Whose key it is.
    pub chr: Name,
    /// What makes it a certificate; `None` for a request.
    pub terms: Option<Terms>,
}

impl Unsigned<'_> {
    /// The complete certificate or request. `sign` gets the body and answers the signature in the form of
    /// [`PublicKey::verify`].
    pub fn signed(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let below_root = matches!(self.terms, Some(Terms { role: Role::Issuer | Role::Device, .. }));
        let key = match self.key {
            PublicKey::Ec(key) if below_root => {
                let mut elements = tlv::element(OID, ECDSA_SHA256);
                tlv::push(&mut elements, 0x86, key.point());
                elements
            }
            PublicKey::Ec(key) => curve_elements(key.curve(), Some(key.point())),
            PublicKey::Rsa(key) => {
                let mut elements = tlv::element(OID, RSA_SHA256);
                tlv::push(&mut elements, 0x81, key.modulus());
                tlv::push(&mut elements, 0x82, key.exponent());
                elements
            }
        };
        let mut fields = tlv::element(PROFILE, &[0]);
        tlv::push(&mut fields, CAR, self.car.as_str().as_bytes());
        tlv::push(&mut fields, PUBLIC_KEY, &key);
        tlv::push(&mut fields, CHR, self.chr.as_str().as_bytes());
        if let Some(terms) = self.terms {
            let mut role = tlv::element(OID, ROLE_OID);
            tlv::push(&mut role, RIGHTS, &[terms.role.rights()]);
            tlv::push(&mut fields, ROLE, &role);
            tlv::push(&mut fields, VALID_FROM, &terms.from.digits());
            tlv::push(&mut fields, VALID_UNTIL, &terms.until.digits());
        }
        let mut signed = tlv::element(BODY, &fields);
        let signature = sign(&signed);
        tlv::push(&mut signed, SIGNATURE, &signature);
        tlv::element(CVC, &signed)
    }
}

/// What [`PUBLIC_KEY`] holds for a curve: algorithm and domain parameters, and the point unless a token is asked for it.
pub fn curve_elements(curve: Curve, point: Option<&[u8]>) -> Vec<u8> {
    let domain = curve.domain();
    let mut elements = tlv::element(OID, ECDSA_SHA256);
    for (tag, value) in [
        (0x81, Some(domain.p)),
        (0x82, Some(domain.a)),
        (0x83, Some(domain.b)),
        (0x84, Some(domain.generator)),
        (0x85, Some(domain.order)),
        (0x86, point),
        (0x87, Some(&[1][..])),
    ] {
        if let Some(value) = value {
            tlv::push(&mut elements, tag, value);
        }
    }
    elements
}
