//! `conclave-receive`: at a key's new home, shows through any PKCS#11 module that a token holds what the transcript says.
//!
//! Without a PIN it compares every public key and certificate with the transcript. Then each key signs one statement, with
//! the purpose `received` and chained to the head of the closed transcript, and nothing else. Statement and signature are
//! written down beside each other; `conclave verify --files` reads them.

mod expected;
mod module;
mod pin;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use conclave_publish::Digest;

use expected::{Expected, ExpectedKey};
use module::Module;

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
    /// Serial of the token, as in the plan
    #[arg(long)]
    token: String,
    /// Folder for statements and signatures
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match receive(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}

fn receive(arguments: &Arguments) -> Result<(), String> {
    let bytes = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let expected = Expected::new(&bytes(&arguments.transcript)?, &bytes(&arguments.plan)?, &arguments.token)
        .map_err(|error| error.to_string())?;
    let module = Module::open(&arguments.module, &expected.serial).map_err(|error| error.to_string())?;
    for key in &expected.keys {
        compare(&module, key)?;
        println!("{}: public key and certificate are those of the transcript", key.label);
    }
    let pin = pin::read(&format!("PIN of {}: ", expected.serial)).map_err(|error| error.to_string())?;
    module.log_in(&pin).map_err(|error| error.to_string())?;
    for key in &expected.keys {
        let statement = expected.statement(key).ok_or("the serial of the token cannot stand in a statement")?;
        let text = statement.to_string();
        let signature = module.sign(&key.id, key.public.kind(), text.as_bytes()).map_err(|error| error.to_string())?;
        statement.verify(&key.public, &signature).map_err(|error| {
            format!("{}: the token signed, but not with the key of the transcript: {error}", key.label)
        })?;
        let name = format!("{}.{}.received", key.label, expected.serial);
        save(&arguments.out, &format!("{name}.txt"), text.as_bytes())?;
        save(&arguments.out, &format!("{name}.sig"), &signature)?;
        println!("{}: it signed that it was received: {name}.txt and {name}.sig", key.label);
    }
    Ok(())
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
