//! Ceremonies of the tests: how each begins, one played to its end, and records written anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Event, Looked};
use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan;
use conclave_ceremony::public::Text;
use conclave_ceremony::transcript::{GENESIS, append};
use conclave_publish::Digest;
use conclave_room::ceremony::begin::{Begun, Start};
use conclave_room::civil::Wall;
use conclave_room::look::Tree;
use conclave_sim::memo::Memo;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;

/// Within the window of the example plans: 2026-11-21.
pub const STARTED: Wall = Wall(1_795_295_100);

/// What is known of the machine before a plan is in.
pub fn start() -> Start {
    let text = |words| Text::new(words).unwrap();
    Start {
        image: Digest::of(b"an image"),
        build: text("0.1.0 test"),
        tree: Tree::Clean,
        findings: vec![
            Looked::Medium { source: text("a printed copy") },
            Looked::AirGap { weak: vec![], absent: 30, hardware: vec![], machine: vec![text("kernel 6.1")] },
            Looked::Clock { wall: STARTED.0 },
            Looked::Plan { source: text("a printed copy"), drive: text("PLAN") },
        ],
    }
}

/// A ceremony that was closed.
pub struct Played {
    /// What lies on the table.
    pub stage: Stage,
    /// Everybody, with their papers.
    pub robot: Robot,
    /// The record.
    pub transcript: Vec<u8>,
    /// Every file on every drive but the record, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Plays a rehearsal from its first entry to close; `machine` and `tokens` are what their randomness comes from.
pub fn played(bytes: &[u8], machine: [u8; 32], tokens: [u8; 32], memo: &Arc<Memo>) -> Played {
    played_at(STARTED, bytes, (machine, tokens), memo)
}

/// The same at another time.
pub fn played_at(started: Wall, bytes: &[u8], (machine, tokens): ([u8; 32], [u8; 32]), memo: &Arc<Memo>) -> Played {
    let planned = plan::read(bytes).unwrap();
    let mut stage = Stage::of(&planned, World::new(machine, started, Arc::clone(memo)), tokens).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(bytes, start(), &mut stage.world).unwrap() else {
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

/// The bytes of these entries, numbered and chained anew, as who wants it to be believed would: an interruption that named the
/// head before it names the new one.
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
