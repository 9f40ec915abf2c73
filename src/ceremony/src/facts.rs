//! The facts: the only state of a ceremony that grows, a fold over its entries.

use std::collections::{BTreeMap, BTreeSet};

use conclave_publish::Digest;

use crate::act::{Act, Slot};
use crate::event::Began;
use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::public::{Bytes, Octets, Text};
use crate::seen::{Object, Stored, TokenSeen};

/// Length and digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSeen {
    /// Units: bytes.
    pub len: u64,
    /// SHA-256.
    pub digest: Octets<32>,
}

/// The facts of a share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShareFacts {
    /// As sealed, in this boot or an earlier one.
    pub sealed: Option<FileSeen>,
    /// As written and read back.
    pub written: Option<FileSeen>,
}

/// The facts of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFacts {
    /// Heads under which its making was intended, the newest last: a key found on the master with one of them in its
    /// request is this key.
    pub intents: Vec<Digest>,
    /// SubjectPublicKeyInfo and attestation.
    pub made: Option<(Bytes, Bytes)>,
    /// Certificate, DER.
    pub certificate: Option<Bytes>,
    /// Its attestations and certificates. One of them stands beside the key on a token.
    pub beside: BTreeSet<Stored>,
    /// Its newest blob as wrapped.
    pub wrapped: Option<FileSeen>,
    /// Its blob as written and read back.
    pub blob: Option<FileSeen>,
    /// Statements: head and signature, by token.
    pub statements: BTreeMap<TokenId, (Digest, Bytes)>,
}

/// The facts of a ceremony.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Entry 0.
    pub began: Option<Began>,
    /// Which boot this is, from 1.
    pub boot: u16,
    /// The time on the clock when it was first compared with a watch. Units: seconds since 1970, UTC.
    pub clock: Option<i64>,
    /// The people that signed in, each with the place they have.
    pub present: BTreeMap<PersonId, PersonId>,
    /// The people that have to sign in again, after an interruption or because their code is dead.
    pub signed_out: BTreeSet<PersonId>,
    /// Wrong sign-in codes that are recorded, by the owner of the code that was asked for.
    pub mistyped: BTreeMap<PersonId, u16>,
    /// The devices that are plugged in, by the answers of people.
    pub plugged: BTreeSet<Device>,
    /// Secrets the Vault holds.
    pub vault: BTreeSet<Slot>,
    /// Drives that are logs.
    pub logs: BTreeSet<DriveId>,
    /// Log drives that a spare took the place of. None is taken again.
    pub lost: BTreeSet<DriveId>,
    /// The newest lost one and its spare, while two roles have not decided on them.
    pub undecided: Option<(DriveId, DriveId)>,
    /// The accounts of tokens of themselves.
    pub seen: BTreeMap<TokenId, TokenSeen>,
    /// Tokens that were erased and proved genuine, in any boot.
    pub genuine: BTreeSet<TokenId>,
    /// Tokens that proved in this boot that they hold their device key.
    pub proved: BTreeSet<TokenId>,
    /// Tokens that refuse chip authentication by every cipher: they prove themselves in other ways.
    pub no_chip: BTreeSet<TokenId>,
    /// Tokens that have PINs of their own, by which they must prove themselves if by anything.
    pub own_pins: BTreeSet<TokenId>,
    /// Tokens with a burnt user PIN: it was to be sent to them before they had proved themselves, and was not changed since.
    pub burnt: BTreeSet<TokenId>,
    /// Keys that were made or restored on a token that was not erased since.
    pub there: BTreeSet<(TokenId, KeyIx)>,
    /// Tokens that may hold the throw-away key of a proof beside their keys: that proof was intended and has no good outcome.
    pub stray: BTreeSet<TokenId>,
    /// Tokens with the last try of the user PIN left when it was to be used.
    pub last_try: BTreeSet<TokenId>,
    /// Tokens initialised for good.
    pub initialised: BTreeSet<TokenId>,
    /// Tokens with an intended import that has no outcome.
    pub importing: BTreeSet<TokenId>,
    /// Tokens with all shares in them.
    pub imported: BTreeSet<TokenId>,
    /// Which attempt at making the shares this is, from 1; 0 before the first.
    pub share_set: u16,
    /// Check value of the DKEK, from the making of its shares.
    pub kcv: Option<Octets<8>>,
    /// Shares, by their place.
    pub shares: BTreeMap<ShareId, ShareFacts>,
    /// Attempts at wrapping a key, from 1.
    pub wraps: BTreeMap<KeyIx, u16>,
    /// Keys.
    pub keys: BTreeMap<KeyIx, KeyFacts>,
    /// Newest object lists.
    pub objects: BTreeMap<TokenId, Vec<Object>>,
    /// The public bundle as written.
    pub bundle: Option<FileSeen>,
    /// Bags, by the number that was typed.
    pub bags: BTreeMap<BagId, Text>,
    /// Objections, in order.
    pub objections: Vec<(PersonId, Text)>,
    /// The people that attested (`None`) or refused, with words.
    pub attested: BTreeMap<PersonId, Option<Text>>,
}

impl Facts {
    /// The person that acts for this person: the alternate that came instead, or the person.
    pub fn stand_in(&self, person: PersonId) -> PersonId {
        self.present.iter().find(|(_, whose)| **whose == person).map_or(person, |(who, _)| *who)
    }

    /// Whether this person signed in, since the last interruption if there was one.
    pub fn is_there(&self, person: PersonId) -> bool {
        self.present.contains_key(&person) && !self.signed_out.contains(&person)
    }

    /// Takes an act that the entry with this head intended: from now on it may have been done.
    pub(crate) fn intended(&mut self, act: &Act, head: Digest) {
        match *act {
            Act::Generate(_, key) => self.keys.entry(key).or_default().intents.push(head),
            Act::Import(token) => drop(self.importing.insert(token)),
            Act::ProveBeside(token) => {
                self.burnt.insert(token);
                self.stray.insert(token);
            }
            Act::ProveAgain(token) => drop(self.stray.insert(token)),
            Act::Prove(token) | Act::TrySet(token) | Act::Initialise(token) => self.erased(token),
            Act::Identify(_)
            | Act::Write(..)
            | Act::Read(..)
            | Act::Inspect(_)
            | Act::Authenticate(_)
            | Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::MakeShares
            | Act::Seal(_)
            | Act::Open(_)
            | Act::Combine(_)
            | Act::Wipe(_)
            | Act::TryPin(_)
            | Act::Sign(..)
            | Act::Describe(..)
            | Act::Wrap(..)
            | Act::Unwrap(..)
            | Act::Label(_)
            | Act::List(_)
            | Act::Show
            | Act::PowerOff => {}
        }
    }

    /// Forgets the keys of a token that is erased, whether the end of that is seen or not.
    pub fn erased(&mut self, token: TokenId) {
        self.there.retain(|(on, _)| *on != token);
    }

    /// A share's facts.
    pub fn share(&self, share: ShareId) -> ShareFacts {
        self.shares.get(&share).copied().unwrap_or_default()
    }

    /// The item a share's file is, in this set.
    pub fn share_item(&self, share: ShareId) -> crate::act::Item {
        crate::act::Item::Share(share, self.share_set)
    }

    /// The item a key's newest blob is.
    pub fn blob_item(&self, key: KeyIx) -> crate::act::Item {
        crate::act::Item::Blob(key, self.wraps.get(&key).copied().unwrap_or(0))
    }
}
