//! Tokens that carry keys already, met in another boot: proved without being erased.

use conclave_sim::{
    card::profile::{ChipAuthentication, Profile},
    token::Token,
};
use smartcard_hsm::{
    chip::{Cipher, Ephemeral},
    command::{KeySpec, Reset},
    curve::Curve,
    cvc::{Name, Production, Simulated},
    error::{Came, Next, TokenError, Touched},
    object::{KeyId, PinKind},
    secret::Secret,
    session::{Evidence, LastTry, Public},
};

use crate::bench::{
    Genuine, HEAD, PIN, SHARES, SO_PIN, counterfeit_of, lost, new_token, open, pin, says, serve, token,
};
use crate::ceremony::works;

const KEY: KeySpec = KeySpec::Ec(Curve::P256);

fn ephemeral(seed: u8) -> Ephemeral {
    Ephemeral::of(&Secret::filled(|bytes| bytes.fill(seed))).unwrap()
}

fn authenticate(token: &mut Token) -> Result<Genuine<'_, Public>, TokenError> {
    open(token)?.authenticate::<Simulated>([ephemeral(7), ephemeral(8)]).map_err(lost)
}

/// A token in service with one key.
fn with_key(token: &mut Token) -> (KeyId, smartcard_hsm::cvc::PublicKey) {
    let id = KeyId::new(1).unwrap();
    let mut session = serve(token, Reset::Nothing).unwrap();
    let generated = session.generate(id, KEY, Name::bound(&HEAD)).unwrap();
    (id, generated.proof.key().clone())
}

#[test]
fn a_token_in_service_proves_itself_keeps_its_keys_and_takes_its_pin() {
    let mut token = token("DENK0800001");
    let (id, public) = with_key(&mut token);
    let told = token.log().exchanges().len();
    let session = authenticate(&mut token).unwrap();
    assert_eq!(session.device().serial(), "DENK0800001");
    assert!(matches!(session.evidence(), Evidence::Chip(_)));
    let mut session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
    works(&mut session, id, KEY, &public);
    // The facts that anybody can check come now, and the key is still there.
    session.prove_again(None, &HEAD).unwrap();
    works(&mut session, id, KEY, &public);
    let changes = [[0x80, 0x50], [0x00, 0xd7], [0x80, 0x74]];
    let since = &token.log().exchanges()[told..];
    assert!(!since.iter().any(|exchange| changes.contains(&[exchange.header()[0], exchange.header()[1]])));
}

#[test]
fn every_authentication_has_another_answer() {
    let mut token = token("DENK0800002");
    let mut said = || {
        let session = authenticate(&mut token).unwrap();
        let Evidence::Chip(said) = session.evidence() else { panic!("another proof") };
        said.clone()
    };
    let (one, two) = (said(), said());
    assert_eq!(one.ephemeral, two.ephemeral);
    assert_ne!((one.nonce, one.token), (two.nonce, two.token));
}

#[test]
fn a_counterfeit_in_the_place_of_a_token_in_service_never_sees_a_pin() {
    let mut token = token("DENK0800003");
    with_key(&mut token);
    let mut counterfeit = counterfeit_of(&token);
    let error = authenticate(&mut counterfeit).unwrap_err();
    says(
        &error,
        "DENK0800003: GENERAL AUTHENTICATE: the authentication token is not one that the device key's holder makes",
        Next::Token,
        Touched::No,
    );
    let worth_having: [&[u8]; 4] = [PIN, &SO_PIN, &SHARES[0], &SHARES[1]];
    assert!(worth_having.into_iter().all(|secret| counterfeit.log().never_saw(secret)));
    assert!(counterfeit.log().exchanges().iter().any(|exchange| exchange.header() == [0x00, 0x86, 0x00, 0x00]));
}

#[test]
fn a_token_that_refuses_aes_proves_itself_by_triple_des() {
    let mut token = new_token("DENK0800006", Profile::firmware_3_3());
    let (id, public) = with_key(&mut token);
    let session = authenticate(&mut token).unwrap();
    let Evidence::Chip(said) = session.evidence() else { panic!("another proof") };
    assert_eq!(said.cipher, Cipher::TripleDes);
    let mut session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
    works(&mut session, id, KEY, &public);
    let mut counterfeit = counterfeit_of(&token);
    let error = authenticate(&mut counterfeit).unwrap_err();
    assert!(matches!(error.came, Came::Chip(_)), "{error}");
}

#[test]
fn a_token_that_refuses_chip_authentication_stays_as_it_is() {
    let profile = Profile { chip_authentication: ChipAuthentication::Neither, ..Profile::firmware_4_1() };
    let mut token = new_token("DENK0800004", profile);
    let (id, public) = with_key(&mut token);
    let error = authenticate(&mut token).unwrap_err();
    says(
        &error,
        "DENK0800004: MSE SET AT: the token does not do chip authentication (SW 6A80)",
        Next::Operator,
        Touched::No,
    );
    assert!(error.what_to_do().starts_with("Leave the token as it is: "));
    let mut session = open(&mut token).unwrap();
    assert_eq!(session.pin_state(PinKind::User).unwrap().to_string(), "3 tries left");
    assert!(session.files().unwrap().contains(&id.files()[0]));
    drop((session, public));
}

#[test]
fn a_simulated_token_is_no_production_token_here_either() {
    let mut token = token("DENK0800005");
    let before = token.log().exchanges().len();
    let error = lost(open(&mut token).unwrap().authenticate::<Production>([ephemeral(7), ephemeral(8)]).unwrap_err());
    assert!(matches!(error.came, Came::Chain(_)), "{error}");
    let asked = &token.log().exchanges()[before..];
    assert!(!asked.iter().any(|exchange| [0x22, 0x86].contains(&exchange.header()[1])));
}
