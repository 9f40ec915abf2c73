//! Ceremonies of the tests: how each begins, one played to its end, and records written again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Event, Looked, Source};
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan;
use conclave_ceremony::plan::names::{Names, draw};
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::transcript::{GENESIS, append};
use conclave_console::ceremony::begin::{Begun, Brought, Start};
use conclave_console::ceremony::intake::{Intake, Stage as Way};
use conclave_console::ceremony::resume::{Interrupted, NotResumed};
use conclave_console::civil::Wall;
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::Tree;
use conclave_console::preflight::challenge::{Challenged, Digests};
use conclave_publish::{Digest, FileName};
use conclave_sim::memo::Memo;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{Robot, keys};
use conclave_sim::world::stage::Stage;

/// Within the window of the example plans: 2026-11-21.
pub const STARTED: Wall = Wall(1_795_295_100);

/// The names of the smallest example plan.
pub const MINIMAL_NAMES: &[u8] = include_bytes!("../../docs/plans/minimal/names.toml");
/// Those of the other one.
pub const SAFIRE_NAMES: &[u8] = include_bytes!("../../docs/plans/safire/names.toml");

/// A plan made of one of the examples, with the names of that one.
pub fn brought(bytes: &[u8]) -> Brought<'_> {
    let plan = plan::read(bytes).unwrap();
    let names = [MINIMAL_NAMES, SAFIRE_NAMES].into_iter().find(|names| Names::read(names, &plan).is_ok());
    Brought { plan: bytes, names: names.expect("a plan with the names of an example") }
}

/// A plan with the names of this list, `id = "name"` a line, and their file. The random bytes are the same every time.
pub fn with_names(plan: &str, list: &str) -> (String, String) {
    let mut last = 0;
    let random = || {
        last += 1;
        Ok::<_, Infallible>([last; 32])
    };
    let Ok(drawn) = draw(list.as_bytes(), random);
    let drawn = drawn.unwrap_or_else(|refusals| panic!("{refusals:?}"));
    let from = plan.find("[names]\n").unwrap();
    let (before, after) = plan.split_at(from);
    let (_, after) = after.split_once("\n\n").unwrap();
    (format!("{before}{}\n{after}", drawn.table), drawn.file)
}

/// The files of the plan's stick.
pub fn on_stick(bytes: &[u8]) -> [(FileName, Vec<u8>); 2] {
    let Brought { plan, names } = brought(bytes);
    [("plan.toml", plan), ("names.toml", names)]
        .map(|(name, of)| (FileName::new(name.as_bytes()).unwrap(), of.to_vec()))
}

/// The facts about the machine before a plan is in.
pub fn start() -> Start {
    let text = |words| Text::new(words).unwrap();
    Start {
        image: Digest::of(b"an image"),
        build: text("0.1.0 test"),
        tree: Tree::Clean,
        findings: vec![
            Looked::Medium { source: Source::Paper },
            Looked::AirGap {
                weak: vec![],
                absent: Looked::WAYS_OUT,
                hardware: vec![],
                machine: vec![text("kernel 6.1")],
            },
            Looked::Clock { wall: STARTED.0, mono: 0 },
            Looked::Plan { source: Source::Paper, drive: text("PLAN") },
        ],
    }
}

/// The same in a later boot, before a log drive is read: the clock is compared again.
pub fn again(world: &mut World) -> Start {
    let (mut start, now) = (start(), world.now());
    start.findings.truncate(2);
    start.findings.push(Looked::Clock { wall: now.wall.0, mono: now.mono_ms });
    start
}

/// An interrupted ceremony of this plan goes on; the witness types the head of its last entry.
pub fn resumed(bytes: &[u8], world: &mut World) -> Result<Begun<World>, NotResumed> {
    resumed_from(again(world), bytes, world)
}

/// The same with the checks of this boot.
pub fn resumed_from(mut start: Start, bytes: &[u8], world: &mut World) -> Result<Begun<World>, NotResumed> {
    let interrupted = Interrupted::read(bytes, &start, world)?;
    start.findings.push(Looked::Plan { source: Source::Paper, drive: Text::fitted("LOG-A") });
    let last = interrupted.heads().len().checked_sub(1).map(|last| last as u64);
    Begun::resumed(interrupted, last, start, world)
}

/// The machine was started again before this entry: everything was looked at again, and the witness typed the head before it.
pub fn interrupted(boot: u16, head: Octets<32>, before: &Entry) -> Event {
    let mut looked = start().findings;
    looked[2] = Looked::Clock { wall: before.wall, mono: before.mono };
    Event::Interrupted { boot, head, lost: None, torn: None, looked, written: before.seq.checked_sub(1) }
}

/// A witness meets the challenge that is begun with Enter, with their own copy of these digests.
pub fn meets(intake: &mut Intake, digests: &Digests, start: &Start, world: &mut World) {
    for key in [Key::Enter, Key::Char('1')] {
        intake.press(key, start, world);
    }
    let challenged = match &intake.stage {
        Way::Challenge(challenged) => challenged,
        Way::Written(read) => &read.written.challenged,
        Way::Insert | Way::Refused(_) | Way::Logs(_) => panic!("no challenge: {:?}", intake.wrong),
    };
    let Challenged::Open(open) = challenged else { panic!("{challenged:?}: {:?}", intake.wrong) };
    let groups: Vec<String> = open.groups(digests).map(|group| group.to_string()).collect();
    for group in groups {
        keys(&group).for_each(|key| drop(intake.press(key, start, world)));
    }
}

/// A ceremony that was closed.
pub struct Played {
    /// The things on the table.
    pub stage: Stage,
    /// Everybody, with their papers.
    pub robot: Robot,
    /// The record.
    pub transcript: Vec<u8>,
    /// Every file on every drive but the record, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Plays a rehearsal from its first entry to close; their randomness comes from `machine` and `tokens`.
pub fn played(bytes: &[u8], machine: [u8; 32], tokens: [u8; 32], memo: &Arc<Memo>) -> Played {
    played_at(STARTED, bytes, (machine, tokens), memo)
}

/// The same at another time.
pub fn played_at(started: Wall, bytes: &[u8], (machine, tokens): ([u8; 32], [u8; 32]), memo: &Arc<Memo>) -> Played {
    let planned = plan::read(bytes).unwrap();
    let mut stage = Stage::of(&planned, World::new(machine, started, Arc::clone(memo)), tokens).unwrap();
    let mut start = start();
    start.findings[2] = Looked::Clock { mono: 0, wall: started.0 };
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(bytes), start, &mut stage.world).unwrap() else {
        panic!("a rehearsal")
    };
    let mut robot = Robot::new(&planned);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |_, _| ());
    assert!(ended == Ended::Closed, "{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    let mut files = BTreeMap::new();
    for at in 0..planned.drives.len() {
        let stick = stage.stick(DriveId(at as u16)).unwrap();
        files.extend(stick.files.iter().map(|(name, bytes)| (name.as_str().to_owned(), bytes.clone())));
    }
    let transcript = files.remove("conclave.cbor").unwrap();
    Played { stage, robot, transcript, files }
}

/// The bytes of these entries, numbered and chained again, as a forger would do it: an interruption that named the head
/// before it names the new head.
pub fn chained(entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let (mut bytes, mut head) = (Vec::new(), GENESIS);
    for (seq, mut entry) in (0..).zip(entries) {
        if let Event::Interrupted { head: named, .. } = &mut entry.event
            && *named == entry.prev
        {
            *named = head.into();
        }
        let (appended, next) = append(&head, &Entry { seq, prev: head.into(), ..entry }).unwrap();
        bytes.extend(appended);
        head = next;
    }
    bytes
}
