//! ECDSA signatures as cards answer them: what is read is in the one form verifiers take.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::{command::strict_ecdsa, curve::Curve};

fuzz_target!(|bytes: &[u8]| {
    for curve in Curve::ALL {
        let Ok(strict) = strict_ecdsa(bytes, curve) else { continue };
        assert!(strict.len() <= bytes.len());
        assert_eq!(strict_ecdsa(&strict, curve).as_ref(), Ok(&strict));
    }
});
