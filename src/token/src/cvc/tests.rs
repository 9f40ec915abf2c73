//! Certificates and chains: the real ones, those the writer makes, and each defect by its name.

use ecdsa::elliptic_curve::sec1::ToSec1Point;

use super::{
    chain::closed::Root,
    testing::{DEVICE, ISSUER, REAL_CHAIN, ROOT, SIM_CHAIN, SIM_RSA, edit, flipped, set, sign, without},
    *,
};
use crate::{
    curve::Curve,
    tlv::{self, TlvError},
};

const PRODUCTION_ROOT: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/DESRCACC100001.cvc");
const TEST_ROOT: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/UTSRCACC100001.cvc");
const SIMULATED_ROOT: &[u8] = include_bytes!("../../../../tests/vectors/token/cvc/sim-root.cvc");

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes()).unwrap()
}

/// Device certificate and issuer certificate of a chain file.
fn halves(chain: &[u8]) -> (&[u8], &[u8]) {
    let (device, rest) = tlv::split(chain).unwrap();
    (device.raw, rest)
}

#[test]
fn every_root_signed_itself_and_the_pinned_ones_are_two_of_them() {
    for (root, pinned) in
        [(PRODUCTION_ROOT, Some(Production::POINT)), (SIMULATED_ROOT, Some(Simulated::POINT)), (TEST_ROOT, None)]
    {
        let root = Cvc::parse(root).unwrap();
        let key = root.key(None).unwrap();
        assert_eq!(root.verify(&key), Ok(()));
        assert_eq!(root.terms.unwrap().role, Role::Root);
        assert_eq!(root.car, root.chr);
        if let Some(point) = pinned {
            assert_eq!(key, PublicKey::Ec(EcKey::new(Curve::BrainpoolP256r1, &point).unwrap()), "{}", root.chr);
        }
    }
}

#[test]
fn a_real_nitrokey_leads_to_the_production_root_and_to_no_other() {
    let chain = DeviceChain::parse(REAL_CHAIN).unwrap();
    let device = chain.verify::<Production>().unwrap();
    assert_eq!(device.serial(), "DENK0404144");
    assert_eq!(device.chr().as_str(), "DENK040414400000");
    assert_eq!(device.key().kind(), "brainpoolP256r1");
    let Terms { role, from, until } = device.terms();
    assert_eq!(
        (role, from.to_string().as_str(), until.to_string().as_str()),
        (Role::Device, "2026-05-28", "2031-05-27")
    );
    let error = chain.verify::<Simulated>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the chain names the root DESRCACC100001 (production), expected ZZSRCACC100001 (simulated)"
    );
}

#[test]
fn a_simulated_token_leads_to_the_simulated_root_and_to_no_other() {
    let chain = DeviceChain::parse(SIM_CHAIN).unwrap();
    assert_eq!(chain.verify::<Simulated>().unwrap().serial(), "ZZNK0000001");
    assert_eq!(
        chain.verify::<Production>(),
        Err(ChainError::Root { kind: "production", expected: "DESRCACC100001", found: name("ZZSRCACC100001") })
    );
}

#[test]
fn the_writer_makes_the_bytes_that_are_on_the_tokens() {
    let (device, issuer) = halves(SIM_CHAIN);
    let curve = Some(Curve::BrainpoolP256r1);
    for (bytes, lent) in [(device, curve), (issuer, curve), (SIMULATED_ROOT, None), (halves(REAL_CHAIN).0, curve)] {
        let read = Cvc::parse(bytes).unwrap();
        let key = read.key(lent).unwrap();
        let signature = bytes[bytes.len() - 64..].to_vec();
        let unsigned = Unsigned { car: read.car, key: &key, chr: read.chr, terms: read.terms };
        assert_eq!(unsigned.signed(|_| signature), bytes, "{}", read.chr);
    }
}

#[test]
fn a_chain_made_by_the_writer_verifies() {
    let key = |private| {
        let public = bp256::r1::SecretKey::from_slice(private).unwrap().public_key();
        PublicKey::Ec(EcKey::new(Curve::BrainpoolP256r1, public.to_sec1_point(false).as_bytes()).unwrap())
    };
    let terms = |role| Some(Terms { role, from: Date::new(26, 1, 1).unwrap(), until: Date::new(36, 1, 1).unwrap() });
    let (root, dica, token) = (name("ZZSRCACC100001"), name("ZZDINK0100001"), name("ZZNK000000700000"));
    let issuer = Unsigned { car: root, key: &key(&ISSUER), chr: dica, terms: terms(Role::Issuer) };
    let device = Unsigned { car: dica, key: &key(&DEVICE), chr: token, terms: terms(Role::Device) };
    let file = [device.signed(|body| sign(&ISSUER, body)), issuer.signed(|body| sign(&ROOT, body))].concat();
    let device = DeviceChain::parse(&file).unwrap().verify::<Simulated>().unwrap();
    assert_eq!((device.serial(), device.key()), ("ZZNK0000007", &key(&DEVICE)));
}

/// A table of files with one defect each: the name of the defect, the file, the words of the refusal.
#[track_caller]
fn refused<E: core::fmt::Display>(read: impl Fn(&[u8]) -> Result<(), E>, table: &[(&str, Vec<u8>, &str)]) {
    for (defect, bytes, says) in table {
        match read(bytes) {
            Ok(()) => panic!("{defect}: accepted"),
            Err(error) => assert_eq!(error.to_string(), *says, "{defect}"),
        }
    }
}

#[test]
fn a_certificate_with_one_defect_is_refused_by_name() {
    let good = PRODUCTION_ROOT;
    let in_body = |tag| [0x7f21, 0x7f4e, tag];
    let in_key = |tag| [0x7f21, 0x7f4e, 0x7f49, tag];
    let in_role = |tag| [0x7f21, 0x7f4e, 0x7f4c, tag];
    let cut = |path: &[u16], to: usize| edit(good, path, &|raw| raw[..to].to_vec());
    let key_of = |path: &[u16], to: &dyn Fn(&mut Vec<u8>)| {
        edit(good, path, &|raw| {
            let element = tlv::split(raw).unwrap().0;
            let mut value = element.value.to_vec();
            to(&mut value);
            tlv::element(element.tag, &value)
        })
    };
    refused(
        |bytes| Cvc::parse(bytes).map(drop),
        &[
            ("empty", vec![], "expected element 7F21, found the end of the data"),
            ("truncated", good[..440].to_vec(), "data ends inside an element: 1 more bytes expected"),
            ("trailing_byte", [good, &[0]].concat(), "1 bytes follow the element, expected none"),
            ("x509_instead", vec![0x30, 0], "expected element 7F21, found 30"),
            ("signature_missing", without(good, &[0x7f21, 0x5f37]), "expected element 5F37, found the end of the data"),
            (
                "second_signature",
                edit(good, &[0x7f21, 0x5f37], &|raw| raw.repeat(2)),
                "67 bytes follow the element, expected none",
            ),
            ("profile_missing", without(good, &in_body(0x5f29)), "expected element 5F29, found 42"),
            ("profile_1", set(good, &in_body(0x5f29), &[1]), "certificate profile 01, expected 00"),
            ("profile_empty", set(good, &in_body(0x5f29), &[]), "certificate profile , expected 00"),
            ("car_short", set(good, &in_body(0x42), b"DE00001"), "CAR: name of 7 characters, expected 8 to 16"),
            (
                "chr_escape_sequence",
                set(good, &in_body(0x5f20), b"DE\x1b[2J00001"),
                "CHR: byte 1B in a name, expected 21 to 7E (visible ASCII)",
            ),
            (
                "car_and_chr_swapped_in_place",
                edit(good, &in_body(0x42), &|raw| [&[0x5f, 0x20], &raw[1..]].concat()),
                "expected element 42, found 5F20",
            ),
            (
                "algorithm_sha1",
                set(good, &in_key(6), &[4, 0, 0x7f, 0, 7, 2, 2, 2, 2, 1]),
                "key algorithm 04007F00070202020201, expected 04007F00070202020203 (ECDSA) or 04007F00070202020102 (RSA), \
                 both with SHA-256",
            ),
            (
                "curve_foreign",
                key_of(&in_key(0x83), &|b| b[31] ^= 1),
                "domain parameters over the prime A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377 are of \
                 no known curve, expected P-256, P-384, P-521, brainpoolP256r1, brainpoolP384r1, secp256k1",
            ),
            (
                "generator_other",
                set(good, &in_key(0x84), &Production::POINT),
                "domain parameters over the prime A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377 are of \
                 no known curve, expected P-256, P-384, P-521, brainpoolP256r1, brainpoolP384r1, secp256k1",
            ),
            ("order_missing", without(good, &in_key(0x85)), "expected element 85, found 86"),
            ("cofactor_4", set(good, &in_key(0x87), &[4]), "cofactor 04, expected 01"),
            (
                "point_not_on_curve",
                key_of(&in_key(0x86), &|point| point[64] ^= 1),
                "the point is not on brainpoolP256r1",
            ),
            (
                "point_truncated",
                key_of(&in_key(0x86), &|point| point.truncate(64)),
                "point of 64 bytes starting 04, expected 04 and 65 bytes in all on brainpoolP256r1",
            ),
            (
                "point_compressed",
                set(good, &in_key(0x86), &[3; 33]),
                "point of 33 bytes starting 03, expected 04 and 65 bytes in all on brainpoolP256r1",
            ),
            (
                "role_of_another_system",
                set(good, &in_role(6), &[0x2b]),
                "role 2B, expected 2B0601040181C31F030101 (SmartCard-HSM)",
            ),
            (
                "rights_40",
                set(good, &in_role(0x53), &[0x40]),
                "rights 40, expected C0 (root), 80 (issuer) or 00 (device)",
            ),
            (
                "rights_two_bytes",
                set(good, &in_role(0x53), &[0xc0, 0]),
                "rights C000, expected C0 (root), 80 (issuer) or 00 (device)",
            ),
            ("first_day_missing", without(good, &in_body(0x5f25)), "expected element 5F25, found 5F24"),
            ("last_day_missing", without(good, &in_body(0x5f24)), "expected element 5F24, found the end of the data"),
            ("role_missing", without(good, &in_body(0x7f4c)), "expected element 7F4C, found 5F25"),
            (
                "date_in_ascii",
                set(good, &in_body(0x5f25), b"121109"),
                "first day 313231313039, expected six digits YYMMDD, one per byte",
            ),
            (
                "date_digit_10",
                set(good, &in_body(0x5f25), &[1, 2, 0, 10, 0, 9]),
                "first day 0102000A0009, expected six digits YYMMDD, one per byte",
            ),
            (
                "date_30_february",
                set(good, &in_body(0x5f24), &[3, 2, 0, 2, 3, 0]),
                "last day 030200020300, expected six digits YYMMDD, one per byte",
            ),
            (
                "ends_before_it_begins",
                set(good, &in_body(0x5f24), &[1, 2, 1, 1, 0, 8]),
                "valid from 2012-11-09 until 2012-11-08, expected the last day not before the first",
            ),
            (
                "element_after_the_dates",
                edit(good, &in_body(0x5f24), &|raw| [raw, &[0x42, 0]].concat()),
                "2 bytes follow the element, expected none",
            ),
            ("body_cut", cut(&in_body(0x5f24), 5), "data ends inside an element: 4 more bytes expected"),
        ],
    );
}

#[test]
fn a_request_with_a_defective_rsa_key_is_refused_by_name() {
    let request = tlv::whole(SIM_RSA, 0x67).unwrap().value;
    let good = tlv::split(request).unwrap().0.raw;
    let modulus = [0x7f21, 0x7f4e, 0x7f49, 0x81];
    let exponent = [0x7f21, 0x7f4e, 0x7f49, 0x82];
    refused(
        |bytes| Cvc::parse(bytes).map(drop),
        &[
            ("rsa_exponent_1", set(good, &exponent, &[1]), "RSA public exponent is 1, expected odd, 3 to 2^33 - 1"),
            (
                "rsa_exponent_even",
                set(good, &exponent, &[1, 0, 0]),
                "RSA public exponent is 65536, expected odd, 3 to 2^33 - 1",
            ),
            ("rsa_modulus_even", flipped(good, &modulus), "RSA modulus is even, expected a product of two odd primes"),
            (
                "rsa_modulus_512",
                set(good, &modulus, &[0xff; 64]),
                "RSA modulus of 512 bits, expected 1024, 1536, 2048, 3072 or 4096",
            ),
            ("rsa_exponent_missing", without(good, &exponent), "expected element 82, found the end of the data"),
        ],
    );
}

#[test]
fn a_chain_with_one_defect_is_refused_by_name() {
    let (device, issuer) = halves(REAL_CHAIN);
    let (_, sim_issuer) = halves(SIM_CHAIN);
    let signature = [0x7f21, 0x5f37];
    let in_body = |tag| [0x7f21, 0x7f4e, tag];
    let in_key = [0x7f21, 0x7f4e, 0x7f49, 0x86];
    let rights = [0x7f21, 0x7f4e, 0x7f4c, 0x53];
    let pair = |device: &[u8], issuer: &[u8]| [device, issuer].concat();
    let wrong = "the signature is not this key's over these bytes";
    let (wrong_device, wrong_issuer) = (format!("device certificate: {wrong}"), format!("issuer certificate: {wrong}"));
    refused(
        |bytes| DeviceChain::parse(bytes)?.verify::<Production>().map(drop),
        &[
            ("empty", vec![], "device certificate: data ends inside an element: 1 more bytes expected"),
            (
                "device_truncated",
                device[..231].to_vec(),
                "device certificate: data ends inside an element: 1 more bytes expected",
            ),
            (
                "issuer_missing",
                device.to_vec(),
                "the certificate of the issuer DEDINK0400001 is missing, expected it after the device certificate",
            ),
            (
                "issuer_truncated",
                pair(device, &issuer[..231]),
                "issuer certificate: data ends inside an element: 1 more bytes expected",
            ),
            ("trailing_bytes", pair(REAL_CHAIN, &[0; 2]), "2 bytes follow the issuer certificate, expected none"),
            (
                "root_appended",
                pair(REAL_CHAIN, PRODUCTION_ROOT),
                "441 bytes follow the issuer certificate, expected none",
            ),
            (
                "issuer_first",
                pair(issuer, device),
                "the device certificate is that of an issuer, expected that of a device",
            ),
            (
                "device_twice",
                pair(device, device),
                "the issuer certificate is that of a device, expected that of an issuer",
            ),
            (
                "issuer_of_another_device",
                pair(device, sim_issuer),
                "the device certificate was issued by DEDINK0400001, but the certificate of ZZDINK0100001 follows it",
            ),
            ("device_signature_bit_flipped", pair(&flipped(device, &signature), issuer), &wrong_device),
            ("issuer_signature_bit_flipped", pair(device, &flipped(issuer, &signature)), &wrong_issuer),
            ("device_name_bit_flipped", pair(&flipped(device, &in_body(0x5f20)), issuer), &wrong_device),
            ("device_date_bit_flipped", pair(&flipped(device, &in_body(0x5f25)), issuer), &wrong_device),
            ("device_key_bit_flipped", pair(&flipped(device, &in_key), issuer), &wrong_device),
            ("issuer_key_bit_flipped", pair(device, &flipped(issuer, &in_key)), &wrong_issuer),
            (
                "device_signature_short",
                pair(&edit(device, &signature, &|raw| tlv::element(0x5f37, &raw[4..])), issuer),
                "device certificate: signature of 63 bytes, expected 64",
            ),
            (
                "device_is_a_root",
                pair(&set(device, &rights, &[0xc0]), issuer),
                "the device certificate is that of a root, expected that of a device",
            ),
            (
                "issuer_names_the_test_root",
                pair(device, &set(issuer, &in_body(0x42), b"UTSRCACC100001")),
                "the chain names the root UTSRCACC100001 (CardContact's test root), expected DESRCACC100001 (production)",
            ),
            (
                "issuer_names_the_development_root",
                pair(device, &set(issuer, &in_body(0x42), b"DECA00001")),
                "the chain names the root DECA00001, expected DESRCACC100001 (production)",
            ),
            (
                "body_of_the_root_in_the_issuers_place",
                pair(device, PRODUCTION_ROOT),
                "the issuer certificate is that of a root, expected that of an issuer",
            ),
        ],
    );
}

#[test]
fn a_root_made_up_under_the_right_name_is_refused() {
    let (device, issuer) = halves(SIM_CHAIN);
    let issuer = set(issuer, &[0x7f21, 0x7f4e, 0x42], b"DESRCACC100001");
    let body = tlv::split(tlv::whole(&issuer, 0x7f21).unwrap().value).unwrap().0;
    let issuer = set(&issuer, &[0x7f21, 0x5f37], &sign(&ROOT, body.raw));
    let chain = DeviceChain::parse(&[device, &issuer].concat()).unwrap();
    assert_eq!(
        chain.verify::<Production>(),
        Err(ChainError::Signature { which: Role::Issuer, source: SignatureError::Wrong })
    );
}

/// The issuer's signature is right, so only the curve the point is read on decides.
#[test]
fn a_certified_point_that_is_not_on_the_issuers_curve_is_refused() {
    let (device, issuer) = halves(SIM_CHAIN);
    let device = flipped(device, &[0x7f21, 0x7f4e, 0x7f49, 0x86]);
    let body = tlv::split(tlv::whole(&device, 0x7f21).unwrap().value).unwrap().0;
    let device = set(&device, &[0x7f21, 0x5f37], &sign(&ISSUER, body.raw));
    let chain = DeviceChain::parse(&[&device, issuer].concat()).unwrap();
    assert_eq!(
        chain.verify::<Simulated>().unwrap_err().to_string(),
        "device certificate: the point is not on brainpoolP256r1"
    );
}

#[test]
fn a_point_without_a_curve_is_no_key() {
    let device = Cvc::parse(halves(SIM_CHAIN).0).unwrap();
    assert_eq!(device.key(None), Err(CvcError::CurveMissing));
}

#[test]
fn the_usb_serial_number_must_be_the_start_of_the_name() {
    let device = DeviceChain::parse(REAL_CHAIN).unwrap().verify::<Production>().unwrap();
    #[track_caller]
    fn check(device: &Device<Production>, usb: &str, want: Result<(), &str>) {
        assert_eq!(device.check_usb_serial(usb).map_err(|e| e.to_string()), want.map_err(String::from));
    }
    check(&device, "DENK04041440000         ", Ok(()));
    check(&device, "DENK04041440000", Ok(()));
    check(
        &device,
        "DENK0404145000         ",
        Err("USB serial number DENK0404145000, but the device certificate says DENK04041440000"),
    );
    check(&device, "\u{1b}[31m", Err(r"USB serial number \u{1b}[31m, but the device certificate says DENK04041440000"));
    check(&device, "", Err("USB serial number , but the device certificate says DENK04041440000"));
    check(
        &device,
        "01A001000000000         ",
        Err(
            "the USB serial number 01A001000000000 means the reader could not read its card: unplug it, plug it in again",
        ),
    );
}

#[test]
fn no_prefix_of_a_chain_and_no_single_bit_of_it_is_accepted() {
    for len in 0..REAL_CHAIN.len() {
        assert!(DeviceChain::parse(&REAL_CHAIN[..len]).is_err(), "{len}");
    }
    for at in 0..8 * REAL_CHAIN.len() {
        let mut bytes = REAL_CHAIN.to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        let accepted = DeviceChain::parse(&bytes).is_ok_and(|chain| chain.verify::<Production>().is_ok());
        assert!(!accepted, "bit {at}");
    }
}

#[test]
fn encoding_errors_carry_their_place() {
    assert_eq!(
        DeviceChain::parse(&[0x7f, 0x21, 0x80]),
        Err(ChainError::Certificate {
            which: Role::Device,
            source: CvcError::Encoding(TlvError::LengthForm { found: 0x80 })
        })
    );
}
