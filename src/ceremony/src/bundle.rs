//! The public bundle: the files in which a stranger checks the ceremony, and in which software takes its keys over.
//!
//! The verifier has a list of its own in `verify/bundle.rs`. A file more or a file less on one side only is a record that
//! the verifier refuses.

use std::fmt::Write;

use conclave_publish::x509::{Purpose, Time};
use conclave_publish::{
    Digest, FileName, FileNameError, Item, Line, Manifest, ManifestError, ObjectClass, Pkcs11Uri, PublicKey, SshKey,
    saml_key_descriptor,
};
use thiserror::Error;

use crate::facts::Facts;
use crate::ids::KeyIx;
use crate::judge::statement;
use crate::plan::{Key, Plan};

/// The plan, byte by byte.
const PLAN: &str = "plan.toml";
/// Name of the list of all other files.
const MANIFEST: &str = "manifest.txt";

/// A public file, made of plan and record alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    name: FileName,
    bytes: Vec<u8>,
}

impl Leaf {
    fn new(name: &str, bytes: Vec<u8>) -> Result<Self, BundleError> {
        Ok(Self { name: FileName::new(name.as_bytes())?, bytes })
    }

    /// Its name.
    pub fn name(&self) -> &FileName {
        &self.name
    }

    /// Its content.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Why there is no bundle.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The record lacks something.
    #[error("the record lacks {what} of {whose}")]
    Lacks {
        /// The thing.
        what: &'static str,
        /// A key by its label, a token by its serial.
        whose: String,
    },
    /// No drive takes a file of this name.
    #[error("a public file: {0}")]
    Name(#[from] FileNameError),
    /// The files make no list.
    #[error("the list of the public files: {0}")]
    List(#[from] ManifestError),
}

/// The files of the bundle, their list last. `bytes` are the bytes of `plan`.
pub fn files(plan: &Plan, bytes: &[u8], facts: &Facts) -> Result<Vec<Leaf>, BundleError> {
    let mut files = vec![
        Leaf::new(PLAN, bytes.to_vec())?,
        Leaf::new("plan.sha256", format!("{}  {PLAN}\n", plan.digest).into_bytes())?,
    ];
    for (id, token) in plan.token_ids().zip(&plan.tokens) {
        let serial = token.serial.as_str();
        let lacks = || BundleError::Lacks { what: "the certificates", whose: serial.to_owned() };
        let seen = facts.seen.get(&id).ok_or_else(lacks)?;
        files.push(Leaf::new(&format!("{serial}.chain.cvc"), seen.certificates.get().to_vec())?);
    }
    for (id, key) in plan.key_ids().zip(&plan.keys) {
        of_key(plan, facts, id, key, &mut files)?;
    }
    let items = files.iter().map(|Leaf { name, bytes }| Item {
        name: name.clone(),
        size: bytes.len() as u64,
        digest: Digest::of(bytes),
    });
    let list = Manifest::new(items.collect())?.to_text().into_bytes();
    files.push(Leaf::new(MANIFEST, list)?);
    Ok(files)
}

/// The files of a key: its public half, certificate and attestation, the forms in which software takes them, and each
/// token's signed statement about it.
fn of_key(plan: &Plan, facts: &Facts, id: KeyIx, key: &Key, files: &mut Vec<Leaf>) -> Result<(), BundleError> {
    let label = key.label.as_str();
    let lacks = |what| BundleError::Lacks { what, whose: label.to_owned() };
    let mut put = |end: &str, bytes: Vec<u8>| {
        files.push(Leaf::new(&format!("{label}.{end}"), bytes)?);
        Ok::<_, BundleError>(())
    };
    let seen = facts.keys.get(&id).ok_or_else(|| lacks("the making"))?;
    let (spki, attestation) = seen.made.as_ref().ok_or_else(|| lacks("the making"))?;
    let public = PublicKey::from_spki_der(spki.get()).map_err(|_| lacks("the public half"))?;
    let held = facts.clock.and_then(Time::from_unix).and_then(|clock| key.certificate.held(clock).ok());
    let certificate =
        held.zip(seen.certificate.as_ref()).and_then(|(profile, der)| profile.read(&public, der.get()).ok());
    let certificate = certificate.ok_or_else(|| lacks("the certificate"))?;
    put("crt.der", certificate.der().to_vec())?;
    put("crt.pem", certificate.pem().into_bytes())?;
    put("pub.pem", public.spki_pem().into_bytes())?;
    put("attestation.cvc", attestation.get().to_vec())?;
    put("pkcs11.txt", uris(plan, key).ok_or_else(|| lacks("the tokens"))?.into_bytes())?;
    // SSH has no name for some curves: their keys have no such file.
    if let Ok(ssh) = SshKey::new(&public) {
        put("ssh.pub", ssh.file(&key.purpose, plan.kind).into_bytes())?;
    }
    match key.certificate.purpose() {
        Purpose::SamlSigning => put("saml.xml", saml_key_descriptor(&certificate).into_bytes())?,
        Purpose::DnssecHolder(_) => {
            let record = key.certificate.dnskey(&public).ok_or_else(|| lacks("the DNSKEY"))?;
            put("dnskey", record.zone_file(plan.kind).into_bytes())?;
            put("ds", record.ds_file(plan.kind).into_bytes())?;
        }
        Purpose::MetadataSigning | Purpose::RootCa { .. } => {}
    }
    for (token, (head, signature)) in &seen.statements {
        let Some(planned) = plan.token(*token) else { continue };
        let statement = statement(plan, facts, *token, id, *head).ok_or_else(|| lacks("a statement"))?;
        let serial = &planned.serial;
        put(&format!("{serial}.statement.txt"), statement.to_string().into_bytes())?;
        put(&format!("{serial}.statement.sig"), signature.get().to_vec())?;
    }
    Ok(())
}

/// The PKCS#11 URIs of a key, one a line: on each of its tokens, the master first, the private key and the certificate.
fn uris(plan: &Plan, key: &Key) -> Option<String> {
    let mut lines = String::new();
    for token in key.tokens() {
        let serial = Line::new(plan.token(token)?.serial.as_str()).ok()?;
        for class in [ObjectClass::Private, ObjectClass::Certificate] {
            let uri = Pkcs11Uri::new(serial.clone(), key.id.as_bytes(), class).ok()?;
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{uri}");
        }
    }
    Some(lines)
}
