//! WRAP KEY and UNWRAP KEY: a private key leaves and enters a token encrypted under the DKEK.

use super::{Command, done, done_silently};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    error::{Came, Tried},
    object::KeyId,
};

/// WRAP KEY: `80 72 id 92`. Reply: the key under the DKEK.
pub(crate) struct Wrap(pub(crate) KeyId);

impl Command for Wrap {
    type Reply = Vec<u8>;

    fn tried(&self) -> Tried {
        Tried::Wrap(self.0)
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x72, self.0.get(), 0x92]).reply(ReplyLen::EXTENDED)
    }

    fn parse(&self, reply: &Reply) -> Result<Vec<u8>, Came> {
        Ok(done(reply)?.to_vec())
    }
}

/// Longest blob that goes into UNWRAP KEY itself.
///
/// Readers are known that cut commands off at 1014 bytes without a word; an RSA-4096 key is longer and goes through the
/// scratch file.
pub(crate) const UNWRAP_DIRECT_MAX: usize = 1000;

/// UNWRAP KEY: `80 74 id 93`, body the blob; without a body, the blob is taken from the scratch file.
pub(crate) struct Unwrap<'a> {
    /// Number of the new key.
    pub(crate) key: KeyId,
    /// The blob, unless it is in the scratch file.
    pub(crate) blob: Option<&'a [u8]>,
}

impl Command for Unwrap<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::Unwrap(self.key)
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x74, self.key.get(), 0x93]).body(self.blob.unwrap_or_default())
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}
