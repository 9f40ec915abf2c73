//! The names behind the ids of a plan: `names.toml` beside it, and `conclave plan new --names`, which draws their
//! random bytes.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use conclave_ceremony::plan::names::{Drawn, Names, draw};
use conclave_ceremony::plan::{Plan, Refusal};
use thiserror::Error;

use crate::plan::{Lines, read};
use crate::{random, said};

/// The name of the file.
pub(crate) const FILE: &str = "names.toml";

/// Why there are no names.
#[derive(Debug, Error)]
pub(crate) enum NamesError {
    #[error(
        "cannot read {}, the file with the people and places behind the plan's ids; write a line for each id there, such as\n  witness-1 = \
         \"Walter Witness\"\nand run: conclave plan new --names PLAN",
        .0.display()
    )]
    Read(PathBuf, #[source] io::Error),
    #[error("{} is refused{}", .0.display(), Lines(.1))]
    Refused(PathBuf, Vec<Refusal>),
    #[error("cannot write {}; the file before it is as it was", .0.display())]
    Write(PathBuf, #[source] io::Error),
}

/// Where the names of a plan are: in its folder.
pub(crate) fn beside(plan: &Path) -> PathBuf {
    plan.with_file_name(FILE)
}

/// The names of a plan, and the bytes of their file.
///
/// Errors: the file cannot be read, or is not that of the plan: with every refusal.
pub(crate) fn of_file(path: &Path, plan: &Plan) -> Result<Names, NamesError> {
    let bytes = read(path).map_err(|error| NamesError::Read(path.to_owned(), error))?;
    Names::read(&bytes, plan).map_err(|refusals| NamesError::Refused(path.to_owned(), refusals))
}

/// Draws the missing random bytes of the names beside a plan, and prints the lines of the plan for them.
///
/// Errors: the file cannot be read or written, or a line of it is refused; the file is then as it was.
pub fn new(plan: &Path) -> Result<(), Box<dyn Error>> {
    let path = beside(plan);
    let bytes = read(&path).map_err(|error| NamesError::Read(path.clone(), error))?;
    let drawn = draw(&bytes, random::bytes)?.map_err(|refusals| NamesError::Refused(path.clone(), refusals))?;
    let Drawn { file, new, table } = drawn;
    if new > 0 {
        replace(&path, &file).map_err(|error| NamesError::Write(path.clone(), error))?;
    }
    let mut out = said::out();
    writeln!(out, "# {}: random bytes drawn for {new}. These lines are for {}:\n", path.display(), plan.display())?;
    out.write_all(table.as_bytes())?;
    Ok(())
}

/// The file is the new one whole or stays the old one: bytes that were drawn before are nowhere else.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("toml.new");
    fs::write(&new, text)?;
    fs::set_permissions(&new, fs::metadata(path)?.permissions())?;
    fs::File::open(&new)?.sync_all()?;
    fs::rename(&new, path)
}
