//! Hubs of a plan, and the reading of them.

use core::fmt;
use core::ops::RangeInclusive;

use super::Rule;
use super::form::usb_id;
use super::raw::{self, At};
use super::read::Reader;
use crate::public::Text;

/// The numbers by which a USB device names its model. The numbers prove nothing: the device wrote them.
///
/// Shape: shown as `lsusb` prints it, `05e3:0610`. Source: idVendor and idProduct, USB 2.0, table 9-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsbId {
    /// idVendor.
    pub vendor: u16,
    /// idProduct.
    pub product: u16,
}

impl fmt::Display for UsbId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

/// A hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// Line of the plan.
    pub line: u32,
    /// Name of the hub in the room: `HUB-1`.
    pub name: Text,
    /// The ids of the devices it shows itself as: a USB 3 hub is a USB 2 hub beside it.
    pub usb: Vec<UsbId>,
    /// Devices of each id, 1 to 5: a hub of seven ports is often one of four on another.
    pub number: u8,
    /// Ports it has for other devices: 2 to 16.
    pub ports: u8,
}

impl Hub {
    /// Ids of a hub: two for each of two models of hub that one consists of.
    const IDS: RangeInclusive<usize> = 1..=4;
    /// Devices of an id: five hubs of four ports on one another have 16 for other devices.
    const NUMBER: RangeInclusive<u8> = 1..=5;
    /// Ports of a hub: a hub of one port is a cable, and hubs of more than 16 are not sold.
    const PORTS: RangeInclusive<u8> = 2..=16;
}

impl Reader<'_> {
    pub(super) fn hub_of(&mut self, at: &At<raw::Hub>) -> Option<Hub> {
        let hub = at.get_ref();
        let name = self.short(&hub.name);
        let ids = hub.usb.get_ref();
        let usb: Vec<_> = ids.iter().map(|id| self.value(id, "the id of a hub as `lsusb` prints it", usb_id)).collect();
        if !Hub::IDS.contains(&ids.len()) {
            let expected = format!("{} to {} ids of a hub", Hub::IDS.start(), Hub::IDS.end());
            let do_now = "Write the ids by which `lsusb` shows this hub.";
            self.refuse::<_, ()>(Rule::Count, &hub.usb, &expected, ids.len().to_string(), do_now);
        }
        let how = "Count how often `lsusb` shows an id of this hub, or take number out: it is 1 then.";
        let number =
            hub.number.as_ref().map_or(Some(1), |at| self.within(at, Hub::NUMBER, "devices of each id of a hub", how));
        let how = "Count the ports a device can be plugged into.";
        let ports = self.within(&hub.ports, Hub::PORTS, "ports of a hub", how);
        let usb = usb.into_iter().collect::<Option<_>>()?;
        Some(Hub { line: self.line(at), name: name?, usb, number: number?, ports: ports? })
    }

    fn within(&mut self, at: &At<i64>, bounds: RangeInclusive<u8>, what: &str, do_now: &str) -> Option<u8> {
        let found = *at.get_ref();
        let expected = format!("{} to {} {what}", bounds.start(), bounds.end());
        let value = u8::try_from(found).ok().filter(|value| bounds.contains(value));
        value.or_else(|| self.refuse(Rule::Value, at, &expected, found.to_string(), do_now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    const MINIMAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");

    #[test]
    fn a_hub_is_named_by_the_ids_it_shows_itself_by() {
        let hub = "\n[[hub]]\nname = \"HUB-1\"\nusb = [\"05e3:0610\", \"0409:55aa\"]\nports = 4\n";
        let text = MINIMAL.to_owned() + hub;
        let line = u32::try_from(MINIMAL.lines().count()).unwrap() + 2;
        assert!(read(MINIMAL.as_bytes()).unwrap().hubs.is_empty());
        let hubs = read(text.as_bytes()).unwrap().hubs;
        let [Hub { name, usb, number: 1, ports: 4, line: at }] = &hubs[..] else { panic!("{hubs:?}") };
        assert_eq!((name.as_str(), *at), ("HUB-1", line));
        let ids = [UsbId { vendor: 0x05e3, product: 0x0610 }, UsbId { vendor: 0x0409, product: 0x55aa }];
        assert_eq!((&usb[..], usb[0].to_string().as_str()), (&ids[..], "05e3:0610"));
        for number in 1..=5 {
            let text = format!("{text}number = {number}\n");
            assert_eq!(read(text.as_bytes()).unwrap().hubs[0].number, number);
        }
        let refused = |defect: &str, from: &str, to: &str| {
            let refusals = read((MINIMAL.to_owned() + &hub.replacen(from, to, 1)).as_bytes()).unwrap_err();
            let [refusal] = &refusals[..] else { panic!("{defect}: {refusals:#?}") };
            // The key that is wrong, by its line; of the table, where a key is missing or not known.
            assert!((line..=line + 4).contains(&refusal.line), "{refusal}");
            refusal.clone()
        };
        for (defect, from, to, words) in [
            ("in_capitals", "05e3:0610", "05E3:0610", "as `lsusb` prints it"),
            ("without_colon", "05e3:0610", "05e30610", "a colon, four more"),
            ("with_a_second_colon", "05e3:0610", "05e3:0610:", "a colon, four more"),
            ("too_short", "05e3:0610", "5e3:610", "a colon, four more"),
            ("too_long", "05e3:0610", "05e3:00610", "a colon, four more"),
            ("with_a_sign", "05e3:0610", "+5e3:0610", "a colon, four more"),
            ("with_a_prefix", "05e3:0610", "0x05e3:0x0610", "a colon, four more"),
            ("with_a_blank", "05e3:0610", "05e3:0610 ", "a colon, four more"),
            ("not_ascii", "05e3:0610", "05é3:0610", "a colon, four more"),
            ("as_a_port", "05e3:0610", "1-4", "a colon, four more"),
            ("empty", "05e3:0610", "", "a colon, four more"),
            ("one_port", "ports = 4", "ports = 1", "2 to 16 ports of a hub"),
            ("seventeen_ports", "ports = 4", "ports = 17", "2 to 16 ports of a hub"),
            ("no_number_of_ports", "ports = 4", "ports = -4", "2 to 16 ports of a hub"),
            ("ports_that_wrap", "ports = 4", "ports = 260", "2 to 16 ports of a hub"),
            ("none_of_an_id", "ports = 4", "ports = 4\nnumber = 0", "1 to 5 devices of each id of a hub"),
            ("six_of_an_id", "ports = 4", "ports = 4\nnumber = 6", "1 to 5 devices of each id of a hub"),
            ("number_that_wraps", "ports = 4", "ports = 4\nnumber = 257", "1 to 5 devices of each id of a hub"),
            ("name_of_words", "HUB-1", "the hub", "1 to 24 ASCII letters, digits and hyphens"),
        ] {
            let refusal = refused(defect, from, to);
            assert_eq!(refusal.rule, Rule::Value, "{defect}: {refusal}");
            assert!(refusal.to_string().contains(words), "{defect}: {refusal}");
        }
        let ids = "\"05e3:0610\", \"0409:55aa\"";
        let five = (0..5).map(|at| format!("\"05e3:000{at}\"")).collect::<Vec<_>>().join(", ");
        for (defect, to) in [("no_id", ""), ("five_ids", &five[..])] {
            let refusal = refused(defect, ids, to);
            assert_eq!(refusal.rule, Rule::Count, "{defect}: {refusal}");
            assert!(refusal.to_string().contains("1 to 4 ids of a hub"), "{refusal}");
        }
        for (defect, from, to, words) in [
            ("unknown_key", "ports = 4", "ports = 4\nserial = \"A\"", "unknown field `serial`"),
            ("no_ports", "ports = 4\n", "", "missing field `ports`"),
            ("no_list", "[\"05e3:0610\", \"0409:55aa\"]", "\"05e3:0610\"", "invalid type"),
            ("one_table", "[[hub]]", "[hub]", "invalid type"),
        ] {
            let refusal = refused(defect, from, to);
            assert_eq!(refusal.rule, Rule::Toml, "{defect}: {refusal}");
            assert!(refusal.to_string().contains(words), "{defect}: {refusal}");
        }
    }
}
