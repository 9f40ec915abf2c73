//! Hashing a medium, against `sha256sum` of the same bytes.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Instant;

use conclave_medium::{DESCRIPTOR_AT, Seal, SelfCheck, examine};
use conclave_tests::scratch::Scratch;

use crate::{RUNS, median};

/// Bytes of the medium: some twenty times an image, so that starting a process does not count.
const LEN: usize = 160 << 20;

/// Prints the ratio of speeds; both sides read from the page cache.
pub(crate) fn hashing() {
    let scratch = Scratch::new();
    let path = scratch.file("medium");
    let mut image: Vec<u8> = (0..LEN as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    image[DESCRIPTOR_AT as usize..][..7].copy_from_slice(b"\x01CD001\x01");
    Seal::write(&mut image).unwrap();
    fs::write(&path, image).unwrap();
    let timed = |work: &dyn Fn()| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64()
    };
    let ours = || {
        let report = examine(&mut File::open(&path).unwrap(), |_, _| {}).unwrap();
        assert_eq!((report.len, report.self_check), (LEN as u64, SelfCheck::Holds));
    };
    let theirs = || {
        let status = Command::new("sha256sum").arg(&path).stdout(Stdio::null()).status().unwrap();
        assert!(status.success());
    };
    let (ours, theirs): (Vec<f64>, Vec<f64>) = (0..RUNS).map(|_| (timed(&ours), timed(&theirs))).unzip();
    let (ours, theirs) = (median(ours), median(theirs));
    let rate = |seconds: f64| LEN as f64 / 1e6 / seconds;
    println!(
        "figure: hashing a medium, digest and self-check: {:.0} MB/s, sha256sum {:.0} MB/s, ratio {:.2} (bar 0.95)",
        rate(ours),
        rate(theirs),
        theirs / ours
    );
}
