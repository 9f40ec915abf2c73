//! The kernel's randomness.

use std::fs::File;
use std::io::{self, Read};

/// Fills `out` from the kernel's pool.
pub(crate) fn fill(out: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(out)
}

/// `N` bytes from the kernel's pool. For what is no secret: secrets are filled in place.
pub(crate) fn bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut out = [0; N];
    fill(&mut out)?;
    Ok(out)
}
