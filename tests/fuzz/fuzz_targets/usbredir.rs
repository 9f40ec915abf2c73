//! usbredir packets of the other side, cut anywhere.
#![no_main]

use conclave_fuzz::{Pieces, plain, target, token};
use conclave_sim::{
    ccid_device::{CcidDevice, Profile},
    usbredir::Host,
};

target!(|bytes: &[u8]| {
    let mut host = Host::new(CcidDevice::new(token(), Profile::Tpdu { interface: 0 }, "DENK0100001"));
    let mut sent = host.take_output().len();
    for piece in Pieces::new(bytes) {
        let fed = host.feed(piece);
        sent += host.take_output().len();
        if let Err(error) = fed {
            plain(error);
            break;
        }
    }
    assert!(sent >= 16 + 64, "our own hello comes first");
    Ok(())
});
