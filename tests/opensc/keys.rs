use super::*;

#[test]
fn pkcs11_tool_finds_nothing_wrong() {
    let bench = Bench::new();
    for reader in [0, 1] {
        bench.initialize(reader, "0");
        bench.generate(reader, "rsa:2048", "10");
        bench.generate(reader, "EC:prime256v1", "11");
        let ran = bench.pkcs11_tool_logged_in(reader, &["--test"]);
        // C_GenerateRandom; raw, padded and hashed signatures; their verification; raw, PKCS#1 and OAEP decryption.
        ran.says("seems to be OK").says("testing key 0 (rsa:2048)").says("No errors").does_not_say("ERR");
        for mechanism in ["RSA-X-509: OK", "RSA-PKCS: OK", "SHA1-RSA-PKCS: OK", "SHA256-RSA-PKCS: OK", "RSA-PKCS-OAEP:"]
        {
            ran.says(mechanism);
        }
    }
}

#[test]
fn openssl_takes_the_signatures_of_every_curve_opensc_knows_of_ours() {
    let bench = Bench::new();
    for reader in [0, 1] {
        bench.initialize(reader, "0");
        for (id, curve) in [
            ("21", "secp521r1"),
            ("22", "brainpoolP256r1"),
            ("23", "secp256k1"),
            ("24", "secp384r1"),
            ("25", "brainpoolP384r1"),
        ] {
            let public = bench.generate(reader, &format!("EC:{curve}"), id);
            for mechanism in ["ECDSA-SHA1", "ECDSA-SHA256", "ECDSA-SHA512"] {
                bench.sign_and_check(reader, id, mechanism, &public);
            }
        }
    }
}

#[test]
fn a_key_agrees_with_openssl_on_a_secret() {
    let bench = Bench::new();
    bench.initialize(0, "0");
    let public = bench.generate(0, "EC:prime256v1", "11");
    bench.readers.openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "peer.pem"]);
    bench.readers.openssl(["pkey", "-in", "peer.pem", "-pubout", "-outform", "DER", "-out", "peer.der"]);
    let derive = ["--derive", "--id", "11", "--mechanism", "ECDH1-DERIVE", "--input-file", "peer.der"];
    bench.pkcs11_tool_logged_in(0, &[&derive[..], &["--output-file", "ours"]].concat());
    bench.readers.openssl(["pkeyutl", "-derive", "-inkey", "peer.pem", "-peerkey", &public, "-out", "theirs"]);
    let secret = fs::read(bench.readers.file("theirs")).unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(fs::read(bench.readers.file("ours")).unwrap(), secret);
}
