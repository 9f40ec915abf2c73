//! What a finished ceremony left behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::ids::{DriveId, TokenId};
use conclave_ceremony::plan;
use conclave_room::ceremony::begin::Begun;
use conclave_room::ports::Machine;
use conclave_sim::memo::Memo;
use conclave_sim::token::Token;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, start};

/// One P-256 key, made on DENK0000001 and copied to DENK0000002.
pub(crate) const PLAN: &[u8] = include_bytes!("../../../../docs/plans/minimal.toml");
/// The token that is received.
pub(crate) const SERIAL: &str = "DENK0000002";

/// A ceremony's record and sealed files, and one of its tokens.
pub(crate) struct Left {
    pub(crate) transcript: Vec<u8>,
    /// Files of every drive, by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The copy.
    pub(crate) token: Token,
    /// What people wrote down.
    pub(crate) papers: BTreeMap<String, String>,
    /// What their passphrases were stretched to.
    pub(crate) memo: Arc<Memo>,
}

impl Left {
    /// Plays the ceremony; another seed makes other keys.
    pub(crate) fn by(seed: u8) -> Self {
        let planned = plan::read(PLAN).unwrap();
        let memo = Arc::new(Memo::default());
        let world = World::new([seed; 32], STARTED, Arc::clone(&memo));
        let mut stage = Stage::of(&planned, world, [seed + 100; 32]).unwrap();
        let Begun::Rehearsal(mut ceremony) = Begun::new(PLAN, start(), &mut stage.world).unwrap() else {
            panic!("the example is a rehearsal")
        };
        let mut robot = Robot::new(&planned);
        assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Closed);
        let mut files = BTreeMap::new();
        for at in 0..planned.drives.len() {
            let stick = stage.stick(DriveId(at as u16)).unwrap();
            files.extend(stick.files.iter().map(|(name, bytes)| (name.as_str().to_owned(), bytes.clone())));
        }
        let place = stage.place(TokenId(1)).unwrap();
        let token = stage.world.tokens().token(place, |token| token.clone()).unwrap();
        Self { transcript: ceremony.transcript().to_vec(), files, token, papers: robot.papers().clone(), memo }
    }

    /// The PIN its holder has.
    pub(crate) fn pin(&self) -> &str {
        &self.papers["PIN of BACKUP"]
    }
}
