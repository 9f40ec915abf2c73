//! The public bundle of a ceremony with every kind of key and every use, each file judged by a program that will read it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use conclave_ceremony::bundle::{Leaf, files};
use conclave_ceremony::facts::{Facts, KeyFacts};
use conclave_ceremony::ids::{KeyIx, TokenId};
use conclave_ceremony::plan::{Plan, read};
use conclave_ceremony::public::{Bytes, Text};
use conclave_ceremony::seen::{DomainSeen, PinSeen, TokenSeen};
use conclave_publish::x509::Time;
use smartcard_hsm::object::PinState;

use crate::keys::{KEYS, key, sign};
use crate::tool::{folder, refuses, tool};
use crate::x509::serial;

const MINIMAL: &str = include_str!("../../docs/plans/minimal/plan.toml");

/// When the ceremony is held: 2026-11-21. Units: seconds since 1970, UTC.
const HELD: i64 = 1_795_295_100;

/// A test key, its algorithm and use in the plan, the common name of its certificate.
const PLANNED: [(&str, &str, &str, &str); 8] = [
    ("rsa2048", "RSA-2048", "dnssec-ksk", "example.org"),
    ("rsa3072", "RSA-3072", "metadata-signing", "Metadata"),
    ("rsa4096", "RSA-4096", "saml-signing", "Māori <&> \\\"SAML\\\""),
    ("p256", "P-256", "dnssec-ksk", "."),
    ("p384", "P-384", "dnssec-zsk", "xn--mori-qsa.nz"),
    ("p521", "P-521", "root-ca", "Root"),
    ("bp256r1", "brainpoolP256r1", "saml-signing", "SAML"),
    ("bp384r1", "brainpoolP384r1", "metadata-signing", "Metadata"),
];

/// The smallest plan with these keys.
fn plan(kind: &str) -> String {
    let (before, _) = MINIMAL.split_once("[[key]]").unwrap();
    let mut text = before.replace("kind = \"rehearsal\"", &format!("kind = \"{kind}\""));
    for (at, (label, algorithm, usage, name)) in PLANNED.into_iter().enumerate() {
        write!(
            text,
            "[[key]]\nlabel = \"{label}\"\nid = \"0{at}ff\"\nalgorithm = \"{algorithm}\"\npurpose = \"use of {label}\"\n\
             master = \"MASTER\"\ncopies = [\"BACKUP\"]\n\n[key.certificate]\nusage = \"{usage}\"\n\
             not-before = \"2026-01-01T00:00:00Z\"\nnot-after = \"2036-01-01T00:00:00Z\"\n\
             subject = {{ O = \"Example\", CN = \"{name}\" }}\n\n"
        )
        .unwrap();
    }
    text
}

fn bytes(bytes: &[u8]) -> Bytes {
    Bytes::new(bytes.to_vec()).unwrap()
}

/// A token of the plan, with a file for its certificates.
fn token(serial: &str) -> TokenSeen {
    TokenSeen {
        pin: PinSeen(PinState::TriesLeft(3)),
        dkek: DomainSeen::None,
        serial: Text::new(serial).unwrap(),
        so_pin: PinSeen(PinState::TriesLeft(15)),
        objects: Vec::new(),
        firmware: (4, 1),
        certificates: bytes(format!("certificates of {serial}").as_bytes()),
    }
}

/// The record's facts once each key was made and certified by OpenSSL with the test key of its name.
fn facts(plan: &Plan, folder: &Path) -> Facts {
    let certified = (0..).map(KeyIx).zip(&plan.keys).map(|(id, planned)| {
        let name = planned.label.as_str();
        let profile = planned.certificate.held(Time::from_unix(HELD).unwrap()).unwrap();
        let to_be_signed = profile.to_be_signed(&key(name), serial()).unwrap();
        let signature = sign(folder, name, to_be_signed.scheme(), to_be_signed.bytes());
        let certificate = to_be_signed.assemble(&signature).unwrap();
        let made = Some((bytes(key(name).spki_der()), bytes(b"an attestation")));
        (id, KeyFacts { made, certificate: Some(bytes(certificate.der())), ..KeyFacts::default() })
    });
    let seen = (0..).map(TokenId).zip(&plan.tokens).map(|(id, planned)| (id, token(planned.serial.as_str())));
    Facts { clock: Some(HELD), keys: certified.collect(), seen: seen.collect(), ..Facts::default() }
}

/// The bundle of a plan of this kind, in a folder of its own.
fn bundle(kind: &str, test: &str) -> (PathBuf, BTreeMap<String, Vec<u8>>) {
    let folder = folder(&format!("bundle-{test}-{kind}"));
    let work = folder.join("work");
    fs::create_dir(&work).unwrap();
    let text = plan(kind);
    let plan = read(text.as_bytes()).unwrap();
    let leaves = files(&plan, text.as_bytes(), &facts(&plan, &work)).unwrap();
    fs::remove_dir_all(work).unwrap();
    let named = |leaf: &Leaf| (leaf.name().as_str().to_owned(), leaf.bytes().to_vec());
    let leaves: BTreeMap<_, _> = leaves.iter().map(named).collect();
    for (name, bytes) in &leaves {
        fs::write(folder.join(name), bytes).unwrap();
    }
    (folder, leaves)
}

/// The lines of a file that are no comments.
fn lines(folder: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join(name)).unwrap();
    text.lines().filter(|line| !line.starts_with([';', '#'])).map(str::to_owned).collect()
}

#[test]
fn coreutils_check_every_file_by_the_list_and_the_plan_by_its_digest() {
    let (folder, files) = bundle("production", "list");
    let checked = tool(&folder, "sha256sum", &["--check", "--strict", "manifest.txt"]);
    let checked: BTreeSet<&str> = checked.lines().map(|line| line.strip_suffix(": OK").unwrap()).collect();
    let others = files.keys().map(String::as_str).filter(|name| *name != "manifest.txt");
    assert_eq!(checked, others.collect());
    println!("figure: {} files of a bundle of {} keys", files.len(), KEYS.len());
    let check = ["--check", "--strict", "plan.sha256"];
    assert_eq!(tool(&folder, "sha256sum", &check), "plan.toml: OK\n");
    fs::write(folder.join("plan.toml"), plan("production") + "\n").unwrap();
    refuses(&folder, "sha256sum", &check);
}

#[test]
fn openssl_reads_each_certificate_in_both_forms_and_finds_the_published_key_in_it() {
    for kind in ["production", "rehearsal"] {
        let (folder, files) = bundle(kind, "openssl");
        for name in KEYS {
            let [der, pem] = ["der", "pem"].map(|form| format!("{name}.crt.{form}"));
            let openssl = |args: &[&str]| tool(&folder, "openssl", args);
            openssl(&["x509", "-in", &pem, "-outform", "DER", "-out", "again.der"]);
            assert_eq!(fs::read(folder.join("again.der")).unwrap(), files[&der], "{name}");
            let published = &files[&format!("{name}.pub.pem")];
            assert_eq!(openssl(&["x509", "-in", &pem, "-noout", "-pubkey"]).as_bytes(), published, "{name}");
            openssl(&["verify", "-x509_strict", "-check_ss_sig", "-no_check_time", "-CAfile", &pem, &pem]);
            let subject = openssl(&["x509", "-in", &pem, "-noout", "-subject"]);
            assert_eq!(subject.contains("REHEARSAL"), kind == "rehearsal", "{subject}");
        }
    }
}

#[test]
fn openssh_makes_the_same_line_of_the_published_key_and_reads_ours() {
    for kind in ["production", "rehearsal"] {
        let (folder, files) = bundle(kind, "ssh");
        let mut seen = 0;
        for name in KEYS.into_iter().filter(|name| files.contains_key(&format!("{name}.ssh.pub"))) {
            let ours = format!("{name}.ssh.pub");
            let made = tool(&folder, "ssh-keygen", &["-i", "-m", "PKCS8", "-f", &format!("{name}.pub.pem")]);
            assert_eq!(lines(&folder, &ours), [format!("{} use of {name}", made.trim_end())]);
            // Comments are none of its business.
            let shown = tool(&folder, "ssh-keygen", &["-l", "-f", &ours]);
            assert!(shown.contains(&format!(" use of {name} (")) && shown.lines().count() == 1, "{shown}");
            seen += 1;
        }
        // SSH has no name for the two Brainpool curves.
        assert_eq!(seen, 6);
    }
}

#[test]
fn bind_and_ldns_make_the_published_ds_of_the_published_dnskey() {
    for kind in ["production", "rehearsal"] {
        let (folder, _) = bundle(kind, "dns");
        for (name, _, usage, _) in PLANNED {
            let [zone, ds] = ["dnskey", "ds"].map(|end| format!("{name}.{end}"));
            assert_eq!(folder.join(&zone).exists(), usage.starts_with("dnssec-"), "{name}");
            assert_eq!(folder.join(&ds).exists(), usage.starts_with("dnssec-"), "{name}");
            if !folder.join(&zone).exists() {
                continue;
            }
            let ours: Vec<String> = lines(&folder, &ds).iter().map(|line| fields(line)).collect();
            let owner = ours[0].split(' ').next().unwrap().to_owned();
            // A zone has the TTL, the record has none.
            fs::write(folder.join("zone"), format!("$TTL 3600\n$INCLUDE {zone}\n")).unwrap();
            let bind = tool(&folder, "dnssec-dsfromkey", &["-A", "-a", "2", "-a", "4", "-f", "zone", &owner]);
            assert_eq!(bind.lines().map(fields).collect::<Vec<_>>(), ours, "BIND, {name}");
            for (digest, ours) in ["-2", "-4"].into_iter().zip(&ours) {
                let ldns = tool(&folder, "ldns-key2ds", &["-n", "-f", digest, &zone]);
                assert_eq!(fields(ldns.trim_end()), *ours, "ldns, {name}");
            }
            let text = fs::read_to_string(folder.join(&zone)).unwrap();
            let tag = ours[0].split(' ').nth(3).unwrap();
            assert!(text.contains(&format!("; key tag {tag}\n")), "{text}");
            let flags = if usage == "dnssec-ksk" { "257" } else { "256" };
            assert_eq!(lines(&folder, &zone)[0].split(' ').nth(3), Some(flags));
            assert_eq!(text.starts_with("; REHEARSAL"), kind == "rehearsal");
        }
    }
}

/// The fields of a record in lower case, its digest in one piece, without a TTL.
fn fields(record: &str) -> String {
    let fields: Vec<_> = record.split_ascii_whitespace().filter(|field| *field != "3600").collect();
    assert_eq!(fields[1..3], ["IN", "DS"], "{record}");
    (fields[..6].join(" ") + " " + &fields[6..].concat()).to_lowercase()
}

#[test]
fn an_xml_parser_finds_the_published_certificate_in_each_key_descriptor() {
    let (folder, files) = bundle("production", "saml");
    for (name, _, usage, _) in PLANNED {
        let xml = format!("{name}.saml.xml");
        assert_eq!(files.contains_key(&xml), usage == "saml-signing", "{name}");
        if usage != "saml-signing" {
            continue;
        }
        let path = "string(/*[local-name()='KeyDescriptor' and namespace-uri()='urn:oasis:names:tc:SAML:2.0:metadata' \
                    and @use='signing']/*[namespace-uri()='http://www.w3.org/2000/09/xmldsig#']\
                    //*[local-name()='X509Certificate'])";
        let base64 = tool(&folder, "xmllint", &["--nonet", "--xpath", path, &xml]);
        fs::write(folder.join("base64"), base64.trim_start()).unwrap();
        tool(&folder, "openssl", &["base64", "-d", "-in", "base64", "-out", "found.der"]);
        assert_eq!(fs::read(folder.join("found.der")).unwrap(), files[&format!("{name}.crt.der")], "{name}");
    }
}

#[test]
fn the_uris_of_a_key_name_each_of_its_tokens_twice() {
    let (folder, _) = bundle("production", "uris");
    let [master, backup] = ["DENK0000001", "DENK0000002"];
    for (at, (name, ..)) in PLANNED.iter().enumerate() {
        let uri = |serial, class| format!("pkcs11:serial={serial};id=%0{at}%FF;type={class}");
        let uris = [master, backup].map(|serial| [uri(serial, "private"), uri(serial, "cert")]);
        assert_eq!(lines(&folder, &format!("{name}.pkcs11.txt")), uris.concat());
    }
}

#[test]
fn a_record_that_lacks_a_part_gives_no_bundle_and_says_of_what() {
    let work = folder("bundle-lacks");
    let text = plan("production");
    let plan = read(text.as_bytes()).unwrap();
    let whole = facts(&plan, &work);
    let why = |facts: &Facts| files(&plan, text.as_bytes(), facts).unwrap_err().to_string();
    let mut lacks = whole.clone();
    lacks.keys.remove(&KeyIx(3));
    assert_eq!(why(&lacks), "the record lacks the making of p256");
    let mut lacks = whole.clone();
    lacks.keys.get_mut(&KeyIx(3)).unwrap().certificate = None;
    assert_eq!(why(&lacks), "the record lacks the certificate of p256");
    // The certificate of another key is none.
    let mut lacks = whole.clone();
    lacks.keys.get_mut(&KeyIx(3)).unwrap().certificate = whole.keys[&KeyIx(4)].certificate.clone();
    assert_eq!(why(&lacks), "the record lacks the certificate of p256");
    let mut lacks = whole;
    lacks.seen.remove(&TokenId(1));
    assert_eq!(why(&lacks), "the record lacks the certificates of DENK0000002");
}
