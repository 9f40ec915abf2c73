//! Every exchange of the recorded OpenSC sessions, once: the command of this driver is compared with the command of
//! OpenSC, and every answer is read by this driver's parsers.
//!
//! `tests/vectors/token/README.md` says how the traces were made. Their commands are the truth about OpenSC; their answers
//! are one set it accepts.

use std::{collections::BTreeMap, num::NonZeroU8};

use super::{
    challenge::Challenge,
    device::PkaQuery,
    dkek::{ImportShare, KeyDomainQuery},
    file::{Delete, Enumerate, Read, Update},
    generate::Generate,
    initialize::Initialize,
    pin::{Change, PinStatus, ResetRetryCounter, Verify},
    select::Select,
    sign::{Sign, ToSign},
    wrap::{Unwrap, Wrap},
    *,
};
use crate::{
    apdu::ReplyLen,
    attest::BirthProof,
    curve::Curve,
    cvc::{DeviceChain, Name, PublicKey, RsaKey, Simulated, testing::SIM_CHAIN},
    dkek::{Share, blob::Blob},
    object::{FileId, KeyId, PinKind, PinState},
    scripted::{Scripted, unhex},
    secret::{Pin, Secret, SecretBytes, SoPin},
    tlv,
};

const TRACE_0_23: &str = include_str!("../../../../tests/vectors/token/apdu/opensc-0.23.0-trace.txt");
const TRACE_MASTER: &str = include_str!("../../../../tests/vectors/token/apdu/opensc-master-20260805-trace.txt");

/// The kind of check that an exchange passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Checked {
    /// The same command in this driver has the same bytes, and its parser takes the answer, success or refusal.
    Same,
    /// Only the answer: OpenSC asks for another number of bytes.
    Answer,
    /// A command this driver has no use for: only that the answer is a known refusal or well-formed.
    NotOurs,
}

/// Sends the command through a channel that knows the recorded one to the byte, and judges the answer.
#[track_caller]
fn same<K: Command>(recorded: (&str, &str), command: &K, judge: impl FnOnce(K::Reply)) -> Checked {
    match send(&mut Scripted::default().then(recorded.0, recorded.1), command) {
        Ok(reply) => judge(reply),
        Err(TokenError { came: Came::Status(sw), .. }) => {
            assert!(matches!(sw.0, 0x6983 | 0x6a82 | 0x6a88), "{} {sw}", command.tried());
        }
        Err(error) => panic!("{error}"),
    }
    Checked::Same
}

fn secret<const N: usize>(bytes: &[u8]) -> Secret<N> {
    Secret::copied_from(bytes).unwrap()
}

fn pin(bytes: &[u8]) -> Pin {
    Pin::new(SecretBytes::copied_from(bytes)).unwrap()
}

fn key(id: u8) -> KeyId {
    KeyId::new(id).unwrap()
}

/// Values of `tags` in the order they come.
fn fields<const N: usize>(body: &[u8], tags: [u16; N]) -> [Vec<u8>; N] {
    let mut reader = tlv::Reader::new(body);
    let fields = tags.map(|tag| reader.accept(tag).unwrap().map(|field| field.value.to_vec()).unwrap_or_default());
    reader.finish().unwrap();
    fields
}

fn check(recorded: (&str, &str)) -> Checked {
    let command = Apdu::parse(&unhex(recorded.0)).unwrap();
    let reply = Reply::parse(unhex(recorded.1).into()).unwrap();
    let body = command.body_bytes();
    let [_, _, p1, p2] = command.header();
    let file = FileId(u16::from_be_bytes([p1, p2]));
    match command.header() {
        [0x00, 0xa4, 0x04, 0x00] if body.len() == 11 => same(recorded, &Select, |info| {
            assert_eq!(info.version, Version { major: 3, minor: 6 });
        }),
        // Other applets; files by path, which no token offers.
        [0x00, 0xa4, 0x04 | 0x08, 0x00] => {
            assert!(matches!(reply.sw.0, 0x6a82 | 0x6a86));
            Checked::NotOurs
        }
        [0x00, 0xa4, 0x00, 0x00] => {
            assert!(reply.sw.0 == 0x6a82 || tlv::whole(reply.body(), 0x62).is_ok());
            Checked::NotOurs
        }
        [0x00, 0x20, 0x00, 0x81 | 0x88] if body.is_empty() => {
            let kind = if p2 == 0x81 { PinKind::User } else { PinKind::So };
            same(recorded, &PinStatus(kind), |state| {
                let want = match reply.sw.0 {
                    0x9000 => PinState::Verified,
                    0x6983 => PinState::Blocked,
                    0x6a88 => PinState::NeverSet,
                    sw => PinState::TriesLeft((sw - 0x63c0) as u8),
                };
                assert_eq!(state, want);
            })
        }
        // Fingerprints.
        [0x00, 0x20, 0x00, 0x85 | 0x86] => {
            assert_eq!(reply.sw, StatusWord(0x6a88));
            Checked::NotOurs
        }
        [0x00, 0x20, 0x00, 0x81] => {
            let pin = pin(body);
            if matches!(reply.sw.0, 0x63c0..=0x63cf | 0x6983) {
                let mut channel = Scripted::default().then(recorded.0, recorded.1);
                let error = send(&mut channel, &Verify::User(&pin)).unwrap_err();
                assert_eq!(error.came, Came::Status(reply.sw));
                Checked::Same
            } else {
                same(recorded, &Verify::User(&pin), |()| ())
            }
        }
        [0x00, 0x24, 0x00, 0x81] => {
            let (old, new) = (pin(&body[..6]), pin(&body[6..]));
            same(recorded, &Change::User { old: &old, new: &new }, |()| ())
        }
        [0x00, 0x24, 0x00, 0x88] => {
            let (old, new): (SoPin, SoPin) = (secret(&body[..8]), secret(&body[8..]));
            same(recorded, &Change::So { old: &old, new: &new }, |()| ())
        }
        [0x00, 0x2c, 0x00, 0x81] => {
            let (so_pin, new) = (secret(&body[..8]), pin(&body[8..]));
            same(recorded, &ResetRetryCounter { so_pin: &so_pin, new: Some(&new) }, |()| ())
        }
        [0x00, 0x46, id, 0x00] => {
            let spec = if id == 1 { KeySpec::Rsa(RsaBits::B2048) } else { KeySpec::Ec(Curve::P256) };
            let device = DeviceChain::parse(SIM_CHAIN).unwrap().verify::<Simulated>().unwrap();
            let chr = device.chr().of_first_key();
            same(recorded, &Generate { key: key(id), spec, car: Name::OPENSC_CAR, chr }, |attestation| {
                let proof = BirthProof::verify(&attestation, &device).unwrap();
                assert_eq!((proof.key().kind(), proof.chr()), (spec.to_string(), chr));
            })
        }
        [0x00, 0x84, 0x00, 0x00] => {
            let len = command.reply_len_max().unwrap().bytes() as u16;
            same(recorded, &Challenge(len), |random| assert_eq!(random.expose().len(), usize::from(len)))
        }
        [0x00, 0xb1, ..] => {
            let [offset] = fields(body, [0x54]);
            let read = Read { file, offset: u16::from_be_bytes(offset.try_into().unwrap()) };
            let judge = |part: Vec<u8>| assert_eq!(part, reply.body());
            if command.reply_len_max() == Some(ReplyLen::SHORT) {
                same(recorded, &read, judge)
            } else {
                judge(read.parse(&reply).unwrap());
                Checked::Answer
            }
        }
        [0x00, 0xd7, ..] => {
            let [offset, bytes] = fields(body, [0x54, 0x53]);
            let offset = u16::from_be_bytes(offset.try_into().unwrap());
            same(recorded, &Update { file, offset, bytes: &bytes }, |()| ())
        }
        [0x00, 0xe4, 0x02, 0x00] => {
            same(recorded, &Delete(FileId(u16::from_be_bytes(body.try_into().unwrap()))), |()| ())
        }
        [0x80, 0x50, 0x00, 0x00] => {
            let [options, user, so_pin, tries, shares, others] = fields(body, [0x80, 0x81, 0x82, 0x91, 0x92, 0x93]);
            // With authentication by other tokens, which this driver does not set up.
            if !others.is_empty() {
                assert_eq!(reply.sw, StatusWord::OK);
                return Checked::NotOurs;
            }
            assert_eq!(options, [0x00, 0x01]);
            let (pin, so_pin) = (pin(&user), secret(&so_pin));
            let dkek_shares = shares.first().and_then(|shares| NonZeroU8::new(*shares));
            let setup = Setup { reset: Reset::UnblockAndSet, pin: &pin, so_pin: &so_pin, tries: tries[0], dkek_shares };
            assert_eq!(setup.check(), Ok(()));
            same(recorded, &Initialize(&setup), |()| ())
        }
        [0x80, 0x52, 0x00, 0x00] if body.is_empty() => same(recorded, &KeyDomainQuery(0), |domain| {
            assert_eq!(domain == KeyDomain::None, reply.sw == StatusWord(0x6d00));
        }),
        [0x80, 0x52, 0x00, 0x00] => {
            let share = Share::new(secret(body));
            same(recorded, &ImportShare(&share), |status| {
                assert_eq!((status.total, status.kcv.is_some()), (2, status.outstanding == 0));
            })
        }
        [0x80, 0x54, 0x00, 0x00] => same(recorded, &PkaQuery, |status| assert_eq!(status, None)),
        [0x80, 0x58, 0x00, 0x00] => same(recorded, &Enumerate, |files| {
            assert!(files.contains(&FileId::DEVICE_KEY) && files.contains(&FileId::DEVICE_CERTIFICATE));
        }),
        // OpenSC pads on its side as this driver does. It also signs input that has no digest's name before it.
        [0x80, 0x68, id, 0x20] => {
            let digest = Digest::Sha256(body.last_chunk().copied().unwrap());
            let modulus = RsaKey::new(&[0xff; 256], &[1, 0, 1]).unwrap();
            let sign = Sign { key: key(id), what: ToSign::new(&PublicKey::Rsa(modulus), &digest) };
            if sign.apdu().body_bytes() == body {
                return same(recorded, &sign, |signature| assert_eq!(*signature, reply.body()));
            }
            assert_eq!(reply.sw, StatusWord::OK);
            Checked::NotOurs
        }
        [0x80, 0x68, id, 0x70] => {
            let digest = Digest::Sha256(body.try_into().unwrap());
            let what = ToSign::Ecdsa { curve: Curve::P256, digest };
            same(recorded, &Sign { key: key(id), what }, |signature| assert_eq!(*signature, reply.body()))
        }
        // PSS, ECDSA with the digest made on the token, decryption, key agreement.
        [0x80, 0x68, _, 0x40 | 0x73] | [0x80, 0x62, _, 0x21 | 0x80] => {
            assert_eq!(reply.sw, StatusWord::OK);
            Checked::NotOurs
        }
        [0x80, 0x72, id, 0x92] => same(recorded, &Wrap(key(id)), |blob| {
            assert_eq!(Blob::parse(&blob).unwrap().kcv.to_string(), "b445 a693 b81e 2202");
        }),
        [0x80, 0x74, id, 0x93] => {
            same(recorded, &Unwrap { key: key(id), blob: (!body.is_empty()).then_some(body) }, |()| ())
        }
        other => panic!("{other:02X?} is in no arm"),
    }
}

#[track_caller]
fn check_all(trace: &str, want: &[(Checked, usize)]) {
    let lines: Vec<&str> = trace.lines().filter(|line| line.starts_with(['>', '<'])).collect();
    let (exchanges, []) = lines.as_chunks::<2>() else { panic!("an odd line") };
    let mut counts = BTreeMap::new();
    for [command, response] in exchanges {
        let recorded = (command.strip_prefix("> ").unwrap(), response.strip_prefix("< ").unwrap());
        *counts.entry(check(recorded)).or_default() += 1;
    }
    // Counted, so that no exchange is skipped unseen. Of those that are not ours, nearly all select a file before
    // reading it.
    assert_eq!(counts, want.iter().copied().collect());
}

#[test]
fn every_exchange_of_opensc_0_23_is_sent_alike_or_read() {
    check_all(TRACE_0_23, &[(Checked::Same, 722), (Checked::Answer, 48), (Checked::NotOurs, 433)]);
}

#[test]
fn every_exchange_of_opensc_master_is_sent_alike_or_read() {
    check_all(TRACE_MASTER, &[(Checked::Same, 115), (Checked::Answer, 143), (Checked::NotOurs, 126)]);
}
