//! Randomness: nothing is drawn before the kernel has gathered enough, and the screen names the sources.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc::O_NONBLOCK;

/// Unlike its neighbour `urandom` it gives nothing before the generator is seeded.
const RANDOM: &str = "/dev/random";

/// Fills `bytes`; waits until the kernel has gathered enough.
pub(crate) fn draw(bytes: &mut [u8]) -> io::Result<()> {
    File::open(RANDOM)?.read_exact(bytes)
}

/// Waits until the kernel has gathered enough; `meanwhile` is done first if that is not so yet.
pub(crate) fn wait(meanwhile: impl FnOnce()) -> io::Result<()> {
    if !is_ready()? {
        meanwhile();
    }
    draw(&mut [0])
}

fn is_ready() -> io::Result<bool> {
    match OpenOptions::new().read(true).custom_flags(O_NONBLOCK).open(RANDOM)?.read_exact(&mut [0]) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether randomness is ready, and its sources, for the facts of the machine. `flags` are the processor's own.
pub(crate) fn told(flags: &str) -> String {
    let state = match is_ready() {
        Ok(true) => "ready",
        Ok(false) => "NOT READY",
        Err(_) => "not told",
    };
    let has = |flag: &str| flags.split(' ').any(|has| has == flag);
    // The kernel of this image credits timing alone; the processor's numbers are mixed in and count nothing.
    let source = match (has("rdrand"), has("rdseed")) {
        (true, true) => "timing; RDRAND, RDSEED mixed in",
        (true, false) => "timing; RDRAND mixed in",
        (false, true) => "timing; RDSEED mixed in",
        (false, false) => "timing only, no RDRAND or RDSEED",
    };
    format!("{state}: {source}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_console::shown::Shown;

    #[test]
    fn the_source_is_told_whole() {
        for (flags, said) in [
            ("fpu rdrand sse rdseed", "ready: timing; RDRAND, RDSEED mixed in"),
            ("fpu rdrand", "ready: timing; RDRAND mixed in"),
            ("rdseed", "ready: timing; RDSEED mixed in"),
            ("fpu rdrandom", "ready: timing only, no RDRAND or RDSEED"),
        ] {
            assert_eq!(Shown::new(&told(flags)).as_str(), said);
        }
    }

    #[test]
    fn a_generator_that_is_ready_is_not_waited_for() {
        wait(|| panic!("this machine started long ago")).unwrap();
        let mut drawn = [0; 32];
        draw(&mut drawn).unwrap();
        assert_ne!(drawn, [0; 32]);
    }
}
