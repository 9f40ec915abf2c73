//! Key attestations: none but the real one is a birth proof of the real token.
#![no_main]

use std::sync::OnceLock;

use conclave_fuzz::target;
use smartcard_hsm::{
    attest::BirthProof,
    cvc::{Device, DeviceChain, Production},
};

const CHAIN: &[u8] = include_bytes!("../../vectors/token/cvc/nitrokey-hsm2-v4.1-EF2F02.bin");
const REAL: &[u8] = include_bytes!("../../vectors/token/cvc/nitrokey-hsm2-v4.1-EFCE01.bin");

target!(|bytes: &[u8]| {
    static DEVICE: OnceLock<Device<Production>> = OnceLock::new();
    let device = DEVICE.get_or_init(|| {
        let chain = DeviceChain::parse(CHAIN).expect("the vector is read");
        chain.verify().expect("the vector reaches the root")
    });
    BirthProof::verify(bytes, device)?;
    assert_eq!(bytes, REAL);
    Ok(())
});
