//! Sessions: the proof of a token and the login decide which commands it may get.
//!
//! A [`Session`] begins [`Unproven`] and [`Public`]: it looks. A [proof by a key](crate::genuine) or [chip
//! authentication](crate::chip) makes it [`Proven`]. Only a proven session can carry shares, final PINs and final
//! SO-PINs, so that a counterfeit never sees one. Each of the following lines does not compile with an unproven token,
//! and compiles with a proven one. One PIN may go to an unproven token, [as burnt](Session::prove_beside), where there
//! is no other proof.
//!
//! ```compile_fail,E0599
//! # use smartcard_hsm::{channel::Channel, cvc::Production, dkek::{Kcv, Share}, session::{Proven, Public, Session, Unproven}};
//! fn share<C: Channel>(mut token: Session<C, Unproven, Public>, share: &Share, recorded: Kcv) {
//!     let _ = token.import_dkek(&[share], recorded);
//! }
//! ```
//! ```
//! # use smartcard_hsm::{channel::Channel, cvc::Production, dkek::{Kcv, Share}, session::{Proven, Public, Session, Unproven}};
//! fn share<C: Channel>(mut token: Session<C, Proven<Production>, Public>, share: &Share, recorded: Kcv) {
//!     let _ = token.import_dkek(&[share], recorded);
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use smartcard_hsm::{channel::Channel, command::Setup, cvc::Production, session::{Proven, Public, Session, Unproven}};
//! fn final_pin<C: Channel>(token: Session<C, Unproven, Public>, setup: &Setup<'_>) {
//!     let _ = token.initialize(setup);
//! }
//! ```
//! ```
//! # use smartcard_hsm::{channel::Channel, command::Setup, cvc::Production, session::{Proven, Public, Session, Unproven}};
//! fn final_pin<C: Channel>(token: Session<C, Proven<Production>, Public>, setup: &Setup<'_>) {
//!     let _ = token.initialize(setup);
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use smartcard_hsm::{channel::Channel, cvc::Production, secret::Pin, session::{LastTry, Proven, Public, Session, Unproven}};
//! fn log_in<C: Channel>(token: Session<C, Unproven, Public>, pin: &Pin) {
//!     let _ = token.log_in(pin, LastTry::Refuse);
//! }
//! ```
//! ```
//! # use smartcard_hsm::{channel::Channel, cvc::Production, secret::Pin, session::{LastTry, Proven, Public, Session, Unproven}};
//! fn log_in<C: Channel>(token: Session<C, Proven<Production>, Public>, pin: &Pin) {
//!     let _ = token.log_in(pin, LastTry::Refuse);
//! }
//! ```
//!
//! ```compile_fail,E0599
//! # use smartcard_hsm::{channel::Channel, cvc::Production, secret::SoPin, session::{Proven, Public, Session, Unproven}};
//! fn final_so_pin<C: Channel>(token: Session<C, Unproven, Public>, old: &SoPin, new: &SoPin) {
//!     let _ = token.change_so_pin(old, new);
//! }
//! ```
//! ```
//! # use smartcard_hsm::{channel::Channel, cvc::Production, secret::SoPin, session::{Proven, Public, Session, Unproven}};
//! fn final_so_pin<C: Channel>(token: Session<C, Proven<Production>, Public>, old: &SoPin, new: &SoPin) {
//!     let _ = token.change_so_pin(old, new);
//! }
//! ```
//!
//! A call that spends a try consumes the session and hands it back in the error ([`Failed`]), together with the state
//! of the counter afterwards. A proof lasts as long as the session owns its channel.

mod describe;
mod diagnosis;
mod dkek;
mod inventory;
mod keys;
mod look;
mod pins;
mod setup;
mod write;

use core::{fmt, marker::PhantomData};

use crate::{
    channel::Channel,
    chip::ChipAuthentication,
    command::{Command, DeviceInfo, select::Select},
    cvc::{Device, DeviceChain, Name, RootKind},
    error::{Came, Refusal, TokenError, Tried},
    object::FileId,
};

pub use describe::{CertificateFile, Description};
pub use diagnosis::{Diagnosis, diagnose};
pub use inventory::{Inventory, KeyEntry, Object, Stored};
pub use keys::Generated;
pub use look::{FILE_LEN_MAX, KEY_DOMAINS_MAX};
pub use pins::LastTry;

/// A token on its channel.
///
/// `T` is the proof, [`Unproven`] or [`Proven`]; `A` is the login, [`Public`] or [`User`].
pub struct Session<C, T, A> {
    channel: C,
    says: Box<Says>,
    trust: T,
    access: PhantomData<A>,
}

/// The token's claims about itself.
struct Says {
    info: DeviceInfo,
    chain: DeviceChain,
}

/// Its certificate is a file that any person can copy.
#[derive(Debug)]
pub struct Unproven(());

/// It showed in this session that it has the device key of a certificate that leads to the root of kind `R`.
pub struct Proven<R: RootKind>(Box<Proof<R>>);

struct Proof<R: RootKind> {
    device: Device<R>,
    evidence: Evidence,
}

/// The evidence of a proof, for the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// The request of a key made for the [proof](crate::genuine): any person can check it.
    Attestation(Vec<u8>),
    /// A [chip authentication](crate::chip): worth the word of the person who recorded it.
    Chip(ChipAuthentication),
}

/// No user is logged in.
#[derive(Debug)]
pub enum Public {}

/// The user is logged in.
#[derive(Debug)]
pub enum User {}

/// A failure, and the session in which it happened.
#[derive(Debug)]
pub struct Failed<S> {
    /// The session, for another try or another way.
    pub session: S,
    /// The failure. It is boxed, because the session is handed back beside it.
    pub error: Box<TokenError>,
}

/// The result of a call that spends a try: a session with this login, or the failure and a session without a login.
pub type Spent<C, R, A> = Result<Session<C, Proven<R>, A>, Failed<Session<C, Proven<R>, Public>>>;

impl<S> fmt::Display for Failed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<S: fmt::Debug> core::error::Error for Failed<S> {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.error.source()
    }
}

impl<C, T, A> fmt::Debug for Session<C, T, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.name())
    }
}

impl<C: Channel> Session<C, Unproven, Public> {
    /// Selects the applet and reads the token's certificates, without believing them.
    pub fn open(mut channel: C) -> Result<Self, TokenError> {
        let says = introduce(&mut channel)?;
        Ok(Self { channel, says: Box::new(says), trust: Unproven(()), access: PhantomData })
    }
}

impl<C, T, A> Session<C, T, A> {
    /// Options and firmware, as of the last time the applet was selected.
    pub fn info(&self) -> DeviceInfo {
        self.says.info
    }

    /// The certificates the token presents. Only their verification says anything, and not that this is the token.
    pub fn chain(&self) -> &DeviceChain {
        &self.says.chain
    }

    /// Name in the device certificate: errors use it for the token.
    pub fn name(&self) -> Name {
        self.says.chain.device.chr
    }
}

impl<C, R: RootKind, A> Session<C, Proven<R>, A> {
    /// The identity that the token proved.
    pub fn device(&self) -> &Device<R> {
        &self.trust.0.device
    }

    /// The evidence of the proof, for the record.
    pub fn evidence(&self) -> &Evidence {
        &self.trust.0.evidence
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// The token its certificates describe, on the word of the root of kind `R`. It may still be a copy.
    ///
    /// Errors: [`Came::Chain`].
    pub fn certified<R: RootKind>(&self) -> Result<Device<R>, TokenError> {
        self.says.chain.verify().map_err(|error| self.error(Tried::Certificates, error))
    }

    /// Compares the certificates with the serial number in the reader's USB descriptor.
    ///
    /// Errors: [`Came::Chain`], [`Came::UsbSerial`].
    pub fn check_usb_serial<R: RootKind>(&self, usb: &str) -> Result<(), TokenError> {
        let device = self.certified::<R>()?;
        device.check_usb_serial(usb).map_err(|error| self.error(Tried::Certificates, error))
    }

    /// Powers the card off and on. A login is gone after it; a proof stays, as the channel does.
    ///
    /// Errors: [`Came::OtherToken`] if another card answers then. With the session the proof is gone, too.
    pub fn restart(mut self) -> Result<Session<C, T, Public>, TokenError> {
        self.channel.restart().map_err(|error| self.error(Tried::Restart, error))?;
        let Says { info, chain } = introduce(&mut self.channel).map_err(|error| error.of(self.name()))?;
        if chain != self.says.chain {
            return Err(self.error(Tried::Restart, Came::OtherToken { found: chain.device.chr }));
        }
        self.says.info = info;
        Ok(self.into_access())
    }

    /// Sends one command; its errors carry the token's name.
    pub(crate) fn send<K: Command>(&mut self, command: &K) -> Result<K::Reply, TokenError> {
        crate::command::send(&mut self.channel, command).map_err(|error| error.of(self.name()))
    }

    /// Selects the applet again, which ends every login.
    pub(crate) fn select(&mut self) -> Result<(), TokenError> {
        self.says.info = self.send(&Select)?;
        Ok(())
    }

    /// The failure of an operation, in the name of this token.
    pub(crate) fn error(&self, tried: Tried, came: impl Into<Came>) -> TokenError {
        TokenError::new(tried, came).of(self.name())
    }

    /// Keeps a rule: nothing is sent unless it holds.
    fn demand(&self, holds: bool, tried: Tried, refusal: Refusal) -> Result<(), TokenError> {
        if holds { Ok(()) } else { Err(self.error(tried, refusal)) }
    }

    /// Compares a reported result with the state that is found afterwards.
    fn found<V: PartialEq + fmt::Display>(
        &self,
        tried: Tried,
        what: &'static str,
        expected: &V,
        found: &V,
    ) -> Result<(), TokenError> {
        if expected == found { Ok(()) } else { Err(self.not_done(tried, what, expected, found)) }
    }

    /// The failure of an operation that a token reports as done but did not do.
    pub(crate) fn not_done(
        &self,
        tried: Tried,
        what: &'static str,
        expected: impl ToString,
        found: impl ToString,
    ) -> TokenError {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.error(tried, Came::NotDone { what, expected, found })
    }

    /// The same token with another login.
    pub(crate) fn into_access<B>(self) -> Session<C, T, B> {
        let Self { channel, says, trust, access: _ } = self;
        Session { channel, says, trust, access: PhantomData }
    }

    /// The three proofs make a proven session here. No other code may call this.
    pub(crate) fn into_proven<R: RootKind>(self, device: Device<R>, evidence: Evidence) -> Session<C, Proven<R>, A> {
        let Self { channel, says, trust: _, access } = self;
        Session { channel, says, trust: Proven(Box::new(Proof { device, evidence })), access }
    }
}

/// Runs `act` on a session and hands the session back either way.
pub(crate) fn consuming<S, T>(
    mut session: S,
    act: impl FnOnce(&mut S) -> Result<T, TokenError>,
) -> Result<(S, T), Failed<S>> {
    match act(&mut session) {
        Ok(value) => Ok((session, value)),
        Err(error) => Err(Failed { session, error: Box::new(error) }),
    }
}

/// SELECT, and the certificates of EF 2F02.
fn introduce(channel: &mut impl Channel) -> Result<Says, TokenError> {
    let info = crate::command::send(channel, &Select)?;
    let file = FileId::DEVICE_CERTIFICATE;
    let chain = DeviceChain::parse(&look::read(channel, file)?);
    Ok(Says { info, chain: chain.map_err(|error| TokenError::new(Tried::Read(file), error))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cvc::testing::{REAL_CHAIN, SIM_CHAIN},
        error::{Next, Touched},
        scripted::{SELECT, Scripted, fci},
    };

    #[test]
    fn a_power_cycle_after_which_another_token_answers_is_an_alarm() {
        let same = Scripted::default().introduced(SIM_CHAIN).proven();
        assert!(same.restart().is_ok());
        let error = Scripted::default().introduced(REAL_CHAIN).proven().restart().unwrap_err();
        assert_eq!(error.to_string(), "ZZNK0000001: power cycle: another token answers: DENK040414400000");
        assert_eq!((error.next(), error.touched), (Next::Token, Touched::No));
    }

    #[test]
    fn a_card_that_is_no_token_is_refused_in_words() {
        #[track_caller]
        fn check(script: Scripted, want: &str, next: Next) {
            let error = Session::open(script).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.next()), (want, next));
        }
        let (select, introduced) = (|answer: &str| Scripted::default().then(SELECT, answer), fci("0001"));
        check(select("6A82"), "SELECT: no SmartCard-HSM applet (SW 6A82)", Next::Operator);
        check(select("6D00"), "SELECT: no SmartCard-HSM applet (SW 6D00)", Next::Operator);
        check(select("9000"), "SELECT: reply: expected element 6F, found the end of the data", Next::Token);
        let bare = select(&introduced).then("00B12F02 04 5402 0000 00", "6A82");
        check(bare, "READ BINARY 2F02: not found (SW 6A82)", Next::Operator);
        let blank = select(&introduced).then("00B12F02 04 5402 0000 00", "6282");
        check(
            blank,
            "READ BINARY 2F02: device certificate: data ends inside an element: 1 more bytes expected",
            Next::Token,
        );
    }
}
