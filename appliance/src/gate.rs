//! The USB gate: the kernel lets nothing in by itself. This gate lets in the devices that [`conclave_console::usb::gate`]
//! allows.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;

use conclave_console::preflight::devices::Port;
use conclave_console::shown::Shown;
use conclave_console::usb::gate::{self, Admission, Inside, Never, Present, Use, admit, judge};
use conclave_console::usb::units::{self, Kind};
use smartcard_hsm_usb::MODELS;

use crate::disks::{Disk, disks};
use crate::units::{Known, Units, types};
use crate::usb::{self, Device, Place};

/// Most devices let in at the same moment: each takes a thread until the kernel is done with it, which a device can delay
/// by seconds.
const OPENING_MAX: usize = 16;

/// The gate of all controllers.
pub(crate) struct Gate {
    sys: PathBuf,
    dev: PathBuf,
    /// The state of the devices that were to be let in.
    let_in: BTreeMap<Place, State>,
    /// The units of the storage devices among them.
    units: Units,
    /// Storage devices with units of a kind that is not used: they stay out until they are plugged in again.
    refused: BTreeMap<Place, Never>,
    /// The drive that has the one place there is before a plan is in.
    holder: Option<Place>,
}

/// The devices that may come in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// The rules that the room gives.
    pub(crate) admits: gate::Rules,
    /// The medium this machine was started from, once it is not needed any more.
    pub(crate) spent: Option<Place>,
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
    /// The kind of a storage device's units, once it is known.
    pub(crate) kind: Option<Kind>,
    pub(crate) standing: Standing,
}

/// Where a device stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The kernel is being told.
    Opening,
    /// Let in.
    In,
    /// Let in as a drive, without a medium.
    Empty,
    /// Let in as a drive; its kind, and whether a medium is in it, are not known yet.
    Asking,
    /// Once the drive at this port is gone.
    Waits(Port),
    /// Not let in.
    Out,
    /// Not let in any more: the medium.
    Spent,
    /// It was to be let in and the system refused, with these words.
    Failed(Shown),
}

impl Gate {
    pub(crate) fn new(sys: &Path) -> Self {
        Self::with(sys, Path::new("/dev"), Units::default())
    }

    fn with(sys: &Path, dev: &Path, units: Units) -> Self {
        let (let_in, refused) = (BTreeMap::new(), BTreeMap::new());
        Self { sys: sys.into(), dev: dev.into(), let_in, units, refused, holder: None }
    }

    /// Looks at every device once and lets in what may come in. Never waits for a device.
    ///
    /// Errors: a controller cannot be closed. Nothing was let in then.
    pub(crate) fn turn(&mut self, rules: &Rules) -> Result<Vec<Seen>, String> {
        // Also controllers that appeared since.
        usb::close(&self.sys)?;
        let devices = usb::devices(&self.sys);
        self.let_in.retain(|place, _| devices.iter().any(|device| device.place == *place));
        self.refused.retain(|place, _| devices.iter().any(|device| device.place == *place));
        self.let_in.values_mut().for_each(State::turn);
        self.units.retain(|place| self.let_in.contains_key(place));
        let (tokens, types, disks) = (token_numbers(), types(&self.sys), disks(&self.sys));
        let looked: Vec<Looked> = devices
            .iter()
            .map(|device| {
                let used = judge(&device.descriptors, &tokens);
                let types = types.get(&device.place.port).map_or(&[][..], Vec::as_slice);
                self.look(&device.place, used, types, &disks)
            })
            .collect();
        let spent = |place: &Place| rules.spent.as_ref() == Some(place);
        let holds = |(device, looked): &(&Device, &Looked)| {
            !spent(&device.place) && matches!(looked.known, Some(Known::Asking | Known::Medium))
        };
        let all = || devices.iter().zip(&looked);
        let holder =
            all().find(|both| holds(both) && self.holder.as_ref() == Some(&both.0.place)).or(all().find(holds));
        self.holder = holder.map(|(device, _)| device.place.clone());
        let inside = |device: &Device, looked: &Looked| match looked.known {
            _ if spent(&device.place) => Inside::Spent,
            Some(Known::Empty) => Inside::Empty,
            Some(Known::Asking | Known::Medium) if self.holder.as_ref() == Some(&device.place) => Inside::Holds,
            Some(Known::Asking | Known::Medium) => Inside::Late,
            None if self.let_in.contains_key(&device.place) => Inside::Holds,
            None => Inside::No,
        };
        let present: Vec<Present> = all()
            .map(|(device, looked)| Present {
                port: Shown::new(&device.place.port),
                used: looked.used,
                inside: inside(device, looked),
                serial: device.serial.clone(),
                built_in: device.built_in,
            })
            .collect();
        let admissions = admit(&present, &rules.admits);
        let together = devices.into_iter().zip(looked).zip(present.iter().zip(admissions));
        Ok(together
            .map(|((device, looked), (present, admission))| self.act(device, looked, present, admission))
            .collect())
    }

    /// The use of a device, and the known facts about its units once it is in.
    fn look(&mut self, place: &Place, used: Use, types: &[u8], disks: &[Disk]) -> Looked {
        if let Some(why) = self.refused.get(place) {
            return Looked { used: Use::Never(*why), kind: None, known: None };
        }
        let is_drive = matches!(used, Use::Storage(_) | Use::Optical(_));
        match self.let_in.get(place) {
            Some(State::Opening(_) | State::In) if is_drive => {}
            // A device that cannot be used takes no other device's place.
            Some(State::Failed(_)) if is_drive => return Looked { used, kind: None, known: Some(Known::Empty) },
            _ => return Looked { used, kind: None, known: None },
        }
        match units::judge(used, types) {
            Err(why) => {
                self.refused.insert(place.clone(), why);
                Looked { used: Use::Never(why), kind: None, known: None }
            }
            Ok(Some(kind)) if self.units.settled(place, types) => {
                let of_kind = |disk: &&Disk| disk.port.as_ref() == Some(&place.port);
                let disks: Vec<&Disk> = disks.iter().filter(of_kind).collect();
                let known = self.units.medium(place, &disks, &self.sys, &self.dev);
                Looked { used, kind: Some(kind), known: Some(known) }
            }
            // Units of kinds that no driver takes hold no place.
            Ok(None) if self.units.settled(place, types) => Looked { used, kind: None, known: Some(Known::Empty) },
            Ok(_) => Looked { used, kind: None, known: Some(Known::Asking) },
        }
    }

    fn act(&mut self, device: Device, looked: Looked, present: &Present, admission: Admission) -> Seen {
        let Looked { used, kind, known } = looked;
        let standing = match admission {
            Admission::In => match (self.open(&device.place, used), known) {
                (Standing::In, Some(Known::Empty)) => Standing::Empty,
                (Standing::In, Some(Known::Asking)) => Standing::Asking,
                (standing, _) => standing,
            },
            Admission::Waits(port) => self.put_out(&device.place, Standing::Waits(port)),
            Admission::Out if present.inside == Inside::Spent => self.put_out(&device.place, Standing::Spent),
            Admission::Out => self.put_out(&device.place, Standing::Out),
        };
        Seen { device, used, kind, standing }
    }

    fn open(&mut self, place: &Place, used: Use) -> Standing {
        match self.let_in.get(place) {
            Some(State::In) if place.is_in(&self.sys) => return Standing::In,
            Some(State::Failed(why)) => return Standing::Failed(why.clone()),
            Some(State::Opening(_)) => return Standing::Opening,
            // A drive was put out to be read back and did not come in again: it is let in again.
            Some(State::In) | None => {}
        }
        let opening = self.let_in.values().filter(|state| matches!(state, State::Opening(_))).count();
        if opening < OPENING_MAX {
            let (tell, told) = mpsc::channel();
            let (sys, at) = (self.sys.clone(), place.clone());
            // Beside the loop: a device that stalls holds up no other. The receiver is gone if it is pulled out
            // meanwhile.
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

/// The result of a look at a device.
struct Looked {
    used: Use,
    kind: Option<Kind>,
    /// Of a drive that is in.
    known: Option<Known>,
}

/// idVendor and idProduct of every token that a plan can name. The driver knows further tokens; their readers tell
/// serials of their own.
pub(crate) fn token_numbers() -> Vec<(u16, u16)> {
    let named = MODELS.into_iter().filter(|model| model.tells_token);
    named.map(|model| (model.vendor, model.product)).collect()
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
mod tests;
