//! Tokens on the bus, as sysfs lists them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use smartcard_hsm::text::Foreign;

use crate::{Model, model};

/// Entries of the bus looked at: devices and their interfaces.
const ENTRIES_MAX: usize = 4_096;
/// Bytes of an attribute looked at: more than any string descriptor can fill.
const ATTRIBUTE_LEN_MAX: u64 = 512;
/// Characters kept of a device's description of itself: as many as a string descriptor holds.
pub const TEXT_CHARS_MAX: usize = 126;

/// A token on the bus. Its texts are the device's own words: escaped, so that they cannot move a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which kind it is.
    pub model: Model,
    /// iSerial, without the spaces around it; `None` if the device has none.
    pub serial: Option<String>,
    /// iProduct.
    pub product: Option<String>,
    /// Where it is plugged in: bus, then port by port, `1-2.3`.
    pub port: String,
    /// Number of the bus.
    pub bus: u8,
    /// Number on the bus; changes at every plugging.
    pub device: u8,
}

impl Found {
    /// Its node of usbfs.
    pub fn node(&self) -> PathBuf {
        PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", self.bus, self.device))
    }
}

/// The tokens below a sysfs root (`/sys`), by bus and port. A device that goes away meanwhile is left out.
///
/// Errors: those of reading the directory `bus/usb/devices`.
pub fn discover(sysfs_root: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(sysfs_root.join("bus/usb/devices"))?.take(ENTRIES_MAX) {
        let entry = entry?;
        found.extend(token(&entry.path(), &entry.file_name().to_string_lossy()));
    }
    found.sort_by_key(|token| (token.bus, token.device));
    Ok(found)
}

/// The token of this directory; `None` for every other device, and for interfaces, which do not have these attributes.
fn token(directory: &Path, port: &str) -> Option<Found> {
    let id = |name| u16::from_str_radix(&attribute(directory, name)?, 16).ok();
    let number = |name| attribute(directory, name)?.parse().ok();
    let text = |name| attribute(directory, name).map(|text| shown(&text)).filter(|text| !text.is_empty());
    Some(Found {
        model: model(id("idVendor")?, id("idProduct")?)?,
        serial: text("serial"),
        product: text("product"),
        port: shown(port),
        bus: number("busnum")?,
        device: number("devnum")?,
    })
}

fn shown(text: &str) -> String {
    let kept: String = text.chars().take(TEXT_CHARS_MAX).collect();
    Foreign(&kept).to_string()
}

/// An attribute without the white space around it.
fn attribute(directory: &Path, name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    File::open(directory.join(name)).ok()?.take(ATTRIBUTE_LEN_MAX).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sysfs of this test alone, gone with it.
    struct Sysfs(PathBuf);

    impl Sysfs {
        fn new(test: &str) -> Self {
            let root = std::env::temp_dir().join(format!("smartcard-hsm-usb-{}-{test}", std::process::id()));
            fs::create_dir_all(root.join("bus/usb/devices")).unwrap();
            Self(root)
        }

        fn device(&self, port: &str, attributes: &[(&str, &str)]) {
            let directory = self.0.join("bus/usb/devices").join(port);
            fs::create_dir_all(&directory).unwrap();
            for (name, value) in attributes {
                fs::write(directory.join(name), format!("{value}\n")).unwrap();
            }
        }

        /// A Nitrokey HSM with these texts.
        fn nitrokey(&self, port: &str, device: u8, serial: &str, product: &str) {
            let device = device.to_string();
            self.device(port, &[("idVendor", "20a0"), ("idProduct", "4230"), ("busnum", "1"), ("devnum", &device)]);
            self.device(port, &[("serial", serial), ("product", product)]);
        }
    }

    impl Drop for Sysfs {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn tokens_are_listed_by_bus_and_device_and_nothing_else_is() {
        let sysfs = Sysfs::new("list");
        sysfs.nitrokey("1-2.3", 12, "DENK04041440000         ", "Nitrokey HSM");
        sysfs.device("1-1", &[("idVendor", "04e6"), ("idProduct", "5817"), ("busnum", "1"), ("devnum", "7")]);
        sysfs.device("usb1", &[("idVendor", "1d6b"), ("idProduct", "0002"), ("busnum", "1"), ("devnum", "1")]);
        sysfs.device("1-4", &[("idVendor", "20a0"), ("idProduct", "4109"), ("busnum", "1"), ("devnum", "4")]);
        sysfs.device("1-2.3:1.0", &[("bInterfaceClass", "0b")]);
        let found = discover(&sysfs.0).unwrap();
        let [stick, nitrokey] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((stick.model.product, stick.serial.as_deref(), stick.port.as_str()), (0x5817, None, "1-1"));
        assert_eq!(stick.node(), Path::new("/dev/bus/usb/001/007"));
        let want = Found {
            model: Model { vendor: 0x20a0, product: 0x4230, name: "Nitrokey HSM", tells_token: true },
            serial: Some("DENK04041440000".into()),
            product: Some("Nitrokey HSM".into()),
            port: "1-2.3".into(),
            bus: 1,
            device: 12,
        };
        assert_eq!((nitrokey, nitrokey.node().as_path()), (&want, Path::new("/dev/bus/usb/001/012")));
    }

    #[test]
    fn texts_cannot_speak_for_this_program() {
        let sysfs = Sysfs::new("hostile");
        let long = "A".repeat(300);
        sysfs.nitrokey("1-1", 1, "\u{1b}[2J\u{1b}[H all keys proven", &long);
        sysfs.nitrokey("1-2", 2, "\r\n \u{202e}KNED", "\u{9b}31m");
        let found = discover(&sysfs.0).unwrap();
        let [escape, bidi] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(escape.serial.as_deref(), Some(r"\u{1b}[2J\u{1b}[H all keys proven"));
        assert_eq!(escape.product.as_deref(), Some("A".repeat(TEXT_CHARS_MAX).as_str()));
        assert_eq!(bidi.serial.as_deref(), Some(r"\u{202e}KNED"));
        assert_eq!(bidi.product.as_deref(), Some(r"\u{9b}31m"));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_replaced() {
        let sysfs = Sysfs::new("utf8");
        sysfs.nitrokey("1-1", 1, "", "");
        fs::write(sysfs.0.join("bus/usb/devices/1-1/serial"), b"DENK\xff\n").unwrap();
        let found = discover(&sysfs.0).unwrap();
        assert_eq!((found[0].serial.as_deref(), found[0].product.as_deref()), (Some("DENK\u{fffd}"), None));
    }

    #[test]
    fn a_token_that_goes_away_while_it_is_read_is_left_out() {
        let sysfs = Sysfs::new("gone");
        sysfs.device("1-1", &[("idVendor", "20a0"), ("idProduct", "4230"), ("busnum", "1")]);
        sysfs.device("1-2", &[("idVendor", "20a0"), ("idProduct", "4230"), ("busnum", "1"), ("devnum", "999")]);
        sysfs.device("1-3", &[("idVendor", "20a0"), ("idProduct", "4230"), ("devnum", "3")]);
        sysfs.device("1-4", &[("idVendor", "20a0"), ("busnum", "1"), ("devnum", "4")]);
        assert_eq!(discover(&sysfs.0).unwrap(), []);
    }

    #[test]
    fn a_machine_without_sysfs_is_an_error_and_not_an_empty_list() {
        let sysfs = Sysfs::new("none");
        assert_eq!(discover(&sysfs.0.join("nowhere")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
