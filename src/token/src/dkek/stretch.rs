//! From a passphrase to the key of a share file: slow on purpose, and the only place where tests may save time.
//!
//! Shape: OpenSSL's EVP_BytesToKey with MD5 and ten million iterations, which yields AES-256 key and IV. H^n is the
//! n-fold MD5: D1 = H^n(passphrase || salt), D2 = H^n(D1 || passphrase || salt), D3 = H^n(D2 || passphrase || salt);
//! the key is D1 || D2, the IV is D3.
//! Source: OpenSSL `EVP_BytesToKey(3)`; RFC 1321; the iteration count, OpenSC `sc-hsm-tool.c`.

use md5::{Digest, Md5, block_api::compress};
use zeroize::Zeroizing;

use super::{Passphrase, share::Salt};
use crate::secret::Secret;

/// Rounds of a whole derivation, the last number `progress` hears.
pub const ROUNDS: u32 = 3 * CHAIN_ROUNDS;
/// Rounds of one of the three chains. A constant of the format: fewer rounds open no share file.
const CHAIN_ROUNDS: u32 = 10_000_000;
/// Rounds between two calls of `progress`: about ten milliseconds.
const PROGRESS_ROUNDS: u32 = 100_000;

/// Turns passphrase and salt into key and IV.
///
/// A seam so that tests may remember results: besides [`Md5Stretch`] there is only a memo around it, in the simulator.
/// `Sync`, because the shares of several custodians are opened on as many threads.
pub trait Stretch: Sync {
    /// Derives. `progress` hears how many rounds of [`ROUNDS`] are done, ever more, at the end all.
    fn stretch(&self, passphrase: &Passphrase, salt: &Salt, progress: &mut dyn FnMut(u32)) -> StretchedKey;
}

/// Key and IV of one share file.
///
/// Secret: opens the file like the passphrase does; lives for one encryption or decryption.
#[derive(Debug, PartialEq, Eq)]
pub struct StretchedKey {
    key: Secret<32>,
    iv: Secret<16>,
}

impl StretchedKey {
    /// The AES-256 key.
    pub fn key(&self) -> &[u8; 32] {
        self.key.expose()
    }

    /// The CBC initialisation vector.
    pub fn iv(&self) -> &[u8; 16] {
        self.iv.expose()
    }
}

impl Clone for StretchedKey {
    fn clone(&self) -> Self {
        let key = Secret::filled(|key| *key = *self.key.expose());
        Self { key, iv: Secret::filled(|iv| *iv = *self.iv.expose()) }
    }
}

/// The derivation itself: some seconds of one core.
#[derive(Clone, Copy, Debug)]
pub struct Md5Stretch;

impl Stretch for Md5Stretch {
    fn stretch(&self, passphrase: &Passphrase, salt: &Salt, progress: &mut dyn FnMut(u32)) -> StretchedKey {
        let first =
            |previous: &[u8]| Md5::new().chain_update(previous).chain_update(passphrase.expose()).chain_update(salt);
        let one = chain(first(&[]), &mut |done| progress(done));
        let two = chain(first(one.expose()), &mut |done| progress(CHAIN_ROUNDS + done));
        let iv = chain(first(two.expose()), &mut |done| progress(2 * CHAIN_ROUNDS + done));
        let key = Secret::filled(|key| {
            key.iter_mut().zip(one.expose().iter().chain(two.expose())).for_each(|(to, from)| *to = *from);
        });
        StretchedKey { key, iv }
    }
}

/// The digest of `first`, and digests of digests up to [`CHAIN_ROUNDS`] in all.
fn chain(first: Md5, progress: &mut dyn FnMut(u32)) -> Secret<16> {
    let mut block = Zeroizing::new([0; 64]);
    begin(&mut block, first);
    let mut done = 1;
    while done < CHAIN_ROUNDS {
        let until = (done + PROGRESS_ROUNDS).min(CHAIN_ROUNDS);
        continue_for(&mut block, until - done);
        done = until;
        progress(done);
    }
    Secret::filled(|digest| digest.iter_mut().zip(&*block).for_each(|(to, from)| *to = *from))
}

/// The one block MD5 sees of a 16-byte message: the message, bit 1, zeros, the length in bits as 64-bit little-endian
/// (RFC 1321 §3.1 and §3.2). Going round by the block, the buffering of the general interface is left out.
fn begin(block: &mut [u8; 64], first: Md5) {
    if let ([message, padding, _, length], []) = block.as_chunks_mut::<16>() {
        first.finalize_into(message.into());
        padding[0] = 0x80;
        length[8] = 128;
    }
}

/// Replaces the message of `block` by its digest, `rounds` times.
fn continue_for(block: &mut [u8; 64], rounds: u32) {
    /// RFC 1321 §3.3.
    const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    let mut state = Zeroizing::new(INITIAL);
    for _ in 0..rounds {
        *state = INITIAL;
        compress(&mut state, core::slice::from_ref(block));
        for (bytes, word) in block.as_chunks_mut().0.iter_mut().zip(&*state) {
            *bytes = word.to_le_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_by_the_block_are_md5_of_md5() {
        let mut block = [0; 64];
        begin(&mut block, Md5::new().chain_update(b"passphrase"));
        continue_for(&mut block, 1000);
        let mut plain = Md5::digest(b"passphrase");
        for _ in 0..1000 {
            plain = Md5::digest(plain);
        }
        assert_eq!(block[..16], plain[..]);
    }
}
