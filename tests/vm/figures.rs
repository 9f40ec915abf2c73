//! Figures of the image on its machine; nothing here passes or fails by one. `scripts/bench` runs it after
//! `scripts/image`.
#![allow(missing_docs, reason = "a program, not a library")]

use std::time::{Duration, Instant};

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::walk;

/// Megabytes of memory between which the least is looked for, and how finely.
const MEMORY_MIB: std::ops::Range<u32> = 32..256;
const MEMORY_STEP_MIB: u32 = 4;
/// How often longer than with plenty of memory the screen may take before it counts as not coming.
const SLOWER_MAX: u32 = 3;

fn main() {
    for (firmware, name, bar) in [(Firmware::Bios, "BIOS", " (bar 128)"), (Firmware::Uefi, "UEFI", "")] {
        let Some(plenty) = first_screen(firmware, MEMORY_MIB.end, Duration::from_secs(420)) else {
            println!("figure: least memory under {name}: the digest was not shown with {} MiB", MEMORY_MIB.end);
            continue;
        };
        let (mut too_little, mut enough) = (MEMORY_MIB.start, MEMORY_MIB.end);
        while enough - too_little > MEMORY_STEP_MIB {
            let middle = (too_little + enough) / 2;
            match first_screen(firmware, middle, plenty * SLOWER_MAX) {
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

/// How long it takes until the digest is shown; `None` if that is more than `patience`.
fn first_screen(firmware: Firmware, memory_mib: u32, patience: Duration) -> Option<Duration> {
    let mut arguments = Drive::Dvd.with(&walk::iso());
    arguments.extend(["-m".into(), memory_mib.to_string()]);
    let began = Instant::now();
    let mut machine = Machine::start(firmware, &arguments);
    while began.elapsed() < patience {
        if machine.screen().iter().any(|line| line.contains(walk::SOUND)) {
            return Some(began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}
