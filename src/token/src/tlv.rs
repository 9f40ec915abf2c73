//! BER-TLV as ISO 7816-4 tokens use it: tags of one or two bytes, definite lengths of at most two length bytes.
//!
//! Reading tolerates a length written longer than needed, because signatures here cover the raw bytes; writing is
//! always shortest.

use thiserror::Error;

/// One element: its tag, its value, and its complete encoding (signatures cover the complete encoding).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Tag as it stands on the wire, `0x42` or `0x7f49`.
    pub tag: u16,
    /// The value, without tag and length.
    pub value: &'a [u8],
    /// Tag, length and value.
    pub raw: &'a [u8],
}

/// Faults of an encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TlvError {
    /// The bytes end inside an element.
    #[error("data ends inside an element: {needed} more bytes expected")]
    Truncated {
        /// Bytes missing at the point where the data ends.
        needed: usize,
    },
    /// A tag of three or more bytes.
    #[error("a tag is longer than two bytes, expected one or two")]
    TagTooLong,
    /// An indefinite length or more than two length bytes.
    #[error("length byte {found:02X}: expected 00 to 7F, 81 or 82")]
    LengthForm {
        /// The first length byte.
        found: u8,
    },
    /// Bytes follow the last element.
    #[error("{extra} bytes follow the element, expected none")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// Another element than the format demands.
    #[error("expected element {expected:X}, found {}", Found(*found))]
    Tag {
        /// Tag the format demands here.
        expected: u16,
        /// Tag that came, `None` at the end of the data.
        found: Option<u16>,
    },
}

struct Found(Option<u16>);

impl core::fmt::Display for Found {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Some(tag) => write!(f, "{tag:X}"),
            None => f.write_str("the end of the data"),
        }
    }
}

/// Walks the elements of a byte string in order.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes that have not been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// The next element, `None` at the end.
    pub fn next_element(&mut self) -> Result<Option<Tlv<'a>>, TlvError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (tlv, rest) = split(self.0)?;
        self.0 = rest;
        Ok(Some(tlv))
    }

    /// The tag of the next element, without reading it.
    pub fn peek(&self) -> Result<Option<u16>, TlvError> {
        if self.0.is_empty() { Ok(None) } else { Ok(Some(split(self.0)?.0.tag)) }
    }

    /// The next element, which must be `tag`.
    pub fn expect(&mut self, tag: u16) -> Result<Tlv<'a>, TlvError> {
        let mut ahead = self.clone();
        match ahead.next_element()? {
            Some(tlv) if tlv.tag == tag => {
                *self = ahead;
                Ok(tlv)
            }
            other => Err(TlvError::Tag { expected: tag, found: other.map(|tlv| tlv.tag) }),
        }
    }

    /// The next element if it is `tag`.
    pub fn accept(&mut self, tag: u16) -> Result<Option<Tlv<'a>>, TlvError> {
        if self.peek()? == Some(tag) { self.next_element() } else { Ok(None) }
    }

    /// Refuses anything that is left.
    pub fn finish(self) -> Result<(), TlvError> {
        if self.0.is_empty() { Ok(()) } else { Err(TlvError::Trailing { extra: self.0.len() }) }
    }
}

/// The first element of `bytes` and the bytes after it. Files on a token may be longer than their content.
pub fn split(bytes: &[u8]) -> Result<(Tlv<'_>, &[u8]), TlvError> {
    let byte = |at: usize| bytes.get(at).copied().ok_or(TlvError::Truncated { needed: 1 });
    let first = byte(0)?;
    let (tag, mut at) = if first & 0x1f == 0x1f {
        let second = byte(1)?;
        if second & 0x80 != 0 {
            return Err(TlvError::TagTooLong);
        }
        (u16::from_be_bytes([first, second]), 2)
    } else {
        (u16::from(first), 1)
    };
    let form = byte(at)?;
    at += 1;
    let len = match form {
        0x00..=0x7f => usize::from(form),
        0x81 | 0x82 => {
            let mut len = 0;
            for _ in 0..form & 0x7f {
                len = len << 8 | usize::from(byte(at)?);
                at += 1;
            }
            len
        }
        found => return Err(TlvError::LengthForm { found }),
    };
    let end = at + len;
    match (bytes.get(at..end), bytes.get(..end), bytes.get(end..)) {
        (Some(value), Some(raw), Some(rest)) => Ok((Tlv { tag, value, raw }, rest)),
        _ => Err(TlvError::Truncated { needed: end - bytes.len() }),
    }
}

/// The single element that fills `bytes` and is `tag`.
pub fn whole(bytes: &[u8], tag: u16) -> Result<Tlv<'_>, TlvError> {
    let mut reader = Reader::new(bytes);
    let tlv = reader.expect(tag)?;
    reader.finish()?;
    Ok(tlv)
}

/// Appends one element with the shortest length.
///
/// Errors: none; a value of more than 65,535 bytes cannot occur in a command (their limit is far below), and it is not
/// cut: the length then takes three bytes, which every reader here refuses.
pub fn push(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    let [high, low] = tag.to_be_bytes();
    if high != 0 {
        out.push(high);
    }
    out.push(low);
    let len = value.len();
    let bytes = len.to_be_bytes();
    let significant = bytes.iter().position(|byte| *byte != 0).map_or(&[][..], |at| bytes.get(at..).unwrap_or(&[]));
    if len >= 0x80 {
        out.push(0x80 | significant.len() as u8);
        out.extend_from_slice(significant);
    } else {
        out.push(len as u8);
    }
    out.extend_from_slice(value);
}

/// One element by itself.
pub fn element(tag: u16, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len() + 6);
    push(&mut out, tag, value);
    out
}

/// The significant bytes of an unsigned big-endian integer: from the first that is not zero.
pub fn significant(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    integer.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_elements_read_back() {
        for len in [0usize, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff] {
            for tag in [0x42u16, 0x7f49, 0x5f37] {
                let value = vec![0xab; len];
                let raw = element(tag, &value);
                assert_eq!(split(&raw), Ok((Tlv { tag, value: &value, raw: &raw }, &[][..])));
            }
        }
    }

    #[test]
    fn each_defect_has_its_own_error() {
        #[track_caller]
        fn check(bytes: &[u8], want: TlvError) {
            assert_eq!(split(bytes).unwrap_err(), want);
        }
        check(&[], TlvError::Truncated { needed: 1 });
        check(&[0x42], TlvError::Truncated { needed: 1 });
        check(&[0x42, 3, 1], TlvError::Truncated { needed: 2 });
        check(&[0x42, 0x82, 1], TlvError::Truncated { needed: 1 });
        check(&[0x7f, 0x81, 0x01, 0], TlvError::TagTooLong);
        check(&[0x30, 0x80, 0, 0], TlvError::LengthForm { found: 0x80 });
        check(&[0x30, 0x83, 0, 0, 0], TlvError::LengthForm { found: 0x83 });
        assert_eq!(whole(&[0x42, 0, 9], 0x42), Err(TlvError::Trailing { extra: 1 }));
        assert_eq!(whole(&[0x42, 0], 0x43), Err(TlvError::Tag { expected: 0x43, found: Some(0x42) }));
        assert_eq!(Reader::new(&[]).expect(0x43), Err(TlvError::Tag { expected: 0x43, found: None }));
    }
}
