//! Keys and blobs that must not be taken.

use conclave_sim::card::profile::Profile;
use smartcard_hsm::{
    command::{KeySpec, Reset, RsaBits, Setup},
    curve::Curve,
    cvc::{EcKey, Name, PublicKey, RsaKey},
    dkek::{Dkek, Kcv, Share, wrapfile::WrapFile},
    error::{Came, Next, Refusal, Touched},
    object::{FileId, KeyId},
    pkcs15::{CkaId, Label},
    secret::Secret,
    session::{CertificateFile, Description, LastTry},
    tlv::{self, Reader},
};

use crate::{
    bench::{HEAD, PIN, in_service, lost, new_token, pin, prove, recorded, says, serve, shares, token},
    ceremony::works,
};

const P256: KeySpec = KeySpec::Ec(Curve::P256);

fn key(id: u8) -> KeyId {
    KeyId::new(id).unwrap()
}

#[test]
fn a_number_that_is_taken_is_not_given_again() {
    let mut token = token("DENK0500001");
    let mut session = serve(&mut token, Reset::Nothing).unwrap();
    session.generate(key(7), P256, Name::bound(&HEAD)).unwrap();
    let blob = session.wrap(key(7)).unwrap();
    let error = session.generate(key(7), P256, Name::bound(&HEAD)).unwrap_err();
    let line = "DENK0500001: GENERATE KEY 7: not sent: key 7 is taken: CC07 exists";
    says(&error, line, Next::Operator, Touched::No);
    let error = session.unwrap(key(7), &blob).unwrap_err();
    says(&error, "DENK0500001: UNWRAP KEY 7: not sent: key 7 is taken: CC07 exists", Next::Operator, Touched::No);
    session.delete_key(key(7)).unwrap();
    session.unwrap(key(7), &blob).unwrap();
}

#[test]
fn a_full_token_says_so_and_keeps_what_it_has() {
    let profile = Profile { memory_len: 8_000, ..Profile::firmware_4_1() };
    let mut token = new_token("DENK0500002", profile);
    let mut session = serve(&mut token, Reset::Nothing).unwrap();
    let mut made = Vec::new();
    let error = loop {
        let id = KeyId::all().nth(made.len()).unwrap();
        match session.generate(id, P256, Name::bound(&HEAD)) {
            Ok(_) => made.push(id),
            Err(error) => break error,
        }
    };
    assert!(!made.is_empty() && error.to_string().ends_with(": the token is full (SW 6A84)"), "{error}");
    assert_eq!(error.what_to_do(), "Take another token, or delete from this one what the plan allows.");
    assert_eq!(error.next(), Next::Operator);
    let files = session.files().unwrap();
    assert!(made.iter().all(|id| files.contains(&id.key_file())));
}

#[test]
fn shares_are_refused_before_they_are_sent_unless_they_make_the_recorded_dkek() {
    let mut token = token("DENK0500003");
    let session = prove(&mut token).unwrap();
    let mut session = in_service(Reset::Nothing, |setup| session.initialize(setup)).unwrap();
    let ([one, two], foreign) =
        (shares(), Share::new(Secret::filled(|share| *share = *b"a share of another DKEK, 32 byte")));
    let other = |shares: &[&Share]| Dkek::combine(shares).unwrap().kcv();
    let error = session.import_dkek(&[&one, &foreign], recorded()).unwrap_err();
    let refusal = Refusal::OtherShares { recorded: recorded(), combined: other(&[&one, &foreign]) };
    assert_eq!((&error.came, error.next(), error.touched), (&Came::Refused(refusal), Next::Custodian, Touched::No));
    // The DKEK of one share, on a token that waits for two.
    let error = session.import_dkek(&[&one], other(&[&one])).unwrap_err();
    says(
        &error,
        "DENK0500003: IMPORT DKEK SHARE: not sent: the token has 2 of 2 DKEK shares outstanding, expected one that waits \
         for all of 1 DKEK shares",
        Next::Operator,
        Touched::No,
    );
    session.import_dkek(&[&two, &one], recorded()).unwrap();
    let error = session.import_dkek(&[&two, &one], recorded()).unwrap_err();
    assert!(matches!(error.came, Came::Refused(Refusal::NotWaiting { given: 2, .. })), "{error}");
    assert!(token.log().never_saw(foreign.expose()));
    assert_eq!(Kcv::stated([0; 8]).ok(), None);
}

#[test]
fn a_blob_of_another_dkek_or_with_a_flipped_bit_brings_no_key() {
    let (mut source, mut target) = (token("DENK0500004"), token("DENK0500005"));
    let mut session = serve(&mut source, Reset::Nothing).unwrap();
    session.generate(key(1), P256, Name::bound(&HEAD)).unwrap();
    let blob = session.wrap(key(1)).unwrap();
    let session = prove(&mut target).unwrap();
    let session = in_service(Reset::Nothing, |setup| {
        session.initialize(&Setup { dkek_shares: core::num::NonZeroU8::new(1), ..*setup })
    });
    let mut session = session.unwrap();
    let [one, _] = shares();
    session.import_dkek(&[&one], Dkek::combine(&[&one]).unwrap().kcv()).unwrap();
    let mut session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
    let error = session.unwrap(key(1), &blob).unwrap_err();
    assert!(matches!(error.came, Came::Refused(Refusal::OtherDkek { .. })), "{error}");
    assert_eq!((error.next(), error.touched), (Next::Operator, Touched::No));

    let mut right = token("DENK0500006");
    let mut session = serve(&mut right, Reset::Nothing).unwrap();
    for at in [8 + 1 + 2, blob.len() / 2, blob.len() - 1] {
        let mut flipped = blob.clone();
        flipped[at] ^= 1;
        let error = session.unwrap(key(1), &flipped).unwrap_err();
        assert!(error.next() == Next::Operator && error.touched == Touched::No, "{at}: {error}");
    }
    let error = session.unwrap(key(1), &blob[..blob.len() - 16]).unwrap_err();
    says(
        &error,
        "DENK0500006: UNWRAP KEY 1: the wrapped key does not fit this token's DKEK (SW 6A80)",
        Next::Operator,
        Touched::No,
    );
    assert!(!session.files().unwrap().contains(&key(1).key_file()));
    session.unwrap(key(1), &blob).unwrap();
}

#[test]
fn a_key_that_may_not_leave_does_not() {
    let mut token = token("DENK0500007");
    let session = prove(&mut token).unwrap();
    let session =
        in_service(Reset::Nothing, |setup| session.initialize(&Setup { dkek_shares: None, ..*setup })).unwrap();
    let mut session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
    session.generate(key(1), P256, Name::bound(&HEAD)).unwrap();
    let error = session.wrap(key(1)).unwrap_err();
    says(
        &error,
        "DENK0500007: WRAP KEY 1: no DKEK was set up when the token was initialised (SW 6D00)",
        Next::Operator,
        Touched::No,
    );
}

#[test]
fn a_key_that_is_not_there_is_named() {
    let mut token = token("DENK0500008");
    let mut session = serve(&mut token, Reset::Nothing).unwrap();
    let error = session.wrap(key(9)).unwrap_err();
    says(&error, "DENK0500008: WRAP KEY 9: no such key (SW 6A88)", Next::Operator, Touched::No);
}

#[test]
fn the_certificate_of_another_key_is_not_stored() {
    let mut token = token("DENK0500009");
    let mut session = serve(&mut token, Reset::Nothing).unwrap();
    let one = session.generate(key(1), P256, Name::bound(&HEAD)).unwrap();
    let two = session.generate(key(2), P256, Name::bound(&HEAD)).unwrap();
    let (label, id) = (Label::new("two").unwrap(), CkaId::new(&[2]).unwrap());
    let mixed = Description {
        label: &label,
        id: &id,
        public: two.proof.key(),
        certificate: CertificateFile::Attestation(&one.attestation),
    };
    let error = session.describe(key(2), &mixed).unwrap_err();
    let line = "DENK0500009: UPDATE BINARY CE02: not sent: the certificate is that of another key";
    says(&error, line, Next::Us, Touched::No);
    let rubbish = Description { certificate: CertificateFile::X509(b"0\x03\x02\x01"), ..mixed };
    let error = session.describe(key(2), &rubbish).unwrap_err();
    assert!(matches!(error.came, Came::Refused(Refusal::Certificate(_))), "{error}");
}

#[test]
fn a_shorter_file_takes_the_place_of_a_longer_one_whole() {
    for profile in [Profile::firmware_4_1(), Profile::firmware_3_3()] {
        let mut token = new_token("DENK0500010", profile);
        let mut session = serve(&mut token, Reset::Nothing).unwrap();
        for text in ["a rather long label for a token", "short", "short", "a longer one"] {
            let label = Label::new(text).unwrap();
            session.set_label(&label).unwrap();
            let file = session.read(FileId::TOKEN_INFO).unwrap();
            assert_eq!(file, smartcard_hsm::pkcs15::TokenInfo::to_der(&label));
        }
    }
}

#[test]
fn more_tries_than_the_applet_grants_are_refused_in_words() {
    let mut token = token("DENK0500011");
    let session = prove(&mut token).unwrap();
    let six = pin(b"123456");
    let error = in_service(Reset::Nothing, |setup| {
        lost(session.initialize(&Setup { pin: &six, tries: 4, ..*setup }).unwrap_err())
    });
    says(
        &error,
        "DENK0500011: INITIALIZE DEVICE: not sent: retry counter 4, expected 1 to 3 for a PIN of 6 bytes, to 5 for 7, to \
         10 for 8 or more",
        Next::Operator,
        Touched::No,
    );
}

/// Files that `sc-hsm-tool --wrap-key` wrote, on a token that got the shares `sc-hsm-tool` made: keys,
/// certificates and descriptions stand there as OpenSC would have put them, and the keys work.
#[test]
fn wrap_files_of_opensc_are_restored_as_opensc_restores_them() {
    let shares = [
        *b"\xe1\x45\x9f\x00\x51\x6d\x96\x79\x34\x70\x76\xc7\xaa\xd4\x2b\x19\xeb\x34\x81\x1f\x48\x66\x22\x54\xf4\x3e\x31\xd6\x00\xe6\x1d\x90",
        *b"\xa1\x18\x47\x71\xba\xf1\x9d\x17\xb8\xa6\xab\x46\xce\x0f\xeb\x8f\x7d\xd0\xab\x7e\xf7\x76\x3d\xb8\x3c\x76\xe2\xaf\x38\x29\xa7\xfb",
    ]
    .map(|bytes| Share::new(Secret::filled(|share| *share = bytes)));
    let mut token = token("DENK0500012");
    let session = prove(&mut token).unwrap();
    let mut session = in_service(Reset::Nothing, |setup| session.initialize(setup)).unwrap();
    let [one, two] = &shares;
    let recorded = Kcv::stated([0xb4, 0x45, 0xa6, 0x93, 0xb8, 0x1e, 0x22, 0x02]).unwrap();
    session.import_dkek(&[one, two], recorded).unwrap();
    let mut session = session.log_in(&pin(PIN), LastTry::Refuse).unwrap();
    for (number, id, label, spec, file) in [
        (1, 0x10, "RSA Vector Cert", KeySpec::Rsa(RsaBits::B2048), RSA_WRAP_FILE),
        (2, 0x11, "EC Vector Cert", P256, EC_WRAP_FILE),
    ] {
        let wrapped = WrapFile::parse(file).unwrap();
        let certificate = wrapped.certificate.unwrap();
        let (label, id, public) = (Label::new(label).unwrap(), CkaId::new(&[id]).unwrap(), certified_key(certificate));
        session.unwrap(key(number), wrapped.blob.bytes()).unwrap();
        let certificate = CertificateFile::X509(certificate);
        session.describe(key(number), &Description { label: &label, id: &id, public: &public, certificate }).unwrap();
        assert_eq!(session.read(key(number).description()).unwrap(), wrapped.description.unwrap());
        assert_eq!(session.read(key(number).certificate()).unwrap(), wrapped.certificate.unwrap());
        works(&mut session, key(number), spec, &public);
    }
}

const RSA_WRAP_FILE: &[u8] = include_bytes!("../vectors/token/wrapfile/rsa2048-with-cert.bin");
const EC_WRAP_FILE: &[u8] = include_bytes!("../vectors/token/wrapfile/ec-p256-with-cert.bin");

/// The key in an X.509 certificate: by its length, since nothing here reads algorithms.
fn certified_key(certificate: &[u8]) -> PublicKey {
    let mut fields = Reader::new(tlv::split(tlv::whole(certificate, 0x30).unwrap().value).unwrap().0.value);
    fields.accept(0xa0).unwrap();
    for tag in [0x02, 0x30, 0x30, 0x30, 0x30] {
        fields.expect(tag).unwrap();
    }
    let mut spki = Reader::new(fields.expect(0x30).unwrap().value);
    spki.expect(0x30).unwrap();
    let bits = spki.expect(0x03).unwrap().value.strip_prefix(&[0]).unwrap();
    if bits[0] == 4 {
        return PublicKey::Ec(EcKey::new(Curve::P256, bits).unwrap());
    }
    let mut numbers = Reader::new(tlv::whole(bits, 0x30).unwrap().value);
    let [modulus, exponent] = [(); 2].map(|()| numbers.expect(0x02).unwrap().value);
    PublicKey::Rsa(RsaKey::new(modulus, exponent).unwrap())
}
