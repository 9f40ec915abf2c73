//! The ports of a ceremony to its machine. The appliance and the simulated world implement them.
//!
//! None of them decides anything. Drives have a port of their own, [`crate::drives::Media`].

use conclave_ceremony::plan::UsbId;
use smartcard_hsm::channel::{Channel, ChannelError};
use smartcard_hsm::dkek::stretch::Stretch;

use crate::civil::Wall;
use crate::drives::Drives;
use crate::shown::{Serial, Shown};
use crate::usb::gate::Named;

/// A token that is plugged in, before anything was asked of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenAt {
    /// Where: controller, hub and port, as the kernel counts them.
    pub port: Shown,
    /// Serial of the USB descriptor; it proves nothing and is compared with the token's certificate.
    pub serial: Serial,
}

/// A token, a drive or a hub in a port, as the machine saw it last, whether it is let in or not. Nothing was asked of
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugged {
    /// Where.
    pub port: Shown,
    /// Serial of the USB descriptor.
    pub serial: Serial,
    /// Its kind, by its own word.
    pub what: What,
}

/// The kind of a device in a port, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A token.
    Token,
    /// A drive.
    Drive,
    /// A hub that people plugged in; one that is built in is in no port.
    Hub {
        /// Which model it says it is.
        id: UsbId,
        /// Whether it is shut out, and with it whatever hangs on it: the plan that is in does not name it.
        shut_out: bool,
    },
}

/// Tokens on the machine's ports.
pub trait Tokens {
    /// The channel that carries commands to one of them. Dropping it releases the token.
    type Channel: Channel;

    /// Every token that is plugged in, in the order of ports.
    fn plugged(&mut self) -> Vec<TokenAt>;

    /// Powers the token at this port on, for commands.
    ///
    /// **Errors**: [`ChannelError::Unplugged`] if none is there any more.
    fn open(&mut self, at: &TokenAt) -> Result<Self::Channel, ChannelError>;
}

/// Both clocks, read at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Wall clock, which people set.
    pub wall: Wall,
    /// Time since power-on. No person can set it. **Units**: milliseconds.
    pub mono_ms: u64,
}

/// The kernel gave no random bytes. Nothing goes on without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel gave no random bytes")]
pub struct NoRandomness;

/// The machine below a ceremony.
pub trait Machine {
    /// Its tokens.
    type Tokens: Tokens;
    /// Its drives.
    type Drives: Drives;

    /// Its tokens.
    fn tokens(&mut self) -> &mut Self::Tokens;

    /// Its drives.
    fn drives(&mut self) -> &mut Self::Drives;

    /// Every token, every drive and every hub in a port, in the order of ports. It answers at once, as they were seen
    /// last.
    fn in_ports(&mut self) -> Vec<Plugged>;

    /// A plan is loaded: from now on only the devices that it names and the built-in hubs are let in, all of them at
    /// once if need be. With `None` there is no plan any more, and the rules before a plan hold again.
    fn admit(&mut self, named: Option<&Named>);

    /// Fills `bytes` from the kernel, after it has gathered enough.
    ///
    /// **Secret**: the bytes may become a PIN, a passphrase or a share; nothing below keeps a copy.
    fn random(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;

    /// Reads the clocks.
    fn now(&mut self) -> Now;

    /// How share files turn passphrases into keys.
    fn stretch(&self) -> &dyn Stretch;
}
