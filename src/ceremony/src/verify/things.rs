//! The things of a plan that steps are about, and the steps that a plan owes for them.

use super::acts;
use crate::ids::{BagId, DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::plan::{Holds, Plan, Role};
use crate::script::{StepKind, Which};

/// The things of a plan that steps are about.
pub(super) struct Things<'a> {
    pub(super) plan: &'a Plan,
    pub(super) logs: Vec<DriveId>,
    /// Every drive that is no log drive.
    pub(super) others: Vec<DriveId>,
    pub(super) blobs: Vec<DriveId>,
    pub(super) public: Vec<DriveId>,
    pub(super) tokens: Vec<TokenId>,
    /// Tokens that get keys made on another one.
    pub(super) copies: Vec<TokenId>,
    pub(super) keys: Vec<KeyIx>,
    pub(super) shares: Vec<ShareId>,
    pub(super) bags: Vec<BagId>,
    /// Every person but alternates.
    pub(super) people: Vec<PersonId>,
    /// The people that attest.
    pub(super) attest: Vec<PersonId>,
}

impl<'a> Things<'a> {
    pub(super) fn of(plan: &'a Plan) -> Self {
        let drives = |fits: &dyn Fn(Holds) -> bool| {
            let drives = (0..).map(DriveId).zip(&plan.drives);
            drives.filter(|(_, drive)| fits(drive.holds)).map(|(id, _)| id).collect::<Vec<_>>()
        };
        let people = |fits: &dyn Fn(&[Role]) -> bool| {
            let people = (0..).map(PersonId).zip(&plan.people);
            let there = people.filter(|(_, one)| one.alternate_for.is_none() && fits(&one.roles));
            there.map(|(id, _)| id).collect::<Vec<_>>()
        };
        let tokens = acts::tokens(plan);
        let copied = |token: &TokenId| plan.keys.iter().any(|key| key.copies.contains(token));
        Self {
            plan,
            logs: drives(&|holds| holds == Holds::Transcript),
            others: drives(&|holds| !matches!(holds, Holds::Transcript | Holds::SpareLog)),
            blobs: drives(&|holds| holds == Holds::Blobs),
            public: drives(&|holds| holds == Holds::Public),
            copies: tokens.iter().copied().filter(copied).collect(),
            tokens,
            keys: acts::keys(plan),
            shares: acts::shares(plan),
            bags: (0..).map(BagId).zip(&plan.bags).map(|(id, _)| id).collect(),
            people: people(&|_| true),
            attest: people(&|roles| roles.contains(&Role::Witness) || roles.contains(&Role::Custodian)),
        }
    }

    pub(super) fn pins(&self) -> Vec<StepKind> {
        self.tokens
            .iter()
            .flat_map(|token| [Which::So, Which::User].map(|which| StepKind::Pin(*token, which)))
            .collect()
    }

    pub(super) fn wraps(&self) -> Vec<StepKind> {
        if self.blobs.is_empty() { Vec::new() } else { each(&self.keys, StepKind::Wrap) }
    }
}

pub(super) fn each<I: Copy>(things: &[I], kind: impl Fn(I) -> StepKind) -> Vec<StepKind> {
    things.iter().copied().map(kind).collect()
}
