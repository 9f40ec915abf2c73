//! Files: ENUMERATE OBJECTS, READ BINARY, UPDATE BINARY, DELETE FILE.

use super::{Command, done, done_silently};
use crate::{
    apdu::{Apdu, Reply, ReplyLen, StatusWord},
    channel::Patience,
    error::{Came, Malformed, Tried},
    object::FileId,
    tlv,
};

/// ENUMERATE OBJECTS: `80 58 00 00`. Reply: file identifiers, 2 bytes each.
pub(crate) struct Enumerate;

impl Command for Enumerate {
    type Reply = Vec<FileId>;

    fn tried(&self) -> Tried {
        Tried::Enumerate
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x58, 0x00, 0x00]).reply(ReplyLen::EXTENDED)
    }

    fn parse(&self, reply: &Reply) -> Result<Vec<FileId>, Came> {
        let (ids, rest) = done(reply)?.as_chunks::<2>();
        match rest {
            [] => Ok(ids.iter().map(|id| FileId(u16::from_be_bytes(*id))).collect()),
            [odd, ..] => Err(Malformed::Value {
                what: "byte behind the last file identifier",
                expected: "none",
                found: u32::from(*odd),
            }
            .into()),
        }
    }
}

/// READ BINARY: `00 B1` with the file's identifier, body `54 02 offset`. Reply: the bytes at this offset, at most 256;
/// an empty reply at the end.
pub(crate) struct Read {
    /// The file.
    pub(crate) file: FileId,
    /// First byte wanted.
    pub(crate) offset: u16,
}

impl Command for Read {
    type Reply = Vec<u8>;

    fn tried(&self) -> Tried {
        Tried::Read(self.file)
    }

    fn apdu(&self) -> Apdu {
        let [p1, p2] = self.file.0.to_be_bytes();
        Apdu::new([0x00, 0xb1, p1, p2]).body(&tlv::element(0x54, &self.offset.to_be_bytes())).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<Vec<u8>, Came> {
        let part = match reply.sw {
            // The end of the file or, before firmware 3.4, not even that: only an empty read is the end.
            StatusWord(0x6282) => reply.body(),
            StatusWord(0x6b00) if self.offset > 0 => &[],
            _ => done(reply)?,
        };
        let max = ReplyLen::SHORT.bytes();
        if part.len() <= max {
            Ok(part.to_vec())
        } else {
            Err(Malformed::Length { min: 0, max, found: part.len() }.into())
        }
    }
}

/// Bytes of a file one UPDATE BINARY carries: the complete command stays a short APDU, as every reader takes it.
pub(crate) const WRITE_CHUNK: usize = 230;

/// UPDATE BINARY: `00 D7` with the file's identifier, body `54 02 offset`, `53` bytes. Makes the file if there is none.
pub(crate) struct Update<'a> {
    /// The file.
    pub(crate) file: FileId,
    /// Where the bytes go.
    pub(crate) offset: u16,
    /// The bytes, at most [`WRITE_CHUNK`].
    pub(crate) bytes: &'a [u8],
}

impl Command for Update<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::Write(self.file)
    }

    fn apdu(&self) -> Apdu {
        let [p1, p2] = self.file.0.to_be_bytes();
        let mut body = tlv::element(0x54, &self.offset.to_be_bytes());
        tlv::push(&mut body, 0x53, self.bytes);
        Apdu::new([0x00, 0xd7, p1, p2]).body(&body)
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}

/// DELETE FILE: `00 E4 02 00`, body the identifier. Deletes keys too.
pub(crate) struct Delete(pub(crate) FileId);

impl Command for Delete {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::Delete(self.0)
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x00, 0xe4, 0x02, 0x00]).body(&self.0.0.to_be_bytes())
    }

    fn patience(&self) -> Patience {
        Patience::Long
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}
