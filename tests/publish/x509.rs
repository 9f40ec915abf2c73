//! Certificates and requests of every profile and algorithm, read and verified by OpenSSL.

use std::fs;
use std::path::Path;

use conclave_publish::dns::KeyRole;
use conclave_publish::x509::{
    Certificate, CertificateProfile, Purpose, RequestProfile, SerialNumber, Signed, Subject, SubjectNames, Term, Time,
};
use conclave_publish::{Kind, Scheme};

use crate::keys::{KEYS, key, schemes, sign};
use crate::tool::{folder, run, tool};

/// With the text that OpenSSL shows of their extensions.
const PURPOSES: [(Purpose, &str); 5] = [
    (Purpose::MetadataSigning, "CA:FALSE|Digital Signature"),
    (Purpose::SamlSigning, "CA:FALSE|Digital Signature"),
    (Purpose::DnssecHolder(KeyRole::Zsk), "CA:FALSE|Digital Signature"),
    (Purpose::RootCa { path_len: None }, "CA:TRUE|Certificate Sign, CRL Sign"),
    (Purpose::RootCa { path_len: Some(2) }, "CA:TRUE, pathlen:2|Certificate Sign, CRL Sign"),
];

/// A second within every certificate made here, for OpenSSL to judge at: 2026-02-01T00:00:00Z.
const WITHIN: &str = "1769904000";

pub fn subject() -> Subject {
    Subject::new(SubjectNames {
        country: Some("NZ"),
        state: Some("Te Upoko o te Ika a Māui"),
        locality: Some("Te Whanganui-a-Tara"),
        organization: Some("Example, \"Ltd\" + Co."),
        unit: Some("Keys"),
        common_name: "example.org",
    })
    .unwrap()
}

pub fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

pub fn production() -> Term {
    Term::Production { not_before: time("2026-01-30T09:00:00Z"), not_after: time("2041-01-30T08:59:59Z") }
}

pub fn serial() -> SerialNumber {
    SerialNumber::from_random([0xC0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
}

fn certificate(folder: &Path, name: &str, scheme: Scheme, purpose: Purpose, term: Term) -> Option<Signed<Certificate>> {
    let profile = CertificateProfile::new(purpose, scheme, subject(), term).ok()?;
    let to_be_signed = profile.to_be_signed(&key(name), serial()).unwrap();
    let certificate = to_be_signed.assemble(&sign(folder, name, scheme, to_be_signed.bytes())).unwrap();
    fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    Some(certificate)
}

pub fn saml_certificate(folder: &Path, name: &str, scheme: Scheme) -> Signed<Certificate> {
    certificate(folder, name, scheme, Purpose::SamlSigning, production()).unwrap()
}

/// Every key, scheme and purpose that a profile allows.
fn everything(mut judge: impl FnMut(&str, Scheme, Purpose, &str)) {
    for name in KEYS {
        for scheme in schemes(&key(name)) {
            for (purpose, shown) in PURPOSES {
                judge(name, scheme, purpose, shown);
            }
        }
    }
}

#[test]
fn openssl_verifies_and_shows_certificates_of_every_profile_and_algorithm() {
    let folder = folder("certificates");
    let mut seen = 0;
    everything(|name, scheme, purpose, extensions| {
        let Some(certificate) = certificate(&folder, name, scheme, purpose, production()) else { return };
        seen += 1;
        let shown = tool(
            &folder,
            "openssl",
            &[
                "x509",
                "-in",
                "certificate.pem",
                "-noout",
                "-subject",
                "-issuer",
                "-nameopt",
                "RFC2253,-esc_msb,utf8",
                "-serial",
                "-dates",
                "-pubkey",
                "-fingerprint",
                "-sha256",
                "-ext",
                "basicConstraints,keyUsage,subjectKeyIdentifier,authorityKeyIdentifier",
            ],
        );
        let expect = |text: &str| assert!(shown.contains(text), "{name} {scheme} {purpose:?}: no {text:?} in\n{shown}");
        let subject = "CN=example.org,OU=Keys,O=Example\\, \\\"Ltd\\\" \\+ Co.,L=Te Whanganui-a-Tara,\
                       ST=Te Upoko o te Ika a Māui,C=NZ\n";
        expect(&format!("subject={subject}"));
        expect(&format!("issuer={subject}"));
        expect("serial=400102030405060708090A0B0C0D0E0F\n");
        expect("notBefore=Jan 30 09:00:00 2026 GMT\nnotAfter=Jan 30 08:59:59 2041 GMT\n");
        expect(&key(name).spki_pem());
        let fingerprint = certificate.digest().bytes().map(|byte| format!("{byte:02X}")).join(":");
        expect(&format!("sha256 Fingerprint={fingerprint}\n"));
        let (constraints, usage) = extensions.split_once('|').unwrap();
        expect(&format!("X509v3 Basic Constraints: critical\n    {constraints}\n"));
        expect(&format!("X509v3 Key Usage: critical\n    {usage}\n"));
        // Subject and authority have the same identifier.
        let after = |title: &str| {
            let (_, rest) = shown.split_once(&format!("{title}: \n    ")).unwrap_or_else(|| panic!("{title}\n{shown}"));
            rest.lines().next().unwrap().trim_start_matches("keyid:").to_owned()
        };
        assert_eq!(after("X509v3 Subject Key Identifier"), after("X509v3 Authority Key Identifier"));
        assert_eq!(after("X509v3 Subject Key Identifier").len(), 20 * 3 - 1);

        verify(&folder, "certificate.pem", true);
    });
    println!("figure: {seen} certificates verified by OpenSSL");
    // 14 schemes with four purposes, and the DNSSEC holder with the 8 that DNSSEC has.
    assert_eq!(seen, 14 * 4 + 8);
}

/// Asks OpenSSL for the self-signature, extensions and dates of a certificate.
#[track_caller]
fn verify(folder: &Path, file: &str, holds: bool) {
    let output =
        run(folder, "openssl", &["verify", "-x509_strict", "-check_ss_sig", "-attime", WITHIN, "-CAfile", file, file]);
    assert_eq!(output.status.success(), holds, "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn openssl_refuses_a_certificate_changed_after_signing() {
    let folder = folder("certificate-changed");
    let der = saml_certificate(&folder, "p256", Scheme::usual(key("p256").kind())).der().to_vec();
    verify(&folder, "certificate.pem", true);
    let at = der.windows(4).position(|window| window == b"Keys").unwrap();
    let mut changed = der;
    changed[at] = b'k';
    fs::write(folder.join("changed.der"), &changed).unwrap();
    tool(&folder, "openssl", &["x509", "-inform", "DER", "-in", "changed.der", "-out", "changed.pem"]);
    verify(&folder, "changed.pem", false);
}

#[test]
fn openssl_derives_the_same_key_identifier() {
    let folder = folder("key-identifier");
    for name in KEYS {
        let key_file = format!("{}/vectors/publish/keys/{name}.pem", env!("CARGO_MANIFEST_DIR"));
        saml_certificate(&folder, name, Scheme::usual(key(name).kind()));
        let theirs = ["req", "-x509", "-key", &key_file, "-subj", "/CN=x", "-days", "1", "-out", "theirs.pem"];
        tool(&folder, "openssl", &theirs);
        let identifier =
            |file| tool(&folder, "openssl", &["x509", "-in", file, "-noout", "-ext", "subjectKeyIdentifier"]);
        assert_eq!(identifier("certificate.pem"), identifier("theirs.pem"), "{name}");
    }
}

#[test]
fn openssl_sees_the_mark_and_the_seven_days_of_a_rehearsal() {
    let folder = folder("rehearsal");
    for (purpose, _) in PURPOSES {
        let scheme = Scheme::usual(key("p256").kind());
        let term = Term::Rehearsal { not_before: time("2026-01-30T09:00:00Z") };
        certificate(&folder, "p256", scheme, purpose, term).unwrap();
        let shown = tool(
            &folder,
            "openssl",
            &["x509", "-in", "certificate.pem", "-noout", "-subject", "-dates", "-nameopt", "RFC2253"],
        );
        assert!(shown.starts_with("subject=CN=REHEARSAL example.org,OU=Keys,"), "{shown}");
        assert!(shown.ends_with("notBefore=Jan 30 09:00:00 2026 GMT\nnotAfter=Feb  6 08:59:59 2026 GMT\n"), "{shown}");
        verify(&folder, "certificate.pem", true);
    }
}

#[test]
fn openssl_reads_a_certificate_that_does_not_expire() {
    let folder = folder("no-expiry");
    let term = Term::Production { not_before: time("2026-01-30T09:00:00Z"), not_after: time("9999-12-31T23:59:59Z") };
    certificate(&folder, "p384", Scheme::usual(key("p384").kind()), Purpose::SamlSigning, term).unwrap();
    let shown = tool(&folder, "openssl", &["x509", "-in", "certificate.pem", "-noout", "-enddate"]);
    assert_eq!(shown, "notAfter=Dec 31 23:59:59 9999 GMT\n");
    verify(&folder, "certificate.pem", true);
}

#[test]
fn openssl_verifies_and_shows_requests_of_every_profile_and_algorithm() {
    let folder = folder("requests");
    let mut seen = 0;
    everything(|name, scheme, purpose, extensions| {
        let Ok(profile) = RequestProfile::new(purpose, scheme, subject(), Kind::Production) else { return };
        seen += 1;
        let to_be_signed = profile.to_be_signed(&key(name)).unwrap();
        let request = to_be_signed.assemble(&sign(&folder, name, scheme, to_be_signed.bytes())).unwrap();
        fs::write(folder.join("request.pem"), request.pem()).unwrap();
        let show = ["req", "-in", "request.pem", "-noout", "-text", "-pubkey", "-nameopt", "RFC2253"];
        let shown = tool(&folder, "openssl", &show);
        let expect = |text: &str| assert!(shown.contains(text), "{name} {scheme} {purpose:?}: no {text:?} in\n{shown}");
        expect("Subject: CN=example.org,OU=Keys,");
        expect(&key(name).spki_pem());
        let (constraints, usage) = extensions.split_once('|').unwrap();
        expect(&format!("X509v3 Basic Constraints: critical\n                    {constraints}\n"));
        expect(&format!("X509v3 Key Usage: critical\n                    {usage}\n"));
        assert!(request_verifies(&folder, "request.pem"), "{name} {scheme} {purpose:?}");

        let mut changed = request.der().to_vec();
        let at = changed.windows(4).position(|window| window == b"Keys").unwrap();
        changed[at] = b'k';
        fs::write(folder.join("changed.der"), &changed).unwrap();
        tool(&folder, "openssl", &["req", "-inform", "DER", "-in", "changed.der", "-out", "changed.pem"]);
        assert!(!request_verifies(&folder, "changed.pem"), "{name} {scheme} {purpose:?}");
    });
    println!("figure: {seen} requests verified by OpenSSL");
    assert_eq!(seen, 14 * 4 + 8);
}

/// `openssl req -verify` says so in words; its exit status differs between versions.
fn request_verifies(folder: &Path, file: &str) -> bool {
    let output = run(folder, "openssl", &["req", "-verify", "-in", file, "-noout"]);
    let said = String::from_utf8_lossy(&output.stderr);
    let (good, bad) = (said.contains("verify OK"), said.contains("verify failure"));
    assert!(good != bad, "{said}");
    good
}
