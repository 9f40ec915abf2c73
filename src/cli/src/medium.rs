//! `conclave medium`: the facts of the appliance's first screen about a medium, on any Linux.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use conclave_medium::{ExamineError, LEN_MIN, Report, SealError, SelfCheck, examine};
use thiserror::Error;

use crate::said;

/// Why a medium was not found good.
#[derive(Debug, Error)]
enum MediumError {
    #[error("cannot open {}", .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error(
        "{} is no Conclave image: give the file that was published, or the drive it was written to as a whole",
        .0.display()
    )]
    NotOurs(PathBuf, #[source] ExamineError),
    #[error("{} cannot be examined", .0.display())]
    Examine(PathBuf, #[source] ExamineError),
    #[error("SELF-CHECK FAILED: the medium is damaged or was changed; use another copy")]
    Damaged,
}

/// Prints the digest of the image on `path`, whole, in groups and in words.
///
/// Errors: it cannot be read, is no Conclave medium, or fails its self-check; the digest is then printed all the same.
pub fn medium(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut file = File::open(path).map_err(|error| MediumError::Open(path.into(), error))?;
    let report = read(&mut file, path)?;
    print(&report, &mut said::out())?;
    match report.self_check {
        SelfCheck::Holds => Ok(()),
        SelfCheck::Fails => Err(MediumError::Damaged.into()),
    }
}

fn read(medium: &mut (impl Read + Seek), path: &Path) -> Result<Report, MediumError> {
    examine(medium, |_, _| {}).map_err(|error| match error {
        ExamineError::Seal(SealError::NotIso | SealError::NotOurs) => MediumError::NotOurs(path.into(), error),
        // It ends before a seal could stand in it.
        ExamineError::Truncated { got, .. } if got < LEN_MIN => {
            MediumError::NotOurs(path.into(), SealError::NotIso.into())
        }
        error => MediumError::Examine(path.into(), error),
    })
}

fn print(report: &Report, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}  {} bytes", report.digest, report.len)?;
    for (number, group) in (1..).zip(report.digest.groups()) {
        writeln!(out, "{number:>2} {group}  {}", group.words())?;
    }
    if report.self_check == SelfCheck::Holds {
        writeln!(out, "Self-check OK.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use conclave_publish::Digest;

    fn printed(self_check: SelfCheck) -> String {
        let mut out = Vec::new();
        print(&Report { len: 40_960, digest: Digest::of(b"abc"), self_check }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_digest_is_printed_whole_then_in_numbered_groups_with_their_words() {
        let said = printed(SelfCheck::Holds);
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines.len(), 18);
        assert_eq!(lines[0], format!("{}  40960 bytes", Digest::of(b"abc")));
        assert_eq!(lines[1], format!(" 1 ba78  {}", Digest::of(b"abc").groups()[0].words()));
        assert_eq!(lines[16], format!("16 15ad  {}", Digest::of(b"abc").groups()[15].words()));
        assert_eq!(lines[17], "Self-check OK.");
    }

    #[test]
    fn a_damaged_medium_is_never_said_to_be_sound() {
        assert!(!printed(SelfCheck::Fails).contains("OK"));
    }

    #[test]
    fn a_file_that_is_no_medium_is_named_with_the_reason() {
        for other in ["/dev/null", "/dev/zero", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")] {
            let said = medium(Path::new(other)).unwrap_err();
            assert!(said.to_string().starts_with(&format!("{other} is no Conclave image: give the file")), "{said}");
            assert!(said.source().unwrap().to_string().starts_with("no ISO 9660 volume descriptor"), "{said:?}");
        }
        let error = medium(Path::new("/nonexistent/medium")).unwrap_err();
        assert_eq!(error.to_string(), "cannot open /nonexistent/medium");
    }
}
