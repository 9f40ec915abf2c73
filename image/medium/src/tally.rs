//! Both digests of an image in one pass over it.

use conclave_publish::Digest;
use sha2::{Digest as _, Sha256};

use crate::seal::{FIELD_AT, FIELD_LEN};

/// The two digests of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Over the bytes as they are.
    pub full: Digest,
    /// Over the bytes with the seal's field as spaces.
    pub masked: Digest,
}

/// Takes an image in pieces, from its first byte on, and hashes it with and without its seal.
#[derive(Clone, Default)]
pub struct Tally {
    full: Sha256,
    masked: Sha256,
    done: u64,
}

impl Tally {
    /// A tally of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the image.
    pub fn update(&mut self, bytes: &[u8]) {
        self.full.update(bytes);
        // The field is cut out of this piece, as far as it lies in it, and replaced by spaces.
        let inside = |at: u64| usize::try_from(at.saturating_sub(self.done)).unwrap_or(usize::MAX).min(bytes.len());
        let (before, rest) = bytes.split_at(inside(FIELD_AT));
        let (field, after) = rest.split_at(inside(FIELD_AT + FIELD_LEN as u64) - before.len());
        self.masked.update(before);
        field.iter().for_each(|_| self.masked.update(b" "));
        self.masked.update(after);
        self.done += bytes.len() as u64;
    }

    /// Both digests of everything taken.
    #[must_use]
    pub fn finish(self) -> Digests {
        Digests { full: Digest::new(self.full.finalize().into()), masked: Digest::new(self.masked.finalize().into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cut_anywhere_give_the_same_digests() {
        let image: Vec<u8> = (0..FIELD_AT as usize + 2 * FIELD_LEN).map(|i| (i % 253) as u8).collect();
        let mut blanked = image.clone();
        blanked[FIELD_AT as usize..][..FIELD_LEN].fill(b' ');
        let expected = Digests { full: Digest::of(&image), masked: Digest::of(&blanked) };
        for piece in [1, 511, 512, 513, 4096, FIELD_AT as usize, FIELD_AT as usize + 1, image.len()] {
            let mut tally = Tally::new();
            image.chunks(piece).for_each(|bytes| tally.update(bytes));
            assert_eq!(tally.finish(), expected, "pieces of {piece}");
        }
    }
}
