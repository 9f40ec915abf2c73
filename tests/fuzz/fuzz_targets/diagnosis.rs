//! The words of `conclave token inspect` about a device that answers with anything: every line is printable, and none
//! is longer than its answer allows.
#![no_main]

use conclave_fuzz::{Pieces, plain, target};
use smartcard_hsm::{
    apdu::{Apdu, Reply},
    channel::{Channel, ChannelError, Patience},
    session::diagnose,
};

/// Answers each command with the next piece; pulled out after the last.
struct Foreign<'a>(Pieces<'a>);

impl Channel for Foreign<'_> {
    fn exchange(&mut self, _: &Apdu, _: Patience) -> Result<Reply, ChannelError> {
        let piece = self.0.next().ok_or(ChannelError::Unplugged)?;
        Ok(Reply::parse(piece.to_vec().into())?)
    }

    fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
        Ok(Vec::new())
    }
}

target!(|bytes: &[u8]| {
    for (what, said) in diagnose(&mut Foreign(Pieces::new(bytes))).told() {
        let words = said.unwrap_or_else(|error| format!("{error}. {}", error.what_to_do()));
        plain(&words);
        assert!(!words.is_empty(), "{what}: no words");
        // A number of a file takes five characters, its answer two bytes.
        assert!(words.len() <= 512 + 3 * bytes.len(), "{what}: {} bytes", words.len());
    }
    Ok(())
});
