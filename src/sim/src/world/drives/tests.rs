//! The room's claim that data is written, over drives that fail in every way at every operation.

use std::collections::BTreeMap;

use super::*;
use conclave_ceremony::public::Bytes;
use conclave_console::drives::fat32::Unfit;
use conclave_console::drives::{Attempt, Differs, DriveError, Drives, Tried};
use conclave_console::export::{Exportable, Public};

const PLAN: &[u8] = b"kind = \"rehearsal\"\n";
const OLD: &[u8] = b"somebody else's";

fn name(name: &str) -> FileName {
    FileName::new(name.as_bytes()).unwrap()
}

/// One drive that holds a file of another person.
fn one() -> (MemoryDrives, Drive) {
    let mut world = MemoryDrives::default();
    let mut stick = Stick::new("1-4", "60A44C425324", "WELLINGTON");
    stick.files.insert(name("old.txt"), OLD.to_vec());
    let drive = stick.drive.clone();
    world.plug(stick);
    (world, drive)
}

fn with(change: impl FnOnce(&mut Stick)) -> (MemoryDrives, Drive) {
    let (mut world, drive) = one();
    let stick = world.stick(&drive.port).unwrap();
    change(stick);
    let drive = stick.drive.clone();
    (world, drive)
}

fn kept(world: &mut MemoryDrives, drive: &Drive) -> BTreeMap<FileName, Vec<u8>> {
    world.stick(&drive.port).unwrap().files.clone()
}

fn bundle() -> Vec<(FileName, &'static [u8])> {
    vec![(name("plan.toml"), PLAN), (name("empty"), b""), (name("Long.Name-of_a-file.cbor"), b"\0\x01\x02")]
}

fn write(world: &mut MemoryDrives, drive: &Drive) -> Result<(), DriveError> {
    put(world, drive, &bundle(), Attempt::First)
}

fn put(
    world: &mut MemoryDrives,
    drive: &Drive,
    files: &[(FileName, &[u8])],
    attempt: Attempt,
) -> Result<(), DriveError> {
    let public = |bytes: &[u8]| Public::from(&Bytes::new(bytes.to_vec()).unwrap());
    let public: Vec<Public> = files.iter().map(|(_, bytes)| public(bytes)).collect();
    let leaves = files.iter().zip(&public).map(|((name, _), public)| (name.clone(), public as &dyn Exportable));
    world.write(drive, &leaves.collect::<Vec<_>>(), attempt)
}

#[track_caller]
fn came<T>(result: Result<T, DriveError>) -> Came {
    result.err().unwrap().came
}

#[test]
fn what_was_written_is_kept_and_the_drive_may_be_pulled() {
    let (mut world, drive) = one();
    write(&mut world, &drive).unwrap();
    assert_eq!(world.mounted(&drive.port), None);
    assert_eq!(world.unsynced(), 0);
    let lengths = [("Long.Name-of_a-file.cbor", 3), ("empty", 0), ("old.txt", 15), ("plan.toml", 19)];
    assert_eq!(world.names(&drive).unwrap().files, lengths.map(|(there, len)| (name(there), len)));
    assert_eq!(world.read(&drive, &name("plan.toml"), 19).unwrap(), PLAN);
    assert_eq!(kept(&mut world, &drive)[&name("old.txt")], OLD);
}

#[test]
fn writing_the_same_again_changes_nothing_and_is_read_back_all_the_same() {
    let (mut world, drive) = one();
    write(&mut world, &drive).unwrap();
    let before = kept(&mut world, &drive);
    // It could not be written again, so it was not.
    world.stick(&drive.port).unwrap().capacity = 0;
    for attempt in [Attempt::First, Attempt::Resumed] {
        put(&mut world, &drive, &bundle(), attempt).unwrap();
        assert_eq!(kept(&mut world, &drive), before);
    }
    let ops = world.ops();
    world.fail_at(ops + 14, Fault::Lose(drive.port.clone(), name("plan.toml")));
    assert_eq!(came(write(&mut world, &drive)), Came::NotReadBack(Differs::Missing));
}

#[test]
fn a_file_with_other_contents_is_never_overwritten_and_nothing_is_written_beside_it() {
    for (there, contents) in [("plan.toml", &b"kind = \"production\""[..]), ("plan.toml", b""), ("PLAN.toml", PLAN)] {
        let (mut world, drive) = with(|stick| drop(stick.files.insert(name(there), contents.to_vec())));
        let before = kept(&mut world, &drive);
        assert_eq!(came(write(&mut world, &drive)), Came::Exists(name(there)), "{there} {contents:?}");
        assert_eq!(world.mounted(&drive.port), None, "it may be pulled out");
        assert_eq!(kept(&mut world, &drive), before);
    }
}

#[test]
fn a_drive_that_drops_writes_is_found_out_by_both_ways_of_writing() {
    let bytes = Came::NotReadBack(Differs::Bytes);
    let missing = Came::NotReadBack(Differs::Missing);
    for (lies, written) in [(Lies::Bytes, bytes.clone()), (Lies::Everything, missing)] {
        let (mut world, drive) = with(|stick| stick.lies = lies);
        let file = [(name("plan.toml"), PLAN)];
        let error = put(&mut world, &drive, &file, Attempt::First).unwrap_err();
        assert_eq!((error.tried, error.came), (Tried::ReadBack(name("plan.toml")), written));
    }
    for lies in [Lies::Bytes, Lies::Everything] {
        let (mut world, drive) = one();
        world.append(&drive, &name("log.cbor"), 0, b"first").unwrap();
        world.stick(&drive.port).unwrap().lies = lies;
        let error = world.append(&drive, &name("log.cbor"), 5, b"second").unwrap_err();
        assert_eq!(error.tried, Tried::ReadBack(name("log.cbor")));
        assert!(matches!(error.came, Came::NotReadBack(_)), "{error:?}");
    }
}

#[test]
fn a_log_is_not_cut_where_its_tail_was_not_kept() {
    let (mut world, drive) = with(|stick| drop(stick.files.insert(name("log.cbor"), b"firsttorn".to_vec())));
    world.stick(&drive.port).unwrap().lies = Lies::Bytes;
    let error = world.truncate_to(&drive, &name("log.cbor"), 5).unwrap_err();
    assert_eq!((error.tried, error.came), (Tried::ReadBack(name("log.cbor.torn1")), Came::NotReadBack(Differs::Bytes)));
    assert_eq!(kept(&mut world, &drive)[&name("log.cbor")], b"firsttorn");
}

#[test]
fn a_drive_that_forgets_another_file_meanwhile_is_found_out() {
    let (mut world, drive) = one();
    let mut failures = 0;
    for op in 0..40 {
        let mut world = world.clone();
        world.fail_at(op, Fault::Lose(drive.port.clone(), name("old.txt")));
        if let Err(error) = write(&mut world, &drive) {
            assert_eq!(error.came, Came::NotReadBack(Differs::Another(name("old.txt"))));
            failures += 1;
        }
    }
    // From the mount for writing, after which the machine remembers it, to the list of the files that are there
    // afterwards.
    assert_eq!(failures, 18);
    assert_eq!(write(&mut world, &drive), Ok(()));
}

#[test]
fn read_only_full_unfit_and_nameless_drives_are_told_apart() {
    let (mut world, drive) = with(|stick| stick.read_only = true);
    assert_eq!(came(write(&mut world, &drive)), Came::ReadOnly);
    assert_eq!(world.read(&drive, &name("old.txt"), 15).unwrap(), OLD, "but it can be read");

    let (mut world, drive) = with(|stick| stick.capacity = 3 * stick::CLUSTER - 1);
    assert_eq!(came(write(&mut world, &drive)), Came::Full { need: 8_192, free: 8_191 });
    assert_eq!(kept(&mut world, &drive).len(), 1, "nothing was begun");
    let (mut world, drive) = with(|stick| stick.capacity = 3 * stick::CLUSTER);
    assert_eq!(write(&mut world, &drive), Ok(()));
    let full = Came::Full { need: 4_096, free: 0 };
    assert_eq!(came(world.append(&drive, &name("log.cbor"), 0, b"entry")), full);

    let (mut world, drive) = with(|stick| stick.drive.volume = Err(Unfit::Other("exFAT")));
    assert_eq!(came(world.names(&drive)), Came::Unfit(Unfit::Other("exFAT")));

    let (mut world, drive) = with(|stick| stick.drive.serial = Serial::new(""));
    assert_eq!(came(write(&mut world, &drive)), Came::NoSerial);
    assert_eq!(came(world.append(&drive, &name("log.cbor"), 0, b"entry")), Came::NoSerial);
    assert_eq!(world.names(&drive).unwrap().files.len(), 1, "but it can be looked at");

    let (mut world, drive) = one();
    let twin = Stick::new("1-9", "60A44C425324", "OTHER");
    world.plug(twin);
    assert_eq!(came(write(&mut world, &drive)), Came::SameSerial { other: Shown::new("1-9") });
}

#[test]
fn another_drive_in_the_port_is_not_touched() {
    let (mut world, drive) = one();
    world.append(&drive, &name("log.cbor"), 0, b"entry").unwrap();
    world.pull(&drive.port).unwrap();
    assert_eq!(came(world.append(&drive, &name("log.cbor"), 5, b"entry")), Came::Absent);
    let other = Stick::new("1-4", "OTHER", "WELLINGTON");
    world.plug(other.clone());
    let swapped = Came::Swapped(Box::new(other.drive.clone()));
    assert_eq!(came(write(&mut world, &drive)), swapped);
    assert_eq!(came(world.append(&drive, &name("log.cbor"), 5, b"entry")), swapped);
    assert_eq!(came(world.read(&drive, &name("old.txt"), 99)), swapped);
    assert_eq!(world.stick(&drive.port), Some(&mut other.clone()));
}

#[test]
fn reading_takes_no_more_than_asked_for_and_no_path() {
    let (mut world, drive) = one();
    assert_eq!(came(world.read(&drive, &name("old.txt"), 14)), Came::TooLong { len: 15, at_most: 14 });
    assert_eq!(came(world.read(&drive, &name("new.txt"), 14)), Came::NoFile);
    assert_eq!(came(world.read(&drive, &name("a/old.txt"), 99)), Came::Folder(name("a/old.txt")));
    let file = [(name("a/plan.toml"), PLAN)];
    assert_eq!(came(put(&mut world, &drive, &file, Attempt::First)), Came::Folder(name("a/plan.toml")));
    let twice = [(name("plan.toml"), PLAN), (name("Plan.toml"), PLAN)];
    assert!(matches!(came(put(&mut world, &drive, &twice, Attempt::First)), Came::Names(_)));
    assert_eq!(kept(&mut world, &drive).len(), 1);
}

#[test]
fn a_log_grows_only_from_where_the_record_ends() {
    let (mut world, drive) = one();
    let log = name("log.cbor");
    assert_eq!(came(world.append(&drive, &log, 3, b"entry")), Came::LogLength { expected: 3, found: 0 });
    world.append(&drive, &log, 0, b"first").unwrap();
    assert_eq!(world.mounted(&drive.port), Some(Access::Write));
    world.append(&drive, &log, 5, b"second").unwrap();
    assert_eq!(came(world.append(&drive, &log, 5, b"second")), Came::LogLength { expected: 5, found: 11 });
    assert_eq!(came(world.append(&drive, &log, 12, b"third")), Came::LogLength { expected: 12, found: 11 });
    world.release(&drive).unwrap();
    assert_eq!(world.mounted(&drive.port), None);
    world.release(&drive).unwrap();
    assert_eq!(kept(&mut world, &drive)[&log], b"firstsecond");
}

#[test]
fn whatever_fails_at_whatever_operation_success_is_said_only_of_what_is_kept() {
    let (world, drive) = one();
    let mut clean = world.clone();
    write(&mut clean, &drive).unwrap();
    let ops = clean.ops();
    assert!(ops > 20, "{ops} operations");
    let wanted = kept(&mut clean, &drive);
    let mut refused = [0; 3];
    for op in 0..ops {
        let faults = [Fault::Io, Fault::Flush, Fault::Yank(drive.port.clone())];
        for (refused, fault) in refused.iter_mut().zip(faults) {
            let mut world = world.clone();
            world.fail_at(op, fault.clone());
            match write(&mut world, &drive) {
                Ok(()) => assert_eq!(kept(&mut world, &drive), wanted, "{fault:?} at {op}"),
                Err(_) => *refused += 1,
            }
        }
    }
    // None goes unnoticed.
    assert_eq!(refused, [ops; 3]);
}

#[test]
fn a_write_cut_at_any_byte_is_resumed_to_the_same_end() {
    let (world, drive) = one();
    let mut clean = world.clone();
    write(&mut clean, &drive).unwrap();
    let wanted = kept(&mut clean, &drive);
    let (mut cuts, mut torn) = (0, 0);
    for op in 0..clean.ops() {
        let mut dark = world.clone();
        dark.fail_at(op, Fault::PowerCut);
        assert_eq!(came(write(&mut dark, &drive)), Came::Gone);
        // Never more than one file's name and bytes: each is kept before the next is begun.
        assert!(dark.unsynced() <= 1 + PLAN.len(), "{} units at {op}", dark.unsynced());
        for units in 0..=dark.unsynced() {
            let mut world = dark.clone();
            world.cut(units);
            put(&mut world, &drive, &bundle(), Attempt::Resumed).unwrap();
            let mut found = kept(&mut world, &drive);
            let before = found.len();
            found.retain(|name, _| !name.as_str().contains(".torn"));
            torn += before - found.len();
            assert_eq!(found, wanted, "cut at {op}, {units} kept");
            cuts += 1;
        }
    }
    println!("figure: {cuts} cuts, {torn} torn files kept");
    assert!(cuts > 60 && torn > 20, "{cuts} cuts, {torn} torn");
}

#[test]
fn a_log_cut_at_any_byte_keeps_what_was_said_to_be_kept_and_goes_on() {
    let (mut world, drive) = one();
    let log = name("log.cbor");
    world.append(&drive, &log, 0, b"first").unwrap();
    let begun = world.ops();
    let mut clean = world.clone();
    clean.append(&drive, &log, 5, b"second").unwrap();
    let (mut cuts, mut torn) = (0, 0);
    for op in begun..clean.ops() {
        let mut dark = world.clone();
        dark.fail_at(op, Fault::PowerCut);
        dark.append(&drive, &log, 5, b"second").unwrap_err();
        for units in 0..=dark.unsynced() {
            let mut world = dark.clone();
            world.cut(units);
            let len = world.names(&drive).unwrap().files.iter().find(|(there, _)| *there == log).unwrap().1;
            assert!(b"firstsecond".starts_with(&kept(&mut world, &drive)[&log]) && len >= 5);
            if len > 5 {
                torn += 1;
                assert_eq!(came(world.append(&drive, &log, 5, b"second")), Came::LogLength { expected: 5, found: len });
                world.truncate_to(&drive, &log, 5).unwrap();
                let aside = kept(&mut world, &drive)[&name("log.cbor.torn1")].clone();
                assert_eq!(aside, b"second"[..len as usize - 5]);
            }
            world.append(&drive, &log, 5, b"second").unwrap();
            world.release(&drive).unwrap();
            assert_eq!(kept(&mut world, &drive)[&log], b"firstsecond");
            cuts += 1;
        }
    }
    println!("figure: {cuts} cuts, {torn} torn tails");
    assert!(cuts > 10 && torn > 5, "{cuts} cuts, {torn} torn");
}

#[test]
fn mending_a_log_cut_at_any_byte_never_loses_the_tail() {
    let (mut world, drive) = with(|stick| drop(stick.files.insert(name("log.cbor"), b"firsttorn".to_vec())));
    let log = name("log.cbor");
    assert_eq!(came(world.truncate_to(&drive, &log, 10)), Came::LogLength { expected: 10, found: 9 });
    let begun = world.ops();
    let mut clean = world.clone();
    clean.truncate_to(&drive, &log, 5).unwrap();
    let mut cuts = 0;
    for op in begun..clean.ops() {
        let mut dark = world.clone();
        dark.fail_at(op, Fault::PowerCut);
        dark.truncate_to(&drive, &log, 5).unwrap_err();
        for units in 0..=dark.unsynced() {
            let mut world = dark.clone();
            world.cut(units);
            world.truncate_to(&drive, &log, 5).unwrap();
            let found = kept(&mut world, &drive);
            assert_eq!(found[&log], b"first");
            let tails: Vec<_> = found.iter().filter(|(there, _)| there.as_str().contains(".torn")).collect();
            assert!(tails.iter().any(|(_, tail)| *tail == b"torn"), "{tails:?}");
            cuts += 1;
        }
    }
    assert!(cuts > 15, "{cuts} cuts");
}
