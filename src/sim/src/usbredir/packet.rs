//! The framing: packets cut out of a byte stream, and packets written into one.
//!
//! We are the side that has the device ("usb-host"); QEMU is the side that uses it ("usb-guest"). Everything is little
//! endian and packed. The id in a header takes four bytes until both sides have said hello, eight from then on if both
//! announced it; a hello itself always has the short id.
//!
//! Source: usbredir protocol description, version 0.7.

use thiserror::Error;

/// Longest data stage or transfer either side may send.
pub(super) const DATA_LEN_MAX: usize = 1 << 20;
/// Longest header after the id that precedes data.
const HEADER_LEN_MAX: usize = 16;
/// Bytes of the version text in a hello.
const VERSION_LEN: usize = 64;

/// Abilities both sides announce, by bit number.
mod ability {
    pub(super) const DEVICE_VERSION: u32 = 1;
    pub(super) const FILTER: u32 = 2;
    pub(super) const DISCONNECT_ACK: u32 = 3;
    pub(super) const PACKET_LEN: u32 = 4;
    pub(super) const LONG_IDS: u32 = 5;
    pub(super) const LONG_BULK: u32 = 6;
}

/// The abilities that this side announces. QEMU demands packet lengths, long ids and long bulk for xHCI; bulk streams
/// and bulk receiving would change the shape of packets and are left out.
const ABILITIES: u32 = 1 << ability::DEVICE_VERSION
    | 1 << ability::FILTER
    | 1 << ability::DISCONNECT_ACK
    | 1 << ability::PACKET_LEN
    | ABILITIES_NEEDED;
/// The abilities that the other side must announce.
const ABILITIES_NEEDED: u32 = 1 << ability::LONG_IDS | 1 << ability::LONG_BULK;

/// Faults in the packets of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// The first packet is no hello, or a second hello came.
    #[error("usbredir: packet type {found} where {expected} was expected")]
    Hello {
        /// The packet that the protocol demands here.
        expected: &'static str,
        /// Type that came.
        found: u32,
    },
    /// An ability we cannot do without is missing.
    #[error("usbredir: abilities {found:#x} announced, {needed:#x} needed")]
    Abilities {
        /// The bits that must be set.
        needed: u32,
        /// The bits that are.
        found: u32,
    },
    /// A packet longer than any that is allowed.
    #[error("usbredir: packet type {kind} of {found} bytes, expected at most {}", DATA_LEN_MAX + HEADER_LEN_MAX)]
    TooLong {
        /// Packet type.
        kind: u32,
        /// Length it announces.
        found: u32,
    },
    /// The length of a packet does not fit its type.
    #[error("usbredir: packet type {kind} of {found} bytes does not have the shape of its type")]
    Shape {
        /// Packet type.
        kind: u32,
        /// Bytes after the id.
        found: usize,
    },
    /// A type that the side using the device never sends.
    #[error("usbredir: packet type {kind} is not for this side")]
    Unknown {
        /// Packet type.
        kind: u32,
    },
    /// The other side refused the device.
    #[error("usbredir: the device was rejected")]
    Rejected,
    /// More requests are open than we keep.
    #[error("usbredir: more than {limit} requests are open")]
    TooManyOpen {
        /// Requests kept.
        limit: usize,
    },
}

/// A packet from the side that uses the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) id: u64,
    pub(super) body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Hello,
    Reset,
    SetConfiguration {
        configuration: u8,
    },
    GetConfiguration,
    SetAltSetting {
        interface: u8,
        setting: u8,
    },
    GetAltSetting {
        interface: u8,
    },
    StartInterrupt {
        endpoint: u8,
    },
    StopInterrupt {
        endpoint: u8,
    },
    Cancel,
    /// The device filter of the other side: for its own use.
    Filter,
    DisconnectAck,
    Control {
        header: Control,
        data: Vec<u8>,
    },
    Bulk {
        endpoint: u8,
        len: usize,
        stream: u32,
        data: Vec<u8>,
    },
    Interrupt {
        endpoint: u8,
    },
}

/// Header of a control packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub(super) endpoint: u8,
    pub(super) request: u8,
    pub(super) request_type: u8,
    pub(super) value: u16,
    pub(super) index: u16,
    pub(super) length: u16,
}

/// Cuts the stream of the other side into packets.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    greeted: bool,
}

impl Decoder {
    /// Takes the received bytes. It never keeps more than one packet and the other bytes of the same call.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole packet, `None` until there is one.
    pub(super) fn next_packet(&mut self) -> Result<Option<Packet>, PacketError> {
        let Some((&kind, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let Some((&len, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        let (kind, found) = (u32::from_le_bytes(kind), u32::from_le_bytes(len));
        if self.greeted == (kind == kind::HELLO) {
            let expected = if self.greeted { "anything but a second hello" } else { "a hello" };
            return Err(PacketError::Hello { expected, found: kind });
        }
        let len = usize::try_from(found).unwrap_or(usize::MAX);
        if len > DATA_LEN_MAX + HEADER_LEN_MAX {
            return Err(PacketError::TooLong { kind, found });
        }
        let (id, rest) = if self.greeted {
            let Some((&id, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
            (u64::from_le_bytes(id), rest)
        } else {
            let Some((&id, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            (u64::from(u32::from_le_bytes(id)), rest)
        };
        let Some((body, rest)) = rest.split_at_checked(len) else { return Ok(None) };
        let body = parse(kind, body)?;
        let left = rest.len();
        self.bytes.drain(..self.bytes.len() - left);
        self.greeted = true;
        Ok(Some(Packet { id, body }))
    }
}

/// Packet types, as the protocol numbers them.
pub(super) mod kind {
    pub(in crate::usbredir) const HELLO: u32 = 0;
    pub(in crate::usbredir) const DEVICE_CONNECT: u32 = 1;
    pub(in crate::usbredir) const RESET: u32 = 3;
    pub(in crate::usbredir) const INTERFACE_INFO: u32 = 4;
    pub(in crate::usbredir) const EP_INFO: u32 = 5;
    pub(in crate::usbredir) const SET_CONFIGURATION: u32 = 6;
    pub(in crate::usbredir) const GET_CONFIGURATION: u32 = 7;
    pub(in crate::usbredir) const CONFIGURATION_STATUS: u32 = 8;
    pub(in crate::usbredir) const SET_ALT_SETTING: u32 = 9;
    pub(in crate::usbredir) const GET_ALT_SETTING: u32 = 10;
    pub(in crate::usbredir) const ALT_SETTING_STATUS: u32 = 11;
    pub(in crate::usbredir) const START_INTERRUPT_RECEIVING: u32 = 15;
    pub(in crate::usbredir) const STOP_INTERRUPT_RECEIVING: u32 = 16;
    pub(in crate::usbredir) const INTERRUPT_RECEIVING_STATUS: u32 = 17;
    pub(in crate::usbredir) const CANCEL_DATA_PACKET: u32 = 21;
    pub(in crate::usbredir) const FILTER_REJECT: u32 = 22;
    pub(in crate::usbredir) const FILTER_FILTER: u32 = 23;
    pub(in crate::usbredir) const DEVICE_DISCONNECT_ACK: u32 = 24;
    pub(in crate::usbredir) const CONTROL_PACKET: u32 = 100;
    pub(in crate::usbredir) const BULK_PACKET: u32 = 101;
    pub(in crate::usbredir) const INTERRUPT_PACKET: u32 = 103;
}

fn parse(kind: u32, body: &[u8]) -> Result<Body, PacketError> {
    let shape = PacketError::Shape { kind, found: body.len() };
    // The status byte of packets in this direction is not initialised by QEMU and means nothing.
    Ok(match (kind, body) {
        (kind::HELLO, _) => {
            // A hello without abilities is how the first version of the protocol looked.
            let abilities = body.get(VERSION_LEN..).ok_or(shape)?;
            let found = abilities.first_chunk().map_or(0, |bits| u32::from_le_bytes(*bits));
            if found & ABILITIES_NEEDED != ABILITIES_NEEDED {
                return Err(PacketError::Abilities { needed: ABILITIES_NEEDED, found });
            }
            Body::Hello
        }
        (kind::RESET, []) => Body::Reset,
        (kind::SET_CONFIGURATION, &[configuration]) => Body::SetConfiguration { configuration },
        (kind::GET_CONFIGURATION, []) => Body::GetConfiguration,
        (kind::SET_ALT_SETTING, &[interface, setting]) => Body::SetAltSetting { interface, setting },
        (kind::GET_ALT_SETTING, &[interface]) => Body::GetAltSetting { interface },
        (kind::START_INTERRUPT_RECEIVING, &[endpoint]) => Body::StartInterrupt { endpoint },
        (kind::STOP_INTERRUPT_RECEIVING, &[endpoint]) => Body::StopInterrupt { endpoint },
        (kind::CANCEL_DATA_PACKET, []) => Body::Cancel,
        (kind::FILTER_REJECT, []) => return Err(PacketError::Rejected),
        (kind::FILTER_FILTER, _) => Body::Filter,
        (kind::DEVICE_DISCONNECT_ACK, []) => Body::DisconnectAck,
        (kind::CONTROL_PACKET, &[endpoint, request, request_type, _, v0, v1, i0, i1, l0, l1, ref data @ ..]) => {
            let [value, index, length] = [[v0, v1], [i0, i1], [l0, l1]].map(u16::from_le_bytes);
            let header = Control { endpoint, request, request_type, value, index, length };
            let expected = if request_type & 0x80 == 0 { usize::from(length) } else { 0 };
            Body::Control { header, data: sized(data, expected).ok_or(shape)? }
        }
        (kind::BULK_PACKET, &[endpoint, _, l0, l1, s0, s1, s2, s3, l2, l3, ref data @ ..]) => {
            let len = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
            let stream = u32::from_le_bytes([s0, s1, s2, s3]);
            let expected = if endpoint & 0x80 == 0 { len } else { 0 };
            if len > DATA_LEN_MAX {
                return Err(shape);
            }
            Body::Bulk { endpoint, len, stream, data: sized(data, expected).ok_or(shape)? }
        }
        (kind::INTERRUPT_PACKET, &[endpoint, _, l0, l1, ref data @ ..]) => {
            sized(data, usize::from(u16::from_le_bytes([l0, l1]))).ok_or(shape)?;
            Body::Interrupt { endpoint }
        }
        (
            kind::RESET
            | kind::SET_CONFIGURATION
            | kind::GET_CONFIGURATION
            | kind::SET_ALT_SETTING
            | kind::GET_ALT_SETTING
            | kind::START_INTERRUPT_RECEIVING
            | kind::STOP_INTERRUPT_RECEIVING
            | kind::CANCEL_DATA_PACKET
            | kind::FILTER_REJECT
            | kind::DEVICE_DISCONNECT_ACK
            | kind::CONTROL_PACKET
            | kind::BULK_PACKET
            | kind::INTERRUPT_PACKET,
            _,
        ) => return Err(shape),
        _ => return Err(PacketError::Unknown { kind }),
    })
}

fn sized(data: &[u8], expected: usize) -> Option<Vec<u8>> {
    (data.len() == expected).then(|| data.to_vec())
}

/// Our hello, which goes out before anything is known of the other side.
pub(super) fn hello() -> Vec<u8> {
    let mut version = [0; VERSION_LEN];
    for (to, from) in version.iter_mut().zip(b"conclave simulated device") {
        *to = *from;
    }
    let mut out = Vec::new();
    out.extend(kind::HELLO.to_le_bytes());
    out.extend((VERSION_LEN as u32 + 4).to_le_bytes());
    out.extend(0u32.to_le_bytes());
    out.extend(version);
    out.extend(ABILITIES.to_le_bytes());
    out
}

/// Appends a packet to the output after both hellos.
pub(super) fn push(out: &mut Vec<u8>, kind: u32, id: u64, header: &[u8], data: &[u8]) {
    out.extend(kind.to_le_bytes());
    out.extend(((header.len() + data.len()) as u32).to_le_bytes());
    out.extend(id.to_le_bytes());
    out.extend(header);
    out.extend(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hello as QEMU 7.2 sends it.
    fn qemu_hello() -> Vec<u8> {
        let mut out = [0u32, 68, 0].map(u32::to_le_bytes).concat();
        out.extend(b"qemu usb-redir guest 7.2.22");
        out.resize(12 + 64, 0);
        out.extend(0xffu32.to_le_bytes());
        out
    }

    fn packet(kind: u32, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out, kind, 7, body, &[]);
        out
    }

    /// A decoder that has seen a hello and then these bytes.
    fn after_hello(bytes: &[u8]) -> Result<Option<Packet>, PacketError> {
        let mut decoder = Decoder::default();
        decoder.feed(&qemu_hello());
        assert_eq!(decoder.next_packet(), Ok(Some(Packet { id: 0, body: Body::Hello })));
        decoder.feed(bytes);
        decoder.next_packet()
    }

    #[test]
    fn packets_are_found_however_the_stream_is_cut() {
        let stream = [qemu_hello(), packet(kind::RESET, &[]), packet(kind::SET_CONFIGURATION, &[1])].concat();
        for len in 1..stream.len() {
            let (mut decoder, mut found) = (Decoder::default(), Vec::new());
            for piece in stream.chunks(len) {
                decoder.feed(piece);
                while let Some(packet) = decoder.next_packet().unwrap() {
                    found.push(packet.body);
                }
            }
            assert_eq!(found, [Body::Hello, Body::Reset, Body::SetConfiguration { configuration: 1 }], "{len}");
            assert!(decoder.bytes.is_empty());
        }
    }

    #[test]
    fn transfers_read_back_field_by_field() {
        let bulk_in = [0x82, 0xaa, 0x34, 0x12, 5, 0, 0, 0, 1, 0];
        assert_eq!(
            after_hello(&packet(kind::BULK_PACKET, &bulk_in)).unwrap().unwrap().body,
            Body::Bulk { endpoint: 0x82, len: 0x1_1234, stream: 5, data: vec![] }
        );
        let control = [0x80, 6, 0x80, 0xaa, 0x00, 0x01, 0x09, 0x04, 0x12, 0];
        let header = Control { endpoint: 0x80, request: 6, request_type: 0x80, value: 0x100, index: 0x409, length: 18 };
        assert_eq!(
            after_hello(&packet(kind::CONTROL_PACKET, &control)).unwrap().unwrap(),
            Packet { id: 7, body: Body::Control { header, data: vec![] } }
        );
    }

    #[test]
    fn each_defect_of_a_packet_has_its_own_error() {
        let shape = |kind, found| PacketError::Shape { kind, found };
        let raw = |kind: u32, len: u32| [kind.to_le_bytes(), len.to_le_bytes()].concat();
        let table: [(&str, Vec<u8>, PacketError); 14] = [
            ("a second hello", raw(0, 68), PacketError::Hello { expected: "anything but a second hello", found: 0 }),
            ("a length nobody may send", raw(101, u32::MAX), PacketError::TooLong { kind: 101, found: u32::MAX }),
            ("a type only we send", packet(kind::DEVICE_CONNECT, &[]), PacketError::Unknown { kind: 1 }),
            ("a type nobody sends", packet(99, &[]), PacketError::Unknown { kind: 99 }),
            ("a rejection", packet(kind::FILTER_REJECT, &[]), PacketError::Rejected),
            ("a reset with a body", packet(kind::RESET, &[0]), shape(3, 1)),
            ("a configuration without a number", packet(kind::SET_CONFIGURATION, &[]), shape(6, 0)),
            ("a setting without a number", packet(kind::SET_ALT_SETTING, &[0]), shape(9, 1)),
            ("a control header cut short", packet(kind::CONTROL_PACKET, &[0; 9]), shape(100, 9)),
            (
                "control data shorter than said",
                packet(kind::CONTROL_PACKET, &[0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
                shape(100, 10),
            ),
            (
                "control IN with data",
                packet(kind::CONTROL_PACKET, &[0x80, 6, 0x80, 0, 0, 0, 0, 0, 1, 0, 9]),
                shape(100, 11),
            ),
            (
                "bulk data longer than said",
                packet(kind::BULK_PACKET, &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]),
                shape(101, 11),
            ),
            ("bulk IN of 4 GiB", packet(kind::BULK_PACKET, &[0x82, 0, 255, 255, 0, 0, 0, 0, 255, 255]), shape(101, 10)),
            ("interrupt data shorter than said", packet(kind::INTERRUPT_PACKET, &[1, 0, 2, 0, 9]), shape(103, 5)),
        ];
        for (defect, bytes, want) in table {
            assert_eq!(after_hello(&bytes), Err(want), "{defect}");
        }
    }

    #[test]
    fn each_defect_of_a_hello_has_its_own_error() {
        #[track_caller]
        fn check(bytes: &[u8], want: PacketError) {
            let mut decoder = Decoder::default();
            decoder.feed(bytes);
            assert_eq!(decoder.next_packet(), Err(want));
        }
        check(&packet(kind::RESET, &[]), PacketError::Hello { expected: "a hello", found: 3 });
        let mut short = [0u32, 63, 0].map(u32::to_le_bytes).concat();
        short.resize(12 + 63, 0);
        check(&short, PacketError::Shape { kind: 0, found: 63 });
        let mut oldest = [0u32, 64, 0].map(u32::to_le_bytes).concat();
        oldest.resize(12 + 64, 0);
        check(&oldest, PacketError::Abilities { needed: 0x60, found: 0 });
        let mut without_long_ids = qemu_hello();
        without_long_ids[76] = 0x5f;
        check(&without_long_ids, PacketError::Abilities { needed: 0x60, found: 0x5f });
    }

    #[test]
    fn a_packet_cut_anywhere_is_waited_for() {
        let control = packet(kind::CONTROL_PACKET, &[0x80, 6, 0x80, 0, 0, 1, 0, 0, 18, 0]);
        for len in 0..control.len() {
            assert_eq!(after_hello(&control[..len]), Ok(None), "{len}");
        }
    }
}
