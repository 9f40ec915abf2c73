//! `conclave` as people run it: a rehearsal from beginning to end, then looking at what it left, then bad input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("conclave-cli-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn conclave<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_conclave")).args(args).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>, words: &str) {
    let output = conclave(args);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(words), "{said:?} does not say {words:?}");
}

fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn a_rehearsal_leaves_three_equal_tokens_and_looking_at_them_changes_nothing() {
    let folder = Folder::new("rehearsal");
    let path = folder.0.to_str().unwrap();
    let output = conclave(["rehearse", "--folder", path]);
    let said = out(&output);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.starts_with("REHEARSAL on simulated tokens: nothing made here is worth anything."), "{said}");
    assert!(said.contains("every copy works"), "{said}");

    let before = contents(&folder.0);
    assert_eq!(before.len(), 7, "three tokens, two shares, two wrapped keys");
    for (file, bytes) in before.iter().filter(|(file, _)| file.extension().unwrap() == "pbe") {
        assert_eq!((bytes.len(), &bytes[..8]), (64, &b"Salted__"[..]), "{}", file.display());
    }

    let listed = out(&conclave(["token", "list", "--simulated", path]));
    assert_eq!(listed.lines().count(), 3);
    let inspect = |serial: &str| -> Value {
        let args = ["token", "inspect", "--simulated", path, "--serial", serial, "--json"];
        serde_json::from_slice(&conclave(args).stdout).unwrap()
    };
    let reports = ["ZZNK9000001", "ZZNK9000002", "ZZNK9000003"].map(inspect);
    for (report, serial) in reports.iter().zip(["ZZNK9000001", "ZZNK9000002", "ZZNK9000003"]) {
        assert_eq!(report["serial"], serial);
        assert_eq!(report["options"], "0000");
        assert_eq!((&report["user_pin"]["tries_left"], &report["so_pin"]["tries_left"]), (&3.into(), &15.into()));
        assert!(report["chain"]["verdict"].as_str().unwrap().contains("simulated root"));
        assert!(report["key_domains"][0].as_str().unwrap().starts_with("2 DKEK shares imported, KCV "));
        assert_eq!(report["keys"].as_array().unwrap().len(), 2);
        let described = |report: &Value| [0, 1].map(|at| report["keys"][at]["description"].clone());
        assert_eq!(described(report), described(&reports[0]));
        assert_eq!(report["key_domains"], reports[0]["key_domains"]);
    }
    let certificate = |at: usize| reports[at]["keys"][0]["certificate"].as_str().unwrap().to_owned();
    assert!(certificate(0).starts_with("attestation holds: RSA-2048 made here"), "{}", certificate(0));
    assert!(certificate(1).contains("naming ZZNK900000100000: this key came here as a copy"), "{}", certificate(1));

    assert!(contents(&folder.0) == before, "looking changed a file");

    refused(["rehearse", "--folder", path], "exists already");
    refused(["token", "inspect", "--simulated", path], "say which one with --serial");
    refused(["token", "inspect", "--simulated", path, "--serial", "DENK0404144"], "no token has the serial number");

    // The same token twice: what a clone looks like.
    fs::copy(folder.0.join("ZZNK9000001.token"), folder.0.join("clone.token")).unwrap();
    refused(["token", "list", "--simulated", path], "two tokens say they are ZZNK9000001");
    refused(["token", "inspect", "--simulated", path, "--serial", "ZZNK9000001"], "a clone or a forgery");
}

#[test]
fn what_is_no_token_is_named_and_hides_no_other() {
    let folder = Folder::new("foreign");
    fs::create_dir(&folder.0).unwrap();
    let path = folder.0.to_str().unwrap();
    refused(["token", "list", "--simulated", path], "no file ends in .token");
    fs::write(folder.0.join("letter.token"), "Dear Sir or Madam").unwrap();
    let listed = conclave(["token", "list", "--simulated", path]);
    assert!(out(&listed).contains("not the state of a simulated token"), "{}", out(&listed));
    refused(["token", "inspect", "--simulated", path], "not the state of a simulated token");
    refused(["token", "list", "--simulated", "/nonexistent/folder"], "cannot read /nonexistent/folder");
}
