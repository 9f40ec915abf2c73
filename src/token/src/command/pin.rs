//! PINs: asking for the tries left, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER.

use zeroize::Zeroizing;

use super::{Command, done_silently};
use crate::{
    apdu::{Apdu, Reply},
    error::{Came, Tried},
    object::{PinKind, PinState},
    secret::{Pin, SoPin},
};

/// State of a PIN: VERIFY `00 20 00 81|88` without body, which spends nothing. The answer is the status word.
pub(crate) struct PinStatus(pub(crate) PinKind);

impl Command for PinStatus {
    type Reply = PinState;

    fn tried(&self) -> Tried {
        Tried::PinStatus(self.0)
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x00, 0x20, 0x00, self.0.reference()])
    }

    fn parse(&self, reply: &Reply) -> Result<PinState, Came> {
        match reply.sw.0 {
            // Cards differ in which of the two they say after the last wrong try.
            0x6983 | 0x63c0 => Ok(PinState::Blocked),
            0x63c1..=0x63cf => Ok(PinState::TriesLeft((reply.sw.0 & 0xf) as u8)),
            0x6984 => Ok(PinState::Transport),
            0x6a88 => Ok(PinState::NeverSet),
            0x6300 => Ok(PinState::OtherTokens),
            _ => done_silently(reply).map(|()| PinState::Verified),
        }
    }
}

/// VERIFY: `00 20 00 81|88`, body the PIN as it is. The user's logs in.
pub(crate) enum Verify<'a> {
    /// The user PIN.
    User(&'a Pin),
    /// The SO-PIN.
    So(&'a SoPin),
}

impl Verify<'_> {
    pub(crate) fn kind(&self) -> PinKind {
        match self {
            Self::User(_) => PinKind::User,
            Self::So(_) => PinKind::So,
        }
    }
}

impl Command for Verify<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::Verify(self.kind())
    }

    fn apdu(&self) -> Apdu {
        let pin = match self {
            Self::User(pin) => pin.expose(),
            Self::So(pin) => pin.expose().as_slice(),
        };
        Apdu::new([0x00, 0x20, 0x00, self.kind().reference()]).body(pin)
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}

/// CHANGE REFERENCE DATA: `00 24 00 81|88`, body old then new. The card knows how long the old one is.
pub(crate) enum Change<'a> {
    /// The user PIN.
    User {
        /// As it is now.
        old: &'a Pin,
        /// As it shall be.
        new: &'a Pin,
    },
    /// The SO-PIN.
    So {
        /// As it is now.
        old: &'a SoPin,
        /// As it shall be.
        new: &'a SoPin,
    },
}

impl Change<'_> {
    pub(crate) fn kind(&self) -> PinKind {
        match self {
            Self::User { .. } => PinKind::User,
            Self::So { .. } => PinKind::So,
        }
    }
}

impl Command for Change<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::ChangePin(self.kind())
    }

    fn apdu(&self) -> Apdu {
        let body = match self {
            Self::User { old, new } => joined(old.expose(), new.expose()),
            Self::So { old, new } => joined(old.expose(), new.expose()),
        };
        Apdu::new([0x00, 0x24, 0x00, self.kind().reference()]).body_owned(body)
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}

/// RESET RETRY COUNTER: `00 2C 00 81` with SO-PIN and new user PIN, `00 2C 01 81` with the SO-PIN alone.
pub(crate) struct ResetRetryCounter<'a> {
    /// The SO-PIN.
    pub(crate) so_pin: &'a SoPin,
    /// The user PIN to set; the old one stays if there is none.
    pub(crate) new: Option<&'a Pin>,
}

impl Command for ResetRetryCounter<'_> {
    type Reply = ();

    fn tried(&self) -> Tried {
        Tried::ResetRetryCounter
    }

    fn apdu(&self) -> Apdu {
        let (p1, new) = self.new.map_or((0x01, &[][..]), |new| (0x00, new.expose()));
        Apdu::new([0x00, 0x2c, p1, PinKind::User.reference()]).body_owned(joined(self.so_pin.expose(), new))
    }

    fn parse(&self, reply: &Reply) -> Result<(), Came> {
        done_silently(reply)
    }
}

/// Two PINs one after the other, in a buffer reserved at once.
fn joined(first: &[u8], second: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(first.len() + second.len()));
    body.extend_from_slice(first);
    body.extend_from_slice(second);
    body
}
