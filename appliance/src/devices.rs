//! The devices that are plugged in, watched by a thread of its own: the gate decides, tokens and drives that are in are
//! asked, and every change is told.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use conclave_console::drives::Drive;
use conclave_console::ports::{Plugged, What};
use conclave_console::preflight::devices::{Devices, Hub, Other, Token, Unused};
use conclave_console::shown::Shown;
use conclave_console::usb::gate::Use;
use conclave_console::usb::units::Kind;

use crate::drives::Watch;
use crate::gate::{Gate, Rules, Seen, Standing};
use crate::tokens::Asked;
use crate::usb::Device;

/// Between two looks: a swap is seen by the number the kernel gives each plugging, however fast it was.
const LOOK: Duration = Duration::from_millis(200);

/// The state that the thread that watches the ports shares with the other threads.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Watched>>);

#[derive(Default)]
struct Watched {
    rules: Rules,
    /// The devices at the ports; `None` before the ports were looked at.
    seen: Option<Vec<Seen>>,
}

impl Shared {
    /// Changes the rules of the devices that may come in.
    pub(crate) fn rule(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.lock().rules);
    }

    /// Storage devices that cannot be looked at yet because another one is in. `None` while that may change by itself,
    /// because the device that is in is still being asked.
    pub(crate) fn waiting(&self) -> Option<Vec<Device>> {
        let watched = self.lock();
        let seen = watched.seen.as_ref()?;
        let is_drive = |seen: &&Seen| matches!(seen.used, Use::Storage(_) | Use::Optical(_));
        let asking = |seen: &Seen| matches!(seen.standing, Standing::Opening | Standing::Asking);
        if seen.iter().filter(is_drive).any(asking) {
            return None;
        }
        let waits = |seen: &&Seen| matches!(seen.standing, Standing::Waits(_));
        Some(seen.iter().filter(waits).map(|seen| seen.device.clone()).collect())
    }

    /// Tokens and drives in the ports, let in or kept out. Left out are the devices that are still being let in,
    /// readers without a card, and the medium, which may stay.
    pub(crate) fn in_ports(&self) -> Vec<Plugged> {
        let plugged = |seen: &Seen| {
            let what = match (seen.used, &seen.standing) {
                (_, Standing::Opening | Standing::Asking | Standing::Empty | Standing::Spent) => return None,
                (Use::Token(_), _) => What::Token,
                (Use::Storage(_), _) => What::Drive,
                (Use::Hub(_), Standing::In) if seen.device.built_in => return None,
                (Use::Hub(id), standing) => What::Hub { id, shut_out: *standing == Standing::Out },
                (Use::Optical(_) | Use::Keyboard(_) | Use::Never(_), _) => return None,
            };
            let (port, serial) = (Shown::new(&seen.device.place.port), seen.device.serial.clone());
            Some(Plugged { port, serial, what })
        };
        self.lock().seen.iter().flatten().filter_map(plugged).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Watched> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the USB ports and tells the devices there whenever they change, until the other end of `tell` is gone.
pub(crate) fn watch(shared: &Shared, tell: impl Fn(Devices) -> bool) {
    let sys = Path::new("/sys");
    let (mut gate, mut asked, mut drives) = (Gate::new(sys), Asked::default(), Watch::default());
    let mut told = None;
    loop {
        let rules = shared.lock().rules.clone();
        let now = match gate.turn(&rules) {
            Ok(seen) => {
                let tokens: Vec<Device> = in_use(&seen, |seen| matches!(seen.used, Use::Token(_))).cloned().collect();
                let drives = drives.turn(sys, in_use(&seen, |seen| seen.kind == Some(Kind::Disks)));
                let now = devices(&seen, asked.turn(&tokens), drives);
                shared.lock().seen = Some(seen);
                now
            }
            Err(why) => Devices { others: vec![closed(&why)], ..Devices::default() },
        };
        if told.as_ref() != Some(&now) {
            if !tell(now.clone()) {
                return;
            }
            told = Some(now);
        }
        sleep(LOOK);
    }
}

fn in_use(seen: &[Seen], wanted: impl Fn(&Seen) -> bool) -> impl Iterator<Item = &Device> {
    let wanted = move |seen: &&Seen| seen.standing == Standing::In && wanted(seen);
    seen.iter().filter(wanted).map(|seen| &seen.device)
}

/// If the controllers of a machine cannot be closed, the machine uses none of them.
fn closed(why: &str) -> Other {
    Other { port: Shown::new("all"), product: Shown::default(), why: Unused::Failed(Shown::new(why)) }
}

fn devices(seen: &[Seen], tokens: Vec<Token>, drives: Vec<Drive>) -> Devices {
    let mut hubs = Vec::new();
    let mut others = Vec::new();
    for Seen { device, used, kind, standing } in seen {
        let port = Shown::new(&device.place.port);
        let mut other = |why| others.push(Other { port: port.clone(), product: device.product.clone(), why });
        match (standing, used) {
            (_, Use::Never(why)) => other(Unused::Never(*why)),
            (Standing::Waits(first), _) => other(Unused::Waits(first.clone())),
            (Standing::Failed(why), _) => other(Unused::Failed(why.clone())),
            (Standing::In, Use::Hub(id)) => {
                hubs.push(Hub {
                    port: port.clone(),
                    product: device.product.clone(),
                    id: *id,
                    built_in: device.built_in,
                });
            }
            (Standing::Spent, _) => other(Unused::Medium),
            (Standing::Out, Use::Keyboard(_)) => other(Unused::Keyboard),
            (Standing::Out, _) => other(Unused::Unnamed),
            (Standing::Empty, _) => other(Unused::Empty),
            (Standing::In | Standing::Asking, _) => {
                if *kind == Some(Kind::Optical) {
                    other(Unused::Optical);
                }
                match further_parts(device) {
                    0 => {}
                    parts => other(Unused::Parts(parts)),
                }
            }
            (Standing::Opening, _) => {}
        }
    }
    Devices { hubs, tokens, drives, others, scroll: 0 }
}

/// Interfaces besides the one that is used.
fn further_parts(device: &Device) -> u8 {
    let parts = device.descriptors.as_ref().map_or(0, |found| found.interfaces.len());
    u8::try_from(parts.saturating_sub(1)).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::tests::Tree;
    use crate::usb;
    use crate::usb::tests::{HUB, KEYBOARD, STICK, descriptors};
    use conclave_console::usb::gate::{Never, judge};

    fn seen(tree: &Tree, standings: &[(Use, Standing)]) -> Vec<Seen> {
        let devices = usb::devices(&tree.0).into_iter().zip(standings);
        let seen = |(device, (used, standing)): (Device, &(Use, Standing))| {
            let kind = matches!(used, Use::Storage(_)).then_some(Kind::Disks);
            Seen { device, used: *used, kind, standing: standing.clone() }
        };
        devices.map(seen).collect()
    }

    #[test]
    fn everything_that_is_not_used_is_named_with_its_reason() {
        let tree = Tree::new("devices");
        let composite = descriptors(0, [0x46f4, 1], &[STICK, KEYBOARD]);
        for (port, device) in
            [("1-1", 1), ("1-2", 2), ("1-3", 3), ("1-4", 4), ("1-5", 5), ("1-6", 6), ("1-7", 7), ("1-8", 8), ("1-9", 9)]
        {
            tree.plug(port, device, &composite);
        }
        tree.plug("1-1", 1, &descriptors(9, [0x05e3, 0x0610], &[HUB]));
        let hub = judge(&usb::devices(&tree.0)[0].descriptors, &[]);
        let (first, failed) = (Shown::new("1-2"), Shown::new("EIO"));
        let seen = seen(
            &tree,
            &[
                (hub, Standing::In),
                (Use::Storage(0), Standing::In),
                (Use::Storage(0), Standing::Waits(first.clone())),
                (Use::Never(Never::Network), Standing::Out),
                (Use::Token(0), Standing::Failed(failed.clone())),
                (Use::Storage(0), Standing::Empty),
                (Use::Storage(0), Standing::Spent),
                (Use::Storage(0), Standing::Out),
                (Use::Keyboard(1), Standing::Out),
            ],
        );
        let devices = devices(&seen, Vec::new(), Vec::new());
        let hubs: Vec<_> =
            devices.hubs.iter().map(|hub| (hub.port.as_str(), hub.id.to_string(), hub.built_in)).collect();
        assert_eq!(hubs, [("1-1", "05e3:0610".to_owned(), false)]);
        let others: Vec<_> = devices.others.into_iter().map(|other| (other.port.to_string(), other.why)).collect();
        let expected = [
            ("1-2", Unused::Parts(1)),
            ("1-3", Unused::Waits(first)),
            ("1-4", Unused::Never(Never::Network)),
            ("1-5", Unused::Failed(failed)),
            ("1-6", Unused::Empty),
            ("1-7", Unused::Medium),
            ("1-8", Unused::Unnamed),
            ("1-9", Unused::Keyboard),
        ];
        assert_eq!(others, expected.map(|(port, why)| (port.to_string(), why)));
        assert_eq!(in_use(&seen, |seen| seen.kind == Some(Kind::Disks)).count(), 1);
    }

    #[test]
    fn hubs_are_in_the_ports_but_for_one_that_is_built_in_and_stays() {
        let tree = Tree::new("devices-hubs");
        for (port, device) in [("1-1", 1), ("1-2", 2), ("1-3", 3), ("1-4", 4)] {
            tree.plug(port, device, &descriptors(9, [0x05e3, 0x0610], &[HUB]));
        }
        for port in ["1-3", "1-4"] {
            tree.usb(port, &[("removable", b"fixed\n")]);
        }
        let hub = judge(&usb::devices(&tree.0)[0].descriptors, &[]);
        let shared = Shared::default();
        let stand = [Standing::In, Standing::Out, Standing::In, Standing::Out].map(|standing| (hub, standing));
        shared.lock().seen = Some(seen(&tree, &stand));
        let told: Vec<_> =
            shared.in_ports().into_iter().map(|plugged| (plugged.port.to_string(), plugged.what)).collect();
        let Use::Hub(id) = hub else { panic!("{hub:?}") };
        let want = [("1-1", false), ("1-2", true), ("1-4", true)];
        assert_eq!(told, want.map(|(port, shut_out)| (port.to_owned(), What::Hub { id, shut_out })));
    }

    #[test]
    fn which_drives_wait_is_not_known_while_what_is_in_is_asked() {
        let tree = Tree::new("devices-waiting");
        for (port, device) in [("1-1", 1), ("1-2", 2)] {
            tree.plug(port, device, &descriptors(0, [0x46f4, 1], &[STICK]));
        }
        let shared = Shared::default();
        assert_eq!(shared.waiting(), None, "before the first look");
        for (first, waiting) in [(Standing::Opening, None), (Standing::Asking, None), (Standing::In, Some(1))] {
            let waits = Standing::Waits(Shown::new("1-1"));
            shared.lock().seen = Some(seen(&tree, &[(Use::Storage(0), first), (Use::Storage(0), waits)]));
            assert_eq!(shared.waiting().map(|waiting| waiting.len()), waiting);
        }
    }
}
