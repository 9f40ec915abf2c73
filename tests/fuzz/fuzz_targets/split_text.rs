//! Passphrase shares as text: what is read is written to text that reads the same, and two of them recombine or say why
//! not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::dkek::split::{PassphraseShare, recombine};

fuzz_target!(|text: &str| {
    let Ok(share) = PassphraseShare::parse(text) else { return };
    let written = share.to_text();
    let again = PassphraseShare::parse(&written).expect("what was written is read");
    assert_eq!(again.to_text(), written);
    assert!(recombine(&[&share, &again]).is_err(), "the same share twice");
    let (_, rest) = text.split_at(text.len() / 2);
    if let Ok(other) = PassphraseShare::parse(rest) {
        let _ = recombine(&[&share, &other]);
    }
});
