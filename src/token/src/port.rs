//! The two bulk endpoints of a reader: all the driver needs of USB.

use thiserror::Error;
use zeroize::Zeroizing;

use crate::channel::ChannelError;

/// Moves bulk transfers. Implemented by `smartcard-hsm-usb` on libusb and by the simulator in memory.
pub trait BulkPort {
    /// One bulk OUT transfer.
    fn send(&mut self, message: &[u8], timeout_ms: u64) -> Result<(), PortError>;

    /// One bulk IN transfer: the bytes that came in it, at most `len_max`.
    ///
    /// [`PortError::Timeout`] after `timeout_ms` without data; data that arrives later is delivered by a later call.
    fn receive(&mut self, len_max: usize, timeout_ms: u64) -> Result<Zeroizing<Vec<u8>>, PortError>;

    /// Clears the halt of a stalled endpoint.
    fn clear_halt(&mut self, endpoint: Endpoint) -> Result<(), PortError>;
}

/// A direction of the reader's bulk pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Reader to host.
    BulkIn,
    /// Host to reader.
    BulkOut,
}

/// Why a transfer failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PortError {
    /// Nothing came, or nothing was taken, in the time given.
    #[error("no transfer within {waited_ms} ms")]
    Timeout {
        /// The time given.
        waited_ms: u64,
    },
    /// The endpoint is halted until [`BulkPort::clear_halt`].
    #[error("endpoint stalled")]
    Stalled,
    /// The device is gone.
    #[error("unplugged")]
    Unplugged,
    /// Any other failure, by the system's name.
    #[error("{what}")]
    Failed {
        /// The system's name of the failure.
        what: &'static str,
    },
}

impl PortError {
    /// The same failure as a session sees it.
    pub fn on(self, endpoint: Endpoint) -> ChannelError {
        match self {
            Self::Timeout { waited_ms } => ChannelError::Silent { waited_ms },
            Self::Stalled => ChannelError::Stalled {
                endpoint: match endpoint {
                    Endpoint::BulkIn => "bulk IN",
                    Endpoint::BulkOut => "bulk OUT",
                },
            },
            Self::Unplugged => ChannelError::Unplugged,
            Self::Failed { what } => ChannelError::Usb { what },
        }
    }
}
