//! The crash world: whole ceremonies in this process, with the power failing wherever it can.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod beside;
mod burnt;
mod cuts;
mod heads;
mod theatre;

/// The smallest ceremony there is, played over and over.
const MINIMAL: &[u8] = include_bytes!("../../docs/plans/minimal/plan.toml");
