//! The air gap: each proof is tried, here and now, and its result shown.

pub use conclave_ceremony::event::{Looked, Weakness};

use crate::shown::Shown;

/// One way to carry data out, or to let something in, with the result of trying it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The thing tried, in the field's words: `socket AF_INET`, `/dev/mem`.
    pub tried: &'static str,
    /// The result.
    pub found: Found,
}

/// The result of trying a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The kernel has no such thing, and said so by this error or absence.
    Absent(Shown),
    /// It is there: the air gap does not hold.
    Present,
    /// It could not be tried, which proves nothing and therefore holds nothing.
    Untried(Shown),
}

/// A piece of hardware that is there but that no driver of this kernel can use, or a disk that is never opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unused {
    /// Its kind: network card, internal disk, radio.
    pub what: &'static str,
    /// Its bus and id, and the name that it reports.
    pub id: Shown,
}

/// A fact about the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Firmware, kernel, microcode and so on.
    pub what: &'static str,
    /// Its value.
    pub value: Shown,
}

/// The findings about the air gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AirGap {
    /// Being tried.
    Trying,
    /// Tried.
    Tried {
        /// The proofs.
        proofs: Vec<Proof>,
        /// Hardware without driver, disks not opened.
        unused: Vec<Unused>,
        /// The machine.
        machine: Vec<Fact>,
        /// The weaknesses that stand against it in a ceremony that counts.
        weak: Vec<Weakness>,
        /// First line shown.
        scroll: u16,
    },
}

impl AirGap {
    /// Whether every proof was tried and found absent.
    pub fn holds(&self) -> bool {
        match self {
            Self::Trying => false,
            Self::Tried { proofs, .. } => {
                !proofs.is_empty() && proofs.iter().all(|proof| matches!(proof.found, Found::Absent(_)))
            }
        }
    }

    /// The number of the first line shown, and the number of all lines: two proofs on each, then two headings with
    /// their lists.
    pub(super) fn scroll(&mut self) -> Option<(&mut u16, usize)> {
        let Self::Tried { proofs, unused, machine, scroll, .. } = self else { return None };
        Some((scroll, proofs.len().div_ceil(2) + 1 + unused.len().max(1) + 1 + machine.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_holds_only_if_every_proof_was_tried_and_absent() {
        let gap = |found: &[Found]| AirGap::Tried {
            proofs: found.iter().map(|found| Proof { tried: "socket AF_INET", found: found.clone() }).collect(),
            unused: Vec::new(),
            machine: Vec::new(),
            weak: Vec::new(),
            scroll: 0,
        };
        let absent = Found::Absent(Shown::new("ENOSYS"));
        assert!(gap(&[absent.clone(), absent.clone()]).holds());
        assert!(!gap(&[absent.clone(), Found::Present]).holds());
        assert!(!gap(&[absent, Found::Untried(Shown::new("EPERM"))]).holds());
        assert!(!gap(&[]).holds());
        assert!(!AirGap::Trying.holds());
    }
}
