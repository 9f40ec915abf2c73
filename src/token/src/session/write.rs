//! Writing files. Upper modules decide which files: no other crate names a file to write to.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        error::{Came, Touched},
        scripted::Scripted,
    };

    const FILES: &str = "80580000000000";
    const THERE: &str = "2F02 2F03 9000";
    const READ: &str = "00B12F03 04 5402 0000 00";
    const UPDATE: &str = "00D72F03 09 5402 0000 5303 010203";

    fn write(script: Scripted) -> Result<(), TokenError> {
        script.logged_in().write(FileId::TOKEN_INFO, &[1, 2, 3])
    }

    fn read(script: Scripted, content: &str, len: u8) -> Scripted {
        script.then(READ, &format!("{content} 6282")).then(&format!("00B12F03 04 5402 00{len:02X} 00"), "6282")
    }

    #[test]
    fn what_is_there_already_is_left_alone_and_a_longer_file_is_deleted_first() {
        let new = Scripted::default().then(FILES, "2F02 9000").then(UPDATE, "9000");
        assert_eq!(write(read(new, "010203", 3)), Ok(()));
        assert_eq!(write(read(Scripted::default().then(FILES, THERE), "010203", 3)), Ok(()));
        let as_long = read(Scripted::default().then(FILES, THERE), "040506", 3).then(UPDATE, "9000");
        assert_eq!(write(read(as_long, "010203", 3)), Ok(()));
        let longer = read(Scripted::default().then(FILES, THERE), "01020304", 4).then("00E40200022F03", "9000");
        assert_eq!(write(read(longer.then(UPDATE, "9000"), "010203", 3)), Ok(()));
    }

    #[test]
    fn a_write_that_does_not_read_back_is_an_error() {
        for (content, len) in [("010204", 3), ("01020300", 4), ("0102", 2)] {
            let script = Scripted::default().then(FILES, "9000").then(UPDATE, "9000");
            let error = write(read(script, content, len)).unwrap_err();
            let (expected, found) = ("the 3 bytes written".into(), format!("{len} others"));
            assert_eq!(error.came, Came::NotDone { what: "content", expected, found });
            assert_eq!(error.touched, Touched::Unknown);
        }
    }

    #[test]
    fn a_later_piece_that_is_refused_leaves_a_token_that_has_changed() {
        let first = Update { file: FileId::TOKEN_INFO, offset: 0, bytes: &[7; WRITE_CHUNK] };
        let second = Update { file: FileId::TOKEN_INFO, offset: WRITE_CHUNK as u16, bytes: &[7] };
        let put = |script: Scripted| script.logged_in().put(FileId::TOKEN_INFO, &[7; WRITE_CHUNK + 1]).unwrap_err();
        let script = Scripted::default().then_command(&first, "9000").then_command(&second, "6982");
        assert_eq!(put(script).touched, Touched::Yes);
        assert_eq!(put(Scripted::default().then_command(&first, "6982")).touched, Touched::No);
    }

    #[test]
    fn a_file_longer_than_is_read_is_not_written() {
        let long = vec![0; FILE_LEN_MAX + 1];
        let error = Scripted::default().logged_in().write(FileId::TOKEN_INFO, &long).unwrap_err();
        let (max, found) = (FILE_LEN_MAX, FILE_LEN_MAX + 1);
        assert_eq!(error.came, Came::Refused(Refusal::Length { min: 0, max, found }));
    }
}
