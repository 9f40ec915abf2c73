//! Public data as QR symbols on a text console, and as numbered frames where one symbol is too small.
//!
//! Source: ISO/IEC 18004 (symbols), code page 437 (the blocks they are drawn with); the framing is this project's own and
//! described in `docs/formats.md`.

mod assembler;
mod base32;
mod frame;
mod symbol;

pub use assembler::{AssembleError, Assembler, Progress};
pub use frame::{FrameError, frames};
pub use symbol::{Grid, Ink, QrError, Symbol};
