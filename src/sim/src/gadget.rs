//! USB devices that are no tokens: they may be plugged into a port of a ceremony machine, by mistake or on purpose.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::usb::{Descriptors, NoTransfer, Setup, Speed, UsbDevice};

/// Most key presses that may wait to be typed.
pub const PRESSES_MAX: usize = 1_000;

/// An interface of a gadget: class, subclass, protocol.
pub type Class = [u8; 3];

/// Mass storage: SCSI commands by Bulk-Only Transport.
pub const STORAGE: Class = [0x08, 0x06, 0x50];
/// A boot keyboard.
pub const KEYBOARD: Class = [0x03, 0x01, 0x01];
/// A card reader.
pub const CARD_READER: Class = [0x0b, 0x00, 0x00];
/// A network adapter, CDC Ethernet.
pub const NETWORK: Class = [0x02, 0x06, 0x00];

/// Type of a report descriptor, of a HID descriptor.
///
/// Source: Device Class Definition for HID 1.11, §7.1.
const HID: u8 = 0x21;
const REPORT: u8 = 0x22;

/// A boot keyboard: eight modifier keys as bits, one byte reserved, six keys down by their usage.
///
/// Source: Device Class Definition for HID 1.11, appendix B.1 without the LEDs; HID Usage Tables, pages 1 and 7.
#[rustfmt::skip]
const KEYBOARD_REPORT: [u8; 45] = [
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, // Generic Desktop, Keyboard, a collection of
    0x05, 0x07,                         // keys:
    0x19, 0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, // modifiers, each 0 or 1,
    0x75, 0x01, 0x95, 0x08, 0x81, 0x02, // eight of one bit, variable
    0x75, 0x08, 0x95, 0x01, 0x81, 0x01, // one byte, constant
    0x19, 0x00, 0x29, 0x65, 0x15, 0x00, 0x25, 0x65, // usages 0 to 101,
    0x75, 0x08, 0x95, 0x06, 0x81, 0x00, // six of a byte, an array
    0xc0, 0x05, 0x01,                   // end; back to the first page
];

/// How a gadget answers control requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As its descriptors say.
    Answers,
    /// With STALL, descriptors included: the host never learns the kind of the device.
    Stalls,
}

/// Types on a gadget that has a keyboard, from wherever the test is.
#[derive(Clone, Debug, Default)]
pub struct Typist(Arc<Mutex<VecDeque<[u8; 8]>>>);

impl Typist {
    /// Presses and releases the keys of these characters: lower-case letters, digits, `\n` for Enter, U+001B for
    /// Escape. Other characters, and those after [`PRESSES_MAX`], are not typed.
    pub fn types(&self, text: &str) {
        let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for usage in text.chars().filter_map(usage) {
            if queue.len() < 2 * PRESSES_MAX {
                queue.extend([[0, 0, usage, 0, 0, 0, 0, 0], [0; 8]]);
            }
        }
    }

    /// Whether everything was handed to the host.
    pub fn is_done(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    fn next(&self) -> Option<[u8; 8]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// The key of a character on an American keyboard.
///
/// Source: HID Usage Tables, page 7.
fn usage(typed: char) -> Option<u8> {
    match typed {
        'a'..='z' => Some(typed as u8 - b'a' + 0x04),
        '1'..='9' => Some(typed as u8 - b'1' + 0x1e),
        '0' => Some(0x27),
        '\n' => Some(0x28),
        '\u{1b}' => Some(0x29),
        _ => None,
    }
}

/// A device made of interfaces; those that are keyboards can be typed on, the others neither give nor take anything.
#[derive(Clone, Debug)]
pub struct Gadget {
    descriptors: Descriptors,
    manner: Manner,
    typist: Typist,
}

impl Gadget {
    /// A device with these numbers (idVendor, idProduct), product and serial strings, and interfaces.
    pub fn new(numbers: [u16; 2], strings: [&str; 2], interfaces: &[Class], manner: Manner) -> Self {
        let [v, p] = numbers.map(u16::to_le_bytes);
        let device = [0x12, 1, 0x10, 0x01, 0, 0, 0, 0x40, v[0], v[1], p[0], p[1], 0, 1, 0, 1, 2, 1];
        let mut parts = Vec::new();
        for (number, [class, subclass, protocol]) in (0..).zip(interfaces) {
            let is_keyboard = [*class, *subclass, *protocol] == KEYBOARD;
            let endpoints = if is_keyboard { 1 } else { 2 };
            parts.extend([9, 4, number, 0, endpoints, *class, *subclass, *protocol, 0]);
            // Two endpoints for each interface, numbered on from 1.
            let [input, output] = [0x81 + number, 0x01 + number];
            if is_keyboard {
                parts.extend([9, HID, 0x11, 0x01, 0, 1, REPORT, KEYBOARD_REPORT.len() as u8, 0]);
                parts.extend([7, 5, input, 3, 8, 0, 10]);
            } else {
                parts.extend([7, 5, input, 2, 64, 0, 0, 7, 5, output, 2, 64, 0, 0]);
            }
        }
        let [low, high] = (9 + parts.len() as u16).to_le_bytes();
        let mut configuration = vec![9, 2, low, high, interfaces.len() as u8, 1, 0, 0x80, 50];
        configuration.extend(parts);
        let strings = strings.map(String::from).to_vec();
        let descriptors = Descriptors { speed: Speed::Full, device, configuration, strings };
        Self { descriptors, manner, typist: Typist::default() }
    }

    /// The handle that types on it.
    pub fn typist(&self) -> Typist {
        self.typist.clone()
    }
}

impl UsbDevice for Gadget {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn reset(&mut self) {}

    fn control(&mut self, setup: Setup, _data: &[u8]) -> Result<Vec<u8>, NoTransfer> {
        if self.manner == Manner::Stalls {
            return Err(NoTransfer::Stall);
        }
        let [kind, _] = setup.value.to_be_bytes();
        match (setup.request_type, setup.request) {
            (0x81, 6) if kind == REPORT => Ok(KEYBOARD_REPORT.to_vec()),
            // SET_REPORT, SET_IDLE, SET_PROTOCOL.
            (0x21, 9..=11) => Ok(Vec::new()),
            _ => self.described(setup),
        }
    }

    fn bulk_out(&mut self, _endpoint: u8, _data: &[u8]) -> Result<(), NoTransfer> {
        Err(NoTransfer::Stall)
    }

    fn bulk_in(&mut self, _endpoint: u8, _len_max: usize) -> Result<Vec<u8>, NoTransfer> {
        Err(NoTransfer::Nak)
    }

    fn interrupt_in(&mut self, _endpoint: u8) -> Option<Vec<u8>> {
        self.typist.next().map(Vec::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::Interface;

    fn get(kind: u8, request_type: u8) -> Setup {
        Setup { request_type, request: 6, value: u16::from_be_bytes([kind, 0]), index: 0, length: 255 }
    }

    #[test]
    fn a_stick_with_a_keyboard_says_so_and_each_interface_has_endpoints_of_its_own() {
        let mut stick = Gadget::new([0x1234, 0x5678], ["Stick", "S1"], &[STORAGE, KEYBOARD], Manner::Answers);
        let expected = [Interface { number: 0, class: STORAGE }, Interface { number: 1, class: KEYBOARD }];
        assert_eq!(stick.descriptors().interfaces(), expected);
        let endpoints: Vec<_> = stick.descriptors().endpoints().iter().map(|e| (e.address, e.interface)).collect();
        assert_eq!(endpoints, [(0x81, 0), (0x01, 0), (0x82, 1)]);
        assert_eq!(stick.control(get(REPORT, 0x81), &[]).unwrap(), KEYBOARD_REPORT);
        assert_eq!(stick.control(get(1, 0x80), &[]).unwrap()[8..12], [0x34, 0x12, 0x78, 0x56]);
    }

    #[test]
    fn what_is_typed_arrives_key_by_key_pressed_and_released() {
        let mut keyboard = Gadget::new([1, 2], ["Keys", ""], &[KEYBOARD], Manner::Answers);
        let typist = keyboard.typist();
        typist.types("a0é\n");
        let reports: Vec<u8> = core::iter::from_fn(|| keyboard.interrupt_in(0x81)).map(|report| report[2]).collect();
        assert_eq!(reports, [0x04, 0, 0x27, 0, 0x28, 0]);
        assert!(typist.is_done());
    }

    #[test]
    fn one_that_stalls_tells_nothing() {
        let mut gadget = Gadget::new([1, 2], ["", ""], &[STORAGE], Manner::Stalls);
        assert_eq!(gadget.control(get(1, 0x80), &[]), Err(NoTransfer::Stall));
    }
}
