//! AES keys: CBC with a zero IV, and CMAC. `None` where the key has no AES length or the data no whole blocks.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use cmac::{Cmac, KeyInit, Mac};

const IV: [u8; 16] = [0; 16];

pub(super) fn encrypt(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    fn with<C: BlockModeEncrypt + KeyIvInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut out = data.to_vec();
        C::new_from_slices(key, &IV).ok()?.encrypt_padded::<NoPadding>(&mut out, data.len()).ok()?;
        Some(out)
    }
    match key.len() {
        16 => with::<cbc::Encryptor<Aes128>>(key, data),
        24 => with::<cbc::Encryptor<Aes192>>(key, data),
        32 => with::<cbc::Encryptor<Aes256>>(key, data),
        _ => None,
    }
}

pub(super) fn decrypt(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    fn with<C: BlockModeDecrypt + KeyIvInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let mut out = data.to_vec();
        C::new_from_slices(key, &IV).ok()?.decrypt_padded::<NoPadding>(&mut out).ok()?;
        Some(out)
    }
    match key.len() {
        16 => with::<cbc::Decryptor<Aes128>>(key, data),
        24 => with::<cbc::Decryptor<Aes192>>(key, data),
        32 => with::<cbc::Decryptor<Aes256>>(key, data),
        _ => None,
    }
}

pub(super) fn mac(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    fn with<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        Some(<M as KeyInit>::new_from_slice(key).ok()?.chain_update(data).finalize().into_bytes().to_vec())
    }
    match key.len() {
        16 => with::<Cmac<Aes128>>(key, data),
        24 => with::<Cmac<Aes192>>(key, data),
        32 => with::<Cmac<Aes256>>(key, data),
        _ => None,
    }
}
