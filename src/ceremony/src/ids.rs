//! Things of a ceremony, by their place in the plan's list of their kind, counted from zero.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u16);
    };
}

id!(
    /// A person of the plan.
    PersonId
);
id!(
    /// A token of the plan.
    TokenId
);
id!(
    /// A drive of the plan.
    DriveId
);
id!(
    /// A key of the plan.
    KeyIx
);
id!(
    /// A DKEK share of the plan.
    ShareId
);
id!(
    /// A bag of the plan.
    BagId
);
id!(
    /// A step of the script.
    StepId
);

/// Anything that is plugged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Device {
    /// A token.
    Token(TokenId),
    /// A drive.
    Drive(DriveId),
}
