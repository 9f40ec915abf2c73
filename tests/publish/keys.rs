//! The test keys, OpenSSL as the signer elsewhere, and its judgement of public keys, signatures and statements.

use std::fs;
use std::path::Path;

use conclave_publish::{Digest, Hash, Kind, Line, PublicKey, Scheme, SshKey, Statement};

use crate::tool::{folder, refuses, tool};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/publish");

/// Every kind of key that is published.
pub const KEYS: [&str; 8] = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521", "bp256r1", "bp384r1"];

pub fn key(name: &str) -> PublicKey {
    PublicKey::from_spki_der(&fs::read(format!("{VECTORS}/spki/{name}.der")).unwrap()).unwrap()
}

/// Every scheme of a key.
pub fn schemes(key: &PublicKey) -> Vec<Scheme> {
    let hashes = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
    hashes.into_iter().filter_map(|hash| Scheme::new(key.kind(), hash).ok()).collect()
}

/// The digest as OpenSSL's command line calls it.
fn option(scheme: Scheme) -> String {
    format!("-{}", scheme.hash().to_string().replace('-', "").to_lowercase())
}

/// The signature OpenSSL makes with a test key.
pub fn sign(folder: &Path, name: &str, scheme: Scheme, message: &[u8]) -> Vec<u8> {
    fs::write(folder.join("message"), message).unwrap();
    let secret = format!("{VECTORS}/keys/{name}.pem");
    tool(folder, "openssl", &["dgst", &option(scheme), "-sign", &secret, "-out", "signature", "message"]);
    fs::read(folder.join("signature")).unwrap()
}

#[test]
fn openssl_reads_every_key_back_from_pem() {
    let folder = folder("spki");
    for name in KEYS {
        fs::write(folder.join("key.pem"), key(name).spki_pem()).unwrap();
        tool(&folder, "openssl", &["pkey", "-pubin", "-in", "key.pem", "-outform", "DER", "-out", "key.der"]);
        assert_eq!(fs::read(folder.join("key.der")).unwrap(), key(name).spki_der());
        // Byte for byte the PEM that OpenSSL writes.
        assert_eq!(tool(&folder, "openssl", &["pkey", "-pubin", "-in", "key.pem"]), key(name).spki_pem());
    }
}

#[test]
fn openssl_alone_verifies_a_key_proof_and_no_changed_one() {
    let folder = folder("statement");
    for name in KEYS {
        let key = key(name);
        let scheme = Scheme::usual(key.kind());
        let statement = Statement {
            kind: Kind::Production,
            ceremony: Digest::of(b"plan"),
            image: Digest::of(b"image"),
            head: Digest::of(b"head"),
            token: Line::new("DENK0400001").unwrap(),
            key: key.digest(),
            purpose: Line::new("example.org metadata signing").unwrap(),
        };
        let signature = sign(&folder, name, scheme, statement.to_string().as_bytes());
        let read = Statement::parse(statement.to_string().as_bytes()).unwrap();
        assert_eq!(read.verify(&key, &signature), Ok(()));

        fs::write(folder.join("key.pem"), key.spki_pem()).unwrap();
        let option = option(scheme);
        let verify = ["dgst", &option, "-verify", "key.pem", "-signature", "signature", "message"];
        assert_eq!(tool(&folder, "openssl", &verify), "Verified OK\n", "{name}");
        let rehearsal = Statement { kind: Kind::Rehearsal, ..statement };
        fs::write(folder.join("message"), rehearsal.to_string()).unwrap();
        refuses(&folder, "openssl", &verify);
        assert!(rehearsal.verify(&key, &signature).is_err());
    }
}

#[test]
fn ssh_keygen_reads_every_key_and_computes_the_same_fingerprint() {
    let folder = folder("ssh");
    for name in KEYS {
        let key = key(name);
        let Ok(ssh) = SshKey::new(&key) else {
            assert!(["bp256r1", "bp384r1"].contains(&name), "{name}");
            continue;
        };
        let comment = Line::new("ksk 2026 (example)").unwrap();
        fs::write(folder.join("key.pub"), ssh.line(&comment) + "\n").unwrap();
        let listed = tool(&folder, "ssh-keygen", &["-l", "-f", "key.pub"]);
        let fields: Vec<_> = listed.split(' ').collect();
        assert_eq!(fields[1], ssh.fingerprint(), "{name}");
        assert!(listed.contains(" ksk 2026 (example) "), "{listed}");
        assert_eq!(tool(&folder, "ssh-keygen", &["-e", "-m", "PKCS8", "-f", "key.pub"]), key.spki_pem(), "{name}");
    }
}
