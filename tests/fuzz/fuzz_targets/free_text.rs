//! Free text on its way into the record: a secret of the Vault is found in it between any other characters.
#![no_main]

use std::sync::LazyLock;

use conclave_ceremony::act::Slot;
use conclave_ceremony::ids::{ShareId, TokenId};
use conclave_ceremony::script::Which;
use conclave_fuzz::target;
use conclave_console::vault::{NotPublic, Vault};
use smartcard_hsm::secret::SecretBytes;

const SECRETS: [(Slot, &str); 3] = [
    (Slot::Pin(TokenId(0), Which::User), "73914628"),
    (Slot::Pin(TokenId(0), Which::So), "a701f3550c9942de"),
    (Slot::Passphrase(ShareId(0)), "acme adult able baboon cement dogsled"),
];

static VAULT: LazyLock<Vault> = LazyLock::new(|| {
    let mut vault = Vault::default();
    for (slot, secret) in SECRETS {
        vault.put(slot, &SecretBytes::copied_from(secret.as_bytes())).expect("it fits its place");
    }
    vault
});

target!(|text: &str| {
    let (before, behind) = text.split_at(text.floor_char_boundary(text.len() / 2));
    for (_, secret) in SECRETS {
        let text = [before, secret, behind].concat();
        assert_eq!(VAULT.public(&text), Err(NotPublic::Secret));
        assert_eq!(VAULT.number(&text), Err(NotPublic::Secret));
    }
    // A text that one lets pass, the other does not call a secret; the text is as it was typed.
    let public = VAULT.public(text)?;
    assert_eq!((public.as_str(), VAULT.number(text).as_ref()), (text, Ok(&public)));
    Ok(())
});
