//! Events: the answers of people, the results of acts, the fate of the machine.

use conclave_publish::Kind;
use serde::{Deserialize, Serialize};

use crate::act::{Act, Slot};
use crate::ids::{BagId, Device, DriveId, PersonId};
use crate::public::{Bytes, Octets, Text};
use crate::script::{Script, StepKind};
use crate::seen::{Object, TokenSeen};

/// The cause of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// Entry 0: the transcript begins.
    Began(Box<Began>),
    /// Entry 1: the script that the plan was compiled to. The script is a promise, never a law: a verifier works out the debt by
    /// itself.
    Promised(Script),
    /// Something was looked at before the plan was in.
    Looked(Looked),
    /// A person did as asked.
    Said(PersonId, Answer),
    /// An answer that is no person's in particular.
    Done(Answer),
    /// An act gave this.
    Came {
        /// The act, as it was intended.
        act: Act,
        /// Its result.
        outcome: Outcome,
    },
    /// The machine was started again: everybody is signed out, every secret gone, nothing proved in this boot.
    Interrupted {
        /// Which boot this is, from 1.
        boot: u16,
        /// Head the longer log ended with, torn tail left out.
        head: Octets<32>,
        /// A lost log drive: a spare of the plan takes its place from here on. The spare held the whole record
        /// before this entry was made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lost: Option<Lost>,
        /// SHA-256 of a torn tail, kept as a file of its own.
        torn: Option<Octets<32>>,
        /// The looks of this boot, in the order of the script: medium, air gap, clock, plan. A resume is a beginning.
        looked: Vec<Looked>,
        /// The entry with the head that a witness typed from a written copy. None: no person had written a head down, and
        /// the entries before this one are on the word of the keeper of the log drives.
        written: Option<u64>,
    },
    /// Two roles decided to do a step again, with their reason.
    Again {
        /// The two people.
        by: (PersonId, PersonId),
        /// Why.
        why: Text,
        /// Which.
        step: StepKind,
    },
    /// Two roles decided that a spare takes the place of the log drive that the interruption before names, with their reason.
    Replaced {
        /// The two people.
        by: (PersonId, PersonId),
        /// Why.
        why: Text,
    },
    /// Wrong sign-in codes were typed for a person, as the fifth, tenth and fifteenth in the whole ceremony. No digit of them is
    /// recorded. At the fifteenth the code is dead: the person signs in again.
    Mistyped {
        /// How many, since the person signed in after a dead code if they did.
        times: u16,
        /// For whom.
        whose: PersonId,
    },
}

/// A log drive that did not come back, and the drive that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// The last head that is known to have been on the lost drive: of the entry before the last one, because an entry is made
    /// only when the one before it is on both.
    pub head: Octets<32>,
    /// The lost one. It is never taken again.
    pub drive: DriveId,
    /// The spare.
    pub spare: DriveId,
}

/// How a [`Kind`] is written.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Kind", rename_all = "lowercase")]
enum KindWritten {
    Production,
    Rehearsal,
}

/// Entry 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Began {
    /// Whether the ceremony counts, as its plan says.
    #[serde(with = "KindWritten")]
    pub kind: Kind,
    /// SHA-256 of the plan.
    pub plan: Octets<32>,
    /// Version and revision of the appliance.
    pub build: Text,
    /// SHA-256 of the medium, as the machine that runs from it computed it.
    pub image: Octets<32>,
    /// Random: no two transcripts begin alike.
    pub nonce: Octets<32>,
    /// Version of this format.
    pub format: u16,
}

/// A weakness of a machine. A plan accepts it by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Weakness {
    /// No IOMMU is in use: a device on the machine's buses could read and write memory.
    #[serde(rename = "no-iommu")]
    NoIommu,
    /// The processor says that it is a guest's: the system it runs under sees everything.
    #[serde(rename = "hypervisor")]
    Hypervisor,
}

impl Weakness {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::NoIommu, Self::Hypervisor];

    /// Its name in a plan.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoIommu => "no-iommu",
            Self::Hypervisor => "hypervisor",
        }
    }

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoIommu => "no IOMMU is in use, so a device on the machine's buses could read its memory",
            Self::Hypervisor => "the machine runs under a hypervisor, which sees everything",
        }
    }
}

/// The place a witness's own copy of a digest comes from. A copy read off the screen is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Printed, or written by hand, and brought along.
    Paper,
    /// On a phone or another computer.
    Phone,
    /// Computed by this witness: of an image they built, of a copy of the plan they have.
    Own,
    /// Nowhere: no person was asked, because a rehearsal in a terminal has no medium; or the person asked had no copy.
    Nobody,
}

/// The result of a look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Looked {
    /// The medium: the challenge on its digest was met.
    Medium {
        /// The witness's copy.
        source: Source,
    },
    /// The air gap: the ways out that were tried, and the recorded facts of the machine.
    AirGap {
        /// The weaknesses of the machine. A ceremony that counts is held with those that its plan accepts by name, and no more.
        weak: Vec<Weakness>,
        /// Ways out that were tried and absent.
        absent: u16,
        /// Machine, firmware, kernel.
        machine: Vec<Text>,
        /// Network hardware that is there without a driver, by id.
        hardware: Vec<Text>,
    },
    /// The clocks at the moment a person compared the wall clock with a watch: whether the wall clock was set later can be seen.
    Clock {
        /// Units: milliseconds since power-on.
        mono: u64,
        /// Wall clock. Units: seconds since 1970, UTC.
        wall: i64,
    },
    /// The plan: the challenge on its digest was met.
    Plan {
        /// Serial of the drive it was read from.
        drive: Text,
        /// The witness's copy.
        source: Source,
    },
}

impl Looked {
    /// Ways out that an appliance of this format tries.
    pub const WAYS_OUT: u16 = 35;

    /// The step that a look belongs to.
    pub const fn step(&self) -> StepKind {
        match self {
            Self::Medium { .. } => StepKind::Medium,
            Self::AirGap { .. } => StepKind::AirGap,
            Self::Clock { .. } => StepKind::Clock,
            Self::Plan { .. } => StepKind::Plan,
        }
    }

    /// The looks of every boot, in their order.
    pub const EVERY_BOOT: [StepKind; 4] = [StepKind::Medium, StepKind::AirGap, StepKind::Clock, StepKind::Plan];
}

/// The answer of a person to the question of a step; see [`crate::ask::Ask`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Pressed Enter, or typed the sign-in code: agrees to the acts shown.
    Go,
    /// Typed the word that a destructive step wants.
    Word,
    /// Plugged in the device that was asked for.
    Inserted(Device),
    /// Took out the device that was asked for.
    Removed(Device),
    /// Signed in, with a document of this kind.
    SignedIn {
        /// After a dead code: the person of another role that confirmed it by their own code. Left out otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
        /// Kind of document, in words.
        document: Text,
    },
    /// Signs in instead of a person that does not come, or does not come back after an interruption.
    Absent {
        /// As of `SignedIn`, after a dead code of the person with that place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<PersonId>,
        /// The person that does not come, or the alternate that had their place.
        whose: PersonId,
        /// The document of the person that signs in: its kind, in words.
        document: Text,
    },
    /// Typed a secret back, or typed it in; the Vault compared or took it.
    Typed(Slot),
    /// The keys type the characters printed on them.
    KeyboardFits,
    /// Typed the number of a bag twice, alike.
    BagNumber {
        /// Which bag.
        bag: BagId,
        /// The planned number, as typed.
        number: Text,
    },
    /// A bag has another number than the plan's, by decision of two roles, with their reason.
    OtherBag {
        /// Operator and witness.
        by: (PersonId, PersonId),
        /// Which bag of the plan.
        bag: BagId,
        /// Why.
        why: Text,
        /// As typed twice, alike.
        number: Text,
    },
    /// Objects, in words.
    Objects(Text),
    /// There is no objection (any more).
    NoObjection,
    /// Attests; the words of the head were shown.
    Attests,
    /// Refuses to attest, in words.
    Refuses(Text),
}

/// The result of an act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done, nothing to tell.
    Done,
    /// A drive is the one of the plan.
    Drive {
        /// Units: bytes free.
        free: u64,
        /// Names of the files on it, at most 64.
        names: Vec<Text>,
        /// The number of other names, folders among them; names that systems make by themselves are not counted. Left out if
        /// there is none.
        #[serde(default, skip_serializing_if = "is_none")]
        others: u32,
    },
    /// A file was written and read back, or read: its length and SHA-256.
    File {
        /// Units: bytes.
        len: u64,
        /// SHA-256.
        digest: Octets<32>,
    },
    /// The account of a token of itself.
    Token(Box<TokenSeen>),
    /// A token's proof.
    Proof {
        /// How the token showed its device key.
        way: Way,
        /// Attestation; for a chip authentication ephemeral public key, nonce and token.
        evidence: Bytes,
    },
    /// A check value.
    Kcv(Octets<8>),
    /// A key was made, or found with the request it was to have.
    Key {
        /// SubjectPublicKeyInfo, DER.
        spki: Bytes,
        /// The request signed by key and device (attestation).
        attestation: Bytes,
    },
    /// A certificate, DER: its serial number was drawn for it.
    Certificate(Bytes),
    /// A signature over a statement, as X.509 writes it (ECDSA: DER).
    Signature(Bytes),
    /// Objects of a token.
    Objects(Vec<Object>),
    /// It failed.
    Failed(Failure),
}

/// How a token showed that it holds its device key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// By the request of a throw-away key over the running head: anybody can check it.
    Key,
    /// By chip authentication with AES: on the appliance's word.
    Aes,
    /// By chip authentication with Triple-DES, because the token refused AES: on the appliance's word.
    TripleDes,
}

/// Whether a count is left out.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_none(count: &u32) -> bool {
    *count == 0
}

/// Why an act failed, by the way on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The way on.
    pub next: Next,
    /// The operation, and its result, in words for the room.
    pub words: Text,
}

/// The way on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// The device is not there, or another one is: plug in the right one; the step asks again.
    Device,
    /// Something was typed wrong: the step asks again.
    Type,
    /// The last try of a token's user PIN is left: the step asks again, and for the word that spends it.
    LastTry,
    /// The token refuses chip authentication, or has PINs of its own and cannot be erased: the step asks again, and has it prove
    /// itself in another way.
    Beside,
    /// It may work when done again, by decision of two roles.
    Again,
    /// A comparison failed: never waived. The ceremony halts.
    Halt,
}
