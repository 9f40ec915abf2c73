//! EF 2F02: a chain is read, and none but the real one reaches the production root.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::cvc::{DeviceChain, Production};

const REAL: &[u8] = include_bytes!("../../vectors/token/cvc/nitrokey-hsm2-v4.1-EF2F02.bin");

target!(|bytes: &[u8]| {
    let chain = DeviceChain::parse(bytes)?;
    chain.verify::<Production>()?;
    assert_eq!(chain, DeviceChain::parse(REAL).expect("the vector is read"));
    Ok(())
});
