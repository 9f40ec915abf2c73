//! Free text on its way into the record: compared with every secret first.

use conclave_ceremony::public::{Text, TextError};
use zeroize::Zeroizing;

use super::Vault;

/// Words of a passphrase in a row that already give too much of it away.
const WORDS_IN_A_ROW: usize = 3;

/// Why a text is not recorded. Says nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It holds a PIN, an SO-PIN or words of a passphrase.
    #[error("the text holds a PIN or words of a passphrase")]
    Secret,
    /// It cannot stand in a transcript.
    #[error(transparent)]
    Text(#[from] TextError),
}

impl Vault {
    /// A text that may be recorded: no secret of this Vault is in it, however it is spaced or spelled.
    pub fn public(&self, text: &str) -> Result<Text, NotPublic> {
        let bare: Vec<u8> = letters(text.as_bytes()).collect();
        let holds = |secret: &[u8]| {
            let secret = Zeroizing::new(letters(secret).collect::<Vec<u8>>());
            !secret.is_empty() && bare.windows(secret.len()).any(|window| window == secret.as_slice())
        };
        for secret in self.typed.values() {
            let words: Vec<&[u8]> = secret.expose().split(|byte| *byte == b' ').collect();
            let row_held = words.windows(WORDS_IN_A_ROW).any(|row| holds(&Zeroizing::new(row.concat())));
            if row_held || holds(secret.expose()) {
                return Err(NotPublic::Secret);
            }
        }
        Ok(Text::new(text)?)
    }
}

fn letters(bytes: &[u8]) -> impl Iterator<Item = u8> {
    bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use conclave_ceremony::act::Slot;
    use conclave_ceremony::ids::{ShareId, TokenId};
    use conclave_ceremony::script::Which;
    use smartcard_hsm::secret::SecretBytes;

    use super::*;

    #[test]
    fn no_secret_enters_the_record_however_it_is_spelled() {
        let mut vault = Vault::default();
        let mut put = |slot, text: &str| vault.put(slot, &SecretBytes::copied_from(text.as_bytes())).unwrap();
        put(Slot::Pin(TokenId(0), Which::User), "73914628");
        put(Slot::Passphrase(ShareId(1)), "acme adult able baboon cement dogsled");
        #[track_caller]
        fn check(vault: &Vault, text: &str, public: bool) {
            assert_eq!(vault.public(text).is_ok(), public, "{text}");
        }
        check(&vault, "The bag's seal is torn at one corner.", true);
        check(&vault, "my PIN is 73914628", false);
        check(&vault, "7391-4628", false);
        check(&vault, "7391462", true);
        check(&vault, "something Able, Baboon CEMENT something", false);
        check(&vault, "an able baboon", true);
        assert_eq!(vault.public(""), Err(NotPublic::Text(TextError::Length { found: 0 })));
    }
}
