use std::thread;

use super::*;

/// Kind, identifier, mechanism and key reference of each key.
const KEYS: [(&str, &str, &str, &str); 4] = [
    ("rsa:2048", "10", "SHA256-RSA-PKCS", "1"),
    ("rsa:4096", "11", "SHA512-RSA-PKCS", "2"),
    ("EC:prime256v1", "12", "ECDSA-SHA256", "3"),
    ("EC:secp384r1", "13", "ECDSA-SHA384", "4"),
];

#[test]
fn keys_of_one_token_sign_on_another_after_two_shares() {
    let bench = Bench::new();
    let passwords = ["correct horse", "second custodian"];
    // Each use of a share costs its custodian some ten seconds of key derivation: both readers at once.
    thread::scope(|scope| {
        for reader in [0, 1] {
            let bench = &bench;
            scope.spawn(move || {
                bench.initialize(reader, "2");
                bench.sc_hsm_tool(reader, &[]).says("DKEK shares          : 2").says("2 share(s) still missing");
                let share = format!("share{reader}.pbe");
                bench.sc_hsm_tool(reader, &["--create-dkek-share", &share, "--password", passwords[reader]]);
                assert_eq!(fs::read(bench.readers.file(&share)).unwrap().len(), 64);
            });
        }
    });
    let public = KEYS.map(|(kind, id, mechanism, _)| {
        let public = bench.generate(0, kind, id);
        bench.sign_and_check(0, id, mechanism, &public);
        public
    });
    thread::scope(|scope| {
        for reader in [0, 1] {
            let bench = &bench;
            scope.spawn(move || {
                import(bench, reader, "share0.pbe", passwords[0]);
                bench.sc_hsm_tool(reader, &[]).says("1 share(s) still missing");
                // With one share missing nothing leaves.
                bench.sc_hsm_tool(reader, &["--wrap-key", "early", "--key-reference", "1", "--pin", PIN]);
                assert!(!bench.readers.file("early").exists());
                import(bench, reader, "share1.pbe", passwords[1]);
            });
        }
    });
    assert_eq!(bench.readers.key_check_value(0), bench.readers.key_check_value(1));

    for ((kind, id, mechanism, reference), public) in KEYS.iter().zip(&public) {
        let file = format!("{id}.wrapped");
        bench.sc_hsm_tool(0, &["--wrap-key", &file, "--key-reference", reference, "--pin", PIN]);
        bench.sc_hsm_tool(1, &["--unwrap-key", &file, "--key-reference", reference, "--pin", PIN]);
        bench.pkcs15_tool(1, &["--list-keys"]).says(kind);
        bench.sign_and_check(1, id, mechanism, public);
        assert_eq!(
            fs::read(bench.readers.file(public)).unwrap(),
            fs::read(bench.readers.file(&bench.public_key(1, id))).unwrap()
        );
    }
    // The card did the work that went over the wire: token 1 generated no key.
    let generated = |token: &Shared| {
        token.lock().unwrap().log().exchanges().iter().filter(|exchange| exchange.header()[1] == 0x46).count()
    };
    assert_eq!(bench.tokens.each_ref().map(generated), [KEYS.len(), 0]);

    // Wrapped on the older firmware, in its layout, a key comes home.
    bench.sc_hsm_tool(1, &["--wrap-key", "home", "--key-reference", "1", "--pin", PIN]);
    bench.pkcs11_tool_logged_in(0, &["--delete-object", "--type", "privkey", "--id", "10"]);
    bench.pkcs15_tool(0, &["--list-keys"]).does_not_say("rsa:2048");
    bench.sc_hsm_tool(0, &["--unwrap-key", "home", "--key-reference", "9", "--pin", PIN, "--force"]);
    bench.sign_and_check(0, "10", "SHA256-RSA-PKCS", &public[0]);
}

fn import(bench: &Bench, reader: usize, share: &str, password: &str) {
    bench.sc_hsm_tool(reader, &["--import-dkek-share", share, "--password", password]);
}
