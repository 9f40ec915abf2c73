//! The side that has the device: answers every packet of the side that uses it.

use std::collections::{BTreeSet, VecDeque};

use super::packet::{Body, Control, Decoder, Packet, PacketError, hello, kind, push};
use crate::usb::{Attached, Descriptors, NoTransfer, Setup, Speed, UsbDevice};

/// Transfers QEMU may have open at once.
const OPEN_MAX: usize = 64;
/// Interrupt reports given in one turn.
const REPORTS_MAX: usize = 16;
/// Endpoints in an info packet: 16 towards the device, 16 towards the host.
const ENDPOINTS: usize = 32;
/// Interfaces in an info packet.
const INTERFACES: usize = 32;
/// Type of an endpoint that does not exist.
const NO_ENDPOINT: u8 = 255;

/// Outcome of a request.
mod status {
    pub(super) const SUCCESS: u8 = 0;
    pub(super) const CANCELLED: u8 = 1;
    pub(super) const IO_ERROR: u8 = 3;
    pub(super) const STALL: u8 = 4;
    pub(super) const BABBLE: u8 = 6;
}

/// One device on one connection.
#[derive(Debug)]
pub struct Host<D> {
    device: Attached<D>,
    decoder: Decoder,
    out: Vec<u8>,
    /// Transfers the device has not answered yet, in order.
    open: VecDeque<Packet>,
    /// Interrupt endpoints QEMU listens to.
    listening: BTreeSet<u8>,
    reports: u64,
}

impl<D: UsbDevice> Host<D> {
    /// Plugs the device into the other side, which learns of it from [`Host::take_output`].
    pub fn new(device: D) -> Self {
        Self {
            device: Attached::new(device),
            decoder: Decoder::default(),
            out: hello(),
            open: VecDeque::new(),
            listening: BTreeSet::new(),
            reports: 0,
        }
    }

    /// Takes bytes from the other side.
    ///
    /// Errors: the bytes are no usbredir; the connection is then of no more use.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), PacketError> {
        self.decoder.feed(bytes);
        while let Some(packet) = self.decoder.next_packet()? {
            self.handle(packet)?;
            self.serve();
        }
        Ok(())
    }

    /// Lets the device report the changes since the other side last sent something.
    pub fn poll(&mut self) {
        self.serve();
    }

    /// The bytes to be sent. They are given once.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// The device pulled itself out: send the remaining bytes, then close the connection.
    pub fn is_gone(&self) -> bool {
        self.device.device().is_gone()
    }

    /// Pulls the device out.
    pub fn into_device(self) -> D {
        self.device.into_device()
    }

    fn handle(&mut self, packet: Packet) -> Result<(), PacketError> {
        let id = packet.id;
        match packet.body {
            Body::Hello => {
                self.describe();
                let connect = device_connect(self.device.device().descriptors());
                self.send(kind::DEVICE_CONNECT, 0, &connect, &[]);
            }
            Body::Reset => {
                for packet in core::mem::take(&mut self.open) {
                    self.finish(&packet, Err(status::IO_ERROR));
                }
                self.listening.clear();
                self.device.reset();
            }
            Body::SetConfiguration { configuration } => {
                let known = [0, self.device.device().descriptors().configuration_value()].contains(&configuration);
                if known {
                    self.device.configure(configuration);
                    self.describe();
                }
                self.configuration_status(id, known);
            }
            Body::GetConfiguration => self.configuration_status(id, true),
            // No device here has a second setting.
            Body::SetAltSetting { interface, setting } => {
                let status = if setting == 0 { status::SUCCESS } else { status::STALL };
                self.send(kind::ALT_SETTING_STATUS, id, &[status, interface, 0], &[]);
            }
            Body::GetAltSetting { interface } => {
                self.send(kind::ALT_SETTING_STATUS, id, &[status::SUCCESS, interface, 0], &[]);
            }
            Body::StartInterrupt { endpoint } => {
                self.listening.insert(endpoint);
                self.send(kind::INTERRUPT_RECEIVING_STATUS, id, &[status::SUCCESS, endpoint], &[]);
            }
            Body::StopInterrupt { endpoint } => {
                self.listening.remove(&endpoint);
                self.send(kind::INTERRUPT_RECEIVING_STATUS, id, &[status::SUCCESS, endpoint], &[]);
            }
            Body::Cancel => {
                // Not found: its answer is already on the way.
                if let Some(at) = self.open.iter().position(|open| open.id == id)
                    && let Some(packet) = self.open.remove(at)
                {
                    self.finish(&packet, Err(status::CANCELLED));
                }
            }
            Body::Filter | Body::DisconnectAck => {}
            Body::Control { .. } | Body::Bulk { .. } | Body::Interrupt { .. } => {
                if self.open.len() >= OPEN_MAX {
                    return Err(PacketError::TooManyOpen { limit: OPEN_MAX });
                }
                self.open.push_back(packet);
            }
        }
        Ok(())
    }

    /// Lets the device work on its open requests, and passes its reports on.
    fn serve(&mut self) {
        // Sent bytes may allow more input: the loop runs again until nothing moves.
        while self.serve_once() && !self.open.is_empty() {}
        for endpoint in self.listening.clone() {
            for _ in 0..REPORTS_MAX {
                let Some(report) = self.device.interrupt_in(endpoint) else { break };
                let [low, high] = (report.len() as u16).to_le_bytes();
                self.reports += 1;
                self.send(kind::INTERRUPT_PACKET, self.reports, &[endpoint, status::SUCCESS, low, high], &report);
            }
        }
    }

    /// Offers each open transfer to the device once, each endpoint in order. Returns whether any came to its end.
    fn serve_once(&mut self) -> bool {
        let (mut waiting, mut moved) = (BTreeSet::new(), false);
        for packet in core::mem::take(&mut self.open) {
            let endpoint = packet.endpoint();
            let outcome = if waiting.contains(&endpoint) { Err(NoTransfer::Nak) } else { self.transfer(&packet) };
            let answer = match outcome {
                Err(NoTransfer::Nak) => {
                    waiting.insert(endpoint);
                    self.open.push_back(packet);
                    continue;
                }
                // The end of the connection says it.
                Err(NoTransfer::Gone) => continue,
                Err(NoTransfer::Stall) => Err(status::STALL),
                Err(NoTransfer::Babble) => Err(status::BABBLE),
                Ok(data) => Ok(data),
            };
            self.finish(&packet, answer);
            moved = true;
        }
        moved
    }

    fn transfer(&mut self, packet: &Packet) -> Result<Vec<u8>, NoTransfer> {
        match &packet.body {
            Body::Control { header: Control { request, request_type, value, index, length, .. }, data } => {
                let (request, request_type) = (*request, *request_type);
                self.device
                    .control(Setup { request_type, request, value: *value, index: *index, length: *length }, data)
            }
            Body::Bulk { endpoint, len, .. } if endpoint & 0x80 != 0 => self.device.bulk_in(*endpoint, *len),
            Body::Bulk { endpoint, data, .. } => self.device.bulk_out(*endpoint, data).map(|()| Vec::new()),
            // No device here has an interrupt OUT endpoint.
            _ => Err(NoTransfer::Stall),
        }
    }

    /// Answers a transfer with the data it moved towards the host, or a status.
    fn finish(&mut self, packet: &Packet, outcome: Result<Vec<u8>, u8>) {
        let (status, input) = match outcome {
            Ok(input) => (status::SUCCESS, input),
            Err(status) => (status, Vec::new()),
        };
        match &packet.body {
            Body::Control { header, data } => {
                let moved = if status != status::SUCCESS { 0 } else { input.len().max(data.len()) as u16 };
                let mut fields = vec![header.endpoint, header.request, header.request_type, status];
                fields.extend([header.value, header.index, moved].into_iter().flat_map(u16::to_le_bytes));
                self.send(kind::CONTROL_PACKET, packet.id, &fields, &input);
            }
            Body::Bulk { endpoint, stream, data, .. } => {
                let moved = if status != status::SUCCESS { 0 } else { input.len().max(data.len()) as u32 };
                let [l0, l1, l2, l3] = moved.to_le_bytes();
                let [s0, s1, s2, s3] = stream.to_le_bytes();
                let fields = [*endpoint, status, l0, l1, s0, s1, s2, s3, l2, l3];
                self.send(kind::BULK_PACKET, packet.id, &fields, &input);
            }
            Body::Interrupt { endpoint } => {
                self.send(kind::INTERRUPT_PACKET, packet.id, &[*endpoint, status, 0, 0], &[]);
            }
            _ => {}
        }
    }

    /// Interfaces and endpoints, which QEMU wants before the device and again after every configuration.
    fn describe(&mut self) {
        let descriptors = self.device.device().descriptors();
        let (interfaces, endpoints) = (interface_info(descriptors), ep_info(descriptors));
        self.send(kind::INTERFACE_INFO, 0, &interfaces, &[]);
        self.send(kind::EP_INFO, 0, &endpoints, &[]);
    }

    fn configuration_status(&mut self, id: u64, known: bool) {
        let status = if known { status::SUCCESS } else { status::STALL };
        let configuration = self.device.configuration();
        self.send(kind::CONFIGURATION_STATUS, id, &[status, configuration], &[]);
    }

    fn send(&mut self, kind: u32, id: u64, header: &[u8], data: &[u8]) {
        push(&mut self.out, kind, id, header, data);
    }
}

impl Packet {
    fn endpoint(&self) -> u8 {
        match &self.body {
            Body::Bulk { endpoint, .. } | Body::Interrupt { endpoint } => *endpoint,
            _ => 0,
        }
    }
}

fn device_connect(descriptors: &Descriptors) -> Vec<u8> {
    let speed = match descriptors.speed {
        Speed::Low => 0,
        Speed::Full => 1,
        Speed::High => 2,
    };
    let [_, _, _, _, class, subclass, protocol, _, ids @ .., _, _, _, _] = descriptors.device;
    // idVendor, idProduct, bcdDevice.
    [speed, class, subclass, protocol].into_iter().chain(ids).collect()
}

fn interface_info(descriptors: &Descriptors) -> Vec<u8> {
    let mut interfaces = descriptors.interfaces();
    interfaces.truncate(INTERFACES);
    let mut out = (interfaces.len() as u32).to_le_bytes().to_vec();
    let numbers = interfaces.iter().map(|interface| interface.number);
    out.extend(padded(numbers.collect()));
    for field in 0..3 {
        out.extend(padded(interfaces.iter().filter_map(|interface| interface.class.get(field).copied()).collect()));
    }
    out
}

fn padded(mut list: Vec<u8>) -> Vec<u8> {
    list.resize(INTERFACES, 0);
    list
}

fn ep_info(descriptors: &Descriptors) -> Vec<u8> {
    let (mut kinds, mut intervals, mut interfaces) = ([NO_ENDPOINT; ENDPOINTS], [0; ENDPOINTS], [0; ENDPOINTS]);
    let mut lengths = [0u16; ENDPOINTS];
    let mut put = |address: u8, kind, interval, interface, len| {
        let at = usize::from((address & 0x80) >> 3 | address & 0x0f);
        if let (Some(k), Some(v), Some(i), Some(l)) =
            (kinds.get_mut(at), intervals.get_mut(at), interfaces.get_mut(at), lengths.get_mut(at))
        {
            (*k, *v, *i, *l) = (kind, interval, interface, len);
        }
    };
    let control_len = u16::from(descriptors.device.get(7).copied().unwrap_or(8));
    put(0x00, 0, 0, 0, control_len);
    put(0x80, 0, 0, 0, control_len);
    for endpoint in descriptors.endpoints() {
        put(endpoint.address, endpoint.kind, endpoint.interval, endpoint.interface, endpoint.packet_len_max);
    }
    let bytes = [kinds, intervals, interfaces].into_iter().flatten();
    bytes.chain(lengths.into_iter().flat_map(u16::to_le_bytes)).collect()
}
