use smartcard_hsm::dkek::blob::Blob;
use smartcard_hsm::dkek::{Dkek, Share};
use smartcard_hsm::secret::Secret;
use smartcard_hsm_recover::{ClearKey, make, open};

use super::domains::{SHARE_1, SHARE_2, with_dkek};
use super::*;
use crate::card::profile::RsaWrap;

const P256: &[u8] = include_bytes!("../../../../../tests/vectors/token/blobs/ec-p256.blob");
const RSA_CRT: &[u8] = include_bytes!("../../../../../tests/vectors/token/blobs/rsa2048-crt.blob");
const RSA_STD: &[u8] = include_bytes!("../../../../../tests/vectors/token/blobs/rsa2048-std.blob");
const RSA_4096: &[u8] = include_bytes!("../../../../../tests/vectors/token/blobs/rsa4096-std.blob");
const AES: &[u8] = include_bytes!("../../../../../tests/vectors/token/blobs/aes128.blob");

/// Puts a blob where it belongs by way of the scratch file, as OpenSC's newer code and CardContact's do.
fn unwrap_by_file(card: &mut Card, id: u8, blob: &[u8], sw: u16) {
    for (at, chunk) in blob.chunks(200).enumerate() {
        let chunk: String = chunk.iter().map(|byte| format!("{byte:02X}")).collect();
        let offset = at * 200;
        let body = format!("5402{offset:04X}5381{:02X}{chunk}", chunk.len() / 2);
        expect(card, &format!("00D72F10{:02X}{body}", body.len() / 2), 0x9000);
    }
    expect(card, &format!("8074{id:02X}93"), sw);
    expect(card, &read("2F10", 0, 1), 0x6a82);
}

fn unwrap_directly(card: &mut Card, id: u8, blob: &[u8], sw: u16) {
    let text: String = blob.iter().map(|byte| format!("{byte:02X}")).collect();
    expect(card, &format!("8074{id:02X}9300{:04X}{text}", blob.len()), sw);
}

fn wrap(card: &mut Card, id: u8) -> Vec<u8> {
    expect(card, &format!("8072{id:02X}92000000"), 0x9000)
}

#[test]
fn every_kind_of_key_comes_in_both_ways_and_leaves_again() {
    for (rsa_wrap, rsa_len) in [(RsaWrap::Crt, 971), (RsaWrap::Exponent, 587)] {
        let mut card = with_dkek(Profile { rsa_wrap, ..Profile::firmware_4_1() });
        for (id, (blob, len)) in
            (1..).zip([(P256, 363), (RSA_CRT, rsa_len), (RSA_STD, rsa_len), (RSA_4096, 1099), (AES, 77)])
        {
            unwrap_directly(&mut card, id, blob, 0x9000);
            let wrapped = wrap(&mut card, id);
            assert_eq!(wrapped.len(), len, "{id}");
            expect(&mut card, &format!("00E4020002CC{id:02X}"), 0x9000);
            unwrap_by_file(&mut card, id, &wrapped, 0x9000);
        }
        // Neither a description nor a request comes with them.
        assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00 CC01 CC02 CC03 CC04 CC05"));
    }
}

#[test]
fn a_key_signs_alike_where_it_came_to() {
    let digest_info = format!("3031300d060960864801650304020105000420{}", "5a".repeat(32));
    let sign = |id: u8| format!("8068{id:02X}30 33 {digest_info} 00");
    let mut one = with_dkek(Profile::firmware_4_1());
    unwrap_directly(&mut one, 1, RSA_CRT, 0x9000);
    let mut two = with_dkek(Profile::firmware_3_3());
    unwrap_by_file(&mut two, 7, &wrap(&mut one, 1), 0x9000);
    assert_eq!(expect(&mut one, &sign(1), 0x9000), expect(&mut two, &sign(7), 0x9000));
}

#[test]
fn an_algorithm_list_travels_with_its_key() {
    let mut card = with_dkek(Profile::firmware_4_1());
    // CMAC, wrap and unwrap; no encryption.
    expect(&mut card, "004801B005 9103189293", 0x9000);
    let blob = wrap(&mut card, 1);
    assert_eq!(Blob::parse(&blob).unwrap().allowed, [0x18, 0x92, 0x93]);
    unwrap_directly(&mut card, 2, &blob, 0x9000);
    expect(&mut card, "8078021010000102030405060708090A0B0C0D0E0F00", 0x6a81);
    expect(&mut card, "8078021810000102030405060708090A0B0C0D0E0F00", 0x9000);
    assert_eq!(Blob::parse(&wrap(&mut card, 2)).unwrap().allowed, [0x18, 0x92, 0x93]);
}

#[test]
fn a_blob_with_a_defect_is_refused_and_makes_no_key() {
    #[track_caller]
    fn check(blob: &[u8], sw: u16) {
        let mut card = with_dkek(Profile::firmware_4_1());
        unwrap_directly(&mut card, 1, blob, sw);
        unwrap_by_file(&mut card, 1, blob, sw);
        assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00"));
    }
    for at in [0, 8, 30, 200, P256.len() - 1] {
        let mut flipped = P256.to_vec();
        flipped[at] ^= 1;
        check(&flipped, 0x6a80);
    }
    check(&P256[..P256.len() - 1], 0x6a80);
    check(&[P256, &[0]].concat(), 0x6a80);
    check(&P256[..30], 0x6a80);
}

#[test]
fn crt_values_of_a_long_key_are_refused() {
    let mut card = with_dkek(Profile::firmware_4_1());
    let blob = include_bytes!("../../../../../tests/vectors/token/blobs/rsa4096-crt.blob");
    unwrap_by_file(&mut card, 1, blob, 0x6a80);
}

#[test]
fn a_public_half_of_another_key_is_refused() {
    let share = |hex_text: &str| Share::new(Secret::copied_from(&hex(hex_text)).unwrap());
    let dkek = Dkek::combine(&[&share(SHARE_1), &share(SHARE_2)]).unwrap();
    let mut card = with_dkek(Profile::firmware_4_1());
    let ClearKey::Ec(mut key) = open(P256, &dkek).unwrap() else { panic!() };
    let point = key.public.clone();
    key.public = smartcard_hsm::curve::Curve::P256.domain().generator.to_vec();
    unwrap_directly(&mut card, 1, &make(&ClearKey::Ec(key), &dkek, [1; 8]).unwrap(), 0x6a80);
    let ClearKey::Ec(key) = open(P256, &dkek).unwrap() else { panic!() };
    assert_eq!(key.public, point);
    unwrap_directly(&mut card, 1, &make(&ClearKey::Ec(key), &dkek, [1; 8]).unwrap(), 0x9000);
    let ClearKey::RsaCrt(mut key) = open(RSA_CRT, &dkek).unwrap() else { panic!() };
    *key.modulus.last_mut().unwrap() ^= 2;
    unwrap_directly(&mut card, 2, &make(&ClearKey::RsaCrt(key), &dkek, [1; 8]).unwrap(), 0x6a80);
}

#[test]
fn a_full_token_takes_no_key_in() {
    let mut card = with_dkek(Profile { memory_len: 319, ..Profile::firmware_4_1() });
    unwrap_directly(&mut card, 1, P256, 0x6a84);
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00"));
}

#[test]
fn unwrapping_needs_the_pin_a_dkek_and_something_to_unwrap() {
    let mut card = with_dkek(Profile::firmware_4_1());
    expect(&mut card, "80740193", 0x6a82);
    unwrap_directly(&mut card, 0, P256, 0x6a86);
    expect(&mut card, SELECT, 0x9000);
    unwrap_directly(&mut card, 1, P256, 0x6982);
    // One share is missing: no domain has this key check value.
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &format!("8052000020{SHARE_1}00"), 0x9000);
    unwrap_directly(&mut card, 1, P256, 0x6a80);
}

#[test]
fn a_command_longer_than_the_card_takes_is_refused() {
    for (profile, len_max) in [(Profile::firmware_3_3(), 1232), (Profile::firmware_4_1(), 1454)] {
        let mut card = with_dkek(profile);
        unwrap_directly(&mut card, 1, &vec![0; len_max - 7], 0x6a80);
        unwrap_directly(&mut card, 1, &vec![0; len_max - 6], 0x6700);
    }
}
