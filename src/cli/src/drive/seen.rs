//! The disks of this computer as sysfs lists them, and which of them are sticks.

use std::fs;
use std::path::{Path, PathBuf};

use conclave_console::shown::{Serial, Shown};

/// Bytes of the sectors sysfs counts in, whatever the disk's are.
const SECTOR: u64 = 512;
/// Bytes a drive of a plan has at least and at most: rule `size`.
const SIZES: std::ops::RangeInclusive<u64> = 34 << 20..=1 << 41;

/// Where this computer tells of its disks; elsewhere in tests.
#[derive(Clone, Debug)]
pub struct Roots {
    /// sysfs.
    pub sys: PathBuf,
    /// The folder of nodes.
    pub dev: PathBuf,
    /// The list of mounts, as /proc/self/mountinfo.
    pub mounts: PathBuf,
}

impl Default for Roots {
    fn default() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into(), mounts: "/proc/self/mountinfo".into() }
    }
}

/// A whole disk.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The kernel's name: `sdb`.
    pub name: String,
    /// The name that it reports.
    pub model: Shown,
    /// Serial of the USB device it is in; empty where that tells none.
    pub serial: Serial,
    /// Units: bytes.
    pub len: u64,
    usb: bool,
    removable: bool,
    read_only: bool,
    /// Disks in the same USB device.
    disks: usize,
    /// Where it is mounted.
    mounted: Option<String>,
}

/// Why a disk is not prepared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPrepared {
    /// It is no disk.
    #[error("{0} is no whole disk of this computer: name one as `conclave drive list` does")]
    NoDisk(String),
    /// It is part of one.
    #[error("{0} is a part of a disk: name the whole one, {1}")]
    Partition(String, String),
    /// It is another kind of disk than a stick.
    #[error("{0} is not on USB: only sticks are prepared")]
    NotUsb(String),
    /// As before.
    #[error("{0} says that it is not removable: only sticks are prepared")]
    NotRemovable(String),
    /// A card reader, or a stick with a disc in it.
    #[error("{0} is one of {1} disks in one device: use a plain stick")]
    Disks(String, usize),
    /// It can never be named by a plan.
    #[error("{0} tells no serial: no plan can name it")]
    NoSerial(String),
    /// It is too small or too large.
    #[error("{0} has {1} bytes: a drive of a plan has 34 MiB to 2 TiB, in whole sectors of 512 bytes")]
    Size(String, u64),
    /// Its switch is set.
    #[error("{0} is write-protected: move its switch")]
    ReadOnly(String),
    /// Something on it is in use.
    #[error("{0} is in use: it is mounted at {1}. Unmount it first")]
    Mounted(String, String),
}

impl Seen {
    /// Why this disk is not prepared, if it is not.
    pub fn unfit(&self) -> Option<NotPrepared> {
        let name = || self.name.clone();
        let reasons = [
            (!self.usb).then(|| NotPrepared::NotUsb(name())),
            (!self.removable).then(|| NotPrepared::NotRemovable(name())),
            (self.disks > 1).then(|| NotPrepared::Disks(name(), self.disks)),
            self.serial.is_empty().then(|| NotPrepared::NoSerial(name())),
            (!SIZES.contains(&self.len) || !self.len.is_multiple_of(SECTOR))
                .then(|| NotPrepared::Size(name(), self.len)),
            self.read_only.then(|| NotPrepared::ReadOnly(name())),
            self.mounted.clone().map(|at| NotPrepared::Mounted(name(), at)),
        ];
        reasons.into_iter().flatten().next()
    }
}

/// Every stick: removable, on USB, with something in it.
pub fn sticks(roots: &Roots) -> Vec<Seen> {
    all(roots).into_iter().filter(|seen| seen.usb && seen.removable && seen.len > 0).collect()
}

/// The disk a person named by its node.
///
/// **Errors**: it is none, or one that is not prepared.
pub fn named(roots: &Roots, node: &Path) -> Result<Seen, NotPrepared> {
    let none = || NotPrepared::NoDisk(node.display().to_string());
    // By link, as below /dev/disk/by-id, the node itself is meant.
    let at = fs::canonicalize(node).map_err(|_| none())?;
    let inside = fs::canonicalize(&roots.dev).map_err(|_| none())?;
    let name = at.strip_prefix(inside).ok().and_then(Path::to_str).ok_or_else(none)?;
    let class = roots.sys.join("class/block").join(name);
    if class.join("partition").exists() {
        let whole = fs::canonicalize(&class).ok().and_then(|at| Some(at.parent()?.file_name()?.to_owned()));
        return Err(whole.map_or_else(none, |whole| {
            NotPrepared::Partition(node.display().to_string(), roots.dev.join(whole).display().to_string())
        }));
    }
    let seen = all(roots).into_iter().find(|seen| seen.name == name).ok_or_else(none)?;
    match seen.unfit() {
        Some(why) => Err(why),
        None => Ok(seen),
    }
}

fn all(roots: &Roots) -> Vec<Seen> {
    let mounts = fs::read_to_string(&roots.mounts).unwrap_or_default();
    let names = fs::read_dir(roots.sys.join("block")).into_iter().flatten().flatten();
    let mut found: Vec<(Option<PathBuf>, Seen)> =
        names.filter_map(|entry| seen(roots, entry.file_name().into_string().ok()?, &mounts)).collect();
    let devices: Vec<_> = found.iter().map(|(device, _)| device.clone()).collect();
    for (device, seen) in &mut found {
        seen.disks = devices.iter().filter(|other| device.is_some() && *other == device).count();
    }
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    found.into_iter().map(|(_, seen)| seen).collect()
}

/// A disk, and the USB device it is in.
fn seen(roots: &Roots, name: String, mounts: &str) -> Option<(Option<PathBuf>, Seen)> {
    let block = roots.sys.join("block").join(&name);
    let said = |file: &str| fs::read_to_string(block.join(file)).unwrap_or_default().trim().to_owned();
    let at = fs::canonicalize(&block).ok()?;
    // The innermost device above that has the numbers of a USB device.
    let device = at.ancestors().find(|above| above.join("idVendor").exists()).map(Path::to_owned);
    let serial = device.as_ref().and_then(|device| fs::read_to_string(device.join("serial")).ok()).unwrap_or_default();
    let numbers: Vec<String> = fs::read_dir(&at)
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("dev"))
        .chain([at.join("dev")])
        .filter_map(|path| fs::read_to_string(path).ok())
        .map(|number| number.trim().to_owned())
        .collect();
    let mounted = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(2);
        let (number, _, at) = (fields.next()?, fields.next()?, fields.next()?);
        numbers.iter().any(|one| one == number).then(|| at.to_owned())
    });
    let seen = Seen {
        model: Shown::new(&[said("device/vendor"), said("device/model")].join(" ")),
        serial: Serial::new(&serial),
        len: said("size").parse::<u64>().ok()?.saturating_mul(SECTOR),
        usb: device.is_some(),
        removable: said("removable") == "1",
        read_only: said("ro") != "0",
        disks: 1,
        mounted,
        name,
    };
    Some((device, seen))
}
