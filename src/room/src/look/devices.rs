//! What is plugged in, as far as looking tells: nothing here has proved anything.

use crate::drives::Drive;
use crate::shown::Shown;

/// Where on the machine: controller, hub and port, as the kernel counts them (`1-4`, `1-4.2` behind a hub).
pub type Port = Shown;

/// A token that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Where.
    pub port: Port,
    /// From its certificate, or from USB where the card did not answer.
    pub serial: Shown,
    /// What looking at it gave.
    pub looked: Looked,
}

/// What looking at a token gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Being asked.
    Asking,
    /// It answered.
    Answered {
        /// Which root its certificate names: a file, which proves nothing.
        chain: Shown,
        /// Applet version.
        firmware: Shown,
        /// Tries left on the user PIN and the SO-PIN, or their state, in words.
        pin: Shown,
        /// As `pin`.
        so_pin: Shown,
        /// DKEK state, in words.
        dkek: Shown,
    },
    /// It did not, or not as a SmartCard-HSM.
    Refused(Shown),
}

/// Something on USB that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Where.
    pub port: Port,
    /// What it calls itself.
    pub product: Shown,
    /// Why it is not used.
    pub why: &'static str,
}

/// What is plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Tokens, in the order of their ports.
    pub tokens: Vec<Token>,
    /// Drives.
    pub drives: Vec<Drive>,
    /// Everything else.
    pub others: Vec<Other>,
    /// First line shown.
    pub scroll: u16,
}

impl Devices {
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
