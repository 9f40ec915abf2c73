//! Points in time as plans and certificates give them.
//!
//! Source: RFC 3339 §5.6 in one spelling; RFC 5280 §4.1.2.5, in which the last year is 9999.

use core::fmt;
use core::time::Duration;

use der::DateTime;
use thiserror::Error;

use crate::line::quoted;

const SECONDS_OF_DAY: u64 = 24 * 60 * 60;

/// A second in UTC, of the years 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(DateTime);

impl Time {
    /// Reads `2026-01-30T09:00:00Z`: no other spelling, no leap second.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        text.parse().map(Self).map_err(|_| TimeError { found: quoted(text.as_bytes()) })
    }

    /// Seconds after this one; `None` past the year 9999.
    pub(super) fn plus(self, seconds: u64) -> Option<Self> {
        let sum = self.0.unix_duration().checked_add(Duration::from_secs(seconds))?;
        DateTime::from_unix_duration(sum).ok().map(Self)
    }

    /// Units: seconds since 1970.
    pub fn unix(self) -> u64 {
        self.0.unix_duration().as_secs()
    }

    /// The time this many seconds after the beginning of 1970; `None` outside the years 1970 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        let since = Duration::from_secs(u64::try_from(seconds).ok()?);
        DateTime::from_unix_duration(since).ok().map(Self)
    }

    /// The first second of its day.
    pub(super) fn midnight(self) -> Self {
        let since = Duration::from_secs(self.unix() - self.unix() % SECONDS_OF_DAY);
        DateTime::from_unix_duration(since).map_or(self, Self)
    }

    pub(super) fn date_time(self) -> DateTime {
        self.0
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("time {found:?}: expected UTC as in 2026-01-30T09:00:00Z, years 1970 to 9999")]
pub struct TimeError {
    /// At most 60 characters of it.
    pub found: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_spelling() {
        for text in ["2026-01-30T09:00:00Z", "1970-01-01T00:00:00Z", "2028-02-29T23:59:59Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(Time::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_time_is_made_of_unix_seconds_within_its_years() {
        let shown = |seconds| Time::from_unix(seconds).map(|time| time.to_string());
        assert_eq!(shown(0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(shown(951_827_696).as_deref(), Some("2000-02-29T12:34:56Z"));
        assert_eq!(shown(253_402_300_799).as_deref(), Some("9999-12-31T23:59:59Z"));
        assert_eq!(shown(253_402_300_800), None);
        assert_eq!(shown(-1), None);
        assert_eq!(shown(i64::MAX), None);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2026-01-30",
            "2026-01-30 09:00:00Z",
            "2026-01-30T09:00:00",
            "2026-01-30T09:00:00+02:00",
            "2026-01-30T09:00:00.0Z",
            "2026-1-30T09:00:00Z",
            "2026-02-29T09:00:00Z",
            "2026-04-31T09:00:00Z",
            "2026-13-01T09:00:00Z",
            "2026-00-01T09:00:00Z",
            "2026-01-00T09:00:00Z",
            "2026-01-30T24:00:00Z",
            "2026-01-30T09:60:00Z",
            "2016-12-31T23:59:60Z",
            "1969-12-31T23:59:59Z",
            "10000-01-01T00:00:00Z",
            "+026-01-30T09:00:00Z",
            "２026-01-30T09:0:00Z",
        ] {
            assert_eq!(Time::parse(text), Err(TimeError { found: text.to_owned() }));
        }
    }

    #[test]
    fn no_time_lies_past_the_year_9999() {
        let last = Time::parse("9999-12-31T23:59:58Z").unwrap();
        assert_eq!(last.plus(1).unwrap().to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(last.plus(2), None);
        assert_eq!(last.plus(u64::MAX), None);
    }
}
