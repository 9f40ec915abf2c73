//! Dates and times of day, in UTC, by the proleptic Gregorian calendar. No leap seconds, as everywhere in POSIX.

use core::fmt;

use thiserror::Error;

/// A moment of the wall clock.
///
/// Units: seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(pub i64);

/// How far local time is ahead of UTC.
///
/// Units: minutes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ahead(pub i16);

/// Why a typed moment is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CivilError {
    /// Not `YYYY-MM-DD hh:mm`.
    #[error("expected YYYY-MM-DD hh:mm, for example 2026-11-21 14:05")]
    Form,
    /// A month or day that is not in the calendar.
    #[error("there is no such day in the calendar")]
    NoSuchDay,
    /// Not a time of day.
    #[error("hours go from 00 to 23 and minutes from 00 to 59")]
    NoSuchTime,
    /// Not an offset.
    #[error("expected the offset from UTC as +hh:mm or -hh:mm, at most 14 hours")]
    Offset,
}

const DAY_S: i64 = 86_400;

/// Days since 1970-01-01.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a number of days since 1970-01-01.
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    let year = era * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, of_year - (153 * shifted + 2) / 5 + 1)
}

impl Wall {
    /// Reads `YYYY-MM-DD hh:mm` as a local time.
    pub fn typed(text: &str, ahead: Ahead) -> Result<Self, CivilError> {
        let bytes = text.trim().as_bytes();
        let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b' ', h1, h2, b':', n1, n2] = *bytes else {
            return Err(CivilError::Form);
        };
        let number = |digits: &[u8]| {
            digits.iter().try_fold(0_i64, |value, digit| {
                if digit.is_ascii_digit() { Ok(value * 10 + i64::from(digit - b'0')) } else { Err(CivilError::Form) }
            })
        };
        let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
        let (hour, minute) = (number(&[h1, h2])?, number(&[n1, n2])?);
        if !(1..=12).contains(&month) || date(days(year, month, day)) != (year, month, day) {
            return Err(CivilError::NoSuchDay);
        }
        if hour > 23 || minute > 59 {
            return Err(CivilError::NoSuchTime);
        }
        Ok(Self(days(year, month, day) * DAY_S + hour * 3600 + minute * 60 - i64::from(ahead.0) * 60))
    }

    /// Year, month, day, hour, minute and second on a clock that is `ahead` of UTC; month and day count from 1.
    pub fn parts(self, ahead: Ahead) -> [i64; 6] {
        let local = self.0 + i64::from(ahead.0) * 60;
        let (year, month, day) = date(local.div_euclid(DAY_S));
        let second = local.rem_euclid(DAY_S);
        [year, month, day, second / 3600, second / 60 % 60, second % 60]
    }

    /// The same moment on a clock that is `ahead` of UTC: `YYYY-MM-DD hh:mm:ss`, without saying which clock.
    pub fn shown(self, ahead: Ahead) -> String {
        let [year, month, day, hour, minute, second] = self.parts(ahead);
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

impl Ahead {
    /// Reads `+hh:mm` or `-hh:mm`.
    pub fn typed(text: &str) -> Result<Self, CivilError> {
        let [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] = *text.trim().as_bytes() else {
            return Err(CivilError::Offset);
        };
        if ![h1, h2, m1, m2].iter().all(u8::is_ascii_digit) {
            return Err(CivilError::Offset);
        }
        let digits = [h1, h2, m1, m2].map(|digit| i16::from(digit - b'0'));
        let [h1, h2, m1, m2] = digits;
        let minutes = (h1 * 10 + h2) * 60 + m1 * 10 + m2;
        if m1 > 5 || minutes > 14 * 60 {
            return Err(CivilError::Offset);
        }
        Ok(Self(if sign == b'-' { -minutes } else { minutes }))
    }
}

impl fmt::Display for Ahead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { '-' } else { '+' };
        let minutes = self.0.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_known_from_elsewhere_read_and_show_alike() {
        // `date -u -d '...' +%s`
        for (text, seconds) in [
            ("1970-01-01 00:00", 0),
            ("2000-02-29 12:34", 951_827_640),
            ("2026-11-21 21:05", 1_795_295_100),
            ("2038-01-19 03:14", 2_147_483_640),
            ("1969-12-31 23:59", -60),
            ("9999-12-31 23:59", 253_402_300_740),
        ] {
            assert_eq!(Wall::typed(text, Ahead(0)), Ok(Wall(seconds)), "{text}");
            assert_eq!(Wall(seconds).shown(Ahead(0)), format!("{text}:00"));
        }
    }

    #[test]
    fn local_time_is_ahead_by_its_offset() {
        assert_eq!(Wall::typed("2026-11-21 23:05", Ahead(120)), Ok(Wall(1_795_295_100)));
        assert_eq!(Wall(1_795_295_100).shown(Ahead(-330)), "2026-11-21 15:35:00");
    }

    #[test]
    fn each_mistake_has_its_own_words() {
        for (text, want) in [
            ("2026-11-21", CivilError::Form),
            ("21.11.2026 14:05", CivilError::Form),
            ("2026-1x-21 14:05", CivilError::Form),
            ("2026-13-01 14:05", CivilError::NoSuchDay),
            ("2026-00-01 14:05", CivilError::NoSuchDay),
            ("2026-02-29 14:05", CivilError::NoSuchDay),
            ("2026-11-21 24:00", CivilError::NoSuchTime),
            ("2026-11-21 14:60", CivilError::NoSuchTime),
        ] {
            assert_eq!(Wall::typed(text, Ahead(0)), Err(want), "{text}");
        }
    }

    #[test]
    fn offsets_read_and_show_alike() {
        for text in ["+00:00", "+02:00", "-03:30", "+14:00"] {
            assert_eq!(Ahead::typed(text).unwrap().to_string(), text);
        }
        for text in ["2", "+2:00", "+14:01", "+01:60", "02:00", "+0a:00"] {
            assert_eq!(Ahead::typed(text), Err(CivilError::Offset), "{text}");
        }
    }
}
