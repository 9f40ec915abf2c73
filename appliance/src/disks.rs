//! Which disks exist and which may be opened, read from sysfs alone: an internal disk is never opened, whatever it holds.

use std::path::{Component, Path};

use conclave_console::preflight::medium::Kind;
use conclave_console::shown::Shown;

/// Most block devices looked at.
const DISKS_MAX: usize = 64;
/// Bytes of the sectors sysfs counts in, whatever the disk's are.
const SECTOR_LEN: u64 = 512;
/// `device/type` of an optical drive: SCSI peripheral device type 5, MMC.
const OPTICAL_TYPE: &str = "5";

/// A whole disk, by the name the kernel gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    pub(crate) name: String,
    /// The drive's name for itself.
    pub(crate) model: Shown,
    pub(crate) reach: Reach,
    /// The USB port its drive is plugged in at.
    pub(crate) port: Option<String>,
    /// Units: bytes.
    pub(crate) len: u64,
    /// Another one whenever its medium is; 0 where the kernel does not count.
    pub(crate) sequence: u64,
}

/// Whether a disk may be opened. Only its place in the machine decides, never its own words or content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// An optical drive on whatever bus, or any other disk on USB.
    Open(Kind),
    /// Everything else: never opened.
    Internal,
}

/// All whole disks below `sys`, sorted by name.
pub(crate) fn disks(sys: &Path) -> Vec<Disk> {
    let entries = std::fs::read_dir(sys.join("block")).into_iter().flatten().flatten().take(DISKS_MAX);
    let mut disks: Vec<Disk> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let said = |file: &str| std::fs::read_to_string(entry.path().join("device").join(file)).unwrap_or_default();
            let model = Shown::new(&[said("vendor").trim(), said("model").trim()].join(" "));
            // The link leads to the device's place in the topology, below `usbN` exactly if it hangs on a USB bus.
            let at = std::fs::canonicalize(entry.path()).unwrap_or_default();
            let reach = reach(&name, said("type").trim(), &at);
            let number = |file: &str| {
                let said = std::fs::read_to_string(entry.path().join(file)).unwrap_or_default();
                said.trim().parse::<u64>().unwrap_or(0)
            };
            let (len, sequence) = (number("size").saturating_mul(SECTOR_LEN), number("diskseq"));
            Some(Disk { name, model, reach, port: usb_port(&at), len, sequence })
        })
        .collect();
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    disks
}

fn reach(name: &str, kind: &str, at: &Path) -> Reach {
    if name.starts_with("sr") && kind == OPTICAL_TYPE {
        return Reach::Open(Kind::Optical);
    }
    if names(at).any(is_usb_bus) { Reach::Open(Kind::UsbDisk) } else { Reach::Internal }
}

/// The port of the innermost USB device above: below a bus, each device's folder bears the name of its port, and that of
/// its interface the same before a colon.
pub(crate) fn usb_port(at: &Path) -> Option<String> {
    let mut below = names(at).skip_while(|name| !is_usb_bus(name));
    below.find_map(|name| Some(name.split_once(':')?.0.to_owned()))
}

fn names(path: &Path) -> impl Iterator<Item = &str> {
    path.components().filter_map(|component| if let Component::Normal(name) = component { name.to_str() } else { None })
}

fn is_usb_bus(name: &str) -> bool {
    let digits = name.strip_prefix("usb");
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs;
    use std::path::PathBuf;

    /// A tree like sysfs, removed when dropped.
    pub(crate) struct Tree(pub(crate) PathBuf);

    impl Tree {
        pub(crate) fn new(name: &str) -> Self {
            let root = std::env::temp_dir().join(format!("conclave-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("block")).unwrap();
            Self(root)
        }

        /// Adds a disk of the given SCSI type; its device lies at `path` below `devices`.
        pub(crate) fn disk(&self, path: &str, kind: &str) {
            let device = self.0.join("devices").join(path);
            fs::create_dir_all(device.join("device")).unwrap();
            fs::write(device.join("device/type"), format!("{kind}\n")).unwrap();
            fs::write(device.join("device/vendor"), "ACME    \n").unwrap();
            fs::write(device.join("size"), "2\n").unwrap();
            if let Some(unit) =
                device.parent().and_then(Path::parent).filter(|unit| unit.to_string_lossy().matches(':').count() > 3)
            {
                fs::write(unit.join("type"), format!("{kind}\n")).unwrap();
                let units = self.0.join("bus/scsi/devices");
                fs::create_dir_all(&units).unwrap();
                // Another disk of the same unit is there already.
                let _ = std::os::unix::fs::symlink(unit, units.join(unit.file_name().unwrap()));
            }
            let name = device.file_name().unwrap();
            std::os::unix::fs::symlink(&device, self.0.join("block").join(name)).unwrap();
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            // A thread that opens a device may still put a file in while the folder is emptied.
            while self.0.exists() && fs::remove_dir_all(&self.0).is_err() {
                std::thread::yield_now();
            }
        }
    }

    pub(crate) const SATA: &str = "pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/";
    pub(crate) const STICK: &str = "pci0000:00/0000:00:03.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/";

    #[test]
    fn only_optical_drives_and_disks_on_usb_may_be_opened() {
        let tree = Tree::new("disks");
        tree.disk(&format!("{SATA}sda"), "0");
        tree.disk(&format!("{SATA}sr0"), "5");
        tree.disk(&format!("{STICK}sdb"), "0");
        tree.disk(&format!("{STICK}sr1"), "5");
        // Neither a name nor a folder that merely looks like one of ours opens an internal disk.
        tree.disk(&format!("{SATA}sr2"), "0");
        tree.disk(&format!("{SATA}usb/sdc"), "0");
        tree.disk(&format!("{SATA}usb1x/sdd"), "0");
        tree.disk("pci0000:00/0000:00:1d.0/nvme/nvme0/nvme0n1", "0");
        let found = disks(&tree.0);
        let found: Vec<_> = found.iter().map(|disk| (disk.name.as_str(), disk.reach)).collect();
        let (optical, usb, internal) = (Reach::Open(Kind::Optical), Reach::Open(Kind::UsbDisk), Reach::Internal);
        let expected = [
            ("nvme0n1", internal),
            ("sda", internal),
            ("sdb", usb),
            ("sdc", internal),
            ("sdd", internal),
            ("sr0", optical),
            ("sr1", optical),
            ("sr2", internal),
        ];
        assert_eq!(found, expected);
        assert_eq!((disks(&tree.0)[0].model.as_str(), disks(&tree.0)[0].len), ("ACME", 1024));
    }

    #[test]
    fn a_port_is_that_of_the_device_and_not_of_the_hub_above_it() {
        let port = |path: &str| usb_port(Path::new(path));
        assert_eq!(port(&format!("/sys/devices/{STICK}sdb")).as_deref(), Some("1-1"));
        let behind = "/sys/devices/pci0000:00/0000:00:03.0/usb1/1-1/1-1.2/1-1.2:1.0/host7/block/sdc";
        assert_eq!(port(behind).as_deref(), Some("1-1.2"));
        assert_eq!(port(&format!("/sys/devices/{SATA}sda")), None);
    }

    #[test]
    fn a_machine_without_disks_has_none() {
        assert_eq!(disks(Path::new("/nonexistent")), []);
    }
}
