//! The kernel's randomness.

use std::fs::File;
use std::io::{self, Read};

/// `N` bytes from the kernel's pool: seeds of simulated tokens and worlds, with secrets that are worth nothing, and the
/// key of one chip authentication.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut out = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut out)?;
    Ok(out)
}
