//! INITIALIZE DEVICE: erases every key, certificate and file, and sets the user PIN.

use core::num::NonZeroU8;

use zeroize::Zeroizing;

use super::{Command, Options, done_silently};
use crate::{
    apdu::{Apdu, Reply},
    channel::Patience,
    error::{Came, Refusal, Tried},
    secret::{Pin, SoPin},
    tlv,
};

/// How a token is initialised.
///
/// Secret: holds references to two PINs; neither printed nor copied.
pub struct Setup<'a> {
    /// The power of the SO-PIN over a blocked user PIN from now on.
    pub reset: Reset,
    /// The user PIN from now on.
    pub pin: &'a Pin,
    /// The SO-PIN the token has *now*. The first initialisation ever sets it instead.
    pub so_pin: &'a SoPin,
    /// Wrong user PINs in a row that block it: 1 to 3 for a PIN of 6 bytes, to 5 for 7, to 10 for 8 or more.
    pub tries: u8,
    /// DKEK shares to be imported; `None` makes a token whose keys can never be exported.
    pub dkek_shares: Option<NonZeroU8>,
}

/// The power of the SO-PIN over a blocked user PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reset {
    /// No power: a blocked user PIN means that the token is initialised again. A person with the SO-PIN cannot use
    /// keys.
    Nothing,
    /// Give it new tries; the PIN stays.
    Unblock,
    /// Give it new tries and another value: a person with the SO-PIN can use the keys.
    UnblockAndSet,
}

impl Reset {
    /// The option bits that say so.
    pub const fn options(self) -> Options {
        Options(match self {
            Self::Nothing => 0x0000,
            Self::Unblock => 0x0021,
            Self::UnblockAndSet => 0x0001,
        })
    }
}

impl Setup<'_> {
    /// Refuses the values that the applet would refuse.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let tries_max = match self.pin.expose().len() {
            0..=6 => 3,
            7 => 5,
            _ => 10,
        };
        if (1..=tries_max).contains(&self.tries) { Ok(()) } else { Err(Refusal::RetryCounter { asked: self.tries }) }
    }
}

/// INITIALIZE DEVICE: `80 50 00 00`, body 80 options, 81 user PIN, 82 SO-PIN, 91 tries, and 92 DKEK shares if any.
pub(crate) struct Initialize<'a>(pub(crate) &'a Setup<'a>);

impl Command for Initialize<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::Initialize
    }

    fn apdu(&self) -> Apdu {
        let Setup { reset, pin, so_pin, tries, dkek_shares } = self.0;
        // Reserved at once: a buffer that grows leaves copies of the PINs behind.
        let mut body = Zeroizing::new(Vec::with_capacity(4 + (2 + Pin::LEN_MAX) + 10 + 3 + 3));
        tlv::push(&mut body, 0x80, &reset.options().0.to_be_bytes());
        tlv::push(&mut body, 0x81, pin.expose());
        tlv::push(&mut body, 0x82, so_pin.expose());
        tlv::push(&mut body, 0x91, &[*tries]);
        if let Some(shares) = dkek_shares {
            tlv::push(&mut body, 0x92, &[shares.get()]);
        }
        Apdu::new([0x80, 0x50, 0x00, 0x00]).body_owned(body)
    }

    fn patience(&self) -> Patience {
        Patience::Long
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}
