//! Every message of the reader, spoilt in every way: an answer is right or it is none, a command is told at most once, and
//! the token is usable afterwards.

use smartcard_hsm::channel::Channel;
use smartcard_hsm::port::{Endpoint, PortError};
use zeroize::Zeroizing;

use super::*;

/// How a message is spoilt.
#[derive(Clone, Copy, Debug)]
enum Spoilt {
    /// Only its first bytes come.
    CutTo(usize),
    /// A byte more comes.
    Longer,
    /// It never comes.
    Lost,
    /// It comes twice.
    Twice,
    /// One bit is turned.
    Flipped { byte: usize, bit: u8 },
    /// It comes in transfers of one packet.
    InPackets,
}

/// A port that spoils the n-th message from the reader.
struct Tampered<P> {
    port: P,
    at: usize,
    how: Spoilt,
    seen: usize,
    waiting: Vec<Vec<u8>>,
}

impl<P: BulkPort> BulkPort for Tampered<P> {
    fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError> {
        self.port.send(message, timeout_ms)
    }

    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
        if !self.waiting.is_empty() {
            return Ok(Zeroizing::new(self.waiting.remove(0)));
        }
        let mut message = self.port.receive(len_max, timeout_ms)?;
        self.seen += 1;
        if self.seen != self.at + 1 {
            return Ok(message);
        }
        match self.how {
            Spoilt::CutTo(len) => message.truncate(len),
            Spoilt::Longer => message.push(0),
            Spoilt::Lost => return Err(PortError::Timeout { waited_ms: timeout_ms }),
            Spoilt::Twice => self.waiting.push(message.to_vec()),
            Spoilt::Flipped { byte, bit } => message[byte] ^= 1 << bit,
            Spoilt::InPackets => {
                self.waiting.extend(message.chunks(64).map(<[u8]>::to_vec));
                if message.len().is_multiple_of(64) {
                    self.waiting.push(Vec::new());
                }
                return Ok(Zeroizing::new(self.waiting.remove(0)));
            }
        }
        Ok(message)
    }

    fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError> {
        self.port.clear_halt(endpoint)
    }
}

/// Lengths of the messages of an unspoilt connection.
fn messages(profile: Profile) -> Vec<usize> {
    struct Lens<P>(P, Vec<usize>);
    impl<P: BulkPort> BulkPort for &mut Lens<P> {
        fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError> {
            self.0.send(message, timeout_ms)
        }
        fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
            self.0.receive(len_max, timeout_ms).inspect(|message| self.1.push(message.len()))
        }
        fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError> {
            self.0.clear_halt(endpoint)
        }
    }
    let mut lens = Lens(port(&card(&[]), profile), Vec::new());
    let mut link = CcidLink::open(&mut lens, descriptor(profile)).unwrap();
    exchange(&mut link, 0, &spoilt_command()).unwrap();
    lens.1
}

fn spoilt_command() -> Apdu {
    command(1, 300, 300)
}

/// A connection with one message spoilt. Whether the driver noticed.
#[track_caller]
fn connect(profile: Profile, at: usize, how: Spoilt) -> bool {
    let card = card(&[]);
    let port = Tampered { port: port(&card, profile), at, how, seen: 0, waiting: Vec::new() };
    let Ok(mut link) = CcidLink::open(port, descriptor(profile)) else { return true };
    let (spoilt, next) = (spoilt_command(), command(2, 300, 300));
    let noticed = exchange(&mut link, 0, &spoilt).is_err();
    assert!(times_told(&card, &spoilt) <= 1, "{profile:?} message {at} {how:?}");
    if exchange(&mut link, 0, &next).is_err() {
        link.restart().unwrap_or_else(|error| panic!("{profile:?} message {at} {how:?}: {error}"));
        assert_eq!(exchange(&mut link, 0, &command(3, 0, 0)), Ok(()), "{profile:?} message {at} {how:?}");
    }
    assert!(times_told(&card, &next) <= 1, "{profile:?} message {at} {how:?}");
    noticed
}

#[test]
fn a_message_too_short_or_lost_is_noticed() {
    for profile in PROFILES {
        for (at, len) in messages(profile).into_iter().enumerate() {
            for cut in 0..len {
                assert!(connect(profile, at, Spoilt::CutTo(cut)), "{profile:?} message {at} cut to {cut} of {len}");
            }
            assert!(connect(profile, at, Spoilt::Lost), "{profile:?} message {at}");
        }
    }
}

#[test]
fn a_message_too_long_is_noticed() {
    for profile in PROFILES {
        for at in 0..messages(profile).len() {
            assert!(connect(profile, at, Spoilt::Longer), "{profile:?} message {at}");
        }
    }
}

#[test]
fn a_message_that_comes_twice_or_in_packets_is_taken_once() {
    for profile in PROFILES {
        for at in 0..messages(profile).len() {
            assert!(!connect(profile, at, Spoilt::Twice), "{profile:?} message {at}");
            assert!(!connect(profile, at, Spoilt::InPackets), "{profile:?} message {at}");
        }
    }
}

/// At APDU level nothing but USB itself protects data and bChainParameter between reader and host, so they are left alone.
#[test]
fn no_single_turned_bit_makes_a_false_answer() {
    for profile in PROFILES {
        let (mut turned, mut noticed) = (0, 0);
        for (at, len) in messages(profile).into_iter().enumerate() {
            let protected = if matches!(profile, Profile::Apdu) { 9 } else { len };
            for (byte, bit) in (0..protected).flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
                turned += 1;
                noticed += usize::from(connect(profile, at, Spoilt::Flipped { byte, bit }));
            }
        }
        println!(
            "{profile:?}: {turned} bits turned, {noticed} ended the command, the others were mended or meant nothing"
        );
    }
}
