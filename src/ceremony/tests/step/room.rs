//! A ceremony under way with everybody in it, and devices that do what is expected of them. Its record is one that a verifier takes.

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::{Act, Item, Signs};
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::bundle::files;
use conclave_ceremony::codes::confirm;
use conclave_ceremony::compile::compile;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Began, Event, Looked, Lost, Outcome, Source, Way};
use conclave_ceremony::ids::{DriveId, KeyIx, PersonId, TokenId};
use conclave_ceremony::judge::statement;
use conclave_ceremony::plan::{Plan, Role, read};
use conclave_ceremony::public::{Bytes, Octets, Text};
use conclave_ceremony::script::{Script, StepKind};
use conclave_ceremony::seen::{Description, DomainSeen, Family, KeySeen, Object, PinSeen, Stored, TokenSeen};
use conclave_ceremony::step::{State, Unfit, Waiting};
use conclave_ceremony::transcript::{FORMAT, GENESIS, append, read as read_record};
use conclave_ceremony::verify::{Account, Given, verify};
use conclave_publish::x509::{SerialNumber, Time};
use conclave_publish::{Digest, Kind, PublicKey};
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use smartcard_hsm::object::PinState;
use smartcard_hsm::pkcs15::KeyKind;

use super::card;

/// More entries than any run here makes: a robot that turns in circles fails instead of hanging.
const ENTRIES_MAX: usize = 2_000;
pub(super) const MINIMAL: &str = include_str!("../../../../docs/plans/minimal/plan.toml");
/// When it begins, in the window of the plan. Units: seconds since 1970, UTC.
const STARTED: i64 = 1_800_000_000;
/// DER of a P-256 SubjectPublicKeyInfo up to its point.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

pub(super) const KCV: Octets<8> = Octets([7; 8]);

pub(super) fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

pub(super) fn bytes(bytes: &[u8]) -> Bytes {
    Bytes::new(bytes.to_vec()).unwrap()
}

/// A ceremony under way, and devices that do what is expected of them.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) plan: Plan,
    /// The plan as a file.
    text: String,
    pub(super) script: Script,
    pub(super) state: State,
    pub(super) entries: usize,
    head: Digest,
    /// Every entry, as on a log drive.
    record: Vec<u8>,
    key: SigningKey,
    /// Files by drive item, as digests.
    pub(super) files: BTreeMap<Item, Octets<32>>,
    blobs: u8,
    /// Keys there are: token and key.
    pub(super) there: BTreeSet<(TokenId, KeyIx)>,
    /// The attestation of a key, as its master left it beside the key.
    pub(super) born: BTreeMap<KeyIx, Bytes>,
    /// Those that have a certificate beside them.
    described: BTreeMap<(TokenId, KeyIx), Bytes>,
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

    /// With a spare for a log drive, the last drive of the plan.
    pub(super) fn with_spare() -> Self {
        Self::of(&format!(
            "{MINIMAL}\n[[drive]]\nname = \"SPARE\"\nserial = \"CONCLAVE-SPARE\"\nsize = 67108864\nvolume = \"C0DE-0005\"\n\
             holds = \"transcript\"\nspare = true\ncustody = {{ keeper = \"operator\" }}\n"
        ))
    }

    pub(super) fn of(text: &str) -> Self {
        let plan = read(text.as_bytes()).unwrap();
        let script = compile(&plan).unwrap();
        Self {
            plan,
            text: text.to_owned(),
            script,
            state: State::default(),
            entries: 0,
            head: GENESIS,
            record: Vec::new(),
            key: SigningKey::from_slice(&[9; 32]).unwrap(),
            files: BTreeMap::new(),
            blobs: 0,
            there: BTreeSet::new(),
            born: BTreeMap::new(),
            described: BTreeMap::new(),
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
        let kind = self.state.kind(&self.script);
        let (next, acts) = self.state.step(&self.plan, &self.script, event)?;
        let (wall, mono) = self.now();
        let entry = Entry {
            seq: self.entries as u64,
            acts: acts.clone(),
            boot: next.facts().boot,
            mono,
            prev: self.head.into(),
            step: kind.unwrap_or(StepKind::Close),
            wall,
            event: event.clone(),
        };
        let (bytes, head) = append(&self.head, &entry).unwrap();
        self.record.extend(bytes);
        self.entries += 1;
        self.head = head;
        self.state = next.appended(self.head);
        Ok(acts)
    }

    /// Wall clock and clock since power-on: a second an entry.
    fn now(&self) -> (i64, u64) {
        (STARTED + self.entries as i64, 60_000 + 1_000 * self.entries as u64)
    }

    /// The looks of one boot.
    pub(super) fn looks(&self) -> Vec<Looked> {
        let (wall, mono) = self.now();
        vec![
            Looked::Medium { source: Source::Paper },
            Looked::AirGap { weak: Vec::new(), absent: 30, hardware: Vec::new(), machine: Vec::new() },
            Looked::Clock { wall, mono },
            Looked::Plan { source: Source::Paper, drive: text("PLAN") },
        ]
    }

    /// What a verifier says of the record, with the head that a witness wrote down at the end.
    pub(super) fn account(&self) -> Account {
        let files = BTreeMap::new();
        let given = Given {
            transcript: &self.record,
            plan: self.text.as_bytes(),
            names: None,
            files: &files,
            heads: &[self.head],
        };
        verify(given)
    }

    /// The machine is started again: every look of this boot was taken, and the witness typed the last head.
    pub(super) fn interrupted(&self) -> Event {
        Event::Interrupted {
            boot: self.state.facts().boot + 1,
            head: self.head.into(),
            lost: None,
            torn: None,
            looked: self.looks(),
            written: self.entries.checked_sub(1).map(|last| last as u64),
        }
    }

    /// The same without this log drive: this one has its place.
    pub(super) fn interrupted_without(&self, drive: DriveId, spare: DriveId) -> Event {
        let heads = read_record(&self.record).unwrap().heads;
        let mut event = self.interrupted();
        if let Event::Interrupted { lost, .. } = &mut event {
            *lost = Some(Lost { head: heads[heads.len() - 2].into(), drive, spare });
        }
        event
    }

    pub(super) fn interrupt(&mut self) {
        self.event(&self.interrupted()).unwrap();
    }

    /// A person who may; one whom no plan has where there is no such person.
    pub(super) fn somebody(&self, who: Who, already: Option<PersonId>) -> PersonId {
        let mut people = (0..u16::try_from(self.plan.people.len()).unwrap()).map(PersonId);
        let may = |one: &PersonId| Some(*one) != already && who.is(&self.plan, self.state.facts(), *one);
        people.find(may).unwrap_or(PersonId(u16::MAX))
    }

    /// An operator and a witness.
    fn two(&self) -> (PersonId, PersonId) {
        (self.somebody(Who::Role(Role::Operator), None), self.somebody(Who::Role(Role::Witness), None))
    }

    pub(super) fn answer(&self, ask: &Ask) -> Event {
        match ask {
            Ask::Remove(device) => Event::Done(Answer::Removed(*device)),
            Ask::Insert(device) => Event::Done(Answer::Inserted(*device)),
            Ask::SignIn(person) => {
                let by = confirm(&self.plan, self.state.facts(), (*person, *person)).first().copied();
                Event::Said(*person, Answer::SignedIn { by, document: text("passport") })
            }
            Ask::Look => Event::Looked(self.looks().into_iter().find(|looked| looked.step() == self.kind()).unwrap()),
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
            Ask::Replace(..) => Event::Replaced { by: self.two(), why: text("it was stolen") },
            Ask::Again { .. } => Event::Again { step: self.kind(), by: self.two(), why: text("the cable was loose") },
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
            Act::Write(_, Item::Names) => file(digest("names")),
            Act::Write(_, Item::Bundle) => {
                let list = self.bundle();
                Outcome::File { len: list.len() as u64, digest: Digest::of(&list).into() }
            }
            Act::Read(_, item) => file(self.files[&item]),
            Act::Inspect(token) => Outcome::Token(Box::new(TokenSeen {
                serial: self.serial(token),
                firmware: (4, 1),
                certificates: bytes(&card::certificates(self.serial(token).as_str())),
                pin: PinSeen(PinState::NeverSet),
                so_pin: PinSeen(PinState::TriesLeft(15)),
                dkek: DomainSeen::None,
                objects: Vec::new(),
            })),
            Act::Prove(token) => {
                self.erase(token);
                Outcome::Proof { way: Way::Key, evidence: self.request(token) }
            }
            Act::ProveAgain(token) | Act::ProveBeside(token) => {
                Outcome::Proof { way: Way::Key, evidence: self.request(token) }
            }
            Act::Authenticate(_) => Outcome::Proof { way: Way::Aes, evidence: bytes(&[1]) },
            Act::MakeShares | Act::Combine(_) | Act::Import(_) => Outcome::Kcv(KCV),
            Act::Seal(share) => {
                let digest = digest(&format!("{share:?} {}", self.state.facts().share_set));
                self.files.insert(self.state.facts().share_item(share), digest);
                file(digest)
            }
            Act::Generate(token, key) => {
                // A key that was made before the power failed is found.
                if self.there.insert((token, key)) {
                    self.born.insert(key, self.request(token));
                }
                Outcome::Key { spki: bytes(&self.spki()), attestation: self.born[&key].clone() }
            }
            Act::Sign(_, key, Signs::Certificate) => Outcome::Certificate(self.certificate(key)),
            Act::Sign(token, key, Signs::Statement) => {
                let head = self.state.intent().unwrap();
                let statement = statement(&self.plan, self.state.facts(), token, key, head);
                let words = statement.map_or_else(String::new, |statement| statement.to_string());
                Outcome::Signature(bytes(&self.signature(words.as_bytes())))
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
                let certificate = self.state.facts().keys[&key].certificate.clone().unwrap();
                self.described.insert((token, key), certificate);
                Outcome::Done
            }
            Act::TrySet(token) | Act::Initialise(token) => {
                self.erase(token);
                Outcome::Done
            }
            Act::ChangePin(_)
            | Act::Make(_)
            | Act::Reveal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::TryPin(_)
            | Act::Label(_)
            | Act::Show
            | Act::PowerOff => Outcome::Done,
        }
    }

    fn serial(&self, token: TokenId) -> Text {
        self.plan.tokens[usize::from(token.0)].serial.clone()
    }

    fn erase(&mut self, token: TokenId) {
        self.there.retain(|(on, _)| *on != token);
        self.described.retain(|(on, _), _| *on != token);
    }

    /// The request that a token signs of a key made for the acts under way.
    pub(super) fn request(&self, token: TokenId) -> Bytes {
        bytes(&card::authenticated(self.serial(token).as_str(), &self.key, self.state.intent().unwrap()))
    }

    pub(super) fn spki(&self) -> Vec<u8> {
        [&SPKI[..], self.key.verifying_key().to_sec1_point(false).as_bytes()].concat()
    }

    /// As X.509 writes it.
    pub(super) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let signature: Signature = self.key.sign(message);
        signature.to_der().as_bytes().to_vec()
    }

    fn certificate(&self, key: KeyIx) -> Bytes {
        let held = Time::from_unix(self.state.facts().clock.unwrap()).unwrap();
        let profile = self.plan.keys[usize::from(key.0)].certificate.held(held).unwrap();
        let public = PublicKey::from_spki_der(&self.spki()).unwrap();
        let to_be_signed = profile.to_be_signed(&public, SerialNumber::from_random([5; 16])).unwrap();
        let signature = self.signature(to_be_signed.bytes());
        bytes(to_be_signed.assemble(&signature).unwrap().der())
    }

    /// The list of the files of the public bundle.
    fn bundle(&self) -> Vec<u8> {
        files(&self.plan, self.text.as_bytes(), self.state.facts()).unwrap().last().unwrap().bytes().to_vec()
    }

    /// A key as a token lists it.
    pub(super) fn object(&self, token: TokenId, id: KeyIx) -> Object {
        let key = &self.plan.keys[usize::from(id.0)];
        let (stored, description) = if let Some(certificate) = self.described.get(&(token, id)) {
            let (id, label) = (bytes(key.id.as_bytes()), Some(text(key.label.as_str())));
            let (bits, kind) = (Some(256), Family(KeyKind::Ec));
            (Stored::certificate(certificate), Description::Read { id, bits, kind, label })
        } else if key.master == token {
            (Stored::attestation(&self.born[&id]), Description::Nothing)
        } else {
            (Stored::Nothing, Description::Nothing)
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
