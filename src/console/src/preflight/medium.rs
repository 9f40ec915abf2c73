//! The boot medium: found, hashed over its exact length, checked against the digest it carries.

use conclave_publish::Digest;

use crate::shown::Shown;

/// Where a medium sits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Optical drive or USB disk; nothing else is ever opened.
    pub kind: Kind,
    /// The name that the drive reports.
    pub model: Shown,
    /// The kernel's name, for the instruction how to hash it elsewhere.
    pub node: Shown,
}

/// The kinds of drive a medium is looked for on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// CD or DVD drive.
    Optical,
    /// A disk on USB.
    UsbDisk,
}

/// A medium read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hashed {
    /// Where it sits.
    pub place: Place,
    /// Exact length, as the medium states it.
    ///
    /// Units: bytes.
    pub len: u64,
    /// SHA-256 of exactly that many bytes.
    pub digest: Digest,
    /// Whether the digest it carries of itself agrees.
    pub self_check: SelfCheck,
}

/// The comparison with the digest that a medium carries. It finds damage, not an attack: a person who swapped the
/// medium has changed both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelfCheck {
    /// They agree.
    Holds,
    /// They do not.
    Fails,
}

/// The findings about the medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// Looking; drives take seconds to answer.
    Looking,
    /// No drive carries one.
    Missing {
        /// Drives that were looked at.
        looked_at: Vec<Place>,
    },
    /// More than one: which one this system was started from cannot be told.
    Several(Vec<Place>),
    /// The drive ends before the medium does.
    Truncated {
        /// Where.
        place: Place,
        /// Length it states.
        expected: u64,
        /// Length of the drive.
        found: u64,
    },
    /// The drive could not be read on.
    Unreadable {
        /// Where.
        place: Place,
        /// Bytes read before.
        at: u64,
        /// The message of the system.
        why: Shown,
    },
    /// A drive says it carries a Conclave image, in a form this image does not read.
    Refused {
        /// Where.
        place: Place,
        /// The reason.
        why: &'static str,
    },
    /// Being read.
    Hashing {
        /// Where.
        place: Place,
        /// Bytes read.
        done: u64,
        /// Bytes in all.
        len: u64,
    },
    /// Read.
    Hashed(Hashed),
}

impl Medium {
    /// The digest, if it was read to its end.
    pub fn digest(&self) -> Option<&Digest> {
        if let Self::Hashed(hashed) = self { Some(&hashed.digest) } else { None }
    }

    /// The digest of a medium that held its self-check: only such a one can be challenged and gone on with.
    pub fn sound(&self) -> Option<&Digest> {
        match self {
            Self::Hashed(Hashed { digest, self_check: SelfCheck::Holds, .. }) => Some(digest),
            _ => None,
        }
    }

    /// Whether another look can change anything.
    pub fn may_look_again(&self) -> bool {
        matches!(
            self,
            Self::Missing { .. }
                | Self::Several(_)
                | Self::Truncated { .. }
                | Self::Unreadable { .. }
                | Self::Refused { .. }
        )
    }
}
