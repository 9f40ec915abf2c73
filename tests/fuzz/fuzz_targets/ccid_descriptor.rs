//! USB configuration descriptors, in which the reader's own is looked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use smartcard_hsm::ccid;

fuzz_target!(|configuration: &[u8]| {
    let _ = ccid::descriptor(configuration);
});
