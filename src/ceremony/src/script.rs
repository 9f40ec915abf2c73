//! The script: the numbered steps of a ceremony, as a plan compiles to them. Entry 1 of a record holds it as a promise.

use conclave_publish::Digest;
use serde::{Deserialize, Serialize};

use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, StepId, TokenId};
use crate::plan::Role;

/// Which of a token's two PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Which {
    /// The SO-PIN: 16 hexadecimal digits.
    So,
    /// The user PIN.
    User,
}

/// The purpose of a step. New kinds of ceremony are new compositions of these.
///
/// Every step has one skeleton: asked, authorised, intended, observed, judged. One round each: work with two rounds is
/// two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum StepKind {
    /// The medium's digest was compared by challenge.
    Medium,
    /// Every way out was tried.
    AirGap,
    /// The clock lies in the plan's window.
    Clock,
    /// The plan's digest was compared by challenge.
    Plan,
    /// A log drive is identified; the entries so far, the plan and its names go on it.
    Log(DriveId),
    /// A person signs in.
    SignIn(PersonId),
    /// A drive that is not a log drive is identified, found empty, and removed.
    Register(DriveId),
    /// A token is identified, its inventory, chain and counters recorded. Nothing is changed.
    Inspect(TokenId),
    /// A token is erased and proves that it holds its device key.
    Prove(TokenId),
    /// Each key types the character printed on it, before secrets are typed.
    Keyboard,
    /// A PIN is made, shown to its keeper, written down and typed back.
    Pin(TokenId, Which),
    /// A passphrase is made, shown to the custodian, written down and typed back.
    Passphrase(ShareId),
    /// All shares are made of kernel and token randomness, their check value is recorded, each is sealed; clear shares and
    /// passphrases are wiped.
    MakeShares,
    /// A sealed share goes to its drive and is read back.
    WriteShare(ShareId),
    /// A token is initialised for good.
    Initialise(TokenId),
    /// A share file is read from its drive, its digest compared, its passphrase typed, the share opened.
    OpenShare(ShareId),
    /// Check value of all shares equal to creation's, then imported into every token, each token's compared; wiped.
    Import,
    /// User PIN and SO-PIN are used after the card was powered off and on.
    TryPin(TokenId),
    /// A key is made on its master; inventory difference and birth proof are checked.
    Generate(KeyIx),
    /// A certificate is made and signed by the key.
    Certify(KeyIx),
    /// A key is wrapped under the DKEK; the blob goes to its drive, is read back and wiped here.
    Wrap(KeyIx),
    /// Blobs are read again from the drive and every key that belongs on this copy is restored there, described, and its
    /// certificate written.
    Restore(TokenId),
    /// A copy's object list is equal to the master's, and it proves itself again.
    Compare(TokenId),
    /// Every person with an objection says it, in words.
    Objections,
    /// A token signs the statement of each key it holds; each verifies.
    State(TokenId),
    /// The public bundle goes to its drive and is read back.
    Publish(DriveId),
    /// Certificate fingerprints and the head are shown, as QR codes, too.
    Show,
    /// A bag is filled and sealed; its number is typed twice.
    Bag(BagId),
    /// A person attests or refuses, in words.
    Attest(PersonId),
    /// The last entry. The final head stays on screen until power-off.
    Close,
}

/// The people that must authorise a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Roles {
    /// Any person: the step goes on with Enter.
    Anyone,
    /// This person, by sign-in code.
    Person(PersonId),
    /// Anyone of this role, by sign-in code.
    One(Role),
    /// Two different people of these roles, by their sign-in codes, one after the other.
    Two(Role, Role),
}

/// A step of a script.
///
/// Shape: fields stand in the order of their encoded names, shorter names first, as in an [`Entry`](crate::entry::Entry).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place, from zero; people see it counted from one. It is not encoded: a place is told by counting.
    #[serde(skip, default = "first")]
    pub id: StepId,
    /// Kind and subject. No other step of the script has the same: entries name their step by this.
    pub kind: StepKind,
    /// The people that authorise it.
    pub roles: Roles,
    /// Units: minutes it may take before the room is told so.
    pub budget: u16,
    /// The devices that must be plugged in, beside the log drives.
    pub devices: Vec<Device>,
}

const fn first() -> StepId {
    StepId(0)
}

/// Log drives, which stay in from their step to the end.
pub(crate) const LOGS: usize = 2;

/// The numbered steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Step>", into = "Vec<Step>")]
pub struct Script {
    /// In order.
    pub steps: Vec<Step>,
}

impl From<Vec<Step>> for Script {
    /// Numbers the steps in this order.
    fn from(mut steps: Vec<Step>) -> Self {
        for (step, number) in steps.iter_mut().zip(0..) {
            step.id = StepId(number);
        }
        Self { steps }
    }
}

impl From<Script> for Vec<Step> {
    fn from(script: Script) -> Self {
        script.steps
    }
}

impl Script {
    /// A step by its number.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.get(usize::from(id.0))
    }

    /// The step that is for this.
    pub fn of(&self, kind: StepKind) -> Option<&Step> {
        self.steps.iter().find(|step| step.kind == kind)
    }

    /// Most devices plugged in at once, log drives counted.
    pub fn peak(&self) -> usize {
        self.steps.iter().map(|step| step.devices.len()).max().unwrap_or_default() + LOGS
    }

    /// The script as entry 1 holds it: an array of steps in deterministic CBOR.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory does not fail, and every type of a step is known to CBOR.
        let _ = ciborium::into_writer(&self.steps, &mut bytes);
        bytes
    }

    /// SHA-256 of [`Self::bytes`]. The room compares it with the script that was checked weeks before.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes())
    }
}
