//! The genuineness proof: a token shows that it holds the device key of its certificate.
//!
//! Certificates, serial numbers and old attestations can be copied; the device key cannot. There are three ways to see it used:
//!
//! - [`Session::prove`] **erases** the token. The token makes a key for this proof alone, under a name that no person
//!   could know before, and signs its request with the device key. Making a key takes a login. So the token is
//!   initialised first, with a PIN that is thrown away and without a DKEK: until the proof holds, the token gets
//!   nothing of worth. The request convinces every person, at any later time.
//! - [`Session::authenticate`] leaves the token as it is, for a token that carries its keys already. It takes no
//!   login, spends no try and convinces only the person who asked. For other people, [`Session::prove_again`] makes a
//!   request after the login.
//! - [`Session::prove_beside`] is for a token that carries its keys already and refuses [`Session::authenticate`]. It
//!   takes a login before anything is proved: the PIN is burnt by it. The request convinces every person.
//!
//! One attack remains: a relay to a genuine token elsewhere.
//!
//! The proof returns a session with a type of its own. Everything secret asks for that type; see [`crate::session`].

mod chip;

use crate::{
    channel::Channel,
    command::{Command as _, KeySpec, Reset, Setup, generate::Generate, pin::Verify},
    curve::Curve,
    cvc::{Device, Name, RootKind},
    error::{Refusal, TokenError, Tried},
    object::{KeyId, PinKind, PinState},
    secret::{Pin, SO_PIN_PUBLISHED, Secret, SoPin},
    session::{Evidence, Failed, LastTry, Proven, Public, Session, Unproven, User, consuming},
};

/// The SO-PIN a token has before the ceremony gives it its own.
#[derive(Clone, Copy, Debug)]
pub enum CurrentSoPin<'a> {
    /// The vendor's, which is in public documents: a new token.
    Published,
    /// Another: a token that was used before.
    Own(&'a SoPin),
}

/// Tries of the throw-away PIN: the applet grants as many to every PIN.
const THROW_AWAY_TRIES: u8 = 3;

impl<C: Channel> Session<C, Unproven, Public> {
    /// Proves the token genuine. **Erases it**: it is left initialised with the throw-away PIN, which is logged in, without a
    /// DKEK and without keys.
    ///
    /// `throw_away` is made of random bytes for this call alone. `head` are 80 bits of the transcript that no person
    /// could know before, so that no earlier attestation can be replayed.
    ///
    /// Errors: [`Came::Chain`](crate::error::Came::Chain), [`Refusal::SoPinFloor`] and [`Refusal::NeverInitialized`]
    /// before anything is sent that changes the token; [`Came::Attest`](crate::error::Came::Attest) for a counterfeit;
    /// the errors of [`Session::initialize`].
    pub fn prove<R: RootKind>(
        self,
        so_pin: CurrentSoPin<'_>,
        throw_away: &Pin,
        head: &[u8; 10],
    ) -> Result<Session<C, Proven<R>, User>, Failed<Self>> {
        let (session, (device, evidence)) = consuming(self, |session| {
            let device = session.certified::<R>()?;
            let before = session.so_pin_before_proof(so_pin)?;
            let published;
            let so_pin = match so_pin {
                CurrentSoPin::Published => {
                    published = Secret::filled(|secret| *secret = SO_PIN_PUBLISHED);
                    &published
                }
                CurrentSoPin::Own(own) => own,
            };
            let setup =
                Setup { reset: Reset::Nothing, pin: throw_away, so_pin, tries: THROW_AWAY_TRIES, dkek_shares: None };
            session.set_up(&setup, before)?;
            let full = PinState::TriesLeft(THROW_AWAY_TRIES);
            session.spend(PinKind::User, full, &Verify::User(throw_away)).map_err(TokenError::part_way)?;
            let evidence = session.show_device_key(&device, head).map_err(TokenError::part_way)?;
            Ok((device, evidence))
        })?;
        Ok(session.into_access().into_proven(device, Evidence::Attestation(evidence)))
    }

    /// Proves a token that refuses chip authentication, with its keys in place: a key is made beside them, checked and removed.
    ///
    /// `burnt` goes to a token that has shown nothing yet: the caller changes that PIN next, whatever comes of the
    /// proof. `left` is the number under which a proof that was cut off may have left its key: that key is removed
    /// first, unless it has a description. The key of a proof never has a description. `head` is as for
    /// [`Session::prove`].
    ///
    /// Errors: [`Came::Chain`](crate::error::Came::Chain), [`Refusal::LastTry`] and [`Refusal::PinState`] before the
    /// PIN is sent; a wrong PIN with the tries left; the errors of [`Session::prove_again`].
    pub fn prove_beside<R: RootKind>(
        self,
        burnt: &Pin,
        last: LastTry,
        left: Option<KeyId>,
        head: &[u8; 10],
    ) -> Result<Session<C, Proven<R>, User>, Failed<Self>> {
        let verify = Verify::User(burnt);
        let (session, (device, evidence)) = consuming(self, |session| {
            let device = session.certified::<R>()?;
            let before = session.user_pin_usable(verify.tried(), last)?;
            session.spend(PinKind::User, before, &verify)?;
            let evidence = session.show_beside(&device, left, head)?;
            Ok((device, evidence))
        })?;
        Ok(session.into_access().into_proven(device, Evidence::Attestation(evidence)))
    }

    fn so_pin_before_proof(&mut self, so_pin: CurrentSoPin<'_>) -> Result<PinState, TokenError> {
        match (self.pin_state(PinKind::So)?, so_pin) {
            // The first initialisation ever takes every SO-PIN it is given: nothing of worth may be given.
            (PinState::NeverSet, CurrentSoPin::Published) => Ok(PinState::NeverSet),
            (PinState::NeverSet, CurrentSoPin::Own(_)) => Err(self.error(Tried::Initialize, Refusal::NeverInitialized)),
            (state, _) => self.so_pin_allows(Tried::Initialize, state),
        }
    }
}

impl<C: Channel, R: RootKind> Session<C, Proven<R>, User> {
    /// Proves the token genuine once more, with its keys in place: a key is made, checked and removed, nothing else is
    /// touched. `left` and `head` are as for [`Session::prove_beside`]. Returns the attestation.
    ///
    /// Errors: [`Came::Attest`](crate::error::Came::Attest) for a counterfeit, [`Refusal::NoKeyFree`].
    pub fn prove_again(&mut self, left: Option<KeyId>, head: &[u8; 10]) -> Result<Vec<u8>, TokenError> {
        let device = self.certified::<R>()?;
        self.show_beside(&device, left, head)
    }
}

impl<C: Channel, T, A> Session<C, T, A> {
    /// The proof by a key beside those there are: afterwards everything is as it was, but for the key of a proof that was cut off.
    fn show_beside<R: RootKind>(
        &mut self,
        device: &Device<R>,
        left: Option<KeyId>,
        head: &[u8; 10],
    ) -> Result<Vec<u8>, TokenError> {
        if let Some(left) = left
            && !self.files()?.contains(&left.description())
        {
            self.remove_key(left)?;
        }
        let before = self.files()?;
        let evidence = self.show_device_key(device, head)?;
        let after = self.files().map_err(TokenError::part_way)?;
        if after == before {
            Ok(evidence)
        } else {
            let what = "list of objects after the proof";
            Err(self.not_done(Tried::Enumerate, what, "as before", "another").part_way())
        }
    }

    /// Has a key made for nothing but its attestation, and removes it again whatever the attestation is worth.
    fn show_device_key<R: RootKind>(&mut self, device: &Device<R>, head: &[u8; 10]) -> Result<Vec<u8>, TokenError> {
        let files = self.files()?;
        let free = |key: &KeyId| !key.files().iter().any(|file| files.contains(file));
        // From the top, out of the way of the numbers of a plan.
        let key = KeyId::all().rev().find(free).ok_or_else(|| self.error(Tried::Enumerate, Refusal::NoKeyFree))?;
        let spec = KeySpec::Ec(Curve::P256);
        let generate = Generate { key, spec, car: Name::bound(head), chr: device.chr().of_first_key() };
        let attestation = self.make_key(&generate)?;
        let verdict = self.birth(&generate, &attestation, device).map_err(TokenError::part_way);
        let removed = self.remove_key(generate.key).map_err(TokenError::part_way);
        verdict.and(removed).map(|()| attestation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cvc::{
            Production, Simulated,
            testing::{DEVICE, ISSUER},
        },
        error::{Came, Next, Touched},
        scripted::{SELECT, Scripted, attestation, fci, hex},
        secret::SecretBytes,
    };

    const SO: &str = "00200088";
    const FILES: &str = "80580000000000";
    const BARE: &str = "2F02 CC00 9000";
    const HEAD: [u8; 10] = [9; 10];
    const INITIALIZE: &str = "80500000 1B 80020000 8108A1A2A3A4A5A6A7A8 82083537363231383830 910103";

    fn throw_away() -> Pin {
        Pin::new(SecretBytes::copied_from(&[0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8])).unwrap()
    }

    fn generate(key: u8) -> Generate {
        let (key, chr) = (KeyId::new(key).unwrap(), Name::parse(b"ZZNK000000100001").unwrap());
        Generate { key, spec: KeySpec::Ec(Curve::P256), car: Name::bound(&HEAD), chr }
    }

    fn initialised(script: Scripted) -> Scripted {
        let script = script.then(INITIALIZE, "9000").then(SELECT, &fci("0000")).then("00200081", "63C3");
        let script = script.then("8052000000", "6D00").then(FILES, BARE);
        script.then("00200081 08 A1A2A3A4A5A6A7A8", "9000")
    }

    fn key_shown(script: Scripted, others: &str, key: u8, device_key: &[u8; 32]) -> Scripted {
        let (before, with) =
            (format!("2F02 CC00 {others} 9000"), format!("2F02 CC00 {others} CC{key:02X} CE{key:02X} 9000"));
        let answer = format!("{} 9000", hex(&attestation(&generate(key), device_key)));
        let script = script.then(FILES, &before).then(FILES, &before).then_command(&generate(key), &answer);
        let script = script.then(FILES, &with).then(FILES, &with);
        let script =
            script.then(&format!("00E4020002CC{key:02X}"), "9000").then(&format!("00E4020002CE{key:02X}"), "9000");
        script.then(FILES, &before)
    }

    fn open(script: Scripted) -> Session<Scripted, Unproven, Public> {
        Session::open(script).unwrap()
    }

    #[test]
    fn a_new_token_proves_itself_and_stays_logged_in() {
        for so_pin in ["63CF", "6A88"] {
            let script = key_shown(initialised(Scripted::token().then(SO, so_pin)), "", 0xff, &DEVICE);
            let session = open(script).prove::<Simulated>(CurrentSoPin::Published, &throw_away(), &HEAD).unwrap();
            assert_eq!(session.device().serial(), "ZZNK0000001");
            assert_eq!(*session.evidence(), Evidence::Attestation(attestation(&generate(0xff), &DEVICE)));
        }
    }

    #[test]
    fn a_counterfeit_with_a_copied_certificate_is_found_out() {
        let script = key_shown(initialised(Scripted::token().then(SO, "63CF")), "", 0xff, &ISSUER);
        let failed = open(script).prove::<Simulated>(CurrentSoPin::Published, &throw_away(), &HEAD).unwrap_err();
        assert_eq!(
            failed.to_string(),
            "ZZNK0000001: GENERATE KEY 255: device signature: the signature is not this key's over these bytes"
        );
        assert_eq!(failed.error.what_to_do(), "Set the token aside and keep it: it may be a counterfeit.");
        assert_eq!((failed.error.next(), failed.session.name().holder()), (Next::Token, "ZZNK0000001"));
    }

    #[test]
    fn a_throw_away_pin_that_is_not_taken_ends_the_proof() {
        let script = Scripted::token().then(SO, "63CF").then(INITIALIZE, "9000").then(SELECT, &fci("0000"));
        let script = script.then("00200081", "63C3").then("8052000000", "6D00").then(FILES, BARE);
        let script = script.then("00200081 08 A1A2A3A4A5A6A7A8", "63C2").then("00200081", "63C2");
        let failed = open(script).prove::<Simulated>(CurrentSoPin::Published, &throw_away(), &HEAD).unwrap_err();
        let line = "ZZNK0000001: VERIFY user PIN: wrong PIN (SW 63C2); user PIN: 2 tries left";
        assert_eq!(failed.to_string(), line);
    }

    #[test]
    fn a_chain_to_another_root_is_refused_before_anything_is_sent() {
        let failed = open(Scripted::token()).prove::<Production>(CurrentSoPin::Published, &throw_away(), &HEAD);
        let error = failed.unwrap_err().error;
        assert!(matches!(error.came, Came::Chain(_)), "{error}");
        assert_eq!(error.touched, Touched::No);
    }

    #[test]
    fn an_so_pin_of_its_own_is_not_given_to_a_token_that_never_had_one() {
        let own = Secret::copied_from(&[1; 8]).unwrap();
        let script = Scripted::token().then(SO, "6A88");
        let failed = open(script).prove::<Simulated>(CurrentSoPin::Own(&own), &throw_away(), &HEAD).unwrap_err();
        assert_eq!(failed.error.came, Came::Refused(Refusal::NeverInitialized));
    }

    #[test]
    fn the_so_pin_floor_holds_before_the_proof() {
        let script = Scripted::token().then(SO, "63C4");
        let failed = open(script).prove::<Simulated>(CurrentSoPin::Published, &throw_away(), &HEAD).unwrap_err();
        assert_eq!(failed.error.came, Came::Refused(Refusal::SoPinFloor { left: 4 }));
    }

    #[test]
    fn a_proof_with_keys_in_place_touches_none_of_them() {
        let others = "CC01 C401 CE01 CCFF CEFE";
        let listed = format!("2F02 CC00 {others} 9000");
        let script = key_shown(Scripted::default().then(FILES, &listed), others, 0xfd, &DEVICE).then(FILES, &listed);
        let mut session = script.logged_in();
        assert_eq!(session.prove_again(None, &HEAD).unwrap(), attestation(&generate(0xfd), &DEVICE));
        let script = key_shown(Scripted::default().then(FILES, BARE), "", 0xff, &DEVICE).then(FILES, "2F02 9000");
        let error = script.logged_in().prove_again(None, &HEAD).unwrap_err();
        assert!(matches!(error.came, Came::NotDone { .. }), "{error}");
    }

    #[test]
    fn a_proof_beside_its_keys_logs_in_first_and_removes_what_an_earlier_one_left() {
        const USER: &str = "00200081";
        const LOGIN: &str = "00200081 08 A1A2A3A4A5A6A7A8";
        let others = "CC01 C401 CE01";
        let (listed, with_left) = (format!("2F02 CC00 {others} 9000"), format!("2F02 CC00 {others} CCFF 9000"));
        let left = |script: Scripted| {
            let script = script.then(FILES, &with_left).then(FILES, &with_left);
            script.then("00E4020002CCFF", "9000").then(FILES, &listed)
        };
        let logged_in = |script: Scripted| script.then(USER, "63C3").then(LOGIN, "9000");
        let prove = |script: Scripted, left: Option<u8>| {
            let left = left.and_then(KeyId::new);
            open(script).prove_beside::<Simulated>(&throw_away(), LastTry::Refuse, left, &HEAD)
        };
        let shown = |script: Scripted, key: &[u8; 32]| {
            key_shown(script.then(FILES, &listed), others, 0xff, key).then(FILES, &listed)
        };
        for (script, number) in [
            (shown(logged_in(Scripted::token()), &DEVICE), None),
            (shown(left(logged_in(Scripted::token())), &DEVICE), Some(0xff)),
        ] {
            let session = prove(script, number).unwrap();
            assert_eq!(*session.evidence(), Evidence::Attestation(attestation(&generate(0xff), &DEVICE)));
        }
        // A key with a description is none that a proof left: it stays.
        let owned = "CC01 C401 CE01 CCFF C4FF";
        let with_owned = format!("2F02 CC00 {owned} 9000");
        let script = logged_in(Scripted::token()).then(FILES, &with_owned).then(FILES, &with_owned);
        let script = key_shown(script, owned, 0xfe, &DEVICE).then(FILES, &with_owned);
        let session = prove(script, Some(0xff)).unwrap();
        assert_eq!(*session.evidence(), Evidence::Attestation(attestation(&generate(0xfe), &DEVICE)));
        // A counterfeit had the PIN by then.
        let script = key_shown(logged_in(Scripted::token()).then(FILES, &listed), others, 0xff, &ISSUER);
        let failed = prove(script, None).unwrap_err();
        assert!(matches!(failed.error.came, Came::Attest(_)), "{failed}");
        // The last try is not spent, and a chain to another root is refused before the PIN is sent.
        let failed = prove(Scripted::token().then(USER, "63C1"), None).unwrap_err();
        assert_eq!(failed.error.came, Came::Refused(Refusal::LastTry));
        let foreign = open(Scripted::token());
        let failed = foreign.prove_beside::<Production>(&throw_away(), LastTry::Refuse, None, &HEAD).unwrap_err();
        assert!(matches!(failed.error.came, Came::Chain(_)), "{failed}");
    }
}
