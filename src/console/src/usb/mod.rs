//! The USB gate without its machine: the description of a device, and whether the device is let in.
//!
//! The kernel lets nothing in by itself. Everything here is decided from descriptors, which the device wrote: they say
//! how it would be treated, never its true nature. So only devices that the machine needs are let in, and of each only
//! the one interface that it needs.

pub mod descriptors;
pub mod gate;
pub mod hubs;
pub mod units;
