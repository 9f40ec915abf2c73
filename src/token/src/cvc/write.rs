//! For tests: certificates and requests as tokens and their issuers write them. The driver itself issues nothing.

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
pub(crate) struct Unsigned<'a> {
    /// The signer. A token puts the caller's choice here when it makes a request.
    pub(crate) car: Name,
    /// The key. Below the root the curve is left out: it is the issuer's.
    pub(crate) key: &'a PublicKey,
    /// The holder of the key.
    pub(crate) chr: Name,
    /// The role and the period that make it a certificate; `None` for a request.
    pub(crate) terms: Option<Terms>,
}

impl Unsigned<'_> {
    /// The complete certificate or request. `sign` gets the body and answers the signature in the form of
    /// [`PublicKey::verify`].
    pub(crate) fn signed(&self, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let below_root = matches!(self.terms, Some(Terms { role: Role::Issuer | Role::Device, .. }));
        let key = match self.key {
            PublicKey::Ec(key) if below_root => {
                let mut elements = tlv::element(OID, ECDSA_SHA256);
                tlv::push(&mut elements, 0x86, key.point());
                elements
            }
            PublicKey::Ec(key) => curve_elements(key.curve(), key.point()),
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

/// The content of [`PUBLIC_KEY`] for a point on a curve of its own.
fn curve_elements(curve: Curve, point: &[u8]) -> Vec<u8> {
    let domain = curve.domain();
    let mut elements = tlv::element(OID, ECDSA_SHA256);
    let fields = [domain.p, domain.a, domain.b, domain.generator, domain.order, point, &[1]];
    for (tag, value) in (0x81..).zip(fields) {
        tlv::push(&mut elements, tag, value);
    }
    elements
}
