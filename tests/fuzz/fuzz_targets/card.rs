//! The simulated applet against any commands.
#![no_main]

use conclave_fuzz::{Pieces, target, token};
use conclave_sim::icc::Icc;

target!(|bytes: &[u8]| {
    let mut token = token();
    token.power_on();
    for command in Pieces::new(bytes).take(16) {
        let answer = token.transmit(command);
        assert!(answer.response.len() >= 2, "every answer has a status word");
    }
    Ok(())
});
