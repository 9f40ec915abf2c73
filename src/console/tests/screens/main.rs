//! Every screen as people see it, at the smallest size and at a large one: compared with the golden files, and asked
//! besides for role, instruction, and the digests and serials that must or must not be there.
//!
//! `CONCLAVE_BLESS=1 cargo test -p conclave-console --test screens` rewrites the golden files; review the difference.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod fixtures;
// One comparison for the golden files of all crates.
#[allow(unreachable_pub, reason = "public in the crate that it is a module of")]
#[path = "../../../../tests/support/golden.rs"]
mod golden;
mod intake;
mod keyboards;
mod looks;
mod medium;
mod over;
mod walk;
