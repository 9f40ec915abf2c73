//! DNSSEC records as BIND and ldns compute them, the manifest as `sha256sum` checks it, SAML as an XML parser reads it.

use std::fs;

use conclave_publish::dns::{DnsKey, DnsName, DsDigest, KeyRole};
use conclave_publish::{Digest, FileName, Item, Manifest, Scheme, saml_key_descriptor};

use crate::keys::{KEYS, key, schemes};
use crate::tool::{folder, refuses, tool};
use crate::x509::saml_certificate;

#[test]
fn bind_and_ldns_compute_the_same_tag_and_ds() {
    let folder = folder("dns");
    let mut seen = 0;
    for name in KEYS {
        for scheme in schemes(&key(name)) {
            for (role, owner) in [
                (KeyRole::Ksk, "example.org"),
                (KeyRole::Zsk, "Sub.Example.ORG"),
                (KeyRole::Ksk, "nz"),
                (KeyRole::Ksk, "."),
            ] {
                let owner = DnsName::new(owner).unwrap();
                let Ok(record) = DnsKey::new(owner, role, &key(name), scheme.hash()) else { continue };
                fs::write(folder.join("zone.key"), format!("{record}\n")).unwrap();
                for (digest, bind, ldns) in [(DsDigest::Sha256, "SHA-256", "-2"), (DsDigest::Sha384, "SHA-384", "-4")] {
                    let ours = record.ds(digest);
                    let theirs = tool(&folder, "dnssec-dsfromkey", &["-A", "-a", bind, "zone.key"]);
                    assert_eq!(fields(&theirs), fields(&ours), "BIND, {name}");
                    let theirs = tool(&folder, "ldns-key2ds", &["-n", "-f", ldns, "zone.key"]);
                    assert_eq!(fields(&theirs), fields(&ours), "ldns, {name}");
                    seen += 1;
                }
            }
        }
    }
    // RSA with two digests at three sizes, and two curves; four owners; two digests.
    assert_eq!(seen, (3 * 2 + 2) * 4 * 2);
}

/// A record's fields in lower case, without a TTL, its digest in one piece.
fn fields(record: &str) -> String {
    let fields: Vec<_> = record.split_ascii_whitespace().filter(|field| *field != "3600").collect();
    assert_eq!(fields[1..3], ["IN", "DS"], "{record}");
    (fields[..6].join(" ") + " " + &fields[6..].concat()).to_lowercase()
}

#[test]
fn sha256sum_checks_a_bundle_by_its_manifest() {
    let folder = folder("manifest");
    let files: [(&str, &[u8]); 3] = [("keys/ksk.pem", b"key\n"), ("Zone.txt", b""), ("_a-b.c", &[0xFF; 1000])];
    fs::create_dir(folder.join("keys")).unwrap();
    let items = files.map(|(name, contents)| {
        fs::write(folder.join(name), contents).unwrap();
        let name = FileName::new(name.as_bytes()).unwrap();
        Item { name, size: contents.len() as u64, digest: Digest::of(contents) }
    });
    fs::write(folder.join("manifest"), Manifest::new(items.to_vec()).unwrap().to_text()).unwrap();
    let check = ["--check", "--strict", "manifest"];
    assert_eq!(tool(&folder, "sha256sum", &check), "Zone.txt: OK\n_a-b.c: OK\nkeys/ksk.pem: OK\n");
    fs::write(folder.join("keys/ksk.pem"), "kez\n").unwrap();
    refuses(&folder, "sha256sum", &check);
    fs::remove_file(folder.join("keys/ksk.pem")).unwrap();
    refuses(&folder, "sha256sum", &check);
}

#[test]
fn an_xml_parser_finds_the_certificate_in_a_key_descriptor() {
    let folder = folder("saml");
    let certificate = saml_certificate(&folder, "rsa4096", Scheme::usual(key("rsa4096").kind()));
    fs::write(folder.join("descriptor.xml"), saml_key_descriptor(&certificate)).unwrap();
    let path = "string(/*[local-name()='KeyDescriptor' and namespace-uri()='urn:oasis:names:tc:SAML:2.0:metadata' and \
                @use='signing']/*[namespace-uri()='http://www.w3.org/2000/09/xmldsig#']//*[local-name()='X509Certificate'])";
    let base64 = tool(&folder, "xmllint", &["--nonet", "--xpath", path, "descriptor.xml"]);
    fs::write(folder.join("base64"), base64.trim_start()).unwrap();
    tool(&folder, "openssl", &["base64", "-d", "-in", "base64", "-out", "certificate.der"]);
    assert_eq!(fs::read(folder.join("certificate.der")).unwrap(), certificate.der());
}
