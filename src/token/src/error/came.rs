//! The causes of a failure: from the token, from the way to it, or from a rule of this driver.

use core::fmt;

use thiserror::Error;

use crate::{
    apdu::StatusWord,
    attest::AttestError,
    channel::ChannelError,
    chip::ChipError,
    command::Options,
    cvc::{ChainError, CvcError, Name, SignatureError, UsbSerialError},
    dkek::{CombineError, Kcv, blob::BlobError},
    object::{FileId, KeyId, PinKind, PinState, SO_TRIES_LEFT_MIN},
    tlv::TlvError,
};

/// The cause of a failure.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Came {
    /// The token refused.
    #[error("{0}")]
    Status(StatusWord),
    /// No reply.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// A reply that does not have the form it should have.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Certificates that do not lead to the root they must lead to.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An attestation does not prove the key.
    #[error(transparent)]
    Attest(#[from] AttestError),
    /// A chip authentication does not prove the device key.
    #[error(transparent)]
    Chip(#[from] ChipError),
    /// A signature does not hold under the key and the digest that was given.
    #[error("no sound signature came: {0}. It was wiped")]
    Signature(#[from] SignatureError),
    /// The bytes are no key blob.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The reader names another token than the card.
    #[error(transparent)]
    UsbSerial(#[from] UsbSerialError),
    /// Another token answers than before.
    #[error("another token answers: {found}")]
    OtherToken {
        /// Its name; the same one if only its certificates differ.
        found: Name,
    },
    /// The token has another DKEK than the shares make.
    #[error("the token states KCV {}, expected {recorded}", OrNone(*token))]
    Kcv {
        /// Recorded when the shares were made.
        recorded: Kcv,
        /// What the token states; `None` for zeros.
        token: Option<Kcv>,
    },
    /// Nothing was sent: a rule of this driver forbids it.
    #[error("not sent: {0}")]
    Refused(#[from] Refusal),
    /// The token reported success, but its state afterwards contradicts that.
    #[error("the token reported success, but its {what} is {found}, expected {expected}")]
    NotDone {
        /// The name of the fact that was read back.
        what: &'static str,
        /// The value that success would have left there.
        expected: String,
        /// The value that is there.
        found: String,
    },
}

struct OrNone(Option<Kcv>);

impl fmt::Display for OrNone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(kcv) => kcv.fmt(f),
            None => f.write_str("0000 0000 0000 0000 (none)"),
        }
    }
}

/// A reply of the wrong form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Another number of bytes.
    #[error("reply of {found} bytes, expected {}", Span(*min, *max))]
    Length {
        /// Fewest expected.
        min: usize,
        /// Most expected.
        max: usize,
        /// Bytes that came.
        found: usize,
    },
    /// Elements that do not fit together.
    #[error("reply: {0}")]
    Tlv(#[from] TlvError),
    /// A field with a value it cannot have.
    #[error("reply: {what} is {found}, expected {expected}")]
    Value {
        /// The field.
        what: &'static str,
        /// The values that are allowed.
        expected: &'static str,
        /// The value that came.
        found: u32,
    },
}

struct Span(usize, usize);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(min, max) = self;
        if min == max { write!(f, "{min}") } else { write!(f, "{min} to {max}") }
    }
}

impl From<TlvError> for Came {
    fn from(error: TlvError) -> Self {
        Self::Malformed(error.into())
    }
}

/// A rule of this driver that kept a command from being sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The SO-PIN has too few tries left: a blocked one makes the token worthless for ever.
    #[error("the SO-PIN has {left} tries left, expected at least {}", SO_TRIES_LEFT_MIN)]
    SoPinFloor {
        /// Tries left.
        left: u8,
    },
    /// The user PIN has one try left, and no person allowed that this try is spent.
    #[error("the user PIN has its last try left")]
    LastTry,
    /// The PIN cannot be tried in the state it is in.
    #[error("the {pin} is {state}")]
    PinState {
        /// The role of the PIN.
        pin: PinKind,
        /// The state.
        state: PinState,
    },
    /// The token was never initialised, although it is said to have an SO-PIN of its own.
    #[error("the token was never initialised, expected one whose SO-PIN was changed")]
    NeverInitialized,
    /// The options the token was initialised with do not let the SO-PIN do this.
    #[error("the token's options are {options}")]
    ResetForbidden {
        /// The options.
        options: Options,
    },
    /// More tries than the applet grants a PIN of this length. The length is not said.
    #[error("retry counter {asked}, expected 1 to 3 for a PIN of 6 bytes, to 5 for 7, to 10 for 8 or more")]
    RetryCounter {
        /// Tries asked for.
        asked: u8,
    },
    /// A key or a file of a key with this number exists.
    #[error("key {id} is taken: {by} exists")]
    KeyTaken {
        /// The number.
        id: KeyId,
        /// The file that exists.
        by: FileId,
    },
    /// Every key number is taken.
    #[error("all 255 key numbers are taken")]
    NoKeyFree,
    /// The shares do not make a DKEK.
    #[error(transparent)]
    Shares(#[from] CombineError),
    /// The shares make another DKEK than was recorded: one of them is wrong or missing.
    #[error("the shares make the DKEK with KCV {combined}, expected {recorded}")]
    OtherShares {
        /// Recorded when the shares were made.
        recorded: Kcv,
        /// The KCV of the DKEK that these shares make.
        combined: Kcv,
    },
    /// The token does not wait for this many shares, all of them. Shares cannot be taken back.
    #[error("the token has {found}, expected one that waits for all of {given} DKEK shares")]
    NotWaiting {
        /// Shares given.
        given: usize,
        /// State of the key domain.
        found: String,
    },
    /// The blob is none.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The blob is wrapped under another DKEK.
    #[error("the key is wrapped under the DKEK with KCV {blob}; the token has {token}")]
    OtherDkek {
        /// KCV in the blob.
        blob: Kcv,
        /// State of the key domain.
        token: String,
    },
    /// The certificate to be stored cannot be read.
    #[error("certificate: {0}")]
    Certificate(TlvError),
    /// The attestation to be stored cannot be read.
    #[error("attestation: {0}")]
    Attestation(CvcError),
    /// The certificate or attestation to be stored is that of another key.
    #[error("the certificate is that of another key")]
    OtherKey,
    /// More bytes than the command or the file takes.
    #[error("{found} bytes, expected {}", Span(*min, *max))]
    Length {
        /// Fewest.
        min: usize,
        /// Most.
        max: usize,
        /// Bytes there are.
        found: usize,
    },
}
