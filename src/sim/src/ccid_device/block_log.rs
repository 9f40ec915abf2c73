//! Which T=1 blocks passed: how a test sees that a chain was a chain.

use std::sync::{Arc, Mutex, PoisonError};

/// Blocks kept; later blocks are not recorded.
const BLOCKS_MAX: usize = 1 << 16;

/// The sender of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The host's driver.
    Host,
    /// The card.
    Card,
}

/// A block that passed the contacts. Its INF is not kept: it may be a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// The sender.
    pub from: Side,
    /// Its PCB; 0 if it was too short to have one.
    pub pcb: u8,
    /// Bytes of the whole block.
    pub len: usize,
}

impl Passed {
    /// An I-block that is not the last of its chain.
    pub fn is_chained(self) -> bool {
        self.pcb & 0xa0 == 0x20
    }
}

/// The blocks of one card since it was made. Clones see the same record.
#[derive(Clone, Debug, Default)]
pub struct BlockLog(Arc<Mutex<Vec<Passed>>>);

impl BlockLog {
    /// The blocks that have passed so far.
    pub fn blocks(&self) -> Vec<Passed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn note(&self, from: Side, block: &[u8]) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if blocks.len() < BLOCKS_MAX {
            blocks.push(Passed { from, pcb: block.get(1).copied().unwrap_or(0), len: block.len() });
        }
    }
}
