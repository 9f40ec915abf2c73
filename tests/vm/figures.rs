//! Figures of the image on its machine; nothing here passes or fails by one. `scripts/bench machine` runs it after
//! `scripts/image`, and links the other kernel.
#![allow(missing_docs, reason = "a program, not a library")]

use std::path::Path;
use std::time::{Duration, Instant};

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::screen::kernel_tree;
use conclave_tests::vm::walk;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Megabytes of memory between which the least is looked for, and how finely.
const MEMORY_MIB: std::ops::Range<u32> = 32..256;
const MEMORY_STEP_MIB: u32 = 4;
/// How often longer than with plenty of memory the screen may take before it counts as not coming.
const SLOWER_MAX: u32 = 3;
/// How long a screen may take.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);
/// Runs of each side; the median counts.
const RUNS: usize = 5;

fn main() {
    first_screen();
    for (firmware, name, bar) in [(Firmware::Bios, "BIOS", " (bar 128)"), (Firmware::Uefi, "UEFI", "")] {
        let with = |memory_mib: u32, patience| {
            let mut arguments = Drive::Dvd.with(&walk::iso());
            arguments.extend(["-m".into(), memory_mib.to_string()]);
            shown(firmware, &arguments, walk::SOUND, patience)
        };
        let Some(plenty) = with(MEMORY_MIB.end, PATIENCE) else {
            println!("figure: least memory under {name}: the digest was not shown with {} MiB", MEMORY_MIB.end);
            continue;
        };
        let (mut too_little, mut enough) = (MEMORY_MIB.start, MEMORY_MIB.end);
        while enough - too_little > MEMORY_STEP_MIB {
            let middle = (too_little + enough) / 2;
            match with(middle, plenty * SLOWER_MAX) {
                Some(_) => enough = middle,
                None => too_little = middle,
            }
        }
        println!(
            "figure: least memory that shows the digest under {name}: {enough} MiB, {too_little} is too little{bar}"
        );
        println!("figure: from power-on to the digest under {name}, emulated: {:.1} s", plenty.as_secs_f64());
    }
}

/// The image's kernel until the first screen, against the same kernel around an init that writes one word. What comes before
/// the kernel is the same on both sides.
fn first_screen() {
    let until = |kernel: &Path, words: &str| {
        let arguments = ["-kernel".into(), kernel.display().to_string()];
        let before = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        let wall = shown(Firmware::Bios, &arguments, words, PATIENCE).expect("a screen").as_secs_f64();
        let after = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
        let spent = (after.user_time() - before.user_time()) + (after.system_time() - before.system_time());
        (wall, spent.num_microseconds() as f64 / 1e6)
    };
    let kernel = |tree: &str| kernel_tree().join(tree).join("arch/x86/boot/bzImage");
    let runs = || (0..RUNS).map(|_| (until(&kernel("obj"), "CONCLAVE"), until(&kernel("bare"), "BARE")));
    let (ours, bare): (Vec<_>, Vec<_>) = runs().unzip();
    type Side = fn(&(f64, f64)) -> f64;
    for (clock, of) in [("by the wall clock", (|run| run.0) as Side), ("in CPU time of QEMU", |run| run.1)] {
        let (ours, bare) = (median(ours.iter().map(of).collect()), median(bare.iter().map(of).collect()));
        println!(
            "figure: from power-on to the first screen, emulated, {clock}: {ours:.2} s, to a bare init in the same kernel \
             {bare:.2} s, {:.2} s before (bar 0.5 s)",
            ours - bare
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long it takes until these words are shown; `None` if that is more than `patience`.
fn shown(firmware: Firmware, arguments: &[String], words: &str, patience: Duration) -> Option<Duration> {
    let began = Instant::now();
    let mut machine = Machine::start(firmware, arguments);
    while began.elapsed() < patience {
        if machine.screen().iter().any(|line| line.contains(words)) {
            return Some(began.elapsed());
        }
        std::thread::sleep(LOOK);
    }
    None
}
