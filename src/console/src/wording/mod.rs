//! The words of every screen, made from typed reasons of the modules below.

pub mod ceremony;
pub mod codes;
pub mod drives;
pub mod edge;
pub mod facts;
pub mod help;
pub mod intake;
pub mod keys;
pub mod plugged;
pub mod preflight;
pub mod usb;
