//! What several targets share: cutting the fuzzer's bytes into pieces, and a simulated token behind them.

use std::sync::OnceLock;

use conclave_sim::{
    card::{Birth, BirthSoPin, Card, profile::Profile, random::Randomness, rsa::RsaSource},
    token::Token,
};

/// Cuts bytes into pieces: a length of two bytes, big-endian, then as many bytes as there are up to it.
#[derive(Debug)]
pub struct Pieces<'a>(&'a [u8]);

impl<'a> Pieces<'a> {
    /// Cuts up `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
        let (piece, rest) = rest.split_at(len);
        self.0 = rest;
        Some(piece)
    }
}

/// A token as it leaves the factory, the same every time. It makes no RSA keys, which would take too long.
pub fn token() -> Token {
    static CARD: OnceLock<Card> = OnceLock::new();
    let card = CARD.get_or_init(|| {
        let birth = Birth {
            serial: "DENK0100001",
            profile: Profile::firmware_4_1(),
            so_pin: BirthSoPin::Published,
            random: Randomness::seeded([7; 32]),
            rsa: RsaSource::Premade(Vec::new()),
        };
        Card::new(birth).expect("a token of this serial can be made")
    });
    Token::new(card.clone())
}
