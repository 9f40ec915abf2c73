//! Commands and files, with errors that say which.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use conclave_publish::Digest;
use sha2::{Digest as _, Sha256};

use crate::lock::{Drift, LockError};
use crate::packages::ListError;

/// Lines of a failed command's output that are shown.
const TAIL_LINES: usize = 40;

/// Why the image was not built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot {what} {}: {source}", path.display())]
    File { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("`{command}` could not be started: {source}")]
    Start { command: String, source: std::io::Error },
    #[error("`{command}` failed with {status}:\n{tail}")]
    Command { command: String, status: std::process::ExitStatus, tail: String },
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    List(#[from] ListError),
    #[error(transparent)]
    Drift(#[from] Drift),
    #[error("Cargo.lock: expected a version and a SHA-256 for each crate of the registry, found none for `{0}`")]
    CargoLock(String),
    #[error("inputs.lock names no {0}; run scripts/inputs --refresh")]
    NotLocked(&'static str),
    #[error("{gone}\nWhat the archive offers in their place does not go together:\n{apt}")]
    NotReplaced { gone: String, apt: String },
    #[error(
        "apt on this machine asks no archive of Debian: add one that has bookworm, component main, to \
         /etc/apt/sources.list.d, or bring the packages with --from FOLDER"
    )]
    NoArchive,
    #[error(
        "the archive lists {0} and offers no package of that version with a SHA-256; run scripts/inputs --refresh later"
    )]
    NotOffered(String),
    #[error("the kernel is not what kernel.config and forbidden.txt say:\n{}", .0.join("\n"))]
    Kernel(Vec<String>),
    #[error("the cached {} does not have the digest it was stored with; delete it", .0.display())]
    Cache(PathBuf),
    #[error(
        "the compiled appliance contains `{0}`: a path of the machine that built it, or code that must not be in it"
    )]
    Mark(&'static str),
    #[error("`cargo tree` should print DEPTH|NAME vVERSION|LICENCE on each line, it printed `{0}`")]
    CargoTree(String),
    #[error(
        "no archive of this machine offers the source of {0}; add a deb-src line, or ask for it where you got the package"
    )]
    NoSource(String),
    #[error(
        "{0} has no licence, or no file with its words: it may not be in the image; take another, or ask its author"
    )]
    Licence(String),
    #[error(
        "the image is not as image/expected says. If this commit changed these parts, scripts/image --expect writes the \
         file for the same commit; if it did not, this machine builds other bits:\n{}", .0.join("\n")
    )]
    NotExpected(Vec<String>),
    #[error("the build room is refused: {0}")]
    Room(String),
    #[error("the medium cannot name its kernel twice: {0}")]
    Medium(String),
    #[error("{0}")]
    Usage(&'static str),
    #[error(transparent)]
    Seal(#[from] conclave_medium::SealError),
    #[error("the two builds differ: {0}")]
    Differ(String),
    #[error(
        "this tree does not build the published image {published} but {built}. Check out the commit that image names on \
         its screens; if this is it, do not trust the image, and run scripts/reproduce without a digest: it says where \
         two builds on this machine part ways, if they do"
    )]
    NotPublished { published: Digest, built: Digest },
}

/// Names a file operation for its error.
pub(crate) fn at<T>(what: &'static str, path: &Path, result: std::io::Result<T>) -> Result<T, Failure> {
    result.map_err(|source| Failure::File { what, path: path.into(), source })
}

/// Runs a command to its end and returns its output; the output is shown only if the command fails.
pub(crate) fn run(command: &mut Command) -> Result<String, Failure> {
    let name = format!("{command:?}");
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|source| Failure::Start { command: name.clone(), source })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let all = text(&output.stdout) + &text(&output.stderr);
    let lines: Vec<&str> = all.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n");
    Err(Failure::Command { command: name, status: output.status, tail })
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    at("read", path, std::fs::read(path))
}

/// Reads a whole text file.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    at("read", path, std::fs::read_to_string(path))
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    at("write", path, std::fs::write(path, bytes))
}

/// Makes a directory and those above it.
pub(crate) fn make_dir(path: &Path) -> Result<(), Failure> {
    at("make directory", path, std::fs::create_dir_all(path))
}

/// Empties a directory, making it if it is missing.
pub(crate) fn fresh_dir(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        at("remove", path, std::fs::remove_dir_all(path))?;
    }
    make_dir(path)
}

/// SHA-256 of a file, without holding it in memory.
pub(crate) fn digest(path: &Path) -> Result<Digest, Failure> {
    let mut file = at("open", path, std::fs::File::open(path))?;
    let mut hash = HashWriter(Sha256::new());
    at("read", path, std::io::copy(&mut file, &mut hash))?;
    Ok(Digest::new(hash.0.finalize().into()))
}

struct HashWriter(Sha256);

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
