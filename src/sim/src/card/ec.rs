//! Elliptic curves: key pairs, ECDSA, Diffie-Hellman.

use bp256::BrainpoolP256r1;
use bp384::BrainpoolP384r1;
use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use ecdsa::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytesSize, Generate, NonZeroScalar, PublicKey, SecretKey,
};
use ecdsa::{EcdsaCurve, Signature, hazmat::sign_prehashed};
use k256::Secp256k1;
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use smartcard_hsm::curve::Curve;

use super::random::Randomness;

/// Calls a function that is generic over the curve.
macro_rules! on {
    ($curve:expr, $function:ident($($argument:expr),*)) => {
        match $curve {
            Curve::P256 => $function::<NistP256>($($argument),*),
            Curve::P384 => $function::<NistP384>($($argument),*),
            Curve::P521 => $function::<NistP521>($($argument),*),
            Curve::BrainpoolP256r1 => $function::<BrainpoolP256r1>($($argument),*),
            Curve::BrainpoolP384r1 => $function::<BrainpoolP384r1>($($argument),*),
            Curve::Secp256k1 => $function::<Secp256k1>($($argument),*),
        }
    };
}

/// A signature's two integers, each as long as the order.
pub(super) struct Rs {
    pub(super) r: Vec<u8>,
    pub(super) s: Vec<u8>,
}

/// A new key pair: scalar as long as the order, point uncompressed.
pub(super) fn generate(curve: Curve, random: &mut Randomness) -> (Vec<u8>, Vec<u8>) {
    on!(curve, generate_on(random))
}

/// The point of a scalar; `None` if it is no scalar of this curve.
pub(super) fn public(curve: Curve, secret: &[u8]) -> Option<Vec<u8>> {
    on!(curve, public_on(secret))
}

/// ECDSA over a hash of any length; `None` if the scalar is none of this curve.
pub(super) fn sign(curve: Curve, secret: &[u8], hash: &[u8], random: &mut Randomness) -> Option<Rs> {
    on!(curve, sign_on(secret, hash, random))
}

/// The x coordinate two keys agree on; `None` if the peer's point is none of this curve.
pub(super) fn agree(curve: Curve, secret: &[u8], peer: &[u8]) -> Option<Vec<u8>> {
    on!(curve, agree_on(secret, peer))
}

fn generate_on<C>(random: &mut Randomness) -> (Vec<u8>, Vec<u8>)
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let secret = SecretKey::<C>::generate_from_rng(random);
    (secret.to_bytes().to_vec(), uncompressed(&secret.public_key()))
}

fn public_on<C>(secret: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    Some(uncompressed(&SecretKey::<C>::from_slice(secret).ok()?.public_key()))
}

fn uncompressed<C>(public: &PublicKey<C>) -> Vec<u8>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let point: Sec1Point<C> = public.to_sec1_point(false);
    point.as_bytes().to_vec()
}

fn sign_on<C>(secret: &[u8], hash: &[u8], random: &mut Randomness) -> Option<Rs>
where
    C: EcdsaCurve + CurveArithmetic,
{
    let secret = SecretKey::<C>::from_slice(secret).ok()?.to_nonzero_scalar();
    // Fails only for a k that makes r or s zero. In practice this never happens; one more draw is then enough.
    let signature = (0..2).find_map(|_| {
        let k = NonZeroScalar::<C>::generate_from_rng(random);
        sign_prehashed(&secret, &k, hash).ok()
    })?;
    // A real card takes s as it comes, above half the order as often as below; some curves here would always give the lower.
    let signature = if random.bytes(1).first().is_some_and(|byte| byte & 1 == 1) {
        let (r, s) = signature.0.split_scalars();
        Signature::<C>::from_scalars(r, -s).ok()?
    } else {
        signature.0
    };
    let (r, s) = signature.split_bytes();
    Some(Rs { r: r.to_vec(), s: s.to_vec() })
}

fn agree_on<C>(secret: &[u8], peer: &[u8]) -> Option<Vec<u8>>
where
    C: CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let secret = SecretKey::<C>::from_slice(secret).ok()?.to_nonzero_scalar();
    let peer = PublicKey::<C>::from_sec1_bytes(peer).ok()?;
    let shared = ecdsa::elliptic_curve::ecdh::diffie_hellman(secret, peer.as_affine());
    Some(shared.raw_secret_bytes().to_vec())
}
