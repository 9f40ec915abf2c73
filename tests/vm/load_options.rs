//! Options that a boot loader or UEFI hands to the kernel replace neither our init nor our command line.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_tests::cpio::Archive;
use conclave_tests::guest;
use conclave_tests::scratch::Scratch;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::screen::kernel_tree;
use conclave_tests::vm::walk::{SOUND, iso};

/// Only our own init says this: there is no medium, because the kernel was started without one.
const OURS: &str = "No drive carries a Conclave image.";
/// How a kernel is asked for another init in another initramfs. `console` is for the one that obeys.
const OPTIONS: &str = "rdinit=/evil init=/evil console=ttyS0 panic=-1";

/// Bytes of a sector of the medium, where each of its files begins.
const SECTOR_LEN: usize = 2048;

/// The kernel of the image, as a file of its own: the very bytes that are on the medium.
pub(crate) fn our_kernel() -> PathBuf {
    let path = kernel_tree().join("obj/arch/x86/boot/bzImage");
    let (kernel, medium) = (fs::read(&path).unwrap(), fs::read(iso()).unwrap());
    let copies = medium.windows(kernel.len()).step_by(SECTOR_LEN).filter(|window| *window == kernel).count();
    assert_eq!(copies, 1, "one for BIOS and UEFI alike: {} in {}", path.display(), iso().display());
    path
}

/// An initramfs with programs that cannot run: taken for ours, the kernel stops with it.
fn evil() -> Vec<u8> {
    let mut archive = Archive::default();
    for name in ["init", "evil"] {
        archive.file(name, b"not a program".to_vec());
    }
    archive.to_bytes()
}

#[test]
fn an_initramfs_from_a_boot_loader_does_not_replace_ours() {
    let scratch = Scratch::new();
    fs::write(scratch.file("evil"), evil()).unwrap();
    // The kernel is started by QEMU itself, as by a boot loader that hands over more than it should.
    let mut arguments: Vec<String> =
        Drive::Dvd.with(&iso()).iter().map(|word| word.replace(",bootindex=0", "")).collect();
    let evil = scratch.file("evil").display().to_string();
    arguments.extend(["-kernel".into(), our_kernel().display().to_string(), "-initrd".into(), evil]);
    arguments.extend(["-append".into(), OPTIONS.into()]);
    Machine::start(Firmware::Bios, &arguments).wait_for(SOUND);
}

/// A machine; its firmware starts this kernel from a stick, with the options of an attacker.
fn from_the_shell(scratch: &Scratch, kernel: &Path) -> Machine {
    let stick = scratch.file("stick");
    fs::create_dir(&stick).unwrap();
    fs::copy(kernel, stick.join("kernel.efi")).unwrap();
    fs::write(stick.join("evil"), evil()).unwrap();
    let script = format!(
        "for %i in 0 1 2 3\r\n if exist fs%i:\\kernel.efi then\r\n  fs%i:\r\n  kernel.efi initrd=\\evil {OPTIONS}\r\n endif\r\nendfor\r\n"
    );
    fs::write(stick.join("startup.nsh"), script).unwrap();
    let console = scratch.file("console").display().to_string();
    let arguments = [
        "-drive".into(),
        format!("file=fat:{},format=raw,if=none,id=stick,readonly=on", stick.display()),
        "-device".into(),
        "usb-storage,drive=stick,bus=xhci.0".into(),
        "-serial".into(),
        format!("file:{console}"),
    ];
    Machine::start(Firmware::Uefi, &arguments)
}

#[test]
fn uefi_load_options_replace_another_kernels_init_but_not_ours() {
    let obeys = Scratch::new();
    let machine = from_the_shell(&obeys, &guest::kernel().join("vmlinuz"));
    conclave_tests::tool::wait_for("Debian's kernel to try the other init", || {
        let console = fs::read(obeys.file("console")).unwrap_or_default();
        String::from_utf8_lossy(&console).contains("Run /evil as init process")
    });
    drop(machine);
    from_the_shell(&Scratch::new(), &our_kernel()).wait_for(OURS);
}
