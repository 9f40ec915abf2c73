//! PID 1: makes the machine ready, starts the screens and takes over when they end.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use conclave_console::key::{Key, Press};
use conclave_console::layout::Layout;
use conclave_console::wording::preflight as text;
use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};

use crate::build::build;
use crate::drives;
use crate::entropy;
use crate::halt;
use crate::keys::{Keyboards, Taken};
use crate::usb;

/// Argument that makes this program the screens.
pub(crate) const SCREENS: &str = "screens";
/// Exit code by which the screens ask for power-off.
pub(crate) const POWER_OFF: u8 = 10;

/// This program, as the image names it.
const SELF: &str = "/init";
/// Between two looks at the keyboard.
const LOOK_MS: u16 = 500;

/// File systems of the machine, each with its place and its further permissions.
const MOUNTS: [(&str, &str, MsFlags); 4] = [
    ("proc", "/proc", MsFlags::empty()),
    ("sysfs", "/sys", MsFlags::empty()),
    ("devtmpfs", "/dev", MsFlags::empty()),
    // Tells the state of lockdown; nothing here is to change it.
    ("securityfs", "/sys/kernel/security", MsFlags::MS_RDONLY),
];
/// Settings, and the values they must read as afterwards.
const SETTINGS: [(&str, &str, &str); 2] = [
    // Only a dying kernel may write over the screens.
    ("/proc/sys/kernel/printk", "1 1 1 1", "1\t1\t1\t1"),
    // No process may look into another; the kernel allows no way back.
    ("/proc/sys/kernel/yama/ptrace_scope", "3", "3"),
];

/// Runs until the machine is switched off; PID 1 never returns.
pub(crate) fn supervise() -> ! {
    if let Err(what) = make_ready() {
        not_ready(&what);
    }
    loop {
        match start() {
            Ok(status) if status.code() == Some(POWER_OFF.into()) => power_off(),
            Ok(status) => ended(&how(status)),
            Err(what) => not_ready(&what),
        }
    }
}

/// Runs the screens to their end, each time as on a machine that was just switched on: nothing is mounted and no device is
/// in, whatever an earlier run left.
fn start() -> Result<ExitStatus, String> {
    drives::unmount_left();
    usb::put_all_out(Path::new("/sys"))?;
    // A panic message goes nowhere: nothing may be printed that was not worded for a screen.
    let mut screens = Command::new(SELF);
    screens.arg(SCREENS).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    screens.status().map_err(|error| format!("start the screens: {error}"))
}

/// Says that this machine cannot be used, for good.
fn not_ready(what: &str) -> ! {
    // Without a console there is nothing more to say.
    let _ = halt::show(&halt::not_ready(what), &text::title(&build()));
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

fn make_ready() -> Result<(), String> {
    let harmless = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    for (kind, target, flags) in MOUNTS {
        mount(Some(kind), target, Some(kind), harmless | flags, None::<&str>)
            .map_err(|e| format!("mount {target}: {e}"))?;
    }
    for (path, value, expected) in SETTINGS {
        fs::write(path, value).map_err(|e| format!("write {path}: {e}"))?;
        let found = fs::read_to_string(path).map_err(|e| format!("read {path}: {e}"))?;
        if found.trim() != expected {
            return Err(format!("{path} should read {expected:?} but reads {:?}", found.trim()));
        }
    }
    usb::close(Path::new("/sys"))?;
    set_cad_enabled(false).map_err(|e| format!("switch off Ctrl-Alt-Del: {e}"))?;
    // Before anything draws: addresses of the screens' memory are drawn, too.
    entropy::wait(|| {
        // Without a screen the wait is the same.
        let _ = halt::show(&halt::gathering(), &text::title(&build()));
    })
    .map_err(|e| format!("gather randomness: {e}"))
}

/// Shows the halt screen; returns for a fresh start.
fn ended(how: &str) {
    let mut keys = Keyboards::new(Taken::BuiltIn);
    let (words, title) = (halt::ended(how), text::title(&build()));
    loop {
        // Drawn again and again: the process that ended may have left the console half way through something.
        let shown = halt::show(&words, &title);
        match keys.wait(Layout::Us, LOOK_MS) {
            Ok(Some(Press { key: Key::Char('p' | 'P'), .. })) => power_off(),
            Ok(Some(Press { key: Key::Char('r' | 'R'), .. })) => return,
            Ok(_) => {}
            Err(_) => std::thread::sleep(Duration::from_millis(LOOK_MS.into())),
        }
        drop(shown);
    }
}

fn how(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was stopped by signal {signal}"),
        (None, None) => "ended in an unknown way".into(),
    }
}

fn power_off() -> ! {
    nix::unistd::sync();
    loop {
        // It returns only if it failed; the power button is left then.
        let _ = reboot(RebootMode::RB_POWER_OFF);
        std::thread::sleep(Duration::from_secs(1));
    }
}
