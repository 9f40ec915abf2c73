//! Descriptors of any USB device, and the gate's judgement of them.
#![no_main]

use conclave_room::usb::descriptors::Descriptors;
use conclave_room::usb::gate::{Use, judge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let descriptors = Descriptors::parse(bytes);
    let used = judge(&descriptors, &[(0x20a0, 0x4230)]);
    match descriptors {
        Err(_) => assert!(matches!(used, Use::Never(_))),
        // What is used is an interface it has.
        Ok(found) => {
            let has = |number| found.interfaces.iter().any(|interface| interface.number == number);
            assert!(used.interface().is_none_or(has));
        }
    }
});
