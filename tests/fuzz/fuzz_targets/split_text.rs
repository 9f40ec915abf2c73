//! Passphrase shares as text: each share that is read is written to text that reads the same, and several recombine
//! or say why not.
#![no_main]

use conclave_fuzz::{plain, target};
use smartcard_hsm::dkek::split::{PassphraseShare, recombine};

target!(|text: &str| {
    let (mut shares, mut refused) = (Vec::new(), Vec::new());
    for part in text.split("\n\n").take(4) {
        match PassphraseShare::parse(part) {
            Ok(share) => shares.push(share),
            Err(error) => refused.push(error),
        }
    }
    refused.into_iter().for_each(plain);
    for share in &shares {
        let written = share.to_text();
        let again = PassphraseShare::parse(&written).expect("what was written is read");
        assert_eq!(again.to_text(), written);
        plain(recombine(&[share, &again]).err().expect("the same share twice"));
    }
    recombine(&shares.iter().collect::<Vec<_>>())?;
    Ok(())
});
