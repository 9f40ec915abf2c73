//! SIGN.

use zeroize::Zeroizing;

use super::Command;
use crate::{
    apdu::{Apdu, Reply, ReplyLen, StatusWord},
    curve::Curve,
    cvc::{PublicKey, RsaKey, SignatureError},
    error::{Came, Tried},
    object::KeyId,
    tlv::{self, Reader, TlvError},
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

/// A digest, padded for one RSA key: the only thing an RSA key of a token is ever given.
///
/// Sealed: [`Padded::new`] is the only constructor, so no bytes that were brought in are signed raw.
///
/// Shape: `00 01 FF .. FF 00 DigestInfo`, as long as the modulus, at least eight FF. Source: EMSA-PKCS1-v1_5, RFC 8017 §9.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Padded(Vec<u8>);

impl Padded {
    /// The block for a key: the length is that of its modulus, and the shortest modulus of a token has room for every digest.
    pub(crate) fn new(key: &RsaKey, digest: &Digest) -> Self {
        let (len, info) = (key.modulus().len(), digest.info());
        let mut block = vec![0x00, 0x01];
        block.resize(len.saturating_sub(info.len() + 1), 0xff);
        block.push(0x00);
        block.extend(info);
        Self(block)
    }
}

/// The input of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToSign {
    /// RSA, padded on this side. Signature: as long as the modulus.
    Rsa(Padded),
    /// ECDSA. Signature: DER SEQUENCE of r and s in shortest form, each from 1 to below the order. `s` is as often the high
    /// twin as the low one.
    Ecdsa {
        /// Curve of the key.
        curve: Curve,
        /// The digest to be signed.
        digest: Digest,
    },
}

impl ToSign {
    /// A digest, as a key of this kind is given it.
    pub(crate) fn new(public: &PublicKey, digest: &Digest) -> Self {
        match public {
            PublicKey::Rsa(key) => Self::Rsa(Padded::new(key, digest)),
            PublicKey::Ec(key) => Self::Ecdsa { curve: key.curve(), digest: *digest },
        }
    }
}

/// The algorithms of SIGN that this driver uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignAlgorithm {
    /// RSA of a block that was padded before. Algorithm 30, where the token pads, is not used: no token was seen to answer it.
    RsaRaw,
    /// ECDSA of a digest.
    Ecdsa,
}

impl SignAlgorithm {
    /// P2 of the command.
    pub const fn number(self) -> u8 {
        match self {
            Self::RsaRaw => 0x20,
            Self::Ecdsa => 0x70,
        }
    }
}

/// SIGN: `80 68 id algorithm`, body block or digest. Reply: the signature, not verified yet, so it wipes itself.
pub(crate) struct Sign {
    /// The key.
    pub(crate) key: KeyId,
    /// The input of the signature.
    pub(crate) what: ToSign,
}

impl Sign {
    fn algorithm(&self) -> SignAlgorithm {
        match self.what {
            ToSign::Rsa(_) => SignAlgorithm::RsaRaw,
            ToSign::Ecdsa { .. } => SignAlgorithm::Ecdsa,
        }
    }
}

impl Command for Sign {
    type Reply = Zeroizing<Vec<u8>>;

    fn tried(&self) -> Tried {
        Tried::Sign(self.key, self.algorithm())
    }

    fn apdu(&self) -> Apdu {
        let body = match &self.what {
            ToSign::Rsa(Padded(block)) => block,
            ToSign::Ecdsa { digest, .. } => digest.bytes(),
        };
        // Longer than any signature: the size of an RSA-4096 one.
        Apdu::new([0x80, 0x68, self.key.get(), self.algorithm().number()]).body(body).reply(ReplyLen::at_most(512))
    }

    /// Errors name lengths and never a byte of the reply: a faulty RSA signature is as good as the private key.
    fn parse(&self, reply: &Reply) -> Result<Self::Reply, Came> {
        let body = match (reply.sw, reply.body()) {
            (StatusWord::OK, body) => body,
            (refused, []) => return Err(Came::Status(refused)),
            // A signature without a status word would have its last two bytes read as one.
            (_, _) => return Err(SignatureError::Form.into()),
        };
        let signature = match &self.what {
            ToSign::Ecdsa { curve, .. } => strict_ecdsa(body, *curve)?,
            ToSign::Rsa(Padded(block)) if body.len() == block.len() => body.to_vec(),
            ToSign::Rsa(Padded(block)) => {
                return Err(SignatureError::Length { expected: block.len(), found: body.len() }.into());
            }
        };
        Ok(Zeroizing::new(signature))
    }
}

/// An ECDSA signature in DER as verifiers demand it: cards put superfluous zeros before r and s.
///
/// Errors: [`SignatureError::Form`] for anything but two numbers from 1 to below the order of the curve.
pub fn strict_ecdsa(body: &[u8], curve: Curve) -> Result<Vec<u8>, SignatureError> {
    let numbers = |body| -> Result<[&[u8]; 2], TlvError> {
        let mut numbers = Reader::new(tlv::whole(body, 0x30)?.value);
        let pair = [numbers.expect(0x02)?.value, numbers.expect(0x02)?.value];
        numbers.finish()?;
        Ok(pair)
    };
    let mut strict = Vec::with_capacity(body.len());
    for number in numbers(body).map_err(|_| SignatureError::Form)? {
        push_number(&mut strict, number, curve).ok_or(SignatureError::Form)?;
    }
    Ok(tlv::element(0x30, &strict))
}

/// Appends one INTEGER in its shortest form. `None` unless it is from 1 to below the order.
fn push_number(out: &mut Vec<u8>, number: &[u8], curve: Curve) -> Option<()> {
    if number.first().is_some_and(|first| *first >= 0x80) {
        return None;
    }
    let (number, order) = (tlv::significant(number), tlv::significant(curve.domain().order));
    match number {
        [] => return None,
        _ if (number.len(), number) >= (order.len(), order) => return None,
        [0x80..=0xff, ..] => tlv::push(out, 0x02, &[&[0], number].concat()),
        _ => tlv::push(out, 0x02, number),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use rsa::{BoxedUint, PublicKey as RsaPublicKey, hazmat::rsa_encrypt};

    use super::*;
    use crate::{cvc::EcKey, scripted::unhex};

    const P256_ORDER: &str = "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551";

    #[track_caller]
    fn check(der: &str, want: &str) {
        assert_eq!(strict_ecdsa(&unhex(der), Curve::P256), Ok(unhex(want)));
    }

    #[track_caller]
    fn refused(der: &str) {
        assert_eq!(strict_ecdsa(&unhex(der), Curve::P256), Err(SignatureError::Form), "{der}");
    }

    #[test]
    fn superfluous_zeros_are_removed_and_needed_ones_kept() {
        check("3006 020101 020102", "3006 020101 020102");
        check("300A 02030000FF 0203000001", "3007 020200FF 020101");
        check("30 81 06 020101 020102", "3006 020101 020102");
        let below = P256_ORDER.replace("2551", "2550");
        check(&format!("3026 020101 022100{below}"), &format!("3026 020101 022100{below}"));
        check(&format!("3028 020101 0223000000{below}"), &format!("3026 020101 022100{below}"));
    }

    #[test]
    fn numbers_out_of_bounds_are_refused() {
        refused("3006 020100 020102");
        refused("3005 020101 0200");
        refused("3006 020101 0201FF");
        refused(&format!("3026 020101 022100{P256_ORDER}"));
        refused(&format!("3026 020101 022101{P256_ORDER}"));
    }

    #[test]
    fn elements_that_do_not_fit_are_refused() {
        for der in ["", "3106 020101 020102", "3003 020101", "3009 020101 020102 020103", "3006 020101 020102 00"] {
            refused(der);
        }
        refused("3005 020101 0202");
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

    const DIGESTS: [Digest; 3] = [Digest::Sha256([1; 32]), Digest::Sha384([2; 48]), Digest::Sha512([3; 64])];

    fn rsa(modulus_len: usize) -> RsaKey {
        RsaKey::new(&vec![0xff; modulus_len], &[1, 0, 1]).unwrap()
    }

    #[test]
    fn a_padded_block_has_the_shape_of_pkcs_1_for_every_modulus_and_digest() {
        for modulus_len in [128, 192, 256, 384, 512] {
            for digest in DIGESTS {
                let Padded(block) = Padded::new(&rsa(modulus_len), &digest);
                let ([0x00, 0x01], rest) = block.split_first_chunk().unwrap() else { panic!("{block:02x?}") };
                let (padding, rest) = rest.split_at(rest.iter().position(|byte| *byte != 0xff).unwrap());
                assert!(padding.len() >= 8, "{}", padding.len());
                assert_eq!((block.len(), rest), (modulus_len, &*[vec![0], digest.info()].concat()));
            }
        }
    }

    /// `openssl dgst -sign` signed the same message. Its signature to the power of the public exponent is the block it
    /// padded.
    #[test]
    fn a_padded_block_is_the_one_openssl_signs() {
        use sha2::{Digest as _, Sha256, Sha384, Sha512};
        let read = |name: &str| {
            std::fs::read(format!("{}/../../tests/vectors/publish/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
        };
        let message = b"conclave";
        for bits in [2048, 3072, 4096] {
            let spki = read(&format!("spki/rsa{bits}.der"));
            let end = spki.len() - 5;
            let key = RsaKey::new(&spki[end - bits / 8..end], &spki[end + 2..]).unwrap();
            let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
            let public = RsaPublicKey::new(number(key.modulus()), number(key.exponent())).unwrap();
            for (name, digest) in [
                ("sha256", Digest::Sha256(Sha256::digest(message).into())),
                ("sha384", Digest::Sha384(Sha384::digest(message).into())),
                ("sha512", Digest::Sha512(Sha512::digest(message).into())),
            ] {
                let signature = number(&read(&format!("signature/rsa{bits}-{name}.sig")));
                let block = rsa_encrypt(&public, &signature).unwrap().to_be_bytes();
                assert_eq!(Padded::new(&key, &digest), Padded(block.to_vec()), "RSA-{bits} {name}");
            }
        }
    }

    fn sign(public: &PublicKey) -> Sign {
        Sign { key: KeyId::new(1).unwrap(), what: ToSign::new(public, &DIGESTS[0]) }
    }

    fn parse(public: &PublicKey, reply: Vec<u8>) -> Result<Vec<u8>, Came> {
        sign(public).parse(&Reply::parse(Zeroizing::new(reply)).unwrap()).map(|signature| signature.to_vec())
    }

    #[test]
    fn rsa_is_signed_by_algorithm_20_and_a_curve_by_70() {
        let point = EcKey::new(Curve::P256, Curve::P256.domain().generator).unwrap();
        assert_eq!(sign(&PublicKey::Rsa(rsa(256))).apdu().header(), [0x80, 0x68, 1, 0x20]);
        assert_eq!(sign(&PublicKey::Ec(point)).apdu().header(), [0x80, 0x68, 1, 0x70]);
    }

    #[test]
    fn an_rsa_signature_has_the_length_of_the_modulus() {
        let key = PublicKey::Rsa(rsa(256));
        for found in [0, 255, 257] {
            let error = SignatureError::Length { expected: 256, found };
            assert_eq!(parse(&key, [vec![7; found], vec![0x90, 0]].concat()), Err(error.into()));
        }
        assert_eq!(parse(&key, [vec![7; 256], vec![0x90, 0]].concat()), Ok(vec![7; 256]));
    }

    #[test]
    fn no_byte_of_a_reply_that_is_no_signature_is_in_its_error() {
        let key = PublicKey::Rsa(rsa(256));
        // Without a status word: the last two bytes are read as one.
        assert_eq!(parse(&key, vec![0xab; 256]), Err(SignatureError::Form.into()));
        assert_eq!(parse(&key, vec![0x64, 0x00]), Err(Came::Status(StatusWord(0x6400))));
        let point = EcKey::new(Curve::P256, Curve::P256.domain().generator).unwrap();
        assert_eq!(parse(&PublicKey::Ec(point), vec![0xab, 0xab, 0x90, 0]), Err(SignatureError::Form.into()));
    }
}
