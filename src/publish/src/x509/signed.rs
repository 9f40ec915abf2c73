//! From a profile and a key to bytes to be signed, and with the signature to the finished document.

use core::marker::PhantomData;

use der::asn1::{Any, AnyRef, BitStringRef, ObjectIdentifier};
use der::flagset::FlagSet;
use der::{Decode, Document, Encode, Sequence};
use ecdsa::signature::Keypair;
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use thiserror::Error;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::request::RequestBuilder;
use x509_cert::time::Validity;

use super::profile::{CertificateProfile, Purpose, RequestProfile, SerialNumber};
use crate::digest::Digest;
use crate::key::{KeyKind, PublicKey};
use crate::pem::pem;
use crate::signature::{Hash, Scheme, SignatureError};

/// An X.509 certificate, as the form of a [`ToBeSigned`] or a [`Signed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {}

/// A PKCS#10 request, as the form of a [`ToBeSigned`] or a [`Signed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {}

/// The two forms of signed document.
pub trait Form {
    /// The name of the form in PEM.
    const LABEL: &'static str;
}

impl Form for Certificate {
    const LABEL: &'static str = "CERTIFICATE";
}

impl Form for Request {
    const LABEL: &'static str = "CERTIFICATE REQUEST";
}

/// The bytes a token is asked to sign, with the key and the scheme that check its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBeSigned<F> {
    bytes: Vec<u8>,
    key: PublicKey,
    scheme: Scheme,
    form: PhantomData<F>,
}

impl CertificateProfile {
    /// Reads a certificate that was made by this profile for `key`, whatever its serial number.
    ///
    /// Errors: [`BuildError::Encoding`] if it is none, [`BuildError::Signature`] if `key` did not sign it,
    /// [`BuildError::OtherProfile`] if anything in it is not as the profile says.
    pub fn read(&self, key: &PublicKey, der: &[u8]) -> Result<Signed<Certificate>, BuildError> {
        let parts = SignedParts::from_der(der)?;
        let read = x509_cert::Certificate::from_der(der)?;
        let number = read.tbs_certificate().serial_number().as_bytes();
        let number = number.try_into().map_err(|_| BuildError::OtherProfile { part: "serial number" })?;
        let to_be_signed = self.to_be_signed(key, SerialNumber::from_random(number))?;
        if parts.to_be_signed.to_der()? != to_be_signed.bytes {
            return Err(BuildError::OtherProfile { part: "content" });
        }
        let signed = to_be_signed.assemble(parts.signature.raw_bytes())?;
        if signed.der == der { Ok(signed) } else { Err(BuildError::OtherProfile { part: "signature algorithm" }) }
    }

    /// The certificate's bytes to be signed by `key` itself.
    ///
    /// Errors: `key` is not of the profile's kind.
    pub fn to_be_signed(&self, key: &PublicKey, serial: SerialNumber) -> Result<ToBeSigned<Certificate>, BuildError> {
        let RequestProfile { purpose, scheme, subject, kind } = &self.request;
        let signer = Elsewhere::new(key, *scheme)?;
        let profile = Extensions { purpose: *purpose, name: subject.name(*kind)? };
        let serial = x509_cert::serial_number::SerialNumber::new(serial.bytes())?;
        let validity = Validity::new(self.not_before.date_time().into(), self.not_after.date_time().into());
        let info = SubjectPublicKeyInfoOwned::from_der(key.spki_der())?;
        let bytes = CertificateBuilder::new(profile, serial, validity, info)?.finalize(&signer)?;
        Ok(ToBeSigned { bytes, key: key.clone(), scheme: *scheme, form: PhantomData })
    }
}

impl RequestProfile {
    /// The request's bytes to be signed by `key`.
    ///
    /// Errors: `key` is not of the profile's kind.
    pub fn to_be_signed(&self, key: &PublicKey) -> Result<ToBeSigned<Request>, BuildError> {
        let signer = Elsewhere::new(key, self.scheme)?;
        let mut builder = RequestBuilder::new(self.subject.name(self.kind)?)?;
        let (constraints, usage) = constraints_and_usage(self.purpose);
        builder.add_extension(&constraints)?;
        builder.add_extension(&usage)?;
        let bytes = builder.finalize(&signer)?;
        Ok(ToBeSigned { bytes, key: key.clone(), scheme: self.scheme, form: PhantomData })
    }
}

impl<F> ToBeSigned<F> {
    /// The bytes: DER of TBSCertificate or CertificationRequestInfo.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How they are to be signed.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Puts the signature in.
    ///
    /// Shape: of `signature`, see [`Scheme::verify`].
    ///
    /// Errors: the signature is not the key's over these bytes.
    pub fn assemble(&self, signature: &[u8]) -> Result<Signed<F>, BuildError> {
        self.scheme.verify(&self.key, &self.bytes, signature)?;
        let parts = SignedParts {
            to_be_signed: AnyRef::from_der(&self.bytes)?,
            algorithm: algorithm_identifier(self.scheme),
            signature: BitStringRef::from_bytes(signature)?,
        };
        Ok(Signed { der: parts.to_der()?, form: PhantomData })
    }
}

/// Certificate and CertificationRequest have the same three parts.
#[derive(Sequence)]
struct SignedParts<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

/// A finished document with a verified signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<F> {
    der: Vec<u8>,
    form: PhantomData<F>,
}

impl<F: Form> Signed<F> {
    /// DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// PEM.
    pub fn pem(&self) -> String {
        pem(F::LABEL, &self.der)
    }

    /// SHA-256 of the DER: the fingerprint people compare.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.der)
    }
}

/// Name of a scheme in certificates and requests (RFC 4055 §5, RFC 5758 §3.2).
fn algorithm_identifier(scheme: Scheme) -> AlgorithmIdentifierOwned {
    let rsa = matches!(scheme.key(), KeyKind::Rsa { .. });
    let oid = match (rsa, scheme.hash()) {
        (true, Hash::Sha256) => ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11"),
        (true, Hash::Sha384) => ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12"),
        (true, Hash::Sha512) => ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13"),
        (false, Hash::Sha256) => ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"),
        (false, Hash::Sha384) => ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3"),
        (false, Hash::Sha512) => ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4"),
    };
    AlgorithmIdentifierOwned { oid, parameters: rsa.then(Any::null) }
}

/// Stands where the builder expects a signer: knows the public key and the algorithm, and cannot sign.
struct Elsewhere<'a> {
    key: &'a PublicKey,
    scheme: Scheme,
}

impl<'a> Elsewhere<'a> {
    fn new(key: &'a PublicKey, scheme: Scheme) -> Result<Self, SignatureError> {
        if key.kind() == scheme.key() {
            Ok(Self { key, scheme })
        } else {
            Err(SignatureError::KeyKind { expected: scheme.key(), found: key.kind() })
        }
    }
}

impl Keypair for Elsewhere<'_> {
    type VerifyingKey = Spki;

    fn verifying_key(&self) -> Spki {
        Spki(self.key.spki_der().to_vec())
    }
}

impl DynSignatureAlgorithmIdentifier for Elsewhere<'_> {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        Ok(algorithm_identifier(self.scheme))
    }
}

#[derive(Clone)]
struct Spki(Vec<u8>);

impl EncodePublicKey for Spki {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Ok(Document::from_der(&self.0)?)
    }
}

/// The extensions, as the certificate builder asks for them.
struct Extensions {
    purpose: Purpose,
    name: Name,
}

impl BuilderProfile for Extensions {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let (constraints, usage) = constraints_and_usage(self.purpose);
        let subject_key = SubjectKeyIdentifier::try_from(key)?;
        let authority_key = AuthorityKeyIdentifier::try_from(issuer_key)?;
        Ok(vec![
            constraints.to_extension(&self.name, &[])?,
            usage.to_extension(&self.name, &[])?,
            subject_key.to_extension(&self.name, &[])?,
            authority_key.to_extension(&self.name, &[])?,
        ])
    }
}

fn constraints_and_usage(purpose: Purpose) -> (BasicConstraints, KeyUsage) {
    let (ca, path_len_constraint, usage): (_, _, FlagSet<KeyUsages>) = match purpose {
        Purpose::MetadataSigning | Purpose::SamlSigning | Purpose::DnssecHolder(_) => {
            (false, None, KeyUsages::DigitalSignature.into())
        }
        Purpose::RootCa { path_len } => (true, path_len, KeyUsages::KeyCertSign | KeyUsages::CRLSign),
    };
    (BasicConstraints { ca, path_len_constraint }, KeyUsage(usage))
}

/// Why a document could not be built or finished.
#[derive(Debug, Error)]
pub enum BuildError {
    /// The key or the signature does not fit the profile.
    #[error("certificate or request")]
    Signature {
        /// The fault.
        #[from]
        source: SignatureError,
    },
    /// A certificate that this profile would not give.
    #[error("the certificate's {part} is not what the profile gives")]
    OtherProfile {
        /// Which part.
        part: &'static str,
    },
    /// A part does not encode. No checked profile and key is known to lead here.
    #[error("certificate or request does not encode")]
    Encoding {
        /// The error of the encoder.
        #[source]
        source: builder::Error,
    },
}

impl<E: Into<builder::Error>> From<E> for BuildError {
    fn from(source: E) -> Self {
        Self::Encoding { source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use ecdsa::signature::hazmat::PrehashSigner;
    use p256::ecdsa::{DerSignature, SigningKey};

    use super::*;
    use crate::key::tests::{ec_key, key};
    use crate::statement::Kind;
    use crate::x509::{Subject, SubjectNames, Term, Time};

    fn signer(secret: u8) -> (SigningKey, PublicKey) {
        let signer = SigningKey::from_slice(&[secret; 32]).unwrap();
        let point = signer.verifying_key().to_sec1_point(false);
        (signer, ec_key(KeyKind::P256, point.as_bytes()))
    }

    fn sign(signer: &SigningKey, message: &[u8]) -> Vec<u8> {
        let signature: DerSignature = signer.sign_prehash(&Hash::Sha256.digest(message)).unwrap();
        signature.as_bytes().to_vec()
    }

    fn subject() -> Subject {
        Subject::new(SubjectNames { common_name: "Example", ..SubjectNames::default() }).unwrap()
    }

    fn certificate(purpose: Purpose, term: Term) -> ToBeSigned<Certificate> {
        let profile = CertificateProfile::new(purpose, Scheme::usual(KeyKind::P256), subject(), term).unwrap();
        profile.to_be_signed(&signer(7).1, SerialNumber::from_random([0x11; 16])).unwrap()
    }

    fn term() -> Term {
        let time = |text| Time::parse(text).unwrap();
        Term::Production { not_before: time("2049-12-31T23:59:59Z"), not_after: time("2050-01-01T00:00:00Z") }
    }

    #[test]
    fn a_certificate_is_finished_by_its_own_keys_signature_only() {
        let to_be_signed = certificate(Purpose::SamlSigning, term());
        let good = sign(&signer(7).0, to_be_signed.bytes());
        let parsed = x509_cert::Certificate::from_der(to_be_signed.assemble(&good).unwrap().der()).unwrap();
        assert_eq!(parsed.tbs_certificate().to_der().unwrap(), to_be_signed.bytes());
        assert_eq!(parsed.signature().raw_bytes(), good);
        assert_eq!(parsed.tbs_certificate().signature(), parsed.signature_algorithm());

        let refused = |signature: &[u8]| match to_be_signed.assemble(signature) {
            Err(BuildError::Signature { source }) => source,
            other => panic!("{other:?}"),
        };
        let scheme = Scheme::usual(KeyKind::P256);
        assert_eq!(refused(&sign(&signer(8).0, to_be_signed.bytes())), SignatureError::Wrong { scheme });
        assert_eq!(refused(&sign(&signer(7).0, b"something else")), SignatureError::Wrong { scheme });
        assert_eq!(refused(&good[1..]), SignatureError::Form { key: KeyKind::P256, found: good.len() - 1 });
    }

    #[test]
    fn a_certificate_is_read_back_by_its_own_profile_and_key_only() {
        let profile =
            |purpose| CertificateProfile::new(purpose, Scheme::usual(KeyKind::P256), subject(), term()).unwrap();
        let (saml, key) = (profile(Purpose::SamlSigning), signer(7).1);
        let to_be_signed = certificate(Purpose::SamlSigning, term());
        let der = to_be_signed.assemble(&sign(&signer(7).0, to_be_signed.bytes())).unwrap().der().to_vec();
        assert_eq!(saml.read(&key, &der).unwrap().der(), der);
        let part = |profile: CertificateProfile, key: &PublicKey, der: &[u8]| match profile.read(key, der) {
            Err(BuildError::OtherProfile { part }) => part,
            Err(BuildError::Signature { .. }) => "signed by another",
            Err(BuildError::Encoding { .. }) => "no certificate",
            Ok(_) => "nothing wrong",
        };
        assert_eq!(part(profile(Purpose::RootCa { path_len: None }), &key, &der), "content");
        assert_eq!(part(saml.clone(), &signer(8).1, &der), "content");
        assert_eq!(part(saml.clone(), &key, &der[..der.len() - 1]), "no certificate");
        assert_eq!(part(saml.clone(), &key, &[&der[..], &[0]].concat()), "no certificate");
        let changed = |at: &[u8], to: &[u8]| {
            let place = der.windows(at.len()).rposition(|window| window == at).unwrap();
            [&der[..place], to, &der[place + at.len()..]].concat()
        };
        // The serial number's two top bits; a byte of the signature; the algorithm beside it.
        let serial = [0x51, 0x11, 0x11, 0x11];
        assert_eq!(part(saml.clone(), &key, &changed(&serial, &[0x31, 0x11, 0x11, 0x11])), "content");
        assert_eq!(part(saml.clone(), &key, &changed(&serial, &[0x52, 0x11, 0x11, 0x11])), "signed by another");
        let end = der.len() - 1;
        assert_eq!(part(saml.clone(), &key, &[&der[..end], &[der[end] ^ 1]].concat()), "signed by another");
        let (sha256, sha384) = ([0x3d, 4, 3, 2], [0x3d, 4, 3, 3]);
        assert_eq!(part(saml, &key, &changed(&sha256, &sha384)), "signature algorithm");
    }

    #[test]
    fn a_key_of_another_kind_than_announced_is_refused_before_anything_is_signed() {
        let profile =
            CertificateProfile::new(Purpose::SamlSigning, Scheme::usual(KeyKind::P256), subject(), term()).unwrap();
        let other = profile.to_be_signed(&key("p384"), SerialNumber::from_random([0; 16]));
        let kinds = SignatureError::KeyKind { expected: KeyKind::P256, found: KeyKind::P384 };
        assert!(matches!(&other, Err(BuildError::Signature { source }) if *source == kinds), "{other:?}");
        let request = profile.request.to_be_signed(&key("p384"));
        assert!(matches!(&request, Err(BuildError::Signature { source }) if *source == kinds), "{request:?}");
    }

    #[test]
    fn dates_through_2049_are_utc_time_and_later_ones_generalized_time() {
        let bytes = certificate(Purpose::SamlSigning, term()).bytes().to_vec();
        let validity = b"\x17\x0d491231235959Z\x18\x0f20500101000000Z";
        assert!(bytes.windows(validity.len()).any(|window| window == validity), "{bytes:02x?}");
    }

    #[test]
    fn constraints_and_usage_follow_the_purpose() {
        for (purpose, ca, path_len, usage) in [
            (Purpose::MetadataSigning, false, None, KeyUsages::DigitalSignature.into()),
            (Purpose::SamlSigning, false, None, KeyUsages::DigitalSignature.into()),
            (Purpose::RootCa { path_len: None }, true, None, KeyUsages::KeyCertSign | KeyUsages::CRLSign),
            (Purpose::RootCa { path_len: Some(0) }, true, Some(0), KeyUsages::KeyCertSign | KeyUsages::CRLSign),
        ] {
            let tbs = TbsCertificate::from_der(certificate(purpose, term()).bytes()).unwrap();
            let expected = BasicConstraints { ca, path_len_constraint: path_len };
            assert_eq!(tbs.get_extension().unwrap(), Some((true, expected)));
            assert_eq!(tbs.get_extension().unwrap(), Some((true, KeyUsage(usage))));
            let (critical, subject_key) = tbs.get_extension::<SubjectKeyIdentifier>().unwrap().unwrap();
            assert!(!critical);
            let (critical, authority_key) = tbs.get_extension::<AuthorityKeyIdentifier>().unwrap().unwrap();
            assert!(!critical);
            assert_eq!(authority_key.key_identifier, Some(subject_key.0));
            assert_eq!(tbs.extensions().unwrap().len(), 4);
            assert_eq!(tbs.issuer(), tbs.subject());
        }
    }

    #[test]
    fn a_rehearsal_is_marked_in_certificate_and_request() {
        let rehearsal = Term::Rehearsal { not_before: Time::parse("2026-01-30T09:00:00Z").unwrap() };
        let tbs = TbsCertificate::from_der(certificate(Purpose::SamlSigning, rehearsal).bytes()).unwrap();
        assert_eq!(tbs.subject().to_string(), "CN=REHEARSAL Example");
        assert_eq!(tbs.validity().not_after.to_string(), "2026-02-06T08:59:59Z");
        let scheme = Scheme::usual(KeyKind::P256);
        let subject_of = |kind| {
            let profile = RequestProfile::new(Purpose::SamlSigning, scheme, subject(), kind).unwrap();
            let info = profile.to_be_signed(&signer(7).1).unwrap();
            x509_cert::request::CertReqInfo::from_der(info.bytes()).unwrap().subject.to_string()
        };
        assert_eq!(subject_of(Kind::Rehearsal), "CN=REHEARSAL Example");
        assert_eq!(subject_of(Kind::Production), "CN=Example");
    }
}
