//! A ceremony on three tokens: made on one, restored on two, proved equal.

use conclave_sim::{card::profile::Profile, token::Token};
use smartcard_hsm::{
    command::{Digest, KeyDomain, KeySpec, Reset, RsaBits},
    curve::Curve,
    cvc::{Name, PublicKey, Simulated},
    object::KeyId,
    pkcs15::{CkaId, Label},
    session::{CertificateFile, Description, Generated, Inventory, Object, Stored, User},
    tlv,
};

use crate::bench::{Genuine, HEAD, new_token, recorded, serve, sha256, token};

/// Keys of the ceremony, under the numbers 1, 2, ...
const KEYS: [KeySpec; 6] = [
    KeySpec::Ec(Curve::P256),
    KeySpec::Ec(Curve::P384),
    KeySpec::Ec(Curve::P521),
    KeySpec::Ec(Curve::BrainpoolP256r1),
    KeySpec::Ec(Curve::BrainpoolP384r1),
    KeySpec::Rsa(RsaBits::B2048),
];

/// A key as the ceremony knows it: number, kind, birth, blob.
type Made = (KeyId, KeySpec, Generated<Simulated>, Vec<u8>);

fn label(spec: KeySpec) -> Label {
    Label::new(&format!("Ceremony {spec}")).unwrap()
}

/// Description and attestation beside a key, alike on every token.
fn describe(session: &mut Genuine<'_, User>, (id, spec, generated, _): &Made) {
    let (label, cka_id) = (label(*spec), CkaId::new(&[0xc0, id.get()]).unwrap());
    let certificate = CertificateFile::Attestation(&generated.attestation);
    session
        .describe(*id, &Description { label: &label, id: &cka_id, public: generated.proof.key(), certificate })
        .unwrap();
}

/// A signature as [`PublicKey::verify`] takes it.
pub fn fixed_width(signature: &[u8], key: &PublicKey) -> Vec<u8> {
    let PublicKey::Ec(key) = key else { return signature.to_vec() };
    let mut numbers = tlv::Reader::new(tlv::whole(signature, 0x30).unwrap().value);
    let mut out = Vec::new();
    for _ in ["r", "s"] {
        let number = numbers.expect(2).unwrap().value;
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        out.resize(out.len() + key.curve().field_len() - number.len(), 0);
        out.extend_from_slice(number);
    }
    out
}

/// Signs with the key on this token and verifies under the public half it was born with.
#[track_caller]
pub fn works(session: &mut Genuine<'_, User>, id: KeyId, spec: KeySpec, public: &PublicKey) {
    let message = b"this copy works";
    let digest = Digest::Sha256(sha256(message));
    let signature = session.sign(id, public, &digest).unwrap();
    assert_eq!(public.verify(message, &fixed_width(&signature, public)), Ok(()), "{spec}");
    assert!(public.verify(b"another message", &fixed_width(&signature, public)).is_err(), "{spec}");
}

fn generate(token: &mut Token, keys: &[KeySpec]) -> (Vec<Made>, Inventory) {
    let mut session = serve(token, Reset::Nothing).unwrap();
    let made: Vec<Made> = KeyId::all()
        .zip(keys)
        .map(|(id, spec)| {
            let generated = session.generate(id, *spec, Name::bound(&HEAD)).unwrap();
            let made = (id, *spec, generated, session.wrap(id).unwrap());
            describe(&mut session, &made);
            works(&mut session, id, *spec, made.2.proof.key());
            made
        })
        .collect();
    (made, session.inventory().unwrap())
}

fn restore(token: &mut Token, made: &[Made]) -> Inventory {
    let mut session = serve(token, Reset::Nothing).unwrap();
    for key in made {
        session.unwrap(key.0, &key.3).unwrap();
        describe(&mut session, key);
    }
    // Genuine still, and nothing was left behind by showing it.
    let before = session.inventory().unwrap();
    session.prove_again(None, &HEAD).unwrap();
    for (id, spec, generated, _) in made {
        works(&mut session, *id, *spec, generated.proof.key());
    }
    assert_eq!(session.inventory().unwrap(), before);
    assert!(matches!(session.key_domain().unwrap(), KeyDomain::Dkek(status) if status.kcv == Some(recorded())));
    before
}

fn ceremony(profile: fn() -> Profile, keys: &[KeySpec]) {
    let mut tokens = ["DENK0200001", "DENK0200002", "DENK0200003"].map(|serial| new_token(serial, profile()));
    let [production, copies @ ..] = &mut tokens;
    let (made, original) = generate(production, keys);
    assert_eq!(original.objects.len(), keys.len());
    for copy in copies {
        let inventory = restore(copy, &made);
        assert_eq!(inventory.difference(&original), None);
    }
}

#[test]
fn keys_are_made_on_one_token_and_proved_equal_on_two_others() {
    ceremony(Profile::firmware_4_1, &KEYS);
}

#[test]
fn the_same_on_tokens_that_answer_every_open_question_the_other_way() {
    ceremony(Profile::firmware_3_3, &KEYS);
}

#[test]
fn the_longest_rsa_keys_travel_too() {
    ceremony(Profile::firmware_4_1, &[KeySpec::Rsa(RsaBits::B3072), KeySpec::Rsa(RsaBits::B4096)]);
}

#[test]
fn tokens_that_differ_in_one_object_are_told_apart() {
    let (mut one, mut two) = (token("DENK0200001"), token("DENK0200002"));
    let (made, original) = generate(&mut one, &KEYS[..1]);
    let mut session = serve(&mut two, Reset::Nothing).unwrap();
    session.unwrap(made[0].0, &made[0].3).unwrap();
    let copy = session.inventory().unwrap();
    let (here, there) = original.difference(&copy).unwrap();
    assert!(here.unwrap().to_string().starts_with("key 1: EC-256 'Ceremony P-256', id C001, attestation SHA-256 "));
    assert_eq!(there.unwrap().to_string(), "key 1: no description, invisible to OpenSC, no certificate");
    let (made, _) = (made, ());
    describe(&mut session, &made[0]);
    assert_eq!(session.inventory().unwrap().difference(&original), None);
    session.set_label(&Label::new("Copy A").unwrap()).unwrap();
    let labelled = session.inventory().unwrap();
    assert_eq!((labelled.label.as_ref().unwrap().as_str(), labelled.difference(&original)), ("Copy A", None));
    let Object::Key(entry) = &labelled.objects[0] else { panic!("{labelled:?}") };
    assert_eq!(entry.certificate, Stored::Attestation(sha256(&made[0].2.attestation)));
}
