//! Descriptors of any USB device, and the gate's judgement of them.
#![no_main]

use conclave_fuzz::{plain, target};
use conclave_console::preflight::devices::Unused;
use conclave_console::wording::usb::unused;
use conclave_console::usb::descriptors::Descriptors;
use conclave_console::usb::gate::{Use, judge};

target!(|bytes: &[u8]| {
    let descriptors = Descriptors::parse(bytes);
    let used = judge(&descriptors, &[(0x20a0, 0x4230)]);
    match descriptors {
        Err(error) => {
            assert!(matches!(used, Use::Never(_)));
            plain(error);
        }
        // The interface in use is one of its interfaces.
        Ok(found) => {
            let has = |number| found.interfaces.iter().any(|interface| interface.number == number);
            assert!(used.interface().is_none_or(has));
        }
    }
    if let Use::Never(why) = used {
        plain(unused(&Unused::Never(why)));
    }
    Ok(())
});
