//! Acts on keys: made, certified, described, wrapped, restored, and the statements they sign.
//!
//! Certificate and statement are the only two things a key signs.

use conclave_ceremony::act::Act;
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::{KeyIx, TokenId};
use conclave_ceremony::judge::statement;
use conclave_ceremony::plan::Key;
use conclave_publish::x509::{SerialNumber, Time};
use conclave_publish::{Hash, Scheme};
use smartcard_hsm::attest::BirthProof;
use smartcard_hsm::channel::Channel;
use smartcard_hsm::command::Digest;
use smartcard_hsm::cvc::{Cvc, Name, PublicKey, RootKind};
use smartcard_hsm::dkek::blob::Blob;
use smartcard_hsm::dkek::wrapfile::WrapFile;
use smartcard_hsm::session::{CertificateFile, Description, Proven, Session, User};
use smartcard_hsm::tlv;

use super::failure::{halt, malformed, missing, of_token};
use super::proofs::bound;
use super::shares::file;
use super::tokens::bytes;
use super::{Case, Performer, random};
use crate::export::{Exportable, Sealed};
use crate::ports::Machine;

/// Outer tag of an attestation: a request signed by its key and by the device.
const ATTESTATION: u16 = 0x67;

/// SubjectPublicKeyInfo and attestation.
type Made = (Vec<u8>, Vec<u8>);

fn planned(case: Case<'_>, id: KeyIx) -> Result<&Key, Failure> {
    case.plan.key(id).ok_or_else(|| halt("The plan has no such key."))
}

/// The public half of a key, from the attestation in the record, as the token's driver has it.
fn public(case: Case<'_>, id: KeyIx) -> Result<(PublicKey, &[u8]), Failure> {
    let made = case.facts.keys.get(&id).and_then(|key| key.made.as_ref());
    let (spki, attestation) = made.ok_or_else(|| halt("The record has no such key."))?;
    let whole = tlv::whole(attestation.get(), ATTESTATION);
    let request = whole.and_then(|outer| tlv::split(outer.value)).map_err(malformed)?;
    let key = Cvc::parse(request.0.raw).and_then(|request| request.key(None));
    let key = key.map_err(|error| halt(&format!("The attestation in the record: {error}.")))?;
    if key.spki() == spki.get() { Ok((key, spki.get())) } else { Err(halt("The attestation is that of another key.")) }
}

/// The same, in the form in which it leaves the ceremony.
fn published(case: Case<'_>, id: KeyIx) -> Result<conclave_publish::PublicKey, Failure> {
    let (_, spki) = public(case, id)?;
    conclave_publish::PublicKey::from_spki_der(spki).map_err(malformed)
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    pub(super) fn generate(&mut self, token: TokenId, id: KeyIx, case: Case<'_>) -> Result<Outcome, Failure> {
        let key = planned(case, id)?;
        let mut session = self.user(token, case)?;
        let found = if self.resumed(Act::Generate(token, id)) { found(&mut session, key, id, case)? } else { None };
        let (spki, attestation) = match found {
            Some(found) => found,
            None => {
                let made = session.generate(key.number, key.spec, Name::bound(&bound(case)));
                let made = made.map_err(|error| of_token(&error))?;
                (made.proof.key().spki(), made.attestation)
            }
        };
        self.keep(token, session);
        Ok(Outcome::Key { spki: bytes(&spki)?, attestation: bytes(&attestation)? })
    }

    pub(super) fn certify(
        &mut self,
        token: TokenId,
        id: KeyIx,
        case: Case<'_>,
        machine: &mut M,
    ) -> Result<Outcome, Failure> {
        let key = planned(case, id)?;
        let spki = published(case, id)?;
        let serial = SerialNumber::from_random(*random::<16>(machine)?);
        let held =
            case.facts.clock.and_then(Time::from_unix).ok_or_else(|| halt("The record has no compared clock."))?;
        let profile = key.certificate.held(held).map_err(malformed)?;
        let to_be_signed = profile.to_be_signed(&spki, serial).map_err(malformed)?;
        let signature = self.signed((token, id), to_be_signed.scheme(), to_be_signed.bytes(), case)?;
        let certificate = to_be_signed.assemble(&signature).map_err(malformed)?;
        Ok(Outcome::Certificate(bytes(certificate.der())?))
    }

    pub(super) fn state(&mut self, token: TokenId, id: KeyIx, case: Case<'_>) -> Result<Outcome, Failure> {
        let spki = published(case, id)?;
        let statement = statement(case.plan, case.facts, token, id, case.head);
        let statement = statement.ok_or_else(|| halt("The record lacks what the statement is about."))?;
        let message = statement.to_string();
        let signature = self.signed((token, id), Scheme::usual(spki.kind()), message.as_bytes(), case)?;
        Ok(Outcome::Signature(bytes(&signature)?))
    }

    /// A signature that the driver verified: one that does not hold never comes as far as here.
    fn signed(
        &mut self,
        (token, id): (TokenId, KeyIx),
        scheme: Scheme,
        message: &[u8],
        case: Case<'_>,
    ) -> Result<Vec<u8>, Failure> {
        let digest = digest(scheme.hash(), message).ok_or_else(|| halt("The digest has another length."))?;
        let (key, (public, _)) = (planned(case, id)?, public(case, id)?);
        let mut session = self.user(token, case)?;
        let signature = session.sign(key.number, &public, &digest).map_err(|error| of_token(&error))?;
        self.keep(token, session);
        Ok(signature)
    }

    pub(super) fn describe(&mut self, token: TokenId, id: KeyIx, case: Case<'_>) -> Result<Outcome, Failure> {
        let key = planned(case, id)?;
        let (public, _) = public(case, id)?;
        let certificate = case.facts.keys.get(&id).and_then(|key| key.certificate.as_ref());
        let certificate = certificate.ok_or_else(|| halt("The record has no certificate of this key."))?;
        let mut session = self.user(token, case)?;
        let certificate = CertificateFile::X509(certificate.get());
        let what = Description { label: &key.label, id: &key.id, public: &public, certificate };
        session.describe(key.number, &what).map_err(|error| of_token(&error))?;
        self.keep(token, session);
        Ok(Outcome::Done)
    }

    /// With description and certificate, so that `sc-hsm-tool --unwrap-key` restores all three.
    pub(super) fn wrap(&mut self, token: TokenId, id: KeyIx, case: Case<'_>) -> Result<Outcome, Failure> {
        let key = planned(case, id)?;
        let mut session = self.user(token, case)?;
        let blob = session.wrap(key.number).map_err(|error| of_token(&error))?;
        let description = session.read(key.number.description()).map_err(|error| of_token(&error))?;
        let certificate = session.read(key.number.certificate()).map_err(|error| of_token(&error))?;
        self.keep(token, session);
        let blob = Blob::parse(&blob).map_err(malformed)?;
        let whole = WrapFile { blob, description: Some(&description), certificate: Some(&certificate) };
        let sealed = Sealed::try_from(&whole).map_err(malformed)?;
        let outcome = file(sealed.bytes());
        self.sealed.insert(case.facts.blob_item(id), sealed);
        Ok(outcome)
    }

    pub(super) fn unwrap(&mut self, token: TokenId, id: KeyIx, case: Case<'_>) -> Result<Outcome, Failure> {
        let key = planned(case, id)?;
        let mut session = self.user(token, case)?;
        let there = session.files().map_err(|error| of_token(&error))?.contains(&key.number.key_file());
        // A key that is there after a power cut came from this blob: the token was initialised in this ceremony. That
        // it is the right one, its statement proves.
        if !(there && self.resumed(Act::Unwrap(token, id))) {
            let file = self.read.get(&case.facts.blob_item(id)).ok_or_else(|| missing("The key blob"))?;
            let file = WrapFile::parse(file).map_err(malformed)?;
            session.unwrap(key.number, file.blob.bytes()).map_err(|error| of_token(&error))?;
        }
        self.keep(token, session);
        Ok(Outcome::Done)
    }
}

/// A key that is there after a power cut, if its request carries one of the heads it was intended under. A key that was cut before
/// it had a whole request is removed, so that the key is made again.
///
/// **Errors**: the request carries a head that the record does not hold: the token knows more than the logs.
fn found<C: Channel, R: RootKind>(
    session: &mut Session<C, Proven<R>, User>,
    key: &Key,
    id: KeyIx,
    case: Case<'_>,
) -> Result<Option<Made>, Failure> {
    let files = session.files().map_err(|error| of_token(&error))?;
    if !files.contains(&key.number.key_file()) {
        return Ok(None);
    }
    if files.contains(&key.number.certificate()) {
        let attestation = session.read(key.number.certificate()).map_err(|error| of_token(&error))?;
        let proof = BirthProof::verify(&attestation, session.device()).ok();
        let intents = case.facts.keys.get(&id).map(|key| key.intents.as_slice()).unwrap_or_default();
        let ours = |proof: &BirthProof<R>| {
            intents.iter().any(|head| {
                head.bytes().first_chunk().is_some_and(|head| proof.generated_as(&Name::bound(head)).is_ok())
            })
        };
        match proof {
            Some(proof) if ours(&proof) => return Ok(Some((proof.key().spki(), attestation))),
            Some(_) => {
                let token = session.name().holder().to_owned();
                let words = format!(
                    "{token} holds key {} with a head that is in no entry of this record: the logs are not all that was written, or                      the key is of another ceremony. Keep both logs and the token as they are.",
                    key.number.get()
                );
                return Err(halt(&words));
            }
            None => {}
        }
    }
    session.delete_key(key.number).map_err(|error| of_token(&error))?;
    Ok(None)
}

/// A digest as the token takes it.
fn digest(hash: Hash, message: &[u8]) -> Option<Digest> {
    let digest = hash.digest(message);
    match hash {
        Hash::Sha256 => digest.try_into().ok().map(Digest::Sha256),
        Hash::Sha384 => digest.try_into().ok().map(Digest::Sha384),
        Hash::Sha512 => digest.try_into().ok().map(Digest::Sha512),
    }
}
