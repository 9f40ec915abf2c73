//! Share files: each file that is read is written back to the same bytes.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::dkek::share::SealedShare;

target!(|bytes: &[u8]| {
    assert_eq!(SealedShare::parse(bytes)?.to_file(), *bytes);
    Ok(())
});
