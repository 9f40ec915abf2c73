//! Two logs of one ceremony become one transcript again.
//!
//! Log A is written before log B, so after a power cut one may be ahead of the other, by one entry or, where they were filled for
//! the first time, by all. Whatever else differs, differs because somebody changed it: nothing here decides who.

use thiserror::Error;

use crate::entry::Head;
use crate::transcript::{Damage, Transcript, read};

/// One of the two log drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Written first.
    A,
    /// Written when A was read back.
    B,
}

/// What two logs say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<'a> {
    /// The longer log's entries.
    pub transcript: Transcript,
    /// What log A lacks at its end.
    pub missing_a: &'a [u8],
    /// What log B lacks at its end.
    pub missing_b: &'a [u8],
    /// The torn tail of log A: evidence, to be kept in a file of its own before the log goes on.
    pub torn_a: &'a [u8],
    /// The torn tail of log B.
    pub torn_b: &'a [u8],
}

/// Why two logs are not one transcript.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MergeError {
    /// One of them is no transcript.
    #[error("log {log:?} is damaged: {damage}")]
    Damaged {
        /// Which.
        log: Log,
        /// Where, and what is wrong.
        damage: Damage,
    },
    /// They begin differently.
    #[error("the logs are of two ceremonies: one begins with {a}, the other with {b}")]
    OtherCeremony {
        /// Head of entry 0 on log A.
        a: Head,
        /// Head of entry 0 on log B.
        b: Head,
    },
    /// They begin alike and go on differently.
    #[error("the logs part at entry {seq}: log A goes on with {a}, log B with {b}")]
    Forked {
        /// The first entry that differs.
        seq: u64,
        /// Head of that entry on log A.
        a: Head,
        /// Head of that entry on log B.
        b: Head,
    },
}

/// Merges two logs: the longer wins if the shorter is its beginning.
///
/// Errors: [`MergeError`]. None is waived; the ceremony halts and both logs are kept.
pub fn merge<'a>(log_a: &'a [u8], log_b: &'a [u8]) -> Result<Merged<'a>, MergeError> {
    let a = read(log_a).map_err(|damage| MergeError::Damaged { log: Log::A, damage })?;
    let b = read(log_b).map_err(|damage| MergeError::Damaged { log: Log::B, damage })?;
    // Chained entries have equal heads only where everything before them is equal, too.
    let differing = a.heads.iter().zip(&b.heads).enumerate().find(|(_, (a, b))| a != b);
    match differing {
        Some((0, (a, b))) => return Err(MergeError::OtherCeremony { a: *a, b: *b }),
        Some((seq, (a, b))) => return Err(MergeError::Forked { seq: seq as u64, a: *a, b: *b }),
        None => {}
    }
    let between = |log: &'a [u8], from: usize, to: usize| log.get(from..to).unwrap_or_default();
    Ok(Merged {
        missing_a: between(log_b, a.len, b.len),
        missing_b: between(log_a, b.len, a.len),
        torn_a: between(log_a, a.len, log_a.len()),
        torn_b: between(log_b, b.len, log_b.len()),
        transcript: if a.len < b.len { b } else { a },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Answer, Began, Event};
    use crate::ids::PersonId;
    use crate::public::Octets;
    use crate::samples::{began, chained, script, written};
    use crate::transcript::Wrong;

    fn events(n: u16) -> Vec<Event> {
        let said = (2..n).map(|at| Event::Said(PersonId(at), Answer::Go));
        let begins = [Event::Began(Box::new(began())), Event::Promised(script())];
        begins.into_iter().chain(said).take(usize::from(n)).collect()
    }

    /// A log of `n` entries.
    fn log(n: u16) -> Vec<u8> {
        written(&chained(events(n)))
    }

    fn heads(log: &[u8]) -> Vec<Head> {
        read(log).unwrap().heads
    }

    #[test]
    fn the_longer_log_wins_and_the_other_is_told_what_it_lacks() {
        for (a, b) in [(4, 4), (5, 4), (4, 5), (4, 0), (0, 4), (0, 0)] {
            let (log_a, log_b) = (log(a), log(b));
            let (log_a, log_b) = (if a == 0 { vec![] } else { log_a }, if b == 0 { vec![] } else { log_b });
            let merged = merge(&log_a, &log_b).unwrap();
            assert_eq!(merged.transcript.entries.len(), usize::from(a.max(b)), "{a} {b}");
            assert_eq!([&log_a, merged.missing_a].concat(), [&log_b, merged.missing_b].concat(), "{a} {b}");
            assert!(merged.missing_a.is_empty() || merged.missing_b.is_empty());
            assert!(merged.torn_a.is_empty() && merged.torn_b.is_empty());
        }
    }

    #[test]
    fn a_log_torn_at_any_byte_of_its_last_entry_is_completed_by_the_other() {
        let (whole, two) = (log(3), log(2).len());
        for cut in two + 1..whole.len() {
            let torn = &whole[..cut];
            let merged = merge(torn, &whole).unwrap();
            assert_eq!((merged.torn_a, merged.missing_a), (&whole[two..cut], &whole[two..]));
            assert_eq!((merged.torn_b, merged.missing_b), (&[][..], &[][..]));
            let merged = merge(&whole[..two], torn).unwrap();
            assert_eq!((merged.transcript.entries.len(), merged.torn_b), (2, &whole[two..cut]));
        }
    }

    #[test]
    fn a_fork_names_the_first_differing_entry_and_both_heads() {
        let mut other = events(5);
        other[3] = Event::Said(PersonId(9), Answer::NoObjection);
        let (log_a, log_b) = (log(5), written(&chained(other)));
        let (a, b) = (heads(&log_a)[3], heads(&log_b)[3]);
        assert_eq!(merge(&log_a, &log_b), Err(MergeError::Forked { seq: 3, a, b }));
        assert_eq!(merge(&log_b, &log_a[..log(4).len()]), Err(MergeError::Forked { seq: 3, a: b, b: a }));
    }

    #[test]
    fn logs_of_two_ceremonies_with_one_plan_are_told_apart_by_their_nonce() {
        let mut other = events(3);
        other[0] = Event::Began(Box::new(Began { nonce: Octets([99; 32]), ..began() }));
        let (log_a, log_b) = (log(3), written(&chained(other)));
        let (a, b) = (heads(&log_a)[0], heads(&log_b)[0]);
        assert_eq!(merge(&log_a, &log_b), Err(MergeError::OtherCeremony { a, b }));
    }

    #[test]
    fn a_damaged_log_is_named() {
        let (whole, mut bad) = (log(3), log(3));
        let at = log(1).len();
        bad[at] ^= 0x40;
        for (a, b, log) in [(&bad, &whole, Log::A), (&whole, &bad, Log::B)] {
            let error = merge(a, b).unwrap_err();
            let MergeError::Damaged { log: found, damage: Damage { seq: 1, at: byte, what: Wrong::NotAnEntry { .. } } } =
                error
            else {
                panic!("{error}")
            };
            assert_eq!((found, byte), (log, at));
        }
    }
}
