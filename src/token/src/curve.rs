//! Domain parameters of the curves this driver generates, reads back and verifies on.
//!
//! GENERATE ASYMMETRIC KEY PAIR carries them in full, so they stand here in full; the test compares them with the
//! vectors taken from OpenSSL.

use crate::tlv;

/// A prime curve with cofactor 1.
///
/// Source: SEC 2 (secp*), RFC 5639 (brainpool), FIPS 186-4 (P-*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
    /// brainpoolP256r1.
    BrainpoolP256r1,
    /// brainpoolP384r1.
    BrainpoolP384r1,
    /// secp256k1.
    Secp256k1,
}

/// Domain parameters, big-endian.
///
/// Shape: `p`, `a`, `b` padded to the field length, `order` to its own length, `generator` is `04 || x || y`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Field prime.
    pub p: &'static [u8],
    /// Coefficient a.
    pub a: &'static [u8],
    /// Coefficient b.
    pub b: &'static [u8],
    /// Base point, uncompressed.
    pub generator: &'static [u8],
    /// Order of the base point.
    pub order: &'static [u8],
}

impl Curve {
    /// Every curve, in the order of this enum.
    pub const ALL: [Self; 6] =
        [Self::P256, Self::P384, Self::P521, Self::BrainpoolP256r1, Self::BrainpoolP384r1, Self::Secp256k1];

    /// The name used on screens and in plans.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::BrainpoolP256r1 => "brainpoolP256r1",
            Self::BrainpoolP384r1 => "brainpoolP384r1",
            Self::Secp256k1 => "secp256k1",
        }
    }

    /// Field size in bits: PKCS#15 descriptions call it the key length.
    pub const fn bits(self) -> u16 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
            Self::BrainpoolP256r1 => 256,
            Self::BrainpoolP384r1 => 384,
            Self::Secp256k1 => 256,
        }
    }

    /// Bytes of a coordinate.
    pub const fn field_len(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// The parameters.
    pub const fn domain(self) -> &'static Domain {
        match self {
            Self::P256 => &P256,
            Self::P384 => &P384,
            Self::P521 => &P521,
            Self::BrainpoolP256r1 => &BRAINPOOLP256R1,
            Self::BrainpoolP384r1 => &BRAINPOOLP384R1,
            Self::Secp256k1 => &SECP256K1,
        }
    }

    /// The curve with exactly these parameters, leading zeros ignored.
    pub fn from_domain(p: &[u8], a: &[u8], b: &[u8], generator: &[u8], order: &[u8]) -> Option<Self> {
        let same = |left: &[u8], right: &[u8]| tlv::significant(left) == tlv::significant(right);
        Self::ALL.into_iter().find(|curve| {
            let domain = curve.domain();
            same(p, domain.p)
                && same(a, domain.a)
                && same(b, domain.b)
                && generator == domain.generator
                && same(order, domain.order)
        })
    }
}

/// Hex digits to bytes, at compile time. A wrong length or digit stops the build.
#[allow(clippy::indexing_slicing, clippy::panic, reason = "runs in the compiler only")]
pub(crate) const fn unhex<const N: usize>(hex: &str) -> [u8; N] {
    const fn digit(byte: u8) -> u8 {
        match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            _ => panic!("not a hex digit"),
        }
    }
    assert!(hex.len() == 2 * N);
    let mut out = [0; N];
    let mut at = 0;
    while at < N {
        out[at] = digit(hex.as_bytes()[2 * at]) << 4 | digit(hex.as_bytes()[2 * at + 1]);
        at += 1;
    }
    out
}

static P256: Domain = Domain {
    p: &unhex::<32>("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
    a: &unhex::<32>("ffffffff00000001000000000000000000000000fffffffffffffffffffffffc"),
    b: &unhex::<32>("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b"),
    generator: &unhex::<65>(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
    ),
    order: &unhex::<32>("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"),
};

static P384: Domain = Domain {
    p: &unhex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff"),
    a: &unhex::<48>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000fffffffc"),
    b: &unhex::<48>("b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef"),
    generator: &unhex::<97>(
        "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
    ),
    order: &unhex::<48>(
        "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    ),
};

static P521: Domain = Domain {
    p: &unhex::<66>(
        "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ),
    a: &unhex::<66>(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc",
    ),
    b: &unhex::<66>(
        "0051953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    ),
    generator: &unhex::<133>(
        "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
    ),
    order: &unhex::<66>(
        "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
    ),
};

static BRAINPOOLP256R1: Domain = Domain {
    p: &unhex::<32>("a9fb57dba1eea9bc3e660a909d838d726e3bf623d52620282013481d1f6e5377"),
    a: &unhex::<32>("7d5a0975fc2c3057eef67530417affe7fb8055c126dc5c6ce94a4b44f330b5d9"),
    b: &unhex::<32>("26dc5c6ce94a4b44f330b5d9bbd77cbf958416295cf7e1ce6bccdc18ff8c07b6"),
    generator: &unhex::<65>(
        "048bd2aeb9cb7e57cb2c4b482ffc81b7afb9de27e1e3bd23c23a4453bd9ace3262547ef835c3dac4fd97f8461a14611dc9c27745132ded8e545c1d54c72f046997",
    ),
    order: &unhex::<32>("a9fb57dba1eea9bc3e660a909d838d718c397aa3b561a6f7901e0e82974856a7"),
};

static BRAINPOOLP384R1: Domain = Domain {
    p: &unhex::<48>("8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b412b1da197fb71123acd3a729901d1a71874700133107ec53"),
    a: &unhex::<48>("7bc382c63d8c150c3c72080ace05afa0c2bea28e4fb22787139165efba91f90f8aa5814a503ad4eb04a8c7dd22ce2826"),
    b: &unhex::<48>("04a8c7dd22ce28268b39b55416f0447c2fb77de107dcd2a62e880ea53eeb62d57cb4390295dbc9943ab78696fa504c11"),
    generator: &unhex::<97>(
        "041d1c64f068cf45ffa2a63a81b7c13f6b8847a3e77ef14fe3db7fcafe0cbd10e8e826e03436d646aaef87b2e247d4af1e8abe1d7520f9c2a45cb1eb8e95cfd55262b70b29feec5864e19c054ff99129280e4646217791811142820341263c5315",
    ),
    order: &unhex::<48>(
        "8cb91e82a3386d280f5d6f7e50e641df152f7109ed5456b31f166e6cac0425a7cf3ab6af6b7fc3103b883202e9046565",
    ),
};

static SECP256K1: Domain = Domain {
    p: &unhex::<32>("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
    a: &unhex::<32>("0000000000000000000000000000000000000000000000000000000000000000"),
    b: &unhex::<32>("0000000000000000000000000000000000000000000000000000000000000007"),
    generator: &unhex::<65>(
        "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
    ),
    order: &unhex::<32>("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
};

#[cfg(test)]
mod tests {
    use super::*;

    /// `curves.txt` was printed by `openssl ecparam`; see `tests/vectors/README.md`.
    const PRINTED: &str = include_str!("../../../tests/vectors/token/curves.txt");

    #[test]
    fn constants_equal_what_openssl_prints() {
        for (curve, section) in Curve::ALL.into_iter().zip([
            "[secp256r1 ",
            "[secp384r1 ",
            "[secp521r1 ",
            "[brainpoolP256r1]",
            "[brainpoolP384r1]",
            "[secp256k1]",
        ]) {
            let text = PRINTED.split(section).nth(1).unwrap().split("\n[").next().unwrap();
            let field = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
                (0..line.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap())
                    .collect::<Vec<_>>()
            };
            let domain = curve.domain();
            assert!(text.contains(&format!("{} bits", curve.bits())), "{}", curve.name());
            assert_eq!(domain.p.len(), curve.field_len(), "{}", curve.name());
            assert_eq!(
                [domain.p, domain.a, domain.b, domain.generator, domain.order],
                ["p", "a", "b", "G", "n"].map(field).each_ref().map(Vec::as_slice),
                "{}",
                curve.name()
            );
            assert_eq!(Curve::from_domain(domain.p, domain.a, domain.b, domain.generator, domain.order), Some(curve));
        }
        assert_eq!(Curve::from_domain(&[1], &[1], &[1], &[4], &[1]), None);
    }
}
