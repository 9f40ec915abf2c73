//! A key in card memory, its permitted uses, and how often they are permitted.

use serde::{Deserialize, Serialize};
use smartcard_hsm::apdu::StatusWord;
use smartcard_hsm::curve::Curve;

use super::memory::Write;
use super::rsa::RsaKey;
use super::{Card, sw};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub(super) material: Material,
    /// Algorithms it may be used with, as tag 91 listed them; empty: all its kind has, wrapping included.
    #[serde(with = "serde_bytes")]
    pub(super) algorithms: Vec<u8>,
    /// Uses that are left; `None`: without end.
    pub(super) uses_left: Option<u32>,
    /// The key domain it belongs to.
    pub(super) domain: u8,
}

/// The key itself.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Material {
    Rsa(RsaKey),
    Ec(EcKey),
    Aes(#[serde(with = "serde_bytes")] Vec<u8>),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EcKey {
    #[serde(with = "curve_name")]
    pub(super) curve: Curve,
    /// Scalar, as long as the order.
    #[serde(with = "serde_bytes")]
    pub(super) secret: Vec<u8>,
    /// Point, uncompressed.
    #[serde(with = "serde_bytes")]
    pub(super) public: Vec<u8>,
}

/// Bytes that keys may take together: 76 KB, the vendor's figure. Other files have the free memory beside them.
pub(super) const KEYS_LEN_MAX: usize = 76 * 1024;
/// Bytes of an EC-256 or AES key: 300 of them fill [`KEYS_LEN_MAX`].
const SHORT_KEY_LEN: usize = KEYS_LEN_MAX / 300;

/// Bytes of card memory that a key on a curve takes; an RSA key takes one for each bit. These lengths make the vendor's
/// capacities: 38 keys of RSA-2048, 19 of RSA-4096, 150 of EC-521 or 300 of EC-256 or AES. The sizes between them are
/// not published.
pub(super) fn ec_memory_len(curve: Curve) -> usize {
    match curve.bits() {
        256 => SHORT_KEY_LEN,
        521 => KEYS_LEN_MAX / 150,
        bits => usize::from(bits),
    }
}

impl Key {
    /// Bytes of card memory it takes.
    pub(super) fn memory_len(&self) -> usize {
        match &self.material {
            Material::Rsa(key) => key.bits(),
            Material::Ec(key) => ec_memory_len(key.curve),
            Material::Aes(_) => SHORT_KEY_LEN,
        }
    }

    pub(super) fn allows(&self, algorithm: u8) -> bool {
        self.algorithms.is_empty() || self.algorithms.contains(&algorithm)
    }
}

impl Card {
    /// Key `id` for one use with `algorithm` by the logged-in user.
    pub(super) fn key_for(&mut self, id: u8, algorithm: u8) -> Result<Material, StatusWord> {
        self.user_needed()?;
        let key = self.store.read().keys.get(&id).ok_or(sw::NO_REFERENCE)?;
        if !key.allows(algorithm) {
            return Err(sw::NOT_SUPPORTED);
        }
        let material = key.material.clone();
        if let Some(uses_left) = key.uses_left {
            let uses_left = Some(uses_left.checked_sub(1).ok_or(sw::NOT_USABLE)?);
            let used = Key { uses_left, ..key.clone() };
            self.store.write(Write::Key(id, used));
        }
        Ok(material)
    }
}

/// A curve in a state file is its name.
mod curve_name {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};
    use smartcard_hsm::curve::Curve;

    pub(super) fn serialize<S: Serializer>(curve: &Curve, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(curve.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Curve, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Curve::ALL.into_iter().find(|curve| curve.name() == name);
        known.ok_or_else(|| D::Error::custom(format!("curve {name:?}, expected one this simulator knows")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_keys_fit_as_the_vendor_says() {
        let fit = |len: usize| KEYS_LEN_MAX / len;
        assert_eq!((fit(2048), fit(4096)), (38, 19));
        assert_eq!((fit(ec_memory_len(Curve::P256)), fit(ec_memory_len(Curve::BrainpoolP256r1))), (300, 300));
        assert_eq!((fit(ec_memory_len(Curve::P521)), fit(SHORT_KEY_LEN)), (150, 300));
    }
}
