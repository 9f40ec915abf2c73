//! PINs: lock-out and the ways out of it, and the tries that are never spent.

use conclave_sim::card::profile::Profile;
use smartcard_hsm::{
    command::Reset,
    error::{Next, Touched},
    object::{PinKind, PinState},
    session::{Failed, LastTry},
};

use crate::bench::{PIN, SO_PIN, WRONG, lost, new_token, pin, says, serve, so_pin, token};

#[test]
fn a_user_pin_is_locked_out_and_unblocked() {
    for profile in [Profile::firmware_4_1(), Profile::firmware_3_3()] {
        let mut token = new_token("DENK0300001", profile);
        let session = serve(&mut token, Reset::UnblockAndSet).unwrap().log_out().unwrap();
        let Failed { session, error } = session.log_in(&pin(WRONG), LastTry::Refuse).unwrap_err();
        let line = "DENK0300001: VERIFY user PIN: wrong PIN (SW 63C2); user PIN: 2 tries left";
        says(&error, line, Next::Custodian, Touched::Yes);
        let Failed { session, error } = session.log_in(&pin(WRONG), LastTry::Refuse).unwrap_err();
        assert_eq!(error.counter.unwrap().after, Some(PinState::TriesLeft(1)));
        let Failed { session, error } = session.log_in(&pin(PIN), LastTry::Refuse).unwrap_err();
        let line = "DENK0300001: VERIFY user PIN: not sent: the user PIN has its last try left";
        says(&error, line, Next::Custodian, Touched::No);
        let Failed { session, error } = session.log_in(&pin(WRONG), LastTry::Spend).unwrap_err();
        assert_eq!(error.counter.unwrap().after, Some(PinState::Blocked));
        assert_eq!((error.next(), error.touched), (Next::Custodian, Touched::Yes));
        let Failed { session, error } = session.log_in(&pin(PIN), LastTry::Spend).unwrap_err();
        let line = "DENK0300001: VERIFY user PIN: not sent: the user PIN is blocked, no try left";
        says(&error, line, Next::Operator, Touched::No);

        // The lock-out survives power; the way out is the SO-PIN.
        let session = session.restart().unwrap();
        let session = session.unblock(&so_pin(SO_PIN), None).unwrap();
        let session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
        let session = session.unblock(&so_pin(SO_PIN), Some(&pin(b"20260101"))).unwrap();
        let session = session.log_in(&pin(b"20260101"), LastTry::Refuse).unwrap();
        let session = session.change_pin(&pin(b"20260101"), &pin(PIN), LastTry::Refuse).unwrap();
        assert!(session.log_in(&pin(PIN), LastTry::Refuse).is_ok());
    }
}

#[test]
fn the_session_that_comes_back_from_a_wrong_pin_goes_on() {
    let mut token = token("DENK0300002");
    let session = serve(&mut token, Reset::Nothing).unwrap().log_out().unwrap();
    let Failed { session, .. } = session.log_in(&pin(WRONG), LastTry::Refuse).unwrap_err();
    assert!(session.log_in(&pin(PIN), LastTry::Refuse).is_ok());
}

#[test]
fn without_the_option_the_so_pin_is_not_even_sent() {
    let mut token = token("DENK0300003");
    let session = serve(&mut token, Reset::Nothing).unwrap();
    let error = lost(session.unblock(&so_pin(*b"unblock!"), None).unwrap_err());
    let line = "DENK0300003: RESET RETRY COUNTER: not sent: the token's options are 0000";
    says(&error, line, Next::Operator, Touched::No);
    assert!(token.log().never_saw(b"unblock!"));
    let mut token = crate::bench::token("DENK0300004");
    let session = serve(&mut token, Reset::Unblock).unwrap();
    let error = lost(session.unblock(&so_pin(*b"unblock!"), Some(&pin(WRONG))).unwrap_err());
    assert_eq!(error.next(), Next::Operator);
    assert!(token.log().never_saw(b"unblock!"));
}

#[test]
fn the_so_pin_keeps_its_last_four_tries() {
    let wrong = so_pin(*b"wrong-so");
    for profile in [Profile::firmware_4_1(), Profile::firmware_3_3()] {
        let mut token = new_token("DENK0300005", profile);
        let mut session = serve(&mut token, Reset::UnblockAndSet).unwrap().log_out().unwrap();
        for left in (4..15).rev() {
            let Failed { session: back, error } = session.verify_so_pin(&wrong).unwrap_err();
            let state = if left == 1 { "1 try left".into() } else { format!("{left} tries left") };
            let line = format!("DENK0300005: VERIFY SO-PIN: wrong PIN (SW 63C{left:X}); SO-PIN: {state}");
            says(&error, &line, Next::Custodian, Touched::Yes);
            session = back;
        }
        let floor = "not sent: the SO-PIN has 4 tries left, expected at least 5";
        let last = so_pin(*b"the-last");
        let Failed { session, error } = session.verify_so_pin(&last).unwrap_err();
        says(&error, &format!("DENK0300005: VERIFY SO-PIN: {floor}"), Next::Operator, Touched::No);
        let Failed { session, error } = session.change_so_pin(&last, &wrong).unwrap_err();
        says(&error, &format!("DENK0300005: CHANGE SO-PIN: {floor}"), Next::Operator, Touched::No);
        let Failed { session, error } = session.unblock(&last, None).unwrap_err();
        says(&error, &format!("DENK0300005: RESET RETRY COUNTER: {floor}"), Next::Operator, Touched::No);
        let error = crate::bench::in_service(Reset::Nothing, |setup| {
            let setup = smartcard_hsm::command::Setup { so_pin: &last, ..*setup };
            lost(session.initialize(&setup).unwrap_err())
        });
        says(&error, &format!("DENK0300005: INITIALIZE DEVICE: {floor}"), Next::Operator, Touched::No);
        assert!(token.log().never_saw(b"the-last"));
    }
}

#[test]
fn a_wrong_so_pin_at_initialising_is_named_whatever_word_the_card_chooses() {
    let wrong = so_pin(*b"wrong-so");
    for (profile, sw) in [(Profile::firmware_4_1(), "6985"), (Profile::firmware_3_3(), "6986")] {
        let mut token = new_token("DENK0300006", profile);
        let session = serve(&mut token, Reset::Nothing).unwrap();
        let error = crate::bench::in_service(Reset::Nothing, |setup| {
            let setup = smartcard_hsm::command::Setup { so_pin: &wrong, ..*setup };
            lost(session.initialize(&setup).unwrap_err())
        });
        let line = format!("DENK0300006: INITIALIZE DEVICE: wrong PIN (SW {sw}); SO-PIN: 14 tries left");
        says(&error, &line, Next::Custodian, Touched::Yes);
    }
}

#[test]
fn a_power_cycle_ends_the_login_and_keeps_the_proof() {
    let mut token = token("DENK0300007");
    let session = serve(&mut token, Reset::Nothing).unwrap();
    let mut session = session.restart().unwrap();
    assert_eq!(session.pin_state(PinKind::User).unwrap(), PinState::TriesLeft(3));
    assert_eq!(session.device().serial(), "DENK0300007");
    assert!(session.log_in(&pin(PIN), LastTry::Refuse).is_ok());
}
