//! The files that make a key visible to OpenSC: its description and its certificate file.

use super::{Proven, Session, User};
use crate::{
    channel::Channel,
    cvc::{Cvc, CvcError, PublicKey, RootKind},
    error::{Refusal, TokenError, Tried},
    object::{FileId, KeyId},
    pkcs15::{CkaId, Label, NewKeyDescription, TokenInfo},
    tlv::{self, Reader, TlvError},
};

/// The data stored beside a key: the same on the token that made the key and on every copy.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    /// The name that people use for the key.
    pub label: &'a Label,
    /// CKA_ID.
    pub id: &'a CkaId,
    /// The public half.
    pub public: &'a PublicKey,
    /// The content of the certificate file.
    pub certificate: CertificateFile<'a>,
}

/// Content of EF CExx.
#[derive(Clone, Copy, Debug)]
pub enum CertificateFile<'a> {
    /// An X.509 certificate in DER. It takes the place of the attestation, which must be kept elsewhere.
    X509(&'a [u8]),
    /// The attestation of the token that made the key, from which OpenSC takes the public half.
    Attestation(&'a [u8]),
}

impl<C: Channel, R: RootKind> Session<C, Proven<R>, User> {
    /// Stores certificate file and description of a key, and reads them back.
    ///
    /// Errors: [`Refusal::Certificate`], [`Refusal::Attestation`], [`Refusal::OtherKey`] before anything is sent;
    /// [`Came::NotDone`](crate::error::Came::NotDone).
    pub fn describe(&mut self, key: KeyId, what: &Description<'_>) -> Result<(), TokenError> {
        let tried = Tried::Write(key.certificate());
        let (file, subject, same) = match what.certificate {
            CertificateFile::X509(der) => {
                let (subject, spki) =
                    subject_and_key(der).map_err(|error| self.error(tried, Refusal::Certificate(error)))?;
                (der, Some(subject), spki == what.public.spki())
            }
            CertificateFile::Attestation(attestation) => {
                let public =
                    attested_key(attestation).map_err(|error| self.error(tried, Refusal::Attestation(error)))?;
                (attestation, None, public == *what.public)
            }
        };
        self.demand(same, tried, Refusal::OtherKey)?;
        self.write(key.certificate(), file)?;
        let Description { label, id, public, .. } = what;
        let description = NewKeyDescription { label, id, reference: key, key: public, subject }.to_der();
        self.write(key.description(), &description).map_err(TokenError::part_way)
    }

    /// Gives the token the name people call it by.
    pub fn set_label(&mut self, label: &Label) -> Result<(), TokenError> {
        self.write(FileId::TOKEN_INFO, &TokenInfo::to_der(label))
    }
}

/// DER of subject and SubjectPublicKeyInfo in an X.509 certificate.
///
/// Source: RFC 5280 §4.1.
fn subject_and_key(certificate: &[u8]) -> Result<(&[u8], &[u8]), TlvError> {
    const SEQUENCE: u16 = 0x30;
    let mut outer = Reader::new(tlv::whole(certificate, SEQUENCE)?.value);
    let mut fields = Reader::new(outer.expect(SEQUENCE)?.value);
    fields.accept(0xa0)?; // version
    fields.expect(0x02)?; // serialNumber
    for _ in ["signature", "issuer", "validity"] {
        fields.expect(SEQUENCE)?;
    }
    Ok((fields.expect(SEQUENCE)?.raw, fields.expect(SEQUENCE)?.raw))
}

/// The key an attestation is about, unverified.
fn attested_key(attestation: &[u8]) -> Result<PublicKey, CvcError> {
    let (request, _) = tlv::split(tlv::whole(attestation, 0x67)?.value)?;
    Cvc::parse(request.raw)?.key(None)
}
