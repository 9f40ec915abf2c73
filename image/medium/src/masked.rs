//! The digest an image carries of itself: over all of it but the field it stands in.

use conclave_publish::Digest;
use sha2::{Digest as _, Sha256};

use crate::seal::{FIELD_AT, FIELD_LEN};

/// Takes an image in pieces, from its first byte on, and hashes it with the seal's field as spaces.
#[derive(Clone, Default)]
pub(crate) struct Masked {
    hash: Sha256,
    done: u64,
}

impl Masked {
    /// Takes the next bytes of the image.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        // The field is cut out of this piece, as far as it lies in it, and replaced by spaces.
        let inside = |at: u64| usize::try_from(at.saturating_sub(self.done)).unwrap_or(usize::MAX).min(bytes.len());
        let (before, rest) = bytes.split_at(inside(FIELD_AT));
        let (field, after) = rest.split_at(inside(FIELD_AT + FIELD_LEN as u64) - before.len());
        self.hash.update(before);
        field.iter().for_each(|_| self.hash.update(b" "));
        self.hash.update(after);
        self.done += bytes.len() as u64;
    }

    /// The digest of everything taken.
    pub(crate) fn finish(self) -> Digest {
        Digest::new(self.hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cut_anywhere_give_the_same_digest() {
        let image: Vec<u8> = (0..FIELD_AT as usize + 2 * FIELD_LEN).map(|i| (i % 253) as u8).collect();
        let mut blanked = image.clone();
        blanked[FIELD_AT as usize..][..FIELD_LEN].fill(b' ');
        for piece in [1, 511, 512, 513, 4096, FIELD_AT as usize, FIELD_AT as usize + 1, image.len()] {
            let mut masked = Masked::default();
            image.chunks(piece).for_each(|bytes| masked.update(bytes));
            assert_eq!(masked.finish(), Digest::of(&blanked), "pieces of {piece}");
        }
    }
}
