//! Foreign programs, run in a folder of the test's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// An empty folder for one test.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("publish").join(test);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The run of `program` with these arguments.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.current_dir(folder).args(arguments).env("LC_ALL", "C.UTF-8");
    command.output().unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup installs it"))
}

/// The output of `program` when it is content.
#[track_caller]
pub fn tool(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = run(folder, program, arguments);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{program} {arguments:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Sees `program` refuse: the check that the judge can.
#[track_caller]
pub fn refuses(folder: &Path, program: &str, arguments: &[&str]) {
    let Output { status, stdout, .. } = run(folder, program, arguments);
    assert!(!status.success(), "{program} {arguments:?} is content:\n{}", String::from_utf8_lossy(&stdout));
}
