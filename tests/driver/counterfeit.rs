//! A counterfeit: a genuine token's certificates over another device key.

use smartcard_hsm::{
    command::Reset,
    cvc::{Production, Simulated},
    error::{Came, Next, Touched},
    genuine::CurrentSoPin,
    object::PinKind,
    secret::SO_PIN_PUBLISHED,
};

use crate::bench::{HEAD, PIN, SHARES, SO_PIN, counterfeit_of, lost, open, pin, prove, says, serve, so_pin, token};

/// Everything that a thief would want.
fn worth_having() -> [&'static [u8]; 4] {
    [PIN, &SO_PIN, &SHARES[0], &SHARES[1]]
}

#[test]
fn a_counterfeit_is_refused_and_never_sees_a_share_or_a_final_pin() {
    let mut counterfeit = counterfeit_of(&token("DENK0400001"));
    let error = serve(&mut counterfeit, Reset::Nothing).unwrap_err();
    says(
        &error,
        "DENK0400001: GENERATE KEY 255: device signature: the signature is not this key's over these bytes",
        Next::Token,
        Touched::Unknown,
    );
    assert_eq!(error.what_to_do(), "Set the token aside and keep it: it may be a counterfeit.");
    let log = counterfeit.log();
    assert!(worth_having().into_iter().all(|secret| log.never_saw(secret)));
    assert!(log.exchanges().iter().any(|exchange| exchange.header() == [0x00, 0x46, 0xff, 0x00]));
}

/// The check above can fail: a genuine token on the same way sees all of it.
#[test]
fn a_genuine_token_on_the_same_way_sees_all_of_it() {
    let mut genuine = token("DENK0400001");
    assert!(serve(&mut genuine, Reset::Nothing).is_ok());
    assert!(!worth_having().into_iter().any(|secret| genuine.log().never_saw(secret)));
}

#[test]
fn a_simulated_token_is_no_production_token() {
    let mut token = token("DENK0400002");
    let session = open(&mut token).unwrap();
    let error = lost(session.prove::<Production>(CurrentSoPin::Published, &pin(b"throw-away"), &HEAD).unwrap_err());
    assert!(matches!(error.came, Came::Chain(_)), "{error}");
    assert_eq!((error.next(), error.touched), (Next::Token, Touched::No));
    assert!(token.log().never_saw(b"throw-away") && token.log().never_saw(&SO_PIN_PUBLISHED));
}

#[test]
fn a_used_token_is_proved_with_its_own_so_pin_and_loses_its_keys() {
    let mut token = token("DENK0400003");
    serve(&mut token, Reset::Nothing).unwrap();
    let session = open(&mut token).unwrap();
    let error = lost(session.prove::<Simulated>(CurrentSoPin::Published, &pin(b"throw-away"), &HEAD).unwrap_err());
    assert_eq!(error.to_string(), "DENK0400003: INITIALIZE DEVICE: wrong PIN (SW 6985); SO-PIN: 14 tries left");
    let own = so_pin(SO_PIN);
    let session = open(&mut token).unwrap();
    let mut session = session.prove::<Simulated>(CurrentSoPin::Own(&own), &pin(b"throw-away"), &HEAD).unwrap();
    assert!(session.inventory().unwrap().objects.is_empty());
}

#[test]
fn the_reader_and_the_card_must_name_the_same_token() {
    let mut token = token("DENK0400004");
    let session = open(&mut token).unwrap();
    assert_eq!(session.check_usb_serial::<Simulated>("DENK04000040000         "), Ok(()));
    let error = session.check_usb_serial::<Simulated>("DENK04000050000         ").unwrap_err();
    says(
        &error,
        "DENK0400004: device certificate: USB serial number DENK04000050000, but the device certificate says \
         DENK04000040000",
        Next::Token,
        Touched::No,
    );
    let error = session.check_usb_serial::<Simulated>("01A001000000000").unwrap_err();
    assert_eq!((error.next(), error.what_to_do()), (Next::Operator, "Unplug the token and plug it in again."));
}

#[test]
fn looking_at_a_token_spends_and_changes_nothing() {
    let mut token = token("DENK0400005");
    prove(&mut token).unwrap();
    let writes = |token: &conclave_sim::token::Token| {
        let ins = |exchange: &conclave_sim::token::Exchange| exchange.header()[1];
        token.log().exchanges().iter().filter(|exchange| [0x46, 0xd7, 0xe4, 0x74].contains(&ins(exchange))).count()
    };
    let before = writes(&token);
    let mut session = open(&mut token).unwrap();
    for _ in 0..20 {
        session.pin_state(PinKind::User).unwrap();
        session.pin_state(PinKind::So).unwrap();
    }
    assert!(session.memory().unwrap().unwrap().free_bytes > 0);
    assert_eq!(session.pka_status().unwrap(), None);
    assert_eq!(session.key_domains().unwrap(), []);
    session.inventory().unwrap();
    assert_eq!(session.random(1024).unwrap().expose().len(), 1024);
    assert_eq!(session.pin_state(PinKind::User).unwrap().to_string(), "3 tries left");
    assert_eq!(writes(&token), before);
}
