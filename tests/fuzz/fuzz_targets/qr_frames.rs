//! QR frames, one a line: what is complete is a message, and cutting that message up again gives a message.
#![no_main]

use conclave_publish::qr::{Assembler, Grid, frames};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let mut assembler = Assembler::default();
    for line in text.lines() {
        if let Ok(progress) = assembler.accept(line) {
            assert_eq!(progress.total - progress.have, assembler.missing().len());
        }
    }
    let Ok(message) = assembler.message() else { return };
    let mut again = Assembler::default();
    for frame in frames(&message, Grid { columns: 200, rows: 100 }).expect("a message that was read fits") {
        again.accept(&frame).expect("a frame just made is sound");
    }
    assert_eq!(again.message(), Ok(message));
});
