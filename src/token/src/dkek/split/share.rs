//! A passphrase share as `sc-hsm-tool` prints it and people type it.

use core::fmt::{self, Write};

use zeroize::Zeroizing;

use super::{SplitError, prime};

/// One person's part of a passphrase.
///
/// Secret: shown to its owner once, written down by hand, wiped. Fewer than a quorum tell nothing.
pub struct PassphraseShare {
    pub(super) prime: u64,
    pub(super) id: u8,
    pub(super) value: Zeroizing<u64>,
}

impl PassphraseShare {
    /// A share as typed: prime, number, value.
    ///
    /// Errors: [`SplitError::NotPrime`], [`SplitError::Number`], [`SplitError::ValueTooLarge`].
    pub fn new(prime: u64, id: u8, value: Zeroizing<u64>) -> Result<Self, SplitError> {
        // Below 2^63 a prime may be smaller than the secret; `sc-hsm-tool` sets the top bits.
        if prime >> 63 == 0 || !prime::is_safe_prime(prime) {
            return Err(SplitError::NotPrime);
        }
        if id == 0 {
            return Err(SplitError::Number);
        }
        if *value >= prime {
            return Err(SplitError::ValueTooLarge { id });
        }
        Ok(Self { prime, id, value })
    }

    /// The number of the share, from 1.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// Reads the three lines `Prime`, `Share ID` and `Share value` as `sc-hsm-tool` prints them: bytes in hexadecimal,
    /// with colons or without, leading zeros left out or not; the number in decimal.
    ///
    /// Errors: [`SplitError::Line`], [`SplitError::MoreLines`], [`SplitError::Digits`], and those of
    /// [`PassphraseShare::new`].
    pub fn parse(text: &str) -> Result<Self, SplitError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let mut field = |label: &'static str| {
            let value = lines.next().and_then(|line| line.strip_prefix(label)?.trim_start().strip_prefix(':'));
            value.map(str::trim).ok_or(SplitError::Line { expected: label })
        };
        let (prime, id, value) = (field(PRIME)?, field(ID)?, field(VALUE)?);
        if lines.next().is_some() {
            return Err(SplitError::MoreLines);
        }
        let prime = bytes_in_hex(prime).ok_or(SplitError::Digits { field: PRIME })?;
        let decimal = id.bytes().all(|byte| byte.is_ascii_digit()).then_some(id);
        let id = decimal.and_then(|id| id.parse().ok()).ok_or(SplitError::Digits { field: ID })?;
        let value = bytes_in_hex(value).ok_or(SplitError::Digits { field: VALUE })?;
        Self::new(*prime, id, value)
    }

    /// The three lines, in the form `sc-hsm-tool` reads back; numbers always of eight bytes.
    pub fn to_text(&self) -> Zeroizing<String> {
        // Reserved at once, so that growing leaves no copy behind.
        let mut text = Zeroizing::new(String::with_capacity(TEXT_LEN_MAX));
        // Writing to a string does not fail.
        let _ = write!(
            *text,
            "{PRIME:LABEL_LEN$}: {}\n{ID:LABEL_LEN$}: {}\n{VALUE:LABEL_LEN$}: {}\n",
            Bytes(self.prime),
            self.id,
            Bytes(*self.value)
        );
        text
    }
}

impl fmt::Debug for PassphraseShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PassphraseShare({}, ..)", self.id)
    }
}

const PRIME: &str = "Prime";
const ID: &str = "Share ID";
const VALUE: &str = "Share value";
/// Labels are padded to this before their colon.
const LABEL_LEN: usize = 12;
/// More than the three lines need.
const TEXT_LEN_MAX: usize = 160;

/// A number as `sc-hsm-tool` prints it, but always whole: `00:aa:07:61:f0:fb:2d:87`.
struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.to_be_bytes().iter().enumerate() {
            write!(f, "{}{byte:02x}", if at == 0 { "" } else { ":" })?;
        }
        Ok(())
    }
}

/// One to eight bytes in hexadecimal, with or without colons between them.
fn bytes_in_hex(text: &str) -> Option<Zeroizing<u64>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(u64::from);
    let mut number = Zeroizing::new(0);
    let mut rest = text.as_bytes();
    for _ in 0..8 {
        let (&[high, low], after) = rest.split_first_chunk()?;
        *number = *number << 8 | digit(high)? << 4 | digit(low)?;
        if after.is_empty() {
            return Some(number);
        }
        rest = after.strip_prefix(b":").unwrap_or(after);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share_text(id: u8) -> String {
        format!("Prime: cbaa0761f0fb2d87\nShare ID: {id}\nShare value: 01\n")
    }

    #[test]
    fn each_defect_of_a_text_has_its_own_error() {
        #[track_caller]
        fn check(prime: &str, id: &str, value: &str, want: SplitError) {
            let text = format!("Prime: {prime}\nShare ID: {id}\nShare value: {value}");
            assert_eq!(PassphraseShare::parse(&text).map(drop), Err(want));
        }
        let prime = "cbaa0761f0fb2d87";
        check("cbaa0761f0fb2d88", "1", "01", SplitError::NotPrime);
        check("0b", "1", "01", SplitError::NotPrime);
        check("cbaa0761f0fb2d8", "1", "01", SplitError::Digits { field: PRIME });
        check("cb:aa:07:61:f0:fb:2d:", "1", "01", SplitError::Digits { field: PRIME });
        check("00cbaa0761f0fb2d87", "1", "01", SplitError::Digits { field: PRIME });
        check(prime, "0", "01", SplitError::Number);
        check(prime, "256", "01", SplitError::Digits { field: ID });
        check(prime, "A", "01", SplitError::Digits { field: ID });
        check(prime, "+1", "01", SplitError::Digits { field: ID });
        check(prime, "1", "", SplitError::Digits { field: VALUE });
        check(prime, "1", "0g", SplitError::Digits { field: VALUE });
        check(prime, "1", prime, SplitError::ValueTooLarge { id: 1 });
        let swapped = "Share ID: 1\nPrime: cbaa0761f0fb2d87\nShare value: 01";
        assert_eq!(PassphraseShare::parse(swapped).map(drop), Err(SplitError::Line { expected: PRIME }));
        let two = format!("{}{}", share_text(1), share_text(2));
        assert_eq!(PassphraseShare::parse(&two).map(drop), Err(SplitError::MoreLines));
        assert_eq!(PassphraseShare::parse("").map(drop), Err(SplitError::Line { expected: PRIME }));
    }

    #[test]
    fn debug_never_prints_a_value() {
        let share = PassphraseShare::new(0xcbaa_0761_f0fb_2d87, 4, Zeroizing::new(0x1234)).unwrap();
        assert_eq!(format!("{share:?}"), "PassphraseShare(4, ..)");
    }
}
