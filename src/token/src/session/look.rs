//! The questions that every token may be asked: looking changes nothing and spends nothing.

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
/// Most reads of one file: twice the number for a card that answers as many bytes as it is asked for.
const READ_ROUNDS_MAX: usize = 2 * FILE_LEN_MAX / 256;
/// Most key domains that are asked for. It is not published how many domains a token has.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apdu::{Apdu, Reply, StatusWord},
        channel::{ChannelError, Patience},
        error::Came,
        scripted::Scripted,
    };

    const FILE: FileId = FileId(0xce01);

    fn script(parts: &[(&str, &str)]) -> Scripted {
        parts.iter().fold(Scripted::default(), |script, (offset, reply)| {
            script.then(&format!("00B1CE01 04 5402 {offset} 00"), reply)
        })
    }

    #[test]
    fn a_file_is_read_until_a_read_comes_back_empty() {
        #[track_caller]
        fn check(parts: &[(&str, &str)], want: &[u8]) {
            assert_eq!(read(&mut script(parts), FILE).as_deref(), Ok(want));
        }
        check(&[("0000", "6282")], &[]);
        check(&[("0000", "9000")], &[]);
        check(&[("0000", "0102 6282"), ("0002", "6282")], &[1, 2]);
        check(&[("0000", "0102 9000"), ("0002", "6B00")], &[1, 2]);
        // Firmware before 3.4 says that the file ended where it did not.
        check(&[("0000", "01 6282"), ("0001", "02 6282"), ("0002", "03 9000"), ("0003", "6282")], &[1, 2, 3]);
    }

    #[test]
    fn an_offset_past_the_start_of_a_file_is_an_error() {
        let error = read(&mut script(&[("0000", "6B00")]), FILE).unwrap_err();
        assert_eq!(error.came, Came::Status(StatusWord(0x6b00)));
    }

    /// Answers every command with as many bytes, for ever.
    struct Endless(usize);

    impl Channel for Endless {
        fn exchange(&mut self, _: &Apdu, _: Patience) -> Result<Reply, ChannelError> {
            Ok(Reply::parse([vec![7; self.0], vec![0x90, 0]].concat().into())?)
        }

        fn restart(&mut self) -> Result<Vec<u8>, ChannelError> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_file_without_an_end_is_given_up() {
        #[track_caller]
        fn check(reply_len: usize, found: usize) {
            let came = Malformed::Length { min: 0, max: FILE_LEN_MAX, found }.into();
            assert_eq!(read(&mut Endless(reply_len), FILE).unwrap_err().came, came);
        }
        check(1, READ_ROUNDS_MAX);
        check(256, FILE_LEN_MAX + 256);
    }

    #[test]
    fn a_read_that_answers_more_than_it_was_asked_for_is_refused() {
        let came = Malformed::Length { min: 0, max: 256, found: 257 }.into();
        assert_eq!(read(&mut Endless(257), FILE).unwrap_err().came, came);
    }

    #[test]
    fn key_domains_are_listed_until_there_is_none() {
        let waits = "0202 0000000000000000 9000";
        let script =
            Scripted::default().then("8052000000", waits).then("8052000100", "6A88").then("8052000200", "6A86");
        let domains = script.proven().key_domains().unwrap();
        assert_eq!(
            domains.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["2 of 2 DKEK shares outstanding", "an empty key domain"]
        );
        let endless = (0..KEY_DOMAINS_MAX)
            .fold(Scripted::default(), |script, index| script.then(&format!("805200{index:02X}00"), waits));
        assert_eq!(endless.proven().key_domains().unwrap().len(), usize::from(KEY_DOMAINS_MAX));
    }

    #[test]
    fn random_bytes_are_1_to_1024_and_as_many_as_asked_for() {
        for found in [0, 1025] {
            let error = Scripted::default().proven().random(found).unwrap_err();
            assert_eq!(error.came, Came::Refused(Refusal::Length { min: 1, max: 1024, found: found.into() }));
        }
        let error = Scripted::default().then("0084000008", "00010203040506 9000").proven().random(8).unwrap_err();
        assert_eq!(error.came, Malformed::Length { min: 8, max: 8, found: 7 }.into());
    }

    #[test]
    fn firmware_that_cannot_say_how_much_memory_is_free_is_not_asked() {
        let old = Version { major: 2, minor: 3 };
        let mut session = Scripted::default().proven();
        session.says.info.version = old;
        assert_eq!(session.memory(), Ok(None));
        drop(session);
        let memory =
            Scripted::default().then("8050000000", "00013DCC 06 0401 9000").proven().memory().unwrap().unwrap();
        assert_eq!((memory.free_bytes, memory.version.to_string()), (81_356, "4.1".into()));
    }
}
