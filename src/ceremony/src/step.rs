//! The one step skeleton: asked, authorised, intended, observed, judged.
//!
//! [`step`] is a function of plan, script, state, head and event. An event that does not fit is refused and makes no
//! entry. The acts it returns are intended by the entry that holds the event, and done after it is on both logs.

use crate::act::{Act, Slot};
use crate::event::{Event, Failure};
use crate::ids::{BagId, Device, PersonId, StepId};
use crate::plan::{Plan, Role};
use crate::script::Script;

/// What a step asks for next. One thing at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Enter, or a sign-in code of this role or person: `Said(person, Go)`, or `Done(Go)` where anyone may.
    Go {
        /// Who may; `None`: anyone, without a code.
        who: Option<Who>,
        /// Who has agreed already, for a step of two roles.
        already: Option<PersonId>,
    },
    /// A typed word before something is destroyed: `Done(Word)`.
    Word(&'static str),
    /// A device to plug in: `Done(Inserted)`.
    Insert(Device),
    /// A device to take out: `Done(Removed)`.
    Remove(Device),
    /// A person signs in: `Said(person, SignedIn)` or, from the alternate, `Said(alternate, Absent)`.
    SignIn(PersonId),
    /// A secret that was just shown to its keeper is typed back, or one the Vault no longer has is typed in by its
    /// keeper: `Said(keeper, Typed)`.
    Type {
        /// Which.
        slot: Slot,
        /// Its keeper.
        keeper: PersonId,
        /// Shown before (typed back), or not (typed in).
        shown: bool,
    },
    /// The keyboard test: `Done(KeyboardFits)`.
    Keyboard,
    /// The number of a bag, twice: `Done(BagNumber)`.
    BagNumber(BagId),
    /// Objections: `Said(person, Objects)` or `Done(NoObjection)`.
    Objections,
    /// Attestation of one person: `Said(person, Attests)` or `Said(person, Refuses)`.
    Attest(PersonId),
    /// A finding of the start: `Looked(..)`.
    Look,
    /// The decision to do a failed step again: `Again`.
    Again {
        /// What failed.
        failure: Failure,
    },
}

/// Who may authorise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Anyone of this role.
    Role(Role),
    /// One person.
    Person(PersonId),
}

/// What the room waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// An answer.
    Asked(Ask),
    /// The outcome of this act.
    Acting(Act),
    /// Nothing more: a comparison failed. The machine can be switched off and started again.
    Halted(Failure),
    /// Nothing more: the transcript is closed.
    Closed,
}

/// Where a ceremony stands: a fold over its entries.
#[derive(Clone, Debug)]
pub struct State {
    at: StepId,
}

/// Why an event does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Something else is asked for.
    #[error("expected another answer")]
    Other,
}

impl State {
    /// The step under way.
    pub fn at(&self) -> StepId {
        self.at
    }
}

/// The next state and the acts the event causes.
pub fn step(
    _plan: &Plan,
    _script: &Script,
    _state: &State,
    _head: &conclave_publish::Digest,
    _event: &Event,
) -> Result<(State, Vec<Act>), Unfit> {
    Err(Unfit::Other)
}
