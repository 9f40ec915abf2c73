//! A token on a connection, with this test in the place of QEMU.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use super::packet::{kind, push};
use super::*;
use crate::ccid_device::test_card::TestCard;
use crate::ccid_device::{CcidDevice, Profile};
use crate::icc::Wire;
use crate::usb::{Descriptors, NoTransfer, Setup, UsbDevice};

/// A packet towards the side that uses the device: type, id, body.
type Came = (u32, u64, Vec<u8>);

const POWER_ON: [u8; 10] = [0x62, 0, 0, 0, 0, 0, 1, 0, 0, 0];
const XFR: [u8; 18] = [0x6f, 8, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 4];

fn hello() -> Vec<u8> {
    let mut hello = [0u32, 68, 0].map(u32::to_le_bytes).concat();
    hello.resize(12 + 64, 0);
    hello.extend(0xffu32.to_le_bytes());
    hello
}

/// Splits the bytes that the device's side sent after its hello.
fn packets(mut bytes: &[u8]) -> Vec<Came> {
    let mut found = Vec::new();
    while let [k0, k1, k2, k3, l0, l1, l2, l3, id @ ..] = bytes {
        let (id, rest) = id.split_first_chunk().unwrap();
        let (body, rest) = rest.split_at(u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize);
        found.push((u32::from_le_bytes([*k0, *k1, *k2, *k3]), u64::from_le_bytes(*id), body.to_vec()));
        bytes = rest;
    }
    found
}

struct Guest<D>(Host<D>);

impl<D: UsbDevice> Guest<D> {
    /// Plugs the device in and returns its first packets.
    fn new(device: D) -> (Self, Vec<Came>) {
        let mut host = Host::new(device);
        assert_eq!(host.take_output().len(), 12 + 68, "only a hello before the other side's hello");
        host.feed(&hello()).unwrap();
        let said = packets(&host.take_output());
        (Self(host), said)
    }

    #[track_caller]
    fn send(&mut self, kind: u32, id: u64, body: &[u8]) -> Vec<Came> {
        let mut bytes = Vec::new();
        push(&mut bytes, kind, id, body, &[]);
        self.0.feed(&bytes).unwrap();
        packets(&self.0.take_output())
    }

    fn bulk_out(&mut self, id: u64, data: &[u8]) -> Vec<Came> {
        self.send(kind::BULK_PACKET, id, &[&[2, 0xaa, data.len() as u8, 0, 0, 0, 0, 0, 0, 0], data].concat())
    }

    fn bulk_in(&mut self, id: u64) -> Vec<Came> {
        self.send(kind::BULK_PACKET, id, &[0x82, 0xaa, 15, 1, 0, 0, 0, 0, 0, 0])
    }
}

/// The answer to a bulk transfer: header with status and length, then data.
fn bulk(id: u64, endpoint: u8, status: u8, len: u8, data: &[u8]) -> Came {
    (kind::BULK_PACKET, id, [&[endpoint, status, len, 0, 0, 0, 0, 0, 0, 0], data].concat())
}

fn token(wires: impl IntoIterator<Item = Wire>) -> CcidDevice<TestCard> {
    CcidDevice::new(TestCard::with(wires), Profile::Tpdu { interface: 1 }, "DENK0100001")
}

#[test]
fn interfaces_and_endpoints_are_told_before_the_device() {
    let (_, said) = Guest::new(token([]));
    let kinds = said.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>();
    assert_eq!(kinds, [kind::INTERFACE_INFO, kind::EP_INFO, kind::DEVICE_CONNECT]);
    let (interfaces, endpoints) = (&said[0].2, &said[1].2);
    assert_eq!((interfaces.len(), endpoints.len()), (132, 160));
    assert_eq!((interfaces[0], interfaces[4], interfaces[36]), (1, 1, 0x0b));
    // Types, intervals, interfaces, packet lengths: bulk OUT 2, interrupt IN 1, bulk IN 2.
    let of = |at: usize| (endpoints[at], endpoints[32 + at], endpoints[64 + at], endpoints[96 + 2 * at]);
    assert_eq!([of(0), of(16)], [(0, 0, 0, 64); 2]);
    assert_eq!([of(2), of(17), of(18)], [(2, 0, 1, 64), (3, 24, 1, 64), (2, 0, 1, 64)]);
    assert_eq!(of(3).0, 255);
    assert_eq!(said[2].2, [1, 0, 0, 0, 0xa0, 0x20, 0x30, 0x42, 0x01, 0x01]);
}

#[test]
fn descriptors_are_cut_to_what_was_asked_for_and_unknown_ones_stall() {
    let (mut guest, _) = Guest::new(token([]));
    let said = guest.send(kind::CONTROL_PACKET, 9, &[0x80, 6, 0x80, 0xaa, 0, 1, 0, 0, 8, 0]);
    let device = [0x80, 6, 0x80, 0, 0, 1, 0, 0, 8, 0, 0x12, 1, 0x10, 0x01, 0, 0, 0, 0x40];
    assert_eq!(said, [(kind::CONTROL_PACKET, 9, device.to_vec())]);
    let said = guest.send(kind::CONTROL_PACKET, 10, &[0x80, 6, 0x80, 0, 0, 6, 0, 0, 10, 0]);
    assert_eq!(said, [(kind::CONTROL_PACKET, 10, vec![0x80, 6, 0x80, 4, 0, 6, 0, 0, 0, 0])]);
}

#[test]
fn configurations_and_settings_are_confirmed_with_the_id_of_the_request() {
    let (mut guest, _) = Guest::new(token([]));
    let said = guest.send(kind::SET_CONFIGURATION, 5, &[1]);
    assert_eq!(said.iter().map(|came| came.0).collect::<Vec<_>>(), [4, 5, 8]);
    assert_eq!(said[2], (kind::CONFIGURATION_STATUS, 5, vec![0, 1]));
    assert_eq!(guest.send(kind::SET_CONFIGURATION, 6, &[2]), [(kind::CONFIGURATION_STATUS, 6, vec![4, 1])]);
    assert_eq!(guest.send(kind::GET_CONFIGURATION, 7, &[]), [(kind::CONFIGURATION_STATUS, 7, vec![0, 1])]);
    assert_eq!(guest.send(kind::SET_ALT_SETTING, 8, &[1, 0]), [(kind::ALT_SETTING_STATUS, 8, vec![0, 1, 0])]);
    assert_eq!(guest.send(kind::SET_ALT_SETTING, 9, &[1, 1]), [(kind::ALT_SETTING_STATUS, 9, vec![4, 1, 0])]);
    assert_eq!(guest.send(kind::GET_ALT_SETTING, 10, &[1]), [(kind::ALT_SETTING_STATUS, 10, vec![0, 1, 0])]);
}

#[test]
fn an_exchange_is_answered_whichever_direction_was_asked_first() {
    let (mut guest, _) = Guest::new(token([]));
    let mut atr = vec![0x80, 24, 0, 0, 0, 0, 1, 0, 0, 0];
    atr.extend(TestCard::ATR);
    assert_eq!(guest.bulk_out(1, &POWER_ON), [bulk(1, 0x02, 0, 10, &[])]);
    assert_eq!(guest.bulk_in(2), [bulk(2, 0x82, 0, 34, &atr)]);
    assert_eq!(guest.bulk_in(3), []);
    assert_eq!(guest.bulk_out(4, &POWER_ON), [bulk(4, 0x02, 0, 10, &[]), bulk(3, 0x82, 0, 34, &atr)]);
}

#[test]
fn a_cancelled_transfer_is_given_back_once() {
    let (mut guest, _) = Guest::new(token([]));
    assert_eq!(guest.bulk_in(3), []);
    assert_eq!(guest.send(kind::CANCEL_DATA_PACKET, 3, &[]), [bulk(3, 0x82, 1, 0, &[])]);
    assert_eq!(guest.send(kind::CANCEL_DATA_PACKET, 3, &[]), []);
    assert_eq!(guest.bulk_out(4, &POWER_ON).len(), 1);
}

#[test]
fn a_stall_lasts_until_the_guest_clears_it() {
    let (mut guest, _) = Guest::new(token([Wire::Stall]));
    guest.bulk_out(1, &POWER_ON);
    guest.bulk_in(2);
    guest.bulk_out(3, &XFR);
    assert_eq!(guest.bulk_in(4), [bulk(4, 0x82, 4, 0, &[])]);
    assert_eq!(guest.bulk_in(5), [bulk(5, 0x82, 4, 0, &[])]);
    let cleared = guest.send(kind::CONTROL_PACKET, 6, &[0, 1, 2, 0, 0, 0, 0x82, 0, 0, 0]);
    assert_eq!(cleared, [(kind::CONTROL_PACKET, 6, vec![0, 1, 2, 0, 0, 0, 0x82, 0, 0, 0])]);
    assert_eq!(guest.bulk_in(7), []);
}

#[test]
fn a_reset_gives_back_what_is_open_and_powers_the_card_off() {
    let (mut guest, _) = Guest::new(token([]));
    guest.bulk_out(1, &POWER_ON);
    guest.bulk_in(2);
    guest.bulk_in(3);
    assert_eq!(guest.send(kind::RESET, 0, &[]), [bulk(3, 0x82, 3, 0, &[])]);
    assert!(!guest.0.into_device().into_card().powered);
}

#[test]
fn slot_changes_are_pushed_to_who_listens() {
    let (mut guest, _) = Guest::new(token([]));
    let started = (kind::INTERRUPT_RECEIVING_STATUS, 4, vec![0, 0x81]);
    let report = (kind::INTERRUPT_PACKET, 1, vec![0x81, 0, 2, 0, 0x50, 0x03]);
    assert_eq!(guest.send(kind::START_INTERRUPT_RECEIVING, 4, &[0x81]), [started.clone(), report]);
    assert_eq!(guest.send(kind::START_INTERRUPT_RECEIVING, 4, &[0x81]), [started]);
}

#[test]
fn open_transfers_are_limited() {
    let (mut guest, _) = Guest::new(token([]));
    let mut bytes = Vec::new();
    for id in 0..65 {
        push(&mut bytes, kind::BULK_PACKET, id, &[0x82, 0, 64, 0, 0, 0, 0, 0, 0, 0], &[]);
    }
    assert_eq!(guest.0.feed(&bytes), Err(PacketError::TooManyOpen { limit: 64 }));
}

/// Another device than a token: hangs at enumeration, answers every third IN transfer, reports without end.
struct Odd {
    descriptors: Descriptors,
    asked: u8,
}

impl UsbDevice for Odd {
    fn descriptors(&self) -> &Descriptors {
        &self.descriptors
    }

    fn reset(&mut self) {}

    fn control(&mut self, _setup: Setup, _data: &[u8]) -> Result<Vec<u8>, NoTransfer> {
        Err(NoTransfer::Nak)
    }

    fn bulk_out(&mut self, _endpoint: u8, _data: &[u8]) -> Result<(), NoTransfer> {
        Ok(())
    }

    fn bulk_in(&mut self, _endpoint: u8, _len_max: usize) -> Result<Vec<u8>, NoTransfer> {
        self.asked += 1;
        if self.asked.is_multiple_of(3) { Ok(vec![self.asked]) } else { Err(NoTransfer::Nak) }
    }

    fn interrupt_in(&mut self, _endpoint: u8) -> Option<Vec<u8>> {
        Some(vec![1])
    }
}

fn odd() -> Guest<Odd> {
    Guest::new(Odd { descriptors: Profile::Apdu.descriptors(""), asked: 0 }).0
}

#[test]
fn a_device_that_hangs_at_enumeration_can_be_offered() {
    let mut guest = odd();
    assert_eq!(guest.send(kind::CONTROL_PACKET, 1, &[0x80, 6, 0x80, 0, 0, 1, 0, 0, 8, 0]), []);
    let given_back = guest.send(kind::CANCEL_DATA_PACKET, 1, &[]);
    assert_eq!(given_back, [(kind::CONTROL_PACKET, 1, vec![0x80, 6, 0x80, 1, 0, 1, 0, 0, 0, 0])]);
}

#[test]
fn transfers_of_one_endpoint_never_overtake_each_other() {
    let mut guest = odd();
    assert_eq!(guest.bulk_in(1), []);
    // The device has been asked twice; the next question gets the answer, and that must not be the second.
    assert_eq!(guest.bulk_in(2), []);
    assert_eq!(guest.bulk_in(3), [bulk(1, 0x82, 0, 1, &[3])]);
}

#[test]
fn a_device_that_reports_without_end_is_heard_in_portions_until_nobody_listens() {
    let mut guest = odd();
    assert_eq!(guest.send(kind::START_INTERRUPT_RECEIVING, 4, &[0x83]).len(), 1 + 16);
    assert_eq!(guest.send(kind::STOP_INTERRUPT_RECEIVING, 5, &[0x83]).len(), 1);
}

/// A socket for the test to listen on, removed at the end.
struct Socket(PathBuf, UnixListener);

impl Socket {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("conclave-usbredir-{}-{name}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        Self(path, listener)
    }

    /// Plugs the token in and returns both ends.
    fn plug(&self, token: CcidDevice<TestCard>) -> (Plugged<CcidDevice<TestCard>>, UnixStream) {
        let plugged = plug(&self.0, token).unwrap();
        let mut qemu = self.1.accept().unwrap().0;
        qemu.write_all(&hello()).unwrap();
        let mut said = [0; 80 + 3 * 16 + 132 + 160 + 10];
        qemu.read_exact(&mut said).unwrap();
        (plugged, qemu)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn write(qemu: &mut UnixStream, kind: u32, body: &[u8]) {
    let mut bytes = Vec::new();
    push(&mut bytes, kind, 1, body, &[]);
    qemu.write_all(&bytes).unwrap();
}

#[test]
fn closing_the_connection_is_the_unplugging_and_the_port_takes_another_token() {
    let socket = Socket::new("swap");
    for _ in 0..2 {
        let (plugged, mut qemu) = socket.plug(token([]));
        assert!(plugged.is_plugged());
        let (_, ended) = plugged.unplug().unwrap();
        assert_eq!(ended, Ended::Closed);
        assert_eq!(qemu.read(&mut [0; 1]).unwrap(), 0);
    }
}

#[test]
fn a_guest_that_talks_nonsense_ends_the_connection_with_its_reason() {
    let socket = Socket::new("nonsense");
    let (plugged, mut qemu) = socket.plug(token([]));
    write(&mut qemu, kind::FILTER_REJECT, &[]);
    assert_eq!(qemu.read(&mut [0; 1]).unwrap(), 0);
    assert_eq!(plugged.unplug().unwrap().1, Ended::Broken(PacketError::Rejected));
}

#[test]
fn a_token_that_vanishes_closes_the_connection_after_its_last_bytes() {
    let socket = Socket::new("vanish");
    let (plugged, mut qemu) = socket.plug(token([Wire::Vanish { bytes: 3 }]));
    for message in [&POWER_ON[..], &XFR] {
        write(&mut qemu, kind::BULK_PACKET, &[&[2, 0, message.len() as u8, 0, 0, 0, 0, 0, 0, 0], message].concat());
        write(&mut qemu, kind::BULK_PACKET, &[0x82, 0, 15, 1, 0, 0, 0, 0, 0, 0]);
    }
    let mut said = Vec::new();
    qemu.read_to_end(&mut said).unwrap();
    assert_eq!(packets(&said).pop(), Some(bulk(1, 0x82, 0, 3, &[0x80, 6, 0])));
    let (token, ended) = plugged.unplug().unwrap();
    assert_eq!(ended, Ended::Vanished);
    assert!(!token.into_card().powered);
}
