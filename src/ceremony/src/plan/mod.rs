//! The plan: one TOML file that says the facts that must be true at the end of a ceremony.

mod form;
mod hub;
pub mod names;
mod raw;
mod read;
mod read_ids;
mod read_key;
mod refusal;
#[cfg(test)]
mod tests;
mod text;
mod things;

use conclave_publish::x509::{CertificateProfile, Time};
use conclave_publish::{Digest, Kind, Line};
use smartcard_hsm::command::KeySpec;
use smartcard_hsm::object::KeyId;
use smartcard_hsm::pkcs15::{CkaId, Label};

use crate::event::Weakness;
use crate::ids::{BagId, Device, DriveId, PersonId, ShareId, TokenId};
use crate::public::Text;

pub use hub::{Hub, UsbId};
pub use read::read;
pub use refusal::{REFUSALS_MAX, Refusal, Rule, Source};
pub use text::LEN_MAX;

/// The first line of every plan: the language it is written in, which is that of the record.
const FIRST_LINE: &str = "conclave = 2";

/// A plan that was read and is sound in itself; whether it can be run is for its compilation to say.
///
/// Things refer to one another by their place in these lists.
#[derive(Clone, Debug)]
pub struct Plan {
    /// SHA-256 over the bytes of the file: people agreed on it beforehand.
    pub digest: Digest,
    /// The title of the ceremony.
    pub title: Line,
    /// Whether it counts.
    pub kind: Kind,
    /// Policies its rules are checked against.
    pub policies: Vec<Policy>,
    /// The weaknesses that may stand against the machine, though the ceremony counts.
    pub accepts: Vec<Weakness>,
    /// When it may be held.
    pub window: Window,
    /// The ports for its devices.
    pub ports: Ports,
    /// Every id behind which stands a name, in the order of the ids: people, organisations, places.
    pub names: Vec<Named>,
    /// Every person that takes part.
    pub people: Vec<Person>,
    /// Every token.
    pub tokens: Vec<Token>,
    /// Every drive.
    pub drives: Vec<Drive>,
    /// Every hub; no other one is let in, but those that are built into the machine.
    pub hubs: Vec<Hub>,
    /// Every key.
    pub keys: Vec<Key>,
    /// The shares of the DKEK; all are needed.
    pub shares: Vec<Share>,
    /// Every bag.
    pub bags: Vec<Bag>,
}

/// A set of rules with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// SAFIRE's Key Management Practice Statement.
    Kmps,
}

/// First and last second of the days a ceremony may be held on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Line of the plan it stands on, from 1; as everywhere here, for refusals only.
    pub line: u32,
    /// First.
    pub from: Time,
    /// Last.
    pub until: Time,
}

/// USB ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// Line of the plan.
    pub line: u32,
    /// Ports that are free for tokens and drives while every hub of the plan is plugged in, the medium's own left out.
    pub number: u16,
}

/// An id, and the plan's digest of the name behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Line of the plan.
    pub line: u32,
    /// The id.
    pub id: Text,
    /// Digest of its line in `names.toml`, as [`names::digest`] makes it.
    pub digest: Digest,
}

/// The reason why a person is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Leads through the script.
    Operator,
    /// Keeps a share.
    Custodian,
    /// Looks, compares, attests; keeps nothing.
    Witness,
    /// Keeps tokens, drives or PINs.
    Holder,
}

/// A person that takes part.
#[derive(Clone, Debug)]
pub struct Person {
    /// Line of the plan.
    pub line: u32,
    /// The id that the plan has for the person.
    pub id: Text,
    /// Id of the organisation.
    pub organisation: Text,
    /// The reasons why the person is there.
    pub roles: Vec<Role>,
    /// The person that this one stands in for if that person is absent.
    pub alternate_for: Option<PersonId>,
}

/// The state that a token must have before the ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// As from the factory, with the vendor's published SO-PIN.
    New,
    /// Used before: it is wiped, by a typed word and two roles; its keeper types the SO-PIN it has.
    Used,
}

/// The keeper of a thing, and its bag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Custody {
    /// The keeper.
    pub keeper: PersonId,
    /// The bag, if it goes into one.
    pub bag: Option<BagId>,
}

/// A token.
#[derive(Clone, Debug)]
pub struct Token {
    /// Line of the plan.
    pub line: u32,
    /// The name of the token in the room: `MASTER`.
    pub name: Text,
    /// Serial, as in its certificate: `DENK0404144`.
    pub serial: Text,
    /// The state it must have before.
    pub before: Before,
    /// Label written on it.
    pub label: Label,
    /// The token itself.
    pub custody: Custody,
    /// The paper with its user PIN.
    pub pin: Custody,
    /// Wrong user PINs in a row that block it: [`Token::TRIES_MIN`] to [`Token::TRIES_MAX`].
    pub tries: u8,
    /// The paper with its SO-PIN.
    pub so_pin: Custody,
    /// The power of the SO-PIN over a blocked user PIN.
    pub so_pin_may: SoPinMay,
}

impl Token {
    /// Fewest tries of a user PIN: the number where the plan says nothing.
    pub const TRIES_MIN: u8 = 3;
    /// Most tries of a user PIN: the number that the token grants a PIN of eight characters or more.
    pub const TRIES_MAX: u8 = 10;
}

/// The power of an SO-PIN over a blocked user PIN, besides erasing the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoPinMay {
    /// Nothing: the token is initialised again, its keys come from a copy. A token in a bag has this power where the
    /// plan says nothing.
    Nothing,
    /// Give it new tries, and never another value. A person with both PINs has tries without end, so the user PIN has
    /// fourteen letters and digits. A token in no bag has this power where the plan says nothing: it goes into use.
    Unblock,
}

impl SoPinMay {
    /// The meaning of the power, for the person that decides about it.
    pub const fn means(self) -> &'static str {
        match self {
            Self::Nothing => "no SO-PIN unblocks it: a blocked token is initialised again, its keys come from a copy",
            Self::Unblock => {
                "its SO-PIN gives new tries and sets no PIN: who has both tries without end, so the PIN is long"
            }
        }
    }
}

/// The content that a drive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Holds {
    /// The transcript, the plan and its names. Exactly two drives do.
    Transcript,
    /// Nothing, until it takes the place of a lost log drive at a resume.
    SpareLog,
    /// The share file of this share.
    Share(ShareId),
    /// The key blobs under the DKEK.
    Blobs,
    /// The public bundle.
    Public,
}

/// A drive.
#[derive(Clone, Debug)]
pub struct Drive {
    /// Line of the plan.
    pub line: u32,
    /// The name of the drive in the room: `WELLINGTON`.
    pub name: Text,
    /// USB serial, without spaces around it.
    pub serial: Text,
    /// Units: bytes.
    pub size: u64,
    /// FAT32 volume id.
    pub volume: u32,
    /// The one thing it may hold.
    pub holds: Holds,
    /// The keeper of the drive, and its bag.
    pub custody: Custody,
}

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Line of the plan.
    pub line: u32,
    /// Label (CKA_LABEL), also the base of its file names.
    pub label: Label,
    /// CKA_ID.
    pub id: CkaId,
    /// Number on every token, by its place in the plan from 1.
    pub number: KeyId,
    /// Algorithm and size.
    pub spec: KeySpec,
    /// Where it is made.
    pub master: TokenId,
    /// Where it is restored.
    pub copies: Vec<TokenId>,
    /// The certificate made for it, checked before there is a key.
    pub certificate: CertificateProfile,
    /// When the certificate ends; a rehearsal's ends after seven days all the same.
    pub expires: Time,
    /// The purpose of the key, in the plan's words; it stands in its statements.
    pub purpose: Line,
}

impl Key {
    /// Every token that holds it at the end, the master first.
    pub fn tokens(&self) -> impl Iterator<Item = TokenId> {
        core::iter::once(self.master).chain(self.copies.iter().copied())
    }
}

/// A share of the DKEK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Line of the plan.
    pub line: u32,
    /// The owner of the share: the person that knows its passphrase. Another person keeps the drive.
    pub custodian: PersonId,
    /// The drive its file is on.
    pub drive: DriveId,
    /// The paper with its passphrase.
    pub passphrase: Custody,
}

/// A tamper-evident bag.
#[derive(Clone, Debug)]
pub struct Bag {
    /// Line of the plan.
    pub line: u32,
    /// Its printed number; typed twice when it is sealed.
    pub number: Text,
    /// Id of the place it goes to.
    pub place: Text,
    /// Whether that is a fire-proof safe.
    pub fireproof: bool,
    /// The person that takes it there.
    pub holder: PersonId,
    /// Tokens and drives in it, by their custody.
    pub devices: Vec<Device>,
}
