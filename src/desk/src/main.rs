//! `conclave-receive`: at a key's new home, shows through any PKCS#11 module that a token holds the keys of the
//! transcript.
//!
//! Without a PIN it compares every public key and certificate with the transcript. Then each key signs one statement, with
//! the purpose `received` and chained to the head of the closed transcript, and nothing else. Statement and signature are
//! written down beside each other; `conclave verify --files` reads them.

mod expected;
mod input;
mod module;
mod said;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use conclave_ceremony::kind::LAST_WORD;
use conclave_publish::Digest;

use expected::{Expected, ExpectedKey};
use module::{Module, ModuleError, Tries};

/// Shows that a token holds what the transcript of its ceremony says.
#[derive(Debug, Parser)]
#[command(name = "conclave-receive", version)]
struct Arguments {
    /// PKCS#11 module, such as opensc-pkcs11.so
    #[arg(long)]
    module: PathBuf,
    /// Closed transcript of the ceremony (conclave.cbor)
    #[arg(long)]
    transcript: PathBuf,
    /// Plan of the ceremony (plan.toml)
    #[arg(long)]
    plan: PathBuf,
    /// Serial of the token, as in the plan and as the module shows it. A key that was restored into another module has another
    #[arg(long)]
    token: String,
    /// Folder for statements and signatures; made if it is not there
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return said::usage(&error),
    };
    receive(&arguments).map_or_else(|words| said::failed(&words), |()| ExitCode::SUCCESS)
}

fn receive(arguments: &Arguments) -> Result<(), String> {
    let bytes = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let expected = Expected::new(&bytes(&arguments.transcript)?, &bytes(&arguments.plan)?, &arguments.token)
        .map_err(|error| error.to_string())?;
    // Before a PIN is typed and a key has signed: the statement and the signature must have a place.
    let out = folder(&arguments.out)?;
    for key in &expected.keys {
        for path in ["txt", "sig"].map(|end| out.join(format!("{}.{end}", name(key, &expected)))) {
            if path.symlink_metadata().is_ok() {
                return Err(format!("{} is there already: name another folder with --out", path.display()));
            }
        }
    }
    let module = Module::open(&arguments.module, &expected.serial).map_err(|error| error.to_string())?;
    for unread in &module.unread {
        said::aside(format_args!("passed over: {unread}"));
    }
    for key in &expected.keys {
        compare(&module, key)?;
        said::line(format_args!("{}: public key and certificate are those of the transcript", key.label))?;
    }
    log_in(&module, &expected.serial)?;
    for key in &expected.keys {
        let statement = expected.statement(key).ok_or("the serial of the token cannot stand in a statement")?;
        let text = statement.to_string();
        let signature = module.sign(&key.id, key.public.kind(), text.as_bytes()).map_err(|error| error.to_string())?;
        statement.verify(&key.public, &signature).map_err(|error| {
            format!("{}: the token signed, but not with the key of the transcript: {error}", key.label)
        })?;
        let name = name(key, &expected);
        save(out, &format!("{name}.txt"), text.as_bytes())?;
        save(out, &format!("{name}.sig"), &signature)?;
        said::line(format_args!("{}: it signed that it was received: {name}.txt and {name}.sig", key.label))?;
    }
    Ok(())
}

/// The name of the files about a key, without the endings.
fn name(key: &ExpectedKey, expected: &Expected) -> String {
    format!("{}.{}.received", key.label, expected.serial)
}

/// The folder, made if it was not there; refused if nothing can be written into it.
fn folder(path: &Path) -> Result<&Path, String> {
    let named = |error: std::io::Error| format!("--out {}: {error}", path.display());
    fs::create_dir_all(path).map_err(named)?;
    let probe = path.join(".conclave-receive");
    OpenOptions::new().write(true).create(true).truncate(true).open(&probe).map_err(named)?;
    fs::remove_file(probe).map_err(named)?;
    Ok(path)
}

/// Says how many tries the PIN has, and asks for it; the last one is not spent without a word.
fn log_in(module: &Module, serial: &str) -> Result<(), String> {
    let words = |error: ModuleError| error.to_string();
    match module.tries().map_err(words)? {
        Tries::All => {}
        Tries::Fewer => said::aside(format_args!(
            "The PIN of {serial}: a wrong one was typed before. Fewer tries than at first are left."
        )),
        Tries::Last => {
            let question =
                format!("The PIN of {serial}: ONE TRY IS LEFT, a wrong PIN locks it. Type {LAST_WORD} to spend it: ");
            if input::word(&question).map_err(|error| error.to_string())? != LAST_WORD {
                return Err(format!("the last try of {serial} was not spent: {LAST_WORD} was not typed"));
            }
        }
        Tries::Locked => {
            return Err(format!(
                "the PIN of {serial} is locked: no PIN opens it, and none is asked for. What the plan of its ceremony lets the \
                 SO-PIN do says whether it can be unblocked; else take another copy of the key"
            ));
        }
    }
    let pin = input::pin(&format!("PIN of {serial}: ")).map_err(|error| error.to_string())?;
    module.log_in(&pin).map_err(|error| match module.tries() {
        Ok(Tries::All) | Err(_) => error.to_string(),
        Ok(Tries::Fewer) => format!("{error}. Fewer tries than at first are left"),
        Ok(Tries::Last) => format!("{error}. ONE TRY IS LEFT: look the PIN up before it is typed again"),
        Ok(Tries::Locked) => format!("{error}. The PIN is locked now"),
    })
}

/// Public key and certificate, before any PIN is asked for.
fn compare(module: &Module, key: &ExpectedKey) -> Result<(), String> {
    let label = &key.label;
    let found = module.public_key(&key.id).map_err(|error| format!("{label}: {error}"))?;
    if found.spki_der() != key.public.spki_der() {
        return Err(format!(
            "{label}: another key under the same id. The transcript has SHA-256 {}, the token {}. Set it aside.",
            key.public.digest(),
            found.digest()
        ));
    }
    let found = module.certificate(&key.id).map_err(|error| format!("{label}: {error}"))?;
    if found != key.certificate {
        return Err(format!(
            "{label}: another certificate. The transcript has SHA-256 {}, the token {}. Set it aside.",
            Digest::of(&key.certificate),
            Digest::of(&found)
        ));
    }
    Ok(())
}

/// Writes a file that is not there yet.
fn save(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    let path = folder.join(name);
    let written =
        OpenOptions::new().write(true).create_new(true).open(&path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| format!("{}: {error}", path.display()))
}
