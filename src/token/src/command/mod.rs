//! One file for each family of commands: bytes out, typed reply in.
//!
//! The commands themselves are private to this crate. A caller asks a session, and the session knows whether the token
//! may have the command. The answers of a token are public.
//!
//! Source: ISO 7816-4 and -8; the proprietary commands, OpenSC `card-sc-hsm.c` and CardContact's card service.

pub(crate) mod challenge;
pub(crate) mod chip;
pub(crate) mod device;
pub(crate) mod dkek;
pub(crate) mod file;
pub(crate) mod generate;
pub(crate) mod initialize;
pub(crate) mod pin;
pub(crate) mod select;
pub(crate) mod sign;
pub(crate) mod wrap;

pub use challenge::CHALLENGE_LEN_MAX;
pub use device::{Memory, PkaStatus};
pub use dkek::{DkekStatus, KeyDomain};
pub use generate::{KeySpec, RsaBits};
pub use initialize::{Reset, Setup};
pub use select::{DeviceInfo, Options, Version};
pub use sign::{Digest, SignAlgorithm, strict_ecdsa};

use crate::{
    apdu::{Apdu, Reply, StatusWord},
    channel::{Channel, Patience},
    error::{Came, Malformed, TokenError, Tried},
};

/// One command: its bytes, and the meaning of its reply.
pub(crate) trait Command {
    /// The content of a successful reply.
    type Reply;

    /// Its name in errors.
    fn tried(&self) -> Tried;

    /// Its bytes.
    fn apdu(&self) -> Apdu;

    /// How long the card may be silent over it.
    fn patience(&self) -> Patience {
        Patience::Ordinary
    }

    /// Reads the reply; [`done`] is the first step unless other status words than 9000 are answers too.
    fn parse(&self, reply: &Reply) -> Result<Self::Reply, Came>;
}

/// Sends one command and reads its reply.
pub(crate) fn send<K: Command>(channel: &mut impl Channel, command: &K) -> Result<K::Reply, TokenError> {
    channel
        .exchange(&command.apdu(), command.patience())
        .map_err(Came::from)
        .and_then(|reply| command.parse(&reply))
        .map_err(|came| TokenError::new(command.tried(), came))
}

/// The body of a reply that reports success.
fn done(reply: &Reply) -> Result<&[u8], Came> {
    if reply.sw == StatusWord::OK { Ok(reply.body()) } else { Err(Came::Status(reply.sw)) }
}

/// The body of a successful reply of exactly `N` bytes.
fn done_with<const N: usize>(reply: &Reply) -> Result<&[u8; N], Came> {
    let body = done(reply)?;
    body.try_into().map_err(|_| Malformed::Length { min: N, max: N, found: body.len() }.into())
}

/// A successful reply that has nothing to say.
fn done_silently(reply: &Reply) -> Result<(), Came> {
    done_with::<0>(reply).map(|_| ())
}

#[cfg(test)]
mod traces;
