//! `conclave plan check` as the author of a plan runs it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use conclave_publish::Digest;

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plans").join(name)
}

fn check(path: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave")).args(["plan", "check"]).arg(path).output().unwrap()
}

/// The refusal of a plan, with nothing printed as if it were good.
#[track_caller]
fn refused(path: &Path) -> String {
    let output = check(path);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// A file that is gone when the test is.
struct Changed(PathBuf);

impl Changed {
    fn new(name: &str, from: &str, to: &str) -> Self {
        let text = fs::read_to_string(example("safire/plan.toml")).unwrap();
        assert!(text.contains(from));
        let path = std::env::temp_dir().join(format!("conclave-plan-{name}-{}.toml", std::process::id()));
        fs::write(&path, text.replacen(from, to, 1)).unwrap();
        Self(path)
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_good_plan_is_told_by_digest_script_and_coalitions() {
    for (name, facts) in [
        (
            "safire/plan.toml",
            [
                "Federation signing keys 2026: a plan of kind rehearsal",
                "metadata-signing-2026-ec: P-256, id 02, metadata signing, elliptic curve",
                "on SAFIRE-1, SAFIRE-2, SAFIRE-3 (made on the first); certificate for seven days from the day of the rehearsal",
                "people  operator + custodian-2 + custodian-1",
                "NAMES: names.toml fits: each of its 17 lines opens its digest in this plan",
            ],
        ),
        (
            "minimal/plan.toml",
            [
                "One key on two tokens: a plan of kind rehearsal",
                "4 devices at once on 4 ports",
                "Operator and Witness",
                "places  with operator + \"second-site\"",
                "NAMES: names.toml fits: each of its 8 lines opens its digest in this plan",
            ],
        ),
    ] {
        let output = check(&example(name));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{said}");
        let digest = Digest::of(&fs::read(example(name)).unwrap());
        assert!(said.contains(&format!("{digest}  ")), "{said}");
        let last = format!("\n16 {}  {}\n", digest.groups()[15], digest.groups()[15].words());
        assert!(said.contains(&last), "{said}");
        for fact in facts {
            assert!(said.contains(fact), "{said} does not say {fact:?}");
        }
        assert!(said.is_ascii(), "{said}");
    }
}

#[test]
fn the_script_numbers_every_step_with_role_budget_and_devices() {
    let said = String::from_utf8(check(&example("minimal/plan.toml")).stdout).unwrap();
    let steps: Vec<_> = said.lines().filter(|line| line.contains(" min  ")).collect();
    for (number, line) in (1..).zip(&steps) {
        assert!(line.starts_with(&format!("{number:>3} ")), "{line}");
    }
    assert!(said.contains(&format!("SCRIPT: {} steps", steps.len())), "{said}");
    let import = steps.iter().find(|line| line.contains("Import shares")).unwrap();
    assert!(import.contains("Operator and Witness") && import.ends_with("MASTER BACKUP"), "{import}");
}

#[test]
fn a_plan_is_refused_with_every_reason_at_once() {
    let plan = Changed::new("ports", "ports = 6", "ports = 4");
    let said = refused(&plan.0);
    assert!(said.contains("line 24, rule ports: expected at least 5 ports"), "{said}");
    let plan = Changed::new("two", "kind = \"rehearsal\"", "kind = \"production\"");
    let said = refused(&plan.0);
    assert!(said.contains("rule window: expected at most 31 days for production"), "{said}");
    let plan = Changed::new("role", "roles = [\"operator\", \"holder\"]", "roles = [\"operator\", \"custodian\"]");
    let said = refused(&plan.0);
    assert!(said.contains("rule roles") && said.contains("rule keeper"), "{said}");
}

#[test]
fn what_is_no_plan_is_named_with_the_reason() {
    assert!(refused(Path::new("/nonexistent/plan.toml")).contains("cannot read /nonexistent/plan.toml"));
    assert!(refused(Path::new("/dev/zero")).contains("rule bytes: expected at most 65536 bytes"));
    assert!(refused(&example("../rules.md")).contains("this program reads plans of format 2 and no other"));
}

#[test]
fn hubs_are_told_with_the_ids_they_are_known_by() {
    let check = |plan: &Changed| {
        let args = ["plan", "check", "--without-names"];
        let output = Command::new(env!("CARGO_BIN_EXE_conclave")).args(args).arg(&plan.0).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let hub = "[[hub]]\nname = \"HUB-1\"\nusb = [\"05e3:0610\", \"05e3:0620\"]\nports = 4\n\n[window]";
    let said = check(&Changed::new("hub", "[window]", hub));
    let told = "HUBS, and no other that is not built in\n\nHUB-1: 4 ports, id 05e3:0610 and 05e3:0620\n";
    assert!(said.contains(told), "{said}");
    let said = check(&Changed::new("hubs-inside", "[window]", &hub.replace("ports", "number = 2\nports")));
    assert!(said.contains("HUB-1: 4 ports, id 05e3:0610 and 05e3:0620, 2 of each\n"), "{said}");
    let none = check(&Changed::new("no-hub", "ports = 6", "ports = 6 # none"));
    assert!(none.contains("SCRIPT") && !none.contains("HUBS"), "{none}");
}

/// A folder that is gone when the test is, with a plan and these names beside it.
struct Beside(PathBuf);

impl Beside {
    fn new(name: &str, names: Option<&str>) -> Self {
        let folder = std::env::temp_dir().join(format!("conclave-names-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::copy(example("minimal/plan.toml"), folder.join("plan.toml")).unwrap();
        if let Some(names) = names {
            fs::write(folder.join("names.toml"), names).unwrap();
        }
        Self(folder)
    }

    fn names(&self) -> String {
        fs::read_to_string(self.0.join("names.toml")).unwrap()
    }

    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        let output = command.arg("plan").args(words).arg(self.0.join("plan.toml")).output().unwrap();
        let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (output.status.code(), out, err)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_plan_without_its_names_or_with_those_of_another_is_refused_in_words() {
    let none = Beside::new("none", None);
    let (code, out, err) = none.run(&["check"]);
    assert!(
        (code, &*out) == (Some(1), "") && err.contains("names.toml") && err.contains("witness-1 = \"Walter"),
        "{err}"
    );
    let others = fs::read_to_string(example("safire/names.toml")).unwrap();
    let other = Beside::new("other", Some(&others));
    let (code, out, err) = other.run(&["check"]);
    assert!((code, &*out) == (Some(1), "") && err.contains("rule names"), "{err}");
    // A plan that was published is judged all the same.
    for folder in [none, other] {
        let (code, out, err) = folder.run(&["check", "--without-names"]);
        assert!(code == Some(0) && out.contains("COALITIONS") && err.is_empty(), "{err}");
        assert!(out.contains("NAMES: not looked at") && !out.contains("names.toml fits"), "{out}");
    }
}

#[test]
fn a_plan_that_lets_nothing_unblock_a_token_in_use_is_warned_of_it() {
    let folder = Beside::new("unblocks", None);
    let says = || {
        let (code, out, err) = folder.run(&["check", "--without-names"]);
        assert!(code == Some(0) && err.is_empty(), "{err}");
        out
    };
    let out = says();
    assert!(out.contains("its SO-PIN gives new tries") && !out.contains("WARNING: it goes into no bag"), "{out}");
    let path = folder.0.join("plan.toml");
    let so_pin = "so-pin = { keeper = \"operator\" }";
    let nothing = format!("{so_pin}\nso-pin-may = \"nothing\"");
    fs::write(&path, fs::read_to_string(&path).unwrap().replacen(so_pin, &nothing, 1)).unwrap();
    let out = says();
    assert!(out.contains("tries a wrong PIN 3 times ends its\n    use for good; leave so-pin-may"), "{out}");
}

#[test]
fn names_are_drawn_once_and_then_open_the_digests_that_are_printed() {
    let list: String = fs::read_to_string(example("minimal/names.toml"))
        .unwrap()
        .lines()
        .skip(2)
        .map(|line| {
            let (id, rest) = line.split_once(" = ").unwrap();
            format!("{id} = \"{}\"\n", rest.split('"').nth(1).unwrap())
        })
        .collect();
    let folder = Beside::new("drawn", Some(&list));
    let (code, out, err) = folder.run(&["new", "--names"]);
    assert!(code == Some(0) && err.is_empty(), "{err}");
    let (_, table) = out.split_once("[names]\n").unwrap();
    let path = folder.0.join("plan.toml");
    let plan = fs::read_to_string(&path).unwrap();
    let (before, after) = plan.split_once("[names]\n").unwrap();
    let (_, after) = after.split_once("\n\n").unwrap();
    fs::write(path, format!("{before}[names]\n{table}\n{after}")).unwrap();
    let (code, _, err) = folder.run(&["check"]);
    assert_eq!(code, Some(0), "{err}");
    let drawn = folder.names();
    let (code, again, _) = folder.run(&["new", "--names"]);
    assert!(code == Some(0) && again.ends_with(table) && folder.names() == drawn, "{again}");
    // Another draw is another digest of every line.
    let other = Beside::new("drawn-again", Some(&list));
    let (_, out, _) = other.run(&["new", "--names"]);
    assert!(!table.lines().any(|line| out.contains(line)), "{out}");
}

#[test]
fn a_list_with_a_defect_stays_as_it_was() {
    let folder = Beside::new("defect", Some("witness = \"Walter Witness\"\nholder = 7\n"));
    let (code, out, err) = folder.run(&["new", "--names"]);
    assert!((code, &*out) == (Some(1), "") && err.contains("names.toml, line 2, rule names"), "{err}");
    assert_eq!(folder.names(), "witness = \"Walter Witness\"\nholder = 7\n");
}
