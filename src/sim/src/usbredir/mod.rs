//! usbredir: a token, or any other [`UsbDevice`](crate::usb::UsbDevice), on a USB port of QEMU.
//!
//! [`Host`] turns bytes from QEMU into bytes for QEMU and does no I/O; [`plug`] runs one on a unix socket.

mod host;
mod packet;
mod runner;

pub use host::Host;
pub use packet::PacketError;
pub use runner::{Ended, Plugged, plug};

#[cfg(test)]
mod tests;
