//! The gate over a sysfs of files.

use super::*;
use crate::disks::tests::Tree;
use crate::usb::tests::{HUB, KEYBOARD, STICK, descriptors};
use conclave_console::shown::Serial;
use conclave_console::usb::gate::Named;
use std::fs;

fn stick() -> Vec<u8> {
    descriptors(0, [0x46f4, 1], &[STICK, KEYBOARD])
}

/// A tree with controllers, in which disks have no medium while their node says so.
fn tree(name: &str) -> (Tree, Gate) {
    let tree = Tree::new(name);
    tree.usb("usb1", &[("authorized_default", b"1"), ("interface_authorized_default", b"1")]);
    let units = Units::new(|dev, name| fs::read(dev.join(name)).map_or(true, |bytes| bytes != b"none"));
    let gate = Gate::with(&tree.0, &tree.0, units);
    (tree, gate)
}

/// The disk of a device at this port, of this SCSI type.
fn disk(tree: &Tree, port: &str, unit: u8, name: &str, kind: &str) {
    let bus = "pci0000:00/0000:00:03.0/usb1";
    tree.disk(&format!("{bus}/{port}/{port}:1.0/host6/target6:0:0/{}:0:0:{unit}/block/{name}", &port[2..]), kind);
}

/// Turns until nothing is being opened or asked any more.
fn settled(gate: &mut Gate, rules: &Rules) -> Vec<(String, Standing)> {
    loop {
        let seen = gate.turn(rules).unwrap();
        let waits = |seen: &Seen| matches!(seen.standing, Standing::Opening | Standing::Asking);
        if !seen.iter().any(waits) {
            return seen.into_iter().map(|seen| (seen.device.place.port, seen.standing)).collect();
        }
        thread::sleep(std::time::Duration::from_millis(2));
    }
}

fn at(port: &str, standing: Standing) -> (String, Standing) {
    (port.into(), standing)
}

fn waits(port: &str) -> Standing {
    Standing::Waits(Shown::new(port))
}

#[test]
fn a_stick_that_grew_a_keyboard_comes_in_without_the_keyboard() {
    let (tree, mut gate) = tree("gate-composite");
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    assert_eq!(settled(&mut gate, &Rules::default()), [at("1-1", Standing::In)]);
    let said = ["usb1/authorized_default", "1-1/authorized", "1-1:1.0/authorized", "1-1:1.1/authorized"];
    assert_eq!(said.map(|path| tree.said(&format!("devices/{path}"))), ["0", "1", "1", "0"]);
}

#[test]
fn a_keyboard_is_met_by_no_driver_before_it_is_asked_for_and_stays_in_afterwards() {
    let ((tree, mut gate), mut rules) = (tree("gate-keyboard"), Rules::default());
    tree.plug("1-3", 5, &descriptors(0, [0x046d, 0xc31c], &[KEYBOARD]));
    let said = |tree: &Tree| {
        let files = ["devices/1-3/authorized", "devices/1-3:1.1/authorized", "drivers_probe"];
        files.map(|file| tree.said(file)).join(" ")
    };
    assert_eq!((settled(&mut gate, &rules), said(&tree)), (vec![at("1-3", Standing::Out)], "0 0 ".into()));
    rules.admits.keyboards = true;
    let inside = (vec![at("1-3", Standing::In)], "1 1 1-3:1.1".to_owned());
    assert_eq!((settled(&mut gate, &rules), said(&tree)), inside);
    rules.admits.keyboards = false;
    assert_eq!((settled(&mut gate, &rules), said(&tree)), inside);
    // Another one at its port is asked for again.
    tree.unplug("1-3");
    tree.plug("1-3", 6, &descriptors(0, [0x046d, 0xc31c], &[KEYBOARD]));
    assert_eq!(settled(&mut gate, &rules), [at("1-3", Standing::Out)]);
}

#[test]
fn a_second_stick_waits_until_the_first_is_gone() {
    let ((tree, mut gate), rules) = (tree("gate-two"), Rules::default());
    tree.plug("1-2", 5, &stick());
    disk(&tree, "1-2", 0, "sdb", "0");
    settled(&mut gate, &rules);
    // Before the other in the order of ports, and still later.
    tree.plug("1-1", 6, &stick());
    assert_eq!(settled(&mut gate, &rules), [at("1-1", waits("1-2")), at("1-2", Standing::In)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
    tree.unplug("1-2");
    disk(&tree, "1-1", 0, "sdc", "0");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::In)]);
}

#[test]
fn a_reader_without_a_card_holds_no_place_and_one_that_gets_a_card_waits() {
    let ((tree, mut gate), rules) = (tree("gate-reader"), Rules::default());
    fs::write(tree.0.join("sdb"), "none").unwrap();
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    tree.plug("1-2", 6, &stick());
    disk(&tree, "1-2", 0, "sdc", "0");
    let first = gate.turn(&rules).unwrap();
    assert_eq!(first[1].standing, waits("1-1"), "whether a card is in is not known yet");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::Empty), at("1-2", Standing::In)]);
    // A card is put in: the stick that was first stays.
    fs::write(tree.0.join("sdb"), "card").unwrap();
    fs::write(tree.0.join("block/sdb/diskseq"), "2").unwrap();
    assert_eq!(settled(&mut gate, &rules), [at("1-1", waits("1-2")), at("1-2", Standing::In)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
    tree.unplug("1-2");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::In)]);
    // Once a plan is in, a reader that the plan does not name is out, with any card.
    let mut named = Rules::default();
    named.admits.named = Some(Named { serials: vec![Serial::new("LOG-A")], ..Named::default() });
    assert_eq!(settled(&mut gate, &named), [at("1-1", Standing::Out)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
}

#[test]
fn the_medium_gives_its_place_up_and_what_comes_to_its_port_is_judged_as_new() {
    let (tree, mut gate) = tree("gate-medium");
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    tree.plug("1-2", 6, &stick());
    disk(&tree, "1-2", 0, "sdc", "0");
    assert_eq!(settled(&mut gate, &Rules::default()), [at("1-1", Standing::In), at("1-2", waits("1-1"))]);
    let medium = usb::devices(&tree.0).remove(0).place;
    let rules = Rules { spent: Some(medium), ..Rules::default() };
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::Spent), at("1-2", Standing::In)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
    tree.plug("1-1", 7, &stick());
    assert_eq!(settled(&mut gate, &rules), [at("1-1", waits("1-2")), at("1-2", Standing::In)]);
    tree.unplug("1-2");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::In)]);
}

#[test]
fn a_drive_that_is_pulled_out_while_it_is_judged_leaves_its_place() {
    let ((tree, mut gate), rules) = (tree("gate-pulled"), Rules::default());
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    tree.plug("1-2", 6, &stick());
    while gate.turn(&rules).unwrap()[0].standing != Standing::Asking {}
    tree.unplug("1-1");
    fs::remove_file(tree.0.join("block/sdb")).unwrap();
    disk(&tree, "1-2", 0, "sdc", "0");
    assert_eq!(settled(&mut gate, &rules), [at("1-2", Standing::In)]);
}

#[test]
fn a_unit_that_no_driver_takes_holds_no_place() {
    let ((tree, mut gate), rules) = (tree("gate-enclosure"), Rules::default());
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "ses0", "13");
    fs::remove_file(tree.0.join("block/ses0")).unwrap();
    tree.plug("1-2", 6, &stick());
    disk(&tree, "1-2", 0, "sdb", "0");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::Empty), at("1-2", Standing::In)]);
}

#[test]
fn a_disk_behind_an_optical_drive_is_refused_until_it_is_plugged_in_again() {
    let ((tree, mut gate), rules) = (tree("gate-mixed"), Rules::default());
    tree.plug("1-1", 5, &descriptors(0, [1, 2], &[[0, 8, 2, 0x50]]));
    disk(&tree, "1-1", 0, "sr0", "5");
    let seen = |gate: &mut Gate| {
        let standing = settled(gate, &rules).remove(0).1;
        let seen = gate.turn(&rules).unwrap().remove(0);
        (seen.used, seen.kind, standing)
    };
    assert_eq!(seen(&mut gate), (Use::Optical(0), Some(Kind::Optical), Standing::In));
    disk(&tree, "1-1", 1, "sdb", "0");
    let refused = (Use::Never(Never::NotOnlyOptical), None, Standing::Out);
    assert_eq!(seen(&mut gate), refused);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
    // Out, it shows no units any more.
    fs::remove_dir_all(tree.0.join("bus/scsi")).unwrap();
    assert_eq!(seen(&mut gate), refused);
    tree.plug("1-1", 6, &descriptors(0, [1, 2], &[[0, 8, 2, 0x50]]));
    assert_eq!(gate.turn(&rules).unwrap()[0].standing, Standing::Opening);
}

#[test]
fn a_token_whose_reader_tells_its_own_serial_is_not_let_in() {
    let ((tree, mut gate), rules) = (tree("gate-reader-serial"), Rules::default());
    tree.plug("1-1", 5, &descriptors(0, [0x04e6, 0x5817], &[[0, 0x0b, 0, 0]]));
    tree.plug("1-2", 6, &descriptors(0, [0x20a0, 0x4230], &[[0, 0x0b, 0, 0]]));
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::Out), at("1-2", Standing::In)]);
    assert_eq!(gate.turn(&rules).unwrap()[0].used, Use::Never(Never::ForeignReader));
}

#[test]
fn once_a_plan_is_in_a_hub_it_does_not_name_is_put_out_with_what_hangs_on_it() {
    let (tree, mut gate) = tree("gate-hubs");
    let hub = |port, device, product| tree.plug(port, device, &descriptors(9, [0x05e3, product], &[HUB]));
    hub("1-1", 5, 0x0610);
    hub("1-2", 6, 0x0101);
    hub("1-3", 7, 0x0102);
    tree.usb("1-3", &[("removable", b"fixed\n")]);
    tree.usb("1-2", &[("removable", b"removable\n")]);
    for port in ["1-1.1", "1-2.1", "1-3.1"] {
        tree.plug(port, 8, &descriptors(0, [0x20a0, 0x4230], &[[0, 0x0b, 0, 0]]));
    }
    let all = ["1-1", "1-1.1", "1-2", "1-2.1", "1-3", "1-3.1"];
    assert_eq!(settled(&mut gate, &Rules::default()), all.map(|port| at(port, Standing::In)));
    let Use::Hub(id) = gate.turn(&Rules::default()).unwrap()[0].used else { panic!("1-1 is a hub") };
    let mut rules = Rules::default();
    rules.admits.named = Some(Named { serials: vec![Serial::new("S 1")], hubs: vec![id] });
    let stands = |port| at(port, if port.starts_with("1-2") { Standing::Out } else { Standing::In });
    assert_eq!(settled(&mut gate, &rules), all.map(stands));
    let said = all.map(|port| tree.said(&format!("devices/{port}/authorized")));
    assert_eq!(said, ["1", "1", "0", "0", "1", "1"]);
    // Another of the plan's model, later.
    hub("1-4", 9, 0x0610);
    assert_eq!(settled(&mut gate, &rules)[6..], [at("1-4", Standing::Out)]);
    assert_eq!(tree.said("devices/1-4/authorized"), "0");
    // The plan is gone.
    let all = [&all[..], &["1-4"]].concat();
    assert_eq!(
        settled(&mut gate, &Rules::default()),
        all.into_iter().map(|port| at(port, Standing::In)).collect::<Vec<_>>()
    );
}

#[test]
fn another_device_at_the_same_port_is_judged_anew() {
    let ((tree, mut gate), rules) = (tree("gate-swap"), Rules::default());
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    settled(&mut gate, &rules);
    tree.unplug("1-1");
    tree.plug("1-1", 6, &descriptors(0, [0x0525, 0xa4a2], &[[0, 2, 6, 0]]));
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::Out)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
    assert_eq!(gate.turn(&rules).unwrap()[0].used, Use::Never(Never::Network));
}

#[test]
fn a_device_the_kernel_does_not_take_is_said_to_have_failed_is_not_tried_again_and_holds_no_place() {
    let ((tree, mut gate), rules) = (tree("gate-failed"), Rules::default());
    tree.plug("1-1", 5, &stick());
    tree.unplug("1-1:1.0");
    let failed = Standing::Failed(Shown::new("did not take its configuration"));
    assert_eq!(settled(&mut gate, &rules), [at("1-1", failed.clone())]);
    tree.plug("1-1", 5, &stick());
    tree.plug("1-2", 6, &stick());
    disk(&tree, "1-2", 0, "sdb", "0");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", failed), at("1-2", Standing::In)]);
    // Not even its other interface.
    assert_eq!(tree.said("devices/1-1:1.1/authorized"), "0");
}

#[test]
fn a_device_that_was_let_in_and_is_out_is_let_in_again() {
    let ((tree, mut gate), rules) = (tree("gate-again"), Rules::default());
    tree.plug("1-1", 5, &stick());
    disk(&tree, "1-1", 0, "sdb", "0");
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::In)]);
    usb::devices(&tree.0)[0].place.put_out(&tree.0).unwrap();
    assert_eq!(settled(&mut gate, &rules), [at("1-1", Standing::In)]);
    assert_eq!(tree.said("devices/1-1/authorized"), "1");
}

#[test]
fn what_an_earlier_gate_let_in_and_this_one_does_not_is_put_out() {
    let ((tree, mut gate), rules) = (tree("gate-left"), Rules::default());
    for (port, device, descriptors) in
        [("1-1", 5, stick()), ("1-2", 6, stick()), ("1-3", 7, descriptors(0, [0x0525, 0xa4a2], &[[0, 2, 6, 0]]))]
    {
        tree.plug(port, device, &descriptors);
        tree.usb(port, &[("authorized", b"1\n")]);
    }
    disk(&tree, "1-1", 0, "sdb", "0");
    let want = [at("1-1", Standing::In), at("1-2", waits("1-1")), at("1-3", Standing::Out)];
    assert_eq!(settled(&mut gate, &rules), want);
    let said = ["1-1", "1-2", "1-3"].map(|port| tree.said(&format!("devices/{port}/authorized")));
    assert_eq!(said, ["1", "0", "0"]);
}

#[test]
fn where_a_controller_cannot_be_closed_nothing_is_let_in() {
    let (tree, mut gate) = tree("gate-open");
    tree.plug("1-1", 5, &stick());
    tree.usb("usb2", &[]);
    fs::create_dir(tree.0.join("bus/usb/devices/usb2/authorized_default")).unwrap();
    assert!(gate.turn(&Rules::default()).unwrap_err().contains("usb2/authorized_default"));
    assert_eq!(tree.said("devices/1-1/authorized"), "0");
}
