//! For tests here and in [`crate::attest`]: the published keys of the simulated chain, and files with one defect.

use sha2::{Digest, Sha256};

use crate::{curve::unhex, tlv};

/// The private keys of `sim-root.cvc` and `sim-EF2F02.bin`, published beside them.
pub(crate) const ROOT: [u8; 32] = unhex("2746896102bf49153c10d809420aa94385ca4faf3bbd7f4488321f1c01a2d18d");
pub(crate) const ISSUER: [u8; 32] = unhex("a54919f31f32afee9cd156a4914d1b6044b34eccbc6eb598febdf590a55f7387");
pub(crate) const DEVICE: [u8; 32] = unhex("0e616ee253447aac916014660b40af19056ca168425197c3a1c29f1aa4e73cfb");

pub(crate) const REAL_CHAIN: &[u8] =
    include_bytes!("../../../../tests/vectors/token/cvc/nitrokey-hsm2-v4.1-EF2F02.bin");
pub(crate) const REAL_ATTESTATION: &[u8] =
    include_bytes!("../../../../tests/vectors/token/cvc/nitrokey-hsm2-v4.1-EFCE01.bin");
pub(crate) const SIM_CHAIN: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/sim-EF2F02.bin");
pub(crate) const SIM_EC: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/sim-request-ec-p256.bin");
pub(crate) const SIM_RSA: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/sim-request-rsa2048.bin");

/// Signs as brainpoolP256r1 issuers and tokens do: `r || s`, SHA-256.
pub(crate) fn sign(key: &[u8; 32], message: &[u8]) -> Vec<u8> {
    let scalar = bp256::r1::SecretKey::from_slice(key).unwrap().to_nonzero_scalar();
    let digest = Sha256::digest(message);
    ecdsa::hazmat::sign_prehashed_rfc6979::<bp256::BrainpoolP256r1, Sha256>(&scalar, &digest, &[]).0.to_bytes().to_vec()
}

/// `bytes` after `change` replaced the element at `path` (its complete encoding). The lengths around the element are
/// set right again.
#[track_caller]
pub(crate) fn edit(bytes: &[u8], path: &[u16], change: &dyn Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let (here, below) = path.split_first().unwrap();
    let (mut out, mut rest, mut found) = (Vec::new(), bytes, false);
    while !rest.is_empty() {
        let (element, after) = tlv::split(rest).unwrap();
        rest = after;
        if element.tag != *here || found {
            out.extend_from_slice(element.raw);
        } else if below.is_empty() {
            found = true;
            out.extend(change(element.raw));
        } else {
            found = true;
            out.extend(tlv::element(element.tag, &edit(element.value, below, change)));
        }
    }
    assert!(found, "no element {here:X}");
    out
}

/// [`edit`] that puts another value into the element.
#[track_caller]
pub(crate) fn set(bytes: &[u8], path: &[u16], value: &[u8]) -> Vec<u8> {
    edit(bytes, path, &|raw| tlv::element(tlv::split(raw).unwrap().0.tag, value))
}

/// [`edit`] that takes the element out.
#[track_caller]
pub(crate) fn without(bytes: &[u8], path: &[u16]) -> Vec<u8> {
    edit(bytes, path, &|_| Vec::new())
}

/// [`edit`] that flips the last bit of the element.
#[track_caller]
pub(crate) fn flipped(bytes: &[u8], path: &[u16]) -> Vec<u8> {
    edit(bytes, path, &|raw| {
        let mut raw = raw.to_vec();
        *raw.last_mut().unwrap() ^= 1;
        raw
    })
}
