//! SIGN, DECIPHER and AES: the private operations. P1 is the key, P2 the algorithm.

use rsa::traits::SignatureScheme;
use rsa::{Pkcs1v15Sign, Pss};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use smartcard_hsm::apdu::Apdu;
use smartcard_hsm::tlv;

use super::ec::{self, Rs};
use super::keys::Material;
use super::profile::EcdsaIntegers;
use super::random::Randomness;
use super::rsa::RsaKey;
use super::{Card, Outcome, Reply, aes, sw};

/// Hashes a card computes itself.
#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By length of the digest.
    fn of_len(len: usize) -> Option<Self> {
        match len {
            20 => Some(Self::Sha1),
            28 => Some(Self::Sha224),
            32 => Some(Self::Sha256),
            48 => Some(Self::Sha384),
            64 => Some(Self::Sha512),
            _ => None,
        }
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => Sha1::digest(message).to_vec(),
            Self::Sha224 => Sha224::digest(message).to_vec(),
            Self::Sha256 => Sha256::digest(message).to_vec(),
            Self::Sha384 => Sha384::digest(message).to_vec(),
            Self::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn pkcs1(self) -> Pkcs1v15Sign {
        match self {
            Self::Sha1 => Pkcs1v15Sign::new::<Sha1>(),
            Self::Sha224 => Pkcs1v15Sign::new::<Sha224>(),
            Self::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
            Self::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
            Self::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
        }
    }

    /// Salt as long as the digest, MGF1 with the same hash.
    fn pss(self, key: &RsaKey, digest: &[u8], random: &mut Randomness) -> Option<Vec<u8>> {
        match self {
            Self::Sha1 => scheme(Pss::<Sha1>::new(), key, digest, random),
            Self::Sha224 => scheme(Pss::<Sha224>::new(), key, digest, random),
            Self::Sha256 => scheme(Pss::<Sha256>::new(), key, digest, random),
            Self::Sha384 => scheme(Pss::<Sha384>::new(), key, digest, random),
            Self::Sha512 => scheme(Pss::<Sha512>::new(), key, digest, random),
        }
    }
}

fn scheme(scheme: impl SignatureScheme, key: &RsaKey, input: &[u8], random: &mut Randomness) -> Option<Vec<u8>> {
    scheme.sign(Some(random), &key.private()?, input).ok()
}

/// PKCS#1 v1.5 with SHA-256, as the inner signature of a request is made. `None` if the key is no RSA key.
pub(super) fn rsa_pkcs1_sha256(key: &Material, message: &[u8], random: &mut Randomness) -> Option<Vec<u8>> {
    let Material::Rsa(key) = key else {
        return None;
    };
    scheme(Hash::Sha256.pkcs1(), key, &Hash::Sha256.digest(message), random)
}

impl Card {
    pub(super) fn sign(&mut self, command: &Apdu, [id, algorithm]: [u8; 2]) -> Outcome {
        let key = self.key_for(id, algorithm)?;
        if self.profile().rsa_signing.refuses(algorithm) {
            return Err(sw::EXECUTION);
        }
        let input = command.body_bytes();
        let random = &mut self.random;
        let hash = match algorithm & 0x0f {
            1 => Some(Hash::Sha1),
            2 => Some(Hash::Sha224),
            3 => Some(Hash::Sha256),
            4 => Some(Hash::Sha384),
            5 => Some(Hash::Sha512),
            _ => None,
        };
        let signature = match (&key, algorithm & 0xf0, hash) {
            (Material::Rsa(key), 0x20, None) if algorithm == 0x20 => {
                if input.len() != key.n.len() {
                    return Err(sw::WRONG_LENGTH);
                }
                key.raw(input, random)
            }
            (Material::Rsa(key), 0x30, None) if algorithm == 0x30 => {
                scheme(Pkcs1v15Sign::new_unprefixed(), key, input, random)
            }
            (Material::Rsa(key), 0x30, Some(hash)) => scheme(hash.pkcs1(), key, &hash.digest(input), random),
            (Material::Rsa(key), 0x40, None) if algorithm == 0x40 => {
                Hash::of_len(input.len()).ok_or(sw::WRONG_LENGTH)?.pss(key, input, random)
            }
            (Material::Rsa(key), 0x40, Some(hash)) => hash.pss(key, &hash.digest(input), random),
            (Material::Ec(key), 0x70, None) if algorithm == 0x70 => {
                let rs = ec::sign(key.curve, &key.secret, input, random);
                rs.map(|rs| der(&rs, self.profile().ecdsa_integers))
            }
            (Material::Ec(key), 0x70, Some(hash)) => {
                let rs = ec::sign(key.curve, &key.secret, &hash.digest(input), random);
                rs.map(|rs| der(&rs, self.profile().ecdsa_integers))
            }
            _ => return Err(sw::NOT_SUPPORTED),
        };
        signature.map(Reply::ok).ok_or(sw::WRONG_DATA)
    }

    pub(super) fn decipher(&mut self, command: &Apdu, [id, algorithm]: [u8; 2]) -> Outcome {
        let key = self.key_for(id, algorithm)?;
        let input = command.body_bytes();
        let clear = match (&key, algorithm) {
            (Material::Rsa(key), 0x21 | 0x22) if input.len() != key.n.len() => return Err(sw::WRONG_LENGTH),
            (Material::Rsa(key), 0x21) => key.raw(input, &mut self.random),
            (Material::Rsa(key), 0x22) => key.raw(input, &mut self.random).and_then(|block| unpadded(&block)),
            // The answer has the form of a point of which only x is used.
            (Material::Ec(key), 0x80) => ec::agree(key.curve, &key.secret, input).map(|x| [&[0x04], &x[..]].concat()),
            _ => return Err(sw::NOT_SUPPORTED),
        };
        clear.map(Reply::ok).ok_or(sw::WRONG_DATA)
    }

    pub(super) fn cipher(&mut self, command: &Apdu, [id, algorithm]: [u8; 2]) -> Outcome {
        let Material::Aes(key) = self.key_for(id, algorithm)? else {
            return Err(sw::NOT_SUPPORTED);
        };
        let input = command.body_bytes();
        let output = match algorithm {
            0x10 => aes::encrypt(&key, input),
            0x11 => aes::decrypt(&key, input),
            0x18 => aes::mac(&key, input),
            // Derivation (99) is not simulated.
            _ => return Err(sw::NOT_SUPPORTED),
        };
        output.map(Reply::ok).ok_or(sw::WRONG_LENGTH)
    }
}

/// The message in a PKCS#1 v1.5 encryption block.
fn unpadded(block: &[u8]) -> Option<Vec<u8>> {
    let rest = block.strip_prefix(&[0x00, 0x02])?;
    let padding_len = rest.iter().position(|byte| *byte == 0).filter(|len| *len >= 8)?;
    rest.get(padding_len + 1..).map(<[u8]>::to_vec)
}

/// SEQUENCE of the two INTEGERs.
fn der(Rs { r, s }: &Rs, integers: EcdsaIntegers) -> Vec<u8> {
    let mut sequence = Vec::new();
    for number in [r, s] {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let significant = number.get(zeros..).unwrap_or_default();
        match integers {
            EcdsaIntegers::Padded => tlv::push(&mut sequence, 0x02, &[&[0], &number[..]].concat()),
            EcdsaIntegers::Minimal if significant.first().is_none_or(|byte| byte & 0x80 != 0) => {
                tlv::push(&mut sequence, 0x02, &[&[0], significant].concat());
            }
            EcdsaIntegers::Minimal => tlv::push(&mut sequence, 0x02, significant),
        }
    }
    tlv::element(0x30, &sequence)
}
