//! RSA: where keys come from, and the private operation.

use rsa::hazmat::rsa_decrypt_and_check;
use rsa::traits::{PrivateKeyParts, PublicKeyParts};
use rsa::{BoxedUint, PrivateKey};
use serde::{Deserialize, Serialize};

use super::random::Randomness;

/// The only public exponent tokens are asked for: 65537.
pub(super) const EXPONENT: [u8; 3] = [0x01, 0x00, 0x01];

/// Where a token takes a new RSA key from.
#[derive(Clone)]
pub enum RsaSource {
    /// It searches primes, which takes from a tenth of a second to several seconds.
    Generated,
    /// It hands out these, each once; when none of the size asked for is left, key generation fails with 6400. For tests
    /// that need speed and no secret.
    Premade(Vec<RsaKey>),
}

/// An RSA key; integers big-endian, the modulus without leading zeros, each prime half as long.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RsaKey {
    #[serde(with = "serde_bytes")]
    pub(super) n: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) e: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) d: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) p: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) q: Vec<u8>,
}

/// The values for the Chinese remainder theorem, each half as long as the modulus.
pub(super) struct Crt {
    pub(super) dp: Vec<u8>,
    pub(super) dq: Vec<u8>,
    pub(super) q_inverse: Vec<u8>,
}

impl RsaKey {
    /// The key of two primes. `None` if they make none.
    pub fn from_primes(p: &[u8], q: &[u8]) -> Option<Self> {
        let [p, q, e] = [p, q, &EXPONENT].map(BoxedUint::from_be_slice_vartime);
        Self::from_private(&PrivateKey::from_p_q(p, q, e).ok()?)
    }

    /// The key with this private exponent; the primes are worked out. `None` if the numbers make no key.
    pub(super) fn from_exponents(n: &[u8], e: &[u8], d: &[u8]) -> Option<Self> {
        let [n, e, d] = [n, e, d].map(BoxedUint::from_be_slice_vartime);
        Self::from_private(&PrivateKey::from_components(n, e, d, Vec::new()).ok()?)
    }

    /// A new key of `bits` bits. `None` if the source has none.
    pub(super) fn take(source: &mut RsaSource, bits: usize, random: &mut Randomness) -> Option<Self> {
        match source {
            RsaSource::Generated => Self::from_private(&PrivateKey::new(random, bits).ok()?),
            RsaSource::Premade(keys) => {
                let at = keys.iter().position(|key| key.bits() == bits)?;
                Some(keys.remove(at))
            }
        }
    }

    fn from_private(key: &PrivateKey) -> Option<Self> {
        let [p, q] = key.primes() else {
            return None;
        };
        let len = key.size();
        Some(Self {
            n: padded(key.n(), len),
            e: key.e().to_be_bytes_trimmed_vartime().to_vec(),
            d: padded(key.d(), len),
            p: padded(p, len / 2),
            q: padded(q, len / 2),
        })
    }

    /// The values a wrapped key carries besides its primes. `None` if the numbers make no key.
    pub(super) fn crt(&self) -> Option<Crt> {
        let key = self.private()?;
        let padded = |number: &BoxedUint| padded(number, self.p.len());
        Some(Crt { dp: padded(key.dp()?), dq: padded(key.dq()?), q_inverse: padded(&key.crt_coefficient()?) })
    }

    /// Bits of the modulus.
    pub(super) fn bits(&self) -> usize {
        let zeros = self.n.first().map_or(0, |byte| byte.leading_zeros() as usize);
        self.n.len() * 8 - zeros
    }

    /// The key as the crate computes with it.
    pub(super) fn private(&self) -> Option<PrivateKey> {
        let [n, e, d, p, q] =
            [&self.n, &self.e, &self.d, &self.p, &self.q].map(|n| BoxedUint::from_be_slice_vartime(n));
        PrivateKey::from_components(n, e, d, vec![p, q]).ok()
    }

    /// `block` to the power of d: a raw signature or decryption, as long as the modulus. `None` if the block is not below
    /// the modulus.
    pub(super) fn raw(&self, block: &[u8], random: &mut Randomness) -> Option<Vec<u8>> {
        let key = self.private()?;
        let block = BoxedUint::from_be_slice(block, key.n_bits_precision()).ok()?;
        let result = rsa_decrypt_and_check(&key, Some(random), &block).ok()?.to_be_bytes();
        result.get(result.len().checked_sub(self.n.len())?..).map(<[u8]>::to_vec)
    }
}

fn padded(number: &BoxedUint, len: usize) -> Vec<u8> {
    let bytes = number.to_be_bytes_trimmed_vartime();
    let mut out = vec![0; len.saturating_sub(bytes.len())];
    out.extend_from_slice(&bytes);
    out
}
