//! Drives in memory, with a cache that forgets: written bytes that are not synced are lost when the power fails, from
//! any byte on.
//!
//! They imitate a FAT32 volume as Linux mounts it. Names are the same whatever their capitals. A mounted volume shows
//! the files that it was given, whether the drive kept them or not, and unmounting syncs. Every operation is counted,
//! and can fail at any count.

mod stick;

use conclave_console::drives::{Access, Came, Drive, Listing, Media, NAMES_MAX, Past, Space};
use conclave_console::preflight::devices::Port;
use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::hubs::behind;
use conclave_publish::FileName;

use stick::Change;
pub use stick::{Lies, Stick};

/// The fault of one operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It reports an error of the drive, once.
    Io,
    /// If the operation is a sync, the drive reports that it could not keep the bytes it took, and has lost them; else
    /// the next sync does so.
    Flush,
    /// The drive at this port is pulled out; the unsynced changes are lost.
    Yank(Shown),
    /// The drive at this port forgets a file it kept.
    Lose(Shown, FileName),
    /// The power fails: it and everything after it fails until [`MemoryDrives::cut`].
    PowerCut,
}

/// Drives that are plugged into a simulated machine.
#[derive(Clone, Debug, Default)]
pub struct MemoryDrives {
    sticks: Vec<Stick>,
    /// The changes that are not synced, each with its drive, in order.
    unsynced: Vec<(Shown, Change)>,
    ops: u64,
    fault: Option<(u64, Fault)>,
    /// Drives that were pulled out by a fault.
    yanked: Vec<Stick>,
    /// Serials of the drives that are let in; `None`: every drive.
    named: Option<Vec<Serial>>,
    /// Ports of hubs that are shut out.
    shut_out: Vec<Port>,
    dark: bool,
}

impl MemoryDrives {
    /// Plugs a drive in.
    pub fn plug(&mut self, stick: Stick) {
        self.sticks.push(stick);
        self.sticks.sort_by(|a, b| a.drive.port.cmp(&b.drive.port));
    }

    /// Lets in the drives with these serials and no other; with `None`, every drive. A drive on a hub at one of the
    /// ports is not even seen.
    pub fn admit(&mut self, serials: Option<&[Serial]>, shut_out: &[Port]) {
        self.named = serials.map(<[Serial]>::to_vec);
        self.shut_out = shut_out.to_vec();
    }

    /// The drives that are plugged in, except behind a hub that is shut out.
    fn seen(&self) -> impl Iterator<Item = &Drive> {
        let drives = self.sticks.iter().map(|stick| &stick.drive);
        drives.filter(|drive| !self.shut_out.iter().any(|hub| behind(&drive.port, hub)))
    }

    fn lets_in(&self, serial: &Serial) -> bool {
        self.named.as_ref().is_none_or(|named| named.contains(serial))
    }

    /// Port and serial of every drive that is plugged in, whether it is let in or not.
    pub fn in_ports(&self) -> Vec<(Shown, Serial)> {
        self.seen().map(|drive| (drive.port.clone(), drive.serial.clone())).collect()
    }

    /// Pulls out the drive at this port; its unsynced changes are lost.
    pub fn pull(&mut self, port: &Shown) -> Option<Stick> {
        let at = self.sticks.iter().position(|stick| stick.drive.port == *port)?;
        self.unsynced.retain(|(there, _)| there != port);
        let mut stick = self.sticks.remove(at);
        stick.mounted = None;
        Some(stick)
    }

    /// The drive that a fault pulled out at this port.
    pub fn yanked(&mut self, port: &Shown) -> Option<Stick> {
        let at = self.yanked.iter().position(|stick| stick.drive.port == *port)?;
        Some(self.yanked.remove(at))
    }

    /// The drive at this port: its files, and its faults to come.
    pub fn stick(&mut self, port: &Shown) -> Option<&mut Stick> {
        self.sticks.iter_mut().find(|stick| stick.drive.port == *port)
    }

    /// Operations so far: [`Self::fail_at`] counts from the first, which is 0.
    pub fn ops(&self) -> u64 {
        self.ops
    }

    /// Lets operation number `op` fail.
    pub fn fail_at(&mut self, op: u64, fault: Fault) {
        self.fault = Some((op, fault));
    }

    /// Takes back the planned fault. True if it had not happened yet.
    pub fn relent(&mut self) -> bool {
        let ops = self.ops;
        self.fault.take().is_some_and(|(at, _)| at >= ops)
    }

    /// How far a power cut now may have come: [`Self::cut`] can be asked for anything from 0 to this. One for every
    /// byte that was written and not synced, and for every name that was made or changed.
    pub fn unsynced(&self) -> usize {
        self.unsynced.iter().map(|(_, change)| change.weight()).sum()
    }

    /// The power fails and comes back. The first `kept` units of the unsynced changes are there, the write in which
    /// they end is torn, and the rest never was. Nothing is mounted.
    pub fn cut(&mut self, kept: usize) {
        let mut left = kept;
        for (port, change) in core::mem::take(&mut self.unsynced) {
            let change = change.torn(left);
            left -= change.as_ref().map_or(left, Change::weight);
            if let (Some(change), Some(stick)) = (change, self.stick(&port)) {
                stick.keep(change);
            }
        }
        for stick in &mut self.sticks {
            stick.mounted = None;
            stick.late.clear();
        }
        self.fault = None;
        self.dark = false;
    }

    /// Takes the power off all of them, as the machine loses it: everything fails until [`Self::cut`].
    pub fn darken(&mut self) {
        self.dark = true;
    }

    /// Whether the power has failed.
    pub fn dark(&self) -> bool {
        self.dark
    }

    /// Counts an operation, and lets it fail if it is its turn.
    fn count(&mut self) -> Result<(), Came> {
        let op = self.ops;
        self.ops += 1;
        if self.dark {
            return Err(Came::Gone);
        }
        match self.fault.clone() {
            Some((at, fault)) if at == op => match fault {
                Fault::Io => return Err(Came::Io(Shown::new("Input/output error"))),
                Fault::PowerCut => {
                    self.dark = true;
                    return Err(Came::Gone);
                }
                Fault::Yank(port) => {
                    let pulled = self.pull(&port);
                    self.yanked.extend(pulled);
                }
                Fault::Lose(port, name) => drop(self.stick(&port).and_then(|stick| stick.files.remove(&name))),
                Fault::Flush => {}
            },
            _ => {}
        }
        Ok(())
    }

    /// A mounted drive, counting the operation that is for it.
    fn open(&mut self, port: &Shown) -> Result<&mut Stick, Came> {
        self.count()?;
        self.stick(port).filter(|stick| stick.mounted.is_some()).ok_or(Came::Gone)
    }

    /// Adds a change to the cache, if the drive would take it. The change during which the power fails is there, too: how
    /// much of it the drive kept is asked of [`Self::cut`].
    fn change(&mut self, port: &Shown, change: Change) -> Result<(), Came> {
        let counted = self.count();
        if counted.is_err() && self.fault != Some((self.ops - 1, Fault::PowerCut)) {
            return counted;
        }
        let stick = self.stick(port).filter(|stick| stick.mounted.is_some()).ok_or(Came::Gone)?;
        if stick.mounted != Some(Access::Write) {
            return Err(Came::ReadOnly);
        }
        stick.take(change.clone())?;
        self.unsynced.push((port.clone(), change));
        counted
    }

    /// Moves the unsynced changes of this drive onto the drive; with a name, only those of this file.
    fn flush(&mut self, port: &Shown, name: Option<&FileName>) {
        let due = |there: &Shown, change: &Change| there == port && name.is_none_or(|name| change.concerns(name));
        let (due, rest): (Vec<_>, Vec<_>) =
            core::mem::take(&mut self.unsynced).into_iter().partition(|(there, change)| due(there, change));
        self.unsynced = rest;
        if let Some(stick) = self.stick(port) {
            due.into_iter().for_each(|(_, change)| stick.keep(change));
        }
    }

    /// Whether this sync is one that fails; then the drive has lost the changes of the sync.
    fn flush_fails(&mut self, port: &Shown) -> bool {
        let fails = matches!(self.fault, Some((at, Fault::Flush)) if at < self.ops);
        if fails {
            self.fault = None;
            self.unsynced.retain(|(there, _)| there != port);
        }
        fails
    }
}

fn flush_failed() -> Came {
    Came::FlushFailed(Shown::new("Input/output error"))
}

impl Media for MemoryDrives {
    fn look(&mut self) -> Result<Vec<Drive>, Came> {
        self.count()?;
        Ok(self.seen().filter(|drive| self.lets_in(&drive.serial)).cloned().collect())
    }

    fn mounted(&mut self, port: &Shown) -> Option<Access> {
        self.stick(port)?.mounted
    }

    fn mount(&mut self, port: &Shown, access: Access) -> Result<(), Came> {
        self.count()?;
        let stick = self.stick(port).ok_or(Came::Absent)?;
        if access == Access::Write && stick.read_only {
            return Err(Came::ReadOnly);
        }
        stick.mount(access);
        Ok(())
    }

    fn unmount(&mut self, port: &Shown) -> Result<(), Came> {
        self.open(port)?;
        let failed = self.flush_fails(port);
        self.flush(port, None);
        if let Some(stick) = self.stick(port) {
            stick.mounted = None;
        }
        if failed { Err(flush_failed()) } else { Ok(()) }
    }

    fn list(&mut self, port: &Shown) -> Result<Listing, Came> {
        let stick = self.open(port)?;
        let files = stick.cache.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
        let mut names = Listing { files, others: 0 };
        stick.folders.iter().for_each(|folder| names.add(folder.as_bytes(), None));
        if names.files.len() > NAMES_MAX { Err(Came::TooManyNames) } else { Ok(names) }
    }

    fn space(&mut self, port: &Shown) -> Result<Space, Came> {
        Ok(Space { free: self.open(port)?.free(), cluster: stick::CLUSTER })
    }

    fn fetch(&mut self, port: &Shown, name: &FileName, at: u64, len: usize, past: Past) -> Result<Vec<u8>, Came> {
        let stick = self.open(port)?;
        let says;
        let files = match past {
            Past::Nothing => &stick.cache,
            Past::Cache if stick.lies == Lies::Late => {
                says = stick.says();
                &says
            }
            Past::Cache => &stick.files,
        };
        let bytes = files.get(name).map(Vec::as_slice).unwrap_or_default();
        let from = usize::try_from(at).unwrap_or(usize::MAX);
        Ok(bytes.get(from..).unwrap_or_default().iter().take(len).copied().collect())
    }

    fn create(&mut self, port: &Shown, name: &FileName) -> Result<(), Came> {
        self.change(port, Change::Create(name.clone()))
    }

    fn extend(&mut self, port: &Shown, name: &FileName, bytes: &[u8]) -> Result<(), Came> {
        self.change(port, Change::Extend(name.clone(), bytes.to_vec()))
    }

    fn shorten(&mut self, port: &Shown, name: &FileName, len: u64) -> Result<(), Came> {
        self.change(port, Change::Shorten(name.clone(), usize::try_from(len).unwrap_or(usize::MAX)))
    }

    fn rename(&mut self, port: &Shown, from: &FileName, to: &FileName) -> Result<(), Came> {
        self.change(port, Change::Rename(from.clone(), to.clone()))
    }

    fn sync(&mut self, port: &Shown, name: &FileName) -> Result<(), Came> {
        self.open(port)?;
        if self.flush_fails(port) {
            return Err(flush_failed());
        }
        self.flush(port, Some(name));
        Ok(())
    }

    fn replug(&mut self, port: &Shown) -> Result<(), Came> {
        self.count()?;
        self.stick(port).map(drop).ok_or(Came::Gone)
    }
}

#[cfg(test)]
mod tests;
