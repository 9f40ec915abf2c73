//! Writing files. Which ones is decided above: nobody outside names a file to write to.

use super::{FILE_LEN_MAX, Session};
use crate::{
    channel::Channel,
    command::file::{Delete, Update, WRITE_CHUNK},
    error::{Refusal, TokenError, Tried},
    object::FileId,
};

impl<C: Channel, T, A> Session<C, T, A> {
    /// Makes a file hold exactly `bytes`, and reads it back. One that does so already is left alone.
    pub(super) fn write(&mut self, file: FileId, bytes: &[u8]) -> Result<(), TokenError> {
        let (tried, found) = (Tried::Write(file), bytes.len());
        self.demand(found <= FILE_LEN_MAX, tried, Refusal::Length { min: 0, max: FILE_LEN_MAX, found })?;
        if self.files()?.contains(&file) {
            let old = self.read(file)?;
            if old == bytes {
                return Ok(());
            }
            // Whether writing at the start cuts off a longer file is not published.
            if old.len() > bytes.len() {
                self.send(&Delete(file))?;
            }
        }
        self.put(file, bytes)?;
        let back = self.read(file).map_err(TokenError::part_way)?;
        if back == bytes {
            Ok(())
        } else {
            let (expected, found) = (format!("the {found} bytes written"), format!("{} others", back.len()));
            Err(self.not_done(tried, "content", expected, found))
        }
    }

    /// UPDATE BINARY, piece by piece.
    pub(super) fn put(&mut self, file: FileId, bytes: &[u8]) -> Result<(), TokenError> {
        let mut offset = 0;
        for piece in bytes.chunks(WRITE_CHUNK) {
            let update = Update { file, offset, bytes: piece };
            let result = self.send(&update);
            result.map_err(|error| if offset > 0 { error.part_way() } else { error })?;
            offset = offset.saturating_add(WRITE_CHUNK as u16);
        }
        Ok(())
    }
}
