//! After an interruption: what is lost with the power, and the step the ceremony goes on at. Every act is repeatable, asks the
//! device first, or is answered here; see [`Act::class`](crate::act::Act::class).

use crate::facts::Facts;
use crate::guard::Guard;
use crate::ids::{Device, StepId};
use crate::kind::{self, Memory, about};
use crate::plan::Plan;
use crate::script::{Script, Step, StepKind};

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
    let memory = |step: &Step| about(plan, step.kind).memory;
    let first = |facts: &Facts, wanted: Memory| {
        let lost = |step: &&Step| memory(step) == wanted && !kind::of(step.kind).stands(plan, facts);
        script.steps.iter().find(lost).map(|step| step.id)
    };
    let unwritten = || plan.share_ids().any(|share| facts.share(share).written.is_none());
    let back_to = match script.step(at).map(memory) {
        // All shares are made again, as the next set.
        Some(Memory::Sealed) if facts.kcv.is_some() && unwritten() && Guard::SealedInBoot.is_on() => {
            facts.kcv = None;
            facts.shares.clear();
            first(facts, Memory::Sealed)
        }
        // All are opened again.
        Some(Memory::Opened) if Guard::OpenedInBoot.is_on() => first(facts, Memory::Opened),
        Some(Memory::Nothing | Memory::Sealed | Memory::Opened) | None => None,
    };
    back_to.map_or(at, |back_to| back_to.min(at))
}
