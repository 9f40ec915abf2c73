//! A ceremony under way: the one place where an event becomes an entry, an entry a state, and a state an act.
//!
//! [`Ceremony::take`] is the whole of it: step, append to both logs, become. Nothing is done, and nothing is believed,
//! before the entry that says so has been read back from both log drives.

mod answer;
pub mod begin;
pub mod codes;
pub mod desk;
pub mod form;
pub mod intake;
mod lost;
pub mod rebuilt;
pub mod record;
pub mod resume;
pub mod scene;
pub mod signing;
pub mod weak;
pub mod window;
pub mod written;

use std::collections::VecDeque;

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Event, Looked};
use conclave_ceremony::plan::Plan;
use conclave_ceremony::script::Script;
use conclave_ceremony::step::{State, Unfit, Waiting};
use conclave_ceremony::transcript;
use conclave_publish::{Digest, FileName};
use smartcard_hsm::cvc::RootKind;

use crate::export::Public;
use crate::key::Key;
use crate::perform::{Case, Performer, log_drive};
use crate::ports::{Machine, Now, Plugged};
use crate::preflight::{Over, Tree};
use desk::Desk;
use record::{NotWritten, Record};
use signing::People;

/// Why an event did not become an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It does not fit: nothing has changed.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// A log drive did not take the entry. It waits, and nothing is done, until [`Ceremony::write`] succeeds.
    #[error(transparent)]
    NotWritten(#[from] NotWritten),
    /// The entry cannot be encoded.
    #[error("the entry cannot be recorded: {0}")]
    Entry(#[from] transcript::AppendError),
}

/// A ceremony under way.
///
/// **Secret**: by its performer's Vault and by the fields of its desk.
pub struct Ceremony<M: Machine, R: RootKind> {
    plan: Plan,
    script: Script,
    state: State,
    head: Digest,
    seq: u64,
    boot: u16,
    record: Record,
    performer: Performer<M, R>,
    desk: Desk,
    /// Whether strangers can rebuild the running program.
    tree: Tree,
    /// Entries that are pushed and not yet on every log.
    waits: Option<Waits>,
    /// Findings of the start that are still to be recorded.
    findings: VecDeque<Looked>,
    /// The trouble with the log drives, if there is any.
    trouble: Option<NotWritten>,
    /// The twin is written, the log drives are released.
    closed: bool,
    /// The devices in the ports, as they were seen last.
    plugged: Vec<Plugged>,
    now: Now,
    /// When the step under way began, and when this boot's part of the ceremony did.
    since: (Now, Now),
}

struct Waits {
    next: State,
    acts: Vec<Act>,
    head: Digest,
}

impl<M: Machine, R: RootKind> Ceremony<M, R> {
    /// The event that the room waits for.
    pub fn waiting(&self) -> Waiting {
        self.state.waiting(&self.plan, &self.script)
    }

    /// The transcript as far as it is in memory.
    pub fn transcript(&self) -> &[u8] {
        self.record.bytes()
    }

    /// The head of the transcript.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether something happens without anybody pressing a key.
    pub fn busy(&self) -> bool {
        let people = |act| matches!(act, Act::Reveal(_) | Act::Show);
        let acts = || match self.waiting() {
            Waiting::Acting(act) => !people(act),
            Waiting::Asked(Ask::Look) => !self.findings.is_empty(),
            _ => false,
        };
        self.trouble.is_none() && (self.writes() || acts())
    }

    /// Whether the log drives are still to get something.
    fn writes(&self) -> bool {
        self.waits.is_some() || (self.waiting() == Waiting::Closed && !self.closed)
    }

    /// Does the next thing that needs no person: writes to the log drives, acts, or records a finding of the start.
    pub fn go_on(&mut self, machine: &mut M) {
        if self.writes() {
            self.trouble = self.write(machine).err();
            return;
        }
        let event = match self.waiting() {
            Waiting::Acting(act) => {
                let case = Case {
                    plan: &self.plan,
                    facts: self.state.facts(),
                    head: self.state.intent().unwrap_or(self.head),
                };
                let outcome = self.performer.perform(act, case, machine);
                Event::Came { act, outcome: self.state.judged(&self.plan, &self.script, &act, outcome) }
            }
            Waiting::Asked(Ask::Look) => match self.findings.pop_front() {
                Some(looked) => Event::Looked(looked),
                None => return,
            },
            _ => return,
        };
        self.told(event, machine);
    }

    /// Takes a key.
    pub fn press(&mut self, key: Key, machine: &mut M) {
        self.look(machine);
        let waiting = self.waiting();
        if self.trouble.is_some() && self.desk.over == Over::Nothing && key == Key::Enter {
            self.trouble = None;
            return;
        }
        let pages = self.scene().published().len();
        let people = People { plan: &self.plan, facts: self.state.facts() };
        let pressed = self.desk.press(key, &waiting, self.state.at(), pages, people);
        // An answer is taken only when the last answer is on the log drives.
        if !pressed || self.writes() {
            return;
        }
        // Codes come last: a secret that stands in a line of words is wiped before one is counted as wrong.
        let answered = match self.answered(&waiting, machine) {
            Ok(Some(event)) => self.mistyped().unwrap_or(Ok(Some(event))),
            other => other,
        };
        match answered {
            Ok(Some(event)) => self.told(event, machine),
            Ok(None) => {}
            Err(words) => self.desk.refuse(words),
        }
    }

    /// Whether somebody confirmed that the machine shall be switched off.
    pub fn powers_off(&self) -> bool {
        self.desk.power_off
    }

    /// Whether the last key closed a line that held a secret, or may have.
    pub fn forgets_keys(&self) -> bool {
        self.desk.forget_keys
    }

    /// Looks at the ports.
    pub fn look(&mut self, machine: &mut M) {
        self.plugged = machine.in_ports();
    }

    /// The clocks were read again.
    pub fn ticked(&mut self, now: Now) {
        self.now = now;
    }

    /// Takes an event, and shows the reason if it is refused. The entry is written after the screen has said so: a
    /// drive may take its time.
    fn told(&mut self, event: Event, machine: &mut M) {
        if let Err(refused) = self.push(event, machine) {
            self.desk.refuse(crate::wording::ceremony::not_taken(&refused));
        }
    }

    /// An event becomes an entry on both logs, and then the state.
    pub fn take(&mut self, event: Event, machine: &mut M) -> Result<(), NotTaken> {
        self.push(event, machine)?;
        Ok(self.write(machine)?)
    }

    /// An event becomes an entry in memory.
    fn push(&mut self, event: Event, machine: &mut M) -> Result<(), NotTaken> {
        let (next, acts) = self.state.step(&self.plan, &self.script, &event)?;
        self.now = machine.now();
        let entry = Entry {
            seq: self.seq,
            acts: acts.clone(),
            boot: self.boot,
            mono: self.now.mono_ms,
            prev: self.head.into(),
            step: self.state.kind(&self.script).ok_or(Unfit::Other)?,
            wall: self.now.wall.0,
            event,
        };
        let (bytes, head) = transcript::append(&self.head, &entry)?;
        self.record.push(&bytes);
        self.waits = Some(Waits { next, acts, head });
        Ok(())
    }

    /// Writes the waiting entries to the log drives, then makes their state the current one.
    pub fn write(&mut self, machine: &mut M) -> Result<(), NotWritten> {
        // A drive that was just identified as a log takes every entry so far, this one included.
        let logs = self.waits.as_ref().map(|waits| waits.next.facts().logs.clone()).unwrap_or_default();
        for drive in logs {
            if self.record.attach(drive, &self.plan, machine)? {
                let beside = [Item::Plan, Item::Names].map(|item| Act::Write(drive, item));
                self.performer.intends(&beside);
            }
        }
        self.record.write(&self.plan, machine)?;
        if let Some(waits) = self.waits.take() {
            self.becomes(waits, machine);
        }
        if self.waiting() == Waiting::Closed && !self.closed {
            self.close(machine)?;
        }
        Ok(())
    }

    fn becomes(&mut self, Waits { next, acts, head }: Waits, machine: &mut M) {
        self.performer.intends(&acts);
        let moved = next.at() != self.state.at();
        if next.failed() != self.state.failed() {
            self.desk.failure_read = false;
        }
        self.state = next.appended(head);
        self.head = head;
        self.seq += 1;
        if moved {
            self.since.0 = self.now;
        }
        self.desk.clear();
        self.desk.codes.keep(|person| self.state.facts().is_there(person));
        self.look(machine);
        let waiting = self.waiting();
        self.prepare(&waiting, machine);
    }

    /// The record in words goes beside both logs; nothing secret is left, and the log drives may be taken out.
    fn close(&mut self, machine: &mut M) -> Result<(), NotWritten> {
        self.performer.vault_mut().wipe_all();
        let refused = |words: String| NotWritten(format!("{}: {words}", log_drive::TWIN));
        let name = FileName::new(log_drive::TWIN.as_bytes()).map_err(|error| refused(error.to_string()))?;
        let read = transcript::read(self.record.bytes()).map_err(|damage| refused(damage.to_string()))?;
        let words = Public::twin(&self.plan, &read);
        self.record.beside(&name, &words, &self.plan, machine)?;
        self.record.release(&self.plan, machine);
        self.closed = true;
        Ok(())
    }

    /// Lets go of a device before people are asked to take it out.
    fn prepare(&mut self, waiting: &Waiting, machine: &mut M) {
        use conclave_ceremony::ids::Device;
        match waiting {
            Waiting::Asked(Ask::Remove(Device::Token(token))) => self.performer.let_go(*token),
            Waiting::Asked(Ask::Remove(Device::Drive(drive))) => {
                let planned = self.plan.drive(*drive);
                let found = planned.and_then(|planned| crate::perform::find_drive(planned, machine).ok());
                if let Some(drive) = found {
                    use crate::drives::Drives;
                    // Everything on it was read back already. If the drive was pulled out meanwhile, it is released,
                    // too.
                    let _ = machine.drives().release(&drive);
                }
            }
            _ => {}
        }
    }
}
