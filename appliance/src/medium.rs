//! Finds the medium the machine was started from, the one disk, optical or on USB, that carries our seal; and reads it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use conclave_console::preflight::medium::{Hashed, Kind, Medium, Place, SelfCheck};
use conclave_console::shown::Shown;
use conclave_console::usb::units;
use conclave_medium::{ExamineError, SealError, examine, identify};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::devices::Shared;
use crate::disks::{Disk, Reach, disks};
use crate::units::kinds;
use crate::usb::{self, Device};

/// USB disks appear one after the other: the list must stand still this long before it is believed.
const SETTLE: Duration = Duration::from_millis(1500);
/// How long a medium may take to appear before its absence is said.
const APPEAR: Duration = Duration::from_secs(15);
/// Between two looks at the list of disks.
const LOOK: Duration = Duration::from_millis(100);

/// The result of a look at every disk that may be opened.
enum Search {
    /// None carries a seal; these were looked at.
    Missing(Vec<Place>),
    /// The one that does, and its USB port if it has one.
    One(Place, File, Option<String>),
    /// More than one does, readable or not: it cannot be told which of them was started.
    Several(Vec<Place>),
    /// One says it is ours, but in a form we do not read.
    Unreadable(Medium),
}

impl Search {
    fn places(self) -> Vec<Place> {
        match self {
            Self::Missing(places) | Self::Several(places) => places,
            Self::One(place, ..) => vec![place],
            Self::Unreadable(_) => Vec::new(),
        }
    }
}

/// A drive the gate holds back, by its port.
fn waits(device: Device) -> Place {
    Place {
        kind: Kind::UsbDisk,
        model: device.product,
        node: Shown::new(&format!("at USB port {}", device.place.port)),
    }
}

/// Finds the medium among the disks of this machine and reads it, and tells each fact as it becomes known. Before the
/// medium is read, `at` is told which device on USB it is.
pub(crate) fn find(shared: &Shared, at: impl Fn(Option<usb::Place>), mut tell: impl FnMut(Medium)) {
    let (sys, dev) = (Path::new("/sys"), Path::new("/dev"));
    let began = Instant::now();
    let mut seen = disks(sys);
    let mut changed = Instant::now();
    loop {
        let now = disks(sys);
        if now != seen {
            (seen, changed) = (now, Instant::now());
        }
        let waiting = shared.waiting();
        // A drive that answers slowly is not waited for without end.
        if changed.elapsed() >= SETTLE && (waiting.is_some() || began.elapsed() >= APPEAR) {
            let waiting: Vec<Place> = waiting.into_iter().flatten().map(waits).collect();
            let known = match search(&seen, &kinds(sys), |name| open(dev, name)) {
                // A second stick cannot be looked at, and may be the one that was started.
                found if !waiting.is_empty() => Some(Medium::Several([found.places(), waiting].concat())),
                Search::Missing(_) if began.elapsed() < APPEAR => None,
                Search::Missing(looked_at) => Some(Medium::Missing { looked_at }),
                Search::Several(places) => Some(Medium::Several(places)),
                Search::Unreadable(known) => Some(known),
                Search::One(place, mut file, port) => {
                    let of_port = |device: &Device| Some(&device.place.port) == port.as_ref();
                    at(usb::devices(sys).into_iter().find(of_port).map(|device| device.place));
                    Some(read(&place, &mut file, &mut tell))
                }
            };
            if let Some(known) = known {
                return tell(known);
            }
        }
        sleep(LOOK);
    }
}

/// Looks at the disks. Internal disks are never opened, and on USB only those disks are opened whose device is used as
/// its kind: `kinds`, by port.
fn search(
    disks: &[Disk],
    kinds: &BTreeMap<String, units::Kind>,
    mut open: impl FnMut(&str) -> io::Result<File>,
) -> Search {
    let mut looked_at = Vec::new();
    let mut ours = Vec::new();
    for disk in disks {
        let Reach::Open(kind) = disk.reach else { continue };
        let wanted = match kind {
            Kind::Optical => units::Kind::Optical,
            Kind::UsbDisk => units::Kind::Disks,
        };
        if disk.port.as_ref().is_some_and(|port| kinds.get(port) != Some(&wanted)) {
            continue;
        }
        let node = Shown::new(&format!("/dev/{}", disk.name));
        let place = Place { kind, model: disk.model.clone(), node };
        looked_at.push(place.clone());
        // An empty drive, a card reader without a card: nothing to look at.
        let Ok(mut file) = open(&disk.name) else { continue };
        match identify(&mut file) {
            Ok(_) => ours.push((place, Ok((file, disk.port.clone())))),
            Err(ExamineError::Seal(SealError::NotIso | SealError::NotOurs)) => {}
            Err(ExamineError::Seal(error)) => ours.push((place, Err(error))),
            Err(_) => {}
        }
    }
    if ours.len() > 1 {
        return Search::Several(ours.into_iter().map(|(place, _)| place).collect());
    }
    match ours.pop() {
        None => Search::Missing(looked_at),
        Some((place, Ok((file, port)))) => Search::One(place, file, port),
        Some((place, Err(error))) => Search::Unreadable(failed(place, &ExamineError::Seal(error))),
    }
}

/// Reads a medium to the end its seal names, telling how far it is.
fn read(place: &Place, medium: &mut (impl Read + Seek), mut tell: impl FnMut(Medium)) -> Medium {
    let progress = |done, len| tell(Medium::Hashing { place: place.clone(), done, len });
    match examine(medium, progress) {
        Ok(report) => Medium::Hashed(Hashed {
            place: place.clone(),
            len: report.len,
            digest: report.digest,
            self_check: match report.self_check {
                conclave_medium::SelfCheck::Holds => SelfCheck::Holds,
                conclave_medium::SelfCheck::Fails => SelfCheck::Fails,
            },
        }),
        Err(error) => failed(place.clone(), &error),
    }
}

fn failed(place: Place, error: &ExamineError) -> Medium {
    match error {
        ExamineError::Truncated { want, got } => Medium::Truncated { place, expected: *want, found: *got },
        ExamineError::Read { at, source } => {
            Medium::Unreadable { place, at: *at, why: Shown::new(&source.to_string()) }
        }
        ExamineError::Seal(SealError::Version) => Medium::Refused { place, why: "of another layout version" },
        ExamineError::Seal(SealError::Length(_)) => {
            Medium::Refused { place, why: "its seal states an impossible length" }
        }
        _ => Medium::Refused { place, why: "its seal is damaged" },
    }
}

/// Opens a block device for reading, and nothing that only bears its name.
pub(crate) fn open(dev: &Path, name: &str) -> io::Result<File> {
    let file = File::open(dev.join(name))?;
    if !file.metadata()?.file_type().is_block_device() {
        return Err(io::Error::other("not a block device"));
    }
    // No read-ahead: nothing beyond the length in the seal is read, where a disc may have no readable sector.
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_RANDOM)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::*;
    use crate::usb::tests::descriptors;
    use conclave_medium::{DESCRIPTOR_AT, FIELD_AT, Seal};
    use std::fs;

    /// An image with a correct seal, as long as can be hashed at once.
    fn image() -> Vec<u8> {
        let mut image = vec![7; 40_960];
        image[DESCRIPTOR_AT as usize..][..7].copy_from_slice(b"\x01CD001\x01");
        Seal::write(&mut image).unwrap();
        image
    }

    fn check(name: &str, devices: &[(&str, &str, Vec<u8>)]) -> (String, Vec<String>) {
        let tree = Tree::new(name);
        tree.plug("1-1", 1, &descriptors(0, [1, 2], &[[0, 8, 6, 0x50]]));
        for (path, kind, bytes) in devices {
            tree.disk(path, kind);
            fs::write(tree.0.join(path.rsplit('/').next().unwrap()), bytes).unwrap();
        }
        let mut opened = Vec::new();
        let found = search(&disks(&tree.0), &kinds(&tree.0), |name| {
            opened.push(name.to_string());
            File::open(tree.0.join(name))
        });
        let nodes =
            |places: Vec<Place>| places.iter().map(|place| place.node.to_string()).collect::<Vec<_>>().join(" ");
        let found = match found {
            Search::Missing(looked_at) => format!("none of [{}]", nodes(looked_at)),
            Search::One(place, ..) => nodes(vec![place]),
            Search::Several(places) => nodes(places),
            Search::Unreadable(Medium::Refused { place, why }) => format!("{}: {why}", place.node),
            Search::Unreadable(_) => unreachable!("no other form"),
        };
        (found, opened)
    }

    fn sata(name: &str) -> String {
        format!("{SATA}{name}")
    }

    fn stick(name: &str) -> String {
        format!("{STICK}{name}")
    }

    #[test]
    fn an_internal_disk_that_carries_our_seal_is_not_even_opened() {
        let (found, opened) = check("internal", &[(&sata("sda"), "0", image()), (&stick("sdb"), "0", image())]);
        assert_eq!((found.as_str(), opened), ("/dev/sdb", vec!["sdb".to_string()]));
    }

    #[test]
    fn the_one_medium_is_found_among_disks_that_are_not_ours() {
        let other = vec![0; 40_960];
        let devices =
            [(&*sata("sr0"), "5", image()), (&*stick("sdb"), "0", other), (&*stick("sdc"), "0", b"short".to_vec())];
        assert_eq!(check("among", &devices).0, "/dev/sr0");
    }

    #[test]
    fn two_media_are_named_both() {
        assert_eq!(check("two", &[(&sata("sr0"), "5", image()), (&stick("sdb"), "0", image())]).0, "/dev/sdb /dev/sr0");
    }

    #[test]
    fn an_optical_drive_on_usb_is_looked_at_and_a_disk_behind_one_is_not() {
        let second = STICK.replace("6:0:0:0", "6:0:0:1");
        let (optical, disk) = (stick("sr1"), format!("{second}sdb"));
        assert_eq!(check("usb-optical", &[(&optical, "5", image())]).0, "/dev/sr1");
        let (found, opened) = check("usb-mixed", &[(&optical, "5", image()), (&disk, "0", image())]);
        assert_eq!((found.as_str(), opened), ("none of []", vec![]));
    }

    #[test]
    fn no_medium_is_none() {
        let devices = [(&*sata("sda"), "0", image()), (&*stick("sdb"), "0", vec![0; 40_960])];
        assert_eq!(check("no", &devices).0, "none of [/dev/sdb]");
    }

    #[test]
    fn a_medium_of_another_layout_version_is_said_to_be_one() {
        let mut newer = image();
        newer[FIELD_AT as usize + 13] = b'2';
        assert_eq!(check("newer", &[(&stick("sdb"), "0", newer.clone())]).0, "/dev/sdb: of another layout version");
        let devices = [(&*stick("sdb"), "0", newer), (&*sata("sr0"), "5", image())];
        assert_eq!(check("newer-two", &devices).0, "/dev/sdb /dev/sr0");
    }

    #[test]
    fn a_medium_is_read_to_its_end_or_told_why_not() {
        let place = || Place { kind: Kind::Optical, model: Shown::new("DVD"), node: Shown::new("/dev/sr0") };
        let check = |bytes: Vec<u8>| read(&place(), &mut io::Cursor::new(bytes), |_| {});
        let digest = conclave_publish::Digest::of(&image());
        assert_eq!(check(image()).sound(), Some(&digest));
        let mut flipped = image();
        flipped[40_000] ^= 1;
        let known = check(flipped);
        assert!(known.sound().is_none() && known.digest().is_some());
        let short = image()[..40_959].to_vec();
        assert_eq!(check(short), Medium::Truncated { place: place(), expected: 40_960, found: 40_959 });
        let mut malformed = image();
        malformed[FIELD_AT as usize + 15] = b'x';
        assert_eq!(check(malformed), Medium::Refused { place: place(), why: "its seal is damaged" });
    }

    #[test]
    fn a_file_that_only_bears_a_disks_name_is_refused() {
        let tree = Tree::new("file");
        fs::write(tree.0.join("sdb"), image()).unwrap();
        assert_eq!(open(&tree.0, "sdb").unwrap_err().to_string(), "not a block device");
    }
}
