//! After an interruption: what is lost with the power, and the step the ceremony goes on at. Every act is repeatable, asks the
//! device first, or is answered here; see [`Act::class`](crate::act::Act::class).

use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{Device, StepId};
use crate::kinds::shares;
use crate::plan::Plan;
use crate::script::{Script, StepKind};

/// Half an import cannot be undone: its token is initialised again, by this step.
pub(crate) fn half_imported(script: &Script, facts: &mut Facts) -> Option<StepId> {
    let mut half = std::mem::take(&mut facts.importing);
    half.retain(|_| Guard::HalfImport.is_on());
    facts.imported.retain(|token| !half.contains(token));
    facts.initialised.retain(|token| !half.contains(token));
    let prepares = |kind| matches!(kind, StepKind::Initialise(token) if half.contains(&token));
    script.steps.iter().find(|step| prepares(step.kind)).map(|step| step.id)
}

/// Forgets what was in memory only and says where to go on.
pub(crate) fn back(plan: &Plan, script: &Script, at: StepId, facts: &mut Facts, boot: u16) -> StepId {
    facts.boot = boot;
    facts.signed_out = facts.present.keys().copied().collect();
    if Guard::VaultInBoot.is_on() {
        facts.vault.clear();
    }
    if Guard::ProofInBoot.is_on() {
        facts.proved.clear();
    }
    if Guard::PluggedInBoot.is_on() {
        // The log drives are plugged in: the record was just read from them.
        facts.plugged = facts.logs.iter().copied().map(Device::Drive).collect();
    }

    half_imported(script, facts);
    let first = |wanted: &dyn Fn(StepKind) -> bool| script.steps.iter().find(|step| wanted(step.kind)).map(|s| s.id);
    let made = facts.kcv.is_some();
    let unwritten = shares(plan).any(|share| facts.share(share).written.is_none());
    let back_to = match script.step(at).map(|step| step.kind) {
        // Sealed shares were in memory only: all are made anew, as the next set.
        Some(StepKind::MakeShares | StepKind::WriteShare(_)) if made && unwritten && Guard::SealedInBoot.is_on() => {
            facts.kcv = None;
            facts.shares.clear();
            first(&|kind| kind == StepKind::MakeShares)
        }
        // Clear shares were in memory only: all are opened again.
        Some(StepKind::Initialise(_) | StepKind::OpenShare(_) | StepKind::Import) if Guard::OpenedInBoot.is_on() => {
            let again = |kind| match kind {
                StepKind::Initialise(token) => !facts.initialised.contains(&token),
                StepKind::OpenShare(_) => true,
                _ => false,
            };
            first(&again)
        }
        _ => None,
    };
    back_to.map_or(at, |back_to| back_to.min(at))
}
