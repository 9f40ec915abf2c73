//! USB configuration descriptors, in which the reader's own is looked for.
#![no_main]

use conclave_fuzz::target;
use smartcard_hsm::ccid;

target!(|configuration: &[u8]| {
    ccid::descriptor(configuration)?;
    Ok(())
});
