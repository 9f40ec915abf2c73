//! The values that tell things apart are different for each thing.

use std::collections::BTreeMap;

use super::Found;
use crate::alike::folded;
use crate::plan::{Plan, Rule};
use crate::public::Text;

pub(super) fn check(plan: &Plan, found: &mut Found) {
    let mut unlike_or = |do_now: &str, what: &str, values: &mut dyn Iterator<Item = (u32, String)>| {
        let mut seen = BTreeMap::new();
        for (line, value) in values {
            // Paper, people that read aloud, and FAT do not keep capitals apart from small letters. One more blank, or
            // an accent that was typed otherwise, makes no other name either.
            if let Some(first) = seen.insert(folded(&value), line) {
                let expected = format!("another {what} than on line {first}");
                found.refuse(Rule::Twice, line, expected, format!("{value:?} again"), do_now);
            }
        }
    };
    let hubs = || plan.hubs.iter();
    // One of two hubs of a model could be anyone's.
    let do_now = "Take another model. If both are inside one hub, write the id once there, and number = 2.";
    unlike_or(do_now, "USB id", &mut hubs().flat_map(|it| it.usb.iter().map(|id| (it.line, id.to_string()))));
    let mut unlike = |what: &str, values: &mut dyn Iterator<Item = (u32, String)>| {
        unlike_or("Give each its own.", what, values);
    };
    let tokens = || plan.tokens.iter();
    let drives = || plan.drives.iter();
    unlike("id of a person", &mut plan.people.iter().map(|it| (it.line, it.id.to_string())));
    // The reader of the names checks that no name stands under two ids.
    unlike("id under [names]", &mut plan.names.iter().map(|it| (it.line, it.id.to_string())));
    unlike("digest under [names]", &mut plan.names.iter().map(|it| (it.line, it.digest.to_string())));
    let names = tokens().map(|it| (it.line, it.name.to_string()));
    let names = names.chain(drives().map(|it| (it.line, it.name.to_string())));
    unlike("name of a token, drive or hub", &mut names.chain(hubs().map(|it| (it.line, it.name.to_string()))));
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
    ids_of_one_kind(plan, found);
    // On the bus a token's serial goes on after its end: one that begins with another's could be either.
    for token in tokens() {
        let (one, begins) = (token.serial.as_str(), |other: &str| token.serial.as_str().starts_with(other));
        if let Some(other) = tokens().find(|other| other.serial.as_str() != one && begins(other.serial.as_str())) {
            let expected = format!("a serial that does not begin with the one on line {}", other.line);
            found.refuse(Rule::Twice, token.line, expected, format!("{one:?}"), "Compare both with their labels.");
        }
    }
}

/// An id is a person's, an organisation's or a place's: a name that stands for two of them is a mistake.
fn ids_of_one_kind(plan: &Plan, found: &mut Found) {
    let mut refuse = |line, id: &Text, other: &str| {
        let found_words = format!("{id}, which is {other}, too");
        found.refuse(Rule::Twice, line, "an id of its own", found_words, "Give each its own id and line of names.");
    };
    for person in &plan.people {
        if plan.people.iter().any(|other| other.organisation == person.id) {
            refuse(person.line, &person.id, "an organisation");
        }
    }
    for bag in &plan.bags {
        if plan.people.iter().any(|person| person.id == bag.place) {
            refuse(bag.line, &bag.place, "a person");
        }
        if plan.people.iter().any(|person| person.organisation == bag.place) {
            refuse(bag.line, &bag.place, "an organisation");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MINIMAL, SAFIRE, broken, rules};
    use super::*;

    #[test]
    fn what_tells_things_apart_stands_once() {
        for (from, to) in [
            ("name = \"PUBLIC\"", "name = \"SAFIRE-2\""),
            ("serial = \"DENK0000002\"", "serial = \"DENK0000001\""),
            ("serial = \"DENK0000002\"", "serial = \"DENK000000\""),
            ("label = \"SAFIRE-2\"", "label = \"Safire-1\""),
            ("serial = \"CONCLAVE-LOG-B\"", "serial = \"CONCLAVE-LOG-A\""),
            ("volume = \"C0DE-000B\"", "volume = \"C0DE-000A\""),
            ("label = \"metadata-signing-2026-ec\"", "label = \"Metadata-signing-2026\""),
            ("id = \"02\"", "id = \"01\""),
            ("[[bag]]", "[[bag]]\nnumber = \"1000007\"\nplace = \"head-office\"\nholder = \"holder-1\"\n\n[[bag]]"),
            ("roles = [\"witness\"]", "roles = [\"witness\", \"witness\"]"),
            ("policies = [\"kmps\"]", "policies = [\"kmps\", \"kmps\"]"),
        ] {
            let rules = broken(SAFIRE, from, to);
            assert!(rules.contains(&Rule::Twice), "{to}: {rules:?}");
        }
    }

    #[test]
    fn a_hub_has_a_name_and_ids_that_nothing_else_has() {
        let hub = |name: &str, ids: &str| format!("\n[[hub]]\nname = \"{name}\"\nusb = [{ids}]\nports = 2\n");
        let with = |other: String| rules(&(MINIMAL.to_owned() + &hub("HUB-1", "\"05e3:0610\"") + &other));
        assert_eq!(with(hub("HUB-2", "\"05e3:0620\", \"0409:55aa\"")), []);
        for other in [
            hub("HUB-1", "\"05e3:0620\""),
            hub("hub-1", "\"05e3:0620\""),
            hub("MASTER", "\"05e3:0620\""),
            hub("LOG-A", "\"05e3:0620\""),
            hub("HUB-2", "\"05e3:0620\", \"05e3:0610\""),
            hub("HUB-2", "\"05e3:0620\", \"05e3:0620\""),
        ] {
            assert_eq!(with(other.clone()), [Rule::Twice], "{other}");
        }
        // How many it has inside is said once, and makes no other hub of its model another.
        let two = "number = 2\n".to_owned();
        assert_eq!(with(two.clone()), []);
        assert_eq!(with(two + &hub("HUB-2", "\"05e3:0610\"")), [Rule::Twice]);
    }

    #[test]
    fn an_id_is_of_one_person_organisation_or_place() {
        let same = SAFIRE.replace("witness-3", "Witness-1");
        assert!(rules(&same).contains(&Rule::Twice), "capitals do not tell people apart");
        let digest = |id: &str| SAFIRE.lines().find(|line| line.starts_with(&format!("{id} = "))).unwrap();
        let (_, of_one) = digest("witness-1").split_once(" = ").unwrap();
        assert_eq!(broken(SAFIRE, digest("witness-2"), &format!("witness-2 = {of_one}")), [Rule::Twice]);
        for (one, other) in
            [("witness-1", "example-network"), ("head-office", "witness-1"), ("head-office", "example-network")]
        {
            // One of the two, wherever it is said, and one digest fewer.
            let both = SAFIRE.replacen(&format!("{}\n", digest(other)), "", 1);
            let both = both.replace(&format!("\"{other}\""), &format!("\"{one}\""));
            assert!(rules(&both).contains(&Rule::Twice), "{one} for {other}");
        }
    }
}
