//! The public bundle: the files with which a stranger checks certificates and statements of the ceremony's keys, in one
//! folder. Following an attestation to the vendor's root needs the tokens' device certificates: they are in the
//! transcript.

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::ids::{DriveId, KeyIx};
use conclave_ceremony::judge::statement;
use conclave_publish::{Digest, FileName, Manifest, PublicKey};
use smartcard_hsm::cvc::RootKind;

use super::failure::{halt, malformed};
use super::shares::file;
use super::{Case, Performer};
use crate::export::{Exportable, Public};
use crate::ports::Machine;

/// Name of the list of all other files.
const MANIFEST: &str = "manifest.txt";

type Files = Vec<(FileName, Public)>;

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// Writes the bundle; the outcome is that of its manifest, which names every other file with its digest.
    pub(super) fn publish(&mut self, drive: DriveId, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        let mut files = files(case)?;
        let items = files.iter().map(|(name, public)| conclave_publish::Item {
            name: name.clone(),
            size: public.bytes().len() as u64,
            digest: Digest::of(public.bytes()),
        });
        let manifest = Manifest::new(items.collect()).map_err(malformed)?;
        let manifest = Public::from(&manifest);
        let outcome = file(manifest.bytes());
        push(&mut files, MANIFEST.to_owned(), manifest)?;
        let borrowed: Vec<(FileName, &dyn Exportable)> =
            files.iter().map(|(name, public)| (name.clone(), public as &dyn Exportable)).collect();
        self.onto(drive, &borrowed, Act::Write(drive, Item::Bundle), case, machine)?;
        Ok(outcome)
    }
}

/// Plan digest, and for each key its public half, certificate, attestation, and each token's signed statement about it.
fn files(case: Case<'_>) -> Result<Files, Failure> {
    let mut files = Files::new();
    push(&mut files, "plan.sha256".to_owned(), (&case.plan.digest).into())?;
    for (at, key) in case.plan.keys.iter().enumerate() {
        let id = u16::try_from(at).map(KeyIx).map_err(|_| halt("The plan has too many keys."))?;
        let lacks = || halt(&format!("The record lacks the certificate of {}.", key.label.as_str()));
        let facts = case.facts.keys.get(&id).ok_or_else(lacks)?;
        let ((spki, attestation), certificate) =
            facts.made.as_ref().zip(facts.certificate.as_ref()).ok_or_else(lacks)?;
        let name = key.label.as_str();
        let public = PublicKey::from_spki_der(spki.get()).map_err(malformed)?;
        push(&mut files, format!("{name}.crt.der"), certificate.into())?;
        push(&mut files, format!("{name}.pub.pem"), (&public).into())?;
        push(&mut files, format!("{name}.attestation.cvc"), attestation.into())?;
        for (token, (head, signature)) in &facts.statements {
            let Some(planned) = case.plan.token(*token) else { continue };
            let statement = statement(case.plan, case.facts, *token, id, *head).ok_or_else(lacks)?;
            let name = format!("{name}.{}", planned.serial);
            push(&mut files, format!("{name}.statement.txt"), (&statement).into())?;
            push(&mut files, format!("{name}.statement.sig"), signature.into())?;
        }
    }
    Ok(files)
}

fn push(files: &mut Files, name: String, public: Public) -> Result<(), Failure> {
    let name = FileName::new(name.as_bytes()).map_err(malformed)?;
    files.push((name, public));
    Ok(())
}
