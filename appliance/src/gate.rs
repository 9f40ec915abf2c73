//! The USB gate: the kernel lets nothing in by itself, this lets in what [`conclave_room::usb::gate`] decides.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use conclave_room::look::devices::Port;
use conclave_room::shown::Shown;
use conclave_room::usb::gate::{Admission, Present, Use, admit, judge};
use smartcard_hsm_usb::MODELS;

use crate::usb::{self, Device, Place};

/// Most devices let in at the same moment: each takes a thread until the kernel is done with it, which a device can delay
/// by seconds.
const OPENING_MAX: usize = 16;

/// The gate of all controllers.
pub(crate) struct Gate {
    sys: PathBuf,
    /// What became of devices that were to be let in.
    let_in: BTreeMap<Place, State>,
}

enum State {
    Opening(Receiver<io::Result<()>>),
    In,
    Failed(Shown),
}

/// A device and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) device: Device,
    pub(crate) used: Use,
    pub(crate) standing: Standing,
}

/// Where a device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The kernel is being told.
    Opening,
    /// Let in.
    In,
    /// Once the drive at this port is gone.
    Waits(Port),
    /// Not let in.
    Out,
    /// It was to be let in: what the system said.
    Failed(Shown),
}

impl Gate {
    pub(crate) fn new(sys: &Path) -> Self {
        Self { sys: sys.into(), let_in: BTreeMap::new() }
    }

    /// Looks at every device once and lets in who may come in: once a plan is in, only what has a serial it names. Never waits for a device.
    ///
    /// Errors: a controller cannot be closed. Nothing was let in then.
    pub(crate) fn turn(&mut self, named: Option<&[Shown]>) -> Result<Vec<Seen>, String> {
        // Also controllers that appeared since.
        usb::close(&self.sys)?;
        let devices = usb::devices(&self.sys);
        self.let_in.retain(|place, _| devices.iter().any(|device| device.place == *place));
        self.let_in.values_mut().for_each(State::turn);
        let tokens = token_numbers();
        let present: Vec<Present> = devices
            .iter()
            .map(|device| Present {
                port: Shown::new(&device.place.port),
                used: judge(&device.descriptors, &tokens),
                admitted: self.let_in.contains_key(&device.place),
                serial: device.serial.clone(),
            })
            .collect();
        let admissions = admit(&present, named);
        let together = devices.into_iter().zip(present).zip(admissions);
        Ok(together.map(|((device, present), admission)| self.act(device, present.used, admission)).collect())
    }

    fn act(&mut self, device: Device, used: Use, admission: Admission) -> Seen {
        let standing = match admission {
            Admission::In => self.open(&device.place, used),
            Admission::Waits(port) => self.put_out(&device.place, Standing::Waits(port)),
            Admission::Out => self.put_out(&device.place, Standing::Out),
        };
        Seen { device, used, standing }
    }

    fn open(&mut self, place: &Place, used: Use) -> Standing {
        match self.let_in.get(place) {
            Some(State::In) if place.is_in(&self.sys) => return Standing::In,
            Some(State::Failed(why)) => return Standing::Failed(why.clone()),
            Some(State::Opening(_)) => return Standing::Opening,
            // A drive that was put out to be read back, and did not come in again: it is let in anew.
            Some(State::In) | None => {}
        }
        let opening = self.let_in.values().filter(|state| matches!(state, State::Opening(_))).count();
        if opening < OPENING_MAX {
            let (tell, told) = mpsc::channel();
            let (sys, at) = (self.sys.clone(), place.clone());
            // Beside the loop: a device that stalls holds up nobody else. Nobody listens if it is pulled out meanwhile.
            thread::spawn(move || drop(tell.send(at.let_in(&sys, used.interface()))));
            self.let_in.insert(place.clone(), State::Opening(told));
        }
        Standing::Opening
    }

    fn put_out(&mut self, place: &Place, standing: Standing) -> Standing {
        self.let_in.remove(place);
        // Also one it does not remember: an earlier run of the screens let it in, or it was being let in until now.
        if place.is_in(&self.sys) {
            // If it is gone already, that is as well.
            let _ = place.put_out(&self.sys);
        }
        standing
    }
}

/// Drives that wait until another one is taken out: nobody could look at them.
pub(crate) fn waiting(sys: &Path) -> Vec<Device> {
    let is_drive = |device: &Device| matches!(judge(&device.descriptors, &token_numbers()), Use::Storage(_));
    let drives = usb::devices(sys).into_iter().filter(is_drive);
    let (inside, outside): (Vec<Device>, Vec<Device>) = drives.partition(|device| device.place.is_in(sys));
    // Where none is in yet, the first one is about to be.
    if inside.is_empty() { Vec::new() } else { outside }
}

/// idVendor and idProduct of every token the driver knows.
pub(crate) fn token_numbers() -> [(u16, u16); MODELS.len()] {
    MODELS.map(|model| (model.vendor, model.product))
}

impl State {
    fn turn(&mut self) {
        let Self::Opening(told) = self else { return };
        match told.try_recv() {
            Ok(Ok(())) => *self = Self::In,
            Ok(Err(error)) => *self = Self::Failed(Shown::new(&error.to_string())),
            Err(TryRecvError::Disconnected) => *self = Self::Failed(Shown::new("could not be let in")),
            Err(TryRecvError::Empty) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::Tree;
    use crate::usb::tests::{KEYBOARD, STICK, descriptors};
    use conclave_room::usb::gate::Never;

    fn stick() -> Vec<u8> {
        descriptors(0, [0x46f4, 1], &[STICK, KEYBOARD])
    }

    fn tree(name: &str) -> Tree {
        let tree = Tree::new(name);
        tree.usb("usb1", &[("authorized_default", b"1"), ("interface_authorized_default", b"1")]);
        tree
    }

    /// Turns until nothing is being opened any more.
    fn settled(gate: &mut Gate) -> Vec<(String, Standing)> {
        loop {
            let seen = gate.turn(None).unwrap();
            if seen.iter().all(|seen| seen.standing != Standing::Opening) {
                return seen.into_iter().map(|seen| (seen.device.place.port, seen.standing)).collect();
            }
            thread::yield_now();
        }
    }

    fn at(port: &str, standing: Standing) -> (String, Standing) {
        (port.into(), standing)
    }

    #[test]
    fn a_stick_that_grew_a_keyboard_comes_in_without_the_keyboard() {
        let tree = tree("gate-composite");
        tree.plug("1-1", 5, &stick());
        let mut gate = Gate::new(&tree.0);
        assert_eq!(settled(&mut gate), [at("1-1", Standing::In)]);
        let said = ["usb1/authorized_default", "1-1/authorized", "1-1:1.0/authorized", "1-1:1.1/authorized"];
        assert_eq!(said.map(|path| tree.said(&format!("devices/{path}"))), ["0", "1", "1", "0"]);
    }

    #[test]
    fn a_second_stick_waits_until_the_first_is_gone() {
        let tree = tree("gate-two");
        let mut gate = Gate::new(&tree.0);
        tree.plug("1-2", 5, &stick());
        settled(&mut gate);
        // Before the other in the order of ports, and still later.
        tree.plug("1-1", 6, &stick());
        let waits = Standing::Waits(Shown::new("1-2"));
        let ports = |devices: Vec<Device>| devices.into_iter().map(|device| device.place.port).collect::<Vec<_>>();
        assert_eq!(ports(waiting(&tree.0)), ["1-1"]);
        assert_eq!(settled(&mut gate), [at("1-1", waits), at("1-2", Standing::In)]);
        assert_eq!(tree.said("devices/1-1/authorized"), "0");
        tree.unplug("1-2");
        assert_eq!(ports(waiting(&tree.0)), [""; 0], "it is about to be let in");
        assert_eq!(settled(&mut gate), [at("1-1", Standing::In)]);
    }

    #[test]
    fn another_device_at_the_same_port_is_judged_anew() {
        let tree = tree("gate-swap");
        let mut gate = Gate::new(&tree.0);
        tree.plug("1-1", 5, &stick());
        settled(&mut gate);
        tree.unplug("1-1");
        tree.plug("1-1", 6, &descriptors(0, [0x0525, 0xa4a2], &[[0, 2, 6, 0]]));
        assert_eq!(settled(&mut gate), [at("1-1", Standing::Out)]);
        assert_eq!(tree.said("devices/1-1/authorized"), "0");
        assert_eq!(gate.turn(None).unwrap()[0].used, Use::Never(Never::Network));
    }

    #[test]
    fn a_device_the_kernel_does_not_take_is_said_to_have_failed_and_not_tried_again() {
        let tree = tree("gate-failed");
        let mut gate = Gate::new(&tree.0);
        tree.plug("1-1", 5, &stick());
        tree.unplug("1-1:1.0");
        let failed = Standing::Failed(Shown::new("did not take its configuration"));
        assert_eq!(settled(&mut gate), [at("1-1", failed.clone())]);
        tree.plug("1-1", 5, &stick());
        assert_eq!(settled(&mut gate), [at("1-1", failed)]);
        // Not even its other interface.
        assert_eq!(tree.said("devices/1-1:1.1/authorized"), "0");
    }

    #[test]
    fn a_device_that_was_let_in_and_is_out_is_let_in_again() {
        let tree = tree("gate-again");
        let mut gate = Gate::new(&tree.0);
        tree.plug("1-1", 5, &stick());
        assert_eq!(settled(&mut gate), [at("1-1", Standing::In)]);
        usb::devices(&tree.0)[0].place.put_out(&tree.0).unwrap();
        assert_eq!(settled(&mut gate), [at("1-1", Standing::In)]);
        assert_eq!(tree.said("devices/1-1/authorized"), "1");
    }

    #[test]
    fn what_an_earlier_gate_let_in_and_this_one_does_not_is_put_out() {
        let tree = tree("gate-left");
        for (port, device, descriptors) in
            [("1-1", 5, stick()), ("1-2", 6, stick()), ("1-3", 7, descriptors(0, [0x0525, 0xa4a2], &[[0, 2, 6, 0]]))]
        {
            tree.plug(port, device, &descriptors);
            tree.usb(port, &[("authorized", b"1\n")]);
        }
        let waits = Standing::Waits(Shown::new("1-1"));
        let mut gate = Gate::new(&tree.0);
        assert_eq!(settled(&mut gate), [at("1-1", Standing::In), at("1-2", waits), at("1-3", Standing::Out)]);
        let said = ["1-1", "1-2", "1-3"].map(|port| tree.said(&format!("devices/{port}/authorized")));
        assert_eq!(said, ["1", "0", "0"]);
    }

    #[test]
    fn where_a_controller_cannot_be_closed_nothing_is_let_in() {
        let tree = tree("gate-open");
        tree.plug("1-1", 5, &stick());
        tree.usb("usb2", &[]);
        std::fs::create_dir(tree.0.join("bus/usb/devices/usb2/authorized_default")).unwrap();
        let mut gate = Gate::new(&tree.0);
        assert!(gate.turn(None).unwrap_err().contains("usb2/authorized_default"));
        assert_eq!(tree.said("devices/1-1/authorized"), "0");
    }
}
