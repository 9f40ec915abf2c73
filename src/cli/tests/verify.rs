//! `conclave verify` as a stranger runs it, on the golden transcript.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/transcripts/v2").join(name)
}

fn verify(transcript: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
    command.arg("verify").arg(transcript).arg("--plan").arg(golden("plan.toml")).args(more);
    command.args(["--expect", "rehearsal"]).output().unwrap()
}

#[test]
fn a_rehearsal_is_said_to_be_one_first_and_is_not_what_is_asked_for_unless_it_is_said() {
    let head = fs::read_to_string(golden("head.sha256")).unwrap();
    let [record, plan] = ["conclave.cbor", "plan.toml"].map(golden);
    for more in [&[][..], &["--expect", "production"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_conclave"));
        command.arg("verify").arg(&record).arg("--plan").arg(&plan).args(["--head", head.trim()]).args(more);
        let ran = command.output().unwrap();
        assert_eq!(ran.status.code(), Some(5), "{ran:?}");
        let said = String::from_utf8_lossy(&ran.stdout);
        assert!(said.starts_with("REHEARSAL: \"") && said.contains("  witnesses: witness\n"), "{said}");
    }
    let ran = verify(&record, &["--head", head.trim(), "--json"]);
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("\"kind\": \"rehearsal\""), "{said}");
}

#[test]
fn without_a_head_it_is_consistent_and_with_the_witnesses_head_anchored() {
    let ran = verify(&golden("conclave.cbor"), &[]);
    assert_eq!(ran.status.code(), Some(3), "{ran:?}");
    let head = fs::read_to_string(golden("head.sha256")).unwrap();
    let ran = verify(&golden("conclave.cbor"), &["--head", head.trim()]);
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
}

#[test]
fn names_are_said_if_they_are_the_plans_and_nothing_is_judged_with_others() {
    let ids = verify(&golden("conclave.cbor"), &[]);
    let names = verify(&golden("conclave.cbor"), &["--names", golden("names.toml").to_str().unwrap()]);
    let says = |ran: &Output| String::from_utf8_lossy(&ran.stdout).contains("Walter Witness");
    assert!((ids.status.code(), says(&ids)) == (Some(3), false), "{ids:?}");
    assert!((names.status.code(), says(&names)) == (Some(3), true), "{names:?}");
    for other in ["../../../../docs/plans/safire/names.toml", "plan.toml", "conclave.cbor", "not-there.toml"] {
        let ran = verify(&golden("conclave.cbor"), &["--names", golden(other).to_str().unwrap()]);
        assert!(ran.status.code() == Some(2) && ran.stdout.is_empty(), "{ran:?}");
        assert!(String::from_utf8_lossy(&ran.stderr).contains(other), "{ran:?}");
    }
}

#[test]
fn one_changed_byte_is_refused_and_a_head_of_another_ceremony_is_told_to_be_compared() {
    let (another, head) = ("0".repeat(64), fs::read_to_string(golden("head.sha256")).unwrap());
    for (heads, code) in [(vec![&another[..]], 3), (vec![head.trim(), &another], 4)] {
        let args: Vec<&str> = heads.into_iter().flat_map(|head| ["--head", head]).collect();
        let ran = verify(&golden("conclave.cbor"), &args);
        assert_eq!(ran.status.code(), Some(code), "{ran:?}");
        assert!(String::from_utf8_lossy(&ran.stdout).contains("is of no entry: compare with the paper"), "{ran:?}");
    }
    let mut bytes = fs::read(golden("conclave.cbor")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = std::env::temp_dir().join(format!("conclave-verify-{}.cbor", std::process::id()));
    fs::write(&changed, bytes).unwrap();
    let ran = verify(&changed, &[]);
    fs::remove_file(&changed).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
}

#[test]
fn folders_that_hold_one_name_with_other_contents_are_not_judged_together() {
    let folders = ["a", "b"].map(|name| {
        let folder = std::env::temp_dir().join(format!("conclave-verify-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("conclave.txt"), name).unwrap();
        folder
    });
    let [a, b] = folders.each_ref().map(|folder| folder.to_str().unwrap());
    let ran = verify(&golden("conclave.cbor"), &["--files", a, "--files", b]);
    folders.iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(said.contains("conclave.txt: another folder holds this file with other contents"), "{said}");
}

#[test]
fn a_log_that_was_found_goes_beside_the_record_and_one_that_differs_gives_exit_code_4() {
    let head = fs::read_to_string(golden("head.sha256")).unwrap();
    let folder = std::env::temp_dir().join(format!("conclave-verify-also-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let also = || verify(&golden("conclave.cbor"), &["--head", head.trim(), "--also", folder.to_str().unwrap()]);
    let none = also();
    let whole = fs::read(golden("conclave.cbor")).unwrap();
    fs::write(folder.join("conclave.cbor"), &whole[..whole.len() / 2]).unwrap();
    let beginning = also();
    fs::write(folder.join("conclave.cbor"), "no log").unwrap();
    let other = also();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    let says = |ran: &Output, words: &str| String::from_utf8_lossy(&ran.stdout).contains(words);
    assert!(
        beginning.status.code() == Some(0) && says(&beginning, "[also] the log that was found is this record"),
        "{beginning:?}"
    );
    assert!(
        other.status.code() == Some(4) && says(&other, "[also] the log that was found cannot be read"),
        "{other:?}"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let ran = verify(Path::new("/nowhere/conclave.cbor"), &[]);
    assert!(
        ran.status.code() == Some(2) && String::from_utf8_lossy(&ran.stderr).contains("/nowhere/conclave.cbor"),
        "{ran:?}"
    );
}
