//! The verifier shares no decision with the code that it judges. From its own crate the verifier takes the parts of a record, the
//! plan with its rules, and words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Modules of `conclave-ceremony` that the verifier may take from. Compiler, step, kinds, judge and the like are not among them.
const SHARED: [&str; 12] =
    ["act", "entry", "event", "ids", "plan", "public", "rules", "say", "script", "seen", "transcript", "twin"];

#[test]
fn the_verifier_takes_nothing_from_the_code_that_decides() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/ceremony/src/verify");
    let mut taken = BTreeSet::new();
    let files = |folder: &Path| -> Vec<_> {
        fs::read_dir(folder).expect("a folder of the verifier").map(|file| file.expect("a file").path()).collect()
    };
    let (folders, mut sources): (Vec<_>, Vec<_>) = files(&folder).into_iter().partition(|path| path.is_dir());
    assert!(folders.iter().any(|folder| folder.ends_with("kind")), "{folders:?}");
    sources.extend(folders.iter().flat_map(|folder| files(folder)));
    for file in sources {
        let text = fs::read_to_string(file).expect("a source");
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
