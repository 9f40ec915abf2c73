//! Passphrase split: the passphrase of a share file is divided among n people, and any k of them can open the file, as
//! `sc-hsm-tool --pwd-shares-threshold k --pwd-shares-total n` does.
//!
//! Shape: the passphrase is 8 random bytes with the top bit clear, read as a number. A polynomial of degree k-1 modulo a
//! 64-bit safe prime has it at 0 and random coefficients; passphrase share i is the value at i.
//! Source: OpenSC `sc-hsm-tool.c`; A. Shamir, "How to share a secret" (1979).

mod prime;
mod share;

use thiserror::Error;
use zeroize::Zeroizing;

pub use share::PassphraseShare;

use super::{Passphrase, PassphraseError, SealingPassphrase};
use crate::secret::{Secret, SecretBytes};

/// How many passphrase shares there are, and how many open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quorum {
    needed: u8,
    of: u8,
}

impl Quorum {
    /// Most shares made here. `sc-hsm-tool` prints share numbers in decimal and reads them in hexadecimal: up to 9 both
    /// are the same.
    pub const OF_MAX: u8 = 9;

    /// `needed` of `of`: 2 <= needed <= of and 3 <= of <= 9.
    ///
    /// Errors: [`SplitError::Quorum`].
    pub fn new(needed: u8, of: u8) -> Result<Self, SplitError> {
        if (3..=Self::OF_MAX).contains(&of) && (2..=of).contains(&needed) {
            Ok(Self { needed, of })
        } else {
            Err(SplitError::Quorum { needed, of })
        }
    }
}

/// Random bytes a split consumes: the secret (8), where to look for the prime (8), up to eight coefficients (16 each,
/// so that reducing them modulo the prime leaves no bias worth the name).
pub const RANDOM_LEN: usize = 8 + 8 + 16 * (Quorum::OF_MAX as usize - 1);

/// Numbers looked at before other random bytes are asked for; about one in 120 is a safe prime.
const CANDIDATES_MAX: u32 = 100_000;

/// Why a passphrase does not split or recombine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SplitError {
    /// The quorum is not possible.
    #[error("{needed} of {of} passphrase shares: expected 2 <= needed <= of, and of from 3 to {}", Quorum::OF_MAX)]
    Quorum {
        /// Shares that should open.
        needed: u8,
        /// Shares there should be.
        of: u8,
    },
    /// These random bytes will not do (the secret begins with 00, which `sc-hsm-tool` loses): call again with others.
    #[error("these random bytes give no passphrase split: draw others")]
    DrawAgain,
    /// The shares made do not give the passphrase back. A defect of the machine; the split is not to be used.
    #[error("passphrase shares do not recombine to the passphrase they were made from: do not use them")]
    NotRecombining,
    /// Fewer than two shares.
    #[error("{found} passphrase shares, expected at least 2")]
    TooFew {
        /// Shares there are.
        found: usize,
    },
    /// The same share number twice.
    #[error("passphrase share {id} was given twice")]
    Twice {
        /// Its number.
        id: u8,
    },
    /// Shares of different splits, or a prime mistyped.
    #[error("passphrase shares {first} and {second} have different primes")]
    PrimesDiffer {
        /// Number of the one.
        first: u8,
        /// Number of the other.
        second: u8,
    },
    /// The prime is none: mistyped.
    #[error("the prime is no 64-bit safe prime: expected the one printed with every share")]
    NotPrime,
    /// Shares are numbered from 1.
    #[error("passphrase share number 0, expected 1 to 255")]
    Number,
    /// A value no share of this prime can have.
    #[error("the value of passphrase share {id} is not below the prime")]
    ValueTooLarge {
        /// Its number.
        id: u8,
    },
    /// A line of the text is missing or differs from the expected line.
    #[error("passphrase share: expected a line \"{expected}\"")]
    Line {
        /// How the line begins.
        expected: &'static str,
    },
    /// Something follows the three lines: two shares in one text, perhaps.
    #[error("passphrase share: expected three lines and nothing more")]
    MoreLines,
    /// The value in a line is no number of the expected form.
    #[error("passphrase share: {field} is no number of 1 to 8 bytes in hexadecimal, or no share number in decimal")]
    Digits {
        /// The field.
        field: &'static str,
    },
    /// The secret is empty.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
}

/// A passphrase and its shares, of which every quorum has been seen to give the passphrase back.
#[derive(Debug)]
pub struct Split {
    /// The passphrase that seals the share file.
    pub passphrase: SealingPassphrase,
    /// One for each person, numbered from 1.
    pub shares: Vec<PassphraseShare>,
}

/// A new passphrase and its shares, made from `random`.
///
/// Errors: [`SplitError::DrawAgain`], about once in 128: call again with other random bytes;
/// [`SplitError::NotRecombining`].
pub fn split(quorum: Quorum, random: &Secret<RANDOM_LEN>) -> Result<Split, SplitError> {
    let ([secret, start, halves @ ..], _) = random.expose().as_chunks::<8>() else {
        return Err(SplitError::DrawAgain);
    };
    let secret = Secret::<8>::filled(|bytes| {
        *bytes = *secret;
        bytes[0] &= 0x7f;
    });
    if secret.expose().first() == Some(&0) {
        return Err(SplitError::DrawAgain);
    }
    let prime = safe_prime_from(u64::from_be_bytes(*start)).ok_or(SplitError::DrawAgain)?;
    // The secret first, then as many coefficients as the degree asks for; reserved at once, so that nothing is left
    // behind by growing.
    let mut polynomial = Zeroizing::new(Vec::with_capacity(quorum.needed.into()));
    polynomial.push(u64::from_be_bytes(*secret.expose()));
    for [high, low] in halves.as_chunks().0.iter().take(usize::from(quorum.needed) - 1) {
        let wide = u128::from(u64::from_be_bytes(*high)) << 64 | u128::from(u64::from_be_bytes(*low));
        polynomial.push((wide % u128::from(prime)) as u64);
    }
    let value = |id: u8| {
        polynomial.iter().rfold(Zeroizing::new(0), |sum, coefficient| {
            Zeroizing::new(prime::add(prime::mul(*sum, id.into(), prime), *coefficient, prime))
        })
    };
    let shares = (1..=quorum.of).map(|id| PassphraseShare { prime, id, value: value(id) }).collect();
    verified(quorum, &secret, shares)
}

/// The first safe prime from `start` upwards, with the top bit set.
fn safe_prime_from(start: u64) -> Option<u64> {
    let top = start | 1 << 63;
    // Candidates are 11 modulo 12.
    let first = top.checked_add((11 + 12 - top % 12) % 12)?;
    let nth = |n: u32| first.checked_add(12 * u64::from(n));
    (0..CANDIDATES_MAX).map_while(nth).find(|candidate| prime::is_safe_prime(*candidate))
}

/// The only way to a [`Split`]: every quorum of `shares` gives `secret`.
fn verified(quorum: Quorum, secret: &Secret<8>, shares: Vec<PassphraseShare>) -> Result<Split, SplitError> {
    let constant = Zeroizing::new(u64::from_be_bytes(*secret.expose()));
    for chosen in 0u32..1 << quorum.of {
        if chosen.count_ones() == quorum.needed.into() {
            let chosen: Vec<_> = shares.iter().filter(|share| chosen >> (share.id - 1) & 1 == 1).collect();
            if at_zero(&chosen)? != constant {
                return Err(SplitError::NotRecombining);
            }
        }
    }
    Ok(Split { passphrase: SealingPassphrase::of_split(secret), shares })
}

/// The passphrases that these shares can mean, to be tried in turn on the share file. The first is the eight bytes. If
/// these begin with 00, `sc-hsm-tool` recombines them without the leading zeros, and that is the second.
///
/// Only a passphrase that opens the file shows that the shares were enough and right.
///
/// Errors: [`SplitError::TooFew`], [`SplitError::Twice`], [`SplitError::PrimesDiffer`].
pub fn recombine(shares: &[&PassphraseShare]) -> Result<Vec<Passphrase>, SplitError> {
    let secret = Zeroizing::new(at_zero(shares)?.to_be_bytes());
    let minimal = secret.iter().position(|byte| *byte != 0).and_then(|at| secret.get(at..));
    let mut passphrases = vec![Passphrase::new(SecretBytes::copied_from(&*secret))?];
    if let Some(minimal) = minimal.filter(|minimal| minimal.len() < secret.len()) {
        passphrases.push(Passphrase::new(SecretBytes::copied_from(minimal))?);
    }
    Ok(passphrases)
}

/// The value at 0 of the polynomial through all shares, by Lagrange.
fn at_zero(shares: &[&PassphraseShare]) -> Result<Zeroizing<u64>, SplitError> {
    let [first, _, ..] = shares else {
        return Err(SplitError::TooFew { found: shares.len() });
    };
    let p = first.prime;
    let mut sum = Zeroizing::new(0);
    for (at, share) in shares.iter().enumerate() {
        if share.prime != p {
            return Err(SplitError::PrimesDiffer { first: first.id, second: share.id });
        }
        let (mut top, mut bottom) = (1, 1);
        for (other_at, other) in shares.iter().enumerate() {
            if at != other_at {
                if other.id == share.id {
                    return Err(SplitError::Twice { id: share.id });
                }
                top = prime::mul(top, other.id.into(), p);
                bottom = prime::mul(bottom, prime::add(other.id.into(), p - u64::from(share.id), p), p);
            }
        }
        let weight = prime::mul(top, prime::inverse(bottom, p), p);
        *sum = prime::add(*sum, prime::mul(*share.value, weight, p), p);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As printed for `share-3of5.pbe` and `share-3of12.pbe`: see `tests/vectors/token/README.md`.
    const PRIME_5: u64 = 0xcbaa_0761_f0fb_2d87;
    const VALUES_5: [u64; 5] = [
        0x2b7f_a6dd_2db9_6f06,
        0x2bef_f64a_c25d_9b45,
        0x6bb1_5392_2dec_7566,
        0x1f19_b751_7f6a_cfe2,
        0x11d3_28ea_a7d3_d840,
    ];
    const SECRET_5: [u8; 8] = [0x6a, 0x60, 0x65, 0x49, 0x6f, 0xff, 0xf0, 0xa9];
    const TEXT_12: [&str; 4] = [
        "Prime       : dc:6b:d3:83:ad:c3:89:c7\nShare ID    : 3\nShare value : 2b:02:a8:74:c5:4f:16\n",
        "Prime       : dc:6b:d3:83:ad:c3:89:c7\nShare ID    : 10\nShare value : 14:ef:70:68:7d:11:2c:de\n",
        "Prime       : dc:6b:d3:83:ad:c3:89:c7\nShare ID    : 11\nShare value : d4:20:fc:59:64:b0:d0:2e\n",
        "Prime       : dc:6b:d3:83:ad:c3:89:c7\nShare ID    : 12\nShare value : a6:fa:fb:fa:ef:a7:f5:8b\n",
    ];
    const SECRET_12: [u8; 8] = [0x62, 0xd5, 0x02, 0xec, 0xb0, 0x92, 0x55, 0x65];

    fn share(id: u8, value: u64) -> PassphraseShare {
        PassphraseShare::new(PRIME_5, id, Zeroizing::new(value)).unwrap()
    }

    fn passphrases(shares: &[&PassphraseShare]) -> Vec<Vec<u8>> {
        recombine(shares).unwrap().iter().map(|passphrase| passphrase.expose().to_vec()).collect()
    }

    /// Bytes from a fixed sequence, so that a failure repeats.
    fn random(seed: u64) -> Secret<RANDOM_LEN> {
        let mut state = seed;
        Secret::filled(|bytes| {
            for byte in bytes {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (state >> 56) as u8;
            }
        })
    }

    #[test]
    fn all_ten_quorums_of_a_split_by_sc_hsm_tool_recombine() {
        let shares: Vec<_> = (1..).zip(VALUES_5).map(|(id, value)| share(id, value)).collect();
        let mut quorums = 0;
        for (a, b, c) in (0..5).flat_map(|a| (0..a).flat_map(move |b| (0..b).map(move |c| (a, b, c)))) {
            assert_eq!(passphrases(&[&shares[a], &shares[b], &shares[c]]), [SECRET_5]);
            quorums += 1;
        }
        assert_eq!(quorums, 10);
        assert_ne!(passphrases(&[&shares[0], &shares[1]])[0], SECRET_5);
        let more: Vec<&PassphraseShare> = shares.iter().collect();
        assert_eq!(passphrases(&more), [SECRET_5]);
    }

    #[test]
    fn texts_of_sc_hsm_tool_are_read_with_numbers_above_9_in_decimal_and_short_values() {
        let shares = TEXT_12.map(|text| PassphraseShare::parse(text).unwrap());
        for (a, b, c) in [(0, 1, 2), (1, 2, 3), (0, 2, 3)] {
            assert_eq!(passphrases(&[&shares[a], &shares[b], &shares[c]]), [SECRET_12]);
        }
        assert!(shares[0].to_text().ends_with("Share ID    : 3\nShare value : 00:2b:02:a8:74:c5:4f:16\n"));
        for (share, text) in shares.iter().zip(TEXT_12).skip(1) {
            assert_eq!(share.to_text().as_str(), text);
        }
    }

    #[test]
    fn every_quorum_that_may_be_made_is_made_and_recombines() {
        let mut seed = 0;
        for of in 3..=9 {
            for needed in 2..=of {
                seed += 1;
                let split = split(Quorum::new(needed, of).unwrap(), &random(seed)).unwrap();
                assert_eq!(split.shares.len(), usize::from(of));
                let last: Vec<&PassphraseShare> = split.shares.iter().rev().take(needed.into()).collect();
                assert_eq!(passphrases(&last), [split.passphrase.expose()]);
                assert_eq!(split.passphrase.expose().len(), 8);
                let fewer = at_zero(&last[1..]).unwrap_or_else(|_| Zeroizing::new(*last[0].value));
                assert_ne!(fewer.to_be_bytes(), split.passphrase.expose(), "{} of {of} are enough", needed - 1);
            }
        }
    }

    #[test]
    fn a_secret_that_would_begin_with_00_is_drawn_again() {
        let quorum = Quorum::new(2, 3).unwrap();
        let with = |first: u8| {
            let mut bytes = *random(1).expose();
            bytes[0] = first;
            split(quorum, &Secret::copied_from(&bytes).unwrap()).map(|split| split.passphrase.expose()[0])
        };
        assert_eq!([0x00, 0x80].map(with), [Err(SplitError::DrawAgain); 2]);
        assert_eq!([0x01, 0xff].map(with), [Ok(0x01), Ok(0x7f)]);
    }

    #[test]
    fn a_foreign_secret_that_begins_with_00_is_tried_whole_and_without_it() {
        let secret = 0x0000_1234_5678_9abc;
        let value = |id: u8| prime::add(secret, prime::mul(0x0123_4567_89ab_cdef, id.into(), PRIME_5), PRIME_5);
        let (one, two) = (share(1, value(1)), share(2, value(2)));
        let [whole, short] = &passphrases(&[&one, &two])[..] else { panic!() };
        assert_eq!(whole, &[0, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
        assert_eq!(short, &[0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc]);
    }

    #[test]
    fn quorums_outside_the_range_are_refused() {
        for (needed, of) in [(1, 3), (2, 2), (4, 3), (2, 10), (0, 0)] {
            assert_eq!(Quorum::new(needed, of), Err(SplitError::Quorum { needed, of }));
        }
    }

    #[test]
    fn shares_that_do_not_belong_together_are_refused() {
        let (one, again, two) = (share(1, 5), share(1, 6), share(2, 7));
        let foreign = PassphraseShare::new(0xdc6b_d383_adc3_89c7, 3, Zeroizing::new(8)).unwrap();
        #[track_caller]
        fn check(shares: &[&PassphraseShare], want: SplitError) {
            assert_eq!(recombine(shares).map(drop), Err(want));
        }
        check(&[&one], SplitError::TooFew { found: 1 });
        check(&[&one, &two, &again], SplitError::Twice { id: 1 });
        check(&[&one, &foreign], SplitError::PrimesDiffer { first: 1, second: 3 });
    }

    #[test]
    fn shares_that_do_not_recombine_never_leave() {
        let quorum = Quorum::new(2, 3).unwrap();
        let mut made = split(quorum, &random(1)).unwrap();
        let secret = Secret::copied_from(made.passphrase.expose()).unwrap();
        *made.shares[2].value ^= 1;
        assert_eq!(verified(quorum, &secret, made.shares).map(drop), Err(SplitError::NotRecombining));
    }
}
