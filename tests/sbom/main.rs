//! The bill of materials and the licences beside the image that `scripts/image` built: are they whole, and of this image?
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, all of it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use conclave_publish::Digest;
use serde_json::Value;

fn tree() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn beside_the_image(name: &str) -> Vec<u8> {
    let path = tree().join("target/image").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run scripts/image first", path.display()))
}

fn bill() -> Value {
    serde_json::from_slice(&beside_the_image("conclave.cdx.json")).unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field:?} in {value:#}"))
}

/// Pieces by name and version.
fn pieces(bill: &Value) -> BTreeMap<(&str, &str), &Value> {
    let pieces = bill["components"].as_array().unwrap();
    pieces.iter().map(|piece| ((text(piece, "name"), text(piece, "version")), piece)).collect()
}

/// Names and versions of the crates linked into the appliance, as cargo says.
fn linked() -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "-p", "conclave-appliance", "-e", "normal,no-proc-macro"])
        .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "none", "--no-dedupe", "-f", "{p}"])
        .current_dir(tree())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let crates = listed.lines().map(|line| {
        let mut words = line.split(' ');
        (words.next().unwrap().to_owned(), words.next().unwrap().trim_start_matches('v').to_owned())
    });
    crates.collect()
}

#[test]
fn the_bill_is_cyclonedx_and_of_this_image() {
    let bill = bill();
    assert_eq!((text(&bill, "bomFormat"), text(&bill, "specVersion")), ("CycloneDX", "1.6"));
    let image = &bill["metadata"]["component"];
    assert_eq!(text(&image["hashes"][0], "content"), Digest::of(&beside_the_image("conclave.iso")).to_string());
    let commit = text(image, "version").split(' ').next().unwrap();
    assert!(commit.len() == 40 && commit.bytes().all(|digit| digit.is_ascii_hexdigit()), "{commit}");
    assert!(text(&bill["metadata"], "timestamp").ends_with('Z'));
}

#[test]
fn every_piece_has_its_licence_digest_name_and_source() {
    let bill = bill();
    for piece in bill["components"].as_array().unwrap() {
        assert!(!text(&piece["licenses"][0], "expression").is_empty(), "{piece:#}");
        assert!(text(piece, "purl").starts_with("pkg:"), "{piece:#}");
        assert!(!text(&piece["properties"][0], "value").is_empty(), "{piece:#}");
        assert!(!text(&piece["supplier"], "name").is_empty(), "{piece:#}");
        // The digest of our own crates is the commit.
        if text(&piece["supplier"], "name") != "Conclave" {
            let digest: Result<Digest, _> = text(&piece["hashes"][0], "content").parse();
            assert!(digest.is_ok(), "{piece:#}");
        }
    }
}

#[test]
fn every_linked_crate_is_in_the_bill_and_no_other() {
    let bill = bill();
    let of_cargo = |piece: &&Value| ["crates.io", "Conclave"].contains(&text(&piece["supplier"], "name"));
    let listed = pieces(&bill).into_values().filter(of_cargo).filter(|piece| text(piece, "name") != "libusb");
    let listed: BTreeSet<(String, String)> =
        listed.map(|piece| (text(piece, "name").to_owned(), text(piece, "version").to_owned())).collect();
    let linked = linked();
    assert!(linked.len() > 20, "{linked:?}");
    assert_eq!(listed, linked);
}

#[test]
fn what_is_not_a_crate_is_in_the_bill() {
    let bill = bill();
    let lock = fs::read_to_string(tree().join("image/inputs.lock")).unwrap();
    for (name, licence) in [
        ("linux-source-6.1", "GPL-2.0-only WITH Linux-syscall-note"),
        ("isolinux", "GPL-2.0-or-later"),
        ("syslinux-common", "GPL-2.0-or-later"),
        ("dosfstools", "GPL-3.0-or-later"),
        ("libc6-dev", "LGPL-2.1-or-later"),
        ("libgcc-12-dev", "GPL-3.0-or-later WITH GCC-exception-3.1"),
    ] {
        let (_, piece) = pieces(&bill).into_iter().find(|((piece, _), _)| *piece == name).unwrap();
        assert_eq!(text(&piece["licenses"][0], "expression"), licence);
        let (version, digest) = (text(piece, "version"), text(&piece["hashes"][0], "content"));
        let locked = lock
            .lines()
            .any(|line| line.starts_with(&format!("deb {name} {version} ")) && line.ends_with(&format!(" {digest}")));
        assert!(locked, "{name} {version} {digest} is not as inputs.lock says");
    }
    assert!(pieces(&bill).keys().any(|(name, _)| *name == "rust-std"));
    // Its licence is not that of the crate that brings it.
    let libusb = pieces(&bill).into_iter().find(|((name, _), _)| *name == "libusb");
    assert_eq!(libusb.is_some(), linked().iter().any(|(name, _)| name == "libusb1-sys"));
    assert!(libusb.is_none_or(|(_, piece)| text(&piece["licenses"][0], "expression") == "LGPL-2.1-or-later"));
}

#[test]
fn whoever_is_depended_on_is_listed_and_everything_hangs_below_the_image() {
    let bill = bill();
    let dependencies = bill["dependencies"].as_array().unwrap();
    let below: BTreeMap<&str, BTreeSet<&str>> = dependencies
        .iter()
        .map(|line| (text(line, "ref"), line["dependsOn"].as_array().unwrap().iter().flat_map(Value::as_str).collect()))
        .collect();
    let listed: BTreeSet<&str> = pieces(&bill).into_values().map(|piece| text(piece, "bom-ref")).collect();
    let mut reached = BTreeSet::new();
    let mut open = vec![text(&bill["metadata"]["component"], "bom-ref")];
    while let Some(one) = open.pop() {
        open.extend(below[one].iter().copied().filter(|other| reached.insert(*other)));
    }
    assert_eq!(reached, listed);
}

#[test]
fn the_licences_name_every_piece_its_source_and_its_words() {
    let bill = bill();
    let page = String::from_utf8(beside_the_image("LICENSES.txt")).unwrap();
    for ((name, version), piece) in pieces(&bill) {
        let licence = text(&piece["licenses"][0], "expression");
        let source = text(&piece["properties"][0], "value");
        assert!(page.contains(&format!("\n{name} {version}: {licence}\n    source: {source}\n")), "{name} {version}");
        assert!(page.contains(&format!("{name} {version} (")), "no words for {name} {version}");
    }
    for words in
        ["GNU GENERAL PUBLIC LICENSE", "GNU LESSER GENERAL PUBLIC LICENSE", "Apache License", "Permission is hereby"]
    {
        assert!(page.contains(words), "{words}");
    }
    let lock = fs::read_to_string(tree().join("image/inputs.lock")).unwrap();
    for source in lock.lines().filter_map(|line| line.strip_prefix("src ")) {
        assert!(page.contains(source.rsplit(' ').next().unwrap()), "{source}");
    }
}
