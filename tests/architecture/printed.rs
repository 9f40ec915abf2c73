//! Words from outside reach a terminal through one filter: in programs by the one file of each that prints, in parsers by a fuzz
//! target that reads every error.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Files of the desk's programs that write to a terminal themselves: the filter of each, and the files that draw a
/// rehearsal.
const WRITE: [&str; 3] = ["src/cli/src/said.rs", "src/cli/src/rehearse/terminal.rs", "src/desk/src/said.rs"];
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
pub(super) fn below(folder: &str) -> Vec<String> {
    let (folders, mut files): (Vec<String>, Vec<String>) =
        within(folder).into_iter().partition(|path| tree().join(path).is_dir());
    files.extend(folders.iter().flat_map(|folder| below(folder)));
    files
}

pub(super) fn text(path: &str) -> String {
    fs::read_to_string(tree().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_programs_of_the_desk_print_through_the_filter_only() {
    let mut write = BTreeSet::new();
    for path in ["src/cli/src", "src/desk/src"].into_iter().flat_map(below) {
        let text = text(&path);
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        if WRITES.iter().any(|writes| code.contains(writes)) {
            write.insert(path);
        }
    }
    assert_eq!(write, WRITE.map(str::to_owned).into(), "files that write to a terminal");
}

/// Targets of `tests/fuzz`, by the stem of their file.
fn targets() -> BTreeSet<String> {
    let stem = |path: String| Path::new(&path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    within("tests/fuzz/fuzz_targets").into_iter().filter_map(stem).collect()
}

#[test]
fn every_fuzz_target_is_built_has_seeds_and_reads_what_its_parser_says() {
    let targets = targets();
    assert!(targets.len() > 30, "{targets:?}");
    let manifest = text("tests/fuzz/Cargo.toml");
    let bins = manifest.split("[[bin]]").skip(1).filter_map(|bin| bin.split('"').nth(1)).map(str::to_owned);
    assert_eq!(bins.collect::<BTreeSet<_>>(), targets, "tests/fuzz/Cargo.toml");
    let seeds = within("tests/fuzz/corpus");
    let parsers = targets.iter().filter(|target| *target != "planted");
    assert_eq!(seeds, parsers.map(|target| format!("tests/fuzz/corpus/{target}")).collect(), "tests/fuzz/corpus");
    for folder in seeds {
        assert!(!within(&folder).is_empty(), "{folder} is empty");
    }
    for target in targets {
        let code = text(&format!("tests/fuzz/fuzz_targets/{target}.rs"));
        // `target!` reads the error that the parser ends with; libFuzzer's own macro reads nothing.
        assert!(
            code.contains("\ntarget!(|") && !code.contains("fuzz_target!"),
            "{target}: no target! of conclave_fuzz"
        );
    }
}
