//! The shipped image in QEMU: its screen, its keyboard, and the devices plugged into it.

pub mod machine;
pub mod nbd;
pub mod reader;
pub mod room;
pub mod screen;
pub mod stick;
pub mod walk;
