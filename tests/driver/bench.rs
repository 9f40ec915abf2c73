//! Tokens on the bench, and the way from a new one to one in service.

use core::num::NonZeroU8;

use conclave_sim::{
    card::{BirthSoPin, profile::Profile, random::Randomness},
    in_process::InProcess,
    token::Token,
};
use conclave_tests::card::{card, seed};
use sha2::{Digest, Sha256};
use smartcard_hsm::{
    channel::Channel,
    command::{Reset, Setup},
    cvc::Simulated,
    dkek::{Dkek, Kcv, Share},
    error::{Next, TokenError, Touched},
    genuine::CurrentSoPin,
    secret::{Pin, SO_PIN_PUBLISHED, Secret, SecretBytes, SoPin},
    session::{Failed, LastTry, Proven, Public, Session, Unproven, User},
};

/// 80 bits of a transcript's head.
pub const HEAD: [u8; 10] = *b"head-bits!";
/// The user PIN in service.
pub const PIN: &[u8] = b"73914628";
/// The SO-PIN in service.
pub const SO_PIN: [u8; 8] = *b"\xa7\x01\xf3\x55\x0c\x99\x42\xde";
/// A PIN that no person has.
pub const WRONG: &[u8] = b"00000000";
/// The bytes that the two shares are made of.
pub const SHARES: [[u8; 32]; 2] = [[0x5a; 32], [0xc3; 32]];

/// A simulated token that stays the test's, plugged in.
pub type Plugged<'a> = InProcess<&'a mut Token>;
/// A session that has proved itself.
pub type Genuine<'a, A> = Session<Plugged<'a>, Proven<Simulated>, A>;

/// A token as it leaves the factory.
pub fn new_token(serial: &str, profile: Profile) -> Token {
    Token::new(card(serial, profile, BirthSoPin::Published, seed(serial)))
}

/// A token of the kind sold now.
pub fn token(serial: &str) -> Token {
    new_token(serial, Profile::firmware_4_1())
}

/// A forgery of a token: its certificates over another key.
pub fn counterfeit_of(token: &Token) -> Token {
    Token::new(token.card().counterfeit(Randomness::seeded([0xff; 32])))
}

pub fn pin(bytes: &[u8]) -> Pin {
    Pin::new(SecretBytes::copied_from(bytes)).unwrap()
}

pub fn so_pin(bytes: [u8; 8]) -> SoPin {
    Secret::filled(|secret| *secret = bytes)
}

pub fn shares() -> [Share; 2] {
    SHARES.map(|bytes| Share::new(Secret::filled(|share| *share = bytes)))
}

/// The KCV recorded when the shares were made.
pub fn recorded() -> Kcv {
    let [one, two] = shares();
    Dkek::combine(&[&one, &two]).unwrap().kcv()
}

/// Powers a token on and opens a session.
pub fn open(token: &mut Token) -> Result<Session<Plugged<'_>, Unproven, Public>, TokenError> {
    let mut channel = InProcess::new(token);
    channel.restart().unwrap();
    Session::open(channel)
}

/// How a new token is initialised for good.
pub fn in_service<T>(reset: Reset, use_setup: impl FnOnce(&Setup<'_>) -> T) -> T {
    let (pin, so_pin) = (pin(PIN), so_pin(SO_PIN_PUBLISHED));
    use_setup(&Setup { reset, pin: &pin, so_pin: &so_pin, tries: 3, dkek_shares: NonZeroU8::new(2) })
}

/// Proves a new token genuine.
pub fn prove(token: &mut Token) -> Result<Genuine<'_, User>, TokenError> {
    let throw_away = pin(b"throw-away");
    open(token)?.prove(CurrentSoPin::Published, &throw_away, &HEAD).map_err(lost)
}

/// The whole way of a new token: proved, initialised, given its own SO-PIN and the DKEK, started again, logged in.
pub fn serve(token: &mut Token, reset: Reset) -> Result<Genuine<'_, User>, TokenError> {
    let (old, new) = (so_pin(SO_PIN_PUBLISHED), so_pin(SO_PIN));
    let session = prove(token)?;
    let session = in_service(reset, |setup| session.initialize(setup)).map_err(lost)?;
    let mut session = session.change_so_pin(&old, &new).map_err(lost)?;
    let [one, two] = shares();
    session.import_dkek(&[&one, &two], recorded())?;
    let session = session.restart()?;
    let session = session.verify_so_pin(&new).map_err(lost)?;
    session.log_in(&pin(PIN), LastTry::Refuse).map_err(lost)
}

/// The failure alone, where the session is of no more use.
pub fn lost<S>(failed: Failed<S>) -> TokenError {
    *failed.error
}

/// Checks a failure: its line, the person that acts next, whether the token may have changed.
#[track_caller]
pub fn says(error: &TokenError, line: &str, next: Next, touched: Touched) {
    assert_eq!((error.to_string().as_str(), error.next(), error.touched), (line, next, touched));
    assert!(error.what_to_do().ends_with('.'));
}

pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
