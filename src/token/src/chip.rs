//! Chip authentication: a token computes an answer with its device key, and the driver checks the answer.
//!
//! The token agrees with an ephemeral key on a secret, and answers with a MAC made from this secret. Besides the owner
//! of the ephemeral key, only the holder of the device key can compute the secret. The answer convinces the owner of
//! the ephemeral key and no other person: that owner could have made the answer alone. [`crate::genuine`] says when it
//! is asked.
//!
//! Source: BSI TR-03110-3, chip authentication version 2 with ECDH, and AES-128 or Triple-DES; commands and derivation
//! as OpenSC `card-sc-hsm.c` (AES) and CardContact's scripts (Triple-DES) use them with this token. **Never tried on a
//! real token**: no trace of a real token was at hand. It is not published which firmware does which; see [`Cipher`].

use core::fmt;

use aes::Aes128;
use bp256::{
    BrainpoolP256r1,
    r1::{ProjectivePoint, SecretKey},
};
use cmac::{Cmac, KeyInit, Mac};
use des::{
    Des,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt},
};
use ecdsa::elliptic_curve::{self, point::AffineCoordinates};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::{
    curve::Curve,
    cvc::{
        PublicKey,
        field::{OID, PUBLIC_KEY},
    },
    secret::Secret,
    tlv,
};

/// The cipher of the MAC a token answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// AES-128 as CMAC: OpenSC uses it with real cards. Tried first.
    Aes,
    /// Triple-DES as retail MAC: CardContact's public script knows no other. Tried where AES is refused. It
    /// authenticates one answer over a key of this moment, so the weakness of the cipher does not matter here.
    TripleDes,
}

impl Cipher {
    /// Both, in the order in which they are tried.
    pub const ALL: [Self; 2] = [Self::Aes, Self::TripleDes];

    /// The protocol's object identifier: id-CA-ECDH-AES-CBC-CMAC-128, 0.4.0.127.0.7.2.2.3.2.2, or id-CA-ECDH-3DES-CBC-CBC, which
    /// ends in 1.
    pub(crate) const fn protocol(self) -> &'static [u8] {
        match self {
            Self::Aes => &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x03, 0x02, 0x02],
            Self::TripleDes => &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x03, 0x02, 0x01],
        }
    }

    /// First eight bytes of the MAC over these bytes.
    fn mac(self, key: &Secret<16>, bytes: &[u8]) -> [u8; TOKEN_LEN] {
        match self {
            Self::Aes => {
                let mac = <Cmac<Aes128> as KeyInit>::new(key.expose().into());
                let mac: [u8; 16] = mac.chain_update(bytes).finalize().into_bytes().into();
                let [first @ .., _, _, _, _, _, _, _, _] = mac;
                first
            }
            Self::TripleDes => retail_mac(key, bytes),
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes => "AES",
            Self::TripleDes => "3DES",
        })
    }
}

/// MAC algorithm 3 of ISO/IEC 9797-1 with DES, padding method 2: a chain under the first half of the key, the last block once
/// more under both halves.
fn retail_mac(key: &Secret<16>, bytes: &[u8]) -> [u8; TOKEN_LEN] {
    let (first, second) = key.expose().split_at(8);
    let half = |half: &[u8]| Des::new_from_slice(half).ok();
    let (Some(first), Some(second)) = (half(first), half(second)) else { return [0; TOKEN_LEN] };
    let mut padded = [bytes, &[0x80]].concat();
    padded.resize(padded.len().next_multiple_of(8), 0);
    let mut block = [0; 8];
    for part in padded.chunks(8) {
        block.iter_mut().zip(part).for_each(|(byte, more)| *byte ^= more);
        first.encrypt_block((&mut block).into());
    }
    second.decrypt_block((&mut block).into());
    first.encrypt_block((&mut block).into());
    block
}

/// Bytes of the nonce a token answers with.
pub const NONCE_LEN: usize = 8;
/// Bytes of the authentication token it answers with.
pub const TOKEN_LEN: usize = 8;

/// The curve of device keys.
const CURVE: Curve = Curve::BrainpoolP256r1;

/// A device key.
pub(crate) type Point = elliptic_curve::PublicKey<BrainpoolP256r1>;

/// The counter that makes the KDF's output the key of the MAC (1 is for encryption).
const MAC_KEY: u32 = 2;

/// Draws of random bytes after which [`Ephemeral::of`] will have taken one: all refused once in 10^30 times, or by a source
/// that is not random.
pub const DRAWS_MAX: usize = 64;

/// A key pair for one chip authentication.
///
/// Secret: a person who has it before the token answers can answer in place of the token. It is worthless afterwards.
/// It is consumed by its use and wiped on drop.
pub struct Ephemeral {
    key: Box<SecretKey>,
    point: Vec<u8>,
}

impl Ephemeral {
    /// The key pair with this secret scalar. `None` if the number is zero or not below the curve's order, which is true of one
    /// in three: draw again then, at most [`DRAWS_MAX`] times, so that every key is as likely as every other.
    pub fn of(random: &Secret<32>) -> Option<Self> {
        let key = Box::new(SecretKey::from_slice(random.expose()).ok()?);
        let point = bp256::r1::Sec1Point::from(key.public_key()).as_bytes().to_vec();
        Some(Self { key, point })
    }

    /// The key of the MAC, agreed with the device key's holder: SHA-1 over the x coordinate, the nonce and a counter.
    fn mac_key(&self, device: &Point, nonce: &[u8; NONCE_LEN]) -> Secret<16> {
        let shared = ProjectivePoint::from(*device.as_affine()) * *self.key.to_nonzero_scalar();
        let shared = Secret::<32>::filled(|x| x.copy_from_slice(&shared.to_affine().x()));
        let digest = Sha1::new().chain_update(shared.expose()).chain_update(nonce).chain_update(MAC_KEY.to_be_bytes());
        let whole = Secret::<20>::filled(|out| digest.finalize_into(out.into()));
        Secret::filled(|key| key.iter_mut().zip(whole.expose()).for_each(|(to, from)| *to = *from))
    }

    /// The public half, `04 || x || y`.
    pub(crate) fn point(&self) -> &[u8] {
        &self.point
    }

    /// Whether the holder of the device key answered this.
    pub(crate) fn answered_by(&self, device: &Point, cipher: Cipher, agreed: &Agreed) -> bool {
        let mac = cipher.mac(&self.mac_key(device, &agreed.nonce), &authenticated(cipher, &self.point));
        mac.ct_eq(&agreed.token).into()
    }
}

/// The answer of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) nonce: [u8; NONCE_LEN],
    pub(crate) token: [u8; TOKEN_LEN],
}

/// The bytes under the MAC: the ephemeral public key as TR-03110-3 §D.3 writes it in this protocol.
fn authenticated(cipher: Cipher, point: &[u8]) -> Vec<u8> {
    /// The point inside a public key.
    const POINT: u16 = 0x86;
    let mut key = tlv::element(OID, cipher.protocol());
    tlv::push(&mut key, POINT, point);
    tlv::element(PUBLIC_KEY, &key)
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ephemeral(..)")
    }
}

/// The exchange of a chip authentication, for the record. It proves nothing to people who were not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChipAuthentication {
    /// The cipher of the MAC.
    pub cipher: Cipher,
    /// The ephemeral public key, `04 || x || y`.
    pub ephemeral: Vec<u8>,
    /// The token's random contribution.
    pub nonce: [u8; NONCE_LEN],
    /// Its MAC over the ephemeral public key.
    pub token: [u8; TOKEN_LEN],
}

/// Why a chip authentication proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChipError {
    /// The device certificate is for a key this protocol cannot use.
    #[error("the device key is {found}, expected {}", CURVE.name())]
    DeviceKey {
        /// Its kind.
        found: String,
    },
    /// The answer does not come from the holder of the device key.
    #[error("the authentication token is not one that the device key's holder makes")]
    Token,
}

/// The device key as a point of the one curve this protocol is driven on.
pub(crate) fn device_point(key: &PublicKey) -> Result<Point, ChipError> {
    let other = || ChipError::DeviceKey { found: key.kind() };
    match key {
        PublicKey::Ec(ec) if ec.curve() == CURVE => Point::from_sec1_bytes(ec.point()).map_err(|_| other()),
        _ => Err(other()),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scripted::{hex, unhex};

    /// BSI's and HJP Consulting's worked example; see `tests/vectors/token/README.md`.
    const EXAMPLE: &str = include_str!("../../../tests/vectors/token/chip_authentication.txt");

    fn example(name: &str) -> Vec<u8> {
        unhex(EXAMPLE.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap())
    }

    pub(crate) fn ephemeral() -> Ephemeral {
        Ephemeral::of(&Secret::copied_from(&example("ephemeral_private")).unwrap()).unwrap()
    }

    /// The answer that the holder of this key gives to [`ephemeral`].
    pub(crate) fn answer(holder: &[u8; 32], cipher: Cipher, nonce: [u8; 8]) -> String {
        let holder = Ephemeral::of(&Secret::copied_from(holder).unwrap()).unwrap();
        let key = holder.mac_key(&Point::from_sec1_bytes(&ephemeral().point).unwrap(), &nonce);
        let mac = cipher.mac(&key, &authenticated(cipher, &ephemeral().point));
        format!("7C14 8108 {} 8208 {} 9000", hex(&nonce), hex(&mac))
    }

    /// ICAO Doc 9303-11, Appendix D.3: the document's worked example of basic access control.
    #[test]
    fn the_retail_mac_is_that_of_the_published_example() {
        let key = Secret::copied_from(&unhex("7962D9ECE03D1ACD4C76089DCE131543")).unwrap();
        let bytes = unhex("72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2");
        assert_eq!(hex(&retail_mac(&key, &bytes)), "5F1448EEA8AD90A7");
    }

    #[test]
    fn every_step_of_the_published_example_is_computed() {
        let (nonce, token) = (example("nonce").try_into().unwrap(), example("token").try_into().unwrap());
        let device = Point::from_sec1_bytes(&example("token_public")).unwrap();
        assert_eq!(ephemeral().point, example("ephemeral_public"));
        assert_eq!(ephemeral().mac_key(&device, &nonce).expose().to_vec(), example("k_mac"));
        assert!(ephemeral().answered_by(&device, Cipher::Aes, &Agreed { nonce, token }));
    }

    #[test]
    fn no_bit_of_nonce_or_token_may_change() {
        let device = Point::from_sec1_bytes(&example("token_public")).unwrap();
        let (nonce, token) = (example("nonce").try_into().unwrap(), example("token").try_into().unwrap());
        for bit in 0..64 {
            let mut agreed = Agreed { nonce, token };
            agreed.nonce[bit / 8] ^= 1 << (bit % 8);
            assert!(!ephemeral().answered_by(&device, Cipher::Aes, &agreed), "nonce {bit}");
            let mut agreed = Agreed { nonce, token };
            agreed.token[bit / 8] ^= 1 << (bit % 8);
            assert!(!ephemeral().answered_by(&device, Cipher::Aes, &agreed), "token {bit}");
        }
    }

    #[test]
    fn numbers_that_are_no_scalar_are_not_taken() {
        let of = |bytes: &[u8]| Ephemeral::of(&Secret::copied_from(bytes).unwrap()).is_some();
        let mut below = CURVE.domain().order.to_vec();
        assert!(!of(&[0; 32]) && !of(&below) && !of(&[0xff; 32]));
        below[31] -= 1;
        assert!(of(&below));
    }

    #[test]
    fn a_device_key_on_another_curve_is_refused_in_words() {
        let key = crate::cvc::EcKey::new(Curve::P256, Curve::P256.domain().generator).unwrap();
        let error = device_point(&PublicKey::Ec(key)).unwrap_err();
        assert_eq!(error.to_string(), "the device key is P-256, expected brainpoolP256r1");
    }

    #[test]
    fn debug_prints_no_key() {
        assert_eq!(format!("{:?}", ephemeral()), "Ephemeral(..)");
    }
}
