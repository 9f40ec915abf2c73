//! QR frames, one a line: complete frames are a message, and cutting that message up again gives a message.
#![no_main]

use conclave_fuzz::{plain, target};
use conclave_publish::qr::{Assembler, Grid, frames};

target!(|text: &str| {
    let mut assembler = Assembler::default();
    for line in text.lines() {
        match assembler.accept(line) {
            Ok(progress) => assert_eq!(progress.total - progress.have, assembler.missing().len()),
            Err(error) => plain(error),
        }
    }
    let message = assembler.message()?;
    let mut again = Assembler::default();
    for frame in frames(&message, Grid { columns: 200, rows: 100 }).expect("a message that was read fits") {
        again.accept(&frame).expect("a frame just made is sound");
    }
    assert_eq!(again.message(), Ok(message));
    Ok(())
});
