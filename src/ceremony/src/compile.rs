//! From plan to script: the same plan gives the same numbered steps, on the appliance and on the desk.
//!
//! What can be checked comes before what cannot be undone.

use std::collections::BTreeSet;

use smartcard_hsm::command::{KeySpec, RsaBits};

use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, StepId, TokenId};
use crate::kinds::masters_of;
use crate::plan::{Holds, Key, Plan, Refusal, Role, Rule, Source};
use crate::rules;
use crate::script::{LOGS, Roles, Script, Step, StepKind, Which};

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

/// Ids of the things of a list.
fn ids<T, I>(things: &[T], id: impl Fn(u16) -> I) -> impl Iterator<Item = I> {
    (0..).zip(things).map(move |(at, _)| id(at))
}

struct Steps<'a> {
    plan: &'a Plan,
    steps: Vec<Step>,
}

/// Destroys or cannot be undone: two people of these roles agree.
const TWO: Roles = Roles::Two(Role::Operator, Role::Witness);
const OPERATOR: Roles = Roles::One(Role::Operator);

impl Steps<'_> {
    fn add(&mut self, kind: StepKind, roles: Roles, budget: u16, devices: &[Device]) {
        self.steps.push(Step { id: StepId(0), kind, roles, budget, devices: devices.to_vec() });
    }

    fn tokens(&self) -> impl Iterator<Item = TokenId> + use<> {
        ids(&self.plan.tokens, TokenId).collect::<Vec<_>>().into_iter()
    }

    fn drives(&self, holds: impl Fn(Holds) -> bool) -> Vec<DriveId> {
        let drives = ids(&self.plan.drives, DriveId).zip(&self.plan.drives);
        drives.filter(|(_, drive)| holds(drive.holds)).map(|(id, _)| id).collect()
    }

    fn people(&self, wanted: impl Fn(&[Role]) -> bool) -> Vec<PersonId> {
        let people = ids(&self.plan.people, PersonId).zip(&self.plan.people);
        let present = people.filter(|(_, person)| person.alternate_for.is_none() && wanted(&person.roles));
        present.map(|(id, _)| id).collect()
    }

    /// Keys with their ids, those of one master side by side.
    fn by_master(&self) -> Vec<(KeyIx, TokenId)> {
        let mut keys: Vec<_> = ids(&self.plan.keys, KeyIx).zip(self.plan.keys.iter().map(|key| key.master)).collect();
        keys.sort_by_key(|(key, master)| (*master, *key));
        keys
    }

    /// Nothing is changed but the log drives, until the tokens are erased to prove themselves.
    fn beginning(&mut self) {
        self.add(StepKind::Medium, Roles::Anyone, 10, &[]);
        self.add(StepKind::AirGap, Roles::Anyone, 2, &[]);
        self.add(StepKind::Clock, Roles::Anyone, 2, &[]);
        self.add(StepKind::Plan, Roles::Anyone, 10, &[]);
        for drive in self.drives(|holds| holds == Holds::Transcript) {
            self.add(StepKind::Log(drive), Roles::Anyone, 3, &[Device::Drive(drive)]);
        }
        for person in self.people(|_| true) {
            self.add(StepKind::SignIn(person), Roles::Person(person), 2, &[]);
        }
        for drive in self.drives(|holds| holds != Holds::Transcript) {
            self.add(StepKind::Register(drive), OPERATOR, 2, &[Device::Drive(drive)]);
        }
        for token in self.tokens() {
            self.add(StepKind::Inspect(token), OPERATOR, 2, &[Device::Token(token)]);
        }
        for token in self.tokens() {
            self.add(StepKind::Prove(token), TWO, 3, &[Device::Token(token)]);
        }
    }

    /// PINs, passphrases, shares: everything people write down.
    fn secrets(&mut self) {
        self.add(StepKind::Keyboard, OPERATOR, 2, &[]);
        for (token, of) in self.tokens().zip(&self.plan.tokens) {
            self.add(StepKind::Pin(token, Which::So), Roles::Person(of.so_pin.keeper), 4, &[]);
            self.add(StepKind::Pin(token, Which::User), Roles::Person(of.pin.keeper), 4, &[]);
        }
        let shares: Vec<_> = ids(&self.plan.shares, ShareId).zip(&self.plan.shares).collect();
        for (share, of) in &shares {
            self.add(StepKind::Passphrase(*share), Roles::Person(of.custodian), 5, &[]);
        }
        // Half of the randomness is a token's.
        let first = self.tokens().next().map(Device::Token);
        self.add(StepKind::MakeShares, TWO, 3, first.as_slice());
        for (share, of) in &shares {
            self.add(StepKind::WriteShare(*share), Roles::Person(of.custodian), 3, &[Device::Drive(of.drive)]);
        }
        for token in self.tokens() {
            self.add(StepKind::Initialise(token), TWO, 3, &[Device::Token(token)]);
        }
        for (share, of) in &shares {
            self.add(StepKind::OpenShare(*share), Roles::Person(of.custodian), 4, &[Device::Drive(of.drive)]);
        }
        let tokens: Vec<_> = self.tokens().map(Device::Token).collect();
        self.add(StepKind::Import, TWO, 3, &tokens);
        for token in self.tokens() {
            self.add(StepKind::TryPin(token), OPERATOR, 2, &[Device::Token(token)]);
        }
    }

    fn keys(&mut self) {
        let keys = self.by_master();
        for (key, master) in &keys {
            let budget = self.plan.key(*key).map_or(0, minutes);
            self.add(StepKind::Generate(*key), TWO, budget, &[Device::Token(*master)]);
        }
        for (key, master) in &keys {
            self.add(StepKind::Certify(*key), TWO, 2, &[Device::Token(*master)]);
        }
        let blobs: Vec<_> = self.drives(|holds| holds == Holds::Blobs).into_iter().map(Device::Drive).collect();
        if !blobs.is_empty() {
            for (key, master) in &keys {
                self.add(StepKind::Wrap(*key), TWO, 3, &[&[Device::Token(*master)], &*blobs].concat());
            }
        }
        let plan = self.plan;
        let copied = |token: &TokenId| plan.keys.iter().filter(|key| key.copies.contains(token)).count();
        let copies: Vec<_> = self.tokens().filter(|token| copied(token) > 0).collect();
        for token in &copies {
            let budget = 2 + u16::try_from(copied(token)).unwrap_or(u16::MAX);
            self.add(StepKind::Restore(*token), TWO, budget, &[&[Device::Token(*token)], &*blobs].concat());
        }
        for token in &copies {
            // Compared with the masters of its keys.
            let mut tokens = masters_of(plan, *token);
            tokens.insert(*token);
            let devices: Vec<_> = tokens.into_iter().map(Device::Token).collect();
            self.add(StepKind::Compare(*token), OPERATOR, 3, &devices);
        }
    }

    fn ending(&mut self) {
        self.add(StepKind::Objections, Roles::Anyone, 5, &[]);
        for token in self.tokens() {
            self.add(StepKind::State(token), TWO, 3, &[Device::Token(token)]);
        }
        for drive in self.drives(|holds| holds == Holds::Public) {
            self.add(StepKind::Publish(drive), OPERATOR, 3, &[Device::Drive(drive)]);
        }
        self.add(StepKind::Show, OPERATOR, 5, &[]);
        for (bag, of) in ids(&self.plan.bags, BagId).zip(&self.plan.bags) {
            self.add(StepKind::Bag(bag), Roles::Person(of.holder), 4, &[]);
        }
        let attests = |roles: &[Role]| roles.contains(&Role::Witness) || roles.contains(&Role::Custodian);
        for person in self.people(attests) {
            self.add(StepKind::Attest(person), Roles::Person(person), 3, &[]);
        }
        self.add(StepKind::Close, TWO, 3, &[]);
    }
}

/// Units: minutes a token may take to make a key. RSA primes are found by luck: allow several times the mean.
fn minutes(key: &Key) -> u16 {
    match key.spec {
        KeySpec::Rsa(RsaBits::B2048) => 5,
        KeySpec::Rsa(RsaBits::B3072) => 10,
        KeySpec::Rsa(RsaBits::B4096) => 20,
        KeySpec::Ec(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::read;

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
