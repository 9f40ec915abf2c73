//! ECDSA signatures as cards answer them: each signature that is read has the one form that verifiers take.
#![no_main]

use conclave_fuzz::{plain, target};
use smartcard_hsm::{command::strict_ecdsa, curve::Curve};

target!(|bytes: &[u8]| {
    for curve in Curve::ALL {
        match strict_ecdsa(bytes, curve) {
            Ok(strict) => {
                assert!(strict.len() <= bytes.len());
                assert_eq!(strict_ecdsa(&strict, curve).as_ref(), Ok(&strict));
            }
            Err(error) => plain(error),
        }
    }
    Ok(())
});
