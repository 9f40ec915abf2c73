//! The common parts of the test targets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, all of it"
)]

pub mod bench;
pub mod card;
pub mod ceremony;
pub mod cpio;
pub mod golden;
pub mod guest;
pub mod opensc;
pub mod png;
pub mod qemu;
pub mod scratch;
pub mod tool;
pub mod vm;
pub mod zoo;
