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

/// What is refused, with nothing printed as if it were good.
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
        let text = fs::read_to_string(example("safire.toml")).unwrap();
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
            "safire.toml",
            [
                "Federation signing keys 2026: a plan of kind rehearsal",
                "metadata-signing-2026-ec: P-256, id 02, metadata signing, elliptic curve",
                "on SAFIRE-1, SAFIRE-2, SAFIRE-3 (made on the first); certificate for seven days from the day of the rehearsal",
                "people  operator + custodian-2 + custodian-1",
            ],
        ),
        (
            "minimal.toml",
            [
                "One key on two tokens: a plan of kind rehearsal",
                "4 devices at once on 4 ports",
                "Operator and Witness",
                "places  with operator + \"Safe of the second site\"",
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
    let said = String::from_utf8(check(&example("minimal.toml")).stdout).unwrap();
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
    assert!(said.contains("line 21, rule ports: expected at least 5 ports"), "{said}");
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
    assert!(refused(&example("../rules.md")).contains("rule toml"));
}
