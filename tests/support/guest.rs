//! Debian in a machine: its kernel, its pcscd with libccid, its OpenSC, and a shell that runs the commands of the
//! test.
//!
//! The kernel comes from the cache that `scripts/fetch-guest` fills, everything else from the packages installed here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::cpio::Archive;
use crate::qemu::{Machine, Parts, Serial};
use crate::scratch::Scratch;
use crate::tool::{PATIENCE, Ran, cached, require};

/// Machines share two cores with everything else that is tested: one at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Programs, with the Debian package each comes from.
const PROGRAMS: [(&str, &str); 7] = [
    ("pcscd", "/usr/sbin/pcscd"),
    ("opensc", "/usr/bin/opensc-tool"),
    ("opensc", "/usr/bin/sc-hsm-tool"),
    ("opensc", "/usr/bin/pkcs11-tool"),
    ("opensc", "/usr/bin/pkcs15-tool"),
    ("opensc-pkcs11", "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"),
    ("libccid", "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Linux/libccid.so"),
];

/// Files, and libraries that are opened by name only. Without libgcc_s pcscd aborts when it ends a client's thread.
const FILES: [(&str, &str); 6] = [
    ("libccid", "/usr/lib/pcsc/drivers/ifd-ccid.bundle/Contents/Info.plist"),
    ("libpcsclite1", "/usr/lib/x86_64-linux-gnu/libpcsclite.so.1"),
    ("libgcc-s1", "/lib/x86_64-linux-gnu/libgcc_s.so.1"),
    ("opensc", "/etc/opensc/opensc.conf"),
    ("opensc", "/usr/share/opensc/pkcs15.profile"),
    ("opensc", "/usr/share/opensc/sc-hsm.profile"),
];

/// Since Debian 13, libpcsclite opens the library that does its work by name.
const PCSCLITE_REAL: &str = "/usr/lib/x86_64-linux-gnu/libpcsclite_real.so.1";

/// Process 1 loads the USB modules, then a child of it runs each line of the second serial line and marks where its
/// output ends. A child, because busybox's `read` begins again when an orphan's end interrupts it, and the part of the
/// line it had read is lost: orphans go to process 1, which only waits.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/bin HOME=/tmp
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
while read -r module; do insmod "/modules/$module"; done </modules/modules
(
    stty raw -echo
    printf '\001ready\n'
    while read -r number line; do
        (eval "$line") </dev/null 2>&1
        printf '\001%s %s\n' "$number" "$?"
    done
) </dev/ttyS1 >/dev/ttyS1 2>&1
poweroff -f
"#;

/// A running guest.
#[derive(Debug)]
pub struct Guest {
    machine: Machine,
    shell: Serial,
    commands: u32,
    // After the machine, which reads from it.
    _initramfs: Scratch,
    _turn: MutexGuard<'static, ()>,
}

impl Guest {
    /// Boots Debian with this many USB ports, and with these programs of ours in its path.
    ///
    /// Panics: with the package or the script that brings the missing part.
    pub fn boot(usb_ports: usize, programs: &[&Path]) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let kernel = kernel();
        let initramfs = Scratch::new();
        fs::write(initramfs.file("initramfs"), archive(&kernel, programs).to_bytes()).unwrap();
        let parts = Parts { memory_mib: 512, usb_ports, serial_lines: 1 };
        let [kernel, initrd] = [kernel.join("vmlinuz"), initramfs.file("initramfs")].map(PathBuf::into_os_string);
        let append = "console=ttyS0 rdinit=/init panic=-1 quiet".into();
        let machine =
            Machine::start(parts, ["-kernel".into(), kernel, "-initrd".into(), initrd, "-append".into(), append]);
        let mut shell = machine.serial(0);
        if let Err(said) = shell.read_until(b"\x01ready\n", PATIENCE) {
            panic!("the guest did not start: {}\n{}", String::from_utf8_lossy(&said), machine.console());
        }
        Self { machine, shell, commands: 0, _initramfs: initramfs, _turn: turn }
    }

    /// The machine it runs in.
    pub fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    /// Runs one line of shell. Standard error comes with standard output.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Ran {
        assert!(!line.contains('\n'), "one line");
        self.commands += 1;
        self.shell.write(format!("{} {line}\n", self.commands).as_bytes());
        let ran = self.shell.read_until(format!("\x01{} ", self.commands).as_bytes(), PATIENCE);
        let out = match ran {
            Ok(out) => String::from_utf8_lossy(&out).into_owned(),
            Err(said) => {
                panic!("{line}: no end, but {:?}\n{}", String::from_utf8_lossy(&said), self.machine.console())
            }
        };
        let code = self.shell.read_until(b"\n", PATIENCE).unwrap();
        Ran { out, err: String::new(), zero: code == b"0" }
    }

    /// Runs one line of shell again until its output contains `text`.
    #[track_caller]
    pub fn run_until(&mut self, line: &str, text: &str) -> Ran {
        let start = Instant::now();
        loop {
            let ran = self.run(line);
            if ran.out.contains(text) {
                return ran;
            }
            assert!(start.elapsed() < PATIENCE, "{line}: waited for {text:?}, last {ran:#?}");
        }
    }

    /// A file of the guest.
    #[track_caller]
    pub fn read_file(&mut self, path: &str) -> Vec<u8> {
        let ran = self.run(&format!("od -An -v -tx1 {path}"));
        assert!(ran.zero, "{path}: {}", ran.out);
        ran.out.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    /// Powers the guest off and waits until the machine says so.
    pub fn power_off(mut self) {
        self.commands += 1;
        self.shell.write(format!("{} poweroff -f\n", self.commands).as_bytes());
        assert_eq!(self.machine.qmp().event("SHUTDOWN")["data"]["guest"], true);
    }
}

/// Debian's kernel and the modules it needs here, as fetched and checked against their digests.
///
/// Panics: with the script that fetches it.
pub fn kernel() -> PathBuf {
    let kernel = cached("guest/current", "scripts/fetch-guest");
    let checked =
        Command::new("sha256sum").args(["--quiet", "-c", "SHA256SUMS"]).current_dir(&kernel).output().unwrap();
    assert!(checked.status.success(), "{} is damaged: remove it and run scripts/fetch-guest", kernel.display());
    kernel
}

fn archive(kernel: &Path, programs: &[&Path]) -> Archive {
    require("busybox-static", "/bin/busybox");
    let mut archive = Archive::default();
    archive.file("init", INIT.into());
    archive.file("usr/bin/busybox", fs::read("/bin/busybox").unwrap());
    // As on every Debian since 12.
    for name in ["bin", "sbin", "lib", "lib64"] {
        archive.link(name, &format!("usr/{name}"));
    }
    for name in ["dev", "proc", "sys", "tmp", "run/pcscd", "usr/sbin"] {
        archive.directory(name);
    }
    for name in fs::read_dir(kernel).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        if name.ends_with(".ko") || name == "modules" {
            archive.file(&format!("modules/{name}"), fs::read(kernel.join(&name)).unwrap());
        }
    }
    let mut files = BTreeSet::new();
    for (package, path) in PROGRAMS {
        require(package, path);
        files.insert(PathBuf::from(path));
        files.extend(libraries(path));
    }
    for program in programs {
        let name = program.file_name().unwrap().to_str().unwrap();
        archive.file(&format!("usr/bin/{name}"), fs::read(program).unwrap());
        files.extend(libraries(program.to_str().unwrap()));
    }
    for (package, path) in FILES {
        require(package, path);
        files.insert(PathBuf::from(path));
    }
    files.extend(Some(PathBuf::from(PCSCLITE_REAL)).filter(|file| file.exists()));
    for file in files {
        // By the name it is looked for, in the directory that name leads to.
        let place = file.parent().unwrap().canonicalize().unwrap().join(file.file_name().unwrap());
        archive.file(place.to_str().unwrap().trim_start_matches('/'), fs::read(&file).unwrap());
    }
    archive
}

/// The libraries a program is linked to, with theirs.
fn libraries(program: &str) -> Vec<PathBuf> {
    let listed = Command::new("ldd").arg(program).output().expect("ldd of libc-bin");
    let listed = String::from_utf8(listed.stdout).unwrap();
    // "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" or "/lib64/ld-linux-x86-64.so.2 (0x...)".
    listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
