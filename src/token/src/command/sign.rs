//! SIGN.

use super::{Command, done};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    command::generate::RsaBits,
    curve::Curve,
    error::{Came, Malformed, Tried},
    object::KeyId,
    tlv::{self, Reader},
};

/// The digest of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
    /// SHA-512.
    Sha512([u8; 64]),
}

impl Digest {
    /// The digest itself.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha384(bytes) => bytes,
            Self::Sha512(bytes) => bytes,
        }
    }

    /// DigestInfo in DER: which digest, and its value.
    ///
    /// Source: RFC 8017 §9.2, notes 1; the algorithms, RFC 5754 §2.
    fn info(&self) -> Vec<u8> {
        let last = match self {
            Self::Sha256(_) => 1,
            Self::Sha384(_) => 2,
            Self::Sha512(_) => 3,
        };
        let mut algorithm = tlv::element(0x06, &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, last]);
        tlv::push(&mut algorithm, 0x05, &[]);
        let mut info = tlv::element(0x30, &algorithm);
        tlv::push(&mut info, 0x04, self.bytes());
        tlv::element(0x30, &info)
    }
}

/// What a key shall sign, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToSign<'a> {
    /// RSA without padding: a block of the modulus' length, below the modulus.
    RsaRaw(&'a [u8]),
    /// RSA with PKCS#1 v1.5 padding made on the token. Signature: modulus length.
    RsaPkcs1 {
        /// Size of the key.
        size: RsaBits,
        /// What is signed.
        digest: Digest,
    },
    /// ECDSA. Signature: DER SEQUENCE of r and s in shortest form, each from 1 to below the order. `s` is as often the high
    /// twin as the low one.
    Ecdsa {
        /// Curve of the key.
        curve: Curve,
        /// What is signed.
        digest: Digest,
    },
}

/// SIGN: `80 68 id algorithm`, body block, DigestInfo or digest. Reply: the signature.
pub(crate) struct Sign<'a> {
    /// The key.
    pub(crate) key: KeyId,
    /// What it signs.
    pub(crate) what: ToSign<'a>,
}

impl Command for Sign<'_> {
    type Reply = Vec<u8>;

    fn tried(&self) -> Tried {
        Tried::Sign(self.key)
    }

    fn apdu(&self) -> Apdu {
        let info;
        let (algorithm, body) = match &self.what {
            ToSign::RsaRaw(block) => (0x20, *block),
            ToSign::RsaPkcs1 { digest, .. } => {
                info = digest.info();
                (0x30, info.as_slice())
            }
            ToSign::Ecdsa { digest, .. } => (0x70, digest.bytes()),
        };
        // Longer than any signature: the size of an RSA-4096 one.
        Apdu::new([0x80, 0x68, self.key.get(), algorithm]).body(body).reply(ReplyLen::at_most(512))
    }

    fn parse(&self, reply: &Reply) -> Result<Vec<u8>, Came> {
        let body = done(reply)?;
        let want = match self.what {
            ToSign::Ecdsa { curve, .. } => return Ok(strict_ecdsa(body, curve)?),
            ToSign::RsaRaw(block) => block.len(),
            ToSign::RsaPkcs1 { size, .. } => usize::from(size.bits() / 8),
        };
        if body.len() == want {
            Ok(body.to_vec())
        } else {
            Err(Malformed::Length { min: want, max: want, found: body.len() }.into())
        }
    }
}

/// An ECDSA signature in DER as verifiers demand it: cards put superfluous zeros before r and s.
///
/// Errors: [`Malformed::Tlv`]; [`Malformed::Value`] for a number that is not from 1 to below the order of the curve.
pub fn strict_ecdsa(body: &[u8], curve: Curve) -> Result<Vec<u8>, Malformed> {
    let mut numbers = Reader::new(tlv::whole(body, 0x30)?.value);
    let mut strict = Vec::with_capacity(body.len());
    for what in ["r of the signature", "s of the signature"] {
        push_number(&mut strict, numbers.expect(0x02)?.value, what, curve)?;
    }
    numbers.finish()?;
    Ok(tlv::element(0x30, &strict))
}

/// Appends one INTEGER in its shortest form, after checking that it is from 1 to below the order.
fn push_number(out: &mut Vec<u8>, number: &[u8], what: &'static str, curve: Curve) -> Result<(), Malformed> {
    let first = number.first().copied().unwrap_or(0);
    let refused = |expected| Malformed::Value { what, expected, found: u32::from(first) };
    if first >= 0x80 {
        return Err(refused("positive (first byte 00 to 7F)"));
    }
    let (number, order) = (tlv::significant(number), tlv::significant(curve.domain().order));
    match number {
        [] => Err(refused("at least 1")),
        _ if (number.len(), number) >= (order.len(), order) => Err(refused("below the order of the curve")),
        [0x80..=0xff, ..] => {
            tlv::push(out, 0x02, &[&[0], number].concat());
            Ok(())
        }
        _ => {
            tlv::push(out, 0x02, number);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scripted::unhex, tlv::TlvError};

    const P256_ORDER: &str = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

    #[track_caller]
    fn check(der: &str, want: Result<&str, Malformed>) {
        assert_eq!(strict_ecdsa(&unhex(der), Curve::P256), want.map(unhex));
    }

    #[test]
    fn superfluous_zeros_are_removed_and_needed_ones_kept() {
        check("3006 020101 020102", Ok("3006 020101 020102"));
        check("300A 02030000FF 0203000001", Ok("3007 020200FF 020101"));
        check("30 81 06 020101 020102", Ok("3006 020101 020102"));
        let below = P256_ORDER.replace("2551", "2550");
        check(&format!("3026 020101 022100{below}"), Ok(&format!("3026 020101 022100{below}")));
        check(&format!("3028 020101 0223000000{below}"), Ok(&format!("3026 020101 022100{below}")));
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        let value = |what, expected, found| Err(Malformed::Value { what, expected, found });
        check("3006 020100 020102", value("r of the signature", "at least 1", 0));
        check("3005 020101 0200", value("s of the signature", "at least 1", 0));
        check("3006 020101 0201FF", value("s of the signature", "positive (first byte 00 to 7F)", 0xff));
        let order = |number: &str| format!("3026 020101 022100{number}");
        check(&order(P256_ORDER), value("s of the signature", "below the order of the curve", 0));
        let long = format!("3026 020101 022101{P256_ORDER}");
        check(&long, value("s of the signature", "below the order of the curve", 1));
    }

    #[test]
    fn elements_that_do_not_fit_are_refused() {
        let tlv = |error| Err(Malformed::Tlv(error));
        check("", tlv(TlvError::Tag { expected: 0x30, found: None }));
        check("3106 020101 020102", tlv(TlvError::Tag { expected: 0x30, found: Some(0x31) }));
        check("3003 020101", tlv(TlvError::Tag { expected: 0x02, found: None }));
        check("3009 020101 020102 020103", tlv(TlvError::Trailing { extra: 3 }));
        check("3006 020101 020102 00", tlv(TlvError::Trailing { extra: 1 }));
        check("3005 020101 0202", tlv(TlvError::Truncated { needed: 2 }));
    }

    /// RFC 8017 §9.2 note 1 prints the first bytes.
    #[test]
    fn digest_infos_are_those_of_pkcs_1() {
        let check = |digest: Digest, prefix: &str| {
            assert_eq!(digest.info(), [unhex(prefix), digest.bytes().to_vec()].concat());
        };
        check(Digest::Sha256([1; 32]), "3031300d060960864801650304020105000420");
        check(Digest::Sha384([2; 48]), "3041300d060960864801650304020205000430");
        check(Digest::Sha512([3; 64]), "3051300d060960864801650304020305000440");
    }

    #[test]
    fn an_rsa_signature_has_the_length_of_the_modulus() {
        let what = ToSign::RsaPkcs1 { size: RsaBits::B2048, digest: Digest::Sha256([0; 32]) };
        let sign = Sign { key: KeyId::new(1).unwrap(), what };
        for found in [255, 257] {
            let reply = Reply::parse(zeroize::Zeroizing::new([vec![7; found], vec![0x90, 0]].concat())).unwrap();
            assert_eq!(sign.parse(&reply), Err(Malformed::Length { min: 256, max: 256, found }.into()));
        }
    }
}
