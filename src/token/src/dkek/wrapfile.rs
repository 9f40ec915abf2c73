//! Wrap file: a key blob with the description and certificate of its key, as `sc-hsm-tool --wrap-key` writes it and
//! `--unwrap-key` reads it.
//!
//! Shape: `30 { 04 blob, description, certificate }`, both optional, in DER. The description is the private key
//! description (contents of file C4xx), the certificate an X.509 certificate (30) or the key's request (67).
//! Source: OpenSC `sc-hsm-tool.c`.

use thiserror::Error;

use super::blob::{Blob, BlobError};
use crate::tlv::{self, Reader, TlvError};

/// Longest file read: the longest blob and certificates far longer than tokens hold.
pub const LEN_MAX: usize = 16_384;

const SEQUENCE: u16 = 0x30;
const OCTET_STRING: u16 = 0x04;
/// An authenticated request, which cannot be a private key description.
const REQUEST: u16 = 0x67;

/// A parsed wrap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrapFile<'a> {
    /// The wrapped key.
    pub blob: Blob<'a>,
    /// Private key description, a whole element; not looked into.
    pub description: Option<&'a [u8]>,
    /// Certificate or request, a whole element; not looked into.
    pub certificate: Option<&'a [u8]>,
}

/// Faults of a wrap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrapFileError {
    /// Longer than any key's file.
    #[error("wrap file of {found} bytes, expected at most {LEN_MAX}")]
    TooLong {
        /// Bytes there are.
        found: usize,
    },
    /// Not the elements expected.
    #[error("wrap file: {0}")]
    Tlv(#[from] TlvError),
    /// A length written longer than needed: the file would not be written back as it was read.
    #[error("wrap file is not in DER: a length is written longer than needed")]
    NotShortest,
    /// The key in it.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The third element is neither a certificate nor a request.
    #[error("wrap file: expected a certificate (30) or a request (67), found {found:X}")]
    Certificate {
        /// Its tag.
        found: u16,
    },
    /// An X.509 certificate without a description would be read as one: the format tells them apart by place only.
    #[error("a certificate without a private key description cannot be told from one in a wrap file")]
    CertificateAlone,
}

impl<'a> WrapFile<'a> {
    /// Reads a wrap file. The blob is not authenticated before [`Blob::check`].
    ///
    /// Errors: every [`WrapFileError`].
    pub fn parse(file: &'a [u8]) -> Result<Self, WrapFileError> {
        if file.len() > LEN_MAX {
            return Err(WrapFileError::TooLong { found: file.len() });
        }
        let mut elements = Reader::new(tlv::whole(file, SEQUENCE)?.value);
        let blob = Blob::parse(elements.expect(OCTET_STRING)?.value)?;
        // By place, as sc-hsm-tool does; but a request is never a description.
        let description = if elements.peek()? == Some(REQUEST) { None } else { elements.next_element()? };
        let certificate = elements.next_element()?;
        elements.finish()?;
        let parsed =
            Self { blob, description: description.map(|tlv| tlv.raw), certificate: certificate.map(|tlv| tlv.raw) };
        if parsed.to_file()? == file { Ok(parsed) } else { Err(WrapFileError::NotShortest) }
    }

    /// The bytes of the file.
    ///
    /// Errors: [`WrapFileError::Certificate`], [`WrapFileError::CertificateAlone`], [`WrapFileError::Tlv`].
    pub fn to_file(&self) -> Result<Vec<u8>, WrapFileError> {
        match self.certificate.map(tlv::split).transpose()? {
            Some((certificate, _)) if ![SEQUENCE, REQUEST].contains(&certificate.tag) => {
                return Err(WrapFileError::Certificate { found: certificate.tag });
            }
            Some((certificate, _)) if certificate.tag == SEQUENCE && self.description.is_none() => {
                return Err(WrapFileError::CertificateAlone);
            }
            _ => (),
        }
        let blob = tlv::element(OCTET_STRING, self.blob.bytes());
        let elements = [&blob, self.description.unwrap_or_default(), self.certificate.unwrap_or_default()];
        Ok(tlv::element(SEQUENCE, &elements.concat()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &[u8] = include_bytes!("../../../../tests/vectors/token/wrapfile/ec-p256-with-request.bin");

    #[test]
    fn files_of_sc_hsm_tool_are_read_and_written_back_byte_for_byte() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/token/wrapfile");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            let file = WrapFile::parse(&bytes).unwrap();
            assert!(file.description.is_some());
            let request = path.to_str().unwrap().contains("with-request");
            assert_eq!(file.certificate.unwrap()[0], if request { 0x67 } else { 0x30 });
            assert_eq!(file.to_file().unwrap(), bytes);
            files += 1;
        }
        assert_eq!(files, 4);
    }

    #[test]
    fn description_and_certificate_may_be_missing() {
        let whole = WrapFile::parse(EC).unwrap();
        for part in [
            WrapFile { certificate: None, ..whole },
            WrapFile { description: None, ..whole },
            WrapFile { description: None, certificate: None, ..whole },
        ] {
            let bytes = part.to_file().unwrap();
            assert_eq!(WrapFile::parse(&bytes), Ok(part));
        }
    }

    #[test]
    fn what_would_be_read_as_something_else_is_not_written() {
        let whole = WrapFile::parse(EC).unwrap();
        let alone = WrapFile { description: None, certificate: Some(&[0x30, 0]), ..whole };
        assert_eq!(alone.to_file(), Err(WrapFileError::CertificateAlone));
        let other = WrapFile { certificate: Some(&[0x31, 0]), ..whole };
        assert_eq!(other.to_file(), Err(WrapFileError::Certificate { found: 0x31 }));
    }
}
