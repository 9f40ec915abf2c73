//! The floors of the building, asked of cargo rather than of names: which crate may depend on which, which crates
//! never enter, how many crates there are, and their licences.

mod judged;
mod pages;
mod printed;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// The crates that each crate of the workspace may depend on, besides crates from the registry. Arrows point down
/// only.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("smartcard-hsm", &[]),
    ("conclave-publish", &[]),
    ("conclave-ceremony", &["smartcard-hsm", "conclave-publish"]),
    ("conclave-console", &["smartcard-hsm", "conclave-publish", "conclave-ceremony"]),
    ("smartcard-hsm-usb", &["smartcard-hsm"]),
    ("smartcard-hsm-recover", &["smartcard-hsm"]),
    (
        "conclave-sim",
        &["smartcard-hsm", "smartcard-hsm-recover", "conclave-ceremony", "conclave-publish", "conclave-console"],
    ),
    ("conclave-medium", &["conclave-publish"]),
    ("conclave-image", &["conclave-medium", "conclave-publish"]),
    (
        "conclave-appliance",
        &[
            "smartcard-hsm",
            "smartcard-hsm-usb",
            "conclave-medium",
            "conclave-publish",
            "conclave-ceremony",
            "conclave-console",
        ],
    ),
    ("conclave-receive", &["conclave-publish", "conclave-ceremony"]),
    (
        "conclave",
        &[
            "smartcard-hsm",
            "smartcard-hsm-usb",
            "conclave-medium",
            "conclave-publish",
            "conclave-ceremony",
            "conclave-console",
            "conclave-sim",
        ],
    ),
];

/// The appliance, and the crates that will be linked into it. Everything below them is trusted with the keys.
const APPLIANCE_FLOORS: &[&str] = &[
    "conclave-appliance",
    "smartcard-hsm",
    "smartcard-hsm-usb",
    "conclave-publish",
    "conclave-ceremony",
    "conclave-console",
];

/// Crates of this workspace that must never be below the appliance.
const NEVER_IN_APPLIANCE: &[&str] = &["conclave-receive", "conclave-sim", "smartcard-hsm-recover", "conclave"];

/// Crates nothing here may pull in: async runtimes, another TLS or crypto library, terminal event loops, randomness
/// and time where the floors take them as arguments.
const FORBIDDEN: &[&str] = &[
    "tokio",
    "async-std",
    "smol",
    "openssl",
    "openssl-sys",
    "ring",
    "aws-lc-rs",
    "mio",
    "signal-hook",
    "chrono",
    "regex",
];

/// Crates the appliance may be made of at most.
const APPLIANCE_CRATES_MAX: usize = 140;

/// Packages that `conclave` is compiled from at most, itself, build scripts and tests included: a stranger waits for each.
const CONCLAVE_PACKAGES_MAX: usize = 152;

/// SPDX licences a dependency may offer; one alternative of an `OR` is enough.
const LICENCES: &[&str] = &[
    "Apache-2.0",
    "MIT",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "0BSD",
    "BlueOak-1.0.0",
    "LGPL-2.1-or-later",
    "Apache-2.0 WITH LLVM-exception",
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform=x86_64-unknown-linux-gnu"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

struct Graph {
    names: BTreeMap<String, String>,
    members: BTreeSet<String>,
    licences: BTreeMap<String, String>,
    /// Package to the packages it links on this host: normal edges only.
    normal: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn ask_cargo() -> Self {
        let metadata = metadata();
        let mut graph = Self {
            names: BTreeMap::new(),
            members: metadata["workspace_members"].as_array().expect("members").iter().map(text).collect(),
            licences: BTreeMap::new(),
            normal: BTreeMap::new(),
        };
        for package in metadata["packages"].as_array().expect("packages") {
            let id = text(&package["id"]);
            graph.names.insert(id.clone(), text(&package["name"]));
            graph.licences.insert(id, package["license"].as_str().unwrap_or("none").to_owned());
        }
        for node in metadata["resolve"]["nodes"].as_array().expect("nodes") {
            let normal =
                node["deps"].as_array().expect("deps").iter().filter(|dep| {
                    dep["dep_kinds"].as_array().expect("kinds").iter().any(|kind| kind["kind"].is_null())
                });
            graph.normal.insert(text(&node["id"]), normal.map(|dep| text(&dep["pkg"])).collect());
        }
        graph
    }

    fn id(&self, name: &str) -> &String {
        self.members.iter().find(|id| self.names[*id] == name).unwrap_or_else(|| panic!("{name} is a workspace member"))
    }

    /// Everything linked into these members, themselves included, by name.
    fn below(&self, roots: &[&str]) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = roots.iter().map(|root| self.id(root)).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                open.extend(&self.normal[id]);
            }
        }
        seen.into_iter().map(|id| self.names[id].as_str()).collect()
    }
}

#[test]
fn arrows_point_down_only() {
    let graph = Graph::ask_cargo();
    for (name, allowed) in MAY_DEPEND_ON {
        for dependency in &graph.normal[graph.id(name)] {
            if graph.members.contains(dependency) {
                let dependency = graph.names[dependency].as_str();
                assert!(allowed.contains(&dependency), "{name} depends on {dependency}, which is not below it");
            }
        }
    }
    let ruled: BTreeSet<&str> = MAY_DEPEND_ON.iter().map(|(name, _)| *name).chain(["conclave-tests"]).collect();
    let members: BTreeSet<&str> = graph.members.iter().map(|id| graph.names[id].as_str()).collect();
    assert_eq!(members, ruled, "every workspace member has its rule");
}

#[test]
fn no_simulator_and_no_key_opener_below_the_appliance() {
    let graph = Graph::ask_cargo();
    let below = graph.below(APPLIANCE_FLOORS);
    for name in NEVER_IN_APPLIANCE {
        assert!(!below.contains(name), "{name} is linked into the appliance's floors");
    }
    // The same question, asked where the answer is known to be yes: the check can fail.
    assert!(graph.below(&["conclave"]).contains("conclave-sim"));
}

#[test]
fn forbidden_crates_are_nowhere() {
    let graph = Graph::ask_cargo();
    let all: BTreeSet<&str> = graph.names.values().map(String::as_str).collect();
    let found: Vec<&&str> = FORBIDDEN.iter().filter(|name| all.contains(**name)).collect();
    assert!(found.is_empty(), "forbidden crates in the lock file: {found:?}");
}

#[test]
fn the_appliance_stays_within_its_crate_count() {
    let count = Graph::ask_cargo().below(APPLIANCE_FLOORS).len();
    println!("figure: {count} crates below the appliance, at most {APPLIANCE_CRATES_MAX}");
    assert!((20..=APPLIANCE_CRATES_MAX).contains(&count), "{count} crates");
}

#[test]
fn conclave_stays_within_its_package_count() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package=conclave", "--locked", "--offline", "--prefix=none", "--no-dedupe"])
        .output()
        .expect("cargo runs");
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).expect("cargo prints text");
    let packages: BTreeSet<&str> = tree.lines().filter(|line| line.contains(' ')).collect();
    println!("figure: {} packages in conclave, at most {CONCLAVE_PACKAGES_MAX}", packages.len());
    assert!((100..=CONCLAVE_PACKAGES_MAX).contains(&packages.len()), "{packages:?}");
}

#[test]
fn every_dependency_has_a_licence_we_may_ship() {
    let graph = Graph::ask_cargo();
    let refused: Vec<String> = graph
        .licences
        .iter()
        .filter(|(_, licence)| !allowed(licence))
        .map(|(id, licence)| format!("{} ({licence})", graph.names[id]))
        .collect();
    assert!(refused.is_empty(), "not on the list of licences: {refused:?}");
}

/// One alternative of every `AND` part is on the list.
fn allowed(expression: &str) -> bool {
    expression.split(" AND ").all(|part| {
        part.trim_matches(['(', ')'])
            .split(" OR ")
            .flat_map(|licence| licence.split('/'))
            .any(|licence| LICENCES.contains(&licence.trim_matches(['(', ')', ' '])))
    })
}

#[test]
fn a_licence_expression_needs_one_allowed_alternative_in_each_part() {
    for (expression, ok) in [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("MIT/Unlicense", true),
        ("GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("MIT AND GPL-2.0-only", false),
        ("none", false),
    ] {
        assert_eq!(allowed(expression), ok, "{expression}");
    }
}
