//! The primitive values of descriptions, and their faults.

use thiserror::Error;

use super::{CkaId, Label, Path};
use crate::{
    text::Hex,
    tlv::{self, Reader, TlvError},
};

pub(super) const BIT_STRING: u16 = 0x03;
pub(super) const BOOLEAN: u16 = 0x01;
pub(super) const INTEGER: u16 = 0x02;
pub(super) const OCTET_STRING: u16 = 0x04;
pub(super) const SEQUENCE: u16 = 0x30;
pub(super) const UTF8_STRING: u16 = 0x0c;
/// Attributes of a class of objects, `[0]`.
pub(super) const SUBCLASS: u16 = 0xa0;
/// Attributes of a type of objects, `[1]`.
pub(super) const TYPE: u16 = 0xa1;

/// Faults of a description, or of the values to be written into one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Pkcs15Error {
    /// Not the elements of a description.
    #[error(transparent)]
    Encoding(#[from] TlvError),
    /// A label OpenSC could not hold.
    #[error("label of {found} bytes, expected 1 to {}", Label::LEN_MAX)]
    LabelLength {
        /// Bytes there are.
        found: usize,
    },
    /// A character that screens would have to escape, in a label that is to be written.
    #[error("label with the character U+{:04X}, expected only characters that show as themselves", u32::from(*found))]
    LabelCharacter {
        /// The first character of this kind.
        found: char,
    },
    /// A CKA_ID of no or too many bytes.
    #[error("CKA_ID of {found} bytes, expected 1 to {}", CkaId::LEN_MAX)]
    IdLength {
        /// Bytes there are.
        found: usize,
    },
    /// A path longer than any there is.
    #[error("path of {found} bytes, expected at most {}", Path::LEN_MAX)]
    PathLength {
        /// Bytes there are.
        found: usize,
    },
    /// Negative, empty or too large a number.
    #[error("{field} is the INTEGER {}, expected 0 to {max}", Hex(found))]
    Integer {
        /// The field.
        field: &'static str,
        /// Largest value it has.
        max: u16,
        /// The INTEGER's bytes.
        found: Vec<u8>,
    },
    /// No BIT STRING: its first byte says how many of the last bits do not count.
    #[error("{field} is the BIT STRING {}, expected a first byte of 00 to 07", Hex(found))]
    Flags {
        /// The field.
        field: &'static str,
        /// The BIT STRING's bytes.
        found: Vec<u8>,
    },
}

/// A number that must be positive and at most `max`.
pub(super) fn integer(field: &'static str, max: u16, bytes: &[u8]) -> Result<u16, Pkcs15Error> {
    let number = match *bytes {
        [low @ 0..=0x7f] => Some(u16::from(low)),
        [0, low] => Some(u16::from(low)),
        [high @ 0..=0x7f, low] | [0, high, low] => Some(u16::from_be_bytes([high, low])),
        _ => None,
    };
    number.filter(|number| *number <= max).ok_or(Pkcs15Error::Integer { field, max, found: bytes.to_vec() })
}

/// The shortest INTEGER of a positive number.
pub(super) fn push_integer(out: &mut Vec<u8>, number: u16) {
    let [high, low] = number.to_be_bytes();
    match (high, low) {
        (0, 0..=0x7f) => tlv::push(out, INTEGER, &[low]),
        (0x80.., _) => tlv::push(out, INTEGER, &[0, high, low]),
        _ => tlv::push(out, INTEGER, &[high, low]),
    }
}

/// The first 16 flags, flag 0 in the highest bit. Bits the BIT STRING does not count are not flags: CardContact's
/// descriptions of AES keys set one.
pub(super) fn flags(field: &'static str, bytes: &[u8]) -> Result<u16, Pkcs15Error> {
    let Some((&unused @ 0..=7, bits)) = bytes.split_first() else {
        return Err(Pkcs15Error::Flags { field, found: bytes.to_vec() });
    };
    let counted = (8 * bits.len()).saturating_sub(usize::from(unused));
    let byte = |at: usize| bits.get(at).copied().unwrap_or(0);
    let mask = u16::MAX.checked_shr(counted as u32).map_or(u16::MAX, |uncounted| !uncounted);
    Ok(u16::from_be_bytes([byte(0), byte(1)]) & mask)
}

/// A BIT STRING that ends with its last flag.
pub(super) fn push_flags(out: &mut Vec<u8>, flags: u16) {
    let [high, low] = flags.to_be_bytes();
    let unused = (flags.trailing_zeros() % 8) as u8;
    match (high, low) {
        (0, 0) => tlv::push(out, BIT_STRING, &[0]),
        (_, 0) => tlv::push(out, BIT_STRING, &[unused, high]),
        _ => tlv::push(out, BIT_STRING, &[unused, high, low]),
    }
}

/// The beginning of every description: label and flags. The identifier of the authentication and the access rules are
/// left out: the card enforces its own.
pub(super) struct ObjectAttributes {
    pub(super) label: Option<Label>,
    /// PKCS#15 CommonObjectFlags; flag 0 is `private`.
    pub(super) flags: u16,
}

impl ObjectAttributes {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Pkcs15Error> {
        let mut attributes = Reader::new(reader.expect(SEQUENCE)?.value);
        let label = Label::of(attributes.accept(UTF8_STRING)?)?;
        let flags = match attributes.accept(BIT_STRING)? {
            Some(bits) => flags("object flags", bits.value)?,
            None => 0,
        };
        Ok(Self { label, flags })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_positive_and_bounded() {
        #[track_caller]
        fn check(bytes: &[u8], max: u16, want: Option<u16>) {
            let found = bytes.to_vec();
            assert_eq!(integer("x", max, bytes), want.ok_or(Pkcs15Error::Integer { field: "x", max, found }));
        }
        check(&[0], 255, Some(0));
        check(&[0x7f], 255, Some(0x7f));
        check(&[0x80], 255, None);
        check(&[0, 0x80], 255, Some(0x80));
        check(&[1, 0], 255, None);
        check(&[1, 0], 256, Some(256));
        check(&[0x80, 0], u16::MAX, None);
        check(&[0, 0x80, 0], u16::MAX, Some(0x8000));
        check(&[1, 0, 0], u16::MAX, None);
        check(&[0, 0, 0, 1], u16::MAX, None);
        check(&[], u16::MAX, None);
    }

    #[test]
    fn written_numbers_and_flags_read_back() {
        for number in (0..=u16::MAX).step_by(0x3f).chain([0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, u16::MAX]) {
            let mut out = Vec::new();
            push_integer(&mut out, number);
            assert_eq!(integer("x", u16::MAX, &out[2..]), Ok(number));
            let mut out = Vec::new();
            push_flags(&mut out, number);
            assert_eq!(flags("x", &out[2..]), Ok(number), "{out:02X?}");
        }
    }

    #[test]
    fn flags_count_only_the_bits_that_count() {
        #[track_caller]
        fn check(bytes: &[u8], want: Option<u16>) {
            assert_eq!(flags("x", bytes), want.ok_or(Pkcs15Error::Flags { field: "x", found: bytes.to_vec() }));
        }
        check(&[], None);
        check(&[8, 0xff], None);
        check(&[0], Some(0));
        check(&[7], Some(0));
        check(&[4, 0x7f], Some(0x7000));
        check(&[7, 0x30, 0x80], Some(0x3080));
        check(&[7, 0xc0, 0x10], Some(0xc000));
        check(&[0, 0xff, 0xff, 0xff], Some(0xffff));
    }
}
