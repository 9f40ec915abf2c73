//! PINs: logging in and out, changing, unblocking.
//!
//! The driver asks for the counter before a try and again after a failure; the later answer goes into the error.

use super::{Proven, Public, Session, Spent, User, consuming};
use crate::{
    channel::Channel,
    command::{
        Command,
        pin::{Change, ResetRetryCounter, Verify},
    },
    cvc::RootKind,
    error::{Came, Refusal, TokenError, Tried},
    object::{PinKind, PinState, SO_TRIES_LEFT_MIN},
    secret::{Pin, SoPin},
};

/// Whether the last try of a user PIN may be spent. Only a person who knows that it is the last try says
/// [`LastTry::Spend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LastTry {
    /// Refuse without trying.
    Refuse,
    /// Try: a wrong PIN blocks it.
    Spend,
}

impl<C: Channel, R: RootKind> Session<C, Proven<R>, Public> {
    /// Logs the user in.
    ///
    /// Errors: [`Refusal::LastTry`] and [`Refusal::PinState`] without spending a try; a wrong PIN with the tries left.
    pub fn log_in(self, pin: &Pin, last: LastTry) -> Spent<C, R, User> {
        let verify = Verify::User(pin);
        let (session, ()) = consuming(self, |session| {
            let before = session.user_pin_usable(verify.tried(), last)?;
            session.spend(PinKind::User, before, &verify)
        })?;
        Ok(session.into_access())
    }
}

impl<C: Channel, R: RootKind> Session<C, Proven<R>, User> {
    /// Logs the user out.
    pub fn log_out(mut self) -> Result<Session<C, Proven<R>, Public>, TokenError> {
        self.select()?;
        Ok(self.into_access())
    }
}

impl<C: Channel, R: RootKind, A> Session<C, Proven<R>, A> {
    /// Changes the user PIN. No user is logged in afterwards, so that the new PIN shows itself at the next login.
    ///
    /// Errors: as [`Session::log_in`].
    pub fn change_pin(self, old: &Pin, new: &Pin, last: LastTry) -> Spent<C, R, Public> {
        let change = Change::User { old, new };
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            session.select()?; // Logged in, a token does not say how many tries are left.
            let before = session.user_pin_usable(change.tried(), last)?;
            session.spend(PinKind::User, before, &change)?;
            session.select().map_err(TokenError::part_way)
        })?;
        Ok(session)
    }

    /// Changes the SO-PIN. No user is logged in afterwards.
    ///
    /// Errors: [`Refusal::SoPinFloor`] without spending a try; a wrong SO-PIN with the tries left.
    pub fn change_so_pin(self, old: &SoPin, new: &SoPin) -> Spent<C, R, Public> {
        let change = Change::So { old, new };
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            session.select()?;
            let before = session.so_pin_usable(change.tried())?;
            session.spend(PinKind::So, before, &change)
        })?;
        Ok(session)
    }

    /// Tries the SO-PIN, so that a new SO-PIN shows itself before it is needed. No user is logged in afterwards.
    ///
    /// Errors: as [`Session::change_so_pin`].
    pub fn verify_so_pin(self, so_pin: &SoPin) -> Spent<C, R, Public> {
        let verify = Verify::So(so_pin);
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            let before = session.so_pin_usable(verify.tried())?;
            session.spend(PinKind::So, before, &verify)?;
            session.select()
        })?;
        Ok(session)
    }

    /// Asks the token to set another user PIN by the right SO-PIN, and demands a refusal: only this shows that the
    /// token's option "unblock only" has an effect. No user is logged in afterwards.
    ///
    /// Errors: [`Refusal::SoPinFloor`] before anything is sent; [`Came::NotDone`] if the token set the
    /// PIN, or took the SO-PIN for a wrong one.
    pub fn refuses_to_set(self, so_pin: &SoPin, new: &Pin) -> Spent<C, R, Public> {
        let reset = ResetRetryCounter { so_pin, new: Some(new) };
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            session.select()?;
            let before = session.so_pin_usable(reset.tried())?;
            match session.send(&reset) {
                Err(TokenError { came: Came::Status(_), .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => {
                    let what = "option to unblock only";
                    return Err(session.not_done(reset.tried(), what, "kept", "not kept: it set a PIN").part_way());
                }
            }
            let after = session.pin_state(PinKind::So)?;
            session.found(reset.tried(), "SO-PIN after a refusal", &before, &after)
        })?;
        Ok(session)
    }

    /// Gives the user PIN its tries back and, with `new`, another value. No user is logged in afterwards.
    ///
    /// Errors: [`Refusal::ResetForbidden`] if the token's options do not allow it, [`Refusal::SoPinFloor`], both without
    /// spending a try; a wrong SO-PIN with the tries left.
    pub fn unblock(self, so_pin: &SoPin, new: Option<&Pin>) -> Spent<C, R, Public> {
        let reset = ResetRetryCounter { so_pin, new };
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            session.select()?;
            if let Some(options) = session.info().options {
                let allowed = if new.is_some() { options.set_allowed() } else { options.reset_allowed() };
                session.demand(allowed, reset.tried(), Refusal::ResetForbidden { options })?;
            }
            let before = session.so_pin_usable(reset.tried())?;
            session.spend(PinKind::So, before, &reset)?;
            match session.select().and_then(|()| session.pin_state(PinKind::User)).map_err(TokenError::part_way)? {
                PinState::TriesLeft(_) => Ok(()),
                state => Err(session.not_done(reset.tried(), "user PIN", "unblocked", state)),
            }
        })?;
        Ok(session)
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// Sends a command that carries a PIN; if it fails, the counter is read again and said.
    pub(crate) fn spend<K: Command>(
        &mut self,
        pin: PinKind,
        before: PinState,
        command: &K,
    ) -> Result<K::Reply, TokenError> {
        self.send(command).map_err(|error| {
            let after = self.pin_state(pin).ok();
            error.counted(pin, before, after)
        })
    }

    /// State of the user PIN, if it may be tried.
    pub(crate) fn user_pin_usable(&mut self, tried: Tried, last: LastTry) -> Result<PinState, TokenError> {
        match self.pin_state(PinKind::User)? {
            PinState::TriesLeft(1) if last == LastTry::Refuse => Err(self.error(tried, Refusal::LastTry)),
            state @ (PinState::TriesLeft(_) | PinState::Verified) => Ok(state),
            state => Err(self.error(tried, Refusal::PinState { pin: PinKind::User, state })),
        }
    }

    /// State of the SO-PIN, if it may be tried.
    pub(super) fn so_pin_usable(&mut self, tried: Tried) -> Result<PinState, TokenError> {
        let state = self.pin_state(PinKind::So)?;
        self.so_pin_allows(tried, state)
    }

    /// Whether an SO-PIN in this state may be tried.
    pub(crate) fn so_pin_allows(&self, tried: Tried, state: PinState) -> Result<PinState, TokenError> {
        let refusal = match state {
            PinState::TriesLeft(left) if left < SO_TRIES_LEFT_MIN => Refusal::SoPinFloor { left },
            PinState::TriesLeft(_) | PinState::Verified => return Ok(state),
            _ => Refusal::PinState { pin: PinKind::So, state },
        };
        Err(self.error(tried, refusal))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Failed, *};
    use crate::{
        command::Options,
        error::{Next, Touched},
        scripted::{SELECT, Scripted, fci},
        secret::{Secret, SecretBytes},
    };

    const USER: &str = "00200081";
    const SO: &str = "00200088";
    const VERIFY: &str = "00200081 06 363438323139";

    fn pin(text: &str) -> Pin {
        Pin::new(SecretBytes::copied_from(text.as_bytes())).unwrap()
    }

    fn so_pin() -> SoPin {
        Secret::copied_from(b"57621880").unwrap()
    }

    #[test]
    fn a_wrong_pin_hands_the_session_back_with_the_counter_read_again() {
        let script = Scripted::default().then(USER, "63C3").then(VERIFY, "63C2").then(USER, "63C2");
        let script = script.then(USER, "63C2").then(VERIFY, "9000").then("0084000008", "00010203040506079000");
        let Failed { session, error } = script.proven().log_in(&pin("648219"), LastTry::Refuse).unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: VERIFY user PIN: wrong PIN (SW 63C2); user PIN: 2 tries left");
        assert_eq!((error.next(), error.touched), (Next::Custodian, Touched::Yes));
        let mut session = session.log_in(&pin("648219"), LastTry::Refuse).unwrap();
        assert_eq!(session.random(8).unwrap().expose(), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn the_counter_that_is_said_is_the_one_read_after_the_failure() {
        // A token that says 2 in its refusal and has 1.
        let script = Scripted::default().then(USER, "63C3").then(VERIFY, "63C2").then(USER, "63C1");
        let Failed { error, .. } = script.proven().log_in(&pin("648219"), LastTry::Refuse).unwrap_err();
        assert_eq!(error.counter.unwrap().after, Some(PinState::TriesLeft(1)));
    }

    #[test]
    fn the_last_try_is_spent_only_when_somebody_says_so() {
        let refused = Scripted::default().then(USER, "63C1").proven();
        let Failed { session, error } = refused.log_in(&pin("648219"), LastTry::Refuse).unwrap_err();
        assert_eq!((&error.came, error.touched), (&Came::Refused(Refusal::LastTry), Touched::No));
        assert_eq!(error.to_string(), "ZZNK0000001: VERIFY user PIN: not sent: the user PIN has its last try left");
        drop(session);
        let spent = Scripted::default().then(USER, "63C1").then(VERIFY, "63C0").then(USER, "6983").proven();
        let Failed { error, .. } = spent.log_in(&pin("648219"), LastTry::Spend).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: VERIFY user PIN: wrong PIN (SW 63C0); user PIN: blocked, no try left"
        );
    }

    #[test]
    fn a_pin_that_cannot_be_tried_is_not_sent() {
        for (status, state) in [
            ("6983", PinState::Blocked),
            ("63C0", PinState::Blocked),
            ("6984", PinState::Transport),
            ("6A88", PinState::NeverSet),
            ("6300", PinState::OtherTokens),
        ] {
            let script = Scripted::default().then(USER, status);
            let Failed { error, .. } = script.proven().log_in(&pin("648219"), LastTry::Spend).unwrap_err();
            assert_eq!(error.came, Came::Refused(Refusal::PinState { pin: PinKind::User, state }));
        }
    }

    #[test]
    fn the_so_pin_is_not_tried_below_5_left() {
        let (old, new) = (so_pin(), Secret::copied_from(&[7; 8]).unwrap());
        for left in 1..5 {
            let script = Scripted::default().then(SELECT, &fci("0001")).then(SO, &format!("63C{left}"));
            let Failed { error, .. } = script.proven().change_so_pin(&old, &new).unwrap_err();
            assert_eq!((&error.came, error.touched), (&Came::Refused(Refusal::SoPinFloor { left }), Touched::No));
        }
        let script = Scripted::default().then(SELECT, &fci("0001")).then(SO, "6983");
        let Failed { error, .. } = script.proven().change_so_pin(&old, &new).unwrap_err();
        assert_eq!(error.next(), Next::Token);
        let change = "00240088 10 3537363231383830 0707070707070707";
        let script =
            Scripted::default().then(SELECT, &fci("0001")).then(SO, "63C5").then(change, "63C4").then(SO, "63C4");
        let Failed { error, .. } = script.proven().change_so_pin(&old, &new).unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: CHANGE SO-PIN: wrong PIN (SW 63C4); SO-PIN: 4 tries left");
    }

    #[test]
    fn a_new_so_pin_shows_itself_by_verify() {
        let verify = "00200088 08 3537363231383830";
        let script = Scripted::default().then(SO, "63CF").then(verify, "9000").then(SELECT, &fci("0001"));
        assert!(script.proven().verify_so_pin(&so_pin()).is_ok());
        assert!(Scripted::default().then(SO, "63C4").proven().verify_so_pin(&so_pin()).is_err());
    }

    #[test]
    fn changing_the_pin_logs_out_first_and_last() {
        let change = "00240081 0C 363438323139 313233343536";
        let script = Scripted::default().then(SELECT, &fci("0001")).then(USER, "63C3").then(change, "9000");
        let session = script.then(SELECT, &fci("0001")).logged_in();
        assert!(session.change_pin(&pin("648219"), &pin("123456"), LastTry::Refuse).is_ok());
        let script = Scripted::default().then(SELECT, &fci("0001")).then(USER, "63C1");
        let failed = script.logged_in().change_pin(&pin("648219"), &pin("123456"), LastTry::Refuse).unwrap_err();
        assert_eq!(failed.error.came, Came::Refused(Refusal::LastTry));
    }

    #[test]
    fn unblocking_is_not_tried_where_the_options_forbid_it() {
        #[track_caller]
        fn check(options: u16, new: Option<&Pin>) {
            let script = Scripted::default().then(SELECT, &fci(&format!("{options:04X}")));
            let Failed { error, .. } = script.proven().unblock(&so_pin(), new).unwrap_err();
            assert_eq!(error.came, Came::Refused(Refusal::ResetForbidden { options: Options(options) }));
        }
        let new = pin("123456");
        check(0x0000, None);
        check(0x0000, Some(&new));
        check(0x0020, None);
        check(0x0021, Some(&new));
    }

    #[test]
    fn unblocking_is_believed_when_the_pin_has_tries_again() {
        let (plain, with_new) = ("002C0181 08 3537363231383830", "002C0081 0E 3537363231383830 313233343536");
        let unblock = |command, options, after| {
            let script = Scripted::default().then(SELECT, &fci(options)).then(SO, "63CF").then(command, "9000");
            script.then(SELECT, &fci(options)).then(USER, after).proven()
        };
        assert!(unblock(plain, "0021", "63C3").unblock(&so_pin(), None).is_ok());
        assert!(unblock(with_new, "0001", "63C3").unblock(&so_pin(), Some(&pin("123456"))).is_ok());
        let Failed { error, .. } = unblock(plain, "0001", "6983").unblock(&so_pin(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: RESET RETRY COUNTER: the token reported success, but its user PIN is blocked, no try left, \
             expected unblocked"
        );
    }

    #[test]
    fn an_unplugged_token_leaves_the_counter_unsaid() {
        let script = Scripted::default().then(USER, "63C3").then_unplugged(VERIFY).then_unplugged(USER);
        let Failed { error, .. } = script.proven().log_in(&pin("648219"), LastTry::Refuse).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: VERIFY user PIN: the token was unplugged; user PIN: tries left could not be read"
        );
        assert_eq!((error.next(), error.touched), (Next::Operator, Touched::Unknown));
    }

    #[test]
    fn a_token_whose_so_pin_only_unblocks_must_refuse_to_set() {
        const SET: &str = "002C0081 0E 3537363231383830 363438323139";
        let run = |answer: &str, counter: &str, goes_on: bool| {
            let script = Scripted::default().then(SELECT, &fci("0021")).then(SO, "63CF").then(SET, answer);
            let script = if goes_on { script.then(SO, counter) } else { script };
            let failed = script.proven().refuses_to_set(&so_pin(), &pin("648219"));
            failed.map(drop).map_err(|failed| failed.error.to_string())
        };
        for sw in ["6985", "6986", "6D00"] {
            assert_eq!(run(sw, "63CF", true), Ok(()));
        }
        let said = "ZZNK0000001: RESET RETRY COUNTER: the token reported success, but its";
        let set = format!("{said} option to unblock only is not kept: it set a PIN, expected kept");
        assert_eq!(run("9000", "", false), Err(set));
        // It refused, because it took the SO-PIN for another one: that shows nothing of the option.
        let counted = format!("{said} SO-PIN after a refusal is 14 tries left, expected 15 tries left");
        assert_eq!(run("63CE", "63CE", true), Err(counted));
    }
}
