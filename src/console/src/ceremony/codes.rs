//! The sign-in codes: how often a person's was typed wrong, and until when none of that person is taken.

use std::collections::BTreeMap;

use conclave_ceremony::codes::{DEAD, EACH};
use conclave_ceremony::ids::PersonId;
use smartcard_hsm::secret::SecretBytes;
use zeroize::Zeroizing;

/// How long no code of a person is taken after each row of wrong ones but the last. Units: milliseconds.
const WAIT_MS: u64 = 60_000;

/// The result of comparing a typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// It is the one of this person.
    Right,
    /// It is not: the how many-th for this person.
    Wrong(u16),
    /// There was nothing in the line.
    Empty,
    /// It was not compared: no code of this person is taken for so long. Units: milliseconds.
    Waits(u64),
}

/// The codes of the people who signed in.
#[derive(Default)]
pub struct Codes {
    given: BTreeMap<PersonId, SecretBytes>,
    /// Wrong ones that no entry counts yet.
    wrong: BTreeMap<PersonId, u16>,
    /// Until when none is taken. Units: milliseconds since power-on.
    until: BTreeMap<PersonId, u64>,
}

impl Codes {
    /// The code of a person who is signing in.
    ///
    /// **Secret**: for its owner's eyes, once.
    pub fn of(&self, person: PersonId) -> Option<&SecretBytes> {
        self.given.get(&person)
    }

    /// Gives somebody a code.
    pub fn give(&mut self, person: PersonId, code: SecretBytes) {
        self.given.insert(person, code);
    }

    /// Only people who are present keep a code.
    pub fn keep(&mut self, is_there: impl Fn(PersonId) -> bool) {
        self.given.retain(|person, _| is_there(*person));
    }

    /// Whether this is the code of a person, however its digits are spaced.
    pub fn is(&self, person: PersonId, typed: &[u8]) -> bool {
        self.given.get(&person) == Some(&bare(typed))
    }

    /// For how long no code of this person is taken. Units: milliseconds.
    pub fn waits(&self, person: PersonId, now_ms: u64) -> Option<u64> {
        self.until.get(&person)?.checked_sub(now_ms).filter(|left| *left > 0)
    }

    /// Compares a typed code with the code of a person; `recorded` is the number of their wrong codes in the record. A
    /// wrong code is counted. No code is compared while the person waits.
    pub fn compare(&mut self, person: PersonId, typed: &[u8], recorded: u16, now_ms: u64) -> Compared {
        if let Some(left) = self.waits(person, now_ms) {
            return Compared::Waits(left);
        }
        if bare(typed).expose().is_empty() {
            return Compared::Empty;
        }
        if self.is(person, typed) {
            return Compared::Right;
        }
        let since = self.wrong.entry(person).or_default();
        *since += 1;
        let times = recorded.saturating_add(*since);
        if is_recorded(times) {
            self.wrong.remove(&person);
            if times < DEAD {
                self.until.insert(person, now_ms.saturating_add(WAIT_MS * u64::from(times / EACH)));
            }
        }
        Compared::Wrong(times)
    }
}

/// Whether an entry is made of so many wrong codes.
pub fn is_recorded(times: u16) -> bool {
    times.is_multiple_of(EACH)
}

fn bare(typed: &[u8]) -> SecretBytes {
    let mut digits = Zeroizing::new(Vec::with_capacity(typed.len()));
    digits.extend(typed.iter().filter(|typed| **typed != b' '));
    SecretBytes::new(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PersonId = PersonId(0);
    const OTHER: PersonId = PersonId(1);

    fn code(digits: &str) -> SecretBytes {
        SecretBytes::copied_from(digits.as_bytes())
    }

    fn codes() -> Codes {
        let mut codes = Codes::default();
        codes.give(ONE, code("1234"));
        codes.give(OTHER, code("5678"));
        codes
    }

    #[test]
    fn a_code_is_compared_with_its_owners_and_with_nobody_elses() {
        let mut codes = codes();
        assert_eq!(codes.compare(ONE, b"12 34", 0, 0), Compared::Right);
        assert_eq!(codes.compare(ONE, b"5678", 0, 0), Compared::Wrong(1));
        assert_eq!(codes.compare(OTHER, b"5678", 0, 0), Compared::Right);
        assert_eq!(codes.compare(PersonId(2), b"1234", 0, 0), Compared::Wrong(1));
        // A person who presses Enter by mistake has not guessed.
        assert_eq!(codes.compare(ONE, b"  ", 0, 0), Compared::Empty);
        assert_eq!(codes.compare(ONE, b"9999", 0, 0), Compared::Wrong(2));
    }

    #[test]
    fn the_count_goes_on_after_right_ones_and_after_what_is_recorded() {
        let mut codes = codes();
        for times in 1..=4 {
            assert_eq!(codes.compare(ONE, b"0000", 0, 0), Compared::Wrong(times));
            assert_eq!(codes.compare(ONE, b"1234", 0, 0), Compared::Right);
            assert_eq!(codes.compare(OTHER, b"5678", 0, 0), Compared::Right);
        }
        assert_eq!(codes.compare(ONE, b"0000", 0, 0), Compared::Wrong(5));
        assert_eq!(codes.compare(ONE, b"0000", 5, WAIT_MS), Compared::Wrong(6));
    }

    #[test]
    fn five_wrong_ones_cost_a_minute_ten_cost_two_and_nobody_else_waits() {
        let mut codes = codes();
        let mut now = 7;
        for (recorded, wait) in [(0, WAIT_MS), (5, 2 * WAIT_MS)] {
            for _ in 0..EACH {
                let _ = codes.compare(ONE, b"0000", recorded, now);
            }
            // The right one is not compared either, and nothing is counted.
            assert_eq!(codes.compare(ONE, b"1234", recorded + EACH, now), Compared::Waits(wait));
            assert_eq!(codes.compare(ONE, b"0000", recorded + EACH, now + wait - 1), Compared::Waits(1));
            assert_eq!(codes.compare(OTHER, b"5678", 0, now), Compared::Right);
            now += wait;
            assert_eq!(codes.compare(ONE, b"1234", recorded + EACH, now), Compared::Right);
        }
    }
}
