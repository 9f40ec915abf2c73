//! Card-verifiable certificates as the card writes them: its own, and the requests for the keys it generates.

use sha2::{Digest, Sha256};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::tlv;

use super::ec::{self, Rs};
use super::keys::{EcKey, Material};
use super::memory::Device;
use super::random::Randomness;
use super::{issuer, sign};

/// Key type in a certificate: ECDSA with SHA-256, and RSA PKCS#1 v1.5 with SHA-256.
pub(super) const OID_EC: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];
pub(super) const OID_RSA: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x01, 0x02];

/// Names a request carries.
pub(super) struct Names<'a> {
    /// The authority that is asked to certify.
    pub(super) authority: &'a [u8],
    /// The holder of the key.
    pub(super) holder: &'a [u8],
}

/// The answer to GENERATE ASYMMETRIC KEY PAIR: a request signed by the new key, and that signed by the device key.
/// `None` if a key cannot sign, which for a key just generated does not happen.
pub(super) fn authenticated(
    names: &Names<'_>,
    key: &Material,
    device: &Device,
    random: &mut Randomness,
) -> Option<Vec<u8>> {
    let public = match key {
        Material::Rsa(key) => {
            let mut public = tlv::element(0x06, &OID_RSA);
            tlv::push(&mut public, 0x81, &key.n);
            tlv::push(&mut public, 0x82, &key.e);
            public
        }
        Material::Ec(key) => public_ec(key),
        Material::Aes(_) => return None,
    };
    let body = body(names.authority, &public, names.holder, &[]);
    let signature = match key {
        Material::Ec(key) => sign_ec(key.curve, &key.secret, &body, random)?,
        key => sign::rsa_pkcs1_sha256(key, &body, random)?,
    };
    let mut request = certificate(&body, &signature);
    tlv::push(&mut request, 0x42, device.holder.as_bytes());
    let outer = sign_ec(issuer::CURVE, &device.key, &request, random)?;
    tlv::push(&mut request, 0x5f37, &outer);
    Some(tlv::element(0x67, &request))
}

fn public_ec(key: &EcKey) -> Vec<u8> {
    let domain = key.curve.domain();
    let mut public = tlv::element(0x06, &OID_EC);
    let fields = [domain.p, domain.a, domain.b, domain.generator, domain.order, &key.public, &[1]];
    for (tag, value) in (0x81..).zip(fields) {
        tlv::push(&mut public, tag, value);
    }
    public
}

/// A certificate body; `rest` are the bytes after the holder.
pub(super) fn body(authority: &[u8], public: &[u8], holder: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut body = tlv::element(0x5f29, &[0]);
    tlv::push(&mut body, 0x42, authority);
    tlv::push(&mut body, 0x7f49, public);
    tlv::push(&mut body, 0x5f20, holder);
    body.extend_from_slice(rest);
    tlv::element(0x7f4e, &body)
}

/// A certificate of a body and its signature.
pub(super) fn certificate(body: &[u8], signature: &[u8]) -> Vec<u8> {
    tlv::element(0x7f21, &[body, &tlv::element(0x5f37, signature)].concat())
}

/// `r || s` over SHA-256 of `message`.
pub(super) fn sign_ec(curve: Curve, secret: &[u8], message: &[u8], random: &mut Randomness) -> Option<Vec<u8>> {
    let Rs { r, s } = ec::sign(curve, secret, &Sha256::digest(message), random)?;
    Some([r, s].concat())
}
