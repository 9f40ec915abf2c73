//! Drives on USB: their list, their content, and the operations that [`conclave_console::drives`] asks for.
//!
//! A volume is mounted only after its boot sector was found sound, and only where the kernel sees the same volume.
//! Nothing on it is taken for a program or a device.

mod folder;
mod stick;
mod watch;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use conclave_console::drives::{Access, Came, Drive, Listing, Media, Past, Space};
use conclave_console::shown::Shown;
use conclave_console::usb::gate::{Use, judge};
use conclave_publish::FileName;
use nix::mount::{MntFlags, MsFlags, mount, umount, umount2};

use folder::{Folder, io_came};
use stick::{Stick, sticks};
pub(crate) use watch::Watch;

/// Where volumes are mounted, each below the name of its port.
const MOUNTS: &str = "/drives";
/// Names as ASCII whatever the kernel's default, because with UTF-8 capitals would count; times in UTC; owner only.
const OPTIONS: &str = "iocharset=iso8859-1,codepage=437,shortname=mixed,tz=UTC,umask=0077,errors=remount-ro";
/// How long a drive may take to come back: the kernel waits a second before it asks a new disk anything.
const BACK: Duration = Duration::from_secs(30);
/// How long a drive that was pulled out may still be listed after its first error.
const LEAVE: Duration = Duration::from_secs(2);
/// How long the kernel may take to list the partition of a new disk.
const PARTITION: Duration = Duration::from_secs(5);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// The drives of this machine.
pub(crate) struct UsbDrives {
    sys: PathBuf,
    dev: PathBuf,
    mounts: BTreeMap<Shown, Mounted>,
}

struct Mounted {
    folder: Folder,
    access: Access,
    /// Where in the topology its disk is: a drive that is plugged in again gets another place.
    disk: PathBuf,
}

impl UsbDrives {
    pub(crate) fn new() -> Self {
        Self { sys: "/sys".into(), dev: "/dev".into(), mounts: BTreeMap::new() }
    }

    /// Ends every mount, before the machine is switched off.
    pub(crate) fn release_all(&mut self) {
        for port in self.mounts.keys().cloned().collect::<Vec<_>>() {
            // Every file was synced when it was written; there is no person left to tell of the rest.
            let _ = self.unmount(&port);
        }
    }

    fn stick(&self, port: &Shown) -> Result<Stick, Came> {
        let found = sticks(&self.sys).into_iter().find(|stick| stick.device.place.port == port.as_str());
        found.ok_or(Came::Absent)
    }

    /// Does something with a mounted volume. An error of a drive that has been pulled out is told as that.
    fn with<T>(&self, port: &Shown, act: impl FnOnce(&Folder) -> Result<T, Came>) -> Result<T, Came> {
        let mounted = self.mounts.get(port).ok_or(Came::Gone)?;
        act(&mounted.folder).map_err(|came| match came {
            Came::Io(_) | Came::FlushFailed(_) | Came::ReadOnly | Came::NoFile if left(&mounted.disk) => Came::Gone,
            came => came,
        })
    }
}

/// Ends the mounts that an earlier run of the screens left.
pub(crate) fn unmount_left() {
    for left in fs::read_dir(MOUNTS).into_iter().flatten().flatten() {
        // If nothing is mounted there, nothing is ended.
        let _ = umount2(&left.path(), MntFlags::MNT_DETACH);
    }
}

/// Whether a disk leaves the topology; its first error may come before that.
fn left(disk: &Path) -> bool {
    wait(LEAVE, || (!disk.exists()).then_some(())).is_some()
}

/// Looks again and again until there is something, or for as long as is given.
fn wait<T>(most: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if began.elapsed() > most {
            return None;
        }
        sleep(LOOK);
    }
}

impl Media for UsbDrives {
    fn look(&mut self) -> Result<Vec<Drive>, Came> {
        Ok(sticks(&self.sys).into_iter().map(|stick| stick.drive(stick.identified(&self.dev))).collect())
    }

    fn mounted(&mut self, port: &Shown) -> Option<Access> {
        let mounted = self.mounts.get(port)?;
        if mounted.disk.exists() {
            return Some(mounted.access);
        }
        // Nothing can be written back any more.
        let _ = umount2(&mounted.folder.0, MntFlags::MNT_DETACH);
        self.mounts.remove(port);
        None
    }

    fn mount(&mut self, port: &Shown, access: Access) -> Result<(), Came> {
        let stick = self.stick(port)?;
        let place = stick.identified(&self.dev).map_err(Came::Unfit)?.place;
        let node = wait(PARTITION, || stick.node(&self.sys, place))
            .ok_or_else(|| Came::Io(Shown::new("the kernel sees other partitions")))?;
        if access == Access::Write && stick.is_read_only(&self.sys) {
            return Err(Came::ReadOnly);
        }
        let folder = Folder(Path::new(MOUNTS).join(port.as_str()));
        fs::create_dir_all(&folder.0).map_err(io_came)?;
        let inert = MsFlags::MS_NODEV | MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC | MsFlags::MS_NOATIME;
        let flags = if access == Access::Read { inert | MsFlags::MS_RDONLY } else { inert };
        let disk = fs::canonicalize(self.sys.join("block").join(&stick.disk.name)).map_err(io_came)?;
        mount(Some(&self.dev.join(node)), &folder.0, Some("vfat"), flags, Some(OPTIONS))
            .map_err(|errno| io_came(errno.into()))?;
        self.mounts.insert(port.clone(), Mounted { folder, access, disk });
        Ok(())
    }

    fn unmount(&mut self, port: &Shown) -> Result<(), Came> {
        // The end of the mount does not report data that could not be written back; this call does.
        let synced = self.with(port, Folder::write_back);
        let Some(mounted) = self.mounts.remove(port) else { return Err(Came::Gone) };
        umount(&mounted.folder.0).map_err(|errno| io_came(errno.into()))?;
        synced
    }

    fn list(&mut self, port: &Shown) -> Result<Listing, Came> {
        self.with(port, Folder::list)
    }

    fn space(&mut self, port: &Shown) -> Result<Space, Came> {
        self.with(port, Folder::space)
    }

    fn fetch(&mut self, port: &Shown, name: &FileName, at: u64, len: usize, past: Past) -> Result<Vec<u8>, Came> {
        self.with(port, |folder| folder.fetch(name, at, len, past))
    }

    fn create(&mut self, port: &Shown, name: &FileName) -> Result<(), Came> {
        self.with(port, |folder| folder.create(name))
    }

    fn extend(&mut self, port: &Shown, name: &FileName, bytes: &[u8]) -> Result<(), Came> {
        self.with(port, |folder| folder.extend(name, bytes))
    }

    fn shorten(&mut self, port: &Shown, name: &FileName, len: u64) -> Result<(), Came> {
        self.with(port, |folder| folder.shorten(name, len))
    }

    fn rename(&mut self, port: &Shown, from: &FileName, to: &FileName) -> Result<(), Came> {
        self.with(port, |folder| folder.rename(from, to))
    }

    fn sync(&mut self, port: &Shown, name: &FileName) -> Result<(), Came> {
        self.with(port, |folder| folder.sync(name))
    }

    fn replug(&mut self, port: &Shown) -> Result<(), Came> {
        let stick = self.stick(port).map_err(|_| Came::Gone)?;
        let place = &stick.device.place;
        let Use::Storage(interface) = judge(&stick.device.descriptors, &[]) else { return Err(Came::Gone) };
        place.put_out(&self.sys).map_err(io_came)?;
        wait(BACK, || self.stick(port).is_err().then_some(())).ok_or(Came::Gone)?;
        place.let_in(&self.sys, Some(interface)).map_err(io_came)?;
        wait(BACK, || self.stick(port).ok().filter(|back| back.disk.len == stick.disk.len)).ok_or(Came::Gone)?;
        Ok(())
    }
}
