//! Not a parser: a crash behind four bytes, which `scripts/fuzz` demands to be found. Were it not found, the other
//! targets finding nothing would mean nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let [b'D', rest @ ..] = bytes
        && let [b'K', rest @ ..] = rest
        && let [b'E', rest @ ..] = rest
        && let [b'K', ..] = rest
    {
        panic!("the planted crash");
    }
});
