//! Keys in clear, and the order of their fields in a payload.

use smartcard_hsm::{
    curve::Curve,
    dkek::blob::{Kind, RANDOM_LEN},
    secret::SecretBytes,
    tlv::significant,
};
use zeroize::Zeroizing;

use crate::{
    MakeError, OpenError,
    payload::{Fields, Writer},
};

/// A key as its blob holds it.
///
/// Secret: all of it that is not public by nature; lives as long as the caller holds it.
#[derive(Debug, PartialEq, Eq)]
pub enum ClearKey {
    /// RSA by private exponent.
    Rsa(RsaKey),
    /// RSA by CRT values.
    RsaCrt(RsaCrtKey),
    /// Elliptic curve.
    Ec(EcKey),
    /// AES: 16, 24 or 32 bytes.
    Aes(SecretBytes),
}

/// RSA key by private exponent; integers big-endian.
#[derive(Debug, PartialEq, Eq)]
pub struct RsaKey {
    /// n.
    pub modulus: Vec<u8>,
    /// e.
    pub public_exponent: Vec<u8>,
    /// d, as long as the modulus.
    pub private_exponent: SecretBytes,
}

/// RSA key by CRT values; integers big-endian, the secret ones half as long as the modulus.
#[derive(Debug, PartialEq, Eq)]
pub struct RsaCrtKey {
    /// n.
    pub modulus: Vec<u8>,
    /// e.
    pub public_exponent: Vec<u8>,
    /// d mod p-1.
    pub dp: SecretBytes,
    /// d mod q-1.
    pub dq: SecretBytes,
    /// First prime.
    pub p: SecretBytes,
    /// Second prime.
    pub q: SecretBytes,
    /// q^-1 mod p.
    pub q_inverse: SecretBytes,
}

/// Elliptic curve key with the parameters of its curve; integers big-endian, padded to the field length.
#[derive(Debug, PartialEq, Eq)]
pub struct EcKey {
    /// Field prime.
    pub p: Vec<u8>,
    /// Coefficient a.
    pub a: Vec<u8>,
    /// Coefficient b.
    pub b: Vec<u8>,
    /// Base point, `04 || x || y`.
    pub generator: Vec<u8>,
    /// Order of the base point.
    pub order: Vec<u8>,
    /// Private scalar, as long as the order.
    pub private: SecretBytes,
    /// Public point, `04 || X || Y`.
    pub public: Vec<u8>,
}

impl EcKey {
    /// A key on one of the curves the driver knows.
    pub fn on(curve: Curve, private: SecretBytes, public: Vec<u8>) -> Self {
        let domain = curve.domain();
        Self {
            p: domain.p.to_vec(),
            a: domain.a.to_vec(),
            b: domain.b.to_vec(),
            generator: domain.generator.to_vec(),
            order: domain.order.to_vec(),
            private,
            public,
        }
    }

    /// The curve, if the driver knows it.
    pub fn curve(&self) -> Option<Curve> {
        Curve::from_domain(&self.p, &self.a, &self.b, &self.generator, &self.order)
    }
}

impl ClearKey {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Rsa(_) => Kind::Rsa,
            Self::RsaCrt(_) => Kind::RsaCrt,
            Self::Ec(_) => Kind::Ec,
            Self::Aes(_) => Kind::Aes,
        }
    }
}

/// Largest RSA modulus tokens hold, in bytes.
const MODULUS_LEN_MAX: usize = 512;
/// Largest modulus tokens take CRT values for, in bytes.
const CRT_MODULUS_LEN_MAX: usize = 256;
/// Longest public exponent read; 65537 has 3 bytes.
const PUBLIC_EXPONENT_LEN_MAX: usize = 8;
/// Longest field element: P-521.
const FIELD_LEN_MAX: usize = 66;
/// Key lengths of AES, in bytes.
const AES_LENS: [u16; 3] = [16, 24, 32];

/// The key in a payload without padding.
pub(crate) fn read(kind: Kind, payload: &[u8]) -> Result<ClearKey, OpenError> {
    let mut fields = Fields::new(payload);
    fields.fixed::<RANDOM_LEN>("random bytes")?;
    let size = u16::from_be_bytes(*fields.fixed("key size")?);
    match kind {
        Kind::Rsa => read_rsa(fields, size).map(ClearKey::Rsa),
        Kind::RsaCrt => read_rsa_crt(fields, size).map(ClearKey::RsaCrt),
        Kind::Ec => read_ec(fields, size).map(ClearKey::Ec),
        Kind::Aes => read_aes(fields, size).map(ClearKey::Aes),
    }
}

/// Bytes of a number of `bits` bits, of which there may be at most `most`.
fn len_of(bits: u16, most: usize) -> Result<usize, OpenError> {
    let len = usize::from(bits.div_ceil(8));
    if (1..=most).contains(&len) { Ok(len) } else { Err(OpenError::Size { found: bits }) }
}

fn read_rsa(mut fields: Fields<'_>, bits: u16) -> Result<RsaKey, OpenError> {
    let len = len_of(bits, MODULUS_LEN_MAX)?;
    let private_exponent = SecretBytes::new(fields.integer("d", len)?);
    let (modulus, public_exponent) = read_rsa_public(fields, len)?;
    Ok(RsaKey { modulus, public_exponent, private_exponent })
}

fn read_rsa_crt(mut fields: Fields<'_>, bits: u16) -> Result<RsaCrtKey, OpenError> {
    let len = len_of(bits, MODULUS_LEN_MAX)?;
    let mut next = |field| fields.integer(field, len.div_ceil(2)).map(SecretBytes::new);
    let (dp, dq, p, q_inverse, q) = (next("dP")?, next("dQ")?, next("p")?, next("qInv")?, next("q")?);
    let (modulus, public_exponent) = read_rsa_public(fields, len)?;
    Ok(RsaCrtKey { modulus, public_exponent, dp, dq, p, q, q_inverse })
}

fn read_rsa_public(mut fields: Fields<'_>, len: usize) -> Result<(Vec<u8>, Vec<u8>), OpenError> {
    let modulus = fields.exact("modulus", len)?.to_vec();
    // A shorter number is a key of another size than the payload states, and would be made into another blob.
    let found = significant(&modulus).len();
    if found != len {
        return Err(OpenError::Field { field: "modulus", expected: len, found });
    }
    let public_exponent = significant(&fields.integer("public exponent", PUBLIC_EXPONENT_LEN_MAX)?).to_vec();
    fields.finish()?;
    Ok((modulus, public_exponent))
}

fn read_ec(mut fields: Fields<'_>, bits: u16) -> Result<EcKey, OpenError> {
    let len = len_of(bits, FIELD_LEN_MAX)?;
    let a_left_out = fields.next_is_empty();
    let mut number = |field| fields.integer(field, len).map(|value| value.to_vec());
    let (mut a, b, p, order) = (number("a")?, number("b")?, number("p")?, number("n")?);
    let generator = fields.exact("G", 1 + 2 * len)?.to_vec();
    let private = SecretBytes::new(fields.integer("d", significant(&order).len())?);
    let public = fields.exact("Q", 1 + 2 * len)?.to_vec();
    fields.finish()?;
    if a_left_out {
        // pico-hsm leaves a out where it is 0 and where it is p-3: the other parameters tell which.
        let known = |curve: &Curve| Curve::from_domain(&p, curve.domain().a, &b, &generator, &order) == Some(*curve);
        let curve = Curve::ALL.into_iter().find(known).ok_or(OpenError::CurveUnknown)?;
        a = curve.domain().a.to_vec();
    }
    Ok(EcKey { p, a, b, generator, order, private, public })
}

fn read_aes(fields: Fields<'_>, len: u16) -> Result<SecretBytes, OpenError> {
    if !AES_LENS.contains(&len) {
        return Err(OpenError::Size { found: len });
    }
    let key = fields.rest();
    if key.len() != usize::from(len) {
        return Err(OpenError::Field { field: "key", expected: len.into(), found: key.len() });
    }
    Ok(SecretBytes::copied_from(key))
}

/// The payload of a key, without padding.
pub(crate) fn write(key: &ClearKey, random: [u8; RANDOM_LEN]) -> Result<Zeroizing<Vec<u8>>, MakeError> {
    let payload = match key {
        ClearKey::Rsa(key) => {
            let (bits, len) = width("modulus", &key.modulus, MODULUS_LEN_MAX)?;
            Writer::new(random, bits)
                .integer("d", key.private_exponent.expose(), len)?
                .exact("modulus", significant(&key.modulus), len)?
                .integer("public exponent", &key.public_exponent, significant(&key.public_exponent).len())?
        }
        ClearKey::RsaCrt(key) => {
            let (bits, len) = width("modulus", &key.modulus, MODULUS_LEN_MAX)?;
            if len > CRT_MODULUS_LEN_MAX {
                return Err(MakeError::CrtTooLong { bits });
            }
            let half = len.div_ceil(2);
            Writer::new(random, bits)
                .integer("dP", key.dp.expose(), half)?
                .integer("dQ", key.dq.expose(), half)?
                .integer("p", key.p.expose(), half)?
                .integer("qInv", key.q_inverse.expose(), half)?
                .integer("q", key.q.expose(), half)?
                .exact("modulus", significant(&key.modulus), len)?
                .integer("public exponent", &key.public_exponent, significant(&key.public_exponent).len())?
        }
        ClearKey::Ec(key) => {
            let (bits, len) = width("p", &key.p, FIELD_LEN_MAX)?;
            let (_, order_len) = width("n", &key.order, len)?;
            Writer::new(random, bits)
                .integer("a", &key.a, len)?
                .integer("b", &key.b, len)?
                .integer("p", &key.p, len)?
                .integer("n", &key.order, order_len)?
                .exact("G", &key.generator, 1 + 2 * len)?
                .integer("d", key.private.expose(), order_len)?
                .exact("Q", &key.public, 1 + 2 * len)?
        }
        ClearKey::Aes(key) => {
            let found = key.expose().len();
            let len = AES_LENS.into_iter().find(|len| usize::from(*len) == found);
            let len = len.ok_or(MakeError::Field { field: "key", expected: 32, found })?;
            Writer::new(random, len).raw(key.expose())
        }
    };
    Ok(payload.finish())
}

/// Bits and bytes of the number that gives a key its size.
fn width(field: &'static str, number: &[u8], most: usize) -> Result<(u16, usize), MakeError> {
    let number = significant(number);
    match number.first() {
        Some(first) if number.len() <= most => {
            Ok((8 * number.len() as u16 - first.leading_zeros() as u16, number.len()))
        }
        _ => Err(MakeError::Field { field, expected: most, found: number.len() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P256: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/ec-p256.plain");
    const K256: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/ec-secp256k1.plain");
    const RSA_CRT: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/rsa2048-crt.plain");

    /// `plain` with the value of its field number `at` (from 0) replaced.
    fn with_field(plain: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
        let mut start = 10;
        let len = |start: usize| usize::from(u16::from_be_bytes([plain[start], plain[start + 1]]));
        for _ in 0..at {
            start += 2 + len(start);
        }
        [&plain[..start], &(value.len() as u16).to_be_bytes(), value, &plain[start + 2 + len(start)..]].concat()
    }

    #[test]
    fn coefficient_a_may_be_left_out_on_a_known_curve() {
        for plain in [P256, K256] {
            assert_eq!(read(Kind::Ec, &with_field(plain, 0, &[])), read(Kind::Ec, plain));
        }
        let unknown = with_field(&with_field(P256, 0, &[]), 1, &[9]);
        assert_eq!(read(Kind::Ec, &unknown), Err(OpenError::CurveUnknown));
    }

    #[test]
    fn short_integers_are_padded() {
        let ClearKey::Ec(key) = read(Kind::Ec, &with_field(P256, 5, &[3])).unwrap() else { panic!() };
        assert_eq!(key.private.expose(), [&[0; 31][..], &[3]].concat());
        let ClearKey::RsaCrt(key) = read(Kind::RsaCrt, &with_field(RSA_CRT, 3, &[3])).unwrap() else { panic!() };
        assert_eq!(key.q_inverse.expose(), [&[0; 127][..], &[3]].concat());
    }

    #[test]
    fn each_defect_has_its_own_error() {
        #[track_caller]
        fn check(kind: Kind, payload: &[u8], want: OpenError) {
            assert_eq!(read(kind, payload), Err(want));
        }
        check(Kind::Ec, &P256[..7], OpenError::Short { field: "random bytes" });
        check(Kind::Ec, &P256[..9], OpenError::Short { field: "key size" });
        check(Kind::Ec, &P256[..P256.len() - 1], OpenError::Short { field: "Q" });
        check(Kind::Ec, &[P256, &[0]].concat(), OpenError::Trailing { extra: 1 });
        check(Kind::Ec, &with_field(P256, 5, &[1; 33]), OpenError::Field { field: "d", expected: 32, found: 33 });
        check(Kind::Ec, &with_field(P256, 6, &[4; 64]), OpenError::Field { field: "Q", expected: 65, found: 64 });
        check(Kind::Ec, &[0xff; 10], OpenError::Size { found: 0xffff });
        check(
            Kind::RsaCrt,
            &with_field(RSA_CRT, 5, &[1]),
            OpenError::Field { field: "modulus", expected: 256, found: 1 },
        );
        check(
            Kind::RsaCrt,
            &with_field(RSA_CRT, 5, &[&[0][..], &[0xff; 255]].concat()),
            OpenError::Field { field: "modulus", expected: 256, found: 255 },
        );
        check(Kind::Rsa, &[0; 10], OpenError::Size { found: 0 });
        check(Kind::Aes, &[&[0; 8][..], &[0, 17], &[0; 17]].concat(), OpenError::Size { found: 17 });
        let short = OpenError::Field { field: "key", expected: 16, found: 15 };
        check(Kind::Aes, &[&[0; 8][..], &[0, 16], &[0; 15]].concat(), short);
    }

    #[test]
    fn a_key_that_does_not_fit_its_size_makes_no_payload() {
        let ClearKey::Ec(mut key) = read(Kind::Ec, P256).unwrap() else { panic!() };
        key.public.pop();
        let want = MakeError::Field { field: "Q", expected: 65, found: 64 };
        assert_eq!(write(&ClearKey::Ec(key), [0; 8]).map(drop), Err(want));
        let want = MakeError::Field { field: "key", expected: 32, found: 20 };
        assert_eq!(write(&ClearKey::Aes(SecretBytes::copied_from(&[1; 20])), [0; 8]).map(drop), Err(want));
    }
}
