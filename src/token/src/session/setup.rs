//! Initialising a token for good.

use super::{Proven, Public, Session, Spent, consuming};
use crate::{
    apdu::StatusWord,
    channel::Channel,
    command::{DkekStatus, KeyDomain, Setup, initialize::Initialize},
    cvc::RootKind,
    error::{Came, TokenError, Tried},
    object::{FileId, PinKind, PinState},
};

impl<C: Channel, R: RootKind, A> Session<C, Proven<R>, A> {
    /// Erases every key, certificate and file, and sets options, user PIN, retry counter and number of DKEK shares. The
    /// state of the token afterwards is compared with the request. No user is logged in then.
    ///
    /// Errors: a retry counter or an SO-PIN that will not be tried, before anything is sent; a wrong SO-PIN with the tries
    /// left; [`Came::NotDone`].
    pub fn initialize(self, setup: &Setup<'_>) -> Spent<C, R, Public> {
        let (session, ()) = consuming(self.into_access(), |session: &mut Session<C, Proven<R>, Public>| {
            let before = session.so_pin_usable(Tried::Initialize)?;
            session.set_up(setup, before)
        })?;
        Ok(session)
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// INITIALIZE DEVICE and a check of its result, given the state of the SO-PIN before.
    pub(crate) fn set_up(&mut self, setup: &Setup<'_>, before: PinState) -> Result<(), TokenError> {
        setup.check().map_err(|refusal| self.error(Tried::Initialize, refusal))?;
        let command = Initialize(setup);
        match self.spend(PinKind::So, before, &command) {
            // A card that was used a lot cleans up its memory and expects the command once more.
            Err(TokenError { came: Came::Status(StatusWord(0x6a84)), .. }) => {
                self.spend(PinKind::So, before, &command)?;
            }
            first => first?,
        }
        self.is_set_up(setup).map_err(TokenError::part_way)
    }

    fn is_set_up(&mut self, setup: &Setup<'_>) -> Result<(), TokenError> {
        let tried = Tried::Initialize;
        self.select()?;
        if let Some(options) = self.info().options {
            self.found(tried, "set of options", &setup.reset.options(), &options)?;
        }
        let user = self.pin_state(PinKind::User)?;
        self.found(tried, "user PIN", &PinState::TriesLeft(setup.tries), &user)?;
        let domain = self.key_domain()?;
        match (setup.dkek_shares, &domain) {
            // A domain that is there and empty can wrap no more than one that is not.
            (None, KeyDomain::None | KeyDomain::Empty) => {}
            (None, _) => return Err(self.not_done(tried, "key domain", KeyDomain::None, domain)),
            (Some(shares), _) => {
                let (total, outstanding) = (shares.get(), shares.get());
                let expected = KeyDomain::Dkek(DkekStatus { total, outstanding, kcv: None });
                self.found(tried, "key domain", &expected, &domain)?;
            }
        }
        match self.files()?.into_iter().find(|file| FileId::is_erasable(*file)) {
            Some(file) => Err(self.not_done(tried, "list of objects", "empty", format!("not: {file} is left"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU8;

    use super::*;
    use crate::{
        command::Reset,
        error::{Refusal, Touched},
        scripted::{SELECT, Scripted, fci},
        secret::{Pin, Secret, SecretBytes, SoPin},
    };

    const SO: &str = "00200088";
    const USER: &str = "00200081";
    const DOMAIN: &str = "8052000000";
    const FILES: &str = "80580000000000";
    const INITIALIZE: &str = "80500000 1C 80020000 8106363438323139 82083537363231383830 910103 920102";

    fn pins(len: usize) -> (Pin, SoPin) {
        let pin = Pin::new(SecretBytes::copied_from(&b"6482191234567890"[..len])).unwrap();
        (pin, Secret::copied_from(b"57621880").unwrap())
    }

    /// Initialises with 2 shares, nothing resettable, 3 tries.
    fn initialize(script: Scripted) -> Result<(), TokenError> {
        let (pin, so_pin) = pins(6);
        let dkek_shares = NonZeroU8::new(2);
        let setup = Setup { reset: Reset::Nothing, pin: &pin, so_pin: &so_pin, tries: 3, dkek_shares };
        script.proven().initialize(&setup).map(|_| ()).map_err(|failed| *failed.error)
    }

    /// The token's answers after INITIALIZE: options, user PIN, key domain, files.
    fn afterwards(script: Scripted, said: [&str; 4]) -> Scripted {
        let [options, user, domain, files] = said;
        let script = script.then(SELECT, &fci(options)).then(USER, user);
        let script = if user == "63C3" { script.then(DOMAIN, domain) } else { return script };
        if domain.starts_with("0202") { script.then(FILES, files) } else { script }
    }

    const RIGHT: [&str; 4] = ["0000", "63C3", "0202 0000000000000000 9000", "2F02 CC00 9000"];

    #[test]
    fn success_is_read_back() {
        let script = || Scripted::default().then(SO, "63CF").then(INITIALIZE, "9000");
        assert_eq!(initialize(afterwards(script(), RIGHT)), Ok(()));
    }

    #[test]
    fn success_with_nothing_done_is_found_out() {
        #[track_caller]
        fn check(change: usize, said: &'static str, want: &str) {
            let mut after = RIGHT;
            after[change] = said;
            let script = Scripted::default().then(SO, "63CF").then(INITIALIZE, "9000");
            let script = if change == 0 { script.then(SELECT, &fci(said)) } else { afterwards(script, after) };
            let error = initialize(script).unwrap_err();
            let said = "ZZNK0000001: INITIALIZE DEVICE: the token reported success, but its";
            assert_eq!((error.to_string(), error.touched), (format!("{said} {want}"), Touched::Unknown));
        }
        check(0, "0001", "set of options is 0001 (SO-PIN resets the user PIN), expected 0000");
        check(1, "63C5", "user PIN is 5 tries left, expected 3 tries left");
        check(
            2,
            "0200 B445A693B81E2202 9000",
            "key domain is 2 DKEK shares imported, KCV b445 a693 b81e 2202, expected 2 of 2 DKEK shares outstanding",
        );
        check(
            2,
            "6D00",
            "key domain is no DKEK: its keys can never be exported, expected 2 of 2 DKEK shares outstanding",
        );
        check(3, "2F02 CC00 CC01 9000", "list of objects is not: CC01 is left, expected empty");
        check(3, "2F02 CC00 CE07 9000", "list of objects is not: CE07 is left, expected empty");
    }

    #[test]
    fn without_shares_the_token_must_have_nothing_to_wrap_with() {
        let run = |domain: &str, goes_on: bool| {
            let (pin, so_pin) = pins(6);
            let setup = Setup { reset: Reset::Nothing, pin: &pin, so_pin: &so_pin, tries: 3, dkek_shares: None };
            let script = Scripted::default()
                .then(SO, "63CF")
                .then(INITIALIZE.replace("1C", "19").trim_end_matches("920102"), "9000");
            let script = script.then(SELECT, &fci("0000")).then(USER, "63C3").then(DOMAIN, domain);
            let script = if goes_on { script.then(FILES, "2F02 CC00 9000") } else { script };
            script.proven().initialize(&setup).map(|_| ()).map_err(|failed| failed.to_string())
        };
        assert_eq!(run("6D00", true), Ok(()));
        assert_eq!(run("6A88", true), Ok(()));
        assert_eq!(
            run("0202 0000000000000000 9000", false).unwrap_err(),
            "ZZNK0000001: INITIALIZE DEVICE: the token reported success, but its key domain is 2 of 2 DKEK shares \
             outstanding, expected no DKEK: its keys can never be exported"
        );
    }

    #[test]
    fn a_card_that_cleans_up_is_asked_once_more_and_no_more() {
        let busy = || Scripted::default().then(SO, "63CF").then(INITIALIZE, "6A84").then(SO, "63CF");
        assert_eq!(initialize(afterwards(busy().then(INITIALIZE, "9000"), RIGHT)), Ok(()));
        let error = initialize(busy().then(INITIALIZE, "6A84").then(SO, "63CF")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "ZZNK0000001: INITIALIZE DEVICE: the token is full (SW 6A84); SO-PIN: 15 tries left"
        );
        assert_eq!(error.touched, Touched::Unknown);
    }

    #[test]
    fn a_wrong_so_pin_is_known_by_its_counter() {
        for sw in ["6900", "6985", "6986", "63CE"] {
            let error = initialize(Scripted::default().then(SO, "63CF").then(INITIALIZE, sw).then(SO, "63CE"));
            let want = format!("ZZNK0000001: INITIALIZE DEVICE: wrong PIN (SW {sw}); SO-PIN: 14 tries left");
            assert_eq!(error.unwrap_err().to_string(), want);
        }
    }

    #[test]
    fn the_so_pin_floor_holds_for_initialising_too() {
        let error = initialize(Scripted::default().then(SO, "63C4")).unwrap_err();
        assert_eq!(error.came, Came::Refused(Refusal::SoPinFloor { left: 4 }));
    }

    #[test]
    fn more_tries_than_the_applet_grants_are_refused_before_sending() {
        for (len, max) in [(6, 3), (7, 5), (8, 10), (16, 10)] {
            let (pin, so_pin) = pins(len);
            let setup = |tries| Setup { reset: Reset::Nothing, pin: &pin, so_pin: &so_pin, tries, dkek_shares: None };
            assert_eq!(setup(0).check(), Err(Refusal::RetryCounter { asked: 0 }));
            assert_eq!(setup(1).check(), Ok(()));
            assert_eq!(setup(max).check(), Ok(()));
            assert_eq!(setup(max + 1).check(), Err(Refusal::RetryCounter { asked: max + 1 }));
        }
    }
}
