//! A small, transparent card for tests of the parts around it.

use std::collections::VecDeque;

use super::message::Reply;
use crate::icc::{Answer, Icc, Wire};

/// Answers each command with P1 P2 bytes that count up, then 9000; the queued wires apply in order.
#[derive(Debug, Default)]
pub(crate) struct TestCard {
    pub(crate) wires: VecDeque<Wire>,
    pub(crate) commands: Vec<Vec<u8>>,
    pub(crate) powered: bool,
}

impl TestCard {
    /// ATR of a Nitrokey HSM 2, 4.x.
    pub(crate) const ATR: [u8; 24] = [
        0x3b, 0xde, 0x96, 0xff, 0x81, 0x91, 0xfe, 0x1f, 0xc3, 0x80, 0x31, 0x81, 0x54, 0x48, 0x53, 0x4d, 0x31, 0x73,
        0x80, 0x21, 0x40, 0x81, 0x07, 0x92,
    ];

    pub(crate) fn with(wires: impl IntoIterator<Item = Wire>) -> Self {
        Self { wires: wires.into_iter().collect(), ..Self::default() }
    }

    pub(crate) fn response(len: usize) -> Vec<u8> {
        (0..len).map(|at| at as u8).chain([0x90, 0x00]).collect()
    }
}

impl Icc for TestCard {
    fn power_on(&mut self) -> Vec<u8> {
        self.powered = true;
        Self::ATR.to_vec()
    }

    fn power_off(&mut self) {
        self.powered = false;
    }

    fn transmit(&mut self, command: &[u8]) -> Answer {
        self.commands.push(command.to_vec());
        let wire = self.wires.pop_front().unwrap_or(Wire::Clean);
        let len = command.get(2..4).map_or(0, |p| usize::from(p[0]) << 8 | usize::from(p[1]));
        Answer { response: Self::response(len), wire }
    }
}

/// Takes a reply apart.
#[track_caller]
pub(super) fn reply_of(message: &[u8]) -> Reply {
    let (&[kind, l0, l1, l2, l3, slot, seq, status, error, specific], data) = message.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes([l0, l1, l2, l3]) as usize, data.len());
    Reply { kind, slot, seq, status, error, specific, data: data.to_vec() }
}
