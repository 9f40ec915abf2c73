//! Common parts of the targets: the check that all words about an input show as themselves, the cutting of the fuzzer's
//! bytes into pieces, and a simulated token behind them.

use std::error::Error;
use std::fmt::Display;
use std::sync::OnceLock;

use conclave_ceremony::plan::{REFUSALS_MAX, Refusal};
use conclave_publish::is_plain;

use conclave_sim::{
    card::{Birth, BirthSoPin, Card, profile::Profile, random::Randomness, rsa::RsaSource},
    token::Token,
};

/// A fuzz target: the result of its parser on the bytes.
///
/// A person reads its error. Each word of that error and of its causes must show as itself, in the corpus and in every
/// input that the fuzzer makes of it; findings besides errors go through [`plain`].
#[macro_export]
macro_rules! target {
    (|$input:ident: $kind:ty| $body:block) => {
        libfuzzer_sys::fuzz_target!(|$input: $kind| {
            let read = || -> $crate::Read<'_> { $body };
            $crate::told(read())
        });
    };
}

/// The result of a parser on an input: an error in words, or nothing to say.
pub type Read<'a> = Result<(), Box<dyn Error + 'a>>;

/// Ends the run unless these words are one line in which nothing acts on a terminal.
pub fn plain(words: impl Display) {
    let words = words.to_string();
    assert!(words.chars().all(is_plain), "it acts on a terminal: {words:?}");
}

/// Every word of an error and of its causes, as [`plain`].
pub fn told(read: Read<'_>) {
    let Err(error) = read else { return };
    let mut told: Option<&dyn Error> = Some(error.as_ref());
    while let Some(error) = told {
        plain(error);
        told = error.source();
    }
}

/// Refusals of a plan or its names: as many as may be said at once, each at a line of the file, in words that show as themselves.
pub fn refused(file: &[u8], refusals: &[Refusal]) {
    assert!((1..=REFUSALS_MAX).contains(&refusals.len()));
    let lines = 1 + file.iter().filter(|byte| **byte == b'\n').count();
    for refusal in refusals {
        assert!((1..=lines).contains(&(refusal.line as usize)), "{refusal}");
        plain(refusal);
    }
}

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
