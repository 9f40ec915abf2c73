//! The content of drives, read by a thread for each, so that a slow drive holds up no other.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use conclave_console::drives::Drive;
use conclave_console::drives::fat32::{Fat32, Unfit};
use conclave_console::shown::Shown;

use super::stick::{Stick, sticks};
use crate::usb::{Device, Place};

/// Most drives that are being read at the same moment: one that does not answer keeps its thread.
const READING_MAX: usize = 16;

/// The known content of each drive that is plugged in. A drive is read once when it comes, and again when its medium is
/// another.
#[derive(Default)]
pub(crate) struct Watch(BTreeMap<Seen, State>);

/// A drive in one plugging, with one medium: the kernel's count of its medium changes, and its length in bytes.
type Seen = (Place, u64, u64);

fn seen(stick: &Stick) -> Seen {
    (stick.device.place.clone(), stick.disk.sequence, stick.disk.len)
}

enum State {
    Reading(Receiver<Result<Fat32, Unfit>>),
    Known(Result<Fat32, Unfit>),
}

impl Watch {
    /// The drives among these devices; never waits for one.
    pub(crate) fn turn<'a>(&mut self, sys: &Path, devices: impl Iterator<Item = &'a Device>) -> Vec<Drive> {
        let places: Vec<&Place> = devices.map(|device| &device.place).collect();
        let mut sticks = sticks(sys);
        sticks.retain(|stick| places.contains(&&stick.device.place));
        self.0.retain(|known, _| sticks.iter().any(|stick| seen(stick) == *known));
        sticks.iter().map(|stick| stick.drive(self.known(stick, |stick| stick.identified(Path::new("/dev"))))).collect()
    }

    fn known(
        &mut self,
        stick: &Stick,
        read: impl FnOnce(&Stick) -> Result<Fat32, Unfit> + Send + 'static,
    ) -> Result<Fat32, Unfit> {
        let key = seen(stick);
        if !self.0.contains_key(&key) {
            let reading = self.0.values().filter(|state| matches!(state, State::Reading(_))).count();
            if reading == READING_MAX {
                return Err(Unfit::NotYet);
            }
            let (tell, told) = mpsc::channel();
            let stick = stick.clone();
            // The receiver is gone if the drive is pulled out meanwhile.
            thread::spawn(move || drop(tell.send(read(&stick))));
            self.0.insert(key.clone(), State::Reading(told));
        }
        let Some(state) = self.0.get_mut(&key) else { return Err(Unfit::NotYet) };
        if let State::Reading(told) = state {
            *state = match told.try_recv() {
                Ok(found) => State::Known(found),
                Err(TryRecvError::Disconnected) => State::Known(Err(Unfit::Unreadable(Shown::new("not read")))),
                Err(TryRecvError::Empty) => return Err(Unfit::NotYet),
            };
        }
        match state {
            State::Known(found) => found.clone(),
            State::Reading(_) => Err(Unfit::NotYet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::Tree;
    use crate::usb::devices;
    use crate::usb::tests::{STICK, descriptors};

    #[test]
    fn a_drive_is_read_once_when_it_comes_and_again_when_it_was_plugged_in_anew() {
        let tree = Tree::new("watch");
        tree.plug("1-1", 1, &descriptors(0, [0x46f4, 1], &[STICK]));
        tree.disk("pci0000:00/0000:00:03.0/usb1/1-1/1-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb", "0");
        let (mut watch, stick) = (Watch::default(), sticks(&tree.0).remove(0));
        let (answer, asked) = mpsc::channel();
        // It answers slowly: no caller waits for it.
        let slowly = move |_: &Stick| asked.recv().unwrap();
        assert_eq!(watch.known(&stick, slowly), Err(Unfit::NotYet));
        assert_eq!(watch.known(&stick, |_| panic!("read again")), Err(Unfit::NotYet));
        answer.send(Err(Unfit::Other("exFAT"))).unwrap();
        let exfat = loop {
            match watch.known(&stick, |_| panic!("read again")) {
                Err(Unfit::NotYet) => thread::yield_now(),
                found => break found,
            }
        };
        assert_eq!(exfat, Err(Unfit::Other("exFAT")));
        // Another card in the same reader.
        std::fs::write(tree.0.join("block/sdb/diskseq"), "9\n").unwrap();
        let swapped = sticks(&tree.0).remove(0);
        assert_eq!(watch.known(&swapped, |_| Err(Unfit::NotFormatted)), Err(Unfit::NotYet));
        // A swap at the same port, however fast, has another number.
        tree.plug("1-1", 2, &descriptors(0, [0x46f4, 1], &[STICK]));
        let drives = watch.turn(&tree.0, devices(&tree.0).iter());
        assert_eq!(drives.len(), 1);
        assert_ne!(drives[0].volume, Err(Unfit::Other("exFAT")));
        assert_eq!(watch.turn(&tree.0, [].iter()), []);
    }
}
