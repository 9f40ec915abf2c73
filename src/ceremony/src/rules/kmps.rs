//! SAFIRE's Key Management Practice Statement, as far as a plan can keep or break it.
//!
//! Source: SAFIRE, Key Management Practice Statement, version of 2020-02-02; its clauses counted P1 to P15.

use std::collections::BTreeSet;

use super::Found;
use super::custody::{Kept, Thing, apart, things};
use crate::ids::TokenId;
use crate::plan::{Plan, Rule};

/// "Several" tokens besides the master.
const COPIES_MIN: usize = 2;

pub(super) fn check(plan: &Plan, found: &mut Found) {
    let things = things(plan);
    let masters: BTreeSet<_> = plan.keys.iter().map(|key| key.master).collect();
    keys(plan, &masters, found);
    for kept in &things {
        stored(plan, kept, &masters, found);
    }
    in_use(&things, found);
    // A share's drive is apart from tokens by the rule that always holds; here its passphrase is, too.
    for token in things.iter().filter(|kept| matches!(kept.thing, Thing::Token(_))) {
        for passphrase in things.iter().filter(|kept| matches!(kept.thing, Thing::Passphrase(_))) {
            apart(plan, token, passphrase, Rule::KmpsP7, found);
        }
    }
}

fn keys(plan: &Plan, masters: &BTreeSet<TokenId>, found: &mut Found) {
    for key in &plan.keys {
        let name = key.label.as_str();
        if key.copies.len() < COPIES_MIN {
            let expected = "copies on several tokens: at least two besides the master";
            let found_words = format!("{} of {name}", key.copies.len());
            found.refuse(Rule::KmpsP5, key.line, expected, found_words, "Add tokens for copies.");
        }
        if Some(&key.master) != masters.first() {
            let found_words = format!("another for {name} than for a key before");
            found.refuse(Rule::KmpsP5, key.line, "one master for all keys", found_words, "Name the same master.");
        }
    }
}

/// A thing that is stored for recovery: in a bag, in a fire-proof safe.
fn stored(plan: &Plan, kept: &Kept, masters: &BTreeSet<TokenId>, found: &mut Found) {
    let without_bag = match kept.thing {
        Thing::Token(token) if !masters.contains(&token) => Some(Rule::KmpsP6),
        Thing::Share(_) | Thing::Blobs => Some(Rule::KmpsP9),
        Thing::Token(_) => None,
        Thing::Pin(_) | Thing::SoPin(_) | Thing::Passphrase(_) | Thing::Open(_) => return,
    };
    match (kept.custody.bag.and_then(|bag| plan.bag(bag)), without_bag) {
        (None, Some(rule)) => {
            let expected = format!("{} in a tamper-evident bag", kept.name);
            found.refuse(rule, kept.line, expected, "none", "Name a bag for it.");
        }
        (Some(bag), _) if !bag.fireproof => {
            let expected = format!("a fire-proof safe for {}", kept.name);
            let found_words = format!("the place {}, which is not said to be one", bag.place);
            let do_now = "Choose another place, or add `fireproof = true` if it is one.";
            found.refuse(Rule::KmpsP8, bag.line, expected, found_words, do_now);
        }
        (None, None) | (Some(_), _) => {}
    }
}

/// One token goes into the server. Every other leaves the room in a bag.
fn in_use(things: &[Kept], found: &mut Found) {
    let loose = things.iter().filter(|kept| matches!(kept.thing, Thing::Token(_)) && kept.custody.bag.is_none());
    if let Some(second) = loose.clone().nth(1) {
        let expected = "at most one token without a bag: the one that goes into use";
        let found_words = format!("{}, too", second.name);
        found.refuse(Rule::KmpsP9, second.line, expected, found_words, "Name a bag for it.");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SAFIRE, broken};
    use super::*;

    /// The example that keeps every clause breaks exactly this one when changed, and none without the policy.
    #[track_caller]
    fn breaks(rule: Rule, from: &str, to: &str) {
        assert_eq!(broken(SAFIRE, from, to), [rule], "{to}");
        assert_eq!(broken(&SAFIRE.replace("[\"kmps\"]", "[]"), from, to), [], "{to}");
    }

    #[test]
    fn p5_keys_are_made_in_one_master_and_backed_up_on_several_tokens() {
        let copies = "copies = [\"SAFIRE-2\", \"SAFIRE-3\"]";
        breaks(Rule::KmpsP5, copies, "copies = [\"SAFIRE-2\"]");
        let key = &format!("master = \"SAFIRE-1\"\n{copies}");
        breaks(Rule::KmpsP5, key, "master = \"SAFIRE-2\"\ncopies = [\"SAFIRE-1\", \"SAFIRE-3\"]");
    }

    #[test]
    fn p6_tokens_that_are_not_in_use_are_stored() {
        let rules = broken(SAFIRE, "custody = { bag = \"1000002\" }", "custody = { keeper = \"holder-2\" }");
        assert!(rules.contains(&Rule::KmpsP6), "{rules:?}");
    }

    #[test]
    fn p7_a_passphrase_is_apart_from_tokens() {
        let custodian = "roles = [\"custodian\"]";
        let text = SAFIRE.replacen(custodian, "roles = [\"custodian\", \"holder\"]", 1);
        let text = text.replacen("holder = \"holder-2\"", "holder = \"custodian-1\"", 1);
        let text = text.replacen("custody = { bag = \"1000005\" }", "custody = { keeper = \"holder-2\" }", 1);
        let rules = super::super::testing::rules(&text);
        assert!(rules.contains(&Rule::KmpsP7), "{rules:?}");
        let rules = super::super::testing::rules(&text.replace("[\"kmps\"]", "[]"));
        assert!(!rules.contains(&Rule::KmpsP7), "{rules:?}");
    }

    #[test]
    fn p8_tokens_shares_and_blobs_are_in_fire_proof_safes() {
        for holder in ["holder-1", "custodian-1", "operator"] {
            let bag = format!("holder = \"{holder}\"\nfireproof = true");
            breaks(Rule::KmpsP8, &bag, &format!("holder = \"{holder}\""));
        }
    }

    #[test]
    fn p9_what_is_stored_is_in_tamper_evident_bags() {
        let blobs = "custody = { bag = \"1000007\" }";
        assert!(broken(SAFIRE, blobs, "custody = { keeper = \"operator\" }").contains(&Rule::KmpsP9));
        let text = SAFIRE.replacen("custody = { bag = \"1000001\" }", "custody = { keeper = \"holder-1\" }", 1);
        assert!(super::super::testing::rules(&text).contains(&Rule::KmpsP9));
    }
}
