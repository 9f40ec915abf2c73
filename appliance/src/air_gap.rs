//! Every way out is tried, here and now, and the result is shown: nothing is concluded from a configuration file.

use std::fs::{OpenOptions, read_dir, read_to_string};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use conclave_console::preflight::air_gap::{AirGap, Fact, Found, Proof, Unused, Weakness};
use conclave_console::shown::Shown;
use conclave_console::wording::preflight as text;
use nix::errno::Errno;
use nix::libc;

use crate::disks::{Reach, disks};
use crate::entropy;
use crate::laptop::secure_boot;
use crate::{sys, usb};

/// Address families of `linux/socket.h`: none can be opened in a kernel without network code.
const SOCKETS: [(&str, i32); 8] = [
    ("socket INET", libc::AF_INET),
    ("socket INET6", libc::AF_INET6),
    ("socket UNIX", libc::AF_UNIX),
    ("socket NETLINK", libc::AF_NETLINK),
    ("socket PACKET", libc::AF_PACKET),
    ("socket BLUETOOTH", libc::AF_BLUETOOTH),
    ("socket CAN", libc::AF_CAN),
    ("socket VSOCK", libc::AF_VSOCK),
];

/// System calls that would load code, another kernel, or move memory elsewhere.
const CALLS: [(&str, libc::c_long); 11] = [
    ("kexec_load", libc::SYS_kexec_load),
    ("kexec_file_load", libc::SYS_kexec_file_load),
    ("init_module", libc::SYS_init_module),
    ("finit_module", libc::SYS_finit_module),
    ("bpf", libc::SYS_bpf),
    ("swapon", libc::SYS_swapon),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("iopl", libc::SYS_iopl),
    ("ioperm", libc::SYS_ioperm),
    ("modify_ldt", libc::SYS_modify_ldt),
];

/// Paths that must not be in the file system.
const PATHS: [(&str, &str); 14] = [
    ("/sys/class/net", "sys/class/net"),
    ("/proc/net", "proc/net"),
    ("/sys/class/bluetooth", "sys/class/bluetooth"),
    ("/sys/class/ieee80211", "sys/class/ieee80211"),
    ("/sys/class/sound", "sys/class/sound"),
    ("camera, video4linux", "sys/class/video4linux"),
    ("/dev/video0", "dev/video0"),
    ("/dev/mem", "dev/mem"),
    ("/dev/port", "dev/port"),
    ("/proc/kcore", "proc/kcore"),
    ("/proc/modules", "proc/modules"),
    ("/proc/swaps", "proc/swaps"),
    ("/sys/kernel/debug", "sys/kernel/debug"),
    // A kernel that writes no core dumps has no pattern for their names.
    ("core dumps", "proc/sys/kernel/core_pattern"),
];

/// The beginning of the kernel's log entry about the memory that it wipes. Nothing else can be written into the log
/// before it.
const MEMORY: &str = "mem auto-init: ";
const WIPED: &str = "heap free:on";
/// Most entries of the log that are read, and most bytes of one (`CONSOLE_EXT_LOG_MAX` of `linux/printk.h`).
const LOG_ENTRIES_MAX: usize = 65_536;
const LOG_ENTRY_LEN_MAX: usize = 8_192;

/// Most devices of a bus that are looked at.
const DEVICES_MAX: usize = 256;
/// PCI base classes of hardware that could carry data out: network, multimedia, wireless.
const PCI_TELLING: [(&str, &str); 3] = [("0x02", "network card"), ("0x04", "sound, camera"), ("0x0d", "radio")];
/// USB interface classes of the same hardware: audio, communications, video, wireless.
const USB_TELLING: [(&str, &str); 4] =
    [("01", "sound"), ("02", "network on USB"), ("0e", "camera"), ("e0", "radio on USB")];

/// Tries everything.
pub(crate) fn try_all() -> AirGap {
    let root = Path::new("/");
    let sockets = SOCKETS.map(|(tried, family)| Proof { tried, found: judged(sys::socket(family)) });
    let calls = CALLS.map(|(tried, number)| Proof { tried, found: judged(sys::call_without_arguments(number)) });
    let proofs = sockets.into_iter().chain(calls).chain(paths(root)).chain([
        Proof { tried: "memory kept on free", found: kept_on_free(&log(&root.join("dev/kmsg"))) },
        Proof { tried: "not in lockdown", found: open(&lockdown(root)) },
    ]);
    AirGap::Tried {
        proofs: proofs.collect(),
        unused: unused(&root.join("sys")),
        machine: machine(root),
        weak: weaknesses(root),
        scroll: 0,
    }
}

/// Only these errors say that the kernel does not have the thing; every other error says that it is there and refused.
fn judged(tried: Result<(), Errno>) -> Found {
    match tried {
        Err(error @ (Errno::ENOSYS | Errno::EAFNOSUPPORT)) => Found::Absent(Shown::new(&format!("{error:?}"))),
        Ok(()) | Err(_) => Found::Present,
    }
}

fn paths(root: &Path) -> impl Iterator<Item = Proof> {
    PATHS.into_iter().map(|(tried, path)| Proof { tried, found: path_found(&root.join(path)) })
}

fn path_found(path: &Path) -> Found {
    match path.symlink_metadata() {
        Ok(_) => Found::Present,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Found::Absent(Shown::new("no entry")),
        Err(error) => Found::Untried(Shown::new(&error.kind().to_string())),
    }
}

/// The kernel's log as far as it still has it, an entry each.
fn log(path: &Path) -> Vec<String> {
    let Ok(mut log) = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path) else {
        return Vec::new();
    };
    let mut entry = vec![0; LOG_ENTRY_LEN_MAX];
    // Each reading gives one entry, and an error behind the last one; also where older ones were overwritten meanwhile.
    let entries = std::iter::from_fn(|| match log.read(&mut entry) {
        Ok(len) if len > 0 => entry.get(..len).map(|entry| String::from_utf8_lossy(entry).into_owned()),
        Ok(_) | Err(_) => None,
    });
    entries.take(LOG_ENTRIES_MAX).collect()
}

/// Whether memory keeps its content when it is given back, by the kernel's own word.
fn kept_on_free(log: &[String]) -> Found {
    // An entry's own text is behind its numbers; a device's name never begins one.
    let told = log.iter().find_map(|entry| entry.split_once(';')?.1.strip_prefix(MEMORY));
    match told {
        Some(told) if told.contains(WIPED) => Found::Absent(Shown::new("wiped")),
        Some(_) => Found::Present,
        None => Found::Untried(Shown::new("not in the log")),
    }
}

/// Whether the system's administrator could change the kernel or read its memory.
fn open(lockdown: &str) -> Found {
    match lockdown {
        "confidentiality" => Found::Absent(Shown::new(lockdown)),
        "" => Found::Untried(Shown::new("not told")),
        _ => Found::Present,
    }
}

/// Hardware that is there without a driver, and disks that are never opened.
fn unused(sys: &Path) -> Vec<Unused> {
    let read = |path: &Path| read_to_string(path).unwrap_or_default().trim().to_owned();
    let mut unused = Vec::new();
    for device in read_dir(sys.join("bus/pci/devices")).into_iter().flatten().flatten().take(DEVICES_MAX) {
        let class = read(&device.path().join("class"));
        let Some((_, what)) = PCI_TELLING.iter().find(|(base, _)| class.starts_with(base)) else { continue };
        let id = [read(&device.path().join("vendor")), read(&device.path().join("device"))].map(|id| hex(&id));
        let at = device.file_name().to_string_lossy().into_owned();
        unused.push(Unused { what, id: Shown::new(&format!("PCI {} at {at}", id.join(":"))) });
    }
    for device in usb::devices(sys) {
        let at = &device.place.port;
        let directory = sys.join("bus/usb/devices").join(at);
        // Devices that are not let in have no interfaces in sysfs: their descriptors name the interfaces that they
        // would have.
        let mut classes = vec![read(&directory.join("bDeviceClass"))];
        let interfaces = device.descriptors.iter().flat_map(|found| &found.interfaces);
        classes.extend(interfaces.map(|interface| format!("{:02x}", interface.class)));
        let Some((_, what)) = USB_TELLING.iter().find(|(telling, _)| classes.iter().any(|class| class == telling))
        else {
            continue;
        };
        let id = [read(&directory.join("idVendor")), read(&directory.join("idProduct"))].join(":");
        unused.push(Unused { what, id: Shown::new(&format!("USB {id} at {at}")) });
    }
    for disk in disks(sys).into_iter().filter(|disk| disk.reach == Reach::Internal) {
        unused
            .push(Unused { what: "internal disk", id: Shown::new(&format!("{} {}", disk.name, disk.model.as_str())) });
    }
    unused.sort_by(|a, b| (a.what, &a.id).cmp(&(b.what, &b.id)));
    unused
}

fn hex(id: &str) -> String {
    id.strip_prefix("0x").unwrap_or(id).to_owned()
}

/// The level of lockdown in force, which the kernel puts in brackets among all there are.
fn lockdown(root: &Path) -> String {
    let levels = read_to_string(root.join("sys/kernel/security/lockdown")).unwrap_or_default();
    let in_force = levels.trim().split(' ').find_map(|level| level.strip_prefix('[')?.strip_suffix(']'));
    in_force.unwrap_or_default().to_owned()
}

/// IOMMUs the kernel drives.
fn iommus(root: &Path) -> usize {
    read_dir(root.join("sys/class/iommu")).into_iter().flatten().flatten().count()
}

/// Whether the processor says that it is a guest's.
fn is_guest(flags: &str) -> bool {
    flags.split_whitespace().any(|flag| flag == "hypervisor")
}

/// The weaknesses of the machine.
fn weaknesses(root: &Path) -> Vec<Weakness> {
    let cpu = read_to_string(root.join("proc/cpuinfo")).unwrap_or_default();
    let has = |weakness: &Weakness| match weakness {
        Weakness::NoIommu => iommus(root) == 0,
        // A processor that tells nothing is taken for a guest's.
        Weakness::Hypervisor => cpu.is_empty() || is_guest(&cpu),
    };
    Weakness::ALL.into_iter().filter(has).collect()
}

/// The facts that firmware and processor tell about themselves.
fn machine(root: &Path) -> Vec<Fact> {
    let read = |path: &str| read_to_string(root.join(path)).unwrap_or_default().trim().to_owned();
    let cpu = read("proc/cpuinfo");
    let of_cpu = |name: &str| {
        let line = cpu.lines().find(|line| line.split(':').next().is_some_and(|field| field.trim() == name));
        line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let iommus = iommus(root);
    let hypervisor = is_guest(&of_cpu("flags"));
    let dmi = |file: &str| read(&format!("sys/class/dmi/id/{file}"));
    let efi = root.join("sys/firmware/efi").exists();
    [
        ("machine", format!("{} {}", dmi("sys_vendor"), dmi("product_name"))),
        // After a restart it tells whether this is the same laptop.
        ("serial", dmi("product_serial")),
        // The vendor last: a long name is cut, and people compare the version.
        ("firmware", format!("{} {}, {}", if efi { "UEFI" } else { "BIOS" }, dmi("bios_version"), dmi("bios_vendor"))),
        ("Secure Boot", text::secure_boot(secure_boot(&root.join("sys"))).trim_start_matches("Secure Boot: ").into()),
        ("kernel", read("proc/sys/kernel/osrelease")),
        ("lockdown", lockdown(root)),
        ("randomness", entropy::told(&of_cpu("flags"))),
        ("processor", of_cpu("model name")),
        ("microcode", of_cpu("microcode")),
        ("IOMMU", if iommus == 0 { "none: DMA is not restricted".into() } else { format!("{iommus} in use") }),
        ("hypervisor", if hypervisor { "yes: this is no machine of its own".into() } else { "no".into() }),
    ]
    .map(|(what, value)| Fact { what, value: Shown::new(if value.trim().is_empty() { "not told" } else { &value }) })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::{SATA, STICK, Tree};
    use crate::usb::tests::{STICK as STICK_INTERFACE, descriptors};
    use conclave_console::preflight::air_gap::Looked;
    use std::fs;

    fn found(tried: &str) -> Found {
        let AirGap::Tried { proofs, .. } = try_all() else { panic!("everything is tried at once") };
        proofs.into_iter().find(|proof| proof.tried == tried).unwrap_or_else(|| panic!("{tried} is tried")).found
    }

    #[test]
    fn as_many_ways_out_are_tried_as_a_record_that_counts_must_have() {
        let AirGap::Tried { proofs, .. } = try_all() else { panic!("everything is tried at once") };
        assert_eq!(proofs.len(), usize::from(Looked::WAYS_OUT));
    }

    #[test]
    fn on_a_machine_with_a_network_the_probes_say_present_and_the_gap_does_not_hold() {
        // Every kernel that runs tests has these, for every user.
        for tried in [
            "socket INET",
            "socket INET6",
            "socket UNIX",
            "socket NETLINK",
            "socket PACKET",
            "bpf",
            "swapon",
            "io_uring_setup",
            "userfaultfd",
            "modify_ldt",
            "/sys/class/net",
            "/proc/net",
            "/proc/swaps",
            "/sys/kernel/debug",
            "core dumps",
        ] {
            assert_eq!(found(tried), Found::Present, "{tried}");
        }
        assert!(!try_all().holds());
    }

    #[test]
    fn every_path_that_is_there_is_said_to_be_present() {
        let tree = Tree::new("air-gap-paths");
        let says = |found: Found| {
            let all: Vec<_> = paths(&tree.0).filter(|proof| proof.found != found).collect();
            assert_eq!(all, []);
        };
        says(Found::Absent(Shown::new("no entry")));
        for (_, path) in PATHS {
            fs::create_dir_all(tree.0.join(path)).unwrap();
        }
        says(Found::Present);
    }

    #[test]
    fn memory_is_wiped_only_if_the_kernel_says_so_itself() {
        let on = "6,85,0,-;mem auto-init: stack:off, heap alloc:on, heap free:on\n";
        let log = |entries: &[&str]| kept_on_free(&entries.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(log(&["5,0,0,-;Linux\n", on]), Found::Absent(Shown::new("wiped")));
        assert_eq!(log(&[&on.replace("free:on", "free:off"), on]), Found::Present);
        let named = "6,300,0,-;usb 1-1: Product: mem auto-init: heap free:on\n";
        assert_eq!(log(&[named]), Found::Untried(Shown::new("not in the log")));
        assert_eq!(kept_on_free(&super::log(Path::new("/nonexistent"))), Found::Untried(Shown::new("not in the log")));
        let tree = Tree::new("air-gap-log");
        fs::write(tree.0.join("kmsg"), on).unwrap();
        assert_eq!(super::log(&tree.0.join("kmsg")), [on]);
    }

    #[test]
    fn only_a_kernel_that_knows_no_such_thing_makes_it_absent() {
        assert_eq!(judged(Ok(())), Found::Present);
        for refused in [Errno::EPERM, Errno::EINVAL, Errno::EFAULT, Errno::EACCES] {
            assert_eq!(judged(Err(refused)), Found::Present, "{refused}");
        }
        for absent in [Errno::ENOSYS, Errno::EAFNOSUPPORT] {
            assert_eq!(judged(Err(absent)), Found::Absent(Shown::new(&format!("{absent:?}"))));
        }
        // A number no kernel has, and a family none has.
        assert_eq!(judged(sys::call_without_arguments(4095)), Found::Absent(Shown::new("ENOSYS")));
        assert_eq!(judged(sys::socket(44 + 1000)), Found::Absent(Shown::new("EAFNOSUPPORT")));
        assert_eq!(path_found(Path::new("/nonexistent")), Found::Absent(Shown::new("no entry")));
        assert_eq!(path_found(Path::new("/dev/null/mem")), Found::Untried(Shown::new("not a directory")));
    }

    #[test]
    fn hardware_without_driver_and_disks_never_opened_are_named() {
        let tree = Tree::new("air-gap");
        tree.disk(&format!("{SATA}sda"), "0");
        tree.disk(&format!("{STICK}sdb"), "0");
        for (at, class, vendor, device) in [
            ("0000:00:03.0", "0x020000", "0x8086", "0x100e"),
            ("0000:00:02.0", "0x030000", "0x1234", "0x1111"),
            ("0000:00:05.0", "0x0d1100", "0x8086", "0x0a2a"),
        ] {
            let path = tree.0.join("bus/pci/devices").join(at);
            fs::create_dir_all(&path).unwrap();
            for (file, value) in [("class", class), ("vendor", vendor), ("device", device)] {
                fs::write(path.join(file), format!("{value}\n")).unwrap();
            }
        }
        // One that could become another device is known by its own class alone, another one by an interface.
        tree.plug("1-4", 4, b"two configurations");
        tree.usb("1-4", &[("idVendor", b"0525\n"), ("idProduct", b"a4a2\n"), ("bDeviceClass", b"02\n")]);
        tree.plug("1-5", 5, &descriptors(0, [0x1209, 1], &[STICK_INTERFACE]));
        tree.plug("1-6", 6, &descriptors(0xef, [0x1209, 2], &[STICK_INTERFACE, [1, 0x0e, 1, 0]]));
        tree.usb("1-6", &[("idVendor", b"1209\n"), ("idProduct", b"0002\n"), ("bDeviceClass", b"ef\n")]);
        let unused: Vec<String> = unused(&tree.0).iter().map(|one| format!("{}: {}", one.what, one.id)).collect();
        assert_eq!(
            unused,
            [
                "camera: USB 1209:0002 at 1-6",
                "internal disk: sda ACME",
                "network card: PCI 8086:100e at 0000:00:03.0",
                "network on USB: USB 0525:a4a2 at 1-4",
                "radio: PCI 8086:0a2a at 0000:00:05.0"
            ]
        );
    }

    #[test]
    fn only_the_highest_level_of_lockdown_the_one_in_brackets_is_enough() {
        let tree = Tree::new("air-gap-lockdown");
        let at = tree.0.join("sys/kernel/security");
        fs::create_dir_all(&at).unwrap();
        let enough = Found::Absent(Shown::new("confidentiality"));
        for (levels, level, found) in [
            ("none integrity [confidentiality]\n", "confidentiality", enough),
            ("none [integrity] confidentiality\n", "integrity", Found::Present),
            ("[none] integrity confidentiality\n", "none", Found::Present),
            ("", "", Found::Untried(Shown::new("not told"))),
        ] {
            fs::write(at.join("lockdown"), levels).unwrap();
            assert_eq!(lockdown(&tree.0), level);
            assert_eq!(open(&lockdown(&tree.0)), found, "{levels}");
        }
    }

    #[test]
    fn the_serial_of_the_laptop_is_told_and_a_long_vendor_of_the_firmware_does_not_hide_its_version() {
        let tree = Tree::new("air-gap-firmware");
        let dmi = tree.0.join("sys/class/dmi/id");
        fs::create_dir_all(&dmi).unwrap();
        fs::write(dmi.join("bios_vendor"), "American Megatrends International, LLC.\n").unwrap();
        fs::write(dmi.join("bios_version"), "F.12 (07/2024)\n").unwrap();
        fs::write(dmi.join("product_serial"), "5CD1234XYZ\n").unwrap();
        let facts = machine(&tree.0);
        let of = |what| facts.iter().find(|fact| fact.what == what).unwrap().value.to_string();
        assert_eq!(of("firmware"), "BIOS F.12 (07/2024), American Megatre...");
        assert_eq!(of("serial"), "5CD1234XYZ");
    }

    #[test]
    fn a_machine_without_iommu_or_under_a_hypervisor_is_weak_and_one_that_tells_nothing_is_both() {
        let tree = Tree::new("air-gap-weak");
        assert_eq!(weaknesses(&tree.0), Weakness::ALL);
        fs::create_dir_all(tree.0.join("proc")).unwrap();
        let cpu =
            |flags: &str| fs::write(tree.0.join("proc/cpuinfo"), format!("model name\t: x\nflags\t\t: {flags}\n"));
        cpu("fpu hypervisor sse").unwrap();
        fs::create_dir_all(tree.0.join("sys/class/iommu/dmar0")).unwrap();
        assert_eq!(weaknesses(&tree.0), [Weakness::Hypervisor]);
        cpu("fpu sse").unwrap();
        assert_eq!(weaknesses(&tree.0), []);
        fs::remove_dir(tree.0.join("sys/class/iommu/dmar0")).unwrap();
        assert_eq!(weaknesses(&tree.0), [Weakness::NoIommu]);
    }

    #[test]
    fn a_machine_that_tells_nothing_is_said_to_tell_nothing() {
        let facts = machine(Path::new("/nonexistent"));
        assert!(facts.iter().any(|fact| fact.what == "microcode" && fact.value == Shown::new("not told")));
    }
}
