//! Key attestation: the authenticated request a token answers to key generation.
//!
//! The token signs the request of every key it makes with its device key, and leaves it in the key's certificate file.
//! It cannot make one for a key that was brought in.
//! Source: TR-03110-3 Annex C.2 (authenticated requests); both signatures checked on bytes of a Nitrokey HSM 2,
//! firmware 4.1.

use core::marker::PhantomData;

use thiserror::Error;

use crate::{
    cvc::{
        Cvc, CvcError, Device, Name, NameError, PublicKey, RootKind, SignatureError,
        field::{CAR, CVC, SIGNATURE},
    },
    tlv::{self, Reader, TlvError},
};

/// Authenticated request, `67 { 7F21 request, 42 outer CAR, 5F37 outer signature }`.
const AUTHENTICATED_REQUEST: u16 = 0x67;
/// A DER SEQUENCE: an X.509 certificate.
const SEQUENCE: u16 = 0x30;

/// A key was generated in a token of kind `R` and its private half was there at that moment.
///
/// It does not say when: [`BirthProof::generated_as`] ties it to a name that no person could know before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BirthProof<R: RootKind> {
    device: Name,
    key: PublicKey,
    car: Name,
    chr: Name,
    kind: PhantomData<R>,
}

/// Why bytes do not attest a key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AttestError {
    /// The file holds an X.509 certificate: storing one replaces the attestation.
    #[error("no attestation: an X.509 certificate is in its place")]
    Certificate,
    /// The file holds a request or certificate without the device's signature.
    #[error("no attestation: a card-verifiable certificate without the device's signature is in its place")]
    Unauthenticated,
    /// There is nothing.
    #[error("no attestation: the file is empty")]
    Empty,
    /// Not the elements an attestation has.
    #[error("attestation: {0}")]
    Encoding(#[from] TlvError),
    /// The request inside.
    #[error("request: {0}")]
    Request(#[from] CvcError),
    /// The request inside has a role and a period: it is a certificate.
    #[error("request: it is the certificate of {chr}, expected a request without role and period")]
    NotARequest {
        /// Its holder.
        chr: Name,
    },
    /// The name of the device that signed.
    #[error("outer CAR: {0}")]
    OuterName(#[from] NameError),
    /// Another device signed it, or says so.
    #[error("made by {found}, expected {expected}")]
    OtherDevice {
        /// The device it is checked against.
        expected: Name,
        /// The device it names.
        found: Name,
    },
    /// The device key did not sign it: it was altered or made up.
    #[error("device signature: {0}")]
    OuterSignature(#[source] SignatureError),
    /// The new key did not sign it: the maker of the request did not have that key.
    #[error("signature of the new key: {0}")]
    InnerSignature(#[source] SignatureError),
    /// A request made for another purpose or at another time.
    #[error("generated under the name {found}, expected {expected}: it is not of this generation")]
    OtherGeneration {
        /// The inner CAR this generation was given.
        expected: Name,
        /// The inner CAR in the request.
        found: Name,
    },
}

impl<R: RootKind> BirthProof<R> {
    /// Reads the answer of a token to key generation, or the content of EF CExx, and checks both signatures.
    ///
    /// Errors: every [`AttestError`] but [`AttestError::OtherGeneration`].
    pub fn verify(attestation: &[u8], device: &Device<R>) -> Result<Self, AttestError> {
        match Reader::new(attestation).peek()? {
            None => return Err(AttestError::Empty),
            Some(SEQUENCE) => return Err(AttestError::Certificate),
            Some(CVC) => return Err(AttestError::Unauthenticated),
            Some(_) => {}
        }
        let mut parts = Reader::new(tlv::whole(attestation, AUTHENTICATED_REQUEST)?.value);
        let (inner, outer_car) = (parts.expect(CVC)?, parts.expect(CAR)?);
        let outer_signature = parts.expect(SIGNATURE)?.value;
        parts.finish()?;

        let found = Name::parse(outer_car.value)?;
        if found != device.chr() {
            return Err(AttestError::OtherDevice { expected: device.chr(), found });
        }
        let signed = [inner.raw, outer_car.raw].concat();
        device.key().verify(&signed, outer_signature).map_err(AttestError::OuterSignature)?;

        let request = Cvc::parse(inner.raw)?;
        if request.terms.is_some() {
            return Err(AttestError::NotARequest { chr: request.chr });
        }
        let key = request.key(None)?;
        request.verify(&key).map_err(AttestError::InnerSignature)?;
        Ok(Self { device: found, key, car: request.car, chr: request.chr, kind: PhantomData })
    }

    /// The token the key was generated in.
    pub fn device(&self) -> Name {
        self.device
    }

    /// The public half.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The inner CAR, chosen by the caller that asked for the key.
    pub fn car(&self) -> Name {
        self.car
    }

    /// The inner CHR, chosen by the caller that asked for the key.
    pub fn chr(&self) -> Name {
        self.chr
    }

    /// Whether it is the generation that was given this inner CAR. With [`Name::bound`] no earlier attestation can be.
    ///
    /// Errors: [`AttestError::OtherGeneration`].
    pub fn generated_as(&self, car: &Name) -> Result<(), AttestError> {
        if self.car == *car { Ok(()) } else { Err(AttestError::OtherGeneration { expected: *car, found: self.car }) }
    }
}

/// For tests: a request with the device's signature around it, as a token answers it. `sign` gets request and outer
/// CAR.
#[cfg(test)]
pub(crate) fn authenticated(request: &[u8], device: &Name, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut parts = request.to_vec();
    tlv::push(&mut parts, CAR, device.as_str().as_bytes());
    let signature = sign(&parts);
    tlv::push(&mut parts, SIGNATURE, &signature);
    tlv::element(AUTHENTICATED_REQUEST, &parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cvc::{
        DeviceChain, Production, Simulated, Unsigned,
        testing::{DEVICE, ISSUER, REAL_ATTESTATION, REAL_CHAIN, SIM_CHAIN, SIM_EC, SIM_RSA, edit, flipped, set, sign},
    };

    fn device<R: RootKind>(chain: &[u8]) -> Device<R> {
        DeviceChain::parse(chain).unwrap().verify().unwrap()
    }

    fn name(text: &str) -> Name {
        Name::parse(text.as_bytes()).unwrap()
    }

    /// The request inside an attestation.
    fn inner(attestation: &[u8]) -> &[u8] {
        tlv::split(tlv::whole(attestation, 0x67).unwrap().value).unwrap().0.raw
    }

    #[test]
    fn a_real_nitrokey_attests_the_key_it_made() {
        let proof = BirthProof::verify(REAL_ATTESTATION, &device::<Production>(REAL_CHAIN)).unwrap();
        assert_eq!(proof.device().as_str(), "DENK040414400000");
        assert_eq!(proof.key().kind(), "secp256k1");
        assert_eq!((proof.car(), proof.chr().as_str()), (Name::OPENSC_CAR, "DENK040414400001"));
    }

    #[test]
    fn a_simulated_token_attests_elliptic_curve_and_rsa_keys() {
        let device = device::<Simulated>(SIM_CHAIN);
        assert_eq!(BirthProof::verify(SIM_EC, &device).unwrap().key().kind(), "P-256");
        assert_eq!(BirthProof::verify(SIM_RSA, &device).unwrap().key().kind(), "RSA-2048");
    }

    #[test]
    fn a_proof_is_of_the_generation_that_was_given_its_name() {
        let device = device::<Simulated>(SIM_CHAIN);
        let (head, earlier) = (Name::bound(&[7; 10]), Name::bound(&[8; 10]));
        let old = BirthProof::verify(SIM_EC, &device).unwrap();
        let unsigned = Unsigned { car: head, key: old.key(), chr: device.chr().of_first_key(), terms: None };
        assert_eq!(old.generated_as(&Name::OPENSC_CAR), Ok(()));
        assert_eq!(
            old.generated_as(&head),
            Err(AttestError::OtherGeneration { expected: head, found: Name::OPENSC_CAR })
        );
        // A key on the device's own curve, so that the published key can sign the request as well.
        let unsigned = Unsigned { key: device.key(), ..unsigned };
        let request = unsigned.signed(|body| sign(&DEVICE, body));
        let attestation = authenticated(&request, &device.chr(), |request| sign(&DEVICE, request));
        let proof = BirthProof::verify(&attestation, &device).unwrap();
        assert_eq!((proof.generated_as(&head), proof.key()), (Ok(()), device.key()));
        assert_eq!(proof.generated_as(&earlier), Err(AttestError::OtherGeneration { expected: earlier, found: head }));
    }

    #[test]
    fn the_writer_makes_the_bytes_that_are_on_the_token() {
        let request = inner(REAL_ATTESTATION);
        let read = Cvc::parse(request).unwrap();
        let key = read.key(None).unwrap();
        let end = |bytes: &[u8]| bytes[bytes.len() - 64..].to_vec();
        let unsigned = Unsigned { car: read.car, key: &key, chr: read.chr, terms: None };
        let written = unsigned.signed(|_| end(request));
        assert_eq!(authenticated(&written, &name("DENK040414400000"), |_| end(REAL_ATTESTATION)), REAL_ATTESTATION);
    }

    #[test]
    fn an_attestation_with_one_defect_is_refused_by_name() {
        let device = device::<Simulated>(SIM_CHAIN);
        let resigned = |attestation: &[u8]| authenticated(inner(attestation), &device.chr(), |m| sign(&DEVICE, m));
        let in_body = |tag| [0x67, 0x7f21, 0x7f4e, tag];
        let point = [0x67, 0x7f21, 0x7f4e, 0x7f49, 0x86];
        let (outer, inner_signature) = ([0x67, 0x5f37], [0x67, 0x7f21, 0x5f37]);
        let wrong = "the signature is not this key's over these bytes";
        let (by_device, by_key) = (format!("device signature: {wrong}"), format!("signature of the new key: {wrong}"));
        let other_device = authenticated(inner(SIM_EC), &name("ZZNK000000200000"), |m| sign(&DEVICE, m));
        let counterfeit = authenticated(inner(SIM_EC), &device.chr(), |m| sign(&ISSUER, m));
        let domain_lost = edit(SIM_EC, &[0x67, 0x7f21, 0x7f4e, 0x7f49], &|raw| {
            let key = tlv::split(raw).unwrap().0.value;
            let point = key.len() - 3 - 67;
            tlv::element(0x7f49, &[&key[..12], &key[point..point + 67]].concat())
        });
        let certificate = {
            let (certificate, _) = tlv::split(SIM_CHAIN).unwrap();
            authenticated(certificate.raw, &device.chr(), |m| sign(&DEVICE, m))
        };
        let table: &[(&str, Vec<u8>, &str)] = &[
            ("empty", vec![], "no attestation: the file is empty"),
            ("x509_certificate", vec![0x30, 0x01, 0x00], "no attestation: an X.509 certificate is in its place"),
            (
                "bare_request",
                inner(SIM_EC).to_vec(),
                "no attestation: a card-verifiable certificate without the device's signature is in its place",
            ),
            ("other_element", vec![0x04, 0], "attestation: expected element 67, found 4"),
            ("truncated", SIM_EC[..489].to_vec(), "attestation: data ends inside an element: 1 more bytes expected"),
            ("trailing_byte", [SIM_EC, &[0]].concat(), "attestation: 1 bytes follow the element, expected none"),
            (
                "device_signature_missing",
                edit(SIM_EC, &outer, &|_| vec![]),
                "attestation: expected element 5F37, found the end of the data",
            ),
            (
                "element_after_the_signature",
                edit(SIM_EC, &outer, &|raw| [raw, &[0x42, 0]].concat()),
                "attestation: 2 bytes follow the element, expected none",
            ),
            (
                "outer_car_short",
                set(SIM_EC, &[0x67, 0x42], b"ZZNK"),
                "outer CAR: name of 4 characters, expected 8 to 16",
            ),
            ("of_another_device", other_device, "made by ZZNK000000200000, expected ZZNK000000100000"),
            ("device_key_not_the_certificates", counterfeit, &by_device),
            ("device_signature_bit_flipped", flipped(SIM_EC, &outer), &by_device),
            (
                "device_signature_short",
                edit(SIM_EC, &outer, &|raw| tlv::element(0x5f37, &raw[4..])),
                "device signature: signature of 63 bytes, expected 64",
            ),
            ("inner_car_bit_flipped", flipped(SIM_EC, &in_body(0x42)), &by_device),
            ("key_bit_flipped", flipped(SIM_EC, &point), &by_device),
            ("inner_signature_bit_flipped", flipped(SIM_EC, &inner_signature), &by_device),
            ("inner_signature_bit_flipped_and_countersigned", resigned(&flipped(SIM_EC, &inner_signature)), &by_key),
            ("inner_chr_bit_flipped_and_countersigned", resigned(&flipped(SIM_EC, &in_body(0x5f20))), &by_key),
            ("rsa_signature_bit_flipped_and_countersigned", resigned(&flipped(SIM_RSA, &inner_signature)), &by_key),
            (
                "point_not_on_curve_and_countersigned",
                resigned(&flipped(SIM_EC, &point)),
                "request: the point is not on P-256",
            ),
            (
                "rsa_exponent_1_and_countersigned",
                resigned(&set(SIM_RSA, &[0x67, 0x7f21, 0x7f4e, 0x7f49, 0x82], &[1])),
                "request: RSA public exponent is 1, expected odd, 3 to 2^33 - 1",
            ),
            (
                "domain_parameters_left_out_and_countersigned",
                resigned(&domain_lost),
                "request: a point without its curve, expected domain parameters 81 to 85 and 87",
            ),
            (
                "device_certificate_countersigned",
                certificate,
                "request: it is the certificate of ZZNK000000100000, expected a request without role and period",
            ),
        ];
        for (defect, bytes, says) in table {
            match BirthProof::verify(bytes, &device) {
                Ok(_) => panic!("{defect}: accepted"),
                Err(error) => assert_eq!(error.to_string(), *says, "{defect}"),
            }
        }
    }

    #[test]
    fn no_single_bit_of_a_real_attestation_may_change() {
        let device = device::<Production>(REAL_CHAIN);
        for at in 0..8 * REAL_ATTESTATION.len() {
            let mut bytes = REAL_ATTESTATION.to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            assert!(BirthProof::verify(&bytes, &device).is_err(), "bit {at}");
        }
    }
}
