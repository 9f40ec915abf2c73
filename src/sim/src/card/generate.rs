//! GENERATE ASYMMETRIC KEY PAIR and GENERATE SYMMETRIC KEY.

use smartcard_hsm::apdu::{Apdu, StatusWord};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::tlv;

use super::keys::{EcKey, Key, Material, ec_memory_len};
use super::memory::Write;
use super::request::{self, Names};
use super::rsa::{EXPONENT, RsaKey};
use super::{Card, Outcome, Reply, ec, sw};

/// RSA sizes of firmware 3 and later.
const RSA_BITS: [u16; 5] = [1024, 1536, 2048, 3072, 4096];

/// Longest algorithm list.
const ALGORITHMS_MAX: usize = 16;

/// The fields of both commands' bodies about the key, besides its kind.
#[derive(Default)]
struct Attributes {
    algorithms: Vec<u8>,
    uses_left: Option<u32>,
    domain: u8,
}

impl Attributes {
    /// Whether `element` was one of them.
    fn take(&mut self, element: tlv::Tlv<'_>) -> Result<bool, StatusWord> {
        match (element.tag, element.value) {
            (0x90, value) => {
                let bytes = value.try_into().map_err(|_| sw::WRONG_DATA)?;
                self.uses_left = Some(u32::from_be_bytes(bytes));
            }
            (0x91, value) if (1..=ALGORITHMS_MAX).contains(&value.len()) => self.algorithms = value.to_vec(),
            (0x92, &[domain]) => self.domain = domain,
            (0x91 | 0x92, _) => return Err(sw::WRONG_DATA),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn key(self, material: Material) -> Key {
        Key { material, algorithms: self.algorithms, uses_left: self.uses_left, domain: self.domain }
    }
}

/// Kind of key pair a body asks for.
enum Spec {
    Rsa { bits: u16 },
    Ec(Curve),
}

impl Card {
    /// P1 is the new key's identifier, P2 the key that signs the request: 00, the device key, and no other.
    ///
    /// A key that is already there is replaced. It is not published whether real cards replace or refuse it; replacing
    /// is the worse of the two.
    pub(super) fn generate_pair(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let [id @ 1..=u8::MAX, 0x00] = p else {
            return Err(sw::WRONG_P1_P2);
        };
        self.user_needed()?;
        let (mut authority, mut holder, mut spec) = (None, None, None);
        let mut attributes = Attributes::default();
        let mut reader = tlv::Reader::new(command.body_bytes());
        while let Some(element) = reader.next_element().map_err(|_| sw::WRONG_DATA)? {
            match (element.tag, element.value) {
                (0x5f29, &[0]) | (0x45, _) => {}
                (0x42, value) => authority = Some(value),
                (0x5f20, value) => holder = Some(value),
                (0x7f49, value) => spec = Some(Spec::parse(value)?),
                _ if attributes.take(element)? => {}
                _ => return Err(sw::WRONG_DATA),
            }
        }
        let (Some(authority), Some(holder), Some(spec)) = (authority, holder, spec) else {
            return Err(sw::WRONG_DATA);
        };
        let (material, waits) = match spec {
            Spec::Rsa { bits } => {
                self.store.read().room_for_key(usize::from(bits))?;
                let key = RsaKey::take(&mut self.rsa, usize::from(bits), &mut self.random).ok_or(sw::EXECUTION)?;
                (Material::Rsa(key), self.profile().key_generation_wtx)
            }
            Spec::Ec(curve) => {
                self.store.read().room_for_key(ec_memory_len(curve))?;
                let (secret, public) = ec::generate(curve, &mut self.random);
                (Material::Ec(EcKey { curve, secret, public }), 0)
            }
        };
        let device = &self.store.read().device;
        let request = request::authenticated(&Names { authority, holder }, &material, device, &mut self.random)
            .ok_or(sw::EXECUTION)?;
        self.store.write(Write::Key(id, attributes.key(material)));
        self.store.write(Write::File(u16::from_be_bytes([0xce, id]), request.clone()));
        Ok(Reply { waits, ..Reply::ok(request) })
    }

    /// P1 is the new key's identifier, P2 its length.
    pub(super) fn generate_symmetric(&mut self, command: &Apdu, p: [u8; 2]) -> Outcome {
        let [id @ 1..=u8::MAX, kind @ 0xb0..=0xb2] = p else {
            return Err(sw::WRONG_P1_P2);
        };
        self.user_needed()?;
        let mut attributes = Attributes::default();
        let mut reader = tlv::Reader::new(command.body_bytes());
        while let Some(element) = reader.next_element().map_err(|_| sw::WRONG_DATA)? {
            if !attributes.take(element)? {
                return Err(sw::WRONG_DATA);
            }
        }
        let key = Material::Aes(self.random.bytes(16 + 8 * usize::from(kind - 0xb0)));
        let key = attributes.key(key);
        self.store.read().room_for_key(key.memory_len())?;
        self.store.write(Write::Key(id, key));
        Ok(Reply::done())
    }
}

impl Spec {
    fn parse(value: &[u8]) -> Result<Self, StatusWord> {
        let mut reader = tlv::Reader::new(value);
        let mut take = |tag| reader.expect(tag).map(|element| element.value).map_err(|_| sw::WRONG_DATA);
        match take(0x06)? {
            oid if oid == request::OID_RSA => {
                let exponent = take(0x82)?;
                let bits = take(0x02)?.try_into().map(u16::from_be_bytes).map_err(|_| sw::WRONG_DATA)?;
                let fits = exponent == EXPONENT && RSA_BITS.contains(&bits);
                if fits { Ok(Self::Rsa { bits }) } else { Err(sw::WRONG_DATA) }
            }
            oid if oid == request::OID_EC => {
                let [p, a, b, generator, order] = [take(0x81)?, take(0x82)?, take(0x83)?, take(0x84)?, take(0x85)?];
                // Every curve of this list has cofactor 1.
                Curve::from_domain(p, a, b, generator, order).map(Self::Ec).ok_or(sw::WRONG_DATA)
            }
            _ => Err(sw::WRONG_DATA),
        }
    }
}
