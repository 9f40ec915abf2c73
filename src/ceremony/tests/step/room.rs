//! A ceremony under way with everybody in it, and devices that do what is expected of them.

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::{Act, Item, Signs};
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::codes::confirm;
use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Answer, Began, Event, Looked, Outcome, Source, Way};
use conclave_ceremony::ids::{KeyIx, PersonId, TokenId};
use conclave_ceremony::judge::statement;
use conclave_ceremony::plan::{Plan, Role, read};
use conclave_ceremony::public::{Bytes, Octets, Text};
use conclave_ceremony::script::{Script, StepKind};
use conclave_ceremony::seen::{Description, DomainSeen, Family, KeySeen, Object, PinSeen, Stored, TokenSeen};
use conclave_ceremony::step::{State, Unfit, Waiting};
use conclave_ceremony::transcript::FORMAT;
use conclave_publish::{Digest, Kind};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use smartcard_hsm::object::PinState;
use smartcard_hsm::pkcs15::KeyKind;

/// More entries than any run here makes: a robot that turns in circles fails instead of hanging.
const ENTRIES_MAX: usize = 2_000;
const MINIMAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");
/// The looks of one boot.
fn looks() -> Vec<Looked> {
    vec![
        Looked::Medium { source: Source::Paper },
        Looked::AirGap { weak: Vec::new(), absent: 30, hardware: Vec::new(), machine: Vec::new() },
        Looked::Clock { wall: 1_800_000_000, mono: 60_000 },
        Looked::Plan { source: Source::Paper, drive: text("PLAN") },
    ]
}

/// The machine is started again: every look of this boot was taken, and no person had written a head down.
pub(super) fn interrupted(boot: u16, head: Digest) -> Event {
    Event::Interrupted { boot, head: head.into(), torn: None, looked: looks(), written: None }
}

pub(super) const KCV: Octets<8> = Octets([7; 8]);

pub(super) fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

/// A ceremony under way, and devices that do what is expected of them.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) plan: Plan,
    pub(super) script: Script,
    pub(super) state: State,
    pub(super) entries: usize,
    head: Digest,
    key: SigningKey,
    /// Files by drive item, as digests.
    pub(super) files: BTreeMap<Item, Octets<32>>,
    blobs: u8,
    /// Keys there are: token and key.
    pub(super) there: BTreeSet<(TokenId, KeyIx)>,
    /// Those that have their certificate beside them.
    described: BTreeSet<(TokenId, KeyIx)>,
    /// Every act done, with the step it was done in.
    pub(super) done: Vec<(StepKind, Act)>,
}

impl Room {
    pub(super) fn new() -> Self {
        Self::of(MINIMAL)
    }

    /// With somebody who may stand in for the witness, and somebody for the holder of the bag.
    pub(super) fn with_alternates() -> Self {
        let alternate = |id: &str, role: &str, whose: &str| {
            format!(
                "\n[[person]]\nid = \"{id}\"\norganisation = \"example\"\n\
                 roles = [\"{role}\"]\nalternate-for = \"{whose}\"\n"
            )
        };
        let people = alternate("witness-2", "witness", "witness") + &alternate("holder-2", "holder", "holder");
        let digests = ["witness-2", "holder-2"].map(|id| format!("{id} = \"{}\"\n", Digest::of(id.as_bytes())));
        let names = format!("[names]\n{}", digests.concat());
        Self::of(&(MINIMAL.replacen("[names]\n", &names, 1) + &people))
    }

    fn of(plan: &str) -> Self {
        let plan = read(plan.as_bytes()).unwrap();
        let script = compile(&plan).unwrap();
        Self {
            plan,
            script,
            state: State::default(),
            entries: 0,
            head: Digest::of(b""),
            key: SigningKey::from_slice(&[9; 32]).unwrap(),
            files: BTreeMap::new(),
            blobs: 0,
            there: BTreeSet::new(),
            described: BTreeSet::new(),
            done: Vec::new(),
        }
    }

    pub(super) fn waiting(&self) -> Waiting {
        self.state.waiting(&self.plan, &self.script)
    }

    pub(super) fn kind(&self) -> StepKind {
        self.script.step(self.state.at()).unwrap().kind
    }

    pub(super) fn event(&mut self, event: &Event) -> Result<Vec<Act>, Unfit> {
        let (next, acts) = self.state.step(&self.plan, &self.script, event)?;
        self.entries += 1;
        self.head = Digest::of(format!("{} {}", self.head, self.entries).as_bytes());
        self.state = next.appended(self.head);
        Ok(acts)
    }

    /// The head of the last entry.
    pub(super) fn head(&self) -> Digest {
        self.head
    }

    pub(super) fn interrupt(&mut self) {
        let boot = self.state.facts().boot + 1;
        self.event(&interrupted(boot, self.head)).unwrap();
    }

    pub(super) fn somebody(&self, who: Who, already: Option<PersonId>) -> PersonId {
        let people = (0..u16::try_from(self.plan.people.len()).unwrap()).map(PersonId);
        people.filter(|one| Some(*one) != already).find(|one| who.is(&self.plan, self.state.facts(), *one)).unwrap()
    }

    pub(super) fn answer(&self, ask: &Ask) -> Event {
        match ask {
            Ask::Remove(device) => Event::Done(Answer::Removed(*device)),
            Ask::Insert(device) => Event::Done(Answer::Inserted(*device)),
            Ask::SignIn(person) => {
                let by = confirm(&self.plan, self.state.facts(), (*person, *person)).first().copied();
                Event::Said(*person, Answer::SignedIn { by, document: text("passport") })
            }
            Ask::Look => Event::Looked(looks().into_iter().find(|looked| looked.step() == self.kind()).unwrap()),
            Ask::Keyboard => Event::Done(Answer::KeyboardFits),
            Ask::Type { slot, keeper, .. } => Event::Said(*keeper, Answer::Typed(*slot)),
            Ask::BagNumber(bag) => {
                let number = self.plan.bags[usize::from(bag.0)].number.clone();
                Event::Done(Answer::BagNumber { bag: *bag, number })
            }
            Ask::Objections => Event::Done(Answer::NoObjection),
            Ask::Attest(person) => Event::Said(self.state.facts().stand_in(*person), Answer::Attests),
            Ask::Word(_) => Event::Done(Answer::Word),
            Ask::Go { who: None, .. } => Event::Done(Answer::Go),
            Ask::Go { who: Some(who), already } => Event::Said(self.somebody(*who, *already), Answer::Go),
            Ask::Again { .. } => Event::Again {
                step: self.kind(),
                by: (self.somebody(Who::Role(Role::Operator), None), self.somebody(Who::Role(Role::Witness), None)),
                why: text("the cable was loose"),
            },
        }
    }

    /// What the device would give.
    pub(super) fn perform(&mut self, act: Act) -> Outcome {
        let digest = |words: &str| Octets::from(Digest::of(words.as_bytes()));
        let file = |digest| Outcome::File { len: 64, digest };
        match act {
            Act::Identify(_) => Outcome::Drive { free: 1 << 20, names: Vec::new(), others: 0 },
            Act::Write(_, Item::Plan) => file(self.plan.digest.into()),
            Act::Write(_, item @ (Item::Share(..) | Item::Blob(..))) => file(self.files[&item]),
            Act::Write(..) => file(digest("names")),
            Act::Read(_, item) => file(self.files[&item]),
            Act::Inspect(token) => Outcome::Token(Box::new(TokenSeen {
                serial: self.plan.tokens[usize::from(token.0)].serial.clone(),
                firmware: (4, 1),
                certificates: Bytes::new(vec![1]).unwrap(),
                pin: PinSeen(PinState::NeverSet),
                so_pin: PinSeen(PinState::TriesLeft(15)),
                dkek: DomainSeen::None,
                objects: Vec::new(),
            })),
            Act::Prove(_) | Act::ProveAgain(_) | Act::ProveBeside(_) => {
                Outcome::Proof { way: Way::Key, evidence: Bytes::new(vec![1]).unwrap() }
            }
            Act::Authenticate(_) => Outcome::Proof { way: Way::Aes, evidence: Bytes::new(vec![1]).unwrap() },
            Act::MakeShares | Act::Combine(_) | Act::Import(_) => Outcome::Kcv(KCV),
            Act::Seal(share) => {
                let digest = digest(&format!("{share:?} {}", self.state.facts().share_set));
                self.files.insert(self.state.facts().share_item(share), digest);
                file(digest)
            }
            Act::Generate(token, key) => {
                self.there.insert((token, key));
                let prefix = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
                let mut spki: Vec<u8> = (0..prefix.len())
                    .step_by(2)
                    .map(|at| u8::from_str_radix(&prefix[at..at + 2], 16).unwrap())
                    .collect();
                spki.extend_from_slice(self.key.verifying_key().to_sec1_point(false).as_bytes());
                Outcome::Key { spki: Bytes::new(spki).unwrap(), attestation: Bytes::new(vec![2]).unwrap() }
            }
            Act::Sign(_, _, Signs::Certificate) => Outcome::Certificate(Bytes::new(vec![3]).unwrap()),
            Act::Sign(token, key, Signs::Statement) => {
                let head = self.state.intent().unwrap();
                let words = statement(&self.plan, self.state.facts(), token, key, head).unwrap().to_string();
                let signature: Signature = self.key.sign(words.as_bytes());
                Outcome::Signature(Bytes::new(signature.to_der().as_bytes().to_vec()).unwrap())
            }
            Act::Wrap(_, key) => {
                self.blobs += 1;
                let digest = digest(&format!("blob {}", self.blobs));
                self.files.insert(self.state.facts().blob_item(key), digest);
                file(digest)
            }
            Act::Unwrap(token, key) => {
                self.there.insert((token, key));
                Outcome::Done
            }
            Act::List(token) => {
                let there = self.there.iter().filter(|(one, _)| *one == token);
                Outcome::Objects(there.map(|(_, key)| self.object(token, *key)).collect())
            }
            Act::Describe(token, key) => {
                self.described.insert((token, key));
                Outcome::Done
            }
            Act::TrySet(_)
            | Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::Initialise(_)
            | Act::TryPin(_)
            | Act::Label(_)
            | Act::Show
            | Act::PowerOff => Outcome::Done,
        }
    }

    /// A key as a token lists it.
    pub(super) fn object(&self, token: TokenId, id: KeyIx) -> Object {
        let key = &self.plan.keys[usize::from(id.0)];
        let digest = |of: &[u8]| Digest::of(of).into();
        let (stored, description) = if self.described.contains(&(token, id)) {
            let (id, label) = (Bytes::new(key.id.as_bytes().to_vec()).unwrap(), Some(text(key.label.as_str())));
            (
                Stored::Certificate(digest(&[3])),
                Description::Read { id, bits: Some(256), kind: Family(KeyKind::Ec), label },
            )
        } else {
            let made = if key.master == token { Stored::Attestation(digest(&[2])) } else { Stored::Nothing };
            (made, Description::Nothing)
        };
        Object::Key(KeySeen { number: key.number.get(), stored, description })
    }

    /// The next event of a ceremony in which everything goes well; `None` at its end.
    pub(super) fn next(&mut self) -> Option<Event> {
        Some(match self.waiting() {
            Waiting::Begin if self.state.facts().began.is_some() => Event::Promised(self.script.clone()),
            Waiting::Begin => Event::Began(Box::new(Began {
                kind: Kind::Rehearsal,
                format: FORMAT,
                nonce: Octets([1; 32]),
                plan: self.plan.digest.into(),
                image: Octets([2; 32]),
                build: text("test"),
            })),
            Waiting::Asked(ask) => self.answer(&ask),
            Waiting::Acting(act) => {
                let outcome = self.perform(act);
                self.done.push((self.kind(), act));
                Event::Came { act, outcome }
            }
            Waiting::Halted(_) | Waiting::Closed => return None,
        })
    }

    pub(super) fn run(&mut self) -> Waiting {
        self.run_until(|_| false)
    }

    /// Runs until something is waited for, or to the end.
    pub(super) fn run_until(&mut self, wanted: impl Fn(&Self) -> bool) -> Waiting {
        while !wanted(self) {
            let Some(event) = self.next() else { break };
            self.event(&event).unwrap_or_else(|unfit| panic!("{event:?} in {:?}: {unfit}", self.kind()));
            assert!(self.entries < ENTRIES_MAX, "no end: {:?}", self.waiting());
        }
        self.waiting()
    }

    /// Runs to this act and gives it another outcome.
    pub(super) fn fails(act: impl Fn(&Act) -> bool, outcome: Outcome) -> Self {
        let mut room = Self::new();
        room.run_until(|room| matches!(room.waiting(), Waiting::Acting(next) if act(&next)));
        let Waiting::Acting(act) = room.waiting() else { panic!("{:?}", room.waiting()) };
        room.event(&Event::Came { act, outcome }).unwrap();
        room
    }
}
