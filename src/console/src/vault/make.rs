//! Secrets that the machine makes: long enough, no two alike.

use conclave_ceremony::act::Slot;
use conclave_ceremony::ids::ShareId;
use conclave_ceremony::script::Which;
use conclave_publish::{WORDS, any_word, every_word};
use smartcard_hsm::dkek::Share;
use smartcard_hsm::secret::{Secret, SecretBytes, append};
use zeroize::Zeroizing;

use super::{SO_PIN_DIGITS, Vault};
use crate::ports::{Machine, NoRandomness};

/// Digits of a user PIN. Three wrong ones block it, so eight are far more than anyone can try.
pub(super) const PIN_DIGITS: usize = 8;
/// Characters of the user PIN of a token with an SO-PIN that gives new tries: 69 random bits, because tries have no end
/// there.
pub(super) const LONG_PIN_CHARS: usize = 14;
/// Its characters: small letters and digits that no other looks like.
const LONG_PIN_ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// Words of a passphrase: 54 random bits. Trying one takes the share file's thirty million rounds, which is as good as
/// 25 bits more.
pub(super) const PASSPHRASE_WORDS: usize = 6;
/// Draws before a source that always gives the same is given up.
const DRAWS_MAX: usize = 16;
/// Bytes of a share.
const SHARE_LEN: usize = 32;

/// A secret could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMade {
    /// There is nothing to make it of.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The source gave the same again and again.
    #[error("the kernel's random bytes repeat themselves")]
    Repeats,
    /// A secret of this kind is typed in or read, never made.
    #[error("the machine does not make a secret of this kind")]
    NotMade,
}

impl Vault {
    /// Makes a PIN, an SO-PIN or a passphrase that no other place holds.
    pub fn make(&mut self, slot: Slot, machine: &mut impl Machine) -> Result<(), NotMade> {
        for _ in 0..DRAWS_MAX {
            let made = match slot {
                Slot::Pin(token, Which::User) | Slot::NewPin(token) if self.long_pins.contains(&token) => {
                    letters(machine)?
                }
                Slot::Pin(_, Which::User) | Slot::NewPin(_) => digits(machine)?,
                Slot::Pin(_, Which::So) => hex(machine)?,
                Slot::Passphrase(_) => words(machine)?,
                Slot::OldSoPin(_) | Slot::Share(_) => return Err(NotMade::NotMade),
            };
            let twice = self.typed.iter().any(|(other, kept)| *other != slot && *kept == made);
            if !twice && !monotonous(&made) {
                self.typed.insert(slot, made);
                return Ok(());
            }
        }
        Err(NotMade::Repeats)
    }

    /// Makes a share of the kernel's and a token's randomness: whoever knows one of them does not know the share.
    pub fn make_share(
        &mut self,
        id: ShareId,
        of_token: &SecretBytes,
        machine: &mut impl Machine,
    ) -> Result<(), NotMade> {
        let mut of_kernel = Zeroizing::new([0; SHARE_LEN]);
        machine.random(&mut *of_kernel)?;
        if of_token.expose().len() != SHARE_LEN {
            return Err(NotMade::NotMade);
        }
        let share = Secret::filled(|share: &mut [u8; SHARE_LEN]| {
            for ((share, kernel), token) in share.iter_mut().zip(&*of_kernel).zip(of_token.expose()) {
                *share = kernel ^ token;
            }
        });
        self.put_share(id, Share::new(share));
        Ok(())
    }
}

fn monotonous(made: &SecretBytes) -> bool {
    made.expose().windows(2).all(|pair| pair.first() == pair.last())
}

/// Whether a secret as it is written looks like one that is made here; `long`: for a token with a long user PIN.
pub(super) fn may_have_made(slot: Slot, long: bool, written: &SecretBytes) -> bool {
    let bytes = written.expose();
    let known = |word: &[u8]| every_word().any(|one| one.as_bytes().eq_ignore_ascii_case(word));
    !monotonous(written)
        && match slot {
            Slot::Pin(_, Which::User) if long => {
                bytes.len() == LONG_PIN_CHARS && bytes.iter().all(|byte| LONG_PIN_ALPHABET.contains(byte))
            }
            Slot::Pin(_, Which::User) => bytes.len() == PIN_DIGITS && bytes.iter().all(u8::is_ascii_digit),
            // It has one form, however it came to be.
            Slot::Pin(_, Which::So) => true,
            Slot::Passphrase(_) => {
                let words = || bytes.split(|byte| *byte == b' ');
                words().count() == PASSPHRASE_WORDS && words().all(known)
            }
            Slot::OldSoPin(_) | Slot::NewPin(_) | Slot::Share(_) => false,
        }
}

fn letters(machine: &mut impl Machine) -> Result<SecretBytes, NotMade> {
    let mut made = Zeroizing::new(Vec::with_capacity(LONG_PIN_CHARS));
    for _ in 0..DRAWS_MAX * LONG_PIN_CHARS {
        let mut drawn = Zeroizing::new([0; 1]);
        machine.random(&mut *drawn)?;
        // Five bits make 32 numbers: one is drawn again, so that every character is as likely.
        let [drawn] = *drawn;
        made.extend(LONG_PIN_ALPHABET.get(usize::from(drawn & 0x1f)));
        if made.len() == LONG_PIN_CHARS {
            return Ok(SecretBytes::new(made));
        }
    }
    Err(NotMade::Repeats)
}

fn digits(machine: &mut impl Machine) -> Result<SecretBytes, NotMade> {
    let mut digits = Zeroizing::new(Vec::with_capacity(PIN_DIGITS));
    let mut byte = Zeroizing::new([0; 1]);
    // Six of 256 values are left out: a byte that never fits any more is no randomness.
    for _ in 0..PIN_DIGITS * DRAWS_MAX {
        machine.random(&mut *byte)?;
        // 250 is the largest multiple of ten below 256: above it, low digits would be likelier.
        if let [value @ 0..250] = *byte {
            digits.push(b'0' + value % 10);
        }
        if digits.len() == PIN_DIGITS {
            return Ok(SecretBytes::new(digits));
        }
    }
    Err(NotMade::Repeats)
}

fn hex(machine: &mut impl Machine) -> Result<SecretBytes, NotMade> {
    let mut bytes = Zeroizing::new([0; SO_PIN_DIGITS / 2]);
    machine.random(&mut *bytes)?;
    let mut digits = Zeroizing::new(Vec::with_capacity(SO_PIN_DIGITS));
    for byte in bytes.iter() {
        for digit in [byte >> 4, byte & 15] {
            digits.push(char::from_digit(digit.into(), 16).map_or(b'0', |digit| digit as u8));
        }
    }
    Ok(SecretBytes::new(digits))
}

fn words(machine: &mut impl Machine) -> Result<SecretBytes, NotMade> {
    let mut words = Zeroizing::new(Vec::new());
    let mut bytes = Zeroizing::new([0; 2 * PASSPHRASE_WORDS]);
    machine.random(&mut *bytes)?;
    for pair in bytes.as_chunks().0 {
        // WORDS is a power of two: every word is as likely as any other.
        let word = any_word(u16::from_le_bytes(*pair) % WORDS).unwrap_or_default();
        let written = Zeroizing::new(word.to_ascii_lowercase());
        if !words.is_empty() {
            append(&mut words, b" ");
        }
        append(&mut words, written.as_bytes());
    }
    Ok(SecretBytes::new(words))
}
