//! The files, the token and the papers that a finished ceremony left behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use conclave_ceremony::ids::TokenId;
use conclave_console::ports::Machine;
use conclave_sim::memo::Memo;
use conclave_sim::token::Token;
use conclave_tests::ceremony::{Played, played};

/// One P-256 key, made on DENK0000001 and copied to DENK0000002.
pub(crate) const PLAN: &[u8] = include_bytes!("../../../../docs/plans/minimal/plan.toml");
/// The token that is received.
pub(crate) const SERIAL: &str = "DENK0000002";

/// A ceremony's record and sealed files, and one of its tokens.
pub(crate) struct Left {
    pub(crate) transcript: Vec<u8>,
    /// Files of every drive, by name.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The copy.
    pub(crate) token: Token,
    /// The papers that people wrote down.
    pub(crate) papers: BTreeMap<String, String>,
    /// The keys into which their passphrases were stretched.
    pub(crate) memo: Arc<Memo>,
}

impl Left {
    /// Plays the ceremony; another seed makes other keys.
    pub(crate) fn by(seed: u8) -> Self {
        let memo = Arc::default();
        let Played { mut stage, robot, transcript, files } = played(PLAN, [seed; 32], [seed + 100; 32], &memo);
        let place = stage.place(TokenId(1)).unwrap();
        let token = stage.world.tokens().token(place, |token| token.clone()).unwrap();
        Self { transcript, files, token, papers: robot.papers().clone(), memo }
    }

    /// The PIN its holder has.
    pub(crate) fn pin(&self) -> &str {
        &self.papers["PIN of BACKUP"]
    }
}
