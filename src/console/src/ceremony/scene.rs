//! The view of a ceremony for the screen: everything that it may read, borrowed for one drawing.

use conclave_ceremony::act::Act;
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::ids::{KeyIx, PersonId};
use conclave_ceremony::plan::Plan;
use conclave_ceremony::plan::names::Names;
use conclave_ceremony::script::Script;
use conclave_ceremony::step::{State, Waiting};
use conclave_publish::Digest;
use smartcard_hsm::cvc::RootKind;
use smartcard_hsm::secret::SecretBytes;

use super::Ceremony;
use super::desk::{Desk, Stage};
use super::record::NotWritten;
use super::signing::People;
use crate::ports::{Machine, Now, Plugged};
use crate::preflight::devices::Other;
use crate::preflight::keyboards::Keyboard;
use crate::preflight::laptop::Battery;
use crate::preflight::{Over, Tree};

/// A ceremony as one screen shows it.
pub struct Scene<'a> {
    /// Whether strangers can rebuild the running program.
    pub tree: Tree,
    /// The plan.
    pub plan: &'a Plan,
    /// The names behind its ids.
    pub names: &'a Names,
    /// Its steps.
    pub script: &'a Script,
    /// Where it stands.
    pub state: &'a State,
    /// The event that the ceremony waits for.
    pub waiting: Waiting,
    /// The people who may answer; `None` if any person may.
    pub who: Option<Who>,
    /// Head of the transcript.
    pub head: Digest,
    /// The number of entries that the head fixes.
    pub entries: u64,
    /// The table.
    pub desk: &'a Desk,
    /// Whether the log drives are being written to.
    pub writes: bool,
    /// The keyboard on USB that is asked for its code.
    pub keyboard: Option<&'a Keyboard>,
    /// The battery, if there is one.
    pub battery: Option<Battery>,
    /// The devices in the ports.
    pub plugged: &'a [Plugged],
    /// A device on a hub that is not used: it hears the traffic of the hub.
    pub overhears: Option<&'a Other>,
    /// A keyboard that is shut out, unless the screen that lets it in is shown.
    pub shut_out: Option<&'a Other>,
    /// The trouble with the log drives.
    pub trouble: Option<&'a NotWritten>,
    /// The clocks.
    pub now: Now,
    /// When the step began, and when this boot's part of the ceremony did.
    pub since: (Now, Now),
    /// Of the people who may type their code, those who wait, and for how long. Units: milliseconds.
    pub waits: Vec<(PersonId, u64)>,
    /// The secret its keeper, or the sign-in code its owner, may see now.
    ///
    /// **Secret**: drawn in its own place on the screen, and nowhere else.
    pub secret: Option<&'a SecretBytes>,
}

impl Scene<'_> {
    /// Whether the machine is at work and people wait, however long that takes. No secret is on such a screen.
    pub fn works(&self) -> bool {
        let people = matches!(self.waiting, Waiting::Acting(Act::Reveal(_) | Act::Show));
        let acts = matches!(self.waiting, Waiting::Acting(_)) && !people;
        self.trouble.is_none() && self.desk.over == Over::Nothing && (self.writes || acts)
    }

    /// The digests that people compare and write down at the end: the head first, then each key's certificate.
    pub fn published(&self) -> Vec<(Option<KeyIx>, Digest)> {
        let certificates = self.state.facts().keys.iter().filter_map(|(id, key)| {
            let certificate = key.certificate.as_ref()?;
            Some((Some(*id), Digest::of(certificate.get())))
        });
        core::iter::once((None, self.head)).chain(certificates).collect()
    }
}

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// Lays out the table for the next question and lends everything to the screen. The room itself adds keyboards,
    /// battery and unused devices.
    pub fn scene(&mut self) -> Scene<'_> {
        let waiting = self.waiting();
        let people = People { plan: &self.plan, facts: self.state.facts() };
        self.desk.lay(&waiting, self.state.at(), people);
        let secret = match (&waiting, self.desk.stage) {
            (Waiting::Acting(Act::Reveal(slot)), Stage::Shown) => self.performer.vault().shown(*slot),
            (Waiting::Asked(Ask::SignIn(_)), Stage::Shown) => {
                self.desk.signs.and_then(|signs| self.desk.codes.of(signs.person))
            }
            _ => None,
        };
        let who = match &waiting {
            Waiting::Asked(ask) => Self::who(ask),
            _ => None,
        };
        let signing = &self.desk.signing;
        let asked = signing.signers().iter().chain(signing.may().unwrap_or_default()).copied();
        let waits = asked.filter_map(|whose| Some((whose, self.desk.codes.waits(whose, self.now.mono_ms)?))).collect();
        Scene {
            tree: self.tree,
            plan: &self.plan,
            names: self.performer.names(),
            script: &self.script,
            state: &self.state,
            waiting,
            who,
            head: self.head,
            entries: self.seq,
            desk: &self.desk,
            writes: self.writes(),
            keyboard: None,
            battery: None,
            plugged: &self.plugged,
            overhears: None,
            shut_out: None,
            trouble: self.trouble.as_ref(),
            now: self.now,
            since: self.since,
            waits,
            secret,
        }
    }
}
