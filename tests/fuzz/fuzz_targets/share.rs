//! Share files: what is read is written back to the same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::dkek::share::SealedShare;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(share) = SealedShare::parse(bytes) {
        assert_eq!(share.to_file(), *bytes);
    }
});
