//! What the screen shows of a ceremony: everything it may read, borrowed for one drawing.

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
use crate::look::devices::Other;
use crate::look::keyboards::Keyboard;
use crate::look::laptop::Battery;
use crate::look::{Over, Tree};
use crate::ports::{Machine, Now, Plugged};

/// A ceremony as one screen shows it.
pub struct Scene<'a> {
    /// Whether strangers can rebuild what runs.
    pub tree: Tree,
    /// The plan.
    pub plan: &'a Plan,
    /// The names behind its ids.
    pub names: &'a Names,
    /// Its steps.
    pub script: &'a Script,
    /// Where it stands.
    pub state: &'a State,
    /// What it waits for.
    pub waiting: Waiting,
    /// Who may answer, if not anyone.
    pub who: Option<Who>,
    /// Head of the transcript.
    pub head: Digest,
    /// What is on the table.
    pub desk: &'a Desk,
    /// Whether the log drives are being written to.
    pub writes: bool,
    /// The keyboard on USB that is asked for its code.
    pub keyboard: Option<&'a Keyboard>,
    /// The battery, if there is one.
    pub battery: Option<Battery>,
    /// What is in the ports.
    pub plugged: &'a [Plugged],
    /// What hangs on a hub and is not used: it hears what passes there.
    pub overhears: Option<&'a Other>,
    /// A keyboard that is shut out, unless the screen that lets it in is shown.
    pub shut_out: Option<&'a Other>,
    /// What is wrong with the log drives.
    pub trouble: Option<&'a NotWritten>,
    /// The clocks.
    pub now: Now,
    /// When the step began, and when this boot's part of the ceremony did.
    pub since: (Now, Now),
    /// Those of whom no code is taken for now, among the people who may type theirs. Units: milliseconds.
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

    /// What people compare and write down at the end: the head first, then the digest of every key's certificate.
    pub fn published(&self) -> Vec<(Option<KeyIx>, Digest)> {
        let certificates = self.state.facts().keys.iter().filter_map(|(id, key)| {
            let certificate = key.certificate.as_ref()?;
            Some((Some(*id), Digest::of(certificate.get())))
        });
        core::iter::once((None, self.head)).chain(certificates).collect()
    }
}

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// Lays out the table for what is waited for and lends everything to the screen; of keyboards, of the battery and of what
    /// is not used the room knows.
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
