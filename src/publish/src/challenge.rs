//! The digest challenge: a witness types groups, drawn at random, from a copy the machine does not know.
//!
//! Reading a shown digest aloud can be nodded through; typing groups of one that is still hidden cannot. The design of
//! the challenge is this project's own.

use crate::digest::{Digest, Group};

/// Which groups of a digest a witness is asked for.
///
/// Shape: different positions out of sixteen, ascending, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(Vec<usize>);

impl Challenge {
    /// Groups asked for of a digest that is agreed on: a person who knows nothing of it passes once in 2^96 times.
    pub const GROUPS: usize = 6;

    /// Draws this many groups from randomness that the caller took from the system.
    ///
    /// Each half byte names one of the sixteen groups and is used unless that group is already drawn, so every choice of
    /// the groups is equally likely.
    ///
    /// Errors: `None` if the 64 half bytes name fewer groups. For six groups that happens less than once in 10^25 draws of true
    /// randomness, and always with a source that stands still.
    pub fn draw(groups: usize, random: &[u8; 32]) -> Option<Self> {
        let mut positions = Vec::with_capacity(groups);
        for position in random.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(usize::from) {
            if positions.len() < groups && !positions.contains(&position) {
                positions.push(position);
            }
        }
        positions.sort_unstable();
        (positions.len() == groups).then_some(Self(positions))
    }

    /// The positions asked for, counted from 0: group 0 holds the first four hex digits.
    pub fn positions(&self) -> &[usize] {
        &self.0
    }

    /// The groups of `digest` the witness must type, in the order of [`Self::positions`].
    pub fn groups(&self, digest: &Digest) -> impl Iterator<Item = Group> + use<'_> {
        let groups = digest.groups();
        self.0.iter().filter_map(move |position| groups.get(*position).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_different_groups_are_drawn_and_asked_for_in_order() {
        let mut random = [0; 32];
        random[..5].copy_from_slice(&[0x5A, 0x5A, 0x30, 0xF0, 0x71]);
        let challenge = Challenge::draw(6, &random).unwrap();
        assert_eq!(challenge.positions(), &[0, 3, 5, 7, 10, 15]);
        let digest = Digest::of(b"abc");
        let all = digest.groups();
        assert!(challenge.groups(&digest).eq([0, 3, 5, 7, 10, 15].map(|at| all[at])));
    }

    #[test]
    fn a_source_that_stands_still_is_refused() {
        for groups in [2, 6] {
            assert_eq!(Challenge::draw(groups, &[0; 32]), None);
        }
        assert_eq!(Challenge::draw(6, &[0x5A; 32]), None);
        assert_eq!(Challenge::draw(2, &[0x5A; 32]).unwrap().positions(), &[5, 10]);
    }

    #[test]
    fn every_group_is_drawn_equally_often() {
        // Digests of a counter stand for true randomness. 6000 draws of 6 out of 16 ask for each group 2250 times on
        // average, with a standard deviation of 37.5; five of those are allowed.
        let mut seen = [0_u32; 16];
        for counter in 0..6000_u32 {
            let challenge = Challenge::draw(6, Digest::of(&counter.to_be_bytes()).bytes()).unwrap();
            assert!(challenge.positions().is_sorted_by(|a, b| a < b));
            challenge.positions().iter().for_each(|position| seen[*position] += 1);
        }
        assert!(seen.iter().all(|times| times.abs_diff(2250) < 188), "{seen:?}");
    }
}
