//! State files of simulated tokens. The digest is made right, or nothing would get past it.
#![no_main]

use std::{fs, path::PathBuf, sync::OnceLock};

use conclave_fuzz::target;
use conclave_sim::{
    card::{random::Randomness, rsa::RsaSource},
    state::Kept,
};
use sha2::{Digest, Sha256};

target!(|bytes: &[u8]| {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| std::env::temp_dir().join(format!("conclave-fuzz-{}.state", std::process::id())));
    // Text of 24 bytes, the number 1, a byte string of 32, then the memory.
    let header = [b"\x78\x18conclave simulated token\x01\x58\x20", Sha256::digest(bytes).as_slice()].concat();
    fs::write(path, [&header, bytes].concat()).expect("the temporary folder takes a file");
    let kept = Kept::open(path, Randomness::seeded([7; 32]), RsaSource::Premade(Vec::new()));
    let _ = fs::remove_file(path);
    kept?;
    Ok(())
});
