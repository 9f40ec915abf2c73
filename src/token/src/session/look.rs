//! What every token may be asked: looking changes nothing and spends nothing.

use super::Session;
use crate::{
    channel::Channel,
    command::{
        self, CHALLENGE_LEN_MAX, KeyDomain, Memory, PkaStatus, Version,
        challenge::Challenge,
        device::{FreeMemory, PkaQuery},
        dkek::KeyDomainQuery,
        file::{Enumerate, Read},
        pin::PinStatus,
    },
    error::{Malformed, Refusal, TokenError, Tried},
    object::{FileId, KeyId, PinKind, PinState},
    secret::SecretBytes,
};

/// Longest file that is read, in bytes. A chain of certificates has a few thousand.
pub const FILE_LEN_MAX: usize = 16_384;
/// Most reads of one file: twice what a card needs that answers as many bytes as it is asked for.
const READ_ROUNDS_MAX: usize = 2 * FILE_LEN_MAX / 256;
/// Key domains that are asked for, at most. How many a token has is not published.
pub const KEY_DOMAINS_MAX: u8 = 16;
/// First firmware that says how much memory is free.
const MEMORY_SINCE: Version = Version { major: 2, minor: 4 };

impl<C: Channel, T, A> Session<C, T, A> {
    /// Free memory; `None` before firmware 2.4, which cannot say.
    pub fn memory(&mut self) -> Result<Option<Memory>, TokenError> {
        if self.info().version < MEMORY_SINCE { Ok(None) } else { self.send(&FreeMemory).map(Some) }
    }

    /// Whether other tokens must authenticate before keys can be used; `None` where a PIN does.
    pub fn pka_status(&mut self) -> Result<Option<PkaStatus>, TokenError> {
        self.send(&PkaQuery)
    }

    /// State of a PIN, without spending a try.
    pub fn pin_state(&mut self, pin: PinKind) -> Result<PinState, TokenError> {
        self.send(&PinStatus(pin))
    }

    /// State of key domain 0: where the DKEK is, or would be.
    pub fn key_domain(&mut self) -> Result<KeyDomain, TokenError> {
        self.send(&KeyDomainQuery(0))
    }

    /// State of every key domain, by number; none if the token has none. At most [`KEY_DOMAINS_MAX`].
    pub fn key_domains(&mut self) -> Result<Vec<KeyDomain>, TokenError> {
        let mut domains = Vec::new();
        for index in 0..KEY_DOMAINS_MAX {
            match self.send(&KeyDomainQuery(index))? {
                KeyDomain::None => break,
                domain => domains.push(domain),
            }
        }
        Ok(domains)
    }

    /// Everything on the token, by number.
    pub fn files(&mut self) -> Result<Vec<FileId>, TokenError> {
        self.send(&Enumerate)
    }

    /// A whole file.
    ///
    /// Errors: [`Malformed::Length`] for one longer than [`FILE_LEN_MAX`] or without an end.
    pub fn read(&mut self, file: FileId) -> Result<Vec<u8>, TokenError> {
        read(&mut self.channel, file).map_err(|error| error.of(self.name()))
    }

    /// Random bytes from the card, 1 to [`CHALLENGE_LEN_MAX`].
    pub fn random(&mut self, len: u16) -> Result<SecretBytes, TokenError> {
        let (max, found) = (usize::from(CHALLENGE_LEN_MAX), usize::from(len));
        self.demand((1..=max).contains(&found), Tried::Challenge, Refusal::Length { min: 1, max, found })?;
        self.send(&Challenge(len))
    }

    /// Refuses the number of a key if the key or one of its files exists.
    pub(super) fn demand_free(&mut self, tried: Tried, id: KeyId) -> Result<(), TokenError> {
        let files = self.files()?;
        match id.files().into_iter().find(|file| files.contains(file)) {
            Some(by) => Err(self.error(tried, Refusal::KeyTaken { id, by })),
            None => Ok(()),
        }
    }
}

/// READ BINARY until a read comes back empty.
pub(super) fn read(channel: &mut impl Channel, file: FileId) -> Result<Vec<u8>, TokenError> {
    let mut bytes = Vec::new();
    for _ in 0..READ_ROUNDS_MAX {
        let Some(offset) = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= FILE_LEN_MAX) else { break };
        let part = command::send(channel, &Read { file, offset })?;
        if part.is_empty() {
            return Ok(bytes);
        }
        bytes.extend(part);
    }
    let no_end = Malformed::Length { min: 0, max: FILE_LEN_MAX, found: bytes.len() };
    Err(TokenError::new(Tried::Read(file), no_end))
}
