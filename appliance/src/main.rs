//! The only program of the image. As PID 1 it supervises: mounts, quiets the kernel, starts the screens as its child and
//! takes over when they end. It holds no secret and draws one plain screen. The child draws everything else.
//!
//! There is no shell to fall back to: every end is words on the screen or a machine that is off.

mod air_gap;
mod build;
mod clock;
mod devices;
mod disks;
mod drives;
mod entropy;
mod gate;
mod halt;
mod keys;
mod laptop;
mod medium;
mod painter;
mod screen;
mod screens;
mod supervise;
mod sys;
mod tokens;
mod units;
mod usb;

use std::process::ExitCode;

// PID 1 takes over when the screens end: a panic in one of their threads must end all of them, and none may unwind past
// a secret. Tests and development builds catch panics; every other build is for the image.
#[cfg(not(any(panic = "abort", debug_assertions, test)))]
compile_error!("the appliance must abort on panic: build it with --profile appliance, whose panic is \"abort\"");

#[global_allocator]
static WIPING: sys::Wiping = sys::Wiping;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] if std::process::id() == 1 => supervise::supervise(),
        [supervise::SCREENS] => screens::run(),
        _ => {
            eprintln!("conclave-appliance is the init of the Conclave image; it does nothing on an installed system");
            ExitCode::FAILURE
        }
    }
}
