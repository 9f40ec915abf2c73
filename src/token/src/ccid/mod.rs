//! CCID (USB device class 0B, revision 1.1): the reader's descriptor, and the messages on its bulk endpoints.
//!
//! No I/O and no state: bytes in, meaning out, and back.

mod descriptor;
mod message;

pub use descriptor::{Descriptor, DescriptorError, Level, MESSAGE_LEN_MAX, MESSAGE_LEN_MIN, descriptor};
pub use message::{Command, HEADER_LEN, Message, Outcome, Part, announced_len, decode, encode};
