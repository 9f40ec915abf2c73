//! What is plugged in, watched by a thread of its own: the gate decides, tokens and drives that are in are asked, and
//! every change is told.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use conclave_room::drives::Drive;
use conclave_room::look::devices::{Devices, Hub, Other, Token, Unused};
use conclave_room::shown::Shown;
use conclave_room::usb::gate::Use;

use crate::drives::Watch;
use crate::gate::{Gate, Seen, Standing};
use crate::tokens::Asked;
use crate::usb::Device;

/// Between two looks: a swap is seen by the number the kernel gives each plugging, however fast it was.
const LOOK: Duration = Duration::from_millis(200);

/// Serials a plan names, once one is in.
pub(crate) type Named = Arc<Mutex<Option<Vec<Shown>>>>;

/// Watches the USB ports and tells what is there whenever that changes, until nobody listens.
pub(crate) fn watch(named: &Named, tell: impl Fn(Devices) -> bool) {
    let sys = Path::new("/sys");
    let (mut gate, mut asked, mut drives) = (Gate::new(sys), Asked::default(), Watch::default());
    let mut told = None;
    loop {
        let named = named.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let now = match gate.turn(named.as_deref()) {
            Ok(seen) => {
                let tokens: Vec<Device> = in_use(&seen, |used| matches!(used, Use::Token(_))).cloned().collect();
                let drives = drives.turn(sys, in_use(&seen, |used| matches!(used, Use::Storage(_))));
                devices(&seen, asked.turn(&tokens), drives)
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

fn in_use(seen: &[Seen], wanted: impl Fn(Use) -> bool) -> impl Iterator<Item = &Device> {
    let wanted = move |seen: &&Seen| seen.standing == Standing::In && wanted(seen.used);
    seen.iter().filter(wanted).map(|seen| &seen.device)
}

/// A machine whose controllers cannot be closed uses none of them.
fn closed(why: &str) -> Other {
    Other { port: Shown::new("all"), product: Shown::default(), why: Unused::Failed(Shown::new(why)) }
}

fn devices(seen: &[Seen], tokens: Vec<Token>, drives: Vec<Drive>) -> Devices {
    let mut hubs = Vec::new();
    let mut others = Vec::new();
    for Seen { device, used, standing } in seen {
        let port = Shown::new(&device.place.port);
        let mut other = |why| others.push(Other { port: port.clone(), product: device.product.clone(), why });
        match (standing, used) {
            (_, Use::Never(why)) => other(Unused::Never(*why)),
            (Standing::Waits(first), _) => other(Unused::Waits(first.clone())),
            (Standing::Failed(why), _) => other(Unused::Failed(why.clone())),
            (Standing::In, Use::Hub) => hubs.push(Hub { port: port.clone(), product: device.product.clone() }),
            (Standing::In, _) => match further_parts(device) {
                0 => {}
                parts => other(Unused::Parts(parts)),
            },
            (Standing::Opening | Standing::Out, _) => {}
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
    use crate::usb::tests::{KEYBOARD, STICK, descriptors};
    use conclave_room::usb::gate::Never;

    fn seen(tree: &Tree, standings: &[(Use, Standing)]) -> Vec<Seen> {
        let devices = usb::devices(&tree.0).into_iter().zip(standings);
        devices.map(|(device, (used, standing))| Seen { device, used: *used, standing: standing.clone() }).collect()
    }

    #[test]
    fn everything_that_is_not_used_is_named_with_its_reason() {
        let tree = Tree::new("devices");
        let composite = descriptors(0, [0x46f4, 1], &[STICK, KEYBOARD]);
        for (port, device) in [("1-1", 1), ("1-2", 2), ("1-3", 3), ("1-4", 4), ("1-5", 5)] {
            tree.plug(port, device, &composite);
        }
        let (first, failed) = (Shown::new("1-2"), Shown::new("EIO"));
        let seen = seen(
            &tree,
            &[
                (Use::Hub, Standing::In),
                (Use::Storage(0), Standing::In),
                (Use::Storage(0), Standing::Waits(first.clone())),
                (Use::Never(Never::Network), Standing::Out),
                (Use::Token(0), Standing::Failed(failed.clone())),
            ],
        );
        let devices = devices(&seen, Vec::new(), Vec::new());
        let hubs: Vec<_> = devices.hubs.iter().map(|hub| hub.port.as_str()).collect();
        assert_eq!(hubs, ["1-1"]);
        let others: Vec<_> = devices.others.into_iter().map(|other| (other.port.to_string(), other.why)).collect();
        let expected = [
            ("1-2", Unused::Parts(1)),
            ("1-3", Unused::Waits(first)),
            ("1-4", Unused::Never(Never::Network)),
            ("1-5", Unused::Failed(failed)),
        ];
        assert_eq!(others, expected.map(|(port, why)| (port.to_string(), why)));
        assert_eq!(in_use(&seen, |used| matches!(used, Use::Storage(_))).count(), 1);
    }
}
