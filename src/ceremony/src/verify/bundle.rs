//! The public bundle, made again from plan and record. Its files are the ones that plan and record give, no matter
//! which program wrote the list of them.

use std::collections::BTreeMap;

use conclave_publish::x509::{Certificate, Purpose, Signed};
use conclave_publish::{
    Digest, FileName, Item as Listed, KeyKind, Line, Manifest, ObjectClass, Pkcs11Uri, PublicKey, SshKey,
    saml_key_descriptor,
};

use super::anchor::statement;
use super::files::{self, MANIFEST, PLAN};
use super::keys::{self, Keys};
use super::{Account, Case, Rule};
use crate::act::{Act, Item, Signs};
use crate::event::Outcome;
use crate::ids::{KeyIx, TokenId};
use crate::plan::{Key, Plan, Token};
use crate::public::{Bytes, Octets};

/// Name of the file with the plan's digest.
const PLAN_DIGEST: &str = "plan.sha256";

/// The record's parts of the bundle, as far as it has come.
#[derive(Default)]
struct Parts<'a> {
    /// Certificates of tokens.
    chains: BTreeMap<TokenId, &'a Bytes>,
    attestations: BTreeMap<KeyIx, &'a Bytes>,
    certificates: BTreeMap<KeyIx, &'a Bytes>,
    /// The entry that asked for a signature, and the signature.
    signed: BTreeMap<(KeyIx, TokenId), (u64, &'a Bytes)>,
}

/// Rule `bundle`: the list that was written names the files that plan and record give, byte by byte. Each of those
/// files that lies here is compared.
pub(super) fn judge(case: &Case<'_>, keys: &Keys, account: &mut Account) {
    let (mut parts, mut published) = (Parts::default(), None);
    for deed in case.deeds() {
        match (deed.act, deed.outcome) {
            (Act::Inspect(token), Outcome::Token(seen)) => {
                parts.chains.insert(token, &seen.certificates);
            }
            (Act::Generate(_, key), Outcome::Key { attestation, .. }) => {
                parts.attestations.insert(key, attestation);
            }
            (Act::Sign(_, key, Signs::Certificate), Outcome::Certificate(der)) => {
                parts.certificates.insert(key, der);
            }
            (Act::Sign(token, key, Signs::Statement), Outcome::Signature(signature)) => {
                parts.signed.insert((key, token), (deed.intent, signature));
            }
            (Act::Write(_, Item::Bundle), Outcome::File { len, digest }) => {
                let Some(files) = made(case, keys, &parts) else { continue };
                let list = files.get(MANIFEST).map(|list| (list.len() as u64, Octets::from(Digest::of(list))));
                if list != Some((*len, *digest)) {
                    let words = "the list of the public bundle is not that of what plan and record give";
                    account.refuse(Rule::Bundle, Some(deed.came), words);
                }
                published = Some(files);
            }
            _ => {}
        }
    }
    let Some(files) = published else { return };
    let list = files.get(MANIFEST).map_or(0, Vec::len);
    account.prove(
        Rule::Bundle,
        None,
        format!("the public bundle is made again from plan and record: its list has {list} bytes"),
    );
    // The plan lies on log drives, too.
    if files.keys().all(|name| name == PLAN || !case.given.files.contains_key(name)) {
        return account
            .miss(Rule::Bundle, format!("{MANIFEST} and the files it names: the public bundle was not looked at"));
    }
    for (name, bytes) in files {
        if !case.given.files.contains_key(&name) {
            account.differs(Rule::Bundle, format!("{name}: it was published, and is missing among the files"));
        }
        // The plan is compared wherever it lies.
        if name != PLAN {
            files::compared(case, Rule::Bundle, &name, "the file that was published", &bytes, account);
        }
    }
}

/// A form in which a key is published.
#[derive(Clone, Copy)]
enum Form {
    CertificateDer,
    CertificatePem,
    PublicPem,
    Attestation,
    Pkcs11,
    Ssh,
    Saml,
    Zone,
    Ds,
}

impl Form {
    /// The forms of a key of the plan: some by its purpose, one by its kind.
    fn of(planned: &Key) -> Vec<Self> {
        let by_purpose: &[Self] = match planned.certificate.purpose() {
            Purpose::SamlSigning => &[Self::Saml],
            Purpose::DnssecHolder(_) => &[Self::Zone, Self::Ds],
            Purpose::MetadataSigning | Purpose::RootCa { .. } => &[],
        };
        let by_kind: &[Self] = match planned.certificate.scheme().key() {
            KeyKind::Rsa { .. } | KeyKind::P256 | KeyKind::P384 | KeyKind::P521 => &[Self::Ssh],
            KeyKind::BrainpoolP256r1 | KeyKind::BrainpoolP384r1 => &[],
        };
        let always = [Self::CertificateDer, Self::CertificatePem, Self::PublicPem, Self::Attestation, Self::Pkcs11];
        [&always, by_purpose, by_kind].concat()
    }

    /// The name of its file.
    fn name(self, label: &str) -> String {
        let end = match self {
            Self::CertificateDer => "crt.der",
            Self::CertificatePem => "crt.pem",
            Self::PublicPem => "pub.pem",
            Self::Attestation => "attestation.cvc",
            Self::Pkcs11 => "pkcs11.txt",
            Self::Ssh => "ssh.pub",
            Self::Saml => "saml.xml",
            Self::Zone => "dnskey",
            Self::Ds => "ds",
        };
        format!("{label}.{end}")
    }

    /// Its file, of a key with this certificate and attestation.
    fn made(self, plan: &Plan, planned: &Key, public: &PublicKey, of: &Papers<'_>) -> Option<Vec<u8>> {
        let text = match self {
            Self::CertificateDer => return Some(of.certificate.der().to_vec()),
            Self::Attestation => return Some(of.attestation.get().to_vec()),
            Self::CertificatePem => of.certificate.pem(),
            Self::PublicPem => public.spki_pem(),
            Self::Pkcs11 => pkcs11(plan, planned)?,
            Self::Ssh => SshKey::new(public).ok()?.file(&planned.purpose, plan.kind),
            Self::Saml => saml_key_descriptor(&of.certificate),
            Self::Zone => planned.certificate.dnskey(public)?.zone_file(plan.kind),
            Self::Ds => planned.certificate.dnskey(public)?.ds_file(plan.kind),
        };
        Some(text.into_bytes())
    }
}

/// The certificate of a key, read, and its attestation.
struct Papers<'a> {
    certificate: Signed<Certificate>,
    attestation: &'a Bytes,
}

/// Two URIs for each token that holds the key, its master first: of the private key, and of the certificate.
fn pkcs11(plan: &Plan, planned: &Key) -> Option<String> {
    let serials = planned.tokens().map(|token| Some(plan.token(token)?.serial.as_str()));
    let uris = serials.flat_map(|serial| {
        [ObjectClass::Private, ObjectClass::Certificate].map(|class| {
            let uri = Pkcs11Uri::new(Line::new(serial?).ok()?, planned.id.as_bytes(), class).ok()?;
            Some(format!("{uri}\n"))
        })
    });
    uris.collect()
}

/// The names of statement and signature of a key on a token.
fn of_token(label: &str, serial: &str) -> [String; 2] {
    ["txt", "sig"].map(|end| format!("{label}.{serial}.statement.{end}"))
}

/// The name of the certificates of a token.
fn chain(token: &Token) -> String {
    format!("{}.chain.cvc", token.serial)
}

/// Whether a name is that of a file of the bundle.
pub(super) fn speaks_of(case: &Case<'_>, name: &str) -> bool {
    let Plan { tokens, keys, .. } = case.plan;
    let of_key = |key: &Key| {
        let label = key.label.as_str();
        let mut statements = tokens.iter().flat_map(|token| of_token(label, token.serial.as_str()));
        Form::of(key).iter().any(|form| form.name(label) == name) || statements.any(|file| file == name)
    };
    [MANIFEST, PLAN, PLAN_DIGEST].contains(&name)
        || tokens.iter().any(|token| chain(token) == name)
        || keys.iter().any(of_key)
}

/// The files that plan and record give; none where a part is lacking, which other rules refuse.
fn made(case: &Case<'_>, keys: &Keys, parts: &Parts<'_>) -> Option<BTreeMap<String, Vec<u8>>> {
    let digest = format!("{}  {PLAN}\n", Digest::of(case.given.plan)).into_bytes();
    let mut files = BTreeMap::from([(PLAN.to_owned(), case.given.plan.to_vec()), (PLAN_DIGEST.to_owned(), digest)]);
    for (id, token) in (0..).map(TokenId).zip(&case.plan.tokens) {
        files.insert(chain(token), parts.chains.get(&id)?.get().to_vec());
    }
    for (id, planned) in (0..).map(KeyIx).zip(&case.plan.keys) {
        let (label, key) = (planned.label.as_str(), keys.get(&id)?);
        let certificate = keys::read(case, planned, key, parts.certificates.get(&id)?.get())?.ok()?;
        let papers = Papers { certificate, attestation: parts.attestations.get(&id)? };
        for form in Form::of(planned) {
            files.insert(form.name(label), form.made(case.plan, planned, key, &papers)?);
        }
        for ((_, token), (intent, signature)) in parts.signed.iter().filter(|((key, _), _)| *key == id) {
            let serial = &case.plan.token(*token)?.serial;
            let statement = statement(case, *token, key, case.head(*intent)?, planned.purpose.clone())?;
            let signed = [statement.to_string().into_bytes(), signature.get().to_vec()];
            files.extend(of_token(label, serial.as_str()).into_iter().zip(signed));
        }
    }
    let listed = |(name, bytes): (&String, &Vec<u8>)| {
        let name = FileName::new(name.as_bytes()).ok()?;
        Some(Listed { name, size: bytes.len() as u64, digest: Digest::of(bytes) })
    };
    let listed: Option<Vec<_>> = files.iter().map(listed).collect();
    let list = Manifest::new(listed?).ok()?.to_text().into_bytes();
    files.insert(MANIFEST.to_owned(), list);
    Some(files)
}
