//! Logical units of storage devices: the kind of each, and whether a medium is in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use conclave_console::usb::gate::judge;
use conclave_console::usb::units::{self, Kind};
use nix::errno::Errno;

use crate::disks::{Disk, usb_port};
use crate::gate::token_numbers;
use crate::medium::open;
use crate::usb::{self, Place};

/// Where the kernel lists every unit, with and without a driver.
const UNITS: &str = "bus/scsi/devices";
/// Most of its entries looked at: hosts, targets, units.
const ENTRIES_MAX: usize = 512;
/// Units come one after the other: their list is believed when no new unit came for this long.
const SETTLE: Duration = Duration::from_millis(500);
/// How often the kernel asks a drive whether its medium is still the same.
///
/// **Units**: milliseconds.
const POLL_MS: &str = "1000";
/// Most drives that are asked for a medium at the same moment: one that does not answer keeps its thread.
const ASKING_MAX: usize = 16;

/// The SCSI types of all units by the USB port of their device.
pub(crate) fn types(sys: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for entry in fs::read_dir(sys.join(UNITS)).into_iter().flatten().flatten().take(ENTRIES_MAX) {
        // Hosts and targets have no type.
        let Some(kind) = fs::read_to_string(entry.path().join("type")).ok().and_then(|said| said.trim().parse().ok())
        else {
            continue;
        };
        let at = fs::canonicalize(entry.path()).unwrap_or_default();
        if let Some(port) = usb_port(&at) {
            found.entry(port).or_default().push(kind);
        }
    }
    found.values_mut().for_each(|types| types.sort_unstable());
    found
}

/// The use of each storage device on USB, by its port; a device that is refused is not in the map.
pub(crate) fn kinds(sys: &Path) -> BTreeMap<String, Kind> {
    let types = types(sys);
    let kind = |device: usb::Device| {
        let used = judge(&device.descriptors, &token_numbers());
        let kind = units::judge(used, types.get(&device.place.port).map_or(&[], Vec::as_slice)).ok().flatten()?;
        Some((device.place.port, kind))
    };
    usb::devices(sys).into_iter().filter_map(kind).collect()
}

/// The known state of the units of a device that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Not everything yet.
    Asking,
    /// None of them has a medium.
    Empty,
    /// One of them has, or cannot be asked.
    Medium,
}

/// The units of every device that is in, watched.
pub(crate) struct Units {
    devices: BTreeMap<Place, Device>,
    has_medium: HasMedium,
}

/// Opens a disk of the folder of nodes, and says whether a medium is in it.
pub(crate) type HasMedium = fn(&Path, &str) -> bool;

struct Device {
    types: Vec<u8>,
    since: Instant,
    /// By the names of their disks.
    media: BTreeMap<String, Media>,
}

/// Whether a medium is in a unit, since the kernel last saw it changed.
struct Media {
    sequence: u64,
    asked: Asked,
}

enum Asked {
    Not,
    Asking(Receiver<bool>),
    Is(bool),
}

impl Default for Units {
    fn default() -> Self {
        // Opened, the kernel looks for a medium and learns its length.
        Self::new(|dev, name| !matches!(open(dev, name), Err(error) if is_no_medium(&error)))
    }
}

impl Units {
    pub(crate) fn new(has_medium: HasMedium) -> Self {
        Self { devices: BTreeMap::new(), has_medium }
    }

    /// Forgets devices that are gone or out.
    pub(crate) fn retain(&mut self, is_in: impl Fn(&Place) -> bool) {
        self.devices.retain(|place, _| is_in(place));
    }

    /// The types of a device's units, once no further unit came for a while.
    pub(crate) fn settled(&mut self, place: &Place, types: &[u8]) -> bool {
        let device = self.device(place);
        if device.types != types {
            (device.types, device.since) = (types.to_vec(), Instant::now());
        }
        !types.is_empty() && device.since.elapsed() >= SETTLE
    }

    /// Whether a medium is in one of these disks of a device; never waits for one. `dev` is where their nodes are.
    pub(crate) fn medium(&mut self, place: &Place, disks: &[&Disk], sys: &Path, dev: &Path) -> Known {
        let asking =
            self.devices.values().flat_map(|device| device.media.values()).filter(|media| media.is_asking()).count();
        let mut room = ASKING_MAX.saturating_sub(asking);
        let has_medium = self.has_medium;
        let device = self.device(place);
        device.media.retain(|name, _| disks.iter().any(|disk| disk.name == *name));
        let mut known = if disks.is_empty() { Known::Asking } else { Known::Empty };
        for disk in disks {
            let block = sys.join("block").join(&disk.name);
            let media = device.media.entry(disk.name.clone()).or_insert_with(|| {
                // A drive with a fixed medium does not take the setting.
                let _ = fs::write(block.join("events_poll_msecs"), POLL_MS);
                Media { sequence: disk.sequence, asked: Asked::Not }
            });
            if media.sequence != disk.sequence {
                *media = Media { sequence: disk.sequence, asked: Asked::Not };
            }
            match media.turn(&disk.name, dev, has_medium, &mut room) {
                Some(true) => return Known::Medium,
                Some(false) => {}
                None => known = Known::Asking,
            }
        }
        known
    }

    fn device(&mut self, place: &Place) -> &mut Device {
        self.devices.entry(place.clone()).or_insert_with(|| Device {
            types: Vec::new(),
            since: Instant::now(),
            media: BTreeMap::new(),
        })
    }
}

impl Media {
    fn is_asking(&self) -> bool {
        matches!(self.asked, Asked::Asking(_))
    }

    fn turn(&mut self, name: &str, dev: &Path, has_medium: HasMedium, room: &mut usize) -> Option<bool> {
        match &self.asked {
            Asked::Not if *room > 0 => {
                *room -= 1;
                let (tell, told) = mpsc::channel();
                let (name, dev) = (name.to_owned(), dev.to_owned());
                // The receiver is gone if the drive is gone meanwhile.
                thread::spawn(move || tell.send(has_medium(&dev, &name)).is_ok());
                self.asked = Asked::Asking(told);
            }
            Asked::Not => {}
            Asked::Asking(told) => match told.try_recv() {
                Ok(found) => self.asked = Asked::Is(found),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.asked = Asked::Is(true),
            },
            Asked::Is(found) => return Some(*found),
        }
        None
    }
}

fn is_no_medium(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ENOMEDIUM as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::disks;
    use crate::disks::tests::{SATA, STICK, Tree};
    use crate::usb::tests::descriptors;

    #[test]
    fn units_are_found_by_the_port_of_their_device_and_mixed_ones_are_no_drive() {
        let tree = Tree::new("units");
        tree.plug("1-1", 1, &descriptors(0, [1, 2], &[[0, 8, 6, 0x50]]));
        tree.disk(&format!("{STICK}sdb"), "0");
        tree.disk(&format!("{SATA}sda"), "0");
        assert_eq!(types(&tree.0), BTreeMap::from([("1-1".into(), vec![0])]));
        assert_eq!(kinds(&tree.0), BTreeMap::from([("1-1".into(), Kind::Disks)]));
        let second = STICK.replace("6:0:0:0", "6:0:0:1");
        tree.disk(&format!("{second}sr0"), "5");
        assert_eq!(types(&tree.0)["1-1"], [0, 5]);
        assert_eq!(kinds(&tree.0), BTreeMap::new());
    }

    #[test]
    fn a_disk_is_asked_for_its_medium_again_at_every_change_and_never_waited_for() {
        let tree = Tree::new("units-media");
        tree.plug("1-1", 1, &descriptors(0, [1, 2], &[[0, 8, 6, 0x50]]));
        tree.disk(&format!("{STICK}sdb"), "0");
        let place = usb::devices(&tree.0).remove(0).place;
        let mut units = Units::default();
        let mut known = |dev: &str| {
            let disks = disks(&tree.0);
            let disks: Vec<&Disk> = disks.iter().collect();
            loop {
                match units.medium(&place, &disks, &tree.0, Path::new(dev)) {
                    Known::Asking => thread::yield_now(),
                    known => return known,
                }
            }
        };
        // A drive that cannot be opened for another reason than a missing medium may have a medium.
        assert_eq!(known("/nonexistent"), Known::Medium);
        assert_eq!(fs::read_to_string(tree.0.join("block/sdb/events_poll_msecs")).unwrap(), POLL_MS);
        assert!(is_no_medium(&Errno::ENOMEDIUM.into()) && !is_no_medium(&Errno::EIO.into()));
        fs::write(tree.0.join("block/sdb/diskseq"), "7").unwrap();
        let disks = disks(&tree.0);
        let asked = units.medium(&place, &disks.iter().collect::<Vec<_>>(), &tree.0, Path::new("/nonexistent"));
        assert_eq!(asked, Known::Asking, "it changed");
    }

    #[test]
    fn units_are_believed_when_no_further_one_came_for_a_while() {
        let place = Place { port: "1-1".into(), bus: 1, device: 2 };
        let mut units = Units::default();
        assert!(!units.settled(&place, &[0]));
        while !units.settled(&place, &[0]) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(!units.settled(&place, &[0, 5]), "another unit came");
    }
}
