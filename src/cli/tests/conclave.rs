//! `conclave` as people run it: a rehearsal from beginning to end, then a look at its results, then bad input.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use conclave_publish::{Digest, Manifest};
use conclave_sim::card::profile::{ChipAuthentication, Profile};
use conclave_sim::card::random::Randomness;
use conclave_sim::card::rsa::RsaSource;
use conclave_sim::card::{Birth, BirthSoPin, Card};
use conclave_sim::state::Kept;
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
fn a_rehearsal_leaves_three_equal_tokens_and_a_verified_record_and_looking_at_them_changes_nothing() {
    let folder = Folder::new("rehearsal");
    let path = folder.0.to_str().unwrap();
    let output = conclave(["rehearse", "--folder", path]);
    let said = out(&output);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let mut lines = said.lines();
    assert!(lines.next().unwrap().starts_with("REHEARSAL of \"Federation signing keys 2026\", 72 steps"), "{said}");
    for number in 1..=72 {
        assert!(lines.next().unwrap().starts_with(&format!("{number:>3} ")), "step {number} has its line: {said}");
    }
    assert!(said.contains("\nANCHORED. It is the record, to its last entry"), "{said}");
    assert!(said.ends_with(&format!("Everything lies in {path}.\n")), "{said}");
    for (drive, files) in [("LOG-A", 4), ("LOG-B", 4), ("SHARE-1", 1), ("SHARE-2", 1), ("BLOBS", 2), ("PUBLIC", 30)] {
        assert_eq!(contents(&folder.0.join(drive)).len(), files, "{drive}");
    }
    let list = fs::read(folder.0.join("made.sha256")).unwrap();
    let list = Manifest::parse(&list).unwrap();
    assert_eq!(list.items().len(), 42);
    for item in list.items() {
        let bytes = fs::read(folder.0.join(item.name.as_str())).unwrap();
        assert_eq!((item.size, item.digest), (bytes.len() as u64, Digest::of(&bytes)), "{}", item.name.as_str());
        let line = format!("  {}  {} bytes\n    {}\n", item.name.as_str(), item.size, item.digest);
        assert!(said.contains(&line), "{said} does not list {line}");
    }

    let tokens = folder.0.join("tokens");
    let path = tokens.to_str().unwrap();
    let before = contents(&tokens);
    let listed = out(&conclave(["token", "list", "--simulated", path]));
    assert_eq!(listed.lines().count(), 3);
    let inspect = |serial: &str| -> Value {
        let args = ["token", "inspect", "--simulated", path, "--serial", serial, "--json"];
        serde_json::from_slice(&conclave(args).stdout).unwrap()
    };
    let serials = ["DENK0000001", "DENK0000002", "DENK0000003"];
    let reports = serials.map(inspect);
    for (report, serial) in reports.iter().zip(serials) {
        assert_eq!(report["serial"], serial);
        // The first goes into use: its SO-PIN gives new tries, and never another PIN.
        let unblocks = "0021 (SO-PIN resets the user PIN, SO-PIN unblocks only)";
        assert_eq!(report["options"], if serial == serials[0] { unblocks } else { "0000" });
        assert_eq!((&report["user_pin"]["tries_left"], &report["so_pin"]["tries_left"]), (&3.into(), &15.into()));
        assert!(report["chain"]["verdict"].as_str().unwrap().contains("simulated root"));
        assert!(report["key_domains"][0].as_str().unwrap().starts_with("2 DKEK shares imported, KCV "));
        assert_eq!(report["keys"].as_array().unwrap().len(), 2);
        assert_eq!(report["keys"][0]["certificate"], reports[0]["keys"][0]["certificate"]);
        let described = |report: &Value| [0, 1].map(|at| report["keys"][at]["description"].clone());
        assert_eq!(described(report), described(&reports[0]));
        assert_eq!(report["key_domains"], reports[0]["key_domains"]);
    }
    assert!(contents(&tokens) == before, "looking changed a file");

    refused(["token", "inspect", "--simulated", path], "say which one with --serial");
    refused(["token", "inspect", "--simulated", path, "--serial", "DENK0404144"], "no token has the serial number");

    // The same token twice: the look of a clone.
    fs::copy(tokens.join("DENK0000001.token"), tokens.join("clone.token")).unwrap();
    refused(["token", "list", "--simulated", path], "two tokens say they are DENK0000001");
    refused(["token", "inspect", "--simulated", path, "--serial", "DENK0000001"], "a clone or a forgery");
}

#[test]
fn a_rehearsal_that_cannot_begin_says_what_to_do_and_leaves_nothing() {
    let folder = Folder::new("refused");
    fs::create_dir(&folder.0).unwrap();
    let file = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    let to = file("rehearsal");
    let safire = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/plans/safire/plan.toml");
    let safire = fs::read_to_string(safire).unwrap();
    let (production, broken) = (file("production.toml"), file("broken.toml"));
    let counts = safire.replace("kind = \"rehearsal\"", "kind = \"production\"");
    let days = counts.replace("from = \"2026-01-01T00:00:00Z\"", "from = \"2035-12-30T00:00:00Z\"");
    fs::write(&production, days).unwrap();
    fs::write(&broken, safire.replace("ports = 6", "ports = 4")).unwrap();
    let nameless = file("nameless.toml");
    fs::write(&nameless, &safire).unwrap();
    for (more, words) in [
        (["--plan", &production], "rehearse a copy of it that says kind = \"rehearsal\""),
        (["--plan", &broken], "rule ports: expected at least 5 ports"),
        (["--plan", &nameless], "names.toml, the file with the people and places behind the plan's ids"),
        (["--plan", "/nonexistent/plan.toml"], "cannot read /nonexistent/plan.toml"),
        (["--folder", "/"], "no rehearsal made it: there is no made.sha256 in it; name another folder"),
        (["--resume", "--folder=nowhere"], "nowhere holds no unfinished rehearsal: leave out --resume"),
        (["--hands", "--folder=nowhere"], "--hands needs a terminal"),
    ] {
        let folder = if more.iter().any(|word| word.starts_with("--folder")) { vec![] } else { vec!["--folder", &to] };
        refused(["rehearse"].into_iter().chain(more).chain(folder), words);
    }
    refused(["rehearse", "--pace", "3"], "unexpected argument '--pace'");
    assert!(!Path::new(&to).exists());
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

/// A new token of this kind in a folder of its own.
fn arrived(profile: Profile) -> (Folder, PathBuf) {
    let folder = Folder::new(&format!("arrival-{}-{}", profile.defective, profile.version.0));
    fs::create_dir(&folder.0).unwrap();
    let (serial, so_pin) = ("DENK0900001", BirthSoPin::Published);
    let (random, rsa) = (Randomness::seeded([9; 32]), RsaSource::Generated);
    let card = Card::new(Birth { serial, profile, so_pin, random, rsa }).unwrap();
    let file = folder.0.join(format!("{serial}.token"));
    Kept::create(&file, card).unwrap();
    (folder, file)
}

#[test]
fn a_token_that_arrives_is_asked_everything_and_one_of_the_defective_batch_is_found_out() {
    let arrival =
        |folder: &Folder| conclave(["token", "inspect", "--arrival", "--simulated", folder.0.to_str().unwrap()]);
    for (profile, cipher) in [(Profile::firmware_4_1(), "AES"), (Profile::firmware_3_3(), "3DES")] {
        let (folder, file) = arrived(profile);
        let before = fs::read(&file).unwrap();
        let output = arrival(&folder);
        let said = out(&output);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        for words in [
            "10 times the same serial and the whole answer to reset",
            "DENK0900001",
            "a token for rehearsals",
            "2000 in a row answered",
            "keys and files none",
            &format!("holds the key of its certificate, shown with {cipher}"),
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(!said.contains("NOT"), "{said}");
        assert!(fs::read(&file).unwrap() == before, "looking changed the token");
    }

    let (folder, _) = arrived(Profile::defective());
    let output = arrival(&folder);
    let said = out(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("NOT pluggings  2 of 10: 01A001000000000 tells no whole answer to reset"), "{said}");
    assert!(said.contains("NOT exchanges  it fell silent after "), "{said}");

    let neither =
        Profile { chip_authentication: ChipAuthentication::Neither, version: (9, 9), ..Profile::firmware_4_1() };
    let (folder, _) = arrived(neither);
    let output = arrival(&folder);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("NOT chip       "), "{}", out(&output));
}
