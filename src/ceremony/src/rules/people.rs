//! The people that take part: enough of each role, no conflicts, alternates that can stand in.

use super::Found;
use crate::ids::PersonId;
use crate::plan::{Person, Plan, Role, Rule};
use crate::rules::custody::things;

/// Fewest and most shares: one would make one custodian enough; nine people with nine passphrases are as many as a room
/// takes through the steps.
const SHARES: core::ops::RangeInclusive<usize> = 2..=9;

pub(super) fn check(plan: &Plan, found: &mut Found) {
    for person in &plan.people {
        roles(person, found);
    }
    for (id, person) in (0..).map(PersonId).zip(&plan.people) {
        if let Some(whose) = person.alternate_for {
            alternate(plan, id, person, whose, found);
        }
    }
    numbers(plan, found);
    shares(plan, found);
}

/// Roles whose holders watch each other.
fn roles(person: &Person, found: &mut Found) {
    let has = |role| person.roles.contains(&role);
    let do_now = "Take out a role, or name another person.";
    if person.roles.is_empty() {
        found.refuse(Rule::Roles, person.line, "at least one role", "none", "Give the person a role.");
    }
    if has(Role::Witness) && person.roles.iter().any(|role| *role != Role::Witness) {
        let found_words = format!("{}, who is more than that", person.id);
        found.refuse(Rule::Roles, person.line, "a witness who is nothing else", found_words, do_now);
    }
    if has(Role::Operator) && has(Role::Custodian) {
        let found_words = format!("{}, who is both", person.id);
        found.refuse(Rule::Roles, person.line, "an operator who is no custodian", found_words, do_now);
    }
}

fn alternate(plan: &Plan, id: PersonId, person: &Person, whose: PersonId, found: &mut Found) {
    let Some(other) = plan.person(whose) else { return };
    let mut refuse = |expected: &str, found_words: String, do_now: &str| {
        found.refuse(Rule::Alternate, person.line, expected, found_words, do_now);
    };
    if other.alternate_for.is_some() {
        let found_words = format!("{}, who is one too", other.id);
        refuse("an alternate for somebody who is no alternate", found_words, "Name whom both stand in for.");
    }
    // The plan decides which people come; the sign-in does not.
    let before = plan.people.iter().take(usize::from(id.0));
    if let Some(first) = before.into_iter().find(|one| one.alternate_for == Some(whose)) {
        refuse("one alternate for a person", format!("{} beside {}", person.id, first.id), "Name one of them.");
    }
    if !other.roles.iter().all(|role| person.roles.contains(role)) {
        let found_words = format!("{}, who lacks a role of {}", person.id, other.id);
        refuse("an alternate with every role of the person replaced", found_words, "Give the alternate these roles.");
    }
    let keeps = things(plan).into_iter().find(|thing| thing.custody.keeper == id);
    let is_custodian = plan.shares.iter().any(|share| share.custodian == id);
    let holds = plan.bags.iter().any(|bag| bag.holder == id);
    if keeps.is_some() || is_custodian || holds {
        let what = keeps.map_or_else(|| "a share or bag".to_owned(), |thing| thing.name);
        refuse(
            "an alternate who keeps nothing else",
            format!("{}, who keeps {what}", person.id),
            "Name another keeper.",
        );
    }
}

fn numbers(plan: &Plan, found: &mut Found) {
    let named = |role| {
        let named = plan.people.iter().filter(|it| it.alternate_for.is_none() && it.roles.contains(&role));
        named.count()
    };
    for (role, words) in [(Role::Operator, "an operator"), (Role::Witness, "a witness")] {
        if named(role) == 0 {
            let expected = format!("{words} who is no alternate: steps that cannot be undone take two roles");
            found.refuse(Rule::Count, 1, expected, "none", "Name one.");
        }
    }
    // Screens list them, each costs the room minutes, and a transcript counts in 16 bits.
    let lists = [
        ("people", plan.people.len(), 1, 32),
        ("tokens", plan.tokens.len(), 1, 16),
        ("drives", plan.drives.len(), 1, 16),
        ("hubs", plan.hubs.len(), 0, 8),
        ("keys", plan.keys.len(), 1, 16),
        ("bags", plan.bags.len(), 0, 64),
        ("shares", plan.shares.len(), *SHARES.start(), *SHARES.end()),
    ];
    for (what, number, least, most) in lists {
        if !(least..=most).contains(&number) {
            let expected = format!("{least} to {most} {what}");
            found.refuse(Rule::Count, 1, expected, number.to_string(), "Add to the plan or divide it in two.");
        }
    }
}

/// One custodian, one share: a person that knows two passphrases is two custodians in one.
fn shares(plan: &Plan, found: &mut Found) {
    for (at, share) in plan.shares.iter().enumerate() {
        let Some(custodian) = plan.person(share.custodian) else { continue };
        let do_now = "Name another person, or give this one the role.";
        if !custodian.roles.contains(&Role::Custodian) {
            let found_words = format!("{} without that role", custodian.id);
            found.refuse(Rule::Share, share.line, "a share of a custodian", found_words, do_now);
        }
        if share.passphrase.keeper != share.custodian {
            let expected = format!("the passphrase kept by its custodian {}", custodian.id);
            found.refuse(Rule::Share, share.line, expected, "another keeper", "Name the custodian or a bag of theirs.");
        }
        let before = plan.shares.iter().take(at);
        if before.clone().any(|other| other.custodian == share.custodian) {
            let found_words = format!("{} again", custodian.id);
            found.refuse(Rule::Share, share.line, "another custodian for each share", found_words, "Name more people.");
        }
        if before.clone().any(|other| other.drive == share.drive) {
            found.refuse(
                Rule::Share,
                share.line,
                "a drive of its own for each share",
                "one named before",
                "Add a drive.",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{MINIMAL, SAFIRE, broken, with_id};
    use super::*;

    #[test]
    fn nobody_is_in_two_roles_that_watch_each_other() {
        for roles in ["\"operator\", \"custodian\"", "\"operator\", \"holder\", \"witness\"", ""] {
            let rules = broken(SAFIRE, "roles = [\"operator\", \"holder\"]", &format!("roles = [{roles}]"));
            assert!(rules.contains(&Rule::Roles), "{roles}: {rules:?}");
        }
        assert_eq!(broken(SAFIRE, "roles = [\"custodian\"]", "roles = [\"custodian\", \"holder\"]"), []);
    }

    #[test]
    fn two_roles_are_always_there_to_agree() {
        let without = |role| broken(MINIMAL, &format!("roles = [\"{role}\""), "roles = [\"holder\"");
        assert!(without("witness").contains(&Rule::Count));
        assert_eq!(broken(MINIMAL, "\"operator\", \"holder\"", "\"holder\""), [Rule::Count]);
    }

    #[test]
    fn an_alternate_can_stand_in() {
        let alternate = |from, to| broken(SAFIRE, from, to);
        assert_eq!(alternate("alternate-for = \"witness-2\"", "alternate-for = \"witness-3\""), [Rule::Alternate]);
        assert_eq!(alternate("alternate-for = \"witness-2\"", "alternate-for = \"holder-1\""), [Rule::Alternate]);
        let wendy = "roles = [\"witness\"]\nalternate-for = \"witness-2\"";
        let holder = "roles = [\"holder\"]\nalternate-for = \"holder-1\"";
        assert_eq!(alternate(wendy, holder), []);
        let second = "\n[[person]]\nid = \"witness-4\"\norganisation = \"example-network\"\n";
        let second = broken(&with_id(SAFIRE, "witness-4"), "\n[[bag]]", &format!("{second}{wendy}\n\n[[bag]]"));
        assert_eq!(second, [Rule::Alternate]);
        let text = SAFIRE.replacen(wendy, holder, 1);
        assert_eq!(
            broken(&text, "custody = { keeper = \"operator\" }", "custody = { keeper = \"witness-3\" }"),
            [Rule::Alternate]
        );
    }

    #[test]
    fn every_share_has_a_custodian_and_a_drive_of_its_own() {
        let share = |from, to| broken(SAFIRE, from, to);
        let theirs =
            |who: &str| format!("custodian = \"{who}\"\ndrive = \"SHARE-2\"\npassphrase = {{ keeper = \"{who}\" }}");
        let given = |who| broken(MINIMAL, &theirs("custodian-2"), &theirs(who));
        assert_eq!(given("operator"), [Rule::Share]);
        // A person that knows both passphrases keeps the drive of one of them, too.
        assert_eq!(given("custodian-1"), [Rule::Share, Rule::Apart]);
        // In a bag of their own the drive is theirs; in the bag of another person it is not.
        let passphrase = "passphrase = { keeper = \"custodian-2\" }";
        assert_eq!(share(passphrase, "passphrase = { bag = \"1000006\" }"), []);
        let rules = share(passphrase, "passphrase = { bag = \"1000007\" }");
        assert!(rules.contains(&Rule::Share), "{rules:?}");
        let kept = "\ncustody = { bag = \"1000005\" }";
        let text = SAFIRE.replacen(&format!("holds = \"share\"{kept}"), &format!("holds = \"public\"{kept}"), 1);
        let rules = broken(&text, "drive = \"SHARE-2\"", "drive = \"SHARE-1\"");
        assert!(rules.contains(&Rule::Share), "{rules:?}");
    }

    #[test]
    fn one_share_is_too_few() {
        let second =
            "[[share]]\ncustodian = \"custodian-2\"\ndrive = \"SHARE-2\"\npassphrase = { keeper = \"custodian-2\" }";
        let text = MINIMAL.replacen(
            "holds = \"share\"\ncustody = { keeper = \"custodian-1\" }",
            "holds = \"public\"\ncustody = { keeper = \"operator\" }",
            1,
        );
        assert_eq!(broken(&text, second, ""), [Rule::Count]);
    }
}
