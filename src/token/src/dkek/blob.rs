//! Key blob: a key wrapped under the DKEK, as WRAP answers and UNWRAP takes it. Read without the key, checked with it,
//! never opened here.
//!
//! Shape: KCV (8), type (1), four lists with a 16-bit length each (default algorithm OID, allowed algorithms, access
//! conditions, key OID), ciphertext in 16-byte blocks, AES-256-CMAC (16) over everything before it.
//! Source: CardContact `scsh-scripts` DKEK.js; blobs a Nitrokey HSM 2 (firmware 4.1) and pico-hsm v4.2 accepted.

use aes::Aes256;
use cmac::{Cmac, KeyInit, Mac};
use thiserror::Error;

use super::{Dkek, Kcv, KcvError, Purpose};

/// Longest blob read. RSA-4096 with CRT values, the longest there is, has 1867 bytes.
pub const LEN_MAX: usize = 4096;
/// Bytes of a cipher block.
pub const BLOCK_LEN: usize = 16;
/// Bytes of the MAC at the end.
pub const MAC_LEN: usize = 16;
/// Random bytes at the head of the payload.
pub const RANDOM_LEN: usize = 8;

/// A parsed blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob<'a> {
    /// Which DKEK it is wrapped under.
    pub kcv: Kcv,
    /// The kind of the wrapped key.
    pub kind: Kind,
    /// Default algorithm: the value of an OID. AES blobs of firmware 3.0 to 3.2 carry other bytes here.
    pub algorithm: &'a [u8],
    /// Algorithms the key may be used with, one byte each; empty for no restriction.
    pub allowed: &'a [u8],
    /// Access conditions; empty as far as known.
    pub access: &'a [u8],
    /// Key OID; empty as far as known.
    pub key_oid: &'a [u8],
    /// The encrypted payload.
    pub ciphertext: &'a [u8],
    bytes: &'a [u8],
}

/// Type of the wrapped key and layout of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// RSA as private exponent, modulus, public exponent.
    Rsa = 0x05,
    /// RSA with CRT values.
    RsaCrt = 0x06,
    /// Elliptic curve with its domain parameters.
    Ec = 0x0c,
    /// AES.
    Aes = 0x0f,
}

/// Value of OID 0.4.0.127.0.7.2.2.2.1.2, id-TA-RSA-v1-5-SHA-256 (BSI TR-03110).
const OID_RSA: &[u8] = &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x01, 0x02];
/// Value of OID 0.4.0.127.0.7.2.2.2.2.3, id-TA-ECDSA-SHA-256 (BSI TR-03110).
const OID_EC: &[u8] = &[0x04, 0x00, 0x7f, 0x00, 0x07, 0x02, 0x02, 0x02, 0x02, 0x03];
/// Value of OID 2.16.840.1.101.3.4.1, the NIST arc of AES.
const OID_AES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01];

impl Kind {
    /// Every kind, in the order of the type byte.
    pub const ALL: [Self; 4] = [Self::Rsa, Self::RsaCrt, Self::Ec, Self::Aes];

    /// The default algorithm a correct blob of this kind names.
    pub const fn algorithm(self) -> &'static [u8] {
        match self {
            Self::Rsa | Self::RsaCrt => OID_RSA,
            Self::Ec => OID_EC,
            Self::Aes => OID_AES,
        }
    }

    /// The algorithm list a blob of this kind carries: all four AES mechanisms, none for the others.
    pub const fn allowed(self) -> &'static [u8] {
        match self {
            Self::Aes => &[0x10, 0x11, 0x18, 0x99],
            _ => &[],
        }
    }

    /// Key sizes in bits tokens wrap.
    const fn sizes(self) -> &'static [u16] {
        match self {
            Self::Rsa | Self::RsaCrt => &[1024, 1280, 1536, 2048, 3072, 4096],
            Self::Ec => &[192, 224, 256, 320, 384, 512, 521],
            Self::Aes => &[128, 192, 256],
        }
    }

    /// Bytes of a payload with full-width fields and, for RSA, the public exponent 65537.
    const fn payload_len(self, bits: u16) -> usize {
        let len = bits.div_ceil(8) as usize;
        RANDOM_LEN
            + 2
            + match self {
                Self::Rsa => 2 * (2 + len) + 2 + 3,
                Self::RsaCrt => 5 * (2 + len / 2) + 2 + len + 2 + 3,
                Self::Ec => 5 * (2 + len) + 2 * (2 + 1 + 2 * len),
                Self::Aes => len,
            }
    }
}

/// Faults of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlobError {
    /// The bytes end before the blob does.
    #[error("key blob of {found} bytes ends inside its {inside}")]
    Truncated {
        /// The part that is cut.
        inside: &'static str,
        /// Bytes there are.
        found: usize,
    },
    /// Longer than any key's blob.
    #[error("key blob of {found} bytes, expected at most {LEN_MAX}")]
    TooLong {
        /// Bytes there are.
        found: usize,
    },
    /// No KCV.
    #[error("key blob: {0}")]
    Kcv(#[from] KcvError),
    /// A type byte no firmware writes.
    #[error("key blob of type {found:02X}, expected 05 or 06 (RSA), 0C (EC) or 0F (AES)")]
    Kind {
        /// The type byte.
        found: u8,
    },
    /// The default algorithm belongs to another kind of key.
    #[error("key blob of type {:02X} names an algorithm of another kind of key", *kind as u8)]
    Algorithm {
        /// The kind that the type byte states.
        kind: Kind,
    },
    /// The encrypted part is empty or is no whole number of blocks: bytes are missing or too many.
    #[error("key blob with {found} encrypted bytes, expected a multiple of 16: bytes are missing or too many")]
    Blocks {
        /// Bytes between header and MAC.
        found: usize,
    },
    /// Wrapped under another DKEK.
    #[error("key blob is wrapped under the DKEK with KCV {blob}, not under the one with KCV {dkek}")]
    OtherDkek {
        /// KCV the blob names.
        blob: Kcv,
        /// KCV of the DKEK it was checked with.
        dkek: Kcv,
    },
    /// The MAC does not match and no key has a blob of this length.
    #[error("key blob does not match its MAC, and no key has {found} encrypted bytes: blocks are missing or too many")]
    Resized {
        /// Bytes between header and MAC.
        found: usize,
    },
    /// The MAC does not match.
    #[error("key blob does not match its MAC: it was altered")]
    Altered,
}

impl<'a> Blob<'a> {
    /// Reads the parts that are in clear. Nothing is authenticated before [`Blob::check`].
    ///
    /// Errors: every [`BlobError`] but those of [`Blob::check`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlobError> {
        let found = bytes.len();
        if found > LEN_MAX {
            return Err(BlobError::TooLong { found });
        }
        let truncated = |inside| BlobError::Truncated { inside, found };
        let (kcv, rest) = bytes.split_first_chunk().ok_or(truncated("KCV"))?;
        let (&kind, mut rest) = rest.split_first().ok_or(truncated("type"))?;
        let kind = Kind::ALL.into_iter().find(|known| *known as u8 == kind).ok_or(BlobError::Kind { found: kind })?;
        let mut list = |inside| {
            let (len, after) = rest.split_first_chunk().ok_or(truncated(inside))?;
            let (list, after) =
                after.split_at_checked(usize::from(u16::from_be_bytes(*len))).ok_or(truncated(inside))?;
            rest = after;
            Ok::<_, BlobError>(list)
        };
        let algorithm = list("algorithm")?;
        let allowed = list("algorithm list")?;
        let access = list("access conditions")?;
        let key_oid = list("key OID")?;
        // Only AES is let off: firmware 3.0 to 3.2 encodes this OID wrongly, and its blobs still unwrap.
        if kind != Kind::Aes && algorithm != kind.algorithm() {
            return Err(BlobError::Algorithm { kind });
        }
        let (ciphertext, _) = rest.split_last_chunk::<MAC_LEN>().ok_or(truncated("MAC"))?;
        if ciphertext.is_empty() || ciphertext.len() % BLOCK_LEN != 0 {
            return Err(BlobError::Blocks { found: ciphertext.len() });
        }
        let kcv = Kcv::stated(*kcv)?;
        Ok(Self { kcv, kind, algorithm, allowed, access, key_oid, ciphertext, bytes })
    }

    /// Checks that this DKEK wrapped exactly these bytes. It comes before every import.
    ///
    /// Errors: [`BlobError::OtherDkek`], [`BlobError::Resized`], [`BlobError::Altered`].
    pub fn check(&self, dkek: &Dkek) -> Result<(), BlobError> {
        if self.kcv != dkek.kcv() {
            return Err(BlobError::OtherDkek { blob: self.kcv, dkek: dkek.kcv() });
        }
        let (covered, stated) = self.bytes.split_last_chunk().unwrap_or((&[], &[0; MAC_LEN]));
        match keyed(dkek).chain_update(covered).verify(stated.into()) {
            Ok(()) => Ok(()),
            Err(_) if self.sizes().is_empty() => Err(BlobError::Resized { found: self.ciphertext.len() }),
            Err(_) => Err(BlobError::Altered),
        }
    }

    /// The whole blob, as UNWRAP takes it.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Key sizes in bits that give a payload of this length. There are several where padding hides the difference (AES
    /// 192 and 256). There is no size for writers that leave out leading zeros.
    pub fn sizes(&self) -> Vec<u16> {
        let fits = |bits: &u16| (self.kind.payload_len(*bits) + 1).next_multiple_of(BLOCK_LEN) == self.ciphertext.len();
        self.kind.sizes().iter().copied().filter(fits).collect()
    }
}

/// The MAC of a blob that begins with `covered`.
pub fn mac(dkek: &Dkek, covered: &[u8]) -> [u8; MAC_LEN] {
    keyed(dkek).chain_update(covered).finalize().into_bytes().into()
}

fn keyed(dkek: &Dkek) -> Cmac<Aes256> {
    Cmac::new(dkek.derive(Purpose::Authenticate).expose().into())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{DKEK, secret};
    use super::*;

    const EC: &[u8] = include_bytes!("../../../../tests/vectors/token/blobs/ec-p256.blob");

    fn dkek() -> Dkek {
        Dkek::new(secret(DKEK))
    }

    #[test]
    fn every_blob_of_the_vectors_has_its_kind_and_size_and_passes_the_mac() {
        #[track_caller]
        fn check(name: &str, kind: Kind, sizes: &[u16]) {
            let path = format!("{}/../../tests/vectors/token/blobs/{name}.blob", env!("CARGO_MANIFEST_DIR"));
            let bytes = std::fs::read(path).unwrap();
            let blob = Blob::parse(&bytes).unwrap();
            assert_eq!((blob.kind, blob.sizes().as_slice()), (kind, sizes));
            assert_eq!((blob.algorithm, blob.allowed), (kind.algorithm(), kind.allowed()));
            assert_eq!(blob.check(&dkek()), Ok(()));
        }
        check("ec-p256", Kind::Ec, &[256]);
        check("ec-secp256k1", Kind::Ec, &[256]);
        check("ec-bp256r1", Kind::Ec, &[256]);
        check("ec-bp384r1", Kind::Ec, &[384]);
        check("ec-p521", Kind::Ec, &[521]);
        check("rsa2048-crt", Kind::RsaCrt, &[2048]);
        check("rsa2048-std", Kind::Rsa, &[2048]);
        check("rsa4096-crt", Kind::RsaCrt, &[4096]);
        check("rsa4096-std", Kind::Rsa, &[4096]);
        check("aes128", Kind::Aes, &[128]);
        check("aes256", Kind::Aes, &[192, 256]);
    }

    #[test]
    fn every_size_of_curve_has_a_length_of_its_own() {
        let len = |bits: &u16| (Kind::Ec.payload_len(*bits) + 1).next_multiple_of(BLOCK_LEN);
        let lens: Vec<usize> = Kind::Ec.sizes().iter().map(len).collect();
        assert!(lens.windows(2).all(|pair| pair[0] < pair[1]), "{lens:?}");
    }

    #[test]
    fn one_flipped_bit_anywhere_is_refused() {
        for at in 0..EC.len() * 8 {
            let mut bytes = EC.to_vec();
            bytes[at / 8] ^= 1 << (at % 8);
            let read = Blob::parse(&bytes).and_then(|blob| blob.check(&dkek()));
            match at / 8 {
                0..8 => assert!(matches!(read, Err(BlobError::OtherDkek { .. })), "{at}"),
                27.. => assert_eq!(read, Err(BlobError::Altered), "{at}"),
                _ => assert!(read.is_err(), "{at}"),
            }
        }
    }

    #[test]
    fn a_blob_cut_at_any_byte_is_refused_as_cut() {
        for len in 0..EC.len() {
            let read = Blob::parse(&EC[..len]).and_then(|blob| blob.check(&dkek()));
            match len {
                0..43 => assert!(matches!(read, Err(BlobError::Truncated { found, .. }) if found == len), "{len}"),
                // As long as the blob of a key on a smaller curve: only the MAC can tell.
                299 | 331 => assert_eq!(read, Err(BlobError::Altered), "{len}"),
                _ if len > 43 && len % 16 == 11 => assert_eq!(read, Err(BlobError::Resized { found: len - 43 })),
                _ => assert_eq!(read, Err(BlobError::Blocks { found: len - 43 })),
            }
        }
    }

    #[test]
    fn each_defect_has_its_own_error() {
        /// The vector with `bytes` written at `at`.
        #[track_caller]
        fn check(at: usize, bytes: &[u8], want: BlobError) {
            let mut blob = EC.to_vec();
            blob.resize(blob.len().max(at + bytes.len()), 0);
            blob[at..at + bytes.len()].copy_from_slice(bytes);
            assert_eq!(Blob::parse(&blob).map(drop), Err(want));
        }
        check(0, &[0; 8], BlobError::Kcv(KcvError::Zero));
        check(8, &[0x07], BlobError::Kind { found: 7 });
        check(8, &[0x05], BlobError::Algorithm { kind: Kind::Rsa });
        check(20, &[0x01], BlobError::Algorithm { kind: Kind::Ec });
        check(21, &[0xff, 0xff], BlobError::Truncated { inside: "algorithm list", found: 363 });
        check(EC.len(), &[0], BlobError::Blocks { found: 321 });
        check(LEN_MAX, &[0], BlobError::TooLong { found: LEN_MAX + 1 });
    }

    #[test]
    fn an_aes_blob_may_name_its_algorithm_wrongly_as_old_firmware_does() {
        let right = include_bytes!("../../../../tests/vectors/token/blobs/aes256.blob");
        let mut wrong = right[..right.len() - MAC_LEN].to_vec();
        wrong[11] ^= 0xff;
        let mac = mac(&dkek(), &wrong);
        wrong.extend_from_slice(&mac);
        let blob = Blob::parse(&wrong).unwrap();
        assert_eq!((blob.kind, blob.algorithm[0], blob.check(&dkek())), (Kind::Aes, 0x9f, Ok(())));
    }
}
