//! The seal: 512 bytes of the ISO 9660 primary volume descriptor that standard tools leave to the application.

use conclave_publish::Digest;

use crate::masked::Masked;

/// Offset of the primary volume descriptor: sector 16 of 2048 bytes.
///
/// **Source**: ECMA-119 §8.4.
pub const DESCRIPTOR_AT: u64 = 16 * 2048;
/// Bytes of that descriptor.
pub const DESCRIPTOR_LEN: usize = 2048;
/// Offset of the application-use field in the image: byte 883 of the descriptor, counting from 0.
pub const FIELD_AT: u64 = DESCRIPTOR_AT + FIELD_IN_DESCRIPTOR as u64;
/// Bytes of the application-use field.
pub const FIELD_LEN: usize = 512;
/// Shortest length a seal may name: the descriptor itself has to be inside.
pub const LEN_MIN: u64 = DESCRIPTOR_AT + DESCRIPTOR_LEN as u64;
/// Longest length a seal may name, so that a lying one cannot keep the room waiting for ever.
pub const LEN_MAX: u64 = 256 << 20;

const FIELD_IN_DESCRIPTOR: usize = 883;
/// Descriptor type 1, standard identifier, version 1.
const DESCRIPTOR_START: &[u8; 7] = b"\x01CD001\x01";
const MAGIC: &str = "CONCLAVE-ISO-";
const VERSION: &str = "1";

/// An image's statement about itself.
///
/// **Shape**: ASCII `CONCLAVE-ISO-1 len=<decimal> sha256=<64 lower-case hex digits>`, padded with spaces to 512 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Exact length of the image in bytes: the volume size of the descriptor does not cover the appended partition.
    pub len: u64,
    /// SHA-256 of the image with these 512 bytes as spaces.
    pub masked: Digest,
}

/// Why a volume descriptor carries no seal we accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// No ISO 9660 descriptor at all.
    #[error("no ISO 9660 volume descriptor: not an optical image")]
    NotIso,
    /// An ISO image of another origin.
    #[error("an ISO image, but not a Conclave medium")]
    NotOurs,
    /// Ours, of a layout this version does not read.
    #[error("a Conclave medium of another layout version; this program reads version {VERSION}")]
    Version,
    /// Ours, but the statement is damaged.
    #[error("a Conclave medium whose seal is damaged: expected `{MAGIC}{VERSION} len=… sha256=…` and spaces")]
    Malformed,
    /// The length is outside the range of an image.
    #[error("a Conclave medium whose seal says {0} bytes; expected {LEN_MIN} to {LEN_MAX}")]
    Length(u64),
    /// The image is too short to carry a seal, or longer than [`LEN_MAX`]; only writing says this.
    #[error("an image of {0} bytes cannot be sealed; expected {LEN_MIN} to {LEN_MAX}")]
    Unsealable(u64),
}

impl Seal {
    /// Reads the seal out of a primary volume descriptor.
    pub fn of_descriptor(descriptor: &[u8; DESCRIPTOR_LEN]) -> Result<Self, SealError> {
        if !descriptor.starts_with(DESCRIPTOR_START) {
            return Err(SealError::NotIso);
        }
        let field = descriptor.get(FIELD_IN_DESCRIPTOR..FIELD_IN_DESCRIPTOR + FIELD_LEN).unwrap_or_default();
        if !field.starts_with(MAGIC.as_bytes()) {
            return Err(SealError::NotOurs);
        }
        let text = str::from_utf8(field).map_err(|_| SealError::Malformed)?.trim_end_matches(' ');
        let mut words = text.trim_start_matches(MAGIC).split(' ');
        if words.next() != Some(VERSION) {
            return Err(SealError::Version);
        }
        let (Some(len), Some(masked), None) = (words.next(), words.next(), words.next()) else {
            return Err(SealError::Malformed);
        };
        let len: u64 = len.strip_prefix("len=").and_then(|len| len.parse().ok()).ok_or(SealError::Malformed)?;
        let masked = masked.strip_prefix("sha256=").and_then(|hex| hex.parse().ok()).ok_or(SealError::Malformed)?;
        let seal = Self { len, masked };
        // One spelling only: a plus sign, a leading zero, upper-case digits or words would be a second seal of the same image.
        if seal.text() != text {
            return Err(SealError::Malformed);
        }
        if !(LEN_MIN..=LEN_MAX).contains(&len) {
            return Err(SealError::Length(len));
        }
        Ok(seal)
    }

    /// Computes the seal of a finished image and writes it into its descriptor: the builder's last step.
    ///
    /// **Errors**: [`SealError::NotIso`] or [`SealError::Unsealable`]; the image is then unchanged.
    pub fn write(image: &mut [u8]) -> Result<Self, SealError> {
        let len = image.len() as u64;
        if !(LEN_MIN..=LEN_MAX).contains(&len) {
            return Err(SealError::Unsealable(len));
        }
        let descriptor = image.get_mut(DESCRIPTOR_AT as usize..).unwrap_or_default();
        if !descriptor.starts_with(DESCRIPTOR_START) {
            return Err(SealError::NotIso);
        }
        let mut masked = Masked::default();
        masked.update(image);
        let seal = Self { len, masked: masked.finish() };
        let field = image.iter_mut().skip(FIELD_AT as usize).take(FIELD_LEN);
        let padded = seal.text().into_bytes().into_iter().chain(std::iter::repeat(b' '));
        field.zip(padded).for_each(|(byte, value)| *byte = value);
        Ok(seal)
    }

    fn text(&self) -> String {
        format!("{MAGIC}{VERSION} len={} sha256={}", self.len, self.masked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEAL: &str = "CONCLAVE-ISO-1 len=40000 \
                        sha256=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[track_caller]
    fn check(field: &str, expected: Result<u64, SealError>) {
        let mut descriptor = [0; DESCRIPTOR_LEN];
        descriptor[..7].copy_from_slice(DESCRIPTOR_START);
        descriptor[FIELD_IN_DESCRIPTOR..][..FIELD_LEN].fill(b' ');
        descriptor[FIELD_IN_DESCRIPTOR..][..field.len()].copy_from_slice(field.as_bytes());
        assert_eq!(Seal::of_descriptor(&descriptor).map(|seal| seal.len), expected, "{field}");
    }

    #[test]
    fn each_defect_of_a_seal_is_refused_by_its_own_name() {
        check(SEAL, Ok(40_000));
        check("", Err(SealError::NotOurs));
        check(&SEAL.replace("CONCLAVE-ISO-1", "SOMEBODY-ISO-1"), Err(SealError::NotOurs));
        check(&SEAL.replace("ISO-1", "ISO-2"), Err(SealError::Version));
        check(&SEAL.replace("len=40000 ", ""), Err(SealError::Malformed));
        check(&SEAL.replace("len=40000", "len=+40000"), Err(SealError::Malformed));
        check(&SEAL.replace("len=40000", "len=040000"), Err(SealError::Malformed));
        check(&SEAL.replace("len=40000", "len=99999999999999999999"), Err(SealError::Malformed));
        check(&SEAL.replace("len=40000", "len=34815"), Err(SealError::Length(34_815)));
        check(&SEAL.replace("len=40000", "len=34816"), Ok(34_816));
        check(&SEAL.replace("len=40000", "len=268435457"), Err(SealError::Length(268_435_457)));
        check(&SEAL[..SEAL.len() - 1], Err(SealError::Malformed));
        check(&SEAL.replace("aabb", "AABB"), Err(SealError::Malformed));
        check(&SEAL.replace("aabb", "gabb"), Err(SealError::Malformed));
        check(&format!("{SEAL} more"), Err(SealError::Malformed));
        check(&format!("{SEAL}\n"), Err(SealError::Malformed));
    }

    #[test]
    fn bytes_that_are_no_descriptor_are_refused() {
        assert_eq!(Seal::of_descriptor(&[0; DESCRIPTOR_LEN]), Err(SealError::NotIso));
    }

    #[test]
    fn only_an_iso_image_can_be_sealed() {
        assert_eq!(Seal::write(&mut [0; 34_815]), Err(SealError::Unsealable(34_815)));
        assert_eq!(Seal::write(&mut [0; 34_816]), Err(SealError::NotIso));
    }
}
