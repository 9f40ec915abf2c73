//! The rules a plan is held against once it could be read. Each is described in `docs/rules.md` under its name.

mod custody;
mod kmps;
mod people;
mod things;
mod twice;

use crate::plan::{Plan, Policy, REFUSALS_MAX, Refusal, Rule, Source};

pub(crate) use custody::{Kept, Thing, things};

/// Checks a plan against every rule that always holds, and those of its policies.
///
/// Shape: in the order of the file, at most [`REFUSALS_MAX`]; empty if the plan breaks none.
pub fn check(plan: &Plan) -> Vec<Refusal> {
    let mut found = Found(Vec::new());
    twice::check(plan, &mut found);
    people::check(plan, &mut found);
    things::check(plan, &mut found);
    custody::check(plan, &mut found);
    for policy in &plan.policies {
        match policy {
            Policy::Kmps => kmps::check(plan, &mut found),
        }
    }
    found.0.sort_by_key(|refusal| (refusal.line, refusal.rule));
    found.0
}

/// Refusals so far.
struct Found(Vec<Refusal>);

impl Found {
    fn refuse(&mut self, rule: Rule, line: u32, expected: impl Into<String>, found: impl Into<String>, do_now: &str) {
        if self.0.len() < REFUSALS_MAX {
            let (expected, found, do_now) = (expected.into(), found.into(), do_now.to_owned());
            self.0.push(Refusal { of: Source::Plan, rule, line, expected, found, do_now });
        }
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::plan::read;

    pub(super) const SAFIRE: &str = include_str!("../../../../docs/plans/safire/plan.toml");
    pub(super) const MINIMAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");

    /// The rules an example plan breaks when `from`, which stands in it, is replaced by `to`.
    #[track_caller]
    pub(super) fn broken(example: &str, from: &str, to: &str) -> Vec<Rule> {
        assert!(example.contains(from), "{from:?} does not stand in the example");
        rules(&example.replacen(from, to, 1))
    }

    /// A plan without the digests of ids that it no longer says.
    pub(super) fn used(text: &str) -> String {
        let idle = |line: &&str| match line.split_once(" = ") {
            Some((id, digest)) => digest.len() == 66 && !text.contains(&format!("= \"{id}\"\n")),
            None => false,
        };
        text.lines().filter(|line| !idle(line)).map(|line| format!("{line}\n")).collect()
    }

    /// A plan with the digest of one id more.
    pub(crate) fn with_id(text: &str, id: &str) -> String {
        let line = format!("[names]\n{id} = \"{}\"\n", conclave_publish::Digest::of(id.as_bytes()));
        text.replacen("[names]\n", &line, 1)
    }

    #[track_caller]
    pub(super) fn rules(text: &str) -> Vec<Rule> {
        let mut rules: Vec<_> = check(&read(text.as_bytes()).unwrap()).iter().map(|refusal| refusal.rule).collect();
        rules.dedup();
        rules
    }

    #[test]
    fn the_examples_break_no_rule() {
        for example in [SAFIRE, MINIMAL, include_str!("../../../../tests/bench/safire-2026.toml")] {
            assert_eq!(check(&read(example.as_bytes()).unwrap()), []);
        }
    }

    #[test]
    fn a_plan_that_breaks_everything_is_told_a_hundred_refusals() {
        let at = MINIMAL.find("[[share]]").unwrap();
        let (head, tail) = MINIMAL.split_at(at);
        let token = &head[head.find("[[token]]").unwrap()..head.find("[[drive]]").unwrap()];
        let text = format!("{head}{}{tail}", token.repeat(60));
        assert_eq!(check(&read(text.as_bytes()).unwrap()).len(), REFUSALS_MAX);
        let unknown = text.replace("keeper = \"operator\"", "keeper = \"nobody\"");
        assert_eq!(read(unknown.as_bytes()).unwrap_err().len(), REFUSALS_MAX);
    }

    #[test]
    fn every_rule_is_described_under_its_name() {
        let page = include_str!("../../../../docs/rules.md");
        for rule in Rule::ALL {
            assert!(page.contains(&format!("`{}`", rule.name())), "{}", rule.name());
        }
    }
}
