//! The things of a plan that steps are about, and the steps that a plan owes for them.

use crate::ids::{BagId, DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::plan::{Drive, Holds, Plan, Role};
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
        let is_log = |drive: &Drive| matches!(drive.holds, Holds::Transcript | Holds::SpareLog);
        let others = plan.drive_ids().zip(&plan.drives).filter(|(_, drive)| !is_log(drive));
        let people = |fits: &dyn Fn(&[Role]) -> bool| {
            let people = plan.person_ids().zip(&plan.people);
            let there = people.filter(|(_, one)| one.alternate_for.is_none() && fits(&one.roles));
            there.map(|(id, _)| id).collect::<Vec<_>>()
        };
        let tokens: Vec<_> = plan.token_ids().collect();
        let copied = |token: &TokenId| plan.keys.iter().any(|key| key.copies.contains(token));
        Self {
            plan,
            logs: plan.drives_for(Holds::Transcript),
            others: others.map(|(id, _)| id).collect(),
            blobs: plan.drives_for(Holds::Blobs),
            public: plan.drives_for(Holds::Public),
            copies: tokens.iter().copied().filter(copied).collect(),
            tokens,
            keys: plan.key_ids().collect(),
            shares: plan.share_ids().collect(),
            bags: plan.bag_ids().collect(),
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
