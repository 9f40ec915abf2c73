//! Software at the key's home takes the ceremony's key over by the files of the public drive, as `docs/using-the-key.md` says.

use std::fs;
use std::sync::{Arc, Mutex};

use conclave_ceremony::ids::TokenId;
use conclave_console::ports::Machine;
use conclave_sim::memo::Memo;
use conclave_tests::ceremony::played;
use conclave_tests::opensc::Readers;
use conclave_tests::tool::{Ran, require};

const MINIMAL: &str = include_str!("../../docs/plans/minimal/plan.toml");
const MODULE: &str = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
const KEYMGR: &str = "/usr/sbin/keymgr";

/// The smallest ceremony, its key a zone's.
fn plan() -> String {
    let zone = MINIMAL.replacen("\"saml-signing\"", "\"dnssec-ksk\"", 1);
    zone.replacen("CN = \"Signing\"", "CN = \"example.org\"", 1)
}

/// A program with these variables set.
fn with(readers: &Readers, variables: &[&str], command: &[&str]) -> Ran {
    readers.run("env", [variables, command].concat())
}

#[test]
fn a_key_of_a_ceremony_is_found_and_used_by_its_uri() {
    let mut left = played(plan().as_bytes(), [3; 32], [4; 32], &Arc::new(Memo::default()));
    let token = |id| left.stage.place(id).unwrap();
    let (master, backup) = (token(TokenId(0)), token(TokenId(1)));
    let mut taken =
        |place| Arc::new(Mutex::new(left.stage.world.tokens().token(place, |token| token.clone()).unwrap()));
    let (master, backup) = (taken(master), taken(backup));
    require("gnutls-bin", "/usr/bin/p11tool");
    require("libengine-pkcs11-openssl", "/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so");
    require("openssh-client", "/usr/bin/ssh-keygen");
    require("knot", KEYMGR);
    let readers = Readers::start();
    for (name, bytes) in &left.files {
        fs::write(readers.file(name), bytes).unwrap();
    }
    fs::write(readers.file("message"), "what is signed").unwrap();
    fs::write(readers.file("other"), "what is not").unwrap();
    let uris = fs::read_to_string(readers.file("signing.pkcs11.txt")).unwrap();
    let uris: Vec<&str> = uris.lines().collect();
    let papers = left.robot.papers();
    for (token, name, uris) in [(&master, "MASTER", &uris[..2]), (&backup, "BACKUP", &uris[2..])] {
        let plugged = readers.plug(0, Arc::clone(token));
        let pin = papers[&format!("PIN of {name}")].as_str();
        found(&readers, uris, pin);
        signs(&readers, uris[0], pin);
        offered_to_ssh(&readers);
        imported_by_knot(&readers, uris[0], pin);
        readers.unplug(0, plugged);
    }
}

/// GnuTLS finds one object by each URI, and none by that of another token.
fn found(readers: &Readers, uris: &[&str], pin: &str) {
    let pin = format!("GNUTLS_PIN={pin}");
    let listed = |uri: &str| {
        let p11tool = ["p11tool", "--provider", MODULE, "--batch", "--login", "--list-all", uri];
        with(readers, &[&pin], &p11tool).out
    };
    for (uri, kind) in uris.iter().zip(["Private key (EC/ECDSA", "X.509 Certificate (EC/ECDSA"]) {
        let found = listed(uri);
        assert!(found.matches("Object ").count() == 1 && found.contains(kind), "{uri}: {found}");
    }
    let other = uris[0].replace("serial=DENK", "serial=DENX");
    assert_eq!(listed(&other).matches("Object ").count(), 0);
    let certificate = ["p11tool", "--provider", MODULE, "--batch", "--export", uris[1]];
    let certificate = with(readers, &[&pin], &certificate).out;
    assert_eq!(certificate.trim_end(), fs::read_to_string(readers.file("signing.crt.pem")).unwrap().trim_end());
}

/// OpenSSL signs with the key of the URI through the engine of libp11, and OpenSC's own tool by id; the published key
/// verifies both.
fn signs(readers: &Readers, uri: &str, pin: &str) {
    let module = format!("PKCS11_MODULE_PATH={MODULE}");
    let with_pin = format!("{uri}?pin-value={pin}");
    let engine = ["openssl", "dgst", "-sha256", "-engine", "pkcs11", "-keyform", "engine", "-sign", &with_pin];
    let by_id = ["pkcs11-tool", "--module", MODULE, "--login", "--pin", pin, "--sign", "--id", "01"];
    let by_id = [&by_id[..], &["--mechanism", "ECDSA-SHA256", "--signature-format", "openssl"]].concat();
    for (sign, out, last) in
        [(&engine[..], "-out", &["message"][..]), (&by_id, "--output-file", &["--input-file", "message"])]
    {
        let _ = fs::remove_file(readers.file("signature"));
        let ran = with(readers, &[&module], &[sign, &[out, "signature"], last].concat());
        assert!(readers.file("signature").exists(), "{ran:#?}");
        let verify = ["dgst", "-sha256", "-verify", "signing.pub.pem", "-signature", "signature"];
        readers.openssl([&verify[..], &["message"]].concat()).says("Verified OK");
        readers.openssl([&verify[..], &["other"]].concat()).does_not_say("Verified OK");
    }
}

/// `ssh-keygen -D` shows the line of the public drive, but for its comment.
fn offered_to_ssh(readers: &Readers) {
    let ours = fs::read_to_string(readers.file("signing.ssh.pub")).unwrap();
    let line = ours.lines().find(|line| !line.starts_with('#')).unwrap();
    let key: Vec<&str> = line.split(' ').take(2).collect();
    with(readers, &[], &["ssh-keygen", "-D", MODULE]).says(&key.join(" "));
}

/// Knot takes the key over by its id, and makes the records of the public drive of it.
fn imported_by_knot(readers: &Readers, uri: &str, pin: &str) {
    let (token, _) = uri.split_once(";id=").unwrap();
    let database = readers.file("knot");
    let _ = fs::remove_dir_all(&database);
    fs::create_dir(&database).unwrap();
    let conf = format!(
        "database:\n    storage: {database:?}\nkeystore:\n  - id: token\n    backend: pkcs11\n    \
         config: \"{token};pin-value={pin} {MODULE}\"\npolicy:\n  - id: by-hand\n    keystore: token\n    manual: on\n\
         zone:\n  - domain: example.org\n    dnssec-policy: by-hand\n"
    );
    fs::write(readers.file("knot.conf"), conf).unwrap();
    let keymgr = |args: &[&str]| with(readers, &[], &[&[KEYMGR, "-c", "knot.conf", "example.org."], args].concat());
    keymgr(&["import-pkcs11", "01", "algorithm=13", "ksk=yes"]).says("OK");
    for (command, file) in [("dnskey", "signing.dnskey"), ("ds", "signing.ds")] {
        let ours = fs::read_to_string(readers.file(file)).unwrap();
        let ours: Vec<_> =
            ours.lines().filter(|line| !line.starts_with(';')).map(|line| line.replace(" IN ", " ")).collect();
        let theirs = keymgr(&[command]).out;
        assert_eq!(theirs.lines().collect::<Vec<_>>(), ours, "{command}");
    }
}
