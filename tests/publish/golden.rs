//! Every format byte for byte, as `docs/formats.md` lists them.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-tests --test publish golden` rewrites the files; review the difference.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_publish::dns::{DnsKey, DnsName, DsDigest, KeyRole};
use conclave_publish::qr::{Grid, Ink, Symbol, frames};
use conclave_publish::x509::{
    Certificate, CertificateProfile, Form, Purpose, RequestProfile, Signed, Term, ToBeSigned,
};
use conclave_publish::{
    Challenge, Digest, FileName, Hash, Item, Kind, Line, Manifest, ObjectClass, Pkcs11Uri, Scheme, SshKey,
    saml_key_descriptor,
};
use conclave_tests::golden::{blesses, compare};

use crate::keys::{KEYS, key, sign};
use crate::tool::{folder, tool};
use crate::x509::{production, serial, subject, time};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/publish").join(name)
}

#[track_caller]
fn golden(name: &str, text: &str) {
    compare(&path(name), text);
}

/// The document with the signature of its golden file, because ECDSA signatures differ each time they are made.
#[track_caller]
fn signed<F: Form>(name: &str, key_name: &str, to_be_signed: &ToBeSigned<F>) -> Signed<F> {
    let folder = folder(name);
    let signature = if blesses() {
        sign(&folder, key_name, to_be_signed.scheme(), to_be_signed.bytes())
    } else {
        let command = if F::LABEL == "CERTIFICATE" { "x509" } else { "req" };
        let golden = path(name).display().to_string();
        tool(&folder, "openssl", &[command, "-in", &golden, "-outform", "DER", "-out", "golden.der"]);
        // The third part of the outer SEQUENCE, a BIT STRING.
        let parts = tool(&folder, "openssl", &["asn1parse", "-inform", "DER", "-in", "golden.der"]);
        let last = parts.lines().rfind(|line| line.contains(":d=1 ")).unwrap();
        let at = last.split_once(':').unwrap().0.trim();
        let extract =
            ["asn1parse", "-inform", "DER", "-in", "golden.der", "-strparse", at, "-noout", "-out", "signature"];
        tool(&folder, "openssl", &extract);
        fs::read(folder.join("signature")).unwrap()
    };
    to_be_signed.assemble(&signature).unwrap()
}

fn certificate(name: &str, key_name: &str, purpose: Purpose, term: Term) -> Signed<Certificate> {
    let scheme = Scheme::usual(key(key_name).kind());
    let profile = CertificateProfile::new(purpose, scheme, subject(), term).unwrap();
    let certificate = signed(name, key_name, &profile.to_be_signed(&key(key_name), serial()).unwrap());
    golden(name, &certificate.pem());
    certificate
}

#[test]
fn certificates_requests_and_key_descriptor() {
    let root = Purpose::RootCa { path_len: Some(0) };
    certificate("certificate-metadata-rsa3072.pem", "rsa3072", Purpose::MetadataSigning, production());
    certificate("certificate-root-p384.pem", "p384", root, production());
    certificate("certificate-dnssec-rsa2048.pem", "rsa2048", Purpose::DnssecHolder(KeyRole::Ksk), production());
    certificate("certificate-saml-bp256r1.pem", "bp256r1", Purpose::SamlSigning, production());
    let rehearsal = Term::Rehearsal { not_before: time("2026-01-30T09:00:00Z") };
    certificate("certificate-rehearsal-p521.pem", "p521", root, rehearsal);
    let saml = certificate("certificate-saml-p256.pem", "p256", Purpose::SamlSigning, production());
    golden("saml-p256.xml", &saml_key_descriptor(&saml));
    for (name, key_name, kind) in [
        ("request-root-p384.pem", "p384", Kind::Production),
        ("request-rehearsal-rsa2048.pem", "rsa2048", Kind::Rehearsal),
    ] {
        let profile = RequestProfile::new(root, Scheme::usual(key(key_name).kind()), subject(), kind).unwrap();
        golden(name, &signed(name, key_name, &profile.to_be_signed(&key(key_name)).unwrap()).pem());
    }
}

#[test]
fn public_keys() {
    let (mut pem, mut ssh, mut dns) = (String::new(), String::new(), String::new());
    for name in KEYS {
        let key = key(name);
        pem += &key.spki_pem();
        if let Ok(key) = SshKey::new(&key) {
            ssh += &format!("{}\n{}\n", key.line(&Line::new(name).unwrap()), key.fingerprint());
        }
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let owner = DnsName::new("example.org").unwrap();
            if let Ok(record) = DnsKey::new(owner, KeyRole::Ksk, &key, hash) {
                dns += &format!("{record}\n{}\n{}\n", record.ds(DsDigest::Sha256), record.ds(DsDigest::Sha384));
            }
        }
    }
    golden("spki.pem", &pem);
    golden("ssh.txt", &ssh);
    golden("dnssec.txt", &dns);
}

#[test]
fn pkcs11_uris() {
    let serial = Line::new("DENK0400001").unwrap();
    let uris = [ObjectClass::Private, ObjectClass::Public, ObjectClass::Certificate]
        .map(|class| format!("{}\n", Pkcs11Uri::new(serial.clone(), &[1], class).unwrap()));
    golden("pkcs11-uri.txt", &uris.concat());
}

#[test]
fn digest_groups_words_and_challenge() {
    let digest = Digest::of(b"abc");
    let challenge = Challenge::draw(6, Digest::of(b"randomness").bytes()).unwrap();
    let asked: Vec<_> = challenge.groups(&digest).map(|group| format!("{group} = {}", group.words())).collect();
    let groups = digest.groups().map(|group| group.to_string()).join(" ");
    let text = format!("{groups}\n{}\n{:?}\n{}\n", digest.words(), challenge.positions(), asked.join("\n"));
    golden("digest.txt", &text);
}

#[test]
fn manifest() {
    let item = |name: &str, contents: &[u8]| Item {
        name: FileName::new(name.as_bytes()).unwrap(),
        size: contents.len() as u64,
        digest: Digest::of(contents),
    };
    let items = vec![item("metadata.pem", b"abc"), item("Zone.txt", b""), item("keys/ksk.pub", &[0; 1000])];
    golden("manifest.txt", &Manifest::new(items).unwrap().to_text());
}

#[test]
fn symbols_and_frames() {
    let console = Grid { columns: 80, rows: 25 };
    let symbol = Symbol::fitting("CONCLAVE", console).unwrap();
    golden("qr-light-ink.txt", &(symbol.lines(Ink::Light).join("\n") + "\n"));
    golden("qr-dark-ink.txt", &(symbol.lines(Ink::Dark).join("\n") + "\n"));
    golden("frames.txt", &(frames(key("rsa2048").spki_der(), console).unwrap().join("\n") + "\n"));
}
