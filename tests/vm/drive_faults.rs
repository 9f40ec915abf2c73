//! Drive faults on the shipped image, where a ceremony writes for the first time: a drive becomes its log.

use std::time::{Duration, Instant};

use conclave_ceremony::event::{Event, Outcome};
use conclave_ceremony::plan::read;
use conclave_ceremony::transcript;
use conclave_console::wording;
use conclave_publish::Digest;
use conclave_sim::world::robot::{self, copies};
use conclave_tests::ceremony::on_stick;
use conclave_tests::scratch::Scratch;

use crate::drives::{Plugged, formatted, was_only_read};
use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::nbd::{Disk, Mood, Op, serve};
use conclave_tests::vm::{stick, walk};

const PLAN: &[u8] = include_bytes!("../../docs/plans/minimal/plan.toml");
/// The first log drive of the plan.
const SERIAL: &str = "CONCLAVE-LOG-A";
/// Its size and volume id there.
const SIZE: u64 = 67_108_864;
const VOLUME: u32 = 0xC0DE_000A;
/// The question until the drive is plugged in, and the question for the second drive.
const ASKED: &str = "plug in drive LOG-A";
const ASKED_NEXT: &str = "plug in drive LOG-B";
/// The words while a log drive is not in order.
const TROUBLE: &str = "put the log drive right";
/// Enters before words that do not come are given up.
const ENTERS_MAX: usize = 12;
/// How long one Enter may take to change the screen.
const ANSWERED: Duration = Duration::from_secs(8);
/// How long a slow stick may take until it is written to.
const WRITTEN: Duration = Duration::from_secs(300);
/// Bytes of a cluster.
const CLUSTER: usize = 512;

/// A room at the first log drive, with nothing plugged in.
struct Table {
    machine: Machine,
    scratch: Scratch,
    pluggings: usize,
}

impl Table {
    fn new() -> Self {
        let scratch = Scratch::new();
        let plan = scratch.file("plan");
        stick::format(&plan, SIZE, "PLAN", 1);
        for (name, bytes) in on_stick(PLAN) {
            let name = name.as_str();
            std::fs::write(scratch.file(name), bytes).unwrap();
            stick::put(&plan, &scratch.file(name), name);
        }
        let mut table =
            Self { machine: Machine::start(Firmware::Bios, &Drive::Dvd.with(&walk::iso())), scratch, pluggings: 0 };
        walk::to_devices(&mut table.machine);
        let brought = table.served("plan-served", std::fs::read(plan).unwrap());
        let brought = table.plug("plan-served", "BROUGHT", brought);
        table.machine.wait_for("FAT32 volume 0000-0001");
        table.machine.press(&["ret", "ret"]);
        table.machine.wait_for(wording::intake::COMPARE);
        table.machine.press(&["ret"]);
        walk::challenge(&mut table.machine, &copies(&read(PLAN).unwrap()), "1");
        table.machine.wait_for(wording::intake::MET);
        assert!(was_only_read(&brought.disk), "the drive with the plan: {:?}", brought.disk.log());
        brought.pull(&mut table.machine);
        table.until(ASKED);
        table
    }

    fn served(&self, name: &str, bytes: Vec<u8>) -> Disk {
        serve(&self.scratch.file(name), bytes)
    }

    /// Plugs in the disk that is served under this name.
    fn plug(&mut self, name: &str, serial: &str, disk: Disk) -> Plugged {
        self.pluggings += 1;
        let id = format!("plugging{}", self.pluggings);
        Plugged::of(&mut self.machine, &id, &self.scratch.file(name), 1, serial, disk)
    }

    /// Presses Enter until the screen says this: a stick that was just plugged in takes its time.
    #[track_caller]
    fn until(&mut self, words: &str) -> String {
        let mut screen = String::new();
        for _ in 0..ENTERS_MAX {
            self.machine.press(&["ret"]);
            let began = Instant::now();
            while began.elapsed() < ANSWERED {
                screen = self.says();
                if screen.contains(words) {
                    return screen;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
        panic!("{words:?} is not on\n{screen}");
    }

    /// Waits until something is written after this many operations. Enter is pressed again where it came too soon: before the
    /// stick was let in.
    #[track_caller]
    fn until_written(&mut self, disk: &Disk, before: usize) {
        let began = Instant::now();
        while !disk.log()[before..].iter().any(|op| matches!(op, Op::Write(_))) {
            let screen = self.says();
            assert!(began.elapsed() < WRITTEN, "nothing is written: {:?}\n{screen}", &disk.log()[before..]);
            if screen.contains(TROUBLE) {
                self.machine.press(&["ret"]);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The middle of the screen, in one line.
    fn says(&mut self) -> String {
        robot::one_line(&robot::middle(&self.machine.screen()))
    }

    /// The head of the record, as the screen shows it.
    fn head(&mut self) -> Digest {
        robot::edge(&self.machine.screen()).unwrap()
    }
}

/// A stick as the plan wants the first log drive.
fn log_a(scratch: &Scratch) -> Vec<u8> {
    let file = scratch.file("log-a");
    stick::format(&file, SIZE, "LOG-A", VOLUME);
    std::fs::read(file).unwrap()
}

/// The same without a free cluster.
fn full(scratch: &Scratch) -> Vec<u8> {
    let mut bytes = log_a(scratch);
    let le = |at: usize, len: usize| (0..len).rev().fold(0, |sum, byte| sum << 8 | usize::from(bytes[at + byte]));
    let (reserved, fats, sectors) = (le(14, 2), le(16, 1), le(36, 4));
    let summary = le(48, 2) * CLUSTER;
    for fat in 0..fats {
        // The first three entries are the media byte, a flag, and the root directory.
        let entries = (reserved + fat * sectors) * CLUSTER..(reserved + (fat + 1) * sectors) * CLUSTER;
        bytes[entries].chunks_exact_mut(4).skip(3).for_each(|entry| entry.copy_from_slice(&[0xFF, 0xFF, 0xFF, 0x0F]));
    }
    // Free clusters, by the summary.
    bytes[summary + 488..summary + 492].fill(0);
    bytes
}

/// Whether these bytes were read after they had been written for the last time, and where they are.
fn read_back(disk: &Disk, bytes: &[u8]) -> bool {
    let all = disk.bytes();
    let place = all.windows(bytes.len()).position(|part| part == bytes).expect("the drive holds it") as u64;
    let (start, end) = (place, place + bytes.len() as u64);
    let log = disk.log();
    let covers = |range: &std::ops::Range<u64>| range.start <= start && range.end >= end;
    let written = log.iter().rposition(|op| matches!(op, Op::Write(range) if covers(range)));
    let read = log.iter().rposition(|op| matches!(op, Op::Read(range) if covers(range)));
    written.is_some() && read > written
}

#[test]
fn every_fault_of_a_log_drive_has_words_of_its_own_and_the_ceremony_goes_on_when_it_is_gone() {
    let mut table = Table::new();
    let sound = log_a(&table.scratch);
    let exfat = formatted(&table.scratch, "/sbin/mkfs.exfat", &[], SIZE);

    // The screen asks again where a device is no drive to work with; that device is never written to.
    let nameless = table.served("nameless", sound.clone());
    let plugged = table.plug("nameless", "", nameless.clone());
    table.until("it reports another serial or none and is not let in");
    assert_eq!(nameless.log(), [Op::Read(0..512)], "QEMU itself looks for a table of partitions, and nobody else");
    plugged.pull(&mut table.machine);
    for (name, stick, mood, words) in [
        ("exfat", exfat, Mood::Sound, "LOG-A cannot be used. It holds exFAT, not FAT32."),
        ("unreadable", sound.clone(), Mood::FailsReads, "LOG-A cannot be used. It cannot be read (Input/output error"),
    ] {
        let disk = table.served(name, stick);
        disk.set(mood);
        let plugged = table.plug(name, SERIAL, disk);
        let screen = table.until(words);
        assert!(screen.contains(ASKED), "{screen}");
        assert!(was_only_read(&plugged.disk), "{name}: {:?}", plugged.disk.log());
        plugged.pull(&mut table.machine);
    }

    // A drive that does not take the record holds everything up: the head stays where it was.
    let spent = table.served("spent", full(&table.scratch));
    let plugged = table.plug("spent", SERIAL, spent);
    let screen = table.until("bytes are needed, 0 are free.");
    assert!(screen.contains(TROUBLE) && screen.contains("Nothing is ever deleted."), "{screen}");
    let head = table.head();
    plugged.pull(&mut table.machine);
    let disk = table.served("log", sound);
    for (mood, words) in [
        (Mood::WriteProtected, "It refuses to be written to."),
        (Mood::FailsWrites, "The drive reported an error: Input/output error"),
        (Mood::FailsFlushes, "It took the bytes, but did not confirm that it keeps them: Input/output error"),
        (Mood::Drops(0), "The contents read back differ from the contents written"),
    ] {
        disk.set(mood);
        let plugged = table.plug("log", SERIAL, disk.clone());
        let screen = table.until(words);
        assert!(screen.contains(TROUBLE), "{mood:?}: {screen}");
        assert_eq!(table.head(), head, "{mood:?}");
        plugged.pull(&mut table.machine);
    }

    // A slow one is waited for, with words, and torn out in the middle of its work.
    disk.set(Mood::Slow(Duration::from_millis(400)));
    let plugged = table.plug("log", SERIAL, disk.clone());
    let before = disk.log().len();
    table.until("wait: the record is written to the log drives and read back.");
    table.until_written(&disk, before);
    plugged.pull(&mut table.machine);
    table.machine.wait_until("the torn out drive", |screen| {
        robot::one_line(&robot::middle(screen)).contains("It was pulled out")
    });
    assert_eq!(table.head(), head);

    // The same stick, sound again.
    disk.set(Mood::Sound);
    let plugged = table.plug("log", SERIAL, disk.clone());
    table.until(ASKED_NEXT);
    assert_ne!(table.head(), head);
    plugged.pull(&mut table.machine);
    let left = table.scratch.file("left");
    std::fs::write(&left, disk.bytes()).unwrap();
    stick::judged_when_pulled(&left);
    let (record, plan) = (stick::get(&left, "conclave.cbor"), stick::get(&left, "plan.toml"));
    assert_eq!(plan, PLAN);
    for bytes in [&plan, &record].into_iter().flat_map(|file| file.chunks_exact(CLUSTER)) {
        assert!(read_back(&disk, bytes), "{:?}", disk.log());
    }
    let read = transcript::read(&record).unwrap();
    assert_eq!(read.torn, 0);
    let failures =
        read.entries.iter().filter(|entry| matches!(&entry.event, Event::Came { outcome: Outcome::Failed(_), .. }));
    assert_eq!(failures.count(), 2, "the drives that were no drive to work with");
}
