//! The things of a plan by their ids. An id that the plan does not have is answered here, once.

use std::collections::BTreeSet;

use super::{Bag, Drive, Holds, Key, Person, Plan, Share, Token};
use crate::ids::{BagId, DriveId, KeyIx, PersonId, ShareId, TokenId};

/// Ids of the places `0..len` of a list.
fn ids<I>(len: usize, id: impl Fn(u16) -> I) -> impl Iterator<Item = I> {
    (0..u16::try_from(len).unwrap_or(u16::MAX)).map(id)
}

/// The name of a thing, for people; the number of an id that the plan does not have, counted from one.
fn name(of: Option<impl ToString>, what: &str, number: u16) -> String {
    of.map_or_else(|| format!("{what} number {}", u32::from(number) + 1), |name| name.to_string())
}

impl Plan {
    /// A person.
    pub fn person(&self, id: PersonId) -> Option<&Person> {
        self.people.get(usize::from(id.0))
    }

    /// A token.
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.tokens.get(usize::from(id.0))
    }

    /// A drive.
    pub fn drive(&self, id: DriveId) -> Option<&Drive> {
        self.drives.get(usize::from(id.0))
    }

    /// A key.
    pub fn key(&self, id: KeyIx) -> Option<&Key> {
        self.keys.get(usize::from(id.0))
    }

    /// A share.
    pub fn share(&self, id: ShareId) -> Option<&Share> {
        self.shares.get(usize::from(id.0))
    }

    /// A bag.
    pub fn bag(&self, id: BagId) -> Option<&Bag> {
        self.bags.get(usize::from(id.0))
    }

    /// Id of a person.
    pub fn person_name(&self, id: PersonId) -> String {
        name(self.person(id).map(|person| &person.id), "person", id.0)
    }

    /// Name of a token.
    pub fn token_name(&self, id: TokenId) -> String {
        name(self.token(id).map(|token| &token.name), "token", id.0)
    }

    /// Name of a drive.
    pub fn drive_name(&self, id: DriveId) -> String {
        name(self.drive(id).map(|drive| &drive.name), "drive", id.0)
    }

    /// Label of a key.
    pub fn key_name(&self, id: KeyIx) -> String {
        name(self.key(id).map(|key| key.label.as_str()), "key", id.0)
    }

    /// Every person, alternates included.
    pub fn person_ids(&self) -> impl Iterator<Item = PersonId> + use<> {
        ids(self.people.len(), PersonId)
    }

    /// Every token.
    pub fn token_ids(&self) -> impl Iterator<Item = TokenId> + use<> {
        ids(self.tokens.len(), TokenId)
    }

    /// Every drive.
    pub fn drive_ids(&self) -> impl Iterator<Item = DriveId> + use<> {
        ids(self.drives.len(), DriveId)
    }

    /// Every key.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyIx> + use<> {
        ids(self.keys.len(), KeyIx)
    }

    /// Every share.
    pub fn share_ids(&self) -> impl Iterator<Item = ShareId> + use<> {
        ids(self.shares.len(), ShareId)
    }

    /// Every bag.
    pub fn bag_ids(&self) -> impl Iterator<Item = BagId> + use<> {
        ids(self.bags.len(), BagId)
    }

    /// The keys that a token holds at the end.
    pub fn keys_on(&self, token: TokenId) -> Vec<KeyIx> {
        let holds = |key: &KeyIx| self.key(*key).is_some_and(|key| key.tokens().any(|one| one == token));
        self.key_ids().filter(holds).collect()
    }

    /// The token that a key is made on.
    pub fn master(&self, key: KeyIx) -> Option<TokenId> {
        self.key(key).map(|key| key.master)
    }

    /// The masters of the keys that a token holds.
    pub fn masters_of(&self, token: TokenId) -> BTreeSet<TokenId> {
        self.keys_on(token).into_iter().filter_map(|key| self.master(key)).collect()
    }

    /// The drives that may hold this.
    pub fn drives_for(&self, holds: Holds) -> Vec<DriveId> {
        self.drive_ids().filter(|id| self.drive(*id).is_some_and(|drive| drive.holds == holds)).collect()
    }
}
