//! The console without its machine: the state, the changes by key presses, the screen.
//!
//! Nothing here opens a device, reads a clock or draws randomness. Facts arrive as events, orders to the machine leave
//! as acts, and [`view::draw`] reads the state and never changes it.
#![forbid(unsafe_code)]

pub mod ceremony;
pub mod civil;
pub mod drives;
pub mod export;
pub mod field;
pub mod key;
pub mod layout;
pub mod secret_field;
pub mod shown;

pub mod perform;
pub mod ports;
pub mod preflight;
pub mod run;
pub mod usb;
pub mod vault;
pub mod view;
pub mod wording;
