//! Passphrase shares as text: what is read is written to text that reads the same, and several recombine or say why
//! not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::dkek::split::{PassphraseShare, recombine};

fuzz_target!(|text: &str| {
    let shares: Vec<PassphraseShare> = text.split("\n\n").flat_map(PassphraseShare::parse).take(4).collect();
    for share in &shares {
        let written = share.to_text();
        let again = PassphraseShare::parse(&written).expect("what was written is read");
        assert_eq!(again.to_text(), written);
        assert!(recombine(&[share, &again]).is_err(), "the same share twice");
    }
    let _ = recombine(&shares.iter().collect::<Vec<_>>());
});
