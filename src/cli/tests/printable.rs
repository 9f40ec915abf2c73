//! Whatever lies in a file or stands in its name, nothing that `conclave` prints acts on the terminal, and no word from
//! outside begins a line of its own.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop")]

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use conclave_publish::is_plain;

/// The words of a hostile file or name: escape sequences, C1 controls, a line feed before the best verdict, turned
/// letters.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[H\u{9b}31m\nANCHORED. It is the record\r\u{202e}\u{61c}\u{3164}\u{e0041}\u{7f}";

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests")
}

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("conclave-printable-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs the program; everything it prints is printable, and is returned.
fn printable(args: &[&OsStr]) -> (Output, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_conclave")).args(args).output().unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    let bad = said.chars().find(|character| *character != '\n' && !is_plain(*character));
    assert_eq!(bad, None, "{args:?}: {said}");
    assert!(!said.lines().any(|line| line.starts_with("ANCHORED")), "{args:?}: {said}");
    (output, said)
}

fn verify(transcript: &Path, more: &[&OsStr]) -> String {
    let plan = tests().join("golden/transcripts/v2/plan.toml");
    let args = ["verify".as_ref(), transcript.as_os_str(), "--plan".as_ref(), plan.as_ref()];
    printable(&[&args, more].concat()).1
}

/// The bytes with every run of text in them saying something hostile.
fn made_hostile(bytes: &[u8]) -> Vec<u8> {
    let is_text = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    let mut hostile = bytes.to_vec();
    for run in hostile.chunk_by_mut(|a, b| is_text(a) == is_text(b)) {
        if run.len() >= 4 && run.iter().all(is_text) {
            run.iter_mut().zip(HOSTILE.bytes().filter(u8::is_ascii).cycle()).for_each(|(byte, to)| *byte = to);
        }
    }
    hostile
}

#[test]
fn an_entry_of_213_bytes_cannot_show_a_verdict() {
    let golden = fs::read(tests().join("golden/transcripts/v2/conclave.cbor")).unwrap();
    let at = golden.windows(6).position(|window| window == b"\x65Began").unwrap();
    let folder = Folder::new("entry");
    let entry = [&golden[..at], &[0x78, u8::try_from(HOSTILE.len()).unwrap()], HOSTILE.as_bytes(), &golden[at + 6..]];
    let transcript = folder.file("conclave.cbor", entry.concat());
    for more in [&[][..], &["--json".as_ref()]] {
        let said = verify(&transcript, more);
        assert!(said.contains("unknown variant") && said.contains(r"u{1b}[2J"), "{said}");
    }
}

#[test]
fn a_file_beside_the_record_cannot_speak_by_its_name() {
    let folder = Folder::new("name");
    let transcript = tests().join("golden/transcripts/v2/conclave.cbor");
    folder.file(&format!("{HOSTILE}.received.txt"), "");
    for more in [
        &["--files".as_ref(), folder.0.as_os_str()][..],
        &["--files".as_ref(), folder.0.as_os_str(), "--json".as_ref()],
    ] {
        let said = verify(&transcript, more);
        assert!(said.contains("the record does not speak of it"), "{said}");
    }
    let other = Folder::new("other");
    other.file(&format!("{HOSTILE}.received.txt"), "another");
    let said = verify(&transcript, &["--files".as_ref(), folder.0.as_ref(), "--files".as_ref(), other.0.as_ref()]);
    assert!(said.contains("another folder holds this file"), "{said}");
}

#[test]
fn what_is_typed_or_named_on_the_command_line_cannot_speak() {
    for args in [
        &["verify", HOSTILE, "--plan", HOSTILE][..],
        &["verify", "x", "--plan", "x", "--head", HOSTILE],
        &["plan", "check", HOSTILE],
        &["medium", HOSTILE],
        &["token", "list", "--simulated", HOSTILE],
        &["token", HOSTILE],
        &[HOSTILE],
    ] {
        let args: Vec<&OsStr> = args.iter().map(AsRef::as_ref).collect();
        let (output, said) = printable(&args);
        assert!(!output.status.success() && said.contains(r"\u{1b}[2J"), "{said}");
    }
}

#[test]
fn every_seed_of_every_fuzz_target_given_to_every_command_leaves_the_terminal_alone() {
    let corpus = tests().join("fuzz/corpus");
    let transcript = tests().join("golden/transcripts/v2/conclave.cbor");
    let tokens = Folder::new("tokens");
    let mut given = 0;
    for target in fs::read_dir(corpus).unwrap() {
        let beside = Folder::new("beside");
        for (number, seed) in fs::read_dir(target.unwrap().path()).unwrap().enumerate() {
            let bytes = fs::read(seed.unwrap().path()).unwrap();
            for (kind, bytes) in [("seed", bytes.clone()), ("hostile", made_hostile(&bytes))] {
                let file = tokens.file(&format!("{HOSTILE}{given}.token"), &bytes);
                given += 1;
                beside.file(&format!("{HOSTILE}{kind}{number}"), &bytes);
                for name in ["manifest.txt", "names.toml", "conclave.txt", "share-1.pbe"] {
                    beside.file(name, &bytes);
                }
                verify(&file, &[]);
                printable(&["verify".as_ref(), transcript.as_ref(), "--plan".as_ref(), file.as_ref()]);
                verify(&transcript, &["--files".as_ref(), beside.0.as_ref()]);
                printable(&["plan".as_ref(), "check".as_ref(), file.as_ref()]);
                verify(&transcript, &["--names".as_ref(), file.as_ref()]);
                printable(&["plan".as_ref(), "new".as_ref(), "--names".as_ref(), beside.0.join("plan.toml").as_ref()]);
                printable(&["medium".as_ref(), file.as_ref()]);
            }
        }
    }
    assert!(given > 200, "only {given} files were given");
    let (_, said) = printable(&["token".as_ref(), "list".as_ref(), "--simulated".as_ref(), tokens.0.as_ref()]);
    assert_eq!(said.lines().count(), given, "{said}");
    printable(&["token".as_ref(), "inspect".as_ref(), "--simulated".as_ref(), tokens.0.as_ref()]);
}
