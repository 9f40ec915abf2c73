//! Names of issuers (CAR) and holders (CHR).

use core::fmt;

use thiserror::Error;

/// Name of a certificate's issuer (CAR) or of its holder (CHR): country, holder, and a sequence of five characters.
///
/// Shape: 8 to 16 ASCII characters from `!` to `~`. A space is refused because the USB serial number pads with them.
/// Nothing it can hold needs escaping on a screen.
/// Source: TR-03110-3 §A.6.1 (2 + at most 9 + 5 characters); OpenSC `card-sc-hsm.c` takes serial numbers off a CHR of
/// 8 or more.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    len: usize,
    bytes: [u8; Self::LEN_MAX],
}

/// Faults of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Too few or too many characters.
    #[error("name of {found} characters, expected {} to {}", Name::LEN_MIN, Name::LEN_MAX)]
    Length {
        /// How many there are.
        found: usize,
    },
    /// A byte that is no visible ASCII character.
    #[error("byte {found:02X} in a name, expected 21 to 7E (visible ASCII)")]
    Character {
        /// The first byte of this kind.
        found: u8,
    },
}

impl Name {
    /// Fewest characters.
    pub const LEN_MIN: usize = 8;
    /// Most characters.
    pub const LEN_MAX: usize = 16;
    /// Characters of the sequence number at the end.
    pub const SEQUENCE_LEN: usize = 5;

    /// The inner CAR OpenSC puts into every key-generation request: bound to nothing.
    pub const OPENSC_CAR: Self = Self { len: 9, bytes: *b"UTCA00001\0\0\0\0\0\0\0" };

    /// Reads a name as it stands in a certificate.
    pub fn parse(bytes: &[u8]) -> Result<Self, NameError> {
        let len = bytes.len();
        if !(Self::LEN_MIN..=Self::LEN_MAX).contains(&len) {
            return Err(NameError::Length { found: len });
        }
        if let Some(&found) = bytes.iter().find(|byte| !byte.is_ascii_graphic()) {
            return Err(NameError::Character { found });
        }
        let mut name = Self { len, bytes: [0; Self::LEN_MAX] };
        name.bytes.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        Ok(name)
    }

    /// The inner CAR that carries 80 bits of a transcript head, so that a request can be told from any earlier one.
    ///
    /// Shape: 16 characters, RFC 4648 base32 (A to Z, 2 to 7), first bits first, no padding.
    pub fn bound(head: &[u8; 10]) -> Self {
        let mut bits = head.iter().fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let mut bytes = [0; Self::LEN_MAX];
        for byte in bytes.iter_mut().rev() {
            *byte = match (bits & 31) as u8 {
                letter @ 0..=25 => b'A' + letter,
                digit => b'2' - 26 + digit,
            };
            bits >>= 5;
        }
        Self { len: Self::LEN_MAX, bytes }
    }

    /// The CHR OpenSC asks for in a key-generation request to the device of this name: its holder, sequence 00001.
    pub fn of_first_key(&self) -> Self {
        let mut name = *self;
        let sequence = name.bytes.iter_mut().take(self.len).rev().zip(b"00001".iter().rev());
        sequence.for_each(|(to, from)| *to = *from);
        name
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        // Both fallbacks are out of reach: `len` is at most 16 and the bytes are ASCII.
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Country and holder without the sequence number: of a device certificate's CHR, the token's serial number.
    pub fn holder(&self) -> &str {
        self.as_str().get(..self.len.saturating_sub(Self::SEQUENCE_LEN)).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_8_to_16_visible_ascii_characters() {
        #[track_caller]
        fn check(bytes: &[u8], want: Result<&str, NameError>) {
            assert_eq!(Name::parse(bytes).as_ref().map(Name::as_str).map_err(|e| *e), want);
        }
        check(b"1234567", Err(NameError::Length { found: 7 }));
        check(b"12345678", Ok("12345678"));
        check(b"DENK040414400000", Ok("DENK040414400000"));
        check(b"DENK0404144000000", Err(NameError::Length { found: 17 }));
        check(b"", Err(NameError::Length { found: 0 }));
        for found in [0, 0x0a, 0x1b, b' ', 0x7f, 0x9b, 0xff] {
            check(&[b'D', b'E', b'N', b'K', found, b'4', b'1', b'4'], Err(NameError::Character { found }));
        }
    }

    #[test]
    fn the_constant_of_opensc_reads_back() {
        assert_eq!(Name::parse(b"UTCA00001"), Ok(Name::OPENSC_CAR));
        assert_eq!(format!("{:?}", Name::OPENSC_CAR), "Name(UTCA00001)");
    }

    /// `printf ... | base32` of coreutils.
    #[test]
    fn a_bound_name_is_the_base32_of_its_80_bits() {
        #[track_caller]
        fn check(head: [u8; 10], want: &str) {
            let name = Name::bound(&head);
            assert_eq!(name.as_str(), want);
            assert_eq!(Name::parse(want.as_bytes()), Ok(name));
        }
        check([0; 10], "AAAAAAAAAAAAAAAA");
        check([0xff; 10], "7777777777777777");
        check([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99], "AAISEM2EKVTHPCEZ");
        check(*b"conclave!!", "MNXW4Y3MMF3GKIJB");
    }

    #[test]
    fn the_holder_is_the_name_without_its_sequence() {
        let device = Name::parse(b"DENK040414400000").unwrap();
        assert_eq!(device.holder(), "DENK0404144");
        assert_eq!(device.of_first_key().as_str(), "DENK040414400001");
        assert_eq!(Name::OPENSC_CAR.holder(), "UTCA");
    }
}
