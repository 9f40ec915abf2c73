//! The pages a reader meets first: each claim of theirs about the tree is checked against the tree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{metadata, text};

/// Targets of `conclave-tests` that are tests, or that are none; its library has no line of its own.
fn targets(tests: bool) -> BTreeSet<String> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let package = packages.iter().find(|package| package["name"] == "conclave-tests").expect("the package of tests");
    let targets = package["targets"].as_array().expect("targets").iter();
    let kind = |target: &Value| text(&target["kind"][0]);
    targets
        .filter(|target| kind(target) != "lib" && (kind(target) == "test") == tests)
        .map(|target| text(&target["name"]))
        .collect()
}

/// The table below a heading of `tests/README.md`: the cells of each row that has a name in its first cell.
fn table(heading: &str) -> BTreeMap<String, Vec<&'static str>> {
    let page = include_str!("../README.md");
    let section = page.split("\n## ").find_map(|section| section.strip_prefix(heading)).expect("a section");
    let rows = section.lines().filter_map(|row| row.strip_prefix("| `")?.split_once("` | "));
    rows.map(|(name, cells)| (name.to_owned(), cells.split('|').map(str::trim).collect())).collect()
}

#[test]
fn the_page_of_tests_has_a_line_for_every_target_and_names_its_stage() {
    let tests = table("Tests\n");
    assert_eq!(tests.keys().cloned().collect::<BTreeSet<_>>(), targets(true), "tests/README.md: tests");
    let programs = table("Programs beside them\n");
    assert_eq!(programs.into_keys().collect::<BTreeSet<_>>(), targets(false), "tests/README.md: programs");
    let script = include_str!("../../scripts/test");
    // Those of every run, and those that `--full` leaves out.
    let stage = |line: &'static str| line.strip_prefix("stage ").or_else(|| line.strip_prefix("usual "));
    let stages: BTreeSet<&str> = script.lines().filter_map(|line| stage(line)?.split(' ').next()).collect();
    for (target, cells) in tests {
        assert!(stages.contains(cells[1]), "{target}: scripts/test has no stage {:?}", cells[1]);
        assert!(script.contains(&format!("--test {target}")), "{target} is in no stage of scripts/test");
    }
}

/// Targets of the links in a page, without links to other places or into the page itself.
fn links(page: &str) -> Vec<String> {
    let after = page.split("](").skip(1).chain(page.split("src=\"").skip(1));
    let targets = after.filter_map(|rest| rest.split([')', '"', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains("://")).map(str::to_owned).collect()
}

/// Paths from the root of the tree that a page names as code: the first word between two backticks.
fn paths(page: &str) -> Vec<&str> {
    let code = page.split('`').skip(1).step_by(2).filter_map(|code| code.split_whitespace().next());
    let known = ["appliance/", "docs/", "image/", "scripts/", "src/", "tests/"];
    code.filter(|path| known.iter().any(|folder| path.starts_with(folder)) && !path.contains(['*', '{'])).collect()
}

#[test]
fn every_link_and_every_path_of_a_page_leads_to_something() {
    let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(tree.join("docs")).expect("docs").map(|entry| entry.expect("a page").path());
    let docs = docs.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let mut count = (0, 0);
    for path in docs.chain([tree.join("README.md"), tree.join("tests/README.md")]) {
        let (page, folder) = (fs::read_to_string(&path).expect("a page"), path.parent().expect("a folder"));
        for link in links(&page) {
            assert!(folder.join(&link).exists(), "{}: the link to {link} leads nowhere", path.display());
            count.0 += 1;
        }
        // A fence is three backticks around lines that are no names.
        for named in paths(&page.replace("```", "")) {
            assert!(tree.join(named).exists(), "{}: there is no {named}", path.display());
            count.1 += 1;
        }
    }
    println!("figure: {} links and {} paths in the pages lead to something", count.0, count.1);
    assert!(count.0 > 20 && count.1 > 50, "{count:?}");
}

#[test]
fn the_recording_is_whole_and_needs_nothing_outside_itself() {
    let svg = include_str!("../../docs/recording.svg");
    assert!(svg.len() <= 1 << 20, "{} bytes: a page with it would load slowly", svg.len());
    assert!(svg.contains("verifies to its end"), "it ends before the record is verified");
    let within = svg.replacen("http://www.w3.org/2000/svg", "", 1);
    for outside in ["://", "<script", "<image", "<foreignObject", "url(", "@import", "javascript:"] {
        assert!(!within.contains(outside), "{outside:?} stands in the recording");
    }
}
