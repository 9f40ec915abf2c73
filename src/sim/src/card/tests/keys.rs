use ecdsa::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use ecdsa::elliptic_curve::{AffinePoint, CurveArithmetic, FieldBytesSize, PublicKey};
use ecdsa::{EcdsaCurve, Signature, hazmat::verify_prehashed};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, PublicKey as RsaPublicKey};
use sha2::{Digest, Sha256, Sha384};
use smartcard_hsm::curve::Curve;
use smartcard_hsm::tlv::{self, Reader};

use super::domains::with_dkek;
use super::*;
use crate::card::profile::EcdsaIntegers;

const P256: &[u8] = include_bytes!("../../../../../tests/vectors/token/cvc/gakp-cdata-ec-p256-opensc0.23.bin");
const RSA: &[u8] = include_bytes!("../../../../../tests/vectors/token/cvc/gakp-cdata-rsa2048-opensc0.23.bin");

fn extended(header: &str, body: &[u8]) -> String {
    let body: String = body.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{header}00{:04X}{body}0000", body.len() / 2)
}

/// Body of GENERATE ASYMMETRIC KEY PAIR on a curve, with whatever else belongs in it.
fn on_curve(curve: Curve, more: &str) -> Vec<u8> {
    let domain = curve.domain();
    let mut spec = tlv::element(0x06, &hex("04007F00070202020203"));
    for (tag, value) in (0x81..).zip([domain.p, domain.a, domain.b, domain.generator, domain.order]) {
        tlv::push(&mut spec, tag, value);
    }
    tlv::push(&mut spec, 0x87, &[1]);
    let mut body = hex("5F290100 4209 555443413030303031");
    tlv::push(&mut body, 0x7f49, &spec);
    tlv::push(&mut body, 0x5f20, b"DENK010000100001");
    [body, hex(more)].concat()
}

/// The public point and both signatures' bodies in a request.
struct Request {
    point: Vec<u8>,
    inner: (Vec<u8>, Vec<u8>),
    outer: (Vec<u8>, Vec<u8>),
}

fn parse(request: &[u8]) -> Request {
    let mut outer = Reader::new(tlv::whole(request, 0x67).unwrap().value);
    let certificate = outer.expect(0x7f21).unwrap();
    let car = outer.expect(0x42).unwrap();
    assert_eq!(car.value, b"DENK010000100000");
    let outer_signature = outer.expect(0x5f37).unwrap().value.to_vec();
    let mut inner = Reader::new(certificate.value);
    let body = inner.expect(0x7f4e).unwrap();
    let inner_signature = inner.expect(0x5f37).unwrap().value.to_vec();
    let mut fields = Reader::new(body.value);
    fields.expect(0x5f29).unwrap();
    fields.expect(0x42).unwrap();
    let mut key = Reader::new(fields.expect(0x7f49).unwrap().value);
    let mut point = Vec::new();
    while let Some(element) = key.next_element().unwrap() {
        if element.tag == 0x86 {
            point = element.value.to_vec();
        }
    }
    Request {
        point,
        inner: (body.raw.to_vec(), inner_signature),
        outer: ([certificate.raw, car.raw].concat(), outer_signature),
    }
}

/// The device key's point, from EF 2F02.
fn device_point(card: &mut Card) -> Vec<u8> {
    let file = expect(card, "00B12F0200000454020000 0000", 0x6282);
    let (certificate, _) = tlv::split(&file).unwrap();
    let body = Reader::new(certificate.value).expect(0x7f4e).unwrap();
    let mut fields = Reader::new(body.value);
    fields.expect(0x5f29).unwrap();
    fields.expect(0x42).unwrap();
    let mut key = Reader::new(fields.expect(0x7f49).unwrap().value);
    key.expect(0x06).unwrap();
    key.expect(0x86).unwrap().value.to_vec()
}

fn verifies<C>(point: &[u8], hash: &[u8], r: &[u8], s: &[u8]) -> bool
where
    C: EcdsaCurve + CurveArithmetic,
    FieldBytesSize<C>: ModulusSize,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
{
    let public = PublicKey::<C>::from_sec1_bytes(point).unwrap();
    let signature = Signature::<C>::from_scalars(
        ecdsa::elliptic_curve::FieldBytes::<C>::try_from(r).unwrap(),
        ecdsa::elliptic_curve::FieldBytes::<C>::try_from(s).unwrap(),
    );
    // The crate's secp256k1 takes the lower s only; a card gives either.
    verify_prehashed(&(*public.as_affine()).into(), hash, &signature.unwrap().normalize_s()).is_ok()
}

fn verifies_on(curve: Curve, point: &[u8], hash: &[u8], signature: (&[u8], &[u8])) -> bool {
    let (r, s) = signature;
    match curve {
        Curve::P256 => verifies::<p256::NistP256>(point, hash, r, s),
        Curve::P384 => verifies::<p384::NistP384>(point, hash, r, s),
        Curve::P521 => verifies::<p521::NistP521>(point, hash, r, s),
        Curve::BrainpoolP256r1 => verifies::<bp256::BrainpoolP256r1>(point, hash, r, s),
        Curve::BrainpoolP384r1 => verifies::<bp384::BrainpoolP384r1>(point, hash, r, s),
        Curve::Secp256k1 => verifies::<k256::Secp256k1>(point, hash, r, s),
    }
}

/// r and s of a DER signature, padded.
fn rs(curve: Curve, der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut reader = Reader::new(tlv::whole(der, 0x30).unwrap().value);
    let mut number = || {
        let value = reader.expect(0x02).unwrap().value;
        let value = &value[value.iter().take_while(|byte| **byte == 0).count()..];
        [vec![0; curve.field_len() - value.len()], value.to_vec()].concat()
    };
    (number(), number())
}

#[test]
fn requests_are_signed_by_the_new_key_and_by_the_device_key_on_every_curve() {
    let mut card = logged_in(Profile::firmware_4_1());
    let device = device_point(&mut card);
    for (id, curve) in (1..).zip(Curve::ALL) {
        let request = expect(&mut card, &extended(&format!("0046{id:02X}00"), &on_curve(curve, "")), 0x9000);
        let Request { point, inner, outer } = parse(&request);
        let (r, s) = inner.1.split_at(inner.1.len() / 2);
        assert!(verifies_on(curve, &point, &Sha256::digest(&inner.0), (r, s)), "{}", curve.name());
        let (r, s) = outer.1.split_at(32);
        assert!(verifies_on(Curve::BrainpoolP256r1, &device, &Sha256::digest(&outer.0), (r, s)), "{}", curve.name());
        assert_eq!(expect(&mut card, &read(&format!("CE{id:02X}"), 0, 200), 0x9000), request[..200]);
    }
}

#[test]
fn opensc_bodies_make_keys_and_the_request_of_a_counterfeit_shows_another_device_key() {
    let genuine = blank(Profile::firmware_4_1());
    let mut card = genuine.counterfeit(Randomness::seeded([2; 32]));
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, INITIALIZE, 0x9000);
    let device = device_point(&mut card);
    let request = parse(&expect(&mut card, &extended("00460100", P256), 0x9000));
    let (r, s) = request.outer.1.split_at(32);
    assert!(!verifies_on(Curve::BrainpoolP256r1, &device, &Sha256::digest(&request.outer.0), (r, s)));
    assert_eq!(device, device_point(&mut logged_in(Profile::firmware_4_1())));
}

#[test]
fn ecdsa_signs_any_hash_and_its_integers_may_be_longer_than_needed() {
    for ecdsa_integers in [EcdsaIntegers::Minimal, EcdsaIntegers::Padded] {
        let mut card = logged_in(Profile { ecdsa_integers, ..Profile::firmware_4_1() });
        let mut lens = Vec::new();
        for (id, curve) in (1..).zip(Curve::ALL) {
            let request = expect(&mut card, &extended(&format!("0046{id:02X}00"), &on_curve(curve, "")), 0x9000);
            let point = parse(&request).point;
            for hash_len in [20, 28, 32, 48, 64] {
                let hash = vec![0xa5; hash_len];
                let signature = expect(&mut card, &extended(&format!("8068{id:02X}70"), &hash), 0x9000);
                let (r, s) = rs(curve, &signature);
                assert!(verifies_on(curve, &point, &hash, (&r, &s)), "{} {hash_len}", curve.name());
                lens.push((curve, signature.len()));
            }
            let signature = expect(&mut card, &extended(&format!("8068{id:02X}73"), b"message"), 0x9000);
            let (r, s) = rs(curve, &signature);
            assert!(verifies_on(curve, &point, &Sha256::digest(b"message"), (&r, &s)));
        }
        // 30 len, twice 02 len 00 and 32 bytes.
        let always_longest = lens.iter().filter(|(curve, _)| *curve == Curve::P256).all(|(_, len)| *len == 72);
        assert_eq!(always_longest, ecdsa_integers == EcdsaIntegers::Padded);
    }
}

#[test]
fn signatures_have_high_and_low_s() {
    let mut card = logged_in(Profile::firmware_4_1());
    expect(&mut card, &extended("00460100", &on_curve(Curve::Secp256k1, "")), 0x9000);
    let high = (0..32).filter(|_| {
        let signature = expect(&mut card, &extended("80680170", &[1; 32]), 0x9000);
        rs(Curve::Secp256k1, &signature).1[0] >= 0x80
    });
    assert!((4..=28).contains(&high.count()));
}

#[test]
fn rsa_signs_and_decrypts_in_every_way() {
    let mut card = logged_in(Profile::firmware_4_1());
    let answer = card.transmit(&hex(&extended("00460100", RSA)));
    assert_eq!(answer.wire, crate::icc::Wire::Wtx { rounds: 2 });
    let request = &answer.response[..answer.response.len() - 2];
    assert_eq!(request.len(), 676);
    let modulus = request.windows(4).position(|bytes| bytes == hex("81820100")).unwrap() + 4;
    let modulus = BoxedUint::from_be_slice_vartime(&request[modulus..modulus + 256]);
    let public = RsaPublicKey::new(modulus, 65537_u64.into()).unwrap();
    assert_eq!(public.size(), 256);

    let hash = Sha256::digest(b"message");
    let digest_info = [&hex("3031300d060960864801650304020105000420")[..], &hash].concat();
    let padded = [&[0, 1][..], &[0xff; 202], &[0], &digest_info].concat();
    for (algorithm, input) in [(0x20, &padded[..]), (0x30, &digest_info), (0x33, b"message")] {
        let signature = expect(&mut card, &extended(&format!("806801{algorithm:02X}"), input), 0x9000);
        assert!(public.verify(Pkcs1v15Sign::new::<Sha256>(), &hash, &signature).is_ok(), "{algorithm:02X}");
    }
    for (algorithm, input) in [(0x40, &hash[..]), (0x43, b"message")] {
        let signature = expect(&mut card, &extended(&format!("806801{algorithm:02X}"), input), 0x9000);
        assert!(public.verify(Pss::<Sha256>::new(), &hash, &signature).is_ok(), "{algorithm:02X}");
    }
    let signature = expect(&mut card, &extended("80680144", b"message"), 0x9000);
    assert!(public.verify(Pss::<Sha384>::new(), &Sha384::digest(b"message"), &signature).is_ok());
    // OpenSC 0.23 sends a DigestInfo where a hash belongs.
    expect(&mut card, &extended("80680140", &digest_info), 0x6700);
    expect(&mut card, &extended("80680120", &padded[1..]), 0x6700);
    expect(&mut card, &extended("80680170", &hash), 0x6a81);

    let mut random = Randomness::seeded([9; 32]);
    let cryptogram = public.encrypt(&mut random, Pkcs1v15Encrypt, b"secret").unwrap();
    assert_eq!(expect(&mut card, &extended("80620122", &cryptogram), 0x9000), b"secret");
    let block = expect(&mut card, &extended("80620121", &cryptogram), 0x9000);
    assert_eq!((block.len(), &block[..2], block.ends_with(b"\0secret")), (256, &[0, 2][..], true));
    expect(&mut card, &extended("80620121", &cryptogram[1..]), 0x6700);
    // Seven bytes of padding are one too few.
    for (padding_len, sw) in [(7, 0x6a80), (8, 0x9000)] {
        let block = [&[0, 2][..], &vec![0xff; padding_len], &[0], &vec![7; 253 - padding_len]].concat();
        let block = BoxedUint::from_be_slice(&block, public.n_bits_precision()).unwrap();
        let cryptogram = rsa::hazmat::rsa_encrypt(&public, &block).unwrap().to_be_bytes();
        expect(&mut card, &extended("80620122", &cryptogram), sw);
    }
}

#[test]
fn two_keys_agree_on_a_secret() {
    let mut card = logged_in(Profile::firmware_4_1());
    for curve in Curve::ALL {
        let [one, two] = ["01", "02"]
            .map(|id| parse(&expect(&mut card, &extended(&format!("0046{id}00"), &on_curve(curve, "")), 0x9000)).point);
        let left = expect(&mut card, &extended("80620180", &two), 0x9000);
        assert_eq!(left, expect(&mut card, &extended("80620280", &one), 0x9000));
        assert_eq!((left[0], left.len()), (4, 1 + curve.field_len()));
        let mut off_curve = two;
        *off_curve.last_mut().unwrap() ^= 1;
        expect(&mut card, &extended("80620180", &off_curve), 0x6a80);
    }
}

#[test]
fn an_aes_key_encrypts_decrypts_and_authenticates() {
    // The key and the blob of the vectors; the block is FIPS 197's, computed with openssl for this key.
    let mut card = with_dkek(Profile::firmware_4_1());
    let blob = include_bytes!("../../../../../tests/vectors/token/blobs/aes256.blob");
    expect(&mut card, &extended("80740193", blob), 0x9000);
    let block = "00112233445566778899aabbccddeeff";
    let encrypted = expect(&mut card, &format!("8078011010{block}00"), 0x9000);
    assert_eq!(encrypted, hex("d9c0d4b3d3cc61a10059f74792a6943f"));
    assert_eq!(expect(&mut card, &extended("80780111", &encrypted), 0x9000), hex(block));
    assert_eq!(expect(&mut card, &format!("8078011810{block}00"), 0x9000), hex("0ead4d481d0aabd01580a8189d2141af"));
    expect(&mut card, "807801100F00112233445566778899aabbccddee00", 0x6700);
}

#[test]
fn a_key_does_only_what_its_list_says_and_only_as_often_as_its_counter() {
    let mut card = with_dkek(Profile::firmware_4_1());
    let sign = |algorithm: u8| extended(&format!("806801{algorithm:02X}"), &[1; 32]);
    // Algorithms 70 and 93, two uses.
    expect(&mut card, &extended("00460100", &on_curve(Curve::P256, "91027093 900400000002")), 0x9000);
    expect(&mut card, &sign(0x73), 0x6a81);
    expect(&mut card, "80720192000000", 0x6985);
    assert_eq!(
        expect(&mut card, "00A4000002CC0100", 0x9000),
        hex("621D 81020000 820101 8302CC01 8A0105 A50D 900400000002 91027093 920100")
    );
    expect(&mut card, &sign(0x70), 0x9000);
    expect(&mut card, &sign(0x70), 0x9000);
    expect(&mut card, &sign(0x70), 0x6984);
    expect(&mut card, SELECT, 0x9000);
    expect(&mut card, &sign(0x70), 0x6982);
    expect(&mut card, VERIFY, 0x9000);
    expect(&mut card, &extended("80680270", &[1; 32]), 0x6a88);
}

#[test]
fn a_body_with_a_defect_makes_no_key() {
    #[track_caller]
    fn check(header: &str, body: &[u8], sw: u16) {
        let mut card = logged_in(Profile::firmware_4_1());
        expect(&mut card, &extended(header, body), sw);
        assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00"));
    }
    let changed = |from: &str, to: &str| {
        let text: String = P256.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(text.contains(from));
        hex(&text.replace(from, to))
    };
    check("00460000", P256, 0x6a86);
    check("00460101", P256, 0x6a86);
    check("00460100", &P256[..P256.len() - 1], 0x6a80);
    // Another curve: the last byte of b.
    check("00460100", &changed("27d2604b", "27d2604c"), 0x6a80);
    check("00460100", &changed("5f290100", "5f290101"), 0x6a80);
    check("00460100", &changed("5554434130303030 31".replace(' ', "").as_str(), "555443413030303031990100"), 0x6a80);
    let rsa = |bits: &str, exponent: &str| {
        let text: String = RSA.iter().map(|byte| format!("{byte:02x}")).collect();
        hex(&text.replace("02020800", &format!("0202{bits}")).replace("8203010001", &format!("8203{exponent}")))
    };
    check("00460100", &rsa("0801", "010001"), 0x6a80);
    check("00460100", &rsa("0200", "010001"), 0x6a80);
    check("00460100", &rsa("0800", "000003"), 0x6a80);
}

#[test]
fn a_key_is_made_only_for_the_user_and_where_there_is_room() {
    let mut card = initialized(Profile::firmware_4_1());
    expect(&mut card, &extended("00460100", P256), 0x6982);
    expect(&mut card, "004801B000", 0x6982);
    let mut card = logged_in(Profile { memory_len: 319, ..Profile::firmware_4_1() });
    expect(&mut card, &extended("00460100", P256), 0x6a84);
    expect(&mut card, &extended("00460100", RSA), 0x6a84);
    expect(&mut card, "004801B000", 0x6a84);
    assert_eq!(expect(&mut card, "8058000000", 0x9000), hex("2F02 CC00"));
}

#[test]
fn premade_rsa_keys_are_handed_out_once() {
    let plain = include_bytes!("../../../../../tests/vectors/token/blobs/rsa2048-crt.plain");
    // Fields of 2 + 128 bytes after 10: dP, dQ, p, qInv, q.
    let prime = |field: usize| &plain[10 + field * 130 + 2..10 + (field + 1) * 130];
    let key = super::super::rsa::RsaKey::from_primes(prime(2), prime(4)).unwrap();
    let mut card = logged_in(Profile::firmware_4_1());
    card.rsa = RsaSource::Premade(vec![key]);
    let request = expect(&mut card, &extended("00460100", RSA), 0x9000);
    let spki = include_bytes!("../../../../../tests/vectors/token/blobs/rsa2048.spki.der");
    let modulus = request.windows(4).position(|bytes| bytes == hex("81820100")).unwrap() + 4;
    assert!(spki.windows(256).any(|part| part == &request[modulus..modulus + 256]));
    expect(&mut card, &extended("00460200", RSA), 0x6400);
}
