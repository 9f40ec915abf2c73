//! Driver for SmartCard-HSM tokens (Nitrokey HSM 2), from the reader's bytes up to proofs, without any I/O.
//!
//! Lowest floor first; no module imports upwards. Nothing here reads a clock, a file, randomness or the environment:
//! bytes, deadlines and random values arrive as arguments.
#![forbid(unsafe_code)]

pub mod curve;
pub mod secret;
pub mod text;
pub mod tlv;

// Bytes on the way to the card.
pub mod apdu;
pub mod atr;
pub mod channel;
pub mod port;

pub mod ccid;
pub mod t1;
// The two joined to a channel.
pub mod link;

// The things that a card tells and keeps.
pub mod object;

pub mod attest;
pub mod chip;
pub mod cvc;
pub mod dkek;
pub mod pkcs15;

// The commands for the card, and their failures.
pub mod command;
pub mod error;

pub mod session;
// The two ways to a proven session, and no other.
pub mod genuine;

#[cfg(test)]
mod scripted;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
