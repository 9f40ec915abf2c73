//! `conclave drive`: the appliance's words about a stick, and how to make a stick that it takes.

mod format;
mod seen;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use conclave_console::drives::fat32::identify;
use conclave_console::wording::drives::{mend, unfit};
use conclave_console::wording::preflight::digits;

use crate::random;
pub use format::{Label, format};
pub use seen::{NotPrepared, Roots, Seen, named, sticks};

/// Linux' `O_EXCL`: the kernel refuses to open a disk so while anything on it is mounted, or otherwise in use.
const EXCLUSIVE: i32 = 0o200;

/// Why a stick was not prepared, or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// It is not one that is prepared.
    #[error(transparent)]
    Not(#[from] NotPrepared),
    /// The label is none.
    #[error("{0:?} is no label: 1 to 11 capital letters, digits, hyphens and low lines are")]
    Label(String),
    /// Another serial or size was typed.
    #[error(
        "{what} is {wanted}, but {typed:?} was typed: nothing was written. Compare with the stick's label and begin again"
    )]
    Typed {
        /// The property asked for.
        what: &'static str,
        /// Its true value.
        wanted: String,
        /// The typed value.
        typed: String,
    },
    /// It cannot be opened.
    #[error("cannot open {}: are you root, is it in use?", .0.display())]
    Open(PathBuf, #[source] io::Error),
    /// It failed while it was written to.
    #[error("cannot write to {}: what was on it is lost, and it is not ready. Begin again, or use another stick", .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// It does not give back the written bytes.
    #[error("{} does not give back what was written: {found} Use another stick", .node.display())]
    NotReadBack {
        /// Where it is.
        node: PathBuf,
        /// The contents read back, a sentence.
        found: String,
    },
}

/// Prints every stick, the lines of a plan for it, and the appliance's words about it.
pub fn list(roots: &Roots, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let sticks = sticks(roots);
    if sticks.is_empty() {
        writeln!(out, "No stick is plugged in: nothing removable is on USB.")?;
    }
    for seen in sticks {
        let node = roots.dev.join(&seen.name);
        writeln!(out, "{}  {}, {} bytes", node.display(), seen.model, digits(seen.len))?;
        match File::open(&node) {
            Err(error) => writeln!(out, "  Cannot be read: {error}. Are you root?")?,
            Ok(mut file) => match (identify(&mut file, seen.len), seen.serial.is_empty()) {
                (_, true) => writeln!(out, "  It tells no serial: no plan can name it. Use another stick.")?,
                (Ok(found), false) => {
                    writeln!(out, "  It fits, volume {}.", found.volume.label)?;
                    lines(&seen, &found.volume.id.to_string(), out)?;
                }
                (Err(why), false) => {
                    writeln!(out, "  serial {}", seen.serial.as_str())?;
                    writeln!(out, "  {} The appliance will say: {}", unfit(&why), mend(&why))?;
                }
            },
        }
    }
    Ok(())
}

/// The lines of a plan for a stick.
fn lines(seen: &Seen, volume: &str, out: &mut impl Write) -> io::Result<()> {
    // The serial is printable ASCII: two characters of it mean something else in TOML.
    let serial = seen.serial.as_str().replace('\\', "\\\\").replace('"', "\\\"");
    writeln!(out, "    serial = \"{serial}\"\n    size = {}\n    volume = \"{volume}\"", seen.len)
}

/// Makes a stick one that the appliance takes, after its serial and its size were typed. Everything on it is lost.
///
/// **Errors**: it is none that is prepared; something else was typed; it fails.
pub fn prepare(
    roots: &Roots,
    disk: &Path,
    label: &str,
    typed: &mut impl BufRead,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let name = Label::new(label).ok_or_else(|| DriveError::Label(label.into()))?;
    let seen = named(roots, disk).map_err(DriveError::from)?;
    let node = roots.dev.join(&seen.name);
    writeln!(out, "{}  {}", node.display(), seen.model)?;
    writeln!(out, "  serial {}\n  {} bytes", seen.serial.as_str(), seen.len)?;
    writeln!(out, "EVERYTHING ON IT WILL BE LOST.")?;
    for (what, wanted) in [("its serial", seen.serial.as_str().to_owned()), ("its size in bytes", seen.len.to_string())]
    {
        write!(out, "Type {what}: ")?;
        out.flush()?;
        let mut line = String::new();
        typed.read_line(&mut line)?;
        let typed = line.trim().to_owned();
        if typed != wanted {
            return Err(DriveError::Typed { what, wanted, typed }.into());
        }
    }
    // Another stick may have been plugged in meanwhile.
    let now = named(roots, disk).map_err(DriveError::from)?;
    if (&now.serial, now.len) != (&seen.serial, seen.len) {
        return Err(DriveError::from(NotPrepared::NoDisk(disk.display().to_string())).into());
    }
    let open = OpenOptions::new().read(true).write(true).custom_flags(EXCLUSIVE).open(&node);
    let mut drive = open.map_err(|error| DriveError::Open(node.clone(), error))?;
    let id = u32::from_be_bytes(random::bytes()?);
    let written = format(&mut drive, seen.len, id, name).and_then(|()| drive.sync_all());
    written.map_err(|error| DriveError::Write(node.clone(), error))?;
    // When the drive is closed, the kernel forgets the written bytes: the bytes read now come from the drive.
    drop(drive);
    let mut drive = File::open(&node).map_err(|error| DriveError::Open(node.clone(), error))?;
    match identify(&mut drive, seen.len) {
        Ok(found) if found.volume.id.0 == id => {
            writeln!(out, "It is ready. Take it out, plug it in again. A plan says of it:")?;
            lines(&seen, &found.volume.id.to_string(), out)?;
            Ok(())
        }
        Ok(_) => Err(DriveError::NotReadBack { node, found: "It has another volume.".into() }.into()),
        Err(why) => Err(DriveError::NotReadBack { node, found: unfit(&why) }.into()),
    }
}
