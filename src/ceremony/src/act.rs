//! Acts: the work of the machine because of an entry. Each has an answer to a power cut in the middle of it.

use serde::{Deserialize, Serialize};

use crate::ids::{DriveId, KeyIx, ShareId, TokenId};
use crate::public::Octets;
use crate::script::Which;

/// A secret's place in the Vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Slot {
    /// A PIN of a token.
    Pin(TokenId, Which),
    /// The SO-PIN a used token has before the ceremony; its keeper types it.
    OldSoPin(TokenId),
    /// The user PIN that takes the place of a burnt one.
    NewPin(TokenId),
    /// The passphrase of a share.
    Passphrase(ShareId),
    /// A clear share.
    Share(ShareId),
}

/// A file on a drive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Item {
    /// A share file, sealed under its passphrase. The number is the attempt at making the set, from 1.
    Share(ShareId, u16),
    /// A key blob under the DKEK. The number is the attempt at wrapping it, from 1.
    Blob(KeyIx, u16),
    /// The plan, byte by byte.
    Plan,
    /// The names behind the plan's ids.
    Names,
    /// Everything public: plan digest, certificates, keys, attestations, statements with signatures, manifest.
    Bundle,
}

/// The texts that a token signs. There is nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Signs {
    /// The certificate of the key's profile.
    Certificate,
    /// The key-proof statement over the head of the entry that holds this act.
    Statement,
}

/// A piece of work of the machine.
///
/// The order of the acts of an entry is the order in which they are done; one that fails ends the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Act {
    /// Identify a drive by serial, size and volume id; list its files.
    Identify(DriveId),
    /// Write a file to the drive the plan names for it, read it back past every cache.
    Write(DriveId, Item),
    /// Read a file from its drive into memory and take its digest.
    Read(DriveId, Item),
    /// Read certificate, chain, firmware, counters, DKEK state and object list of a token.
    Inspect(TokenId),
    /// Erase a token and have it prove itself, its request bound to the head of the entry that holds this act.
    Prove(TokenId),
    /// Initialise a token that proved itself as its SO-PIN will only unblock, and have it refuse to *set* a PIN by it. Nothing of
    /// worth is on it yet.
    TrySet(TokenId),
    /// Have a token prove that it holds its device key without changing it: in a later boot.
    Authenticate(TokenId),
    /// Have a token prove itself by a throw-away key beside its keys, bound to the head of the entry
    /// that holds this act.
    ProveAgain(TokenId),
    /// Have a token that refuses chip authentication prove itself by a throw-away key beside its keys, bound to the head of the
    /// entry that holds this act. Its user PIN goes to it before it has shown anything: that PIN is burnt from the intent on.
    ProveBeside(TokenId),
    /// Change a burnt user PIN to the new one, power the card off and on, and use it.
    ChangePin(TokenId),
    /// Make a secret: a PIN, an SO-PIN, a passphrase.
    Make(Slot),
    /// Show a secret to its owner until it was typed back.
    Reveal(Slot),
    /// Make all shares of kernel and token randomness, and their check value.
    MakeShares,
    /// Seal a share under its passphrase.
    Seal(ShareId),
    /// Open the share file that was read, under its passphrase.
    Open(ShareId),
    /// Combine the opened shares and compare their check value with this one.
    Combine(Octets<8>),
    /// Wipe these places of the Vault, all of them if none is named.
    Wipe(Option<Slot>),
    /// Set a token's own SO-PIN and initialise it for good.
    Initialise(TokenId),
    /// Import all shares into a token and compare its check value.
    Import(TokenId),
    /// Power the card off and on, use both its PINs, and wipe the SO-PIN, which nothing needs after that.
    TryPin(TokenId),
    /// Make a key, its request bound to the head of the entry that holds this act.
    Generate(TokenId, KeyIx),
    /// Sign with a key.
    Sign(TokenId, KeyIx, Signs),
    /// Write description and certificate of a key.
    Describe(TokenId, KeyIx),
    /// Wrap a key.
    Wrap(TokenId, KeyIx),
    /// Restore a key from the blob that was read.
    Unwrap(TokenId, KeyIx),
    /// Write the token's label.
    Label(TokenId),
    /// Read the object list.
    List(TokenId),
    /// Show public text, large and as QR codes.
    Show,
    /// Sync, unmount, switch off.
    PowerOff,
}

/// The answer to a power cut in the middle of an act, for resuming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Doing it again is as good as having done it once.
    Repeatable,
    /// The device can be asked whether it happened; doing it again asks first.
    Probe,
    /// It must not be done again by itself: the ceremony goes back to the step that prepares it.
    Once,
}

/// A row of the table of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    /// The token that it is done on.
    token: Option<TokenId>,
    /// Whether the token is logged in to by its user PIN.
    as_user: bool,
    class: Class,
}

impl Row {
    const fn elsewhere(class: Class) -> Self {
        Self { token: None, as_user: false, class }
    }

    const fn on(token: TokenId, class: Class) -> Self {
        Self { token: Some(token), as_user: false, class }
    }

    const fn as_user(token: TokenId, class: Class) -> Self {
        Self { token: Some(token), as_user: true, class }
    }
}

impl Act {
    /// The token that it is done on.
    pub const fn token(&self) -> Option<TokenId> {
        self.row().token
    }

    /// The token that it is done on as its user, logged in by the user PIN.
    pub const fn as_user(&self) -> Option<TokenId> {
        let row = self.row();
        if row.as_user { row.token } else { None }
    }

    /// The answer to a power cut in the middle of it.
    pub const fn class(&self) -> Class {
        self.row().class
    }

    /// The table of acts. Exhaustive: an act without an answer to "the power fails now" does not compile.
    const fn row(&self) -> Row {
        match *self {
            Self::Identify(_)
            | Self::Read(..)
            | Self::Make(_)
            | Self::Reveal(_)
            | Self::Seal(_)
            | Self::Open(_)
            | Self::Combine(_)
            | Self::Wipe(_)
            | Self::Show
            | Self::PowerOff => Row::elsewhere(Class::Repeatable),
            // A file with the same bytes.
            Self::Write(..) => Row::elsewhere(Class::Probe),
            // Clear shares are gone with the power.
            Self::MakeShares => Row::elsewhere(Class::Once),
            Self::Inspect(token) | Self::TrySet(token) | Self::Authenticate(token) => Row::on(token, Class::Repeatable),
            // A throw-away key, an SO-PIN that was set.
            Self::Prove(token) | Self::Initialise(token) => Row::on(token, Class::Probe),
            // Half an import cannot be undone.
            Self::Import(token) => Row::on(token, Class::Once),
            Self::TryPin(token)
            | Self::Label(token)
            | Self::List(token)
            | Self::Sign(token, ..)
            | Self::Describe(token, _)
            | Self::Wrap(token, _) => Row::as_user(token, Class::Repeatable),
            // A key with this CAR, a restored key, a throw-away key. Which user PIN a token has, the burnt one or the new one,
            // shows at the login of the proof that comes before its change.
            Self::Generate(token, _)
            | Self::Unwrap(token, _)
            | Self::ProveAgain(token)
            | Self::ProveBeside(token)
            | Self::ChangePin(token) => Row::as_user(token, Class::Probe),
        }
    }
}
