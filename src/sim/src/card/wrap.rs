//! WRAP and UNWRAP: keys leave and enter under the DKEK of their domain.

use smartcard_hsm::apdu::{Apdu, StatusWord};
use smartcard_hsm::dkek::Dkek;
use smartcard_hsm::dkek::blob::{self, Blob, MAC_LEN, RANDOM_LEN};
use smartcard_hsm::secret::{Secret, SecretBytes};
use smartcard_hsm_recover::{ClearKey, EcKey as ClearEc, RsaCrtKey as ClearRsaCrt, RsaKey as ClearRsa, make, open};

use super::domains::Kek;
use super::keys::{EcKey, Key, Material};
use super::memory::{EF_SCRATCH, Write};
use super::profile::RsaWrap;
use super::rsa::RsaKey;
use super::{Card, Outcome, Reply, ec, sw};

/// P2 of WRAP and of UNWRAP, and their entries in an algorithm list.
const WRAP: u8 = 0x92;
const UNWRAP: u8 = 0x93;

/// Largest modulus that travels by its CRT values; blobs of longer ones in that layout are refused.
const CRT_BITS_MAX: usize = 2048;

impl Card {
    pub(super) fn wrap(&mut self, p: [u8; 2]) -> Outcome {
        let [id, WRAP] = p else {
            return Err(sw::WRONG_P1_P2);
        };
        self.user_needed()?;
        let memory = self.store.read();
        let key = memory.keys.get(&id).ok_or(sw::NO_REFERENCE)?;
        let kek = memory.domains.kek(key.domain)?;
        if kek.outstanding > 0 {
            return Err(sw::NO_REFERENCE);
        }
        if !key.allows(WRAP) {
            return Err(sw::CONDITIONS);
        }
        let dkek = dkek(kek)?;
        let clear = clear(&key.material, memory.profile.rsa_wrap).ok_or(sw::EXECUTION)?;
        let mut random = [0; RANDOM_LEN];
        self.random.fill(&mut random);
        let blob = make(&clear, &dkek, random).map_err(|_| sw::EXECUTION)?;
        Ok(Reply::ok(if key.algorithms.is_empty() { blob } else { with_algorithms(&blob, &key.algorithms, &dkek)? }))
    }

    /// The blob is the body. Without a body, the blob is in the scratch file, and the scratch file is removed in every
    /// case.
    ///
    /// A key that is already there is replaced, as in key generation. A number whose certificate file was left by a deleted key
    /// is refused, as seen on real tokens; the status word is ours.
    pub(super) fn unwrap(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let [id @ 1..=u8::MAX, UNWRAP] = p else {
            return Err(sw::WRONG_P1_P2);
        };
        self.user_needed()?;
        let memory = self.store.read();
        if !memory.keys.contains_key(&id) && memory.file(u16::from_be_bytes([0xce, id])).is_some() {
            return Err(sw::CONDITIONS);
        }
        self.store.read().domains.kek(0).err().filter(|sw| *sw == sw::INSTRUCTION).map_or(Ok(()), Err)?;
        let bytes = if command.body_bytes().is_empty() {
            let bytes = self.store.read().file(EF_SCRATCH).ok_or(sw::NOT_FOUND)?.to_vec();
            self.store.write(Write::DeleteFile(EF_SCRATCH));
            bytes
        } else {
            command.body_bytes().to_vec()
        };
        let blob = Blob::parse(&bytes).map_err(|_| sw::WRONG_DATA)?;
        // The blob's key check value picks the domain, as independent firmware has it; for real cards that is not confirmed.
        let (domain, kek) = self.store.read().domains.with_kcv(blob.kcv.bytes()).ok_or(sw::WRONG_DATA)?;
        let clear = open(&bytes, &dkek(kek)?).map_err(|_| sw::WRONG_DATA)?;
        // The usual list of its kind is no restriction; a key generated without a list carries it.
        let algorithms = if blob.allowed == blob.kind.allowed() { &[] } else { blob.allowed };
        let key = Key { material: material(&clear)?, algorithms: algorithms.to_vec(), uses_left: None, domain };
        self.store.read().room_for_key(key.memory_len())?;
        self.store.write(Write::Key(id, key));
        Ok(Reply::done())
    }
}

fn dkek(kek: &Kek) -> Result<Dkek, StatusWord> {
    Secret::copied_from(&kek.value).map(Dkek::new).ok_or(sw::EXECUTION)
}

fn clear(material: &Material, layout: RsaWrap) -> Option<ClearKey> {
    let secret = SecretBytes::copied_from;
    Some(match material {
        Material::Rsa(key) if layout == RsaWrap::Crt && key.bits() <= CRT_BITS_MAX => {
            let crt = key.crt()?;
            ClearKey::RsaCrt(ClearRsaCrt {
                modulus: key.n.clone(),
                public_exponent: key.e.clone(),
                dp: secret(&crt.dp),
                dq: secret(&crt.dq),
                p: secret(&key.p),
                q: secret(&key.q),
                q_inverse: secret(&crt.q_inverse),
            })
        }
        Material::Rsa(key) => ClearKey::Rsa(ClearRsa {
            modulus: key.n.clone(),
            public_exponent: key.e.clone(),
            private_exponent: secret(&key.d),
        }),
        Material::Ec(key) => ClearKey::Ec(ClearEc::on(key.curve, secret(&key.secret), key.public.clone())),
        Material::Aes(key) => ClearKey::Aes(secret(key)),
    })
}

/// The key to keep; a public part that does not belong to the private one is refused.
fn material(clear: &ClearKey) -> Result<Material, StatusWord> {
    let material = match clear {
        ClearKey::Rsa(key) => {
            RsaKey::from_exponents(&key.modulus, &key.public_exponent, key.private_exponent.expose()).map(Material::Rsa)
        }
        ClearKey::RsaCrt(key) => RsaKey::from_primes(key.p.expose(), key.q.expose())
            .filter(|own| own.bits() <= CRT_BITS_MAX && own.n == key.modulus && own.e == key.public_exponent)
            .map(Material::Rsa),
        ClearKey::Ec(key) => key.curve().and_then(|curve| {
            let secret = key.private.expose().to_vec();
            let public = ec::public(curve, &secret).filter(|public| *public == key.public)?;
            Some(Material::Ec(EcKey { curve, secret, public }))
        }),
        ClearKey::Aes(key) => Some(Material::Aes(key.expose().to_vec())),
    };
    material.ok_or(sw::WRONG_DATA)
}

/// The blob with this key's own algorithm list in place of the usual one of its kind.
fn with_algorithms(bytes: &[u8], algorithms: &[u8], dkek: &Dkek) -> Result<Vec<u8>, StatusWord> {
    let blob = Blob::parse(bytes).map_err(|_| sw::EXECUTION)?;
    let covered = bytes.len().checked_sub(MAC_LEN).and_then(|len| bytes.get(..len)).ok_or(sw::EXECUTION)?;
    let before = blob.kcv.bytes().len() + 1 + 2 + blob.algorithm.len();
    let after = before + 2 + blob.allowed.len();
    let (Some(before), Some(after)) = (covered.get(..before), covered.get(after..)) else {
        return Err(sw::EXECUTION);
    };
    // At most 16 entries: a list's length has one significant byte.
    let len = algorithms.len() as u16;
    let mut bytes = [before, &len.to_be_bytes(), algorithms, after].concat();
    let mac = blob::mac(dkek, &bytes);
    bytes.extend_from_slice(&mac);
    Ok(bytes)
}
