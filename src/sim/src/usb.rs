//! A USB device as a bus sees it, whichever bus carries it: descriptors, requests, halts.
//!
//! [`Attached`] answers the requests that USB 2.0 chapter 9 asks of every device, and keeps the halts; the device
//! behind it supplies the rest. This module does not know the carrier of the packets.

use std::collections::BTreeSet;

/// Why a transfer moves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTransfer {
    /// NAK: nothing to send or no room to take; the host asks again until its patience ends.
    Nak,
    /// STALL: a bulk or interrupt endpoint halts with it.
    Stall,
    /// The device sends more than the host has room for.
    Babble,
    /// The device is no longer there.
    Gone,
}

/// Signalling rate of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// 1.5 Mbit/s.
    Low,
    /// 12 Mbit/s.
    Full,
    /// 480 Mbit/s.
    High,
}

/// The eight bytes that open a control transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// bmRequestType: direction in bit 7, type in bits 5 and 6, recipient below.
    pub request_type: u8,
    /// bRequest.
    pub request: u8,
    /// wValue.
    pub value: u16,
    /// wIndex.
    pub index: u16,
    /// wLength: most bytes of the data stage.
    pub length: u16,
}

/// The descriptors of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// Signalling rate.
    pub speed: Speed,
    /// Device descriptor.
    pub device: [u8; 18],
    /// The one configuration, with its interface, class and endpoint descriptors.
    pub configuration: Vec<u8>,
    /// String descriptors from index 1.
    pub strings: Vec<String>,
}

/// Descriptor types.
///
/// Source: USB 2.0 table 9-5.
mod kind {
    pub(super) const DEVICE: u8 = 1;
    pub(super) const CONFIGURATION: u8 = 2;
    pub(super) const STRING: u8 = 3;
    pub(super) const INTERFACE: u8 = 4;
    pub(super) const ENDPOINT: u8 = 5;
}

/// An interface of the configuration, in its first setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface {
    /// bInterfaceNumber.
    pub number: u8,
    /// bInterfaceClass, bInterfaceSubClass, bInterfaceProtocol.
    pub class: [u8; 3],
}

/// An endpoint of the configuration, in the first setting of its interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// bEndpointAddress: bit 7 is set towards the host.
    pub address: u8,
    /// Transfer type: 1 isochronous, 2 bulk, 3 interrupt.
    pub kind: u8,
    /// wMaxPacketSize.
    pub packet_len_max: u16,
    /// bInterval.
    pub interval: u8,
    /// The interface it belongs to.
    pub interface: u8,
}

impl Descriptors {
    /// One descriptor as GET_DESCRIPTOR returns it. `None` where a full-speed device stalls: device qualifier, BOS, an
    /// index that does not exist.
    pub fn descriptor(&self, kind: u8, index: u8) -> Option<Vec<u8>> {
        match (kind, index) {
            (kind::DEVICE, 0) => Some(self.device.to_vec()),
            (kind::CONFIGURATION, 0) => Some(self.configuration.clone()),
            // The list of languages: US English.
            (kind::STRING, 0) => Some(vec![4, kind::STRING, 0x09, 0x04]),
            (kind::STRING, _) => {
                let text = self.strings.get(usize::from(index) - 1)?;
                let mut out = vec![0, kind::STRING];
                out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
                let len = u8::try_from(out.len()).ok()?;
                if let Some(first) = out.first_mut() {
                    *first = len;
                }
                Some(out)
            }
            _ => None,
        }
    }

    /// bConfigurationValue of the configuration.
    pub fn configuration_value(&self) -> u8 {
        self.configuration.get(5).copied().unwrap_or(0)
    }

    /// The interfaces, in order.
    pub fn interfaces(&self) -> Vec<Interface> {
        let mut found = Vec::new();
        for descriptor in self.parts() {
            if let [_, kind::INTERFACE, number, 0, _, class, subclass, protocol, _] = *descriptor {
                found.push(Interface { number, class: [class, subclass, protocol] });
            }
        }
        found
    }

    /// The endpoints, in order.
    pub fn endpoints(&self) -> Vec<Endpoint> {
        let (mut found, mut interface, mut first_setting) = (Vec::new(), 0, false);
        for descriptor in self.parts() {
            match *descriptor {
                [_, kind::INTERFACE, number, setting, ..] => (interface, first_setting) = (number, setting == 0),
                [_, kind::ENDPOINT, address, attributes, low, high, interval, ..] if first_setting => {
                    let packet_len_max = u16::from_le_bytes([low, high]);
                    found.push(Endpoint { address, kind: attributes & 3, packet_len_max, interval, interface });
                }
                _ => {}
            }
        }
        found
    }

    /// The configuration cut into its descriptors.
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.configuration.as_slice();
        core::iter::from_fn(move || {
            let (part, after) = rest.split_at_checked(usize::from(*rest.first()?).max(1))?;
            rest = after;
            Some(part)
        })
    }
}

/// A device, apart from the behaviour that all devices share.
pub trait UsbDevice: Send {
    /// Its descriptors. They must not change while it is attached.
    fn descriptors(&self) -> &Descriptors;

    /// The bus was reset: back to the state after power-on.
    fn reset(&mut self);

    /// A control transfer. Chapter 9 requests that concern status, halts and configuration never arrive here.
    /// Returns the data stage of an IN transfer, nothing for OUT; more than wLength is cut.
    ///
    /// The default answers GET_DESCRIPTOR and stalls on everything else.
    fn control(&mut self, setup: Setup, data: &[u8]) -> Result<Vec<u8>, NoTransfer> {
        let _ = data;
        self.described(setup)
    }

    /// The answer to GET_DESCRIPTOR. Stalls on every other request.
    fn described(&self, setup: Setup) -> Result<Vec<u8>, NoTransfer> {
        let [kind, index] = setup.value.to_be_bytes();
        match (setup.request_type, setup.request) {
            (0x80, 6) => self.descriptors().descriptor(kind, index).ok_or(NoTransfer::Stall),
            _ => Err(NoTransfer::Stall),
        }
    }

    /// Takes one OUT transfer.
    fn bulk_out(&mut self, endpoint: u8, data: &[u8]) -> Result<(), NoTransfer>;

    /// Gives one IN transfer of at most `len_max` bytes.
    fn bulk_in(&mut self, endpoint: u8, len_max: usize) -> Result<Vec<u8>, NoTransfer>;

    /// The report of an interrupt endpoint. Each report is given once.
    fn interrupt_in(&mut self, endpoint: u8) -> Option<Vec<u8>>;

    /// Whether it pulled itself out; only plugging in again, which resets it, ends that.
    fn is_gone(&self) -> bool {
        false
    }
}

/// A device on a bus: halts, configuration and the requests every device answers alike.
#[derive(Debug)]
pub struct Attached<D> {
    device: D,
    halted: BTreeSet<u8>,
    configuration: u8,
}

impl<D: UsbDevice> Attached<D> {
    /// Plugs the device in: it starts as after a bus reset.
    pub fn new(mut device: D) -> Self {
        device.reset();
        Self { device, halted: BTreeSet::new(), configuration: 0 }
    }

    /// The device.
    pub fn device(&self) -> &D {
        &self.device
    }

    /// Pulls the device out.
    pub fn into_device(self) -> D {
        self.device
    }

    /// Bus reset: halts and configuration are forgotten.
    pub fn reset(&mut self) {
        if self.device.is_gone() {
            return;
        }
        self.halted.clear();
        self.configuration = 0;
        self.device.reset();
    }

    /// The configuration in force, 0 for none.
    pub fn configuration(&self) -> u8 {
        self.configuration
    }

    /// SET_CONFIGURATION: clears every halt.
    pub fn configure(&mut self, configuration: u8) {
        self.configuration = configuration;
        self.halted.clear();
    }

    /// CLEAR_FEATURE(ENDPOINT_HALT).
    pub fn clear_halt(&mut self, endpoint: u8) {
        self.halted.remove(&endpoint);
    }

    /// A control transfer on endpoint 0.
    pub fn control(&mut self, setup: Setup, data: &[u8]) -> Result<Vec<u8>, NoTransfer> {
        if self.device.is_gone() {
            return Err(NoTransfer::Gone);
        }
        let [endpoint, _] = setup.index.to_le_bytes();
        let mut reply = match (setup.request_type, setup.request, setup.value) {
            // CLEAR_FEATURE and SET_FEATURE, ENDPOINT_HALT.
            (0x02, 1, 0) => {
                self.clear_halt(endpoint);
                Vec::new()
            }
            (0x02, 3, 0) => {
                self.halted.insert(endpoint);
                Vec::new()
            }
            // GET_STATUS of device, interface, endpoint.
            (0x80 | 0x81, 0, 0) => vec![0, 0],
            (0x82, 0, 0) => vec![u8::from(self.halted.contains(&endpoint)), 0],
            _ => self.device.control(setup, data)?,
        };
        reply.truncate(usize::from(setup.length));
        Ok(reply)
    }

    /// One OUT transfer.
    pub fn bulk_out(&mut self, endpoint: u8, data: &[u8]) -> Result<(), NoTransfer> {
        self.unless_halted(endpoint, |device| device.bulk_out(endpoint, data))
    }

    /// One IN transfer of at most `len_max` bytes.
    pub fn bulk_in(&mut self, endpoint: u8, len_max: usize) -> Result<Vec<u8>, NoTransfer> {
        self.unless_halted(endpoint, |device| device.bulk_in(endpoint, len_max))
    }

    /// The report of an interrupt endpoint.
    pub fn interrupt_in(&mut self, endpoint: u8) -> Option<Vec<u8>> {
        self.device.interrupt_in(endpoint)
    }

    fn unless_halted<T>(
        &mut self,
        endpoint: u8,
        transfer: impl FnOnce(&mut D) -> Result<T, NoTransfer>,
    ) -> Result<T, NoTransfer> {
        if self.device.is_gone() {
            return Err(NoTransfer::Gone);
        }
        if self.halted.contains(&endpoint) {
            return Err(NoTransfer::Stall);
        }
        let result = transfer(&mut self.device);
        if matches!(result, Err(NoTransfer::Stall)) {
            self.halted.insert(endpoint);
        }
        result
    }
}
