//! Acts, done: each is one call of the driver, of a drive or of the Vault, and gives one outcome.
//!
//! A performer decides nothing that the step code decides: the meaning of an outcome is judged there. It is generic
//! over the root of the tokens it works with, so that a production ceremony cannot take a simulated token by a wrong
//! branch.

mod bundle;
mod drives;
mod failure;
mod keys;
mod proofs;
mod seen;
mod shares;
mod tokens;

use std::collections::{BTreeMap, HashMap};

use conclave_ceremony::act::{Act, Class, Item, Signs};
use conclave_ceremony::event::{Failure, Outcome};
use conclave_ceremony::facts::Facts;
use conclave_ceremony::ids::TokenId;
use conclave_ceremony::plan::Plan;
use conclave_ceremony::plan::names::Names;
use conclave_publish::Digest;
use smartcard_hsm::cvc::RootKind;
use zeroize::Zeroizing;

use crate::drives::Attempt;
use crate::export::{Public, Sealed};
use crate::ports::{Machine, Tokens};
use crate::vault::Vault;
use tokens::Held;

pub use drives::{file_name, find as find_drive};

/// Names of the files of a log drive.
pub mod log_drive {
    /// The transcript.
    pub const TRANSCRIPT: &str = "conclave.cbor";
    /// Its text twin, written when it is closed.
    pub const TWIN: &str = "conclave.txt";
    /// The plan.
    pub const PLAN: &str = "plan.toml";
    /// The names behind the plan's ids.
    pub const NAMES: &str = "names.toml";
}

/// The occasion of an act.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The facts so far.
    pub facts: &'a Facts,
    /// Head of the entry that holds the act.
    pub head: Digest,
}

type ChannelOf<M> = <<M as Machine>::Tokens as Tokens>::Channel;

/// Whoever does the acts of a ceremony: holds the Vault and the sessions of proven tokens.
///
/// **Secret**: by its Vault.
pub struct Performer<M: Machine, R: RootKind> {
    vault: Vault,
    held: BTreeMap<TokenId, Held<ChannelOf<M>, R>>,
    /// Sealed files on their way to a drive.
    sealed: BTreeMap<Item, Sealed>,
    /// Files that came from a drive, to be opened or restored from.
    read: BTreeMap<Item, Vec<u8>>,
    plan: Public,
    names: Names,
    /// How often an act was intended: from the second time on, the device is asked for the result of the first.
    intended: HashMap<Act, u16>,
}

impl<M: Machine, R: RootKind> Performer<M, R> {
    /// A performer with an empty Vault for this plan.
    pub fn new(of: &Plan, plan: Public, names: Names) -> Self {
        Self {
            vault: Vault::of(of),
            held: BTreeMap::new(),
            sealed: BTreeMap::new(),
            read: BTreeMap::new(),
            plan,
            names,
            intended: HashMap::new(),
        }
    }

    /// The Vault: for secrets that are shown, and for texts to be compared with it.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The names behind the plan's ids: for the room's screen, and for texts to be compared with them.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The Vault, for secrets that are typed.
    pub fn vault_mut(&mut self) -> &mut Vault {
        &mut self.vault
    }

    /// Takes note of acts as an entry intends them, in this boot or an earlier one. Only acts are noted for which a
    /// device is asked before they are done again.
    pub fn intends(&mut self, acts: &[Act]) {
        for act in acts.iter().filter(|act| act.class() == Class::Probe) {
            let times = self.intended.entry(*act).or_default();
            *times = times.saturating_add(1);
        }
    }

    /// Does an act. Those that need people ([`Act::Reveal`], [`Act::Show`]) and the end of all ([`Act::PowerOff`]) are
    /// done by whoever runs the room; here they are done at once.
    pub fn perform(&mut self, act: Act, case: Case<'_>, machine: &mut M) -> Outcome {
        self.done(act, case, machine).unwrap_or_else(Outcome::Failed)
    }

    fn done(&mut self, act: Act, case: Case<'_>, machine: &mut M) -> Result<Outcome, Failure> {
        match act {
            Act::Identify(drive) => self.identify(drive, case, machine),
            Act::Write(drive, Item::Bundle) => self.publish(drive, case, machine),
            Act::Write(drive, item) => self.write(drive, item, case, machine),
            Act::Read(drive, item) => self.read(drive, item, case, machine),
            Act::Inspect(token) => self.inspect(token, case, machine),
            Act::Prove(token) => self.prove(token, case, machine),
            Act::TrySet(token) => self.try_set(token, case, machine),
            Act::Authenticate(token) => self.authenticate(token, case, machine),
            Act::ProveAgain(token) => self.prove_again(token, case),
            Act::ProveBeside(token) => self.prove_beside(token, case, machine),
            Act::ChangePin(token) => self.change_pin(token, case),
            Act::Make(slot) => {
                self.vault.make(slot, machine).map_err(failure::not_made)?;
                Ok(Outcome::Done)
            }
            Act::MakeShares => self.make_shares(case, machine),
            Act::Seal(share) => self.seal(share, case, machine),
            Act::Open(share) => self.open(share, case, machine),
            Act::Combine(_) => self.combine(),
            Act::Wipe(Some(slot)) => {
                self.vault.wipe(slot);
                Ok(Outcome::Done)
            }
            Act::Wipe(None) => {
                self.vault.wipe_all();
                self.sealed.clear();
                self.read.clear();
                Ok(Outcome::Done)
            }
            Act::Initialise(token) => self.initialise(token, case),
            Act::Import(token) => self.import(token, case).map_err(failure::half_imported),
            Act::TryPin(token) => self.try_pin(token, case),
            Act::Generate(token, key) => self.generate(token, key, case),
            Act::Sign(token, key, Signs::Certificate) => self.certify(token, key, case, machine),
            Act::Sign(token, key, Signs::Statement) => self.state(token, key, case),
            Act::Describe(token, key) => self.describe(token, key, case),
            Act::Wrap(token, key) => self.wrap(token, key, case),
            Act::Unwrap(token, key) => self.unwrap(token, key, case),
            Act::Label(token) => self.label(token, case),
            Act::List(token) => self.list(token, case),
            Act::Reveal(_) | Act::Show | Act::PowerOff => Ok(Outcome::Done),
        }
    }

    /// Whether this act was intended before and may have happened, partly or all.
    fn resumed(&self, act: Act) -> bool {
        self.intended.get(&act).is_some_and(|times| *times > 1)
    }

    fn attempt(&self, act: Act) -> Attempt {
        if self.resumed(act) { Attempt::Resumed } else { Attempt::First }
    }
}

/// Random bytes that wipe themselves.
fn random<const N: usize>(machine: &mut impl Machine) -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    machine.random(&mut *bytes).map_err(|error| failure::not_made(error.into()))?;
    Ok(bytes)
}
