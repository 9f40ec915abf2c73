//! The record by its grammar, `docs/transcript.cddl`, as CDDL tools of other people read it.

use std::fs;
use std::path::Path;
use std::process::Command;

use ciborium::Value;
use conclave_tests::tool::cached;

use crate::tool::{folder, tool};

const TRANSCRIPT: &[u8] = include_bytes!("../golden/transcripts/v2/conclave.cbor");
const GRAMMAR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/transcript.cddl");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/publish/grammar.py");

/// Which of these files cddl-verifier takes.
fn taken(folder: &Path, names: &[String]) -> Vec<bool> {
    let wheel = cached("cddl/current", "scripts/fetch-cddl");
    let wheel = format!("PYTHONPATH={}", wheel.canonicalize().unwrap().display());
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let said = tool(folder, "env", &[&[&wheel, "python3", SCRIPT, GRAMMAR], &names[..]].concat());
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), names.len());
    let taken = |(line, name): (&str, &&str)| match line.split_once(' ') {
        Some(("valid", of)) if of == *name => true,
        Some(("invalid", of)) if of == *name => false,
        _ => panic!("{line}"),
    };
    lines.into_iter().zip(&names).map(taken).collect()
}

/// An entry as it is encoded, and its members.
type Encoded = (&'static [u8], Vec<(Value, Value)>);

/// The golden record, cut into its entries: each as it stands there, and its members.
fn entries() -> Vec<Encoded> {
    let mut left = TRANSCRIPT;
    let mut entries = Vec::new();
    while !left.is_empty() {
        let from = left;
        let Value::Map(members) = ciborium::from_reader(&mut left).unwrap() else { panic!("an entry is a map") };
        entries.push((&from[..from.len() - left.len()], members));
    }
    entries
}

/// Every golden entry in a file of a folder, and each with one member spoiled: their names.
fn written(folder: &Path) -> [Vec<String>; 2] {
    let (mut sound, mut spoiled) = (Vec::new(), Vec::new());
    for (at, (bytes, mut members)) in entries().into_iter().enumerate() {
        sound.push(format!("{at}.cbor"));
        fs::write(folder.join(&sound[at]), bytes).unwrap();
        // Each member of an entry has its turn, many times.
        let member = at % members.len();
        members[member].1 = Value::Null;
        spoiled.push(format!("{at}-{}-is-null.cbor", members[member].0.as_text().unwrap()));
        let mut bytes = Vec::new();
        ciborium::into_writer(&Value::Map(members), &mut bytes).unwrap();
        fs::write(folder.join(&spoiled[at]), bytes).unwrap();
    }
    assert!(sound.len() > 100, "{}", sound.len());
    [sound, spoiled]
}

#[test]
fn a_foreign_tool_takes_every_golden_entry_and_refuses_it_with_one_member_spoiled() {
    let folder = folder("grammar");
    let [sound, spoiled] = written(&folder);
    assert_eq!(taken(&folder, &sound), vec![true; sound.len()]);
    assert_eq!(taken(&folder, &spoiled), vec![false; spoiled.len()]);
    println!("figure: {} golden entries judged by cddl-verifier", sound.len());
}

#[test]
#[ignore = "the tool takes minutes to compile: scripts/test second-cddl grammar"]
fn a_second_foreign_tool_takes_every_golden_entry_and_refuses_it_with_one_member_spoiled() {
    let folder = folder("grammar-second");
    let program = cached("cddl/second/bin/cddl", "scripts/fetch-cddl --second");
    // Only with --ci does the program say by its exit code that it refused a file.
    let takes = |name: &String| {
        let arguments = ["--ci", "validate", "--cddl", GRAMMAR, "--cbor", name];
        Command::new(&program).args(arguments).current_dir(&folder).output().unwrap().status.success()
    };
    let [sound, spoiled] = written(&folder);
    assert_eq!(sound.iter().find(|name| !takes(name)), None);
    assert_eq!(spoiled.iter().find(|name| takes(name)), None);
    println!("figure: {} golden entries judged by the crate cddl", sound.len());
}
