//! The public bundle, made again from plan and record. Its files are the ones that plan and record give, no matter
//! which program wrote the list of them.

use std::collections::BTreeMap;

use conclave_publish::{Digest, FileName, Item as Listed, Manifest};

use super::anchor::statement;
use super::files::{self, MANIFEST};
use super::keys::Keys;
use super::{Account, Case, Rule};
use crate::act::{Act, Item, Signs};
use crate::event::Outcome;
use crate::ids::{KeyIx, TokenId};
use crate::public::{Bytes, Octets};

/// Name of the file with the plan's digest.
const PLAN_DIGEST: &str = "plan.sha256";

/// The record's parts of the bundle, as far as it has come.
#[derive(Default)]
struct Parts<'a> {
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
    if files.keys().all(|name| !case.given.files.contains_key(name)) {
        return account
            .miss(Rule::Bundle, format!("{MANIFEST} and the files it names: the public bundle was not looked at"));
    }
    for (name, bytes) in files {
        if !case.given.files.contains_key(&name) {
            account.differs(Rule::Bundle, format!("{name}: it was published, and is missing among the files"));
        }
        files::compared(case, Rule::Bundle, &name, "the file that was published", &bytes, account);
    }
}

/// The names of the files of a key: certificate, public half, attestation.
fn of_key(label: &str) -> [String; 3] {
    ["crt.der", "pub.pem", "attestation.cvc"].map(|end| format!("{label}.{end}"))
}

/// The names of statement and signature of a key on a token.
fn of_token(label: &str, serial: &str) -> [String; 2] {
    ["txt", "sig"].map(|end| format!("{label}.{serial}.statement.{end}"))
}

/// Whether a name is that of a file of the bundle.
pub(super) fn speaks_of(case: &Case<'_>, name: &str) -> bool {
    let is = |file: &String| file == name;
    let of_tokens = |label| case.plan.tokens.iter().flat_map(move |token| of_token(label, token.serial.as_str()));
    let mut labels = case.plan.keys.iter().map(|key| key.label.as_str());
    [MANIFEST, PLAN_DIGEST].contains(&name)
        || labels.any(|label| of_key(label).iter().any(is) || of_tokens(label).any(|file| is(&file)))
}

/// The files that plan and record give; none where a part is lacking, which other rules refuse.
fn made(case: &Case<'_>, keys: &Keys, parts: &Parts<'_>) -> Option<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::from([(PLAN_DIGEST.to_owned(), format!("{}\n", case.plan.digest).into_bytes())]);
    for (id, planned) in (0..).map(KeyIx).zip(&case.plan.keys) {
        let (label, key) = (planned.label.as_str(), keys.get(&id)?);
        let (certificate, attestation) = (parts.certificates.get(&id)?, parts.attestations.get(&id)?);
        let of_this = [certificate.get().to_vec(), key.spki_pem().into_bytes(), attestation.get().to_vec()];
        files.extend(of_key(label).into_iter().zip(of_this));
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
