//! From plan to script: the same plan gives the same numbered steps, on the appliance and on the desk.
//!
//! What can be checked comes before what cannot be undone.

use std::collections::BTreeSet;

use crate::ids::{Device, DriveId, KeyIx, PersonId};
use crate::kind;
use crate::plan::{Holds, Plan, Refusal, Role, Rule, Source};
use crate::rules;
use crate::script::{LOGS, Script, Step, StepKind, Which};

/// Compiles a plan.
///
/// Errors: every rule the plan breaks, in the order of the file.
pub fn compile(plan: &Plan) -> Result<Script, Vec<Refusal>> {
    let refusals = rules::check(plan);
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut steps = Steps { plan, steps: Vec::new() };
    steps.beginning();
    steps.secrets();
    steps.keys();
    steps.ending();
    let mut script = Script::from(steps.steps);
    let (needed, ports) = (script.peak(), usize::from(plan.ports.number));
    if needed > ports {
        return Err(vec![Refusal {
            of: Source::Plan,
            rule: Rule::Ports,
            line: plan.ports.line,
            expected: format!("at least {needed} ports for the devices that are plugged in at once"),
            found: ports.to_string(),
            do_now: "Add a hub: name it under [[hub]] and count its ports in.".to_owned(),
        }]);
    }
    stay(&mut script, ports);
    Ok(script)
}

/// Leaves tokens plugged in between their steps where the ports allow it, short gaps first: what does not change hands
/// cannot be mixed up.
fn stay(script: &mut Script, ports: usize) {
    let steps = &mut script.steps;
    let mut gaps = Vec::new();
    let devices: BTreeSet<Device> = steps.iter().flat_map(|step| &step.devices).copied().collect();
    for device in devices.into_iter().filter(|device| matches!(device, Device::Token(_))) {
        let used = (0..).zip(&*steps).filter(|(_, step)| step.devices.contains(&device));
        let used: Vec<usize> = used.map(|(at, _)| at).collect();
        for pair in used.windows(2) {
            if let [from, to] = *pair
                && from + 1 < to
            {
                gaps.push((to - from, from + 1, to, device));
            }
        }
    }
    gaps.sort_unstable();
    for (_, from, to, device) in gaps {
        let Some(gap) = steps.get_mut(from..to) else { continue };
        if gap.iter().all(|step| step.devices.len() + LOGS < ports) {
            gap.iter_mut().for_each(|step| step.devices.push(device));
        }
    }
    steps.iter_mut().for_each(|step| step.devices.sort_unstable());
}

struct Steps<'a> {
    plan: &'a Plan,
    steps: Vec<Step>,
}

impl Steps<'_> {
    fn add(&mut self, kind: StepKind) {
        self.steps.push(kind::step(self.plan, kind));
    }

    /// A step of this kind for each of these things.
    fn each<I>(&mut self, things: impl IntoIterator<Item = I>, kind: impl Fn(I) -> StepKind) {
        things.into_iter().for_each(|thing| self.add(kind(thing)));
    }

    fn drives(&self, holds: impl Fn(Holds) -> bool) -> Vec<DriveId> {
        self.plan.drive_ids().filter(|id| self.plan.drive(*id).is_some_and(|drive| holds(drive.holds))).collect()
    }

    /// People who are to come: no alternates.
    fn people(&self, wanted: impl Fn(&[Role]) -> bool) -> Vec<PersonId> {
        let comes = |id: &PersonId| {
            self.plan.person(*id).is_some_and(|person| person.alternate_for.is_none() && wanted(&person.roles))
        };
        self.plan.person_ids().filter(comes).collect()
    }

    /// Keys, those of one master side by side.
    fn by_master(&self) -> Vec<KeyIx> {
        let mut keys: Vec<_> = self.plan.key_ids().collect();
        keys.sort_by_key(|key| (self.plan.master(*key), *key));
        keys
    }

    /// Nothing is changed but the log drives, until the tokens are erased to prove themselves.
    fn beginning(&mut self) {
        self.each([StepKind::Medium, StepKind::AirGap, StepKind::Clock, StepKind::Plan], |kind| kind);
        self.each(self.plan.drives_for(Holds::Transcript), StepKind::Log);
        self.each(self.people(|_| true), StepKind::SignIn);
        self.each(self.drives(|holds| !matches!(holds, Holds::Transcript | Holds::SpareLog)), StepKind::Register);
        self.each(self.plan.token_ids(), StepKind::Inspect);
        self.each(self.plan.token_ids(), StepKind::Prove);
    }

    /// PINs, passphrases, shares: everything people write down.
    fn secrets(&mut self) {
        self.add(StepKind::Keyboard);
        for token in self.plan.token_ids() {
            self.each([Which::So, Which::User], |which| StepKind::Pin(token, which));
        }
        self.each(self.plan.share_ids(), StepKind::Passphrase);
        self.add(StepKind::MakeShares);
        self.each(self.plan.share_ids(), StepKind::WriteShare);
        self.each(self.plan.token_ids(), StepKind::Initialise);
        self.each(self.plan.share_ids(), StepKind::OpenShare);
        self.add(StepKind::Import);
        self.each(self.plan.token_ids(), StepKind::TryPin);
    }

    fn keys(&mut self) {
        let keys = self.by_master();
        self.each(keys.clone(), StepKind::Generate);
        self.each(keys.clone(), StepKind::Certify);
        if !self.plan.drives_for(Holds::Blobs).is_empty() {
            self.each(keys, StepKind::Wrap);
        }
        let plan = self.plan;
        let copies = || plan.token_ids().filter(|token| plan.keys.iter().any(|key| key.copies.contains(token)));
        self.each(copies(), StepKind::Restore);
        self.each(copies(), StepKind::Compare);
    }

    fn ending(&mut self) {
        self.add(StepKind::Objections);
        self.each(self.plan.token_ids(), StepKind::State);
        self.each(self.plan.drives_for(Holds::Public), StepKind::Publish);
        self.add(StepKind::Show);
        self.each(self.plan.bag_ids(), StepKind::Bag);
        let attests = |roles: &[Role]| roles.contains(&Role::Witness) || roles.contains(&Role::Custodian);
        self.each(self.people(attests), StepKind::Attest);
        self.add(StepKind::Close);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BagId, ShareId, StepId, TokenId};
    use crate::plan::read;
    use crate::script::Roles;

    fn plan(name: &str) -> Plan {
        let text = match name {
            "safire" => include_str!("../../../docs/plans/safire/plan.toml"),
            _ => include_str!("../../../docs/plans/minimal/plan.toml"),
        };
        read(text.as_bytes()).unwrap()
    }

    #[track_caller]
    fn script(name: &str, ports: u16) -> Script {
        let mut plan = plan(name);
        plan.ports.number = ports;
        compile(&plan).unwrap()
    }

    fn at(script: &Script, kind: StepKind) -> usize {
        script.steps.iter().position(|step| step.kind == kind).unwrap()
    }

    #[test]
    fn a_plan_gives_the_same_numbered_steps_every_time() {
        let one = script("safire", 6);
        assert_eq!(one, script("safire", 6));
        for (number, step) in (0..).zip(&one.steps) {
            assert_eq!(step.id, StepId(number));
        }
    }

    #[test]
    fn nothing_is_destroyed_before_everything_was_looked_at() {
        for name in ["safire", "minimal"] {
            let script = script(name, 6);
            let first = at(&script, StepKind::Prove(TokenId(0)));
            let looks = |kind| matches!(kind, StepKind::Register(_) | StepKind::Inspect(_) | StepKind::SignIn(_));
            let last = script.steps.iter().rposition(|step| looks(step.kind)).unwrap();
            assert!(last < first, "{name}");
        }
    }

    #[test]
    fn the_order_is_that_of_a_ceremony() {
        let script = script("minimal", 6);
        let (token, copy) = (TokenId(0), TokenId(1));
        let kinds = [
            StepKind::Medium,
            StepKind::AirGap,
            StepKind::Clock,
            StepKind::Plan,
            StepKind::Log(DriveId(0)),
            StepKind::Log(DriveId(1)),
            StepKind::SignIn(PersonId(0)),
            StepKind::Register(DriveId(2)),
            StepKind::Inspect(token),
            StepKind::Prove(copy),
            StepKind::Keyboard,
            StepKind::Pin(token, Which::So),
            StepKind::Pin(token, Which::User),
            StepKind::Passphrase(ShareId(0)),
            StepKind::MakeShares,
            StepKind::WriteShare(ShareId(1)),
            StepKind::Initialise(token),
            StepKind::OpenShare(ShareId(0)),
            StepKind::Import,
            StepKind::TryPin(token),
            StepKind::Generate(KeyIx(0)),
            StepKind::Certify(KeyIx(0)),
            StepKind::Wrap(KeyIx(0)),
            StepKind::Restore(copy),
            StepKind::Compare(copy),
            StepKind::Objections,
            StepKind::State(copy),
            StepKind::Publish(DriveId(5)),
            StepKind::Show,
            StepKind::Bag(BagId(0)),
            StepKind::Attest(PersonId(1)),
            StepKind::Close,
        ];
        let places: Vec<_> = kinds.iter().map(|kind| at(&script, *kind)).collect();
        assert!(places.is_sorted(), "{places:?}");
    }

    #[test]
    fn what_destroys_or_cannot_be_undone_takes_two_roles() {
        for step in script("safire", 6).steps {
            let twice = matches!(
                step.kind,
                StepKind::Prove(_)
                    | StepKind::MakeShares
                    | StepKind::Initialise(_)
                    | StepKind::Import
                    | StepKind::Generate(_)
                    | StepKind::Certify(_)
                    | StepKind::Wrap(_)
                    | StepKind::Restore(_)
                    | StepKind::State(_)
                    | StepKind::Close
            );
            assert_eq!(twice, matches!(step.roles, Roles::Two(one, other) if one != other), "{step:?}");
            assert!(step.budget > 0, "{step:?}");
        }
    }

    #[test]
    fn an_alternate_has_no_step_of_their_own() {
        let script = script("safire", 6);
        let absent = PersonId(7);
        assert_eq!(plan("safire").people[7].alternate_for, Some(PersonId(2)));
        assert!(!script.steps.iter().any(|step| step.kind == StepKind::SignIn(absent)));
        assert!(!script.steps.iter().any(|step| step.kind == StepKind::Attest(absent)));
    }

    #[test]
    fn ports_for_the_import_are_the_fewest_and_one_less_is_refused() {
        for (name, needed) in [("safire", 5), ("minimal", 4)] {
            assert_eq!(script(name, needed).peak(), usize::from(needed));
            let mut plan = plan(name);
            plan.ports.number = needed - 1;
            let [refusal] = &compile(&plan).unwrap_err()[..] else { panic!("one refusal") };
            assert_eq!((refusal.rule, refusal.line), (Rule::Ports, plan.ports.line));
            assert_eq!(refusal.found, (needed - 1).to_string());
        }
    }

    #[test]
    fn a_plan_that_breaks_a_rule_has_no_script() {
        let mut plan = plan("minimal");
        plan.keys[0].copies.clear();
        let rules: Vec<_> = compile(&plan).unwrap_err().iter().map(|refusal| refusal.rule).collect();
        assert_eq!(rules, [Rule::Copies, Rule::Blobs]);
    }

    #[test]
    fn with_ports_to_spare_tokens_stay_in_and_never_above_the_ports() {
        let moves = |ports| {
            let script = script("safire", ports);
            assert!(script.peak() <= usize::from(ports));
            let inserted = |pair: &[Step]| pair[1].devices.iter().filter(|it| !pair[0].devices.contains(it)).count();
            script.steps.windows(2).map(inserted).sum::<usize>()
        };
        let (few, six, many) = (moves(5), moves(6), moves(16));
        assert!(few > six && six >= many, "{few} {six} {many}");
        // Two logs and three tokens once; four drives to register, two share drives twice, the blobs, the public drive.
        assert_eq!(many, 2 + 3 + 4 + 4 + 1 + 1);
    }
}
