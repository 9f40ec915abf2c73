//! Every blob of the vectors, opened and made again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};

use smartcard_hsm::{
    curve::Curve,
    dkek::{Dkek, blob::BlobError},
    secret::{Secret, SecretBytes},
};
use smartcard_hsm_recover::{ClearKey, EcKey, MakeError, OpenError, make, open};

const DKEK: [u8; 32] = *b"\x40\x5d\xd8\x71\xeb\x9c\x0b\x6e\x8c\xd6\xdd\x81\x64\xdb\xc0\x96\
                          \x96\xe4\x2a\x61\xbf\x10\x1f\xec\xc8\x48\xd3\x79\x38\xcf\xba\x6b";

fn dkek() -> Dkek {
    Dkek::new(Secret::filled(|bytes| *bytes = DKEK))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/vectors/token/blobs")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

#[test]
fn every_blob_opens_and_is_made_again_byte_for_byte() {
    let mut made = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "blob") {
            continue;
        }
        let blob = std::fs::read(&path).unwrap();
        let plain = std::fs::read(path.with_extension("plain")).unwrap();
        let random = *plain.first_chunk().unwrap();
        let key = open(&blob, &dkek()).unwrap();
        if path.ends_with("rsa4096-crt.blob") {
            assert_eq!(make(&key, &dkek(), random), Err(MakeError::CrtTooLong { bits: 4096 }));
        } else {
            assert_eq!(make(&key, &dkek(), random).unwrap(), blob, "{path:?}");
            made += 1;
        }
    }
    assert_eq!(made, 10);
}

#[test]
fn opened_keys_are_those_of_the_pkcs8_files() {
    #[track_caller]
    fn holds(file_name: &str, parts: &[&[u8]]) {
        let whole = file(file_name);
        for part in parts {
            assert!(part.len() > 2 && whole.windows(part.len()).any(|window| window == *part));
        }
    }
    for bits in ["2048", "4096"] {
        let pkcs8 = format!("rsa{bits}.pkcs8.der");
        let ClearKey::Rsa(key) = open(&file(&format!("rsa{bits}-std.blob")), &dkek()).unwrap() else { panic!() };
        holds(&pkcs8, &[&key.modulus, &key.public_exponent, key.private_exponent.expose()]);
        let ClearKey::RsaCrt(key) = open(&file(&format!("rsa{bits}-crt.blob")), &dkek()).unwrap() else { panic!() };
        let parts = [&key.dp, &key.dq, &key.p, &key.q, &key.q_inverse].map(SecretBytes::expose);
        holds(&pkcs8, &parts);
    }
    for (name, curve) in [
        ("ec-p256", Curve::P256),
        ("ec-secp256k1", Curve::Secp256k1),
        ("ec-bp256r1", Curve::BrainpoolP256r1),
        ("ec-bp384r1", Curve::BrainpoolP384r1),
        ("ec-p521", Curve::P521),
    ] {
        let ClearKey::Ec(key) = open(&file(&format!("{name}.blob")), &dkek()).unwrap() else { panic!() };
        assert_eq!(key.curve(), Some(curve));
        holds(&format!("{name}.pkcs8.der"), &[key.private.expose(), &key.public]);
    }
    for name in ["aes128", "aes256"] {
        let want = ClearKey::Aes(SecretBytes::copied_from(&file(&format!("{name}.key"))));
        assert_eq!(open(&file(&format!("{name}.blob")), &dkek()), Ok(want));
    }
}

#[test]
fn keys_on_every_curve_of_the_vectors_survive_a_blob() {
    let text = std::fs::read_to_string(folder().join("../curves.txt")).unwrap();
    let sections: Vec<&str> = text.split("\n[").skip(1).collect();
    assert_eq!(sections.len(), 13);
    for section in sections {
        let field = |name: &str| {
            let line = section.lines().find_map(|line| line.strip_prefix(&format!("{name} = "))).unwrap();
            let digits = line.as_bytes().chunks(2);
            digits.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect::<Vec<u8>>()
        };
        let (generator, order) = (field("G"), field("n"));
        // The private key 1, whose public point is the base point.
        let mut private = vec![0; order.len()];
        *private.last_mut().unwrap() = 1;
        let private = SecretBytes::copied_from(&private);
        let public = generator.clone();
        let key = EcKey { p: field("p"), a: field("a"), b: field("b"), generator, order, private, public };
        let key = ClearKey::Ec(key);
        let blob = make(&key, &dkek(), [7; 8]).unwrap();
        assert_eq!(open(&blob, &dkek()), Ok(key), "{section}");
    }
}

#[test]
fn nothing_is_opened_that_does_not_authenticate() {
    let mut blob = file("ec-p256.blob");
    let other = Dkek::new(Secret::filled(|bytes| *bytes = [1; 32]));
    let refused = open(&blob, &other).unwrap_err();
    assert!(matches!(refused, OpenError::Blob(BlobError::OtherDkek { .. })), "{refused}");
    blob[100] ^= 1;
    assert_eq!(open(&blob, &dkek()), Err(OpenError::Blob(BlobError::Altered)));
}
