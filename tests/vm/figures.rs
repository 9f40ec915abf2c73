//! Figures of the image on its machine; nothing here passes or fails by one. `scripts/bench machine` runs it after
//! `scripts/image`, and links the other kernel.
#![allow(missing_docs, reason = "a program, not a library")]

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::brought;
use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::room::Room;
use conclave_tests::vm::screen::kernel_tree;
use conclave_tests::vm::walk;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::json;

/// Three tokens, two keys, two custodians.
const PLAN: &[u8] = include_bytes!("../../docs/plans/safire/plan.toml");
/// Megabytes of memory between which the least is looked for, and how finely.
const MEMORY_MIB: std::ops::Range<u32> = 32..256;
const MEMORY_STEP_MIB: u32 = 4;
/// How often longer than with plenty of memory the screen may take before it counts as not coming.
const SLOWER_MAX: u32 = 3;
/// How long a screen may take.
const PATIENCE: Duration = Duration::from_secs(420);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(20);
/// Runs of each side, in turn. The least counts: other work of the processors only adds.
const RUNS: usize = 7;

fn main() {
    first_screen();
    for (firmware, name) in [(Firmware::Bios, "BIOS"), (Firmware::Uefi, "UEFI")] {
        let with = |memory_mib: u32, patience| {
            let mut arguments = Drive::Dvd.with(&walk::iso());
            arguments.extend(["-m".into(), memory_mib.to_string()]);
            shown(firmware, &arguments, walk::SOUND, patience)
        };
        let Some(plenty) = with(MEMORY_MIB.end, PATIENCE) else {
            println!("figure: least memory under {name}: the digest was not shown with {} MiB", MEMORY_MIB.end);
            continue;
        };
        println!("figure: from power-on to the digest under {name}, emulated: {:.1} s", plenty.as_secs_f64());
        let shows = |memory_mib| with(memory_mib, plenty * SLOWER_MAX).is_some();
        let least = least(MEMORY_MIB.start, MEMORY_MIB.end, shows);
        println!("figure: least memory that shows the digest under {name}: {least} MiB");
        if firmware == Firmware::Bios {
            whole_ceremony(least);
        }
    }
}

/// The least memory with which something is so, to [`MEMORY_STEP_MIB`].
fn least(mut too_little: u32, mut enough: u32, is_so: impl Fn(u32) -> bool) -> u32 {
    while enough - too_little > MEMORY_STEP_MIB {
        let middle = (too_little + enough) / 2;
        if is_so(middle) { enough = middle } else { too_little = middle }
    }
    enough
}

/// The least memory that does for a ceremony, looked for from the least that shows the digest: each try takes minutes.
fn whole_ceremony(shows_digest: u32) {
    let bar = Firmware::Bios.memory_mib();
    let least = if closes(shows_digest) { shows_digest } else { least(shows_digest, bar, closes) };
    println!("figure: least memory for a whole ceremony under BIOS: {least} MiB (bar {bar})");
}

/// Whether a whole ceremony is run to its end in this memory; tells the screen otherwise.
fn closes(memory_mib: u32) -> bool {
    let began = Instant::now();
    // The robot's room panics, with its screen, where people would give up.
    let ran = catch_unwind(AssertUnwindSafe(|| {
        let mut room = Room::start(brought(PLAN), Firmware::Bios, memory_mib);
        room.walk_in();
        let mut robot = Robot::new(&room.plan);
        room.play(&mut robot, |_, _, screen| {
            if screen.iter().any(|row| row.contains("HALT.")) {
                println!("{}", screen.join("\n"));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
    }));
    let closed = matches!(ran, Ok(ControlFlow::Continue(())));
    let word = if closed { "is run to its end" } else { "is not run to its end" };
    println!("a ceremony {word} in {memory_mib} MiB, after {} s", began.elapsed().as_secs());
    closed
}

/// The image's kernel until the first screen, against the same kernel around an init that writes one word. The work
/// before the kernel is the same on both sides.
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
        let least = |runs: &[(f64, f64)]| runs.iter().map(of).fold(f64::INFINITY, f64::min);
        let (ours, bare) = (least(&ours), least(&bare));
        println!(
            "figure: from power-on to the first screen, emulated, {clock}: {ours:.2} s, to a bare init in the same kernel \
             {bare:.2} s, {:.2} s before (bar 0.5 s)",
            ours - bare
        );
    }
}

/// How long it takes until these words are shown; `None` if that is more than `patience`, or the machine starts over before.
fn shown(firmware: Firmware, arguments: &[String], words: &str, patience: Duration) -> Option<Duration> {
    let began = Instant::now();
    let stays = ["-action".into(), "shutdown=pause".into()];
    let mut machine = Machine::start(firmware, &[arguments, &stays].concat());
    while began.elapsed() < patience {
        if machine.screen().iter().any(|line| line.contains(words)) {
            return Some(began.elapsed());
        }
        if machine.qmp().execute("query-status", json!({}))["status"] == "shutdown" {
            return None;
        }
        std::thread::sleep(LOOK);
    }
    None
}
