//! Simulated Nitrokey HSM tokens, and drives. Never part of the appliance: a test asks cargo.
#![forbid(unsafe_code)]

pub mod gadget;
pub mod icc;
pub mod memo;
pub mod usb;

// The applet on its memory.
pub mod card;
pub mod fault;
pub mod state;
pub mod token;

// Front ends.
pub mod ccid_device;
pub mod in_process;
pub mod usbredir;
pub mod vpcd;

// The rest of the simulated world.
pub mod world;
