//! A failure with a token: the operation that was tried, its cause, the tries that are left, the person who acts next,
//! and whether the token may have changed.
//!
//! Never holds a PIN, a share or the body of an APDU.

use core::fmt;

use crate::{
    apdu::StatusWord,
    cvc::Name,
    object::{PinKind, PinState},
};

mod came;
mod tried;
mod words;

pub use came::{Came, Malformed, Refusal};
pub use tried::Tried;

use tried::Effect;

/// A failure of one operation that was tried with one token.
///
/// `Display` is one line about the failure; [`TokenError::what_to_do`] is the line after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    /// Name in the token's device certificate, once it was read. Only a proven session knows that the name is true.
    pub token: Option<Name>,
    /// The operation that was tried.
    pub tried: Tried,
    /// The cause of the failure.
    pub came: Came,
    /// The PIN that was at stake, if one was.
    pub counter: Option<Counter>,
    /// Whether the token may have changed.
    pub touched: Touched,
}

/// The state of a PIN before and after it was at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The role of the PIN.
    pub pin: PinKind,
    /// The state before, as the token reported it.
    pub before: PinState,
    /// The state after the failure; `None` if the token could not report it.
    pub after: Option<PinState>,
}

impl Counter {
    /// Whether a try was spent in vain. Going *up* means that the PIN was right and the operation failed for another
    /// reason.
    fn went_down(&self) -> bool {
        match (self.before, self.after) {
            (PinState::TriesLeft(before), Some(PinState::TriesLeft(after))) => after < before,
            (before, Some(PinState::Blocked)) => before != PinState::Blocked,
            _ => false,
        }
    }
}

/// The person or the thing that acts next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Next {
    /// The person who runs the machine: plugs, waits, decides within the plan.
    Operator,
    /// The person who keeps the PIN, the SO-PIN or the share.
    Custodian,
    /// The token is at fault: it is set aside.
    Token,
    /// Reader, cable or port is at fault.
    Reader,
    /// This program is at fault: the ceremony stops, the message is reported.
    Us,
}

/// Whether the token may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touched {
    /// It did not.
    No,
    /// It did.
    Yes,
    /// Its state must be read to know.
    Unknown,
}

impl TokenError {
    /// A failure. The operation and the cause tell whether the token may have changed.
    pub(crate) fn new(tried: Tried, came: impl Into<Came>) -> Self {
        let came = came.into();
        let touched = match (&came, tried.effect()) {
            (_, Effect::Looks) | (Came::Refused(_), _) => Touched::No,
            (Came::Channel(error), _) if error.before_card() => Touched::No,
            (Came::Status(sw), Effect::Acts) if sw.before_acting() => Touched::No,
            (Came::Status(StatusWord(0x63c0..=0x63cf)), _) => Touched::Yes,
            _ => Touched::Unknown,
        };
        Self { token: None, tried, came, counter: None, touched }
    }

    /// The same failure of the token with this name.
    pub(crate) fn of(mut self, token: Name) -> Self {
        self.token = Some(token);
        self
    }

    /// The same failure after commands of the same call were carried out.
    pub(crate) fn part_way(mut self) -> Self {
        if self.touched == Touched::No {
            self.touched = Touched::Yes;
        }
        self
    }

    /// The same failure, with the counter of the PIN at stake as it was before and as it is now.
    pub(crate) fn counted(mut self, pin: PinKind, before: PinState, after: Option<PinState>) -> Self {
        self.counter = Some(Counter { pin, before, after });
        match (&self.came, after) {
            (_, Some(after)) if after != before => self.touched = Touched::Yes,
            (Came::Status(sw), Some(_)) if sw.before_acting() => self.touched = Touched::No,
            _ => {}
        }
        self
    }

    /// Whether a PIN was wrong: the token said so, or refused and counted a try.
    pub fn wrong_pin(&self) -> bool {
        match self.came {
            Came::Status(StatusWord(0x63c0..=0x63cf)) => self.tried.effect() == Effect::SpendsTry,
            Came::Status(_) => self.counter.is_some_and(|counter| counter.went_down()),
            _ => false,
        }
    }

    /// The person or the thing that acts next.
    pub fn next(&self) -> Next {
        self.advice().0
    }

    /// The advice for now, in one sentence or two.
    pub fn what_to_do(&self) -> &'static str {
        self.advice().1
    }

    fn advice(&self) -> (Next, &'static str) {
        if self.wrong_pin() {
            return (Next::Custodian, "Ask its keeper for the PIN again. Each wrong one costs a try.");
        }
        self.came.advice(self.tried)
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(token) = self.token {
            write!(f, "{}: ", token.holder())?;
        }
        write!(f, "{}: ", self.tried)?;
        match &self.came {
            Came::Status(sw) if self.wrong_pin() => write!(f, "wrong PIN ({sw})")?,
            Came::Status(sw) => write!(f, "{} ({sw})", words::meaning(*sw, self.tried).words)?,
            came => write!(f, "{came}")?,
        }
        match self.counter {
            Some(Counter { pin, after: Some(state), .. }) => write!(f, "; {pin}: {state}"),
            Some(Counter { pin, after: None, .. }) => write!(f, "; {pin}: tries left could not be read"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for TokenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // Its own text is part of this one's.
        self.came.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apdu::ApduError,
        channel::ChannelError,
        object::{FileId, KeyId},
    };

    fn status(tried: Tried, sw: u16) -> TokenError {
        TokenError::new(tried, Came::Status(StatusWord(sw)))
    }

    #[test]
    fn an_unknown_status_word_keeps_its_number() {
        let error = status(Tried::Wrap(KeyId::new(2).unwrap()), 0x1234);
        assert_eq!(error.to_string(), "WRAP KEY 2: refused with a status word that is in no table (SW 1234)");
        assert_eq!((error.next(), error.touched), (Next::Token, Touched::No));
    }

    #[test]
    fn a_wrong_pin_says_what_is_left_and_who_acts() {
        let before = PinState::TriesLeft(3);
        let error = status(Tried::Verify(PinKind::User), 0x63c2)
            .counted(PinKind::User, before, Some(PinState::TriesLeft(2)))
            .of(Name::parse(b"DENK040414400000").unwrap());
        assert_eq!(error.to_string(), "DENK0404144: VERIFY user PIN: wrong PIN (SW 63C2); user PIN: 2 tries left");
        assert_eq!((error.next(), error.touched, error.wrong_pin()), (Next::Custodian, Touched::Yes, true));
    }

    #[test]
    fn a_refused_so_pin_is_told_from_another_refusal_by_its_counter() {
        let before = PinState::TriesLeft(15);
        let wrong = status(Tried::Initialize, 0x6985).counted(PinKind::So, before, Some(PinState::TriesLeft(14)));
        assert_eq!(wrong.to_string(), "INITIALIZE DEVICE: wrong PIN (SW 6985); SO-PIN: 14 tries left");
        assert_eq!((wrong.next(), wrong.touched), (Next::Custodian, Touched::Yes));
        let options = status(Tried::ResetRetryCounter, 0x6985).counted(PinKind::So, before, Some(before));
        assert_eq!(
            options.to_string(),
            "RESET RETRY COUNTER: the token's options forbid it (SW 6985); SO-PIN: 15 tries left"
        );
        assert_eq!((options.next(), options.touched), (Next::Operator, Touched::No));
    }

    #[test]
    fn a_counter_that_went_up_is_no_wrong_pin() {
        let (before, after) = (PinState::TriesLeft(2), Some(PinState::TriesLeft(3)));
        let error = status(Tried::ChangePin(PinKind::User), 0x6700).counted(PinKind::User, before, after);
        assert_eq!(error.to_string(), "CHANGE user PIN: wrong length (SW 6700); user PIN: 3 tries left");
        assert_eq!((error.next(), error.touched), (Next::Us, Touched::Yes));
        let blocked = status(Tried::Verify(PinKind::User), 0x6983).counted(
            PinKind::User,
            PinState::TriesLeft(1),
            Some(PinState::Blocked),
        );
        assert!(blocked.wrong_pin());
    }

    #[test]
    fn what_may_have_changed_follows_from_the_command_and_the_answer() {
        #[track_caller]
        fn check(tried: Tried, came: impl Into<Came>, want: Touched) {
            assert_eq!(TokenError::new(tried, came).touched, want);
        }
        let gone = || Came::Channel(ChannelError::Unplugged);
        let file = FileId::TOKEN_INFO;
        let key = KeyId::new(1).unwrap();
        check(Tried::Read(file), gone(), Touched::No);
        check(Tried::Write(file), gone(), Touched::Unknown);
        check(Tried::Write(file), ChannelError::CommandTooLong { found: 1233 }, Touched::No);
        check(Tried::Write(file), ChannelError::Apdu(ApduError::NoCase), Touched::Unknown);
        check(Tried::Verify(PinKind::User), gone(), Touched::Unknown);
        check(Tried::Verify(PinKind::So), Came::Status(StatusWord(0x63ce)), Touched::Yes);
        check(Tried::Initialize, Came::Status(StatusWord(0x6985)), Touched::Unknown);
        check(Tried::Initialize, Refusal::SoPinFloor { left: 4 }, Touched::No);
        for (sw, want) in [
            (0x6982, Touched::No),
            (0x6a80, Touched::No),
            (0x6a84, Touched::Unknown),
            (0x6581, Touched::Unknown),
            (0x6400, Touched::Unknown),
            (0x6f00, Touched::Unknown),
            (0x9001, Touched::Unknown),
        ] {
            check(Tried::Unwrap(key), Came::Status(StatusWord(sw)), want);
        }
        check(Tried::Generate(key), Malformed::Length { min: 1, max: 2, found: 0 }, Touched::Unknown);
    }

    #[test]
    fn a_counter_that_cannot_be_read_is_said() {
        let error = TokenError::new(Tried::Verify(PinKind::So), ChannelError::Unplugged).counted(
            PinKind::So,
            PinState::TriesLeft(15),
            None,
        );
        assert_eq!(error.to_string(), "VERIFY SO-PIN: the token was unplugged; SO-PIN: tries left could not be read");
        assert_eq!((error.next(), error.touched), (Next::Operator, Touched::Unknown));
    }
}
