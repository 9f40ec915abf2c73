//! Free text on its way into the record: compared with every secret first, and with the shape of secrets, because those
//! that are wiped, or were typed before the power failed, are not there to be compared with.
//!
//! It is a net for accidents: [`super::net`] names the forms it knows.

use conclave_ceremony::public::{Text, TextError};

use super::make::PIN_DIGITS;
use super::net::{Net, WORDS_HELD};
use super::{SO_PIN_DIGITS, Vault};

/// Why a text is not recorded. Says nothing about the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It holds a PIN, an SO-PIN or words of a passphrase.
    #[error("the text holds a PIN or words of a passphrase")]
    Secret,
    /// It holds a text that looks like one.
    #[error("the text holds {0}, as a secret does")]
    LooksSecret(Shape),
    /// It holds the name behind this id of the plan, which the record does without.
    #[error("the text holds the name behind {0}: say {0} instead")]
    Name(Text),
    /// It cannot stand in a transcript.
    #[error(transparent)]
    Text(#[from] TextError),
}

/// The forms of the secrets that the machine makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// A PIN.
    #[error("{PIN_DIGITS} digits in a row")]
    Pin,
    /// An SO-PIN.
    #[error("{SO_PIN_DIGITS} characters 0 to 9 and a to f in a row")]
    SoPin,
    /// A passphrase.
    #[error("{WORDS_HELD} words in a row that passphrases are made of")]
    Passphrase,
}

impl Vault {
    /// A text that may be recorded: no secret of this Vault is in it, however it is grouped, spelled or encoded, and
    /// nothing that looks like one. A secret that a person hides in it on purpose is not found.
    pub fn public(&self, text: &str) -> Result<Text, NotPublic> {
        let net = Net::new(text);
        if net.holds(self) {
            return Err(NotPublic::Secret);
        }
        match net.shape() {
            Some(shape) => Err(NotPublic::LooksSecret(shape)),
            None => Ok(Text::new(text)?),
        }
    }

    /// A number that people read from something everybody sees, and that may look like a PIN: it is compared with the
    /// secrets that are there.
    pub fn number(&self, text: &str) -> Result<Text, NotPublic> {
        if Net::new(text).holds(self) { Err(NotPublic::Secret) } else { Ok(Text::new(text)?) }
    }
}

#[cfg(test)]
mod tests {
    use conclave_ceremony::act::Slot;
    use conclave_ceremony::ids::{ShareId, TokenId};
    use conclave_ceremony::script::Which;
    use smartcard_hsm::secret::SecretBytes;

    use super::*;

    #[track_caller]
    fn check(vault: &Vault, text: &str, want: Result<(), NotPublic>) {
        assert_eq!(vault.public(text).map(drop), want, "{text}");
    }

    fn vault() -> Vault {
        let mut vault = Vault::default();
        let mut put = |slot, text: &str| vault.put(slot, &SecretBytes::copied_from(text.as_bytes())).unwrap();
        put(Slot::Pin(TokenId(0), Which::User), "73914628");
        put(Slot::Pin(TokenId(0), Which::So), "a701f3550c9942de");
        put(Slot::Passphrase(ShareId(1)), "acme adult able baboon cement dogsled");
        vault
    }

    #[test]
    fn no_secret_enters_the_record_however_it_is_spelled() {
        let vault = vault();
        for text in [
            "my PIN is 73914628",
            "7391-4628",
            "[7391](4628)",
            "7391+46+28",
            "7391462",
            "3914628 but for the first",
            "73914629: is that it?",
            "7391 on the first line, then 4628",
            "PIN７３９１４６２８",
            "one PIN: seven three nine one, four six two eight",
            "seventy-three ninety-one forty-six twenty-eight",
            "sieben drei neun eins vier sechs zwei acht",
            "NzM5MTQ2Mjg=",
            "xNzM5MTQ2Mjg",
            "3733393134363238",
            "37:33:39:31:34:36:32:38",
            "a701 f355 and 0c99 42de",
            "A701F3550C9942DE",
            "pwHzVQyZQt4=",
            "something Able, Baboon CEMENT something",
            "acme and adult and able and baboon",
            "dogsledcementbaboon",
            "it begins with acme, goes on to cement and ends with dogsled",
            "YWNtZSBhZHVsdCBhYmxlIGJhYm9vbiBjZW1lbnQgZG9nc2xlZA==",
            "61636d65206164756c742061626c65206261626f6f6e2063656d656e7420646f67736c6564",
        ] {
            check(&vault, text, Err(NotPublic::Secret));
        }
        for text in [
            "The bag's seal is torn at one corner.",
            "an able baboon",
            "739146 is part of it.",
            "The custodian left the room at 14:05 and came back at 14:25.",
            "Bag 2000001 was open. I did not see the second one sealed.",
        ] {
            check(&vault, text, Ok(()));
        }
    }

    #[test]
    fn what_is_wiped_or_was_typed_before_the_power_failed_is_known_by_its_shape() {
        let empty = Vault::default();
        for text in [
            "my PIN is 73914628",
            "7391 4628",
            "(7391) [4628]",
            "7391 + 4628",
            "seven three nine one four six two eight",
            "7391 and 4628",
            "NzM5MTQ2Mjg=",
        ] {
            check(&empty, text, Err(NotPublic::LooksSecret(Shape::Pin)));
        }
        check(&empty, "SO-PIN a701 f355 0c99 42de", Err(NotPublic::LooksSecret(Shape::SoPin)));
        for text in
            ["cement, dogsled; ADULT", "cement and dogsled and adult", "CementDogsledAdult", "{cement}+dogsled+[adult]"]
        {
            check(&empty, text, Err(NotPublic::LooksSecret(Shape::Passphrase)));
        }
        for text in [
            "on 22 Nov 2026 at 10:30 the cable of DENK0000001 was loose",
            "a faded decade faced",
            "one of the two tokens, four minutes, and five people; six of them saw it",
            "I object.",
        ] {
            check(&empty, text, Ok(()));
        }
        // Bags have numbers.
        assert!(empty.number("20000013").is_ok() && vault().number("73914628").is_err());
        check(&empty, "", Err(NotPublic::Text(TextError::Length { found: 0 })));
    }
}
