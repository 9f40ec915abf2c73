//! An entry of the transcript: one event and the acts it causes, chained to the entry before.

use conclave_publish::Digest;
use serde::{Deserialize, Serialize};

use crate::act::Act;
use crate::event::Event;
use crate::public::Octets;
use crate::script::StepKind;

/// One entry. It is on both log drives before any of its acts is done.
///
/// Shape: fields stand in the order of their encoded names, shorter names first (RFC 8949 §4.2.1), here and in everything an
/// entry holds: they are encoded as declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Place in the transcript, from 0.
    pub seq: u64,
    /// What the machine does because of it.
    pub acts: Vec<Act>,
    /// Which boot, from 1.
    pub boot: u16,
    /// Milliseconds since power-on, which nobody can set.
    pub mono: u64,
    /// SHA-256 of the entry before, as encoded; of nothing for entry 0: zeros.
    pub prev: Octets<32>,
    /// The step that was under way when the event came, by its kind and its subject.
    pub step: StepKind,
    /// Wall clock. Units: seconds since 1970, UTC.
    pub wall: i64,
    /// What happened.
    pub event: Event,
}

/// SHA-256 of the last entry: what witnesses write down.
pub type Head = Digest;
