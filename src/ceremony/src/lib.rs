//! A key ceremony without its machine: plan, script, step, transcript, verification.
//!
//! Pure: no clock, no randomness, no device. Time and random bytes enter as events.
#![forbid(unsafe_code)]

pub mod act;
pub mod alike;
pub mod ask;
pub mod bundle;
pub mod coalition;
pub mod codes;
pub mod compile;
pub mod entry;
pub mod event;
pub mod facts;
mod guard;
pub mod hands;
pub mod ids;
pub mod judge;
pub mod kind;
mod listed;
pub mod plan;
pub mod public;
pub mod replace;
pub mod resume;
pub mod rules;
pub mod script;
pub mod seen;
pub mod step;

// The record.
pub mod merge;
pub mod say;
pub mod transcript;
pub mod twin;

// Years later.
pub mod verify;

// The player of the tests is written for users of this crate.
#[cfg(test)]
extern crate self as conclave_ceremony;

#[cfg(test)]
mod provoked;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod steps_page;
#[cfg(test)]
mod variants;
