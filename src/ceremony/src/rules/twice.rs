//! What tells things apart is different for each.

use std::collections::BTreeMap;

use super::Found;
use crate::alike::folded;
use crate::plan::{Plan, Rule};

pub(super) fn check(plan: &Plan, found: &mut Found) {
    let mut unlike = |what: &str, values: &mut dyn Iterator<Item = (u32, String)>| {
        let mut seen = BTreeMap::new();
        for (line, value) in values {
            // Neither paper, nor people reading aloud, nor FAT keep capitals apart from small letters; nor is a blank more, or
            // an accent that was typed otherwise, another name.
            if let Some(first) = seen.insert(folded(&value), line) {
                let expected = format!("another {what} than on line {first}");
                found.refuse(Rule::Twice, line, expected, format!("{value:?} again"), "Give each its own.");
            }
        }
    };
    let tokens = || plan.tokens.iter();
    let drives = || plan.drives.iter();
    unlike("id of a person", &mut plan.people.iter().map(|it| (it.line, it.id.to_string())));
    // One person under two ids would agree with themself.
    unlike("name of a person", &mut plan.people.iter().map(|it| (it.line, it.name.to_string())));
    let names = tokens().map(|it| (it.line, it.name.to_string()));
    unlike("name of a token or drive", &mut names.chain(drives().map(|it| (it.line, it.name.to_string()))));
    unlike("serial number of a token", &mut tokens().map(|it| (it.line, it.serial.to_string())));
    unlike("label of a token", &mut tokens().map(|it| (it.line, it.label.as_str().to_owned())));
    unlike("serial number of a drive", &mut drives().map(|it| (it.line, it.serial.to_string())));
    unlike("volume id", &mut drives().map(|it| (it.line, format!("{:08X}", it.volume))));
    unlike("label of a key", &mut plan.keys.iter().map(|it| (it.line, it.label.as_str().to_owned())));
    unlike("id of a key", &mut plan.keys.iter().map(|it| (it.line, it.id.to_string())));
    unlike("number of a bag", &mut plan.bags.iter().map(|it| (it.line, it.number.to_string())));
    for person in &plan.people {
        unlike("role", &mut person.roles.iter().map(|role| (person.line, format!("{role:?}"))));
    }
    unlike("policy", &mut plan.policies.iter().map(|policy| (1, format!("{policy:?}"))));
    // On the bus a token's serial goes on after its end: one that begins with another's could be either.
    for token in tokens() {
        let (one, begins) = (token.serial.as_str(), |other: &str| token.serial.as_str().starts_with(other));
        if let Some(other) = tokens().find(|other| other.serial.as_str() != one && begins(other.serial.as_str())) {
            let expected = format!("a serial that does not begin with the one on line {}", other.line);
            found.refuse(Rule::Twice, token.line, expected, format!("{one:?}"), "Compare both with their labels.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SAFIRE, broken};
    use super::*;

    #[test]
    fn what_tells_things_apart_stands_once() {
        for (from, to) in [
            ("id = \"witness-3\"", "id = \"Witness-1\""),
            ("name = \"Wilma Witness\"", "name = \"Walter witness\""),
            ("name = \"Wilma Witness\"", "name = \"Walter  Witness\""),
            ("name = \"Wilma Witness\"", "name = \"Ｗalter\u{a0}Witness\""),
            ("name = \"PUBLIC\"", "name = \"SAFIRE-2\""),
            ("serial = \"DENK0000002\"", "serial = \"DENK0000001\""),
            ("serial = \"DENK0000002\"", "serial = \"DENK000000\""),
            ("label = \"SAFIRE-2\"", "label = \"Safire-1\""),
            ("serial = \"CONCLAVE-LOG-B\"", "serial = \"CONCLAVE-LOG-A\""),
            ("volume = \"C0DE-000B\"", "volume = \"C0DE-000A\""),
            ("label = \"metadata-signing-2026-ec\"", "label = \"Metadata-signing-2026\""),
            ("id = \"02\"", "id = \"01\""),
            ("[[bag]]", "[[bag]]\nnumber = \"1000007\"\nplace = \"x\"\nholder = \"holder-1\"\n\n[[bag]]"),
            ("roles = [\"witness\"]", "roles = [\"witness\", \"witness\"]"),
            ("policies = [\"kmps\"]", "policies = [\"kmps\", \"kmps\"]"),
        ] {
            let rules = broken(SAFIRE, from, to);
            assert!(rules.contains(&Rule::Twice), "{to}: {rules:?}");
        }
    }
}
