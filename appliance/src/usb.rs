//! USB devices as sysfs lists them, and the files by which the kernel is told to let one in.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use conclave_console::shown::{Serial, Shown};
use conclave_console::usb::descriptors::{DESCRIPTORS_LEN_MAX, Descriptors, DescriptorsError};

/// Most entries of the bus looked at: devices, interfaces, controllers.
const ENTRIES_MAX: usize = 1_024;
/// Most bytes of an attribute looked at: more than any string descriptor can fill.
const ATTRIBUTE_LEN_MAX: u64 = 512;

/// Where the kernel lists devices.
const DEVICES: &str = "bus/usb/devices";
/// Which drivers are asked again whether they want an interface.
const DRIVERS_PROBE: &str = "bus/usb/drivers_probe";

/// A device in one plugging: pulled out and plugged in again, also at the same port, it has another number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Bus, then port by port: `1-4.2`.
    pub(crate) port: String,
    pub(crate) bus: u8,
    pub(crate) device: u8,
}

/// A device that is plugged in; controllers' own hubs are not listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) place: Place,
    /// The device's name for itself.
    pub(crate) product: Shown,
    /// Its serial number; empty if it has none.
    pub(crate) serial: Serial,
    /// Whether the machine's firmware says that it is built in, and every hub above it as well.
    pub(crate) built_in: bool,
    pub(crate) descriptors: Result<Descriptors, DescriptorsError>,
}

impl Place {
    /// Its node of usbfs.
    pub(crate) fn node(&self) -> PathBuf {
        PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", self.bus, self.device))
    }

    fn directory(&self, sys: &Path) -> PathBuf {
        sys.join(DEVICES).join(&self.port)
    }

    /// Its interface of this number. The configuration is the only one, and has the number the device gave it.
    fn interface(&self, sys: &Path, number: u8) -> Option<PathBuf> {
        let last = format!(".{number}");
        let first = format!("{}:", self.port);
        let mut entries = fs::read_dir(sys.join(DEVICES)).into_iter().flatten().flatten().take(ENTRIES_MAX);
        entries.find_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let configuration = name.strip_prefix(&first)?.strip_suffix(&last)?;
            configuration.parse::<u8>().ok()?;
            Some(entry.path())
        })
    }

    /// Lets the device in, and of its interfaces this one; `None` for all of them.
    ///
    /// Errors: the kernel's; the kernel gave the device no interface of this number, because it draws too much current
    /// or did not take its configuration; another device came to the port meanwhile, which is put out again.
    pub(crate) fn let_in(&self, sys: &Path, interface: Option<u8>) -> io::Result<()> {
        let other = || io::Error::other("went, and another device came to its port");
        if !self.is_here(sys) {
            return Err(other());
        }
        fs::write(self.directory(sys).join("authorized"), "1")?;
        // The file is the port's. No interface of the device is in yet, so no driver has met it.
        if !self.is_here(sys) {
            self.put_out(sys)?;
            return Err(other());
        }
        // Interfaces a hub has: one.
        let interface = self.interface(sys, interface.unwrap_or(0));
        let interface = interface.ok_or_else(|| io::Error::other("did not take its configuration"))?;
        fs::write(interface.join("authorized"), "1")?;
        let name = interface.file_name().unwrap_or_default().as_encoded_bytes();
        fs::write(sys.join(DRIVERS_PROBE), name)
    }

    /// Whether it is this device that is at the port.
    fn is_here(&self, sys: &Path) -> bool {
        attribute(&self.directory(sys).join("devnum")).is_some_and(|found| found.parse() == Ok(self.device))
    }

    /// Whether the device is let in.
    pub(crate) fn is_in(&self, sys: &Path) -> bool {
        attribute(&self.directory(sys).join("authorized")).as_deref() == Some("1")
    }

    /// Puts the device out: every driver lets go of it.
    pub(crate) fn put_out(&self, sys: &Path) -> io::Result<()> {
        fs::write(self.directory(sys).join("authorized"), "0")
    }
}

/// Makes every controller let in nothing by itself, neither devices nor interfaces; asks afterwards.
///
/// Errors: in words, with the file; a controller that says otherwise then.
pub(crate) fn close(sys: &Path) -> Result<(), String> {
    for controller in names(sys).into_iter().filter(|name| name.starts_with("usb")) {
        for file in ["authorized_default", "interface_authorized_default"] {
            let path = sys.join(DEVICES).join(&controller).join(file);
            fs::write(&path, "0").map_err(|error| format!("write {}: {error}", path.display()))?;
            let found = attribute(&path).unwrap_or_default();
            if found != "0" {
                return Err(format!("{} should read 0 but reads {found:?}", path.display()));
            }
        }
    }
    Ok(())
}

/// Puts out every device that is in: it came before the controllers were closed, or earlier screens let it in.
///
/// Errors: in words; a device that stayed. One that went with the hub it hung on is out as well.
pub(crate) fn put_all_out(sys: &Path) -> Result<(), String> {
    let mut ports: Vec<String> = names(sys).into_iter().filter(|name| is_port(name)).collect();
    // Hubs before the devices on them.
    ports.sort_by_key(String::len);
    for port in ports {
        let path = sys.join(DEVICES).join(port).join("authorized");
        match fs::write(&path, "0") {
            Err(error) if path.exists() => return Err(format!("write {}: {error}", path.display())),
            _ => {}
        }
    }
    Ok(())
}

/// Every device that is plugged in, in the order of ports. One that goes away meanwhile is left out.
pub(crate) fn devices(sys: &Path) -> Vec<Device> {
    let found = names(sys).into_iter().filter(|name| is_port(name));
    let mut found: Vec<Device> = found.filter_map(|port| device(sys, port)).collect();
    found.sort_by(|a, b| a.place.cmp(&b.place));
    found
}

/// The name for itself of the device at this port.
pub(crate) fn product(sys: &Path, port: &str) -> Shown {
    Shown::new(&attribute(&sys.join(DEVICES).join(port).join("product")).unwrap_or_default())
}

fn names(sys: &Path) -> Vec<String> {
    let entries = fs::read_dir(sys.join(DEVICES)).into_iter().flatten().flatten().take(ENTRIES_MAX);
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// `1-4.2` is a device; `usb1` is a controller and `1-4.2:1.0` an interface.
fn is_port(name: &str) -> bool {
    name.contains('-') && name.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte))
}

/// For a device on a hub, the hub says whether the device is built in. A hub that was brought could lie. So all hubs
/// above the device have to be built in as well.
///
/// Source: `set_usb_port_removable` in `drivers/usb/core/hub.c` of Linux 6.1.
fn is_built_in(sys: &Path, port: &str) -> bool {
    let ends = port.match_indices('.').map(|(at, _)| at).chain([port.len()]);
    let fixed = |port: &str| attribute(&sys.join(DEVICES).join(port).join("removable")).as_deref() == Some("fixed");
    ends.into_iter().all(|end| port.get(..end).is_some_and(fixed))
}

fn device(sys: &Path, port: String) -> Option<Device> {
    let directory = sys.join(DEVICES).join(&port);
    let text = |name| attribute(&directory.join(name)).unwrap_or_default();
    let number = |name| attribute(&directory.join(name))?.parse().ok();
    let mut bytes = Vec::new();
    // One byte more, so that a longer one is not taken for a whole one.
    let file = File::open(directory.join("descriptors")).ok()?;
    file.take(DESCRIPTORS_LEN_MAX as u64 + 1).read_to_end(&mut bytes).ok()?;
    Some(Device {
        product: Shown::new(&text("product")),
        serial: Serial::new(&text("serial")),
        built_in: is_built_in(sys, &port),
        descriptors: Descriptors::parse(&bytes),
        place: Place { port, bus: number("busnum")?, device: number("devnum")? },
    })
}

/// An attribute without the white space around it.
fn attribute(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(ATTRIBUTE_LEN_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::disks::tests::Tree;

    /// Descriptors of a device with these interfaces `[number, class, subclass, protocol]`.
    pub(crate) fn descriptors(class: u8, numbers: [u16; 2], interfaces: &[[u8; 4]]) -> Vec<u8> {
        let [vendor, product] = numbers.map(u16::to_le_bytes);
        let mut bytes = vec![18, 1, 0, 2, class, 0, 0, 64, vendor[0], vendor[1], product[0], product[1]];
        bytes.extend([
            0,
            1,
            0,
            0,
            0,
            1,
            9,
            2,
            9 + 9 * interfaces.len() as u8,
            0,
            interfaces.len() as u8,
            1,
            0,
            0x80,
            50,
        ]);
        for [number, class, subclass, protocol] in interfaces {
            bytes.extend([9, 4, *number, 0, 0, *class, *subclass, *protocol, 0]);
        }
        bytes
    }

    pub(crate) const STICK: [u8; 4] = [0, 8, 6, 0x50];
    pub(crate) const KEYBOARD: [u8; 4] = [1, 3, 1, 1];
    pub(crate) const HUB: [u8; 4] = [0, 9, 0, 0];

    impl Tree {
        /// Writes attributes of an entry of the USB bus.
        pub(crate) fn usb(&self, name: &str, attributes: &[(&str, &[u8])]) {
            let directory = self.0.join(DEVICES).join(name);
            fs::create_dir_all(&directory).unwrap();
            for (file, value) in attributes {
                fs::write(directory.join(file), value).unwrap();
            }
        }

        /// Plugs a device in at a port of bus 1, with the directories of its interfaces.
        pub(crate) fn plug(&self, port: &str, device: u8, descriptors: &[u8]) {
            let number = device.to_string();
            self.usb(port, &[("busnum", b"1\n"), ("devnum", number.as_bytes()), ("authorized", b"0\n")]);
            self.usb(port, &[("descriptors", descriptors), ("product", b"Thing \x1b[2J\n"), ("serial", b"S 1  \n")]);
            for interface in Descriptors::parse(descriptors).into_iter().flat_map(|found| found.interfaces) {
                self.usb(&format!("{port}:1.{}", interface.number), &[("authorized", b"0\n")]);
            }
        }

        pub(crate) fn unplug(&self, port: &str) {
            fs::remove_dir_all(self.0.join(DEVICES).join(port)).unwrap();
        }

        pub(crate) fn said(&self, path: &str) -> String {
            attribute(&self.0.join("bus/usb").join(path)).unwrap_or_default()
        }
    }

    #[test]
    fn devices_are_listed_with_their_numbers_and_controllers_and_interfaces_are_not() {
        let tree = Tree::new("usb-list");
        tree.usb("usb1", &[("busnum", b"1"), ("devnum", b"1"), ("descriptors", b"")]);
        tree.plug("1-4.2", 12, &descriptors(0, [0x46f4, 1], &[STICK]));
        tree.plug("1-1", 3, b"short");
        // Going away just now: some of its files are gone.
        tree.usb("1-9", &[("busnum", b"1"), ("descriptors", b"")]);
        let found = devices(&tree.0);
        let [short, stick] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((short.place.port.as_str(), &short.descriptors), ("1-1", &Err(DescriptorsError::Device)));
        assert_eq!(stick.place, Place { port: "1-4.2".into(), bus: 1, device: 12 });
        assert_eq!(stick.place.node(), Path::new("/dev/bus/usb/001/012"));
        assert_eq!((&stick.product, &stick.serial), (&Shown::new("Thing ?[2J"), &Serial::new("S 1")));
        assert_eq!(stick.descriptors.as_ref().unwrap().interfaces.len(), 1);
    }

    #[test]
    fn a_device_is_built_in_if_the_firmware_says_so_and_no_hub_that_was_brought() {
        let tree = Tree::new("usb-fixed");
        for (port, device) in [("1-4", 1), ("1-4.2", 2)] {
            tree.plug(port, device, &descriptors(9, [0x05e3, 0x0610], &[HUB]));
        }
        let built_in = || devices(&tree.0).iter().map(|device| device.built_in).collect::<Vec<_>>();
        assert_eq!(built_in(), [false, false], "the kernel knows nothing of their ports");
        for (above, below, want) in [
            ("fixed\n", "fixed\n", [true, true]),
            ("fixed\n", "removable\n", [true, false]),
            ("removable\n", "fixed\n", [false, false]),
            ("unknown\n", "fixed\n", [false, false]),
        ] {
            tree.usb("1-4", &[("removable", above.as_bytes())]);
            tree.usb("1-4.2", &[("removable", below.as_bytes())]);
            assert_eq!(built_in(), want, "{above}{below}");
        }
    }

    #[test]
    fn descriptors_longer_than_the_limit_are_refused_and_not_cut() {
        let tree = Tree::new("usb-long");
        let mut long = descriptors(0, [1, 2], &[STICK]);
        let total = (DESCRIPTORS_LEN_MAX - 18) as u16;
        long[20..22].copy_from_slice(&total.to_le_bytes());
        while long.len() < DESCRIPTORS_LEN_MAX {
            long.extend([2, 0xff]);
        }
        assert_eq!(long.len(), DESCRIPTORS_LEN_MAX);
        tree.plug("1-1", 1, &long);
        long.push(0);
        tree.plug("1-2", 2, &long);
        let found = devices(&tree.0);
        assert!(found[0].descriptors.is_ok(), "{:?}", found[0].descriptors);
        assert_eq!(found[1].descriptors, Err(DescriptorsError::Configuration));
    }

    #[test]
    fn only_the_interface_asked_for_is_let_in_and_its_driver_told() {
        let tree = Tree::new("usb-let-in");
        fs::create_dir_all(tree.0.join("bus/usb")).unwrap();
        tree.plug("1-4", 7, &descriptors(0, [0x46f4, 1], &[STICK, KEYBOARD]));
        let place = devices(&tree.0).remove(0).place;
        place.let_in(&tree.0, Some(0)).unwrap();
        let said =
            ["devices/1-4/authorized", "devices/1-4:1.0/authorized", "devices/1-4:1.1/authorized", "drivers_probe"];
        assert_eq!(said.map(|path| tree.said(path)), ["1", "1", "0", "1-4:1.0"]);
        place.put_out(&tree.0).unwrap();
        assert_eq!(tree.said("devices/1-4/authorized"), "0");
        let error = place.let_in(&tree.0, Some(9)).unwrap_err();
        assert_eq!(error.to_string(), "did not take its configuration");
    }

    #[test]
    fn another_device_that_came_to_the_port_is_not_let_in() {
        let tree = Tree::new("usb-swapped");
        fs::create_dir_all(tree.0.join("bus/usb")).unwrap();
        let plug = |device| tree.plug("1-4", device, &descriptors(0, [0x46f4, 1], &[STICK]));
        let files = ["devices/1-4/authorized", "devices/1-4:1.0/authorized", "drivers_probe"];
        plug(7);
        let place = devices(&tree.0).remove(0).place;
        plug(8);
        assert!(place.let_in(&tree.0, Some(0)).unwrap_err().to_string().contains("another device"));
        assert_eq!(files.map(|path| tree.said(path)), ["0", "0", ""]);
        // It comes at the very moment of writing: the file that is written to changes the number.
        plug(7);
        let authorized = tree.0.join(DEVICES).join("1-4/authorized");
        fs::remove_file(&authorized).unwrap();
        std::os::unix::fs::symlink("devnum", &authorized).unwrap();
        assert!(place.let_in(&tree.0, Some(0)).unwrap_err().to_string().contains("another device"));
        assert_eq!(files.map(|path| tree.said(path)), ["0", "0", ""]);
    }

    #[test]
    fn what_came_in_before_is_put_out_and_controllers_stay() {
        let tree = Tree::new("usb-out");
        tree.usb("usb1", &[("authorized", b"1")]);
        for port in ["1-1", "1-1.4"] {
            tree.usb(port, &[("authorized", b"1")]);
        }
        assert_eq!(put_all_out(&tree.0), Ok(()));
        let said = ["usb1", "1-1", "1-1.4"].map(|name| tree.said(&format!("devices/{name}/authorized")));
        assert_eq!(said, ["1", "0", "0"]);
        fs::create_dir_all(tree.0.join(DEVICES).join("1-2/authorized")).unwrap();
        assert!(put_all_out(&tree.0).unwrap_err().contains("1-2/authorized"));
    }

    #[test]
    fn every_controller_is_closed_and_asked_afterwards() {
        let tree = Tree::new("usb-close");
        for controller in ["usb1", "usb2"] {
            tree.usb(controller, &[("authorized_default", b"1"), ("interface_authorized_default", b"1")]);
        }
        assert_eq!(close(&tree.0), Ok(()));
        for file in ["usb1/authorized_default", "usb2/authorized_default", "usb2/interface_authorized_default"] {
            assert_eq!(tree.said(&format!("devices/{file}")), "0");
        }
        // A file that does not keep the value written to it.
        let path = tree.0.join(DEVICES).join("usb2/authorized_default");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(close(&tree.0).unwrap_err().contains("should read 0"));
    }
}
