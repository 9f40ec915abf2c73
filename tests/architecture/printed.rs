//! Words from outside reach a terminal through one filter: the one file of each program of the desk that prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of the desk's programs that write to a terminal themselves: the filter of each, and what draws a rehearsal.
const WRITE: [&str; 3] = ["src/cli/src/said.rs", "src/cli/src/rehearse/terminal.rs", "src/receive/src/said.rs"];
/// How a program of Rust writes to its terminal.
const WRITES: [&str; 5] = ["stdout()", "stderr()", "print!(", "println!(", "dbg!("];

fn tree() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Everything in a folder of the tree, sorted, as paths from its root.
fn within(folder: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(tree().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    entries.map(|entry| format!("{folder}/{}", entry.expect("an entry").file_name().to_string_lossy())).collect()
}

/// Every file below a folder.
fn below(folder: &str) -> Vec<String> {
    let (folders, mut files): (Vec<String>, Vec<String>) =
        within(folder).into_iter().partition(|path| tree().join(path).is_dir());
    files.extend(folders.iter().flat_map(|folder| below(folder)));
    files
}

fn text(path: &str) -> String {
    fs::read_to_string(tree().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_programs_of_the_desk_print_through_the_filter_only() {
    let mut write = BTreeSet::new();
    for path in ["src/cli/src", "src/receive/src"].into_iter().flat_map(below) {
        let text = text(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        if WRITES.iter().any(|writes| code.contains(writes)) {
            write.insert(path);
        }
    }
    assert_eq!(write, WRITE.map(str::to_owned).into(), "files that write to a terminal");
}
