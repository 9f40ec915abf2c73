//! The whole way of an APDU over a reader that answers anything: CCID messages, ATR, T=1, stalls, silence.
#![no_main]

use conclave_fuzz::{Pieces, target, told};
use conclave_sim::ccid_device::Profile;
use smartcard_hsm::{
    apdu::Apdu,
    ccid,
    channel::{Channel, Patience},
    link::CcidLink,
    port::{BulkPort, Endpoint, PortError},
};
use zeroize::Zeroizing;

/// A reader that answers with pieces. The first byte of a piece says which parts of the piece are made right, bit by
/// bit: 1 sequence number, 2 length, 4 LRC of the block inside; 80 and above: no message but a stall or silence.
struct Reader<'a> {
    pieces: Pieces<'a>,
    seq: u8,
}

impl BulkPort for Reader<'_> {
    fn send(&mut self, message: &[u8], _timeout_ms: u64) -> Result<(), PortError> {
        self.seq = message.get(6).copied().unwrap_or_default();
        Ok(())
    }

    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError> {
        let piece = self.pieces.next().ok_or(PortError::Unplugged)?;
        let Some((right, message)) = piece.split_first().filter(|(right, _)| **right < 0x80) else {
            return Err(if piece.len() == 1 {
                PortError::Stalled
            } else {
                PortError::Timeout { waited_ms: timeout_ms }
            });
        };
        let mut message = message.to_vec();
        let len = (message.len().saturating_sub(10) as u32).to_le_bytes();
        if let Some((header, block)) = message.split_first_chunk_mut::<10>() {
            if right & 1 != 0 {
                header[6] = self.seq;
            }
            if right & 2 != 0 {
                header[1..5].copy_from_slice(&len);
            }
            if let Some((lrc, block)) = block.split_last_mut().filter(|_| right & 4 != 0) {
                *lrc = block.iter().fold(0, |lrc, byte| lrc ^ byte);
            }
        }
        message.truncate(len_max);
        Ok(message.into())
    }

    fn clear_halt(&mut self, _endpoint: Endpoint) -> Result<(), PortError> {
        Ok(())
    }
}

target!(|bytes: &[u8]| {
    let Some((&level, bytes)) = bytes.split_first() else { return Ok(()) };
    let profile = if level % 2 == 0 { Profile::Tpdu { interface: 0 } } else { Profile::Apdu };
    let configuration = profile.descriptors("DENK0100001").configuration;
    let descriptor = ccid::descriptor(&configuration).expect("the simulator's descriptor is read");
    let reader = Reader { pieces: Pieces::new(bytes), seq: 0 };
    let mut link = CcidLink::open(reader, descriptor)?;
    for len in [0, 16, 300] {
        let reply = link.exchange(&Apdu::new([0, 0xb1, 0, 0]).body(&vec![0x5a; len]), Patience::Ordinary);
        told(reply.map(drop).map_err(Into::into));
    }
    link.restart()?;
    Ok(())
});
