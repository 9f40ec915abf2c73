//! The commands of `conclave`, one module for each.
//!
//! A library so that a rehearsal on the image has the same terminal, and leaves the same folder, as one without.
#![forbid(unsafe_code)]

mod arrival;
pub mod drive;
pub mod inspect;
pub mod medium;
pub mod names;
pub mod plan;
mod random;
pub mod rehearse;
mod report;
mod said;
mod tokens;
pub mod verify;

pub use said::{Out, ended, err, out, usage};
