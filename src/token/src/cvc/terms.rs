//! The terms that turn a signed key into a certificate: a role and a period.

use core::fmt;

use super::{
    CvcError,
    field::{OID, RIGHTS, ROLE, ROLE_OID, VALID_FROM, VALID_UNTIL},
};
use crate::tlv::Reader;

/// The content of a certificate besides the key and its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// The role of the holder.
    pub role: Role,
    /// First day.
    pub from: Date,
    /// Last day.
    pub until: Date,
}

/// A role that the holder of a certificate may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Certifies issuers.
    Root,
    /// Certifies devices: the DICA, device issuer CA.
    Issuer,
    /// A token.
    Device,
}

/// A calendar day between 2000-01-01 and 2099-12-31.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u8,
    month: u8,
    day: u8,
}

impl Terms {
    pub(super) fn parse(reader: &mut Reader<'_>) -> Result<Self, CvcError> {
        let mut holder = Reader::new(reader.expect(ROLE)?.value);
        let system = holder.expect(OID)?.value;
        if system != ROLE_OID {
            return Err(CvcError::Role { found: system.to_vec() });
        }
        let rights = holder.expect(RIGHTS)?.value;
        holder.finish()?;
        let Some(role) = Role::ALL.into_iter().find(|role| [role.rights()] == rights) else {
            return Err(CvcError::Rights { found: rights.to_vec() });
        };
        let from = Date::parse("first day", reader.expect(VALID_FROM)?.value)?;
        let until = Date::parse("last day", reader.expect(VALID_UNTIL)?.value)?;
        if until < from {
            return Err(CvcError::Period { from, until });
        }
        Ok(Self { role, from, until })
    }
}

impl Role {
    const ALL: [Self; 3] = [Self::Root, Self::Issuer, Self::Device];

    pub(super) const fn rights(self) -> u8 {
        match self {
            Self::Root => 0xc0,
            Self::Issuer => 0x80,
            Self::Device => 0x00,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Root => "root",
            Self::Issuer => "issuer",
            Self::Device => "device",
        })
    }
}

impl Date {
    /// A day; `year` counts from 2000. `None` if the calendar does not have this day.
    pub fn new(year: u8, month: u8, day: u8) -> Option<Self> {
        let days = match month {
            2 if year.is_multiple_of(4) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (year < 100 && (1..=days).contains(&day)).then_some(Self { year, month, day })
    }

    fn parse(field: &'static str, bytes: &[u8]) -> Result<Self, CvcError> {
        match *bytes {
            [y1, y0, m1, m0, d1, d0] if bytes.iter().all(|digit| *digit < 10) => {
                Self::new(10 * y1 + y0, 10 * m1 + m0, 10 * d1 + d0)
            }
            _ => None,
        }
        .ok_or(CvcError::Date { field, found: bytes.to_vec() })
    }

    #[cfg(test)]
    pub(super) fn digits(self) -> [u8; 6] {
        let Self { year, month, day } = self;
        [year / 10, year % 10, month / 10, month % 10, day / 10, day % 10]
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "20{:02}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Date({self})")
    }
}
