//! A ceremony played through, and what it left on its drives.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::ids::DriveId;
use conclave_ceremony::plan;
use conclave_room::ceremony::begin::Begun;
use conclave_sim::memo::Memo;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, start};

const PLAN: &[u8] = include_bytes!("../golden/transcripts/v1/plan.toml");

/// What a ceremony left.
pub(crate) struct Played {
    pub(crate) plan: &'static [u8],
    pub(crate) transcript: Vec<u8>,
    /// Every file on every drive but the transcript itself.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// One key on two tokens, from the first entry to close.
pub(crate) fn played() -> Played {
    let plan = PLAN;
    let read = plan::read(plan).unwrap();
    let world = World::new([7; 32], STARTED, Arc::new(Memo::default()));
    let mut stage = Stage::of(&read, world, [3; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(plan, start(), &mut stage.world).unwrap() else {
        panic!("the example is a rehearsal")
    };
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&read), |_, _| ());
    assert!(ended == Ended::Closed, "{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    let mut files = BTreeMap::new();
    for at in 0..read.drives.len() {
        let stick = stage.stick(DriveId(at as u16)).unwrap();
        files.extend(stick.files.iter().map(|(name, bytes)| (name.as_str().to_owned(), bytes.clone())));
    }
    let transcript = files.remove("conclave.cbor").unwrap();
    Played { plan, transcript, files }
}
