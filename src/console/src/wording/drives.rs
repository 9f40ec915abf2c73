//! The words about a drive that failed: the event, then the thing to do now.

use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan::Plan;

use crate::drives::fat32::Unfit;
use crate::drives::{Came, Differs, DriveError};
use crate::wording::preflight::{OPERATOR, Words, digits};

/// Over the reason for a spare.
pub const HOW_LOST: &str = "How it was lost";

fn called(plan: &Plan, drive: DriveId) -> &str {
    plan.drive(drive).map_or("a drive", |drive| drive.name.as_str())
}

/// The facts before two roles decide on a spare.
pub fn replaced(plan: &Plan, lost: DriveId, spare: DriveId) -> Vec<String> {
    let (lost, spare) = (called(plan, lost), called(plan, spare));
    vec![
        format!("{lost}, a log drive, did not come back. {spare} holds the whole record in its place."),
        format!(
            "{lost} is not taken again. If it is found, keep it: conclave verify --also compares it with the record."
        ),
    ]
}

/// The offer of a spare, before anything is written to it.
pub fn may_replace(plan: &Plan, lost: DriveId, spare: DriveId) -> String {
    let (lost, spare) = (called(plan, lost), called(plan, spare));
    format!(
        "{lost} is not plugged in. If it is not lost, plug it in. If it is lost, press Enter again: {spare} takes its place for \
         good, and {lost} is not taken again."
    )
}

/// A lost drive came back.
pub fn was_replaced(plan: &Plan, lost: DriveId, entry: u64) -> String {
    format!(
        "{} was lost, and by entry {entry} a spare has its place. Take it out and keep it: conclave verify --also compares it with \
         the record",
        called(plan, lost)
    )
}

/// A log drive is not there.
pub fn log_missing(plan: &Plan, missing: DriveId, spare: Option<DriveId>) -> String {
    let serial = plan.drive(missing).map_or("", |drive| drive.serial.as_str());
    let spare = spare.map_or_else(String::new, |spare| {
        format!(" If it is lost, plug in the spare {} instead.", called(plan, spare))
    });
    format!("{}, serial {serial}, is not plugged in. Plug it in.{spare}", called(plan, missing))
}

/// A log drive is lost before it was one.
pub fn too_early(plan: &Plan, lost: DriveId) -> String {
    format!(
        "{} did not hold the whole record yet, so no spare can take its place. Begin again with the plan's drive and another log \
         drive",
        called(plan, lost)
    )
}

/// A spare with files of its own.
pub fn spare_not_empty(plan: &Plan, spare: DriveId, file: &str) -> String {
    format!(
        "{} is not empty: it holds {file}. Take it out, empty it on another computer, plug it in again",
        called(plan, spare)
    )
}

/// Why a drive cannot be worked with: a sentence.
pub fn unfit(unfit: &Unfit) -> String {
    match unfit {
        Unfit::NotYet => "It is being read.".into(),
        Unfit::Disks(found) => format!("It contains {found} disks in one device."),
        Unfit::Unreadable(why) => format!("It cannot be read ({why})."),
        Unfit::NotFormatted => "It holds no file system known here.".into(),
        Unfit::DiscImage => "It holds a disc image, or the rest of one.".into(),
        Unfit::Other(name) => format!("It holds {name}, not FAT32."),
        Unfit::Gpt => "It is partitioned by a GPT, not an MBR.".into(),
        Unfit::Partitions(found) => format!("It has {found} partitions, not one."),
        Unfit::PartitionType(kind) => format!("Its partition is of type {kind:02X}, not 0C."),
        Unfit::PartitionBounds => "Its partition does not lie within it.".into(),
        Unfit::Damaged(field) => format!("Its FAT32 is damaged ({field})."),
    }
}

/// How to make it fit, or the drive to take instead: an instruction to the operator.
pub const fn mend(unfit: &Unfit) -> &'static str {
    match unfit {
        Unfit::NotYet => "wait until it is read.",
        Unfit::Disks(_) => "take it out; use a plain stick.",
        Unfit::Unreadable(_) => "take it out; use another drive.",
        Unfit::NotFormatted
        | Unfit::DiscImage
        | Unfit::Other(_)
        | Unfit::Gpt
        | Unfit::Partitions(_)
        | Unfit::PartitionType(_)
        | Unfit::PartitionBounds
        | Unfit::Damaged(_) => "take it out; run conclave drive prepare on another computer.",
    }
}

/// A drive of the plan is in and cannot be worked with.
pub fn not_fit(called: &str, why: &Unfit) -> String {
    format!("{called} cannot be used. {} Now: {}", unfit(why), mend(why))
}

/// An operation on a drive failed. `called` is the name of the drive on its label, as people in the room call it.
pub fn failed(called: &str, error: &DriveError) -> Words {
    let (instruction, more) = instruction(called, &error.came);
    let facts = vec![format!("{called} (port {}): {} failed.", error.port, error.tried), happened(&error.came)];
    Words { role: OPERATOR, instruction, facts: facts.into_iter().chain(more.map(str::to_owned)).collect() }
}

/// The same in one paragraph, for the places where a failure stands beside an instruction of the room's own.
pub fn told(called: &str, error: &DriveError) -> String {
    let words = failed(called, error);
    format!("{} Now: {}", words.facts.join(" "), words.instruction)
}

/// The event, in a sentence.
fn happened(came: &Came) -> String {
    match came {
        Came::Absent => "No drive is in that port.".into(),
        Came::Swapped(there) => format!("Another drive is in that port: serial {}.", there.serial),
        Came::Gone => "It was pulled out, or it stopped answering.".into(),
        Came::NoSerial => "It reports no serial, so it cannot be distinguished from another drive.".into(),
        Came::SameSerial { other } => format!("The drive at port {other} claims the same serial."),
        Came::Unfit(why) => unfit(why),
        Came::ReadOnly => "It refuses to be written to.".into(),
        Came::Full { need, free } => format!("{} bytes are needed, {} are free.", digits(*need), digits(*free)),
        Came::Io(why) => format!("The drive reported an error: {why}."),
        Came::FlushFailed(why) => format!("It took the bytes, but did not confirm that it keeps them: {why}."),
        Came::NotReadBack(differs) => format!("The contents read back differ from the contents written: {differs}."),
        Came::Exists(name) => format!("A file {} is there already, with other contents.", name.as_str()),
        Came::NoFile => "There is no file of that name on it.".into(),
        Came::TooLong { len, at_most } => {
            format!("The file has {} bytes; at most {} are read.", digits(*len), digits(*at_most))
        }
        Came::LogLength { expected, found } => {
            format!("Its log has {} bytes; the record has {}.", digits(*found), digits(*expected))
        }
        Came::TooManyNames => "It holds more files than any drive of a ceremony.".into(),
        Came::Folder(name) => format!("The file {} is in a folder; drives of a ceremony have none.", name.as_str()),
        Came::Names(why) => format!("The names of the files cannot stand together: {why}."),
        Came::NoNameLeft(name) => format!("Every name for keeping the rest of {} is taken.", name.as_str()),
    }
}

/// The thing to do now, and further facts.
fn instruction(called: &str, came: &Came) -> (String, Option<&'static str>) {
    let anew = format!("plug {called} in again; if it fails again, power off.");
    let bad = "The plan names one drive for each thing. If this drive is bad, the ceremony ends for today.";
    let lies = "A drive like this may hold less than it reports. Nothing on it counts.";
    match came {
        Came::Absent | Came::Gone => (format!("put {called} in again, into the same port."), None),
        Came::Swapped(_) => (format!("take it out and put {called} in."), None),
        Came::SameSerial { .. } => ("take both out and keep them apart.".into(), None),
        Came::NoSerial => (format!("take {called} out; use a drive that reports a serial."), None),
        Came::Unfit(why) => (mend(why).into(), None),
        Came::ReadOnly => (format!("take {called} out and switch its write protection off."), None),
        Came::Full { .. } => {
            (format!("take {called} out and make room on another computer."), Some("Nothing is ever deleted."))
        }
        Came::Io(_) | Came::FlushFailed(_) => (anew, Some(bad)),
        Came::NotReadBack(Differs::Another(_)) => (anew, Some("A file has changed that was not written to.")),
        Came::NotReadBack(_) => (anew, Some(lies)),
        Came::Exists(_) => {
            (format!("check that this is {called}, and that it was empty."), Some("Files are never overwritten."))
        }
        Came::NoFile | Came::TooLong { .. } | Came::Folder(_) | Came::TooManyNames => {
            (format!("check that {called} is the drive that was prepared."), None)
        }
        Came::LogLength { .. } => ("power off and start again: the two logs are compared then.".into(), None),
        Came::Names(_) | Came::NoNameLeft(_) => ("stop and check the plan and the drive.".into(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drives::{Drive, Tried, Volume, VolumeId};
    use crate::shown::{Serial, Shown};
    use conclave_publish::{FileName, Item, Manifest};

    fn name(name: &str) -> FileName {
        FileName::new(name.as_bytes()).unwrap()
    }

    fn all() -> Vec<Came> {
        let volume = Ok(Volume { id: VolumeId(1), label: Shown::new("B") });
        let (port, model) = (Shown::new("1-1"), Shown::new("Stick"));
        let twice = |name: &str| Item { name: self::name(name), size: 0, digest: conclave_publish::Digest::of(b"") };
        vec![
            Came::Absent,
            Came::Swapped(Box::new(Drive { port, model, serial: Serial::new("OTHER"), len: 1, volume })),
            Came::Gone,
            Came::NoSerial,
            Came::SameSerial { other: Shown::new("1-9") },
            Came::Unfit(Unfit::Other("exFAT")),
            Came::ReadOnly,
            Came::Full { need: 70_000, free: 4_096 },
            Came::Io(Shown::new("Input/output error (os error 5)")),
            Came::FlushFailed(Shown::new("Input/output error (os error 5)")),
            Came::NotReadBack(Differs::Bytes),
            Came::NotReadBack(Differs::Length { written: 7, found: 0 }),
            Came::NotReadBack(Differs::Missing),
            Came::NotReadBack(Differs::Another(name("plan.toml"))),
            Came::Exists(name("plan.toml")),
            Came::NoFile,
            Came::TooLong { len: 9, at_most: 8 },
            Came::LogLength { expected: 9, found: 8 },
            Came::TooManyNames,
            Came::Folder(name("a/b")),
            Came::from(Manifest::new(vec![twice("a"), twice("A")]).unwrap_err()),
            Came::NoNameLeft(name("log.cbor")),
        ]
    }

    #[test]
    fn every_failure_has_words_of_its_own_and_says_what_to_do() {
        let error = |came| DriveError { port: Shown::new("1-4"), tried: Tried::Write(name("log.cbor")), came };
        let words: Vec<Words> = all().into_iter().map(|came| failed("WELLINGTON", &error(came))).collect();
        for (at, said) in words.iter().enumerate() {
            assert_eq!(said.facts[0], "WELLINGTON (port 1-4): writing log.cbor failed.");
            assert!(said.instruction.ends_with('.') && said.facts.iter().all(|fact| fact.ends_with('.')), "{said:?}");
            assert!(words[..at].iter().all(|other| other.facts != said.facts), "{said:?} is said twice");
            // "Operator: " stands before the instruction, and a screen has 80 columns.
            assert!(said.instruction.len() <= 68, "{}", said.instruction);
            for fact in &said.facts {
                assert!(fact.len() <= 120, "{fact}");
            }
        }
    }

    fn every_unfit() -> Vec<Unfit> {
        let all = vec![
            Unfit::NotYet,
            Unfit::Disks(2),
            Unfit::Unreadable(Shown::new("Input/output error (os error 5)")),
            Unfit::NotFormatted,
            Unfit::DiscImage,
            Unfit::Other("exFAT"),
            Unfit::Gpt,
            Unfit::Partitions(2),
            Unfit::PartitionType(0x83),
            Unfit::PartitionBounds,
            Unfit::Damaged("more sectors than it has room for"),
        ];
        // One that is not in the list does not compile here.
        for why in &all {
            match why {
                Unfit::NotYet | Unfit::Disks(_) | Unfit::Unreadable(_) | Unfit::NotFormatted | Unfit::DiscImage => {}
                Unfit::Other(_) | Unfit::Gpt | Unfit::Partitions(_) | Unfit::PartitionType(_) => {}
                Unfit::PartitionBounds | Unfit::Damaged(_) => {}
            }
        }
        all
    }

    /// Whether a text is whole sentences: each begins large, ends with a full stop, and says one thing once.
    #[track_caller]
    fn are_sentences(text: &str) {
        for sentence in text.split_inclusive(". ").map(str::trim) {
            let begins = sentence.strip_prefix("Now: ").unwrap_or(sentence).chars().next();
            let named = begins.is_some_and(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
            assert!(named || sentence.starts_with("Now: "), "{sentence:?} of {text:?} begins small");
            assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{sentence:?} of {text:?} does not end");
            for twice in [" is is ", " is it ", " is holds ", " is its ", ": It", "  "] {
                assert!(!sentence.contains(twice), "{twice:?} in {text:?}");
            }
        }
    }

    #[test]
    fn whatever_is_said_of_a_drive_is_whole_sentences() {
        for came in all() {
            let error = DriveError { port: Shown::new("1-4"), tried: Tried::Look, came };
            are_sentences(&told("SHARE-1", &error));
        }
        let unfit_ones = every_unfit();
        for (at, why) in unfit_ones.iter().enumerate() {
            are_sentences(&not_fit("SHARE-1", why));
            are_sentences(&told(
                "SHARE-1",
                &DriveError { port: Shown::new("1-4"), tried: Tried::Look, came: Came::Unfit(why.clone()) },
            ));
            let said = unfit(why);
            assert!(unfit_ones[..at].iter().all(|other| unfit(other) != said), "{said} is said twice");
            // Behind port and size on the screen of devices.
            assert!(said.len() <= 52 || matches!(why, Unfit::Unreadable(_) | Unfit::Damaged(_)), "{said}");
        }
    }
}
