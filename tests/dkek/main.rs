//! DKEK files as people bring them: shares opened by the real key derivation, and every hostile file refused for its one
//! defect.
#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod shares;

use smartcard_hsm::{
    dkek::{Dkek, Passphrase, Share},
    secret::{Secret, SecretBytes},
};

const SHARE_1: &str = "e1459f00516d9679347076c7aad42b19eb34811f48662254f43e31d600e61d90";
const SHARE_2: &str = "a1184771baf19d17b8a6ab46ce0feb8f7dd0ab7ef7763db83c76e2af3829a7fb";

/// A file under `tests/vectors`.
fn vector(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/vectors/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn share(hex: &str) -> Share {
    let digits = hex.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap());
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    Share::new(Secret::copied_from(&bytes).unwrap())
}

fn dkek() -> Dkek {
    Dkek::combine(&[&share(SHARE_1), &share(SHARE_2)]).unwrap()
}

fn passphrase(bytes: &[u8]) -> Passphrase {
    Passphrase::new(SecretBytes::copied_from(bytes)).unwrap()
}
