//! The Vault: every secret of a ceremony, for the steps that need it, and nowhere else.
//!
//! Nothing leaves it but to the token it is for, to its keeper's eyes, or into a comparison made here.

mod make;
mod net;
mod public;

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::Slot;
use conclave_ceremony::ids::{ShareId, TokenId};
use conclave_ceremony::plan::{Plan, SoPinMay};
use conclave_ceremony::script::Which;
use smartcard_hsm::dkek::{Dkek, Kcv, SealingPassphrase, Share};
use smartcard_hsm::secret::{Pin, Secret, SecretBytes, SoPin};
use zeroize::Zeroizing;

pub use make::NotMade;
use make::{LONG_PIN_CHARS, PASSPHRASE_WORDS, PIN_DIGITS};
pub use public::NotPublic;

/// Digits of an SO-PIN as people write it.
const SO_PIN_DIGITS: usize = 16;

/// Secrets by their place.
///
/// **Secret**: all of it; wiped place by place, and when it is dropped. There is no `Clone` and no `Debug`.
#[derive(Default)]
pub struct Vault {
    /// PINs and passphrases as their keepers write them.
    typed: BTreeMap<Slot, SecretBytes>,
    shares: BTreeMap<ShareId, Share>,
    /// Tokens with a long user PIN.
    long_pins: BTreeSet<TokenId>,
}

/// The typed text is no secret of its kind. The error says nothing about its characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistyped {
    /// No PIN the token can have.
    #[error("a PIN has {} to {} characters", Pin::LEN_MIN, Pin::LEN_MAX)]
    Pin,
    /// No SO-PIN.
    #[error("an SO-PIN has {SO_PIN_DIGITS} digits, 0 to 9 and a to f")]
    SoPin,
    /// No passphrase a share can be sealed under.
    #[error("a passphrase has at least {} characters", SealingPassphrase::LEN_MIN)]
    Passphrase,
    /// Shares are never typed.
    #[error("a share is read from its drive, not typed")]
    Share,
    /// It is set, and not as the machine made it.
    #[error(
        "the machine made a PIN of {PIN_DIGITS} digits, or of {LONG_PIN_CHARS} letters and digits where the SO-PIN unblocks, a \
         passphrase of {PASSPHRASE_WORDS} words of its list"
    )]
    NotMade,
    /// It is set, and another place holds the same.
    #[error("this secret is in use already: no two are alike")]
    Twice,
}

impl Vault {
    /// An empty Vault for the secrets of a plan.
    pub fn of(plan: &Plan) -> Self {
        let tokens = (0..).map(TokenId).zip(&plan.tokens);
        let long_pins = tokens.filter(|(_, token)| token.so_pin_may == SoPinMay::Unblock).map(|(id, _)| id).collect();
        Self { long_pins, ..Self::default() }
    }

    /// Whether this place holds anything.
    pub fn holds(&self, slot: Slot) -> bool {
        match slot {
            Slot::Share(share) => self.shares.contains_key(&share),
            slot => self.typed.contains_key(&slot),
        }
    }

    /// Takes a secret its keeper typed in.
    pub fn put(&mut self, slot: Slot, typed: &SecretBytes) -> Result<(), Mistyped> {
        let typed = as_written(slot, typed);
        let fits = match slot {
            Slot::Pin(_, Which::User) | Slot::NewPin(_) => pin(&typed).map(drop).ok_or(Mistyped::Pin),
            Slot::Pin(_, Which::So) | Slot::OldSoPin(_) => so_pin(&typed).map(drop).ok_or(Mistyped::SoPin),
            Slot::Passphrase(_) => passphrase(&typed).map(drop).ok_or(Mistyped::Passphrase),
            Slot::Share(_) => Err(Mistyped::Share),
        };
        fits.map(|()| {
            self.typed.insert(slot, typed);
        })
    }

    /// Takes a secret that will be set as its keeper typed it: one that this machine may have made, and that no other
    /// place holds.
    pub fn put_set(&mut self, slot: Slot, typed: &SecretBytes) -> Result<(), Mistyped> {
        let written = as_written(slot, typed);
        if self.typed.iter().any(|(other, kept)| *other != slot && *kept == written) {
            return Err(Mistyped::Twice);
        }
        let long = matches!(slot, Slot::Pin(token, _) if self.long_pins.contains(&token));
        if !make::may_have_made(slot, long, &written) {
            return Err(Mistyped::NotMade);
        }
        self.put(slot, typed)
    }

    /// Whether the typed text is the secret of this place; compared in time that depends on the lengths only.
    pub fn typed_back(&self, slot: Slot, typed: &SecretBytes) -> bool {
        self.typed.get(&slot).is_some_and(|kept| *kept == as_written(slot, typed))
    }

    /// The secret for its keeper to see, once.
    ///
    /// **Secret**: for the screen alone.
    pub fn shown(&self, slot: Slot) -> Option<&SecretBytes> {
        self.typed.get(&slot)
    }

    /// A user PIN, for its token.
    pub fn pin(&self, token: TokenId) -> Option<Pin> {
        pin(self.typed.get(&Slot::Pin(token, Which::User))?)
    }

    /// The user PIN that takes the place of another, for its token.
    pub fn new_pin(&self, token: TokenId) -> Option<Pin> {
        pin(self.typed.get(&Slot::NewPin(token))?)
    }

    /// The token has its new user PIN: the other one is wiped.
    pub fn replace_pin(&mut self, token: TokenId) {
        if let Some(new) = self.typed.remove(&Slot::NewPin(token)) {
            self.typed.insert(Slot::Pin(token, Which::User), new);
        }
    }

    /// An SO-PIN, for its token.
    pub fn so_pin(&self, slot: Slot) -> Option<SoPin> {
        so_pin(self.typed.get(&slot)?)
    }

    /// The passphrase of a share, for its file.
    pub fn passphrase(&self, share: ShareId) -> Option<SealingPassphrase> {
        passphrase(self.typed.get(&Slot::Passphrase(share))?)
    }

    /// Takes a clear share.
    pub fn put_share(&mut self, id: ShareId, share: Share) {
        self.shares.insert(id, share);
    }

    /// A clear share.
    pub fn share(&self, id: ShareId) -> Option<&Share> {
        self.shares.get(&id)
    }

    /// Every clear share, for the tokens they go to.
    pub fn shares(&self) -> Vec<&Share> {
        self.shares.values().collect()
    }

    /// Check value of all shares together; none if there are none, or one twice.
    pub fn kcv(&self) -> Option<Kcv> {
        Dkek::combine(&self.shares()).ok().map(|dkek| dkek.kcv())
    }

    /// Wipes a place.
    pub fn wipe(&mut self, slot: Slot) {
        match slot {
            Slot::Share(share) => drop(self.shares.remove(&share)),
            slot => drop(self.typed.remove(&slot)),
        }
    }

    /// Wipes every place.
    pub fn wipe_all(&mut self) {
        self.typed.clear();
        self.shares.clear();
    }
}

/// As the Vault keeps it, however it was typed: small letters, no blanks in a PIN, single ones between words.
fn as_written(slot: Slot, typed: &SecretBytes) -> SecretBytes {
    let between = matches!(slot, Slot::Passphrase(_));
    let mut written = Zeroizing::new(Vec::with_capacity(typed.expose().len()));
    for word in typed.expose().split(|byte| *byte == b' ').filter(|word| !word.is_empty()) {
        if between && !written.is_empty() {
            written.push(b' ');
        }
        written.extend(word.iter().map(u8::to_ascii_lowercase));
    }
    SecretBytes::new(written)
}

fn pin(written: &SecretBytes) -> Option<Pin> {
    Pin::new(SecretBytes::copied_from(written.expose()))
}

fn so_pin(written: &SecretBytes) -> Option<SoPin> {
    let (pairs, []) = written.expose().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if pairs.len() * 2 != SO_PIN_DIGITS || !pairs.as_flattened().iter().all(|byte| digit(*byte).is_some()) {
        return None;
    }
    Some(Secret::filled(|bytes| {
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0)) as u8;
        }
    }))
}

fn passphrase(written: &SecretBytes) -> Option<SealingPassphrase> {
    SealingPassphrase::new(SecretBytes::copied_from(written.expose())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: Slot = Slot::Pin(TokenId(0), Which::User);
    const SO: Slot = Slot::Pin(TokenId(0), Which::So);
    const PASSPHRASE: Slot = Slot::Passphrase(ShareId(0));

    fn typed(text: &str) -> SecretBytes {
        SecretBytes::copied_from(text.as_bytes())
    }

    #[test]
    fn what_is_typed_fits_its_place_or_is_refused() {
        #[track_caller]
        fn check(slot: Slot, text: &str, want: Result<(), Mistyped>) {
            let mut vault = Vault::default();
            assert_eq!(vault.put(slot, &typed(text)), want);
            assert_eq!(vault.holds(slot), want.is_ok());
        }
        check(USER, "7391 4628", Ok(()));
        check(USER, "73914", Err(Mistyped::Pin));
        check(USER, "12345678901234567", Err(Mistyped::Pin));
        check(SO, "A701 f355 0c99 42DE", Ok(()));
        check(SO, "a701f3550c9942d", Err(Mistyped::SoPin));
        check(SO, "a701f3550c9942dg", Err(Mistyped::SoPin));
        check(SO, "a701f3550c9942de00", Err(Mistyped::SoPin));
        check(PASSPHRASE, "nineteen characters", Err(Mistyped::Passphrase));
        check(PASSPHRASE, "twenty characters ok", Ok(()));
        check(Slot::Share(ShareId(0)), "00", Err(Mistyped::Share));
    }

    #[test]
    fn what_is_set_is_unlike_every_other_and_as_the_machine_makes_it() {
        const OTHER: Slot = Slot::Pin(TokenId(1), Which::User);
        #[track_caller]
        fn check(slot: Slot, text: &str, want: Result<(), Mistyped>) {
            let mut vault = Vault::default();
            vault.put(OTHER, &typed("73914628")).unwrap();
            vault.put(Slot::Passphrase(ShareId(1)), &typed("acme adult adrift baboon cement dogsled")).unwrap();
            assert_eq!(vault.put_set(slot, &typed(text)), want, "{text}");
            assert_eq!(vault.holds(slot), want.is_ok());
        }
        check(USER, "1234 5679", Ok(()));
        check(USER, "7391 4628", Err(Mistyped::Twice));
        check(USER, "00000000", Err(Mistyped::NotMade));
        check(USER, "739146281", Err(Mistyped::NotMade));
        check(USER, "7391462a", Err(Mistyped::NotMade));
        check(SO, "A701 f355 0c99 42DE", Ok(()));
        check(SO, "a701f3550c9942dg", Err(Mistyped::SoPin));
        check(PASSPHRASE, "dogsled adult adrift baboon cement acme", Ok(()));
        check(PASSPHRASE, "Acme adult adrift baboon cement dogsled", Err(Mistyped::Twice));
        check(PASSPHRASE, "correct horse battery staple paper clip", Err(Mistyped::NotMade));
        check(PASSPHRASE, "acme adult adrift baboon cement", Err(Mistyped::NotMade));
    }

    #[test]
    fn typing_back_is_judged_by_what_people_wrote_down_and_not_by_its_blanks() {
        let mut vault = Vault::default();
        vault.put(SO, &typed("a701f3550c9942de")).unwrap();
        vault.put(PASSPHRASE, &typed("acme adult able baboon cement dogsled")).unwrap();
        assert!(vault.typed_back(SO, &typed("A701 F355 0C99 42DE")));
        assert!(!vault.typed_back(SO, &typed("a701f3550c9942df")));
        assert!(vault.typed_back(PASSPHRASE, &typed(" Acme  adult able baboon cement dogsled ")));
        assert!(!vault.typed_back(PASSPHRASE, &typed("acmeadult able baboon cement dogsled")));
        assert!(!vault.typed_back(USER, &typed("")));
        assert_eq!(vault.so_pin(SO).unwrap().expose(), b"\xa7\x01\xf3\x55\x0c\x99\x42\xde");
    }

    #[test]
    fn a_wiped_place_is_empty_and_the_others_are_not() {
        let mut vault = Vault::default();
        vault.put(USER, &typed("73914628")).unwrap();
        vault.put(SO, &typed("a701f3550c9942de")).unwrap();
        vault.put_share(ShareId(0), Share::new(Secret::filled(|share| *share = [7; 32])));
        assert!(vault.kcv().is_some());
        vault.wipe(USER);
        vault.wipe(Slot::Share(ShareId(0)));
        assert!(!vault.holds(USER) && vault.holds(SO) && vault.kcv().is_none());
        vault.wipe_all();
        assert!(!vault.holds(SO));
    }
}
