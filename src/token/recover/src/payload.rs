//! The decrypted part of a blob: fields with a 16-bit length each, then 80 and zeros up to a whole block.

use smartcard_hsm::dkek::blob::{BLOCK_LEN, RANDOM_LEN};
use smartcard_hsm::tlv::significant;
use zeroize::Zeroizing;

use crate::{MakeError, OpenError};

/// The payload without its padding, which must be the shortest possible.
///
/// Source: ISO/IEC 9797-1, padding method 2.
pub(crate) fn unpad(padded: &[u8]) -> Result<&[u8], OpenError> {
    let zeros = padded.iter().rev().take_while(|byte| **byte == 0).count();
    let (rest, _) = padded.split_at_checked(padded.len() - zeros).ok_or(OpenError::Padding)?;
    match rest.split_last() {
        Some((0x80, payload)) if zeros < BLOCK_LEN => Ok(payload),
        _ => Err(OpenError::Padding),
    }
}

/// The payload with its padding. It gets a new buffer of the full size, so that growing leaves no copy behind.
pub(crate) fn pad(payload: Zeroizing<Vec<u8>>) -> Zeroizing<Vec<u8>> {
    let len = (payload.len() + 1).next_multiple_of(BLOCK_LEN);
    let mut padded = Zeroizing::new(Vec::with_capacity(len));
    padded.extend_from_slice(&payload);
    padded.push(0x80);
    padded.resize(len, 0);
    padded
}

/// Reads fields in order.
pub(crate) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self(payload)
    }

    /// `N` bytes without a length.
    pub(crate) fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<&'a [u8; N], OpenError> {
        let (fixed, rest) = self.0.split_first_chunk().ok_or(OpenError::Short { field })?;
        self.0 = rest;
        Ok(fixed)
    }

    /// A field with its length, of any length.
    fn any(&mut self, field: &'static str) -> Result<&'a [u8], OpenError> {
        let len = u16::from_be_bytes(*self.fixed(field)?);
        let (value, rest) = self.0.split_at_checked(len.into()).ok_or(OpenError::Short { field })?;
        self.0 = rest;
        Ok(value)
    }

    /// Whether the next field has no bytes.
    pub(crate) fn next_is_empty(&self) -> bool {
        self.0.starts_with(&[0, 0])
    }

    /// A field of exactly `len` bytes.
    pub(crate) fn exact(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], OpenError> {
        let value = self.any(field)?;
        if value.len() == len { Ok(value) } else { Err(OpenError::Field { field, expected: len, found: value.len() }) }
    }

    /// An integer of at most `len` bytes, padded to them: writers may leave out leading zeros.
    pub(crate) fn integer(&mut self, field: &'static str, len: usize) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let value = self.any(field)?;
        padded(value, len).ok_or(OpenError::Field { field, expected: len, found: value.len() })
    }

    /// The bytes that no field has taken yet.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Refuses bytes after the last field.
    pub(crate) fn finish(self) -> Result<(), OpenError> {
        if self.0.is_empty() { Ok(()) } else { Err(OpenError::Trailing { extra: self.0.len() }) }
    }
}

/// `value` with zeros before it, `len` bytes in all. `None` if its significant bytes are more.
fn padded(value: &[u8], len: usize) -> Option<Zeroizing<Vec<u8>>> {
    let value = significant(value);
    let zeros = len.checked_sub(value.len())?;
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    out.resize(zeros, 0);
    out.extend_from_slice(value);
    Some(out)
}

/// Writes fields in order.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

/// No payload is longer: RSA-4096 with CRT values has 1819 bytes. Reserved at once, so that growing leaves no copy.
const PAYLOAD_LEN_MAX: usize = 4096;

impl Writer {
    pub(crate) fn new(random: [u8; RANDOM_LEN], size: u16) -> Self {
        let mut out = Zeroizing::new(Vec::with_capacity(PAYLOAD_LEN_MAX));
        out.extend_from_slice(&random);
        out.extend_from_slice(&size.to_be_bytes());
        Self(out)
    }

    /// Bytes without a length.
    pub(crate) fn raw(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    /// A field of exactly `len` bytes.
    pub(crate) fn exact(self, field: &'static str, value: &[u8], len: usize) -> Result<Self, MakeError> {
        if value.len() != len {
            return Err(MakeError::Field { field, expected: len, found: value.len() });
        }
        Ok(self.raw(&(len as u16).to_be_bytes()).raw(value))
    }

    /// An integer padded to `len` bytes, with its length.
    pub(crate) fn integer(self, field: &'static str, value: &[u8], len: usize) -> Result<Self, MakeError> {
        let value = padded(value, len).ok_or(MakeError::Field { field, expected: len, found: value.len() })?;
        self.exact(field, &value, len)
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_80_and_at_most_15_zeros() {
        #[track_caller]
        fn check(padded: &[u8], want: Result<&[u8], OpenError>) {
            assert_eq!(unpad(padded), want);
        }
        check(&[1, 0x80], Ok(&[1]));
        check(&[1, 0x80, 0, 0], Ok(&[1]));
        check(&[&[1, 0x80][..], &[0; 15]].concat(), Ok(&[1]));
        check(&[&[1, 0x80][..], &[0; 16]].concat(), Err(OpenError::Padding));
        check(&[1, 0x81], Err(OpenError::Padding));
        check(&[0, 0], Err(OpenError::Padding));
        check(&[], Err(OpenError::Padding));
    }

    #[test]
    fn a_padded_payload_fills_whole_blocks() {
        for (len, want) in [(0, 16), (15, 16), (16, 32), (314, 320)] {
            let padded = pad(Zeroizing::new(vec![7; len]));
            assert_eq!(padded.len(), want);
            assert_eq!(unpad(&padded), Ok(&vec![7; len][..]));
        }
    }
}
