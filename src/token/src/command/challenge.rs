//! GET CHALLENGE: random bytes from the card.

use super::{Command, done};
use crate::{
    apdu::{Apdu, Reply, ReplyLen},
    error::{Came, Malformed, Tried},
    secret::SecretBytes,
};

/// Most random bytes one command asks for.
///
/// Source: OpenSC `card-sc-hsm.c` asks for no more than this at a time.
pub const CHALLENGE_LEN_MAX: u16 = 1024;

/// GET CHALLENGE: `00 84 00 00`. Reply: as many random bytes as asked for, 1 to [`CHALLENGE_LEN_MAX`].
///
/// Secret: a secret may be made of these bytes, so the bytes are secret, too.
pub(crate) struct Challenge(pub(crate) u16);

impl Command for Challenge {
    type Reply = SecretBytes;

    fn tried(&self) -> Tried {
        Tried::Challenge
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x00, 0x84, 0x00, 0x00]).reply(ReplyLen::at_most(self.0))
    }

    fn parse(&self, reply: &Reply) -> Result<SecretBytes, Came> {
        let (body, want) = (done(reply)?, usize::from(self.0));
        if body.len() == want {
            Ok(SecretBytes::copied_from(body))
        } else {
            Err(Malformed::Length { min: want, max: want, found: body.len() }.into())
        }
    }
}
