//! Drives as the kernel lists them: only a device on USB that was let in has a disk, and no other disk is looked for.

use std::io::{Read, Seek};
use std::path::Path;

use conclave_console::drives::Drive;
use conclave_console::drives::fat32::{Fat32, Place, Unfit, identify};
use conclave_console::preflight::medium;
use conclave_console::shown::Shown;
use conclave_console::usb::units::Kind;

use crate::disks::{Disk, Reach, disks};
use crate::medium::open;
use crate::units::kinds;
use crate::usb::{Device, devices};

/// A drive that was let in, with its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stick {
    pub(crate) device: Device,
    pub(crate) disk: Disk,
    /// How many disks the device has: a card reader has several.
    disks: usize,
}

/// Every drive that has a disk with something in it, in the order of ports.
pub(crate) fn sticks(sys: &Path) -> Vec<Stick> {
    let (disks, kinds) = (disks(sys), kinds(sys));
    let of = |port: &str| {
        let there: Vec<&Disk> = disks
            .iter()
            .filter(|disk| disk.reach == Reach::Open(medium::Kind::UsbDisk) && disk.len > 0)
            .filter(|disk| disk.port.as_deref() == Some(port) && kinds.get(port) == Some(&Kind::Disks))
            .collect();
        (there.first().map(|disk| (*disk).clone()), there.len())
    };
    let with_disk = |device: Device| match of(&device.place.port) {
        (Some(disk), disks) => Some(Stick { device, disk, disks }),
        (None, _) => None,
    };
    devices(sys).into_iter().filter_map(with_disk).collect()
}

impl Stick {
    /// Reads the disk's own description.
    pub(crate) fn identified(&self, dev: &Path) -> Result<Fat32, Unfit> {
        match open(dev, &self.disk.name) {
            Ok(mut disk) => self.identified_as(&mut disk),
            Err(error) => Err(Unfit::Unreadable(Shown::new(&error.to_string()))),
        }
    }

    fn identified_as(&self, disk: &mut (impl Read + Seek)) -> Result<Fat32, Unfit> {
        if self.disks > 1 { Err(Unfit::Disks(self.disks)) } else { identify(disk, self.disk.len) }
    }

    /// The drive as the room knows it, holding `found`.
    pub(crate) fn drive(&self, found: Result<Fat32, Unfit>) -> Drive {
        Drive {
            port: Shown::new(&self.device.place.port),
            model: self.disk.model.clone(),
            serial: self.device.serial.clone(),
            len: self.disk.len,
            volume: found.map(|found| found.volume),
        }
    }

    /// The disk or partition that is the volume, by the kernel's name, if the kernel sees it where we do.
    pub(crate) fn node(&self, sys: &Path, place: Place) -> Option<String> {
        let disk = &self.disk.name;
        let Place::Partition { number, start, sectors } = place else { return Some(disk.clone()) };
        let node = format!("{disk}{number}");
        let says = |file: &str| {
            let said = std::fs::read_to_string(sys.join("block").join(disk).join(&node).join(file)).ok()?;
            said.trim().parse::<u64>().ok()
        };
        (says("start") == Some(start) && says("size") == Some(sectors)).then_some(node)
    }

    /// Whether its switch keeps it from being written to.
    pub(crate) fn is_read_only(&self, sys: &Path) -> bool {
        let said = std::fs::read_to_string(sys.join("block").join(&self.disk.name).join("ro"));
        // A disk is not written to unless it says that it may be written.
        said.map_or(true, |said| said.trim() != "0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::{SATA, Tree};
    use crate::usb::tests::{STICK, descriptors};
    use std::fs;
    use std::io::Cursor;

    const AT: &str = "pci0000:00/0000:00:03.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/";

    fn tree(name: &str) -> Tree {
        let tree = Tree::new(name);
        tree.plug("1-1", 1, &descriptors(0, [0x46f4, 1], &[STICK]));
        tree.disk(&format!("{SATA}sda"), "0");
        tree
    }

    #[test]
    fn a_drive_is_the_disk_below_its_port_and_no_internal_one() {
        let tree = tree("stick");
        assert_eq!(sticks(&tree.0), []);
        tree.disk(&format!("{AT}sdb"), "0");
        let [stick] = <[Stick; 1]>::try_from(sticks(&tree.0)).unwrap();
        assert_eq!(stick.disk.name, "sdb");
        let drive = stick.drive(Err(Unfit::NotFormatted));
        assert_eq!((drive.port.as_str(), drive.serial.as_str(), drive.len), ("1-1", "S 1", 1_024));
    }

    #[test]
    fn an_empty_card_reader_is_no_drive_and_one_with_two_cards_is_unfit() {
        let tree = tree("stick-cards");
        tree.disk(&format!("{AT}sdb"), "0");
        fs::write(tree.0.join("block/sdb/size"), "0\n").unwrap();
        assert_eq!(sticks(&tree.0), []);
        for (unit, disk) in [("6:0:0:1", "sdc"), ("6:0:0:2", "sdd")] {
            tree.disk(&format!("{}{disk}", AT.replace("6:0:0:0", unit)), "0");
        }
        let [stick] = <[Stick; 1]>::try_from(sticks(&tree.0)).unwrap();
        assert_eq!(stick.identified_as(&mut Cursor::new([0; 1_024])), Err(Unfit::Disks(2)));
        // A disc in the same device: it is no drive at all.
        tree.disk(&format!("{}sr0", AT.replace("6:0:0:0", "6:0:0:3")), "5");
        assert_eq!(sticks(&tree.0), []);
    }

    #[test]
    fn a_partition_counts_only_where_the_kernel_sees_it_too() {
        let tree = tree("stick-partition");
        tree.disk(&format!("{AT}sdb"), "0");
        let stick = sticks(&tree.0).remove(0);
        let place = |start| Place::Partition { number: 1, start, sectors: 9 };
        assert_eq!(stick.node(&tree.0, Place::Whole).as_deref(), Some("sdb"));
        assert_eq!(stick.node(&tree.0, place(2_048)), None);
        let partition = tree.0.join("block/sdb/sdb1");
        fs::create_dir(&partition).unwrap();
        fs::write(partition.join("start"), "2048\n").unwrap();
        fs::write(partition.join("size"), "9\n").unwrap();
        assert_eq!(stick.node(&tree.0, place(2_048)).as_deref(), Some("sdb1"));
        assert_eq!(stick.node(&tree.0, place(2_049)), None);
    }

    #[test]
    fn only_a_disk_that_says_so_may_be_written() {
        let tree = tree("stick-switch");
        tree.disk(&format!("{AT}sdb"), "0");
        let stick = sticks(&tree.0).remove(0);
        for (said, read_only) in [(None, true), (Some("1\n"), true), (Some("0\n"), false)] {
            if let Some(said) = said {
                fs::write(tree.0.join("block/sdb/ro"), said).unwrap();
            }
            assert_eq!(stick.is_read_only(&tree.0), read_only, "{said:?}");
        }
    }
}
