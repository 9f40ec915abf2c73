//! The authority that certifies simulated tokens. Its keys are public and worthless: any person may make a token under
//! this root, and only the plan of a rehearsal accepts a token of this kind.

use smartcard_hsm::curve::Curve;
use smartcard_hsm::tlv;

use super::random::Randomness;
use super::{ec, request};

/// The curve of root, issuer and device keys.
pub(super) const CURVE: Curve = Curve::BrainpoolP256r1;

/// Private key of the simulated root, published on purpose. Its certificate is `sim-root.cvc` of the vectors.
const ROOT_KEY: [u8; 32] = [
    0x27, 0x46, 0x89, 0x61, 0x02, 0xbf, 0x49, 0x15, 0x3c, 0x10, 0xd8, 0x09, 0x42, 0x0a, 0xa9, 0x43, 0x85, 0xca, 0x4f,
    0xaf, 0x3b, 0xbd, 0x7f, 0x44, 0x88, 0x32, 0x1f, 0x1c, 0x01, 0xa2, 0xd1, 0x8d,
];
/// Private key of the simulated issuer, published on purpose.
const ISSUER_KEY: [u8; 32] = [
    0xa5, 0x49, 0x19, 0xf3, 0x1f, 0x32, 0xaf, 0xee, 0x9c, 0xd1, 0x56, 0xa4, 0x91, 0x4d, 0x1b, 0x60, 0x44, 0xb3, 0x4e,
    0xcc, 0xbc, 0x6e, 0xb5, 0x98, 0xfe, 0xbd, 0xf5, 0x90, 0xa5, 0x5f, 0x73, 0x87,
];

const ROOT: &[u8] = b"ZZSRCACC100001";
const ISSUER: &[u8] = b"ZZDINK0100001";

/// Role of a holder in the vendor's hierarchy, with its rights: 80 issues device certificates, 00 is a device.
const ROLE: [u8; 11] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x03, 0x01, 0x01];

/// Dates as a certificate carries them, one digit per byte.
const ISSUED: [u8; 6] = [2, 5, 0, 1, 0, 1];
const DEVICE_EXPIRES: [u8; 6] = [3, 3, 0, 1, 0, 1];
const ISSUER_EXPIRES: [u8; 6] = [3, 5, 0, 1, 0, 1];

/// A certificate authority: its name and key.
struct Authority {
    name: &'static [u8],
    key: &'static [u8; 32],
}

/// EF 2F02 of the device `holder` with this public key: its certificate and the issuer's.
///
/// Both keys are constants that can sign (the test reads their signatures), so the empty file of the last line is never
/// made.
pub(super) fn certify(holder: &str, public: &[u8], random: &mut Randomness) -> Vec<u8> {
    let root = Authority { name: ROOT, key: &ROOT_KEY };
    let issuer = Authority { name: ISSUER, key: &ISSUER_KEY };
    let mut both = || {
        let device = issuer.certificate(holder.as_bytes(), public, 0x00, DEVICE_EXPIRES, random)?;
        let issuer = root.certificate(ISSUER, &ec::public(CURVE, &ISSUER_KEY)?, 0x80, ISSUER_EXPIRES, random)?;
        Some([device, issuer].concat())
    };
    both().unwrap_or_default()
}

impl Authority {
    fn certificate(
        &self,
        holder: &[u8],
        public: &[u8],
        rights: u8,
        expires: [u8; 6],
        random: &mut Randomness,
    ) -> Option<Vec<u8>> {
        // Domain parameters are the root's: below it a certificate carries the point alone.
        let mut key = tlv::element(0x06, &request::OID_EC);
        tlv::push(&mut key, 0x86, public);
        let mut role = tlv::element(0x06, &ROLE);
        tlv::push(&mut role, 0x53, &[rights]);
        let mut rest = tlv::element(0x7f4c, &role);
        tlv::push(&mut rest, 0x5f25, &ISSUED);
        tlv::push(&mut rest, 0x5f24, &expires);
        let body = request::body(self.name, &key, holder, &rest);
        let signature = request::sign_ec(CURVE, self.key, &body, random)?;
        Some(request::certificate(&body, &signature))
    }
}
