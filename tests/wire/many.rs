//! Five tokens at once, each in its own thread, of both kinds.

use std::thread;

use conclave_sim::card::BirthSoPin;
use conclave_sim::card::profile::Profile as Firmware;
use conclave_sim::token::Token;
use conclave_tests::card::card;
use smartcard_hsm::cvc::Simulated;
use smartcard_hsm::genuine::CurrentSoPin;
use smartcard_hsm::secret::{Pin, SecretBytes};
use smartcard_hsm::session::Session;

use super::*;

const TOKENS: u8 = 5;

fn profile(number: u8) -> Profile {
    PROFILES[usize::from(number) % PROFILES.len()]
}

#[test]
fn five_tokens_at_once_answer_each_for_itself() {
    thread::scope(|scope| {
        for salt in 0..TOKENS {
            scope.spawn(move || {
                let card = Arc::new(Mutex::new(Scribe { salt, ..Scribe::default() }));
                let mut link = link(&card, profile(salt));
                for mark in 0..200 {
                    assert_eq!(exchange(&mut link, salt, &command(mark, usize::from(mark) * 4, 700)), Ok(()));
                }
                assert_eq!(card.lock().unwrap().commands.len(), 200);
            });
        }
    });
}

#[test]
fn five_tokens_at_once_prove_themselves_over_the_wire() {
    thread::scope(|scope| {
        for number in 0..TOKENS {
            scope.spawn(move || {
                let serial = format!("DENK020000{number}");
                let card = card(&serial, Firmware::firmware_4_1(), BirthSoPin::Published, [number; 32]);
                // The reader's serial has more digits than the one people read.
                let usb = format!("{serial}0000");
                let token = CcidDevice::new(Token::new(card), profile(number), &usb);
                let link = CcidLink::open(InMemory::new(token), descriptor(profile(number))).unwrap();
                let session = Session::open(link).unwrap();
                session.check_usb_serial::<Simulated>(&usb).unwrap();
                let throw_away = Pin::new(SecretBytes::copied_from(b"throw-away")).unwrap();
                let proven = session.prove::<Simulated>(CurrentSoPin::Published, &throw_away, b"head-bits!");
                let name = proven.map_err(|failed| *failed.error).unwrap().name().to_string();
                assert!(name.starts_with(&serial), "{name}");
            });
        }
    });
}
