//! Commands for further facts about a token, without a PIN.

use super::{Command, Version, done_with};
use crate::{
    apdu::{Apdu, Reply, ReplyLen, StatusWord},
    error::{Came, Tried},
};

/// Memory of a token. Firmware 2.4 and later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Bytes free. A fresh Nitrokey HSM 2 has about 81,000.
    pub free_bytes: u32,
    /// Platform byte, as in [`super::DeviceInfo::platform`].
    pub platform: u8,
    /// Firmware.
    pub version: Version,
}

/// Free memory: `80 50 00 00` without body, which is INITIALIZE DEVICE with one. Reply: free (4), platform, major, minor.
pub(crate) struct FreeMemory;

impl Command for FreeMemory {
    type Reply = Memory;

    fn tried(&self) -> Tried {
        Tried::FreeMemory
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x50, 0x00, 0x00]).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<Memory, Came> {
        let &[a, b, c, d, platform, major, minor] = done_with(reply)?;
        Ok(Memory { free_bytes: u32::from_be_bytes([a, b, c, d]), platform, version: Version { major, minor } })
    }
}

/// How many other tokens must authenticate before this one's keys can be used (n-of-m).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PkaStatus {
    /// Public keys that may be registered.
    pub total: u8,
    /// Not registered yet.
    pub missing: u8,
    /// Needed to authenticate.
    pub required: u8,
    /// Authenticated since the applet was selected.
    pub authenticated: u8,
}

/// Status of public key authentication: `80 54 00 00`. Reply: total, missing, required, authenticated; refused where the
/// token was not initialised for it.
pub(crate) struct PkaQuery;

impl Command for PkaQuery {
    type Reply = Option<PkaStatus>;

    fn tried(&self) -> Tried {
        Tried::PkaStatus
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x54, 0x00, 0x00]).reply(ReplyLen::at_most(4))
    }

    fn parse(&self, reply: &Reply) -> Result<Option<PkaStatus>, Came> {
        if matches!(reply.sw, StatusWord(0x6a86 | 0x6d00)) {
            return Ok(None);
        }
        let &[total, missing, required, authenticated] = done_with(reply)?;
        Ok(Some(PkaStatus { total, missing, required, authenticated }))
    }
}
