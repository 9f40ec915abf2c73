//! Foreign programs in tests: find them, run them, wait for them.

use std::env;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take before a test fails; the failure names the thing it waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);

/// The line of shell that starts Debian's smart-card service where only a test runs. Since 2.0 the service asks polkit
/// whether a user may talk to it. Without a polkit it refuses even root, unless it is told not to ask.
pub const PCSCD: &str = "pcscd --foreground $(pcscd --help | grep -o -e --disable-polkit)";

/// The output of a tool. Exit codes of OpenSC are no evidence: `sc-hsm-tool --initialize` exits 0 when it failed.
#[derive(Debug)]
pub struct Ran {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// Whether the exit code was 0.
    pub zero: bool,
}

impl Ran {
    /// Fails unless the output contains `text`.
    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.out.contains(text), "expected {text:?} in {self:#?}");
        self
    }

    /// Fails if the output contains `text`.
    #[track_caller]
    pub fn does_not_say(&self, text: &str) -> &Self {
        assert!(!self.out.contains(text), "expected no {text:?} in {self:#?}");
        self
    }
}

/// Something that a script put into the cache.
///
/// Panics: with the script.
pub fn cached(name: &str, by: &str) -> PathBuf {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).expect("HOME is set");
    let found = cache.join("conclave").join(name);
    assert!(found.exists(), "{} is missing: run {by}", found.display());
    found
}

/// Runs a command to its end, typing `input`.
pub fn run(mut command: Command, input: &str) -> Ran {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Apart, because a tool may end without reading all of it.
    let typing = thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    typing.join().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { out: text(stdout), err: text(stderr), zero: status.success() }
}

/// Fails, with the name of the package to install, unless a file of the package is there.
#[track_caller]
pub fn require(package: &str, path: &str) {
    assert!(Path::new(path).exists(), "{path} is missing: install the Debian package {package} (scripts/setup does)");
}

/// Runs openssl in a directory.
pub fn openssl<I: AsRef<OsStr>>(directory: &Path, args: impl IntoIterator<Item = I>) -> Ran {
    let mut command = Command::new("openssl");
    command.args(args).current_dir(directory);
    run(command, "")
}

/// Polls until `done`; fails with `what` when the patience is over.
#[track_caller]
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PATIENCE, "waited {} s for {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(20));
    }
}
