//! DKEK: IMPORT DKEK SHARE and the state of a key domain.

use core::fmt;

use super::{Command, done};
use crate::{
    apdu::{Apdu, Reply, ReplyLen, StatusWord},
    dkek::{Kcv, Share},
    error::{Came, Malformed, Tried},
};

/// Where the import of shares stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DkekStatus {
    /// Shares the token was initialised for.
    pub total: u8,
    /// Shares not imported yet.
    pub outstanding: u8,
    /// Check value of the complete DKEK. `None` while shares are outstanding, when some firmware states that of the part it
    /// has, and where zeros are stated.
    pub kcv: Option<Kcv>,
}

impl fmt::Display for DkekStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, outstanding, kcv } = self;
        match kcv {
            Some(kcv) => write!(f, "{total} DKEK shares imported, KCV {kcv}"),
            None if *outstanding == 0 => write!(f, "{total} DKEK shares imported, KCV missing"),
            None => write!(f, "{outstanding} of {total} DKEK shares outstanding"),
        }
    }
}

/// The state of one key domain of a token. Tokens initialised for DKEK shares have one, number 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyDomain {
    /// The token has no key that could wrap: its keys stay.
    None,
    /// The domain exists and holds no key yet.
    Empty,
    /// It holds, or waits for, a DKEK.
    Dkek(DkekStatus),
    /// It holds a key agreed with other tokens (XKEK), which this driver shows and does not use.
    Agreed {
        /// As for a DKEK.
        status: DkekStatus,
        /// Names the group: 32 or 64 bytes.
        uid: Vec<u8>,
    },
}

impl fmt::Display for KeyDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no DKEK: its keys can never be exported"),
            Self::Empty => f.write_str("an empty key domain"),
            Self::Dkek(status) => status.fmt(f),
            Self::Agreed { status, uid } => {
                write!(f, "agreed with other tokens (XKEK), {status}, group ")?;
                uid.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}

/// Bytes of a status without the name of a group.
const STATUS_LEN: usize = 10;

/// A status, and the name of the group behind it where there is one.
fn status(body: &[u8]) -> Result<(DkekStatus, &[u8]), Came> {
    let Some((&[total, outstanding, ref kcv @ ..], uid)) = body.split_first_chunk::<STATUS_LEN>() else {
        return Err(Malformed::Length { min: STATUS_LEN, max: STATUS_LEN + 64, found: body.len() }.into());
    };
    if outstanding > total {
        let (what, expected) = ("number of outstanding shares", "no more than the total");
        return Err(Malformed::Value { what, expected, found: u32::from(outstanding) }.into());
    }
    let kcv = if outstanding == 0 { Kcv::stated(*kcv).ok() } else { None };
    Ok((DkekStatus { total, outstanding, kcv }, uid))
}

/// IMPORT DKEK SHARE: `80 52 00 00`, body one share of 32 bytes. Reply: total, outstanding, KCV. Needs no PIN.
pub(crate) struct ImportShare<'a>(pub(crate) &'a Share);

impl Command for ImportShare<'_> {
    type Reply = DkekStatus;

    fn tried(&self) -> Tried {
        Tried::ImportShare
    }

    fn apdu(&self) -> Apdu {
        // Copied once, into an APDU buffer that wipes itself.
        Apdu::new([0x80, 0x52, 0x00, 0x00]).body(self.0.expose()).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<DkekStatus, Came> {
        let body = done(reply)?;
        match status(body)? {
            (status, []) => Ok(status),
            _ => Err(Malformed::Length { min: STATUS_LEN, max: STATUS_LEN, found: body.len() }.into()),
        }
    }
}

/// State of a key domain: `80 52 00 index`. Reply: total, outstanding, KCV and, for an agreed key, the group's name.
pub(crate) struct KeyDomainQuery(pub(crate) u8);

impl Command for KeyDomainQuery {
    type Reply = KeyDomain;

    fn tried(&self) -> Tried {
        Tried::KeyDomain(self.0)
    }

    fn apdu(&self) -> Apdu {
        Apdu::new([0x80, 0x52, 0x00, self.0]).reply(ReplyLen::SHORT)
    }

    fn parse(&self, reply: &Reply) -> Result<KeyDomain, Came> {
        match reply.sw {
            StatusWord(0x6d00 | 0x6a86) => return Ok(KeyDomain::None),
            StatusWord(0x6a88) => return Ok(KeyDomain::Empty),
            _ => {}
        }
        let body = done(reply)?;
        match status(body)? {
            // Of no share, and without a key: a DKEK that the token made itself would have a check value.
            (DkekStatus { total: 0, kcv: None, .. }, []) => Ok(KeyDomain::None),
            (status, []) => Ok(KeyDomain::Dkek(status)),
            (status, uid) if matches!(uid.len(), 32 | 64) => Ok(KeyDomain::Agreed { status, uid: uid.to_vec() }),
            _ => Err(Malformed::Length { min: STATUS_LEN, max: STATUS_LEN + 64, found: body.len() }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::{scripted::unhex, secret::Secret};

    const KCV: [u8; 8] = [0xb4, 0x45, 0xa6, 0x93, 0xb8, 0x1e, 0x22, 0x02];

    fn reply(hex: &str) -> Reply {
        Reply::parse(Zeroizing::new(unhex(hex))).unwrap()
    }

    #[test]
    fn a_domain_is_shown_in_words() {
        #[track_caller]
        fn check(hex: &str, want: &str) {
            assert_eq!(KeyDomainQuery(0).parse(&reply(hex)).unwrap().to_string(), want);
        }
        check("6D00", "no DKEK: its keys can never be exported");
        check("6A86", "no DKEK: its keys can never be exported");
        check("0000 0000000000000000 9000", "no DKEK: its keys can never be exported");
        // Made on the token of no share: it wraps for this token alone.
        check("0000 B445A693B81E2202 9000", "0 DKEK shares imported, KCV b445 a693 b81e 2202");
        check("6A88", "an empty key domain");
        check("0201 0000000000000000 9000", "1 of 2 DKEK shares outstanding");
        // pico-hsm states the KCV of the part it has.
        check("0201 B445A693B81E2202 9000", "1 of 2 DKEK shares outstanding");
        check("0200 B445A693B81E2202 9000", "2 DKEK shares imported, KCV b445 a693 b81e 2202");
        check("0200 0000000000000000 9000", "2 DKEK shares imported, KCV missing");
        let uid = "ab".repeat(32);
        check(
            &format!("0100 B445A693B81E2202 {uid} 9000"),
            &format!("agreed with other tokens (XKEK), 1 DKEK shares imported, KCV b445 a693 b81e 2202, group {uid}"),
        );
    }

    #[test]
    fn a_status_of_any_other_length_is_refused() {
        let share = Share::new(Secret::filled(|_| ()));
        for found in [0, 9, 11, 41, 43, 73, 75] {
            let answer = reply(&format!("{} 9000", "01".repeat(found)));
            let length = Err(Malformed::Length { min: 10, max: 74, found }.into());
            assert_eq!(KeyDomainQuery(0).parse(&answer), length, "{found}");
            assert!(ImportShare(&share).parse(&answer).is_err(), "{found}");
        }
        let agreed = reply(&format!("{} 9000", "01".repeat(42)));
        assert_eq!(ImportShare(&share).parse(&agreed), Err(Malformed::Length { min: 10, max: 10, found: 42 }.into()));
        let complete = reply("0200 B445A693B81E2202 9000");
        let kcv = Kcv::stated(KCV).ok();
        assert_eq!(ImportShare(&share).parse(&complete), Ok(DkekStatus { total: 2, outstanding: 0, kcv }));
    }

    #[test]
    fn more_shares_outstanding_than_there_are_is_refused() {
        let (what, expected) = ("number of outstanding shares", "no more than the total");
        assert_eq!(
            KeyDomainQuery(0).parse(&reply("0203 0000000000000000 9000")),
            Err(Malformed::Value { what, expected, found: 3 }.into())
        );
    }
}
