//! GENERATE ASYMMETRIC KEY PAIR.

use core::fmt;

use super::{Command, done};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    channel::Patience,
    curve::Curve,
    cvc::Name,
    error::{Came, Tried},
    object::KeyId,
    pkcs15::KeyKind,
    tlv,
};

/// Which kind of key a token shall make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// RSA, public exponent 65537, modulus of this many bits.
    Rsa(RsaBits),
    /// A key on this curve.
    Ec(Curve),
}

/// Sizes of RSA keys a ceremony makes. Above 2048 bits, firmware 3.0 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RsaBits {
    /// 2048 bits.
    B2048,
    /// 3072 bits.
    B3072,
    /// 4096 bits.
    B4096,
}

impl RsaBits {
    /// The number of bits.
    pub const fn bits(self) -> u16 {
        match self {
            Self::B2048 => 2048,
            Self::B3072 => 3072,
            Self::B4096 => 4096,
        }
    }
}

impl fmt::Display for KeySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(size) => write!(f, "RSA-{}", size.bits()),
            Self::Ec(curve) => f.write_str(curve.name()),
        }
    }
}

/// id-TA-RSA-v1-5-SHA-256.
const TA_RSA_SHA_256: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x01, 0x02];
/// id-TA-ECDSA-SHA-256.
const TA_ECDSA_SHA_256: [u8; 10] = [0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];

impl KeySpec {
    /// Kind of the key, as its description tells it.
    pub const fn kind(self) -> KeyKind {
        match self {
            Self::Rsa(_) => KeyKind::Rsa,
            Self::Ec(_) => KeyKind::Ec,
        }
    }

    /// Size, as the description of the key tells it: bits of the modulus, or of the curve's field.
    pub const fn bits(self) -> u16 {
        match self {
            Self::Rsa(size) => size.bits(),
            Self::Ec(curve) => curve.bits(),
        }
    }

    /// Element 7F49 of the request: algorithm, then the RSA exponent and size or the curve in full.
    fn template(self) -> Vec<u8> {
        let mut spec = Vec::new();
        match self {
            Self::Rsa(size) => {
                tlv::push(&mut spec, 0x06, &TA_RSA_SHA_256);
                tlv::push(&mut spec, 0x82, &[0x01, 0x00, 0x01]);
                tlv::push(&mut spec, 0x02, &size.bits().to_be_bytes());
            }
            Self::Ec(curve) => {
                let domain = curve.domain();
                tlv::push(&mut spec, 0x06, &TA_ECDSA_SHA_256);
                tlv::push(&mut spec, 0x81, domain.p);
                tlv::push(&mut spec, 0x82, domain.a);
                tlv::push(&mut spec, 0x83, domain.b);
                tlv::push(&mut spec, 0x84, domain.generator);
                tlv::push(&mut spec, 0x85, domain.order);
                tlv::push(&mut spec, 0x87, &[0x01]);
            }
        }
        spec
    }
}

/// GENERATE ASYMMETRIC KEY PAIR: `00 46 id 00`, body the inside of a certificate request without its key. Reply: the
/// request with the new key, signed by it and by the device key.
pub(crate) struct Generate {
    /// Number of the new key.
    pub(crate) key: KeyId,
    /// Its kind.
    pub(crate) spec: KeySpec,
    /// Inner CAR: it binds the request to its occasion.
    pub(crate) car: Name,
    /// Inner CHR.
    pub(crate) chr: Name,
}

impl Command for Generate {
    type Reply = Vec<u8>;

    fn tried(&self) -> Tried {
        Tried::Generate(self.key)
    }

    fn apdu(&self) -> Apdu {
        let mut body = tlv::element(0x5f29, &[0]);
        tlv::push(&mut body, 0x42, self.car.as_str().as_bytes());
        tlv::push(&mut body, 0x7f49, &self.spec.template());
        tlv::push(&mut body, 0x5f20, self.chr.as_str().as_bytes());
        Apdu::new([0x00, 0x46, self.key.get(), 0x00]).body(&body).reply(ReplyLen::EXTENDED)
    }

    fn patience(&self) -> Patience {
        Patience::Long
    }

    fn parse(&self, reply: &Reply) -> Result<Vec<u8>, Came> {
        Ok(done(reply)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_bodies_are_byte_for_byte_those_of_opensc() {
        #[track_caller]
        fn check(spec: KeySpec, want: &[u8]) {
            let (key, chr) = (KeyId::new(1).unwrap(), Name::parse(b"ZZNK000000100001").unwrap());
            let command = Generate { key, spec, car: Name::OPENSC_CAR, chr };
            assert_eq!(command.apdu().body_bytes(), want, "{spec}");
        }
        check(
            KeySpec::Rsa(RsaBits::B2048),
            include_bytes!("../../../../tests/vectors/token/cvc/gakp-cdata-rsa2048-opensc0.23.bin"),
        );
        check(
            KeySpec::Ec(Curve::P256),
            include_bytes!("../../../../tests/vectors/token/cvc/gakp-cdata-ec-p256-opensc0.23.bin"),
        );
    }
}
