//! The simulated token judged by Debian's OpenSC: unmodified `sc-hsm-tool`, `pkcs15-tool` and `pkcs11-tool` against
//! tokens in readers of a private pcscd, their signatures by openssl. Every asserted value was read back, by another
//! tool or from the card; no exit code counts.

mod keys;
mod objects;
mod pins;
mod replicate;
mod used;

use std::fs;

use conclave_tests::bench::{Bench, PIN, SO_PIN, Shared};

#[test]
fn a_new_token_is_initialised_and_shown_as_what_it_is() {
    let bench = Bench::new();
    for (reader, version, serial) in [(0, "4.1", "DENK0100001"), (1, "3.3", "DENK0100002")] {
        bench
            .sc_hsm_tool(reader, &[])
            .says(&format!("Version              : {version}"))
            .says("never been initialized");
        bench.initialize(reader, "0");
        bench.sc_hsm_tool(reader, &[]).says("User PIN reset with SO-PIN enabled").says("DKEK key check value");
        bench.pkcs15_tool(reader, &["--dump"]).says(&format!("Serial number  : {serial}"));
    }
}
