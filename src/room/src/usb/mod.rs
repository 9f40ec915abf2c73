//! The USB gate without its machine: what a device says it is, and whether it is let in.
//!
//! The kernel lets nothing in by itself. Everything here is decided from descriptors, which the device wrote: they say
//! how it would be treated, never what it is. So only what the machine needs is let in, and of that only the one
//! interface it needs.

pub mod descriptors;
pub mod gate;
pub mod hubs;
pub mod units;
