//! Card-verifiable certificates as a token of the simulated vendor writes them: its own, and the requests for keys made on it.

use bp256::BrainpoolP256r1;
use conclave_publish::Digest;
use ecdsa::elliptic_curve::{CurveArithmetic, NonZeroScalar};
use ecdsa::hazmat::sign_prehashed_rfc6979;
use p256::NistP256;
use sha2::Sha256;
use smartcard_hsm::curve::Curve;
use smartcard_hsm::cvc::Name;
use smartcard_hsm::tlv;

type DeviceKey = ecdsa::SigningKey<BrainpoolP256r1>;
type Key = ecdsa::SigningKey<NistP256>;

/// Private key of the simulated root, published on purpose: `src/sim/src/card/issuer.rs`.
const ROOT_KEY: [u8; 32] = [
    0x27, 0x46, 0x89, 0x61, 0x02, 0xbf, 0x49, 0x15, 0x3c, 0x10, 0xd8, 0x09, 0x42, 0x0a, 0xa9, 0x43, 0x85, 0xca, 0x4f,
    0xaf, 0x3b, 0xbd, 0x7f, 0x44, 0x88, 0x32, 0x1f, 0x1c, 0x01, 0xa2, 0xd1, 0x8d,
];
const ROOT: &str = "ZZSRCACC100001";
const ISSUER: &str = "ZZDINK0100001";

/// ECDSA with SHA-256.
const OID_EC: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];
/// Role of a holder in the vendor's hierarchy.
const ROLE: [u8; 11] = [0x2b, 0x06, 0x01, 0x04, 0x01, 0x81, 0xc3, 0x1f, 0x03, 0x01, 0x01];

/// The private key of the issuer or of a token, by name.
fn private(name: &str) -> DeviceKey {
    let mut scalar = *Digest::of(name.as_bytes()).bytes();
    // Below the order of the curve.
    scalar[0] &= 0x7f;
    DeviceKey::from_slice(&scalar).unwrap()
}

fn holder(serial: &str) -> String {
    format!("{serial}00000")
}

fn signed(body: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let body = tlv::element(0x7f4e, body);
    let signature = tlv::element(0x5f37, &sign(&body));
    tlv::element(0x7f21, &[body, signature].concat())
}

fn body(authority: &str, public: &[u8], holder: &str) -> Vec<u8> {
    let mut body = tlv::element(0x5f29, &[0]);
    tlv::push(&mut body, 0x42, authority.as_bytes());
    tlv::push(&mut body, 0x7f49, public);
    tlv::push(&mut body, 0x5f20, holder.as_bytes());
    body
}

fn by<C: ecdsa::EcdsaCurve + CurveArithmetic>(key: &NonZeroScalar<C>, message: &[u8]) -> Vec<u8>
where
    ecdsa::SignatureSize<C>: ecdsa::elliptic_curve::array::ArraySize,
{
    // The digest is named here: bp256 has one of its own only with a feature that no other crate of the tree wants, and with it
    // the crates above bp256 would be compiled a second time for the tests of this crate.
    let (signature, _) = sign_prehashed_rfc6979::<C, Sha256>(key, Digest::of(message).bytes(), &[]);
    signature.to_bytes().to_vec()
}

fn certificate(authority: (&str, &DeviceKey), name: &str, key: &DeviceKey, rights: u8, expires: [u8; 6]) -> Vec<u8> {
    // Domain parameters are the root's: below it a certificate carries the point alone.
    let mut public = tlv::element(0x06, &OID_EC);
    tlv::push(&mut public, 0x86, key.verifying_key().to_sec1_point(false).as_bytes());
    let mut role = tlv::element(0x06, &ROLE);
    tlv::push(&mut role, 0x53, &[rights]);
    let mut body = body(authority.0, &public, name);
    tlv::push(&mut body, 0x7f4c, &role);
    tlv::push(&mut body, 0x5f25, &[2, 5, 0, 1, 0, 1]);
    tlv::push(&mut body, 0x5f24, &expires);
    signed(&body, |body| by(authority.1.as_nonzero_scalar(), body))
}

/// EF 2F02 of the token of this serial: its certificate and the issuer's.
pub(super) fn certificates(serial: &str) -> Vec<u8> {
    let (root, issuer) = (DeviceKey::from_slice(&ROOT_KEY).unwrap(), private(ISSUER));
    let device = certificate((ISSUER, &issuer), &holder(serial), &private(serial), 0x00, [3, 3, 0, 1, 0, 1]);
    let issuer = certificate((ROOT, &root), ISSUER, &issuer, 0x80, [3, 5, 0, 1, 0, 1]);
    [device, issuer].concat()
}

/// The answer of this token to the making of a key: a request that carries this head, signed by the new key, and that signed by
/// the device key.
pub(super) fn authenticated(serial: &str, key: &Key, head: Digest) -> Vec<u8> {
    let domain = Curve::P256.domain();
    let point = key.verifying_key().to_sec1_point(false);
    let mut public = tlv::element(0x06, &OID_EC);
    let fields = [domain.p, domain.a, domain.b, domain.generator, domain.order, point.as_bytes(), &[1]];
    for (tag, value) in (0x81..).zip(fields) {
        tlv::push(&mut public, tag, value);
    }
    let authority = Name::bound(head.bytes().first_chunk().unwrap());
    let mut request =
        signed(&body(authority.as_str(), &public, &holder(serial)), |body| by(key.as_nonzero_scalar(), body));
    tlv::push(&mut request, 0x42, holder(serial).as_bytes());
    let outer = by(private(serial).as_nonzero_scalar(), &request);
    tlv::push(&mut request, 0x5f37, &outer);
    tlv::element(0x67, &request)
}
