//! One token behind a PKCS#11 module: its objects, which need no PIN, and the one signature that it makes with the PIN.

use std::path::Path;

use conclave_publish::{Hash, KeyError, KeyKind, PublicKey, Scheme};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::{Slot, TokenInfo};
use cryptoki::types::AuthPin;
use thiserror::Error;

/// DER of the algorithm of every RSA key: rsaEncryption with NULL parameters. Source: RFC 3279 §2.3.1.
const RSA_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
/// DER of the object identifier id-ecPublicKey. Source: RFC 5480 §2.1.1.
const EC_PUBLIC_KEY: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// The reasons for which the module did not do its work.
#[derive(Debug, Error)]
pub(crate) enum ModuleError {
    /// PKCS#11 reported it.
    #[error("{tried}: {source}")]
    Pkcs11 {
        /// The action that failed.
        tried: &'static str,
        /// The answer of the module.
        source: cryptoki::error::Error,
    },
    /// Another token, or none.
    #[error(
        "no token {expected} behind this module; it shows {}. Plug in the right one. A key that was restored into another \
         module (SoftHSM, Kryoptic, NSS) has the serial of that module, never one of the plan: this program cannot receive \
         it; compare its public key with the certificate of the ceremony",
        list(.found, .unread)
    )]
    NoToken {
        /// Serial asked for.
        expected: String,
        /// Serials there are.
        found: Vec<String>,
        /// Slots that were passed over.
        unread: Vec<Unread>,
    },
    /// An object is missing, or there are two.
    #[error("expected one {what} with this id on the token, found {found}")]
    Objects {
        /// The kind of object that was looked for.
        what: &'static str,
        /// How many there are.
        found: usize,
    },
    /// An object does not have this attribute.
    #[error("the {what} has no {attribute}")]
    Attribute {
        /// Which object.
        what: &'static str,
        /// Which attribute.
        attribute: &'static str,
    },
    /// The bytes are no public key.
    #[error("the public key on the token: {0}")]
    Key(#[from] KeyError),
    /// The signature has no two halves.
    #[error("an ECDSA signature of {found} bytes: expected two numbers of equal length")]
    Signature {
        /// Its length.
        found: usize,
    },
}

fn list(serials: &[String], unread: &[Unread]) -> String {
    let words: Vec<String> = serials.iter().cloned().chain(unread.iter().map(ToString::to_string)).collect();
    if words.is_empty() { "no token at all".into() } else { words.join(", ") }
}

/// A slot with a token that was passed over: the slot does not say which token it is.
#[derive(Debug, Error)]
#[error("slot {slot}, whose token information cannot be read ({source})")]
pub(crate) struct Unread {
    slot: u64,
    source: cryptoki::error::Error,
}

/// Tries that the user PIN has left, as far as PKCS#11 tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tries {
    /// None was spent since the last right PIN.
    All,
    /// A wrong PIN was typed since.
    Fewer,
    /// A wrong PIN locks it.
    Last,
    /// None.
    Locked,
}

impl Tries {
    /// Source: PKCS#11 2.40 §3.2, flags of CK_TOKEN_INFO. OpenSC takes COUNT_LOW away when one try is left, and sets FINAL_TRY
    /// alone; other modules leave it.
    fn of(token: &TokenInfo) -> Self {
        match (token.user_pin_locked(), token.user_pin_final_try(), token.user_pin_count_low()) {
            (true, _, _) => Self::Locked,
            (false, true, _) => Self::Last,
            (false, false, true) => Self::Fewer,
            (false, false, false) => Self::All,
        }
    }
}

fn tried(tried: &'static str) -> impl Fn(cryptoki::error::Error) -> ModuleError {
    move |source| ModuleError::Pkcs11 { tried, source }
}

/// A session with the one token.
pub(crate) struct Module {
    session: Session,
    slot: Slot,
    /// Slots that were passed over on the way to the token.
    pub(crate) unread: Vec<Unread>,
    // Ends after its session.
    context: Pkcs11,
}

impl Module {
    /// Opens the token with this serial, whichever slot it is in.
    pub(crate) fn open(module: &Path, serial: &str) -> Result<Self, ModuleError> {
        let context = Pkcs11::new(module).map_err(tried("loading the module"))?;
        let arguments = CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK);
        context.initialize(arguments).map_err(tried("starting the module"))?;
        let (mut found, mut unread) = (Vec::new(), Vec::new());
        for slot in context.get_slots_with_token().map_err(tried("listing slots"))? {
            // One token that answers badly hides no other.
            let info = match context.get_token_info(slot) {
                Ok(info) => info,
                Err(source) => {
                    unread.push(Unread { slot: slot.id(), source });
                    continue;
                }
            };
            if info.serial_number().trim() == serial {
                let session = context.open_ro_session(slot).map_err(tried("opening a session"))?;
                return Ok(Self { session, slot, unread, context });
            }
            if info.token_initialized() {
                found.push(info.serial_number().trim().to_owned());
            }
        }
        Err(ModuleError::NoToken { expected: serial.into(), found, unread })
    }

    /// Tries that the user PIN has left.
    pub(crate) fn tries(&self) -> Result<Tries, ModuleError> {
        let info = self.context.get_token_info(self.slot).map_err(tried("asking a token for the tries of its PIN"))?;
        Ok(Tries::of(&info))
    }

    fn one(&self, what: &'static str, class: ObjectClass, id: &[u8]) -> Result<ObjectHandle, ModuleError> {
        let template = [Attribute::Class(class), Attribute::Id(id.to_vec())];
        let found = self.session.find_objects(&template).map_err(tried("looking for objects"))?;
        match found.as_slice() {
            [one] => Ok(*one),
            found => Err(ModuleError::Objects { what, found: found.len() }),
        }
    }

    fn attributes(&self, object: ObjectHandle, wanted: &[AttributeType]) -> Result<Vec<Attribute>, ModuleError> {
        self.session.get_attributes(object, wanted).map_err(tried("reading an object"))
    }

    /// The bytes of one attribute, called `attribute` where it is missing.
    fn bytes(
        &self,
        what: &'static str,
        object: ObjectHandle,
        wanted: AttributeType,
        attribute: &'static str,
    ) -> Result<Vec<u8>, ModuleError> {
        let bytes = |one| match one {
            Attribute::Value(bytes)
            | Attribute::Modulus(bytes)
            | Attribute::PublicExponent(bytes)
            | Attribute::EcParams(bytes)
            | Attribute::EcPoint(bytes) => Some(bytes),
            _ => None,
        };
        let found = self.attributes(object, &[wanted])?.into_iter().find_map(bytes);
        found.ok_or(ModuleError::Attribute { what, attribute })
    }

    /// The certificate with this CKA_ID, DER.
    pub(crate) fn certificate(&self, id: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let what = "certificate";
        self.bytes(what, self.one(what, ObjectClass::CERTIFICATE, id)?, AttributeType::Value, "value")
    }

    /// The public key with this CKA_ID, put together from its numbers.
    pub(crate) fn public_key(&self, id: &[u8]) -> Result<PublicKey, ModuleError> {
        let what = "public key";
        let object = self.one(what, ObjectClass::PUBLIC_KEY, id)?;
        let bytes = |wanted, attribute| self.bytes(what, object, wanted, attribute);
        let kind = self.attributes(object, &[AttributeType::KeyType])?;
        let spki = if kind.contains(&Attribute::KeyType(KeyType::RSA)) {
            let modulus = bytes(AttributeType::Modulus, "modulus")?;
            rsa_spki(&modulus, &bytes(AttributeType::PublicExponent, "public exponent")?)
        } else {
            let curve = bytes(AttributeType::EcParams, "curve")?;
            ec_spki(&curve, &bytes(AttributeType::EcPoint, "point")?)
        };
        Ok(PublicKey::from_spki_der(&spki)?)
    }

    /// Logs in.
    ///
    /// **Secret**: the PIN; the module wipes its copy as far as it does.
    pub(crate) fn log_in(&self, pin: &AuthPin) -> Result<(), ModuleError> {
        self.session.login(UserType::User, Some(pin)).map_err(tried("logging in"))
    }

    /// Signs with the private key of this CKA_ID, in the usual scheme of the key; ECDSA as DER.
    pub(crate) fn sign(&self, id: &[u8], key: KeyKind, message: &[u8]) -> Result<Vec<u8>, ModuleError> {
        let object = self.one("private key", ObjectClass::PRIVATE_KEY, id)?;
        let digest = Scheme::usual(key).hash().digest(message);
        let sign = |mechanism: &Mechanism<'_>, data: &[u8]| {
            self.session.sign(mechanism, object, data).map_err(tried("signing"))
        };
        if matches!(key, KeyKind::Rsa { .. }) {
            sign(&Mechanism::RsaPkcs, &digest_info(Scheme::usual(key).hash(), &digest))
        } else {
            ecdsa_der(&sign(&Mechanism::Ecdsa, &digest)?)
        }
    }
}

/// DigestInfo. Source: RFC 8017 §9.2, note 1.
fn digest_info(hash: Hash, digest: &[u8]) -> Vec<u8> {
    let last = match hash {
        Hash::Sha256 => 1,
        Hash::Sha384 => 2,
        Hash::Sha512 => 3,
    };
    let algorithm = tlv(0x30, &[&[6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, last, 5, 0]]);
    tlv(0x30, &[&algorithm, &tlv(4, &[digest])])
}

fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let key = tlv(0x30, &[&integer(modulus), &integer(exponent)]);
    tlv(0x30, &[&RSA_ALGORITHM, &tlv(3, &[&[0], &key])])
}

/// Source: PKCS#11 §2.3.3: CKA_EC_POINT is the point in a DER OCTET STRING; older modules give the point itself.
fn ec_spki(curve: &[u8], point: &[u8]) -> Vec<u8> {
    let bare = match point {
        [4, len, bare @ ..] if usize::from(*len) == bare.len() => bare,
        [4, 0x81, len, bare @ ..] if usize::from(*len) == bare.len() => bare,
        bare => bare,
    };
    let algorithm = tlv(0x30, &[&EC_PUBLIC_KEY, curve]);
    tlv(0x30, &[&algorithm, &tlv(3, &[&[0], bare])])
}

fn ecdsa_der(signature: &[u8]) -> Result<Vec<u8>, ModuleError> {
    let (r, s) = signature.split_at(signature.len() / 2);
    if r.is_empty() || r.len() != s.len() {
        return Err(ModuleError::Signature { found: signature.len() });
    }
    Ok(tlv(0x30, &[&integer(r), &integer(s)]))
}

/// An unsigned number as a DER INTEGER.
fn integer(number: &[u8]) -> Vec<u8> {
    let from = number.iter().position(|byte| *byte != 0).unwrap_or(number.len().saturating_sub(1));
    let significant = number.get(from..).unwrap_or_default();
    let sign: &[u8] = if significant.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    tlv(2, &[sign, significant])
}

/// Tag, length, parts.
fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    match len.to_be_bytes() {
        [.., one] if len < 0x80 => out.push(one),
        [.., one] if len < 0x100 => out.extend([0x81, one]),
        // Keys and signatures here are never 64 KiB long; a longer length would not parse.
        [.., two, one] => out.extend([0x82, two, one]),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_der_wants_them() {
        assert_eq!(integer(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(integer(&[1; 200])[..3], [2, 0x81, 200]);
        assert_eq!(integer(&[1; 300])[..4], [2, 0x82, 1, 44]);
    }

    #[test]
    fn a_point_is_read_with_and_without_its_octet_string() {
        let curve = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let point = [&[4][..], &[0x55; 64]].concat();
        let wrapped = tlv(4, &[&point]);
        assert_eq!(ec_spki(&curve, &point), ec_spki(&curve, &wrapped));
        assert_eq!(ec_spki(&curve, &point).len(), 91);
    }

    #[test]
    fn a_signature_of_odd_length_is_refused() {
        assert!(matches!(ecdsa_der(&[1; 63]), Err(ModuleError::Signature { found: 63 })));
        assert!(matches!(ecdsa_der(&[]), Err(ModuleError::Signature { found: 0 })));
        assert_eq!(ecdsa_der(&[1, 0x80]).unwrap(), [0x30, 7, 2, 1, 1, 2, 2, 0, 0x80]);
    }
}
