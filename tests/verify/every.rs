//! Every rule of the verifier has a record in these tests that it refuses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use conclave_ceremony::verify::Rule;

use super::{boots, codes, deleted, rewritten, rules};

/// Rules that refused a record where a test wanted them to.
static REFUSED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// A rule refused the record that was to be refused by it.
pub(super) fn refused_by(rule: &str) {
    REFUSED.lock().unwrap().insert(rule.to_owned());
}

/// Names of the rules that can refuse, from the verifier's source: the first argument of `refuse`, and of `follow`, which hands
/// its own on to `refuse`.
fn names() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/ceremony/src/verify");
    let mut names = BTreeSet::new();
    let paths = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let (folders, mut files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path()));
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        for call in text.split("account.refuse(").skip(1).chain(text.split(" follow(case, account,").skip(1)) {
            let argument = call.trim_start();
            let Some(rest) = argument.strip_prefix("Rule::") else {
                // `follow` itself.
                assert!(argument.starts_with("rule, "), "a rule without a name: {argument:.40}");
                continue;
            };
            let named = |rule: &&Rule| rest.starts_with(&format!("{rule:?},"));
            names.insert(Rule::ALL.iter().find(named).expect("a rule").name().to_owned());
        }
    }
    names
}

#[test]
fn every_rule_of_the_verifier_refuses_a_record_of_these_tests() {
    // The provocations assert their results by themselves, too; here they tell the rules that refused.
    for test in [
        rules::order,
        rules::script,
        rules::people,
        codes::codes,
        rules::authorised,
        rules::acts,
        rules::plugged_in,
        rules::times,
        boots::clock,
        boots::resumed,
        rules::tokens,
        rules::keys,
        rules::secrets,
        rules::files,
        rules::bags,
        rules::deviations,
        deleted::without_any_one_check_of_the_step_code_the_record_is_refused_by_the_rule_named,
        deleted::an_outcome_that_no_such_act_gives_is_refused,
        rewritten::a_transcript_cut_anywhere_is_incomplete,
        rewritten::bytes_after_the_last_entry_are_refused,
        rewritten::the_simulated_root_is_refused_under_a_production_plan,
        rewritten::what_stands_against_the_machine_is_refused_where_it_counts_unless_the_plan_accepts_it_by_name,
        super::another_plan_is_refused,
    ] {
        test();
    }
    let (names, refused) = (names(), REFUSED.lock().unwrap().clone());
    assert!(names.len() > 34, "{names:?}");
    assert_eq!(refused, names, "rules that refuse a record, rules there are");
    println!("figure: each of {} rules of the verifier refuses a record", names.len());
}
