//! Free text on its way into the record: compared with every secret first, and with the shape of secrets, because those that are
//! wiped, or were typed before the power failed, are not there to be compared with.

use conclave_ceremony::public::{Text, TextError};
use conclave_publish::{WORDS, any_word};
use zeroize::Zeroizing;

use super::make::PIN_DIGITS;
use super::{SO_PIN_DIGITS, Vault};

/// Words of a passphrase in a row that already give too much of it away.
const WORDS_IN_A_ROW: usize = 3;
/// What people put between the groups of a PIN.
const BETWEEN: &[char] = &[' ', '-', '.', ',', '/', ':', '_'];

/// Why a text is not recorded. Says nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It holds a PIN, an SO-PIN or words of a passphrase.
    #[error("the text holds a PIN or words of a passphrase")]
    Secret,
    /// It holds what looks like one.
    #[error("the text holds {0}, as a secret does")]
    LooksSecret(Shape),
    /// It cannot stand in a transcript.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// What the secrets that the machine makes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// A PIN.
    #[error("{PIN_DIGITS} digits in a row")]
    Pin,
    /// An SO-PIN.
    #[error("{SO_PIN_DIGITS} characters 0 to 9 and a to f in a row")]
    SoPin,
    /// A passphrase.
    #[error("{WORDS_IN_A_ROW} words in a row that passphrases are made of")]
    Passphrase,
}

impl Shape {
    /// The first of them that a text holds.
    fn of(text: &str) -> Option<Self> {
        // The longest runs of such characters, whatever people put between their groups.
        let runs = |fits: fn(&char) -> bool| {
            let runs = text.split(move |c| !fits(&c) && !BETWEEN.contains(&c));
            runs.map(move |run| Zeroizing::new(run.chars().filter(fits).collect::<String>()))
        };
        let digits = char::is_ascii_digit;
        let known = |word: &str| (0..WORDS).filter_map(any_word).any(|one| one.eq_ignore_ascii_case(word));
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let known: Vec<bool> = words.map(known).collect();
        if runs(digits).any(|run| run.len() >= PIN_DIGITS) {
            Some(Self::Pin)
        // Words like "a faded decade" are no SO-PIN.
        } else if runs(char::is_ascii_hexdigit).any(|run| run.len() >= SO_PIN_DIGITS && run.contains(|c| digits(&c))) {
            Some(Self::SoPin)
        } else if known.windows(WORDS_IN_A_ROW).any(|row| row.iter().all(|known| *known)) {
            Some(Self::Passphrase)
        } else {
            None
        }
    }
}

impl Vault {
    /// A text that may be recorded: no secret of this Vault is in it, however it is spaced or spelled, and nothing that looks
    /// like one.
    pub fn public(&self, text: &str) -> Result<Text, NotPublic> {
        let number = self.number(text)?;
        Shape::of(text).map_or(Ok(number), |shape| Err(NotPublic::LooksSecret(shape)))
    }

    /// A number that people read from something everybody sees, and that may look like a PIN: it is compared with the secrets
    /// that are there.
    pub fn number(&self, text: &str) -> Result<Text, NotPublic> {
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
        // Wiped, or typed before the power failed: its shape tells.
        let empty = Vault::default();
        check(&empty, "my PIN is 73914628", false);
        check(&empty, "7391 4628", false);
        check(&empty, "SO-PIN a701 f355 0c99 42de", false);
        check(&empty, "cement, dogsled; ADULT", false);
        check(&empty, "on 22 Nov 2026 at 10:30 the cable of DENK0000001 was loose", true);
        check(&empty, "a faded decade faced", true);
        assert_eq!(empty.public("73914628"), Err(NotPublic::LooksSecret(Shape::Pin)));
        // Bags have numbers.
        assert!(empty.number("20000013").is_ok() && vault.number("73914628").is_err());
        assert_eq!(vault.public(""), Err(NotPublic::Text(TextError::Length { found: 0 })));
    }
}
