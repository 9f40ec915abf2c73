//! The devices in the ports, as they describe themselves: nothing here has proved anything.

use conclave_ceremony::plan::UsbId;

use crate::drives::Drive;
use crate::shown::Shown;
use crate::usb::gate::Never;
use crate::usb::hubs::behind;

/// Where on the machine: controller, hub and port, as the kernel counts them (`1-4`, `1-4.2` behind a hub).
pub type Port = Shown;

/// A token that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where.
    pub port: Port,
    /// From its certificate, or from USB where the card did not answer.
    pub serial: Shown,
    /// The result of looking at it.
    pub looked: Looked,
}

/// The result of looking at a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Being asked.
    Asking,
    /// It answered.
    Answered {
        /// Which root its certificates lead to: files, which prove nothing.
        chain: Chain,
        /// Applet version.
        firmware: Shown,
        /// Tries left on the user PIN and the SO-PIN, or their state, in words.
        pin: Shown,
        /// As `pin`.
        so_pin: Shown,
        /// Its first key domain.
        dkek: Dkek,
    },
    /// It did not, or not as a SmartCard-HSM.
    Refused(Unanswered),
}

/// Which root the certificates of a token lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chain {
    /// The vendor's.
    Vendor,
    /// That of simulated tokens.
    Simulated,
    /// None that is known.
    Unknown,
}

/// The state of the key that wraps the keys of a token, by the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dkek {
    /// It has none and cannot get one: its keys stay.
    None,
    /// A key domain without a key.
    Empty,
    /// So many shares of so many are missing.
    Outstanding(u8, u8),
    /// Made of so many shares; its check value, if it states one.
    Complete(u8, Option<Shown>),
    /// Agreed with other tokens, which is not used here.
    Agreed,
}

/// Why a token gave no answer that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// It was silent for this long.
    ///
    /// Units: milliseconds.
    Silent(u64),
    /// There is no card in the reader, or none that can be read.
    NoCard,
    /// The card in it is no SmartCard-HSM: the operation that showed it.
    NotOurs(Shown),
    /// Its USB serial number names another token than its certificate does.
    OtherSerial(Shown),
    /// USB: the message of the system.
    Failed(Shown),
    /// So many others are being asked that it was not.
    TooMany,
}

/// A hub that is let in and is not built into the controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// Its port. The port of a device on it begins with this one.
    pub port: Port,
    /// The name that it reports.
    pub product: Shown,
    /// The ids by which a plan names it.
    pub id: UsbId,
    /// Whether it is built in, so that no plan has to name it.
    pub built_in: bool,
}

/// Something on USB that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Where.
    pub port: Port,
    /// The name that it reports.
    pub product: Shown,
    /// Why it is not used.
    pub why: Unused,
}

/// Why something on USB is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unused {
    /// It is never let in.
    Never(Never),
    /// One part of it is used, these further ones are not.
    Parts(u8),
    /// It is a drive, and one at a time is let in: the one at this port is.
    Waits(Port),
    /// It is a drive without a medium: a card reader without a card, an optical drive without a disc.
    Empty,
    /// It is an optical drive: a medium to start from is looked for on it, and nothing else.
    Optical,
    /// It is the medium this machine was started from, which is not needed any more.
    Medium,
    /// It is a keyboard, and no person asked for one.
    Keyboard,
    /// The plan that is in does not name it.
    Unnamed,
    /// It was let in and could not be used: the message of the system.
    Failed(Shown),
}

/// The devices in the ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Hubs, in the order of their ports.
    pub hubs: Vec<Hub>,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// Drives.
    pub drives: Vec<Drive>,
    /// All other devices, and the unused parts of the used ones.
    pub others: Vec<Other>,
    /// First line shown.
    pub scroll: u16,
}

impl Devices {
    /// The first unused device behind a hub: a USB 2 hub hands the messages to its tokens on to every device on it.
    pub fn overhears(&self) -> Option<&Other> {
        let foreign = |other: &&Other| !matches!(other.why, Unused::Parts(_));
        self.others.iter().filter(foreign).find(|other| self.hubs.iter().any(|hub| behind(&other.port, &hub.port)))
    }

    /// The first keyboard that is shut out.
    pub fn shut_out(&self) -> Option<&Other> {
        self.others.iter().find(|other| other.why == Unused::Keyboard)
    }

    /// Which line is the first shown, and how many there are at most.
    pub(super) fn scroll(&mut self, keyboards: usize) -> (&mut u16, usize) {
        /// Headings, and the lines that say that there is none.
        const HEADINGS: usize = 7;
        let drives: usize = self.drives.iter().map(|drive| if drive.volume.is_ok() { 2 } else { 3 }).sum();
        let each = self.clones().len() + 3 * self.tokens.len() + drives;
        (&mut self.scroll, HEADINGS + each + keyboards + self.hubs.len() + self.others.len())
    }

    /// Serials that more than one token claims: a clone, or a forgery.
    pub fn clones(&self) -> Vec<&Shown> {
        let mut serials: Vec<&Shown> = self.tokens.iter().map(|token| &token.serial).collect();
        serials.sort_unstable();
        let mut twice: Vec<&Shown> = serials
            .windows(2)
            .filter_map(|pair| if let [a, b] = pair { (a == b).then_some(*a) } else { None })
            .collect();
        twice.dedup();
        twice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_used_behind_a_hub_overhears_and_nothing_else_does() {
        let other = |port, why| Other { port: Shown::new(port), product: Shown::default(), why };
        let never = || Unused::Never(Never::SoundOrCamera);
        let mut devices = Devices {
            hubs: vec![Hub {
                port: Shown::new("1-2"),
                product: Shown::default(),
                id: UsbId { vendor: 0x05e3, product: 0x0610 },
                built_in: false,
            }],
            // Built in, perhaps; on a port with a number that begins like the hub's; a further part of a drive of the
            // plan.
            others: vec![other("1-3", never()), other("1-21", never()), other("1-2.1", Unused::Parts(1))],
            ..Devices::default()
        };
        assert_eq!(devices.overhears(), None);
        devices.others.push(other("1-2.4.1", never()));
        assert_eq!(devices.overhears(), devices.others.last());
    }
}
