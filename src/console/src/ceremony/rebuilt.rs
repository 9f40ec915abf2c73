//! A ceremony that counts needs an image that strangers can rebuild. With another image it does not begin or go on.

use conclave_publish::{Kind, Tree};

use crate::wording::preflight as text;

/// The plan counts, and strangers cannot rebuild the running program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}, so strangers cannot rebuild it. No ceremony that counts begins or goes on with this image. Power off and start from a \
     published image.",
    text::why_not_rebuilt(*.0)
)]
pub struct NotRebuilt(Tree);

/// Compares the tree of the running program with the kind of the plan. A rehearsal may run on any image.
///
/// **Errors**: [`NotRebuilt`].
pub fn can_be_rebuilt(kind: Kind, tree: Tree) -> Result<(), NotRebuilt> {
    match (kind, tree) {
        (Kind::Production, Tree::Dirty | Tree::Moved | Tree::DirtyAndMoved) => Err(NotRebuilt(tree)),
        (Kind::Production, Tree::Clean) | (Kind::Rehearsal, _) => Ok(()),
    }
}
