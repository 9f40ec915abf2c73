//! Tokens as they leave the factory.

use conclave_sim::card::profile::Profile;
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};

/// A card that makes its keys itself; its randomness comes from `seed`.
pub fn card(serial: &str, profile: Profile, so_pin: BirthSoPin, seed: [u8; 32]) -> Card {
    Card::new(Birth { serial, profile, so_pin, random: Randomness::seeded(seed), rsa: RsaSource::Generated }).unwrap()
}

/// A seed for [`card`] that only its serial number decides.
pub fn seed(serial: &str) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..serial.len()].copy_from_slice(serial.as_bytes());
    seed
}
