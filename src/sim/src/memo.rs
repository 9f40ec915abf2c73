//! The share file's key derivation, remembered: a world that is forked and replayed many times derives each key once.
//!
//! The first time it is the real derivation; there is no way to fewer rounds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use smartcard_hsm::dkek::{
    Passphrase,
    share::Salt,
    stretch::{Md5Stretch, ROUNDS, Stretch, StretchedKey},
};

/// Every key derived so far, by passphrase and salt.
///
/// Secret: keeps passphrases and keys for as long as it lives. They are those of simulated custodians.
#[derive(Debug, Default)]
pub struct Memo(Mutex<HashMap<Asked, Arc<OnceLock<StretchedKey>>>>);

type Asked = (Vec<u8>, Salt);

impl Stretch for Memo {
    fn stretch(&self, passphrase: &Passphrase, salt: &Salt, progress: &mut dyn FnMut(u32)) -> StretchedKey {
        let asked: Asked = (passphrase.expose().to_vec(), *salt);
        // The table is free again before the derivation: other keys are derived meanwhile, the same one is waited for.
        let entry = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(asked).or_default().clone();
        let key = entry.get_or_init(|| Md5Stretch.stretch(passphrase, salt, progress)).clone();
        progress(ROUNDS);
        key
    }
}
