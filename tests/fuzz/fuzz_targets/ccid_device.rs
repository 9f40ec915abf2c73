//! The simulated reader against any bulk messages and control requests, at both exchange levels.
#![no_main]

use conclave_fuzz::{Pieces, target};
use conclave_sim::{
    ccid_device::{CcidDevice, Profile},
    icc::{Answer, Icc, Wire},
    usb::{Attached, Setup},
};

/// A card that says 9000 to everything: the target is the reader.
struct Yes;

impl Icc for Yes {
    fn power_on(&mut self) -> Vec<u8> {
        vec![0x3b, 0x80, 0x01, 0x81]
    }

    fn power_off(&mut self) {}

    fn transmit(&mut self, command: &[u8]) -> Answer {
        Answer { response: [command, &[0x90, 0x00]].concat(), wire: Wire::Clean }
    }
}

target!(|bytes: &[u8]| {
    let Some((&level, bytes)) = bytes.split_first() else { return Ok(()) };
    let (profile, bulk_out) =
        if level % 2 == 0 { (Profile::Tpdu { interface: 0 }, 0x02) } else { (Profile::Apdu, 0x01) };
    let mut device = Attached::new(CcidDevice::new(Yes, profile, "DENK0100001"));
    device.configure(1);
    for piece in Pieces::new(bytes).take(64) {
        match piece.split_first() {
            Some((0, &[request_type, request, a, b, c, d, e, f, ref data @ ..])) => {
                let [value, index, length] = [[a, b], [c, d], [e, f]].map(u16::from_le_bytes);
                let setup = Setup { request_type, request, value, index, length };
                let reply = device.control(setup, data).unwrap_or_default();
                assert!(reply.len() <= usize::from(length));
            }
            Some((_, message)) => {
                let _ = device.bulk_out(bulk_out, message);
                let answer = device.bulk_in(0x82, 512).unwrap_or_default();
                assert!(answer.len() <= 512);
            }
            None => device.reset(),
        }
    }
    Ok(())
});
