//! The answer of a token to SIGN, before it is a signature.

use conclave_sim::{
    card::profile::Profile,
    fault::{At, Fault, Misfortune},
    token::Token,
};
use smartcard_hsm::{
    command::{Digest, KeySpec, Reset, RsaBits},
    curve::Curve,
    cvc::Name,
    error::{Came, Next, TokenError},
    object::KeyId,
};

use crate::{
    bench::{HEAD, new_token, serve, sha256, token},
    ceremony::works,
};

/// A new key, and the result of its first signature.
fn first_signature(token: &mut Token, spec: KeySpec) -> Result<Vec<u8>, TokenError> {
    let mut session = serve(token, Reset::Nothing).unwrap();
    let key = KeyId::new(1).unwrap();
    let made = session.generate(key, spec, Name::bound(&HEAD)).unwrap();
    session.sign(key, made.proof.key(), &Digest::Sha256(sha256(b"a message")))
}

#[test]
fn a_signature_with_a_flipped_bit_is_no_signature_and_its_error_holds_no_byte_of_it() {
    for spec in [KeySpec::Rsa(RsaBits::B2048), KeySpec::Ec(Curve::P256), KeySpec::Ec(Curve::P521)] {
        let fault = Fault { at: At::Instruction { ins: 0x68, nth: 1 }, what: Misfortune::Lies };
        let mut token = token("DENK0600001").with_faults(vec![fault]);
        let error = first_signature(&mut token, spec).unwrap_err();
        assert!(matches!(error.came, Came::Signature(_)), "{error}");
        assert!(
            error.to_string().ends_with("the signature is not this key's over these bytes. It was wiped"),
            "{error}"
        );
        assert_eq!(error.next(), Next::Token);
        assert!(error.what_to_do().contains("a faulty RSA signature gives its key away"));
        let [lie] = token.lies() else { panic!() };
        let said = format!("{error} {error:?}").to_lowercase();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let decimal = |bytes: &[u8]| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        assert!(lie.windows(3).all(|bytes| !said.contains(&hex(bytes)) && !said.contains(&decimal(bytes))), "{said}");
    }
}

#[test]
fn a_token_that_refuses_the_raw_algorithm_says_what_to_do_and_one_that_refuses_to_pad_signs() {
    let mut refuses = new_token("DENK0600002", Profile::refuses_20());
    let error = first_signature(&mut refuses, KeySpec::Rsa(RsaBits::B2048)).unwrap_err();
    assert_eq!(error.to_string(), "DENK0600002: SIGN with key 1, algorithm 20: the token refuses to sign so (SW 6400)");
    assert!(error.what_to_do().contains("Nothing was kept."), "{}", error.what_to_do());
    let mut refuses = new_token("DENK0600003", Profile::refuses_30());
    assert_eq!(first_signature(&mut refuses, KeySpec::Rsa(RsaBits::B2048)).map(|signature| signature.len()), Ok(256));
}

#[test]
fn a_signature_under_another_key_than_asked_for_is_refused() {
    let mut token = token("DENK0600004");
    let mut session = serve(&mut token, Reset::Nothing).unwrap();
    let [one, two] = [1, 2].map(|number| KeyId::new(number).unwrap());
    let spec = KeySpec::Ec(Curve::P256);
    let mine = session.generate(one, spec, Name::bound(&HEAD)).unwrap();
    session.generate(two, spec, Name::bound(&HEAD)).unwrap();
    works(&mut session, one, spec, mine.proof.key());
    let error = session.sign(two, mine.proof.key(), &Digest::Sha256([7; 32])).unwrap_err();
    assert!(matches!(error.came, Came::Signature(_)), "{error}");
}
