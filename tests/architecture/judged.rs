//! The verifier shares no decision with the code that it judges. From its own crate the verifier takes the parts of a record, the
//! plan with its rules, and words.

use std::collections::BTreeSet;

use crate::printed::{below, text};

/// Modules of `conclave-ceremony` that the verifier may take from. Compiler, step, kinds, judge and the like are not among them.
const SHARED: [&str; 12] =
    ["act", "entry", "event", "ids", "plan", "public", "rules", "say", "script", "seen", "transcript", "twin"];

#[test]
fn the_verifier_takes_nothing_from_the_code_that_decides() {
    let sources = below("src/ceremony/src/verify");
    assert!(sources.iter().any(|path| path.contains("/kind/")), "{sources:?}");
    let mut taken = BTreeSet::new();
    for path in sources {
        let text = text(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let modules =
                line.split("crate::").skip(1).map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_'));
            taken.extend(modules.filter_map(|mut words| words.next().map(str::to_owned)));
        }
    }
    // A room of `verify/kind` names the verifier itself.
    taken.remove("verify");
    assert_eq!(taken, SHARED.map(str::to_owned).into(), "modules that verify takes from");
}
