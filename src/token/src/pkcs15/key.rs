//! EF C4xx: the description of a private key, without which OpenSC does not show it.

use core::fmt;

use super::{
    CkaId, KeyUsage, Label, Pkcs15Error,
    value::{
        BIT_STRING, BOOLEAN, INTEGER, OCTET_STRING, ObjectAttributes, SEQUENCE, SUBCLASS, TYPE, UTF8_STRING, flags,
        integer, push_flags, push_integer,
    },
};
use crate::{
    cvc::PublicKey,
    object::KeyId,
    tlv::{self, Reader},
};

/// PrivateECKey, `[0]`.
const EC_KEY: u16 = 0xa0;
/// CardContact's description of an AES key, `[8]`.
const AES_KEY: u16 = 0xa8;

/// EF C4xx, PrKD, as its writer wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// The name that people use for the key.
    pub label: Option<Label>,
    /// CKA_ID: it ties the key to its certificate.
    pub id: CkaId,
    /// The operations that PKCS#11 programs may do with the key.
    pub usage: KeyUsage,
    /// The key's number as the writer saw it. Only the file's own number counts: a description that was restored under
    /// another number keeps the old number here.
    pub reference: Option<KeyId>,
    /// DER Name of the certificate's subject, once there was a certificate.
    pub subject: Option<Vec<u8>>,
    /// The kind of the key.
    pub kind: KeyKind,
    /// Size in bits; of an elliptic curve's field.
    pub bits: Option<u16>,
}

/// Kinds of keys that descriptions tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// AES; shown, not driven.
    Aes,
    /// Elliptic curve.
    Ec,
    /// RSA.
    Rsa,
    /// Any other, by its tag; shown, not driven.
    Other(u16),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aes => f.write_str("AES"),
            Self::Ec => f.write_str("EC"),
            Self::Rsa => f.write_str("RSA"),
            Self::Other(tag) => write!(f, "unknown kind {tag:X}"),
        }
    }
}

impl KeyDescription {
    /// Reads EF C4xx.
    ///
    /// Errors: every [`Pkcs15Error`] but [`Pkcs15Error::LabelCharacter`] and [`Pkcs15Error::PathLength`].
    pub fn parse(file: &[u8]) -> Result<Self, Pkcs15Error> {
        let (description, _) = tlv::split(file)?;
        let mut fields = Reader::new(description.value);
        let object = ObjectAttributes::read(&mut fields)?;

        let mut key = Reader::new(fields.expect(SEQUENCE)?.value);
        let id = CkaId::new(key.expect(OCTET_STRING)?.value)?;
        let usage = KeyUsage(flags("key usage", key.expect(BIT_STRING)?.value)?);
        key.accept(BOOLEAN)?; // Whether the card computes with it: every key here.
        key.accept(BIT_STRING)?; // Access flags, which OpenSC sets alike on keys that were made and that were imported.
        let reference = match key.accept(INTEGER)? {
            Some(number) => KeyId::new((integer("key reference", 0xff, number.value)? & 0xff) as u8),
            None => None,
        };

        let subclass = fields.accept(SUBCLASS)?;
        let attributes = match subclass {
            Some(attributes) => Reader::new(attributes.value).accept(SEQUENCE)?,
            None => None,
        };
        let kind = match description.tag {
            SEQUENCE => KeyKind::Rsa,
            EC_KEY => KeyKind::Ec,
            AES_KEY => KeyKind::Aes,
            other => KeyKind::Other(other),
        };
        let (subject, bits) = match (kind, attributes) {
            (KeyKind::Aes, Some(attributes)) => (None, bits(Reader::new(attributes.value))?),
            (KeyKind::Rsa | KeyKind::Ec, attributes) => {
                let subject = match attributes {
                    Some(attributes) => Reader::new(attributes.value).accept(SEQUENCE)?.map(|name| name.raw.to_vec()),
                    None => None,
                };
                let mut value = Reader::new(Reader::new(fields.expect(TYPE)?.value).expect(SEQUENCE)?.value);
                value.expect(SEQUENCE)?; // The path, empty: a key is no file.
                (subject, bits(value)?)
            }
            _ => (None, None),
        };
        Ok(Self { label: object.label, id, usage, reference, subject, kind, bits })
    }
}

fn bits(mut at: Reader<'_>) -> Result<Option<u16>, Pkcs15Error> {
    match at.accept(INTEGER)? {
        Some(number) => integer("key size", u16::MAX, number.value).map(Some),
        None => Ok(None),
    }
}

/// A description to be written, as OpenSC 0.23 writes it when it generates the key or stores its certificate.
#[derive(Clone, Copy, Debug)]
pub struct NewKeyDescription<'a> {
    /// The name that people use for the key.
    pub label: &'a Label,
    /// CKA_ID: it ties the key to its certificate.
    pub id: &'a CkaId,
    /// The key's number on the token.
    pub reference: KeyId,
    /// Its public half, for kind and size.
    pub key: &'a PublicKey,
    /// DER Name of the certificate's subject, if a certificate is stored with it.
    pub subject: Option<&'a [u8]>,
}

impl NewKeyDescription<'_> {
    /// The content of EF C4xx.
    pub fn to_der(&self) -> Vec<u8> {
        let (tag, usage, bits) = match self.key {
            PublicKey::Rsa(key) => {
                (SEQUENCE, KeyUsage::DECRYPT | KeyUsage::SIGN | KeyUsage::SIGN_RECOVER, key.bits() as u16)
            }
            PublicKey::Ec(key) => {
                (EC_KEY, KeyUsage::SIGN | KeyUsage::SIGN_RECOVER | KeyUsage::DERIVE, key.curve().bits())
            }
        };
        let mut object = tlv::element(UTF8_STRING, self.label.as_str().as_bytes());
        push_flags(&mut object, PRIVATE_MODIFIABLE);
        tlv::push(&mut object, OCTET_STRING, &[USER_PIN]);
        let mut key = tlv::element(OCTET_STRING, self.id.as_bytes());
        push_flags(&mut key, usage.0);
        if self.subject.is_some() {
            push_flags(&mut key, ACCESS);
        }
        push_integer(&mut key, u16::from(self.reference.get()));
        let mut value = tlv::element(SEQUENCE, &tlv::element(OCTET_STRING, &[]));
        push_integer(&mut value, bits);

        let mut description = tlv::element(SEQUENCE, &object);
        tlv::push(&mut description, SEQUENCE, &key);
        if let Some(subject) = self.subject {
            tlv::push(&mut description, SUBCLASS, &tlv::element(SEQUENCE, subject));
        }
        tlv::push(&mut description, TYPE, &tlv::element(SEQUENCE, &value));
        tlv::element(tag, &description)
    }
}

/// CommonObjectFlags `private` and `modifiable`.
const PRIVATE_MODIFIABLE: u16 = 0xc000;
/// The authentication object OpenSC makes of the user PIN.
const USER_PIN: u8 = 1;
/// KeyAccessFlags `sensitive`, `alwaysSensitive`, `neverExtractable`, `local`.
const ACCESS: u16 = 0xb800;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        curve::Curve,
        cvc::{
            EcKey, RsaKey,
            testing::{set, without},
        },
    };

    macro_rules! vector {
        ($name:literal) => {
            include_bytes!(concat!("../../../../tests/vectors/token/pkcs15/prkd-", $name, ".der"))
        };
    }
    const RSA: &[u8] = vector!("rsa2048-keygen-opensc0.23");
    const RSA_MASTER: &[u8] = vector!("rsa2048-keygen-opensc-master");
    const RSA_CERT: &[u8] = vector!("rsa2048-aftercert-opensc0.23");
    const EC: &[u8] = vector!("ec-p256-keygen-opensc0.23");
    const EC_MASTER: &[u8] = vector!("ec-p256-keygen-opensc-master");
    const EC_CERT: &[u8] = vector!("ec-p256-aftercert-opensc0.23");

    fn rsa() -> PublicKey {
        PublicKey::Rsa(RsaKey::new(&[0xff; 256], &[1, 0, 1]).unwrap())
    }

    fn ec(curve: Curve) -> PublicKey {
        PublicKey::Ec(EcKey::new(curve, curve.domain().generator).unwrap())
    }

    /// `SEQUENCE { SET { SEQUENCE { commonName, text } } }`
    fn name(text: &str) -> Vec<u8> {
        let mut attribute = tlv::element(6, &[0x55, 4, 3]);
        tlv::push(&mut attribute, 0x0c, text.as_bytes());
        tlv::element(0x30, &tlv::element(0x31, &tlv::element(0x30, &attribute)))
    }

    #[test]
    fn written_as_opensc_writes_it_at_key_generation_and_with_a_certificate() {
        #[track_caller]
        fn check(label: &str, id: u8, reference: u8, key: &PublicKey, subject: Option<&str>, want: &[u8]) {
            let (label, id, subject) = (Label::new(label).unwrap(), CkaId::new(&[id]).unwrap(), subject.map(name));
            let subject = subject.as_deref();
            let reference = KeyId::new(reference).unwrap();
            let new = NewKeyDescription { label: &label, id: &id, reference, key, subject };
            assert_eq!(new.to_der(), want);
        }
        check("RSA Vector Key", 0x10, 1, &rsa(), None, RSA);
        check("EC Vector Key", 0x11, 2, &ec(Curve::P256), None, EC);
        check("RSA Vector Cert", 0x10, 1, &rsa(), Some("rsa vector cert"), RSA_CERT);
        check("EC Vector Cert", 0x11, 2, &ec(Curve::P256), Some("ec vector cert"), EC_CERT);
    }

    #[test]
    fn what_is_written_reads_back() {
        let (label, id) = (Label::new(&"x".repeat(254)).unwrap(), CkaId::new(&[0xab; 255]).unwrap());
        let subject = name("subject");
        for (reference, key, kind, bits) in [
            (1, ec(Curve::P521), KeyKind::Ec, 521),
            (127, ec(Curve::P384), KeyKind::Ec, 384),
            (128, ec(Curve::BrainpoolP256r1), KeyKind::Ec, 256),
            (129, ec(Curve::BrainpoolP384r1), KeyKind::Ec, 384),
            (255, rsa(), KeyKind::Rsa, 2048),
        ] {
            let reference = KeyId::new(reference).unwrap();
            for subject in [None, Some(subject.as_slice())] {
                let new = NewKeyDescription { label: &label, id: &id, reference, key: &key, subject };
                let read = KeyDescription::parse(&new.to_der()).unwrap();
                assert_eq!((read.label.as_ref(), &read.id, read.reference), (Some(&label), &id, Some(reference)));
                assert_eq!((read.subject.as_deref(), read.kind, read.bits), (subject, kind, Some(bits)));
            }
        }
    }

    #[test]
    fn every_writer_is_read() {
        #[track_caller]
        fn check(bytes: &[u8], want: &str) {
            let KeyDescription { label, id, usage, reference, subject, kind, bits } =
                KeyDescription::parse(bytes).unwrap();
            let (label, subject) = (label.unwrap(), subject.map(|name| name.len()));
            let reference = reference.map(KeyId::get);
            assert_eq!(format!("{kind} {bits:?} '{label}' {id} {reference:?} {subject:?}: {usage}"), want);
        }
        check(RSA, "RSA Some(2048) 'RSA Vector Key' 10 Some(1) None: decrypt, sign, sign recover");
        check(RSA_MASTER, "RSA Some(2048) 'RSA Vector Key' 10 Some(1) None: decrypt, sign, sign recover");
        check(RSA_CERT, "RSA Some(2048) 'RSA Vector Cert' 10 Some(1) Some(28): decrypt, sign, sign recover");
        check(EC, "EC Some(256) 'EC Vector Key' 11 Some(2) None: sign, sign recover, derive");
        check(EC_MASTER, "EC Some(256) 'EC Vector Key' 11 Some(2) None: sign, sign recover, derive");
        check(EC_CERT, "EC Some(256) 'EC Vector Cert' 11 Some(2) Some(27): sign, sign recover, derive");
        check(&card_contact_rsa(), "RSA Some(4096) 'key' 0102 None None: decrypt, sign, sign recover, unwrap");
        check(&card_contact_ec(), "EC Some(521) 'key' 0102 None None: sign, derive");
        check(&card_contact_aes(), "AES Some(256) 'key' 0102 None None: encrypt, decrypt");
        check(&[&[0xa3], &card_contact_ec()[1..]].concat(), "unknown kind A3 None 'key' 0102 None None: sign, derive");
    }

    /// The shorter forms of CardContact's card service.
    fn card_contact(tag: u16, usage: &[u8], rest: &[&[u8]]) -> Vec<u8> {
        let label = tlv::element(0x30, &tlv::element(0x0c, b"key"));
        let common = tlv::element(0x30, &[&[4, 2, 1, 2], tlv::element(3, usage).as_slice()].concat());
        tlv::element(tag, &[&label, &common, rest.concat().as_slice()].concat())
    }

    fn card_contact_rsa() -> Vec<u8> {
        card_contact(0x30, &[2, 0x74], &[b"\xa1\x0a\x30\x08\x30\x02\x04\x00\x02\x02\x10\x00"])
    }

    fn card_contact_ec() -> Vec<u8> {
        card_contact(0xa0, &[7, 0x20, 0x80], &[b"\xa1\x0a\x30\x08\x30\x02\x04\x00\x02\x02\x02\x09"])
    }

    fn card_contact_aes() -> Vec<u8> {
        let (size, path) = (b"\xa0\x06\x30\x04\x02\x02\x01\x00", b"\xa1\x06\x30\x04\x30\x02\x04\x00");
        card_contact(0xa8, &[7, 0xc0, 0x10], &[size, path])
    }

    #[test]
    fn the_description_in_a_wrap_file_is_read() {
        const FILES: [(&[u8], &str); 2] = [
            (include_bytes!("../../../../tests/vectors/token/wrapfile/ec-p256-with-cert.bin"), "EC Vector Cert"),
            (include_bytes!("../../../../tests/vectors/token/wrapfile/rsa2048-with-cert.bin"), "RSA Vector Cert"),
        ];
        for (file, label) in FILES {
            let mut parts = Reader::new(tlv::whole(file, 0x30).unwrap().value);
            parts.expect(0x04).unwrap();
            let description = KeyDescription::parse(parts.rest()).unwrap();
            assert_eq!(description.label.unwrap().as_str(), label);
        }
    }

    #[test]
    fn what_follows_a_description_in_its_file_is_left_alone() {
        let longer = [EC, &RSA_CERT[EC.len()..]].concat();
        assert_eq!(KeyDescription::parse(&longer), KeyDescription::parse(EC));
    }

    #[test]
    fn a_key_without_a_label_has_none() {
        let unnamed = without(&card_contact_rsa(), &[0x30, 0x30, 0x0c]);
        assert_eq!(KeyDescription::parse(&unnamed).unwrap().label, None);
    }

    #[test]
    fn a_description_with_one_defect_is_refused_by_name() {
        #[track_caller]
        fn check(defect: &str, bytes: &[u8], says: &str) {
            assert_eq!(KeyDescription::parse(bytes).unwrap_err().to_string(), says, "{defect}");
        }
        // The second SEQUENCE of an EC description: the key's own attributes.
        let key = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
            let (object, rest) = tlv::split(tlv::split(EC).unwrap().0.value).unwrap();
            let (key, rest) = tlv::split(rest).unwrap();
            tlv::element(0xa0, &[object.raw, &tlv::element(0x30, &change(key.value)), rest].concat())
        };
        let size = [0xa0, 0xa1, 0x30, 0x02];
        check("empty", &[], "data ends inside an element: 1 more bytes expected");
        check("truncated", &EC[..50], "data ends inside an element: 1 more bytes expected");
        check("attributes_missing", &[0x30, 0], "expected element 30, found the end of the data");
        check("id_missing", &key(&|value| value[3..].to_vec()), "expected element 4, found 3");
        check("id_empty", &key(&|value| set(value, &[4], &[])), "CKA_ID of 0 bytes, expected 1 to 255");
        check("id_of_256_bytes", &key(&|value| set(value, &[4], &[1; 256])), "CKA_ID of 256 bytes, expected 1 to 255");
        check("usage_missing", &key(&|value| without(value, &[3])), "expected element 3, found 2");
        check(
            "usage_8_bits_unused",
            &key(&|value| set(value, &[3], &[8, 0x30])),
            "key usage is the BIT STRING 0830, expected a first byte of 00 to 07",
        );
        check(
            "reference_negative",
            &key(&|value| set(value, &[2], &[0x80])),
            "key reference is the INTEGER 80, expected 0 to 255",
        );
        check(
            "reference_256",
            &key(&|value| set(value, &[2], &[1, 0])),
            "key reference is the INTEGER 0100, expected 0 to 255",
        );
        check(
            "label_of_255_bytes",
            &set(EC, &[0xa0, 0x30, 0x0c], &[b'a'; 255]),
            "label of 255 bytes, expected 1 to 254",
        );
        check("path_missing", &without(EC, &[0xa0, 0xa1, 0x30, 0x30]), "expected element 30, found 2");
        check("size_negative", &set(EC, &size, &[0xff]), "key size is the INTEGER FF, expected 0 to 65535");
        check("size_empty", &set(EC, &size, &[]), "key size is the INTEGER , expected 0 to 65535");
        check("size_of_5_bytes", &set(EC, &size, &[1; 5]), "key size is the INTEGER 0101010101, expected 0 to 65535");
        check("type_missing", &without(EC, &[0xa0, 0xa1]), "expected element A1, found the end of the data");
    }

    #[test]
    fn no_prefix_of_a_description_is_read_and_no_bit_of_it_breaks_the_reader() {
        for file in [RSA_CERT, EC_CERT, &card_contact_aes()] {
            for len in 0..file.len() {
                assert!(KeyDescription::parse(&file[..len]).is_err(), "{len}");
            }
            for at in 0..8 * file.len() {
                let mut bytes = file.to_vec();
                bytes[at / 8] ^= 1 << (at % 8);
                // It may be another description; it must be an answer.
                let _ = KeyDescription::parse(&bytes);
            }
        }
    }
}
