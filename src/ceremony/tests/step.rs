//! The step skeleton, driven by a robot through the smallest plan: to its end, cut at every entry, and into every refusal.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use conclave_ceremony::act::{Act, Item, Signs};
use conclave_ceremony::ask::{Ask, Who};
use conclave_ceremony::compile::compile;
use conclave_ceremony::event::{Answer, Began, Event, Failure, Looked, Next, Outcome, TokenSeen};
use conclave_ceremony::ids::{Device, KeyIx, PersonId, TokenId};
use conclave_ceremony::judge::statement;
use conclave_ceremony::plan::{Plan, Role, read};
use conclave_ceremony::public::{Bytes, Octets, Text};
use conclave_ceremony::script::{Script, StepKind};
use conclave_ceremony::step::{State, Unfit, Waiting};
use conclave_publish::Digest;
use p256::ecdsa::{Signature, SigningKey, signature::Signer};

/// More entries than any run here makes: a robot that turns in circles fails instead of hanging.
const ENTRIES_MAX: usize = 2_000;
const KCV: Octets<8> = Octets([7; 8]);

fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

/// A ceremony under way, and devices that do what is expected of them.
#[derive(Clone)]
struct Room {
    plan: Plan,
    script: Script,
    state: State,
    entries: usize,
    head: Digest,
    key: SigningKey,
    /// Files by drive item, as digests.
    files: BTreeMap<Item, Octets<32>>,
    blobs: u8,
    /// Keys there are: token and key.
    there: BTreeSet<(TokenId, KeyIx)>,
    /// Every act done, with the step it was done in.
    done: Vec<(StepKind, Act)>,
}

impl Room {
    fn new() -> Self {
        let plan = read(include_bytes!("../../../docs/plans/minimal.toml")).unwrap();
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
            done: Vec::new(),
        }
    }

    fn waiting(&self) -> Waiting {
        self.state.waiting(&self.plan, &self.script)
    }

    fn kind(&self) -> StepKind {
        self.script.step(self.state.at()).unwrap().kind
    }

    fn event(&mut self, event: &Event) -> Result<Vec<Act>, Unfit> {
        let (next, acts) = self.state.step(&self.plan, &self.script, event)?;
        self.entries += 1;
        self.head = Digest::of(format!("{} {}", self.head, self.entries).as_bytes());
        self.state = next.appended(self.head);
        Ok(acts)
    }

    fn interrupt(&mut self) {
        let boot = self.state.facts().boot + 1;
        self.event(&Event::Interrupted { boot, head: self.head.into(), torn: None }).unwrap();
    }

    fn somebody(&self, who: Who, already: Option<PersonId>) -> PersonId {
        let people = (0..u16::try_from(self.plan.people.len()).unwrap()).map(PersonId);
        people.filter(|one| Some(*one) != already).find(|one| who.is(&self.plan, self.state.facts(), *one)).unwrap()
    }

    fn answer(&self, ask: &Ask) -> Event {
        match ask {
            Ask::Remove(device) => Event::Done(Answer::Removed(*device)),
            Ask::Insert(device) => Event::Done(Answer::Inserted(*device)),
            Ask::SignIn(person) => Event::Said(*person, Answer::SignedIn { document: text("passport") }),
            Ask::Look => Event::Looked(match self.kind() {
                StepKind::Medium => Looked::Medium { source: text("paper") },
                StepKind::AirGap => Looked::AirGap { absent: 30, hardware: Vec::new(), machine: Vec::new() },
                StepKind::Clock => Looked::Clock { wall: 1_800_000_000 },
                _ => Looked::Plan { source: text("paper"), drive: text("PLAN") },
            }),
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
                step: self.state.at(),
                by: (self.somebody(Who::Role(Role::Operator), None), self.somebody(Who::Role(Role::Witness), None)),
                why: text("the cable was loose"),
            },
        }
    }

    /// What the device would give.
    fn perform(&mut self, act: Act) -> Outcome {
        let digest = |words: &str| Octets::from(Digest::of(words.as_bytes()));
        let file = |digest| Outcome::File { len: 64, digest };
        match act {
            Act::Identify(_) => Outcome::Drive { names: Vec::new(), free: 1 << 20 },
            Act::Write(_, Item::Plan) => file(self.plan.digest.into()),
            Act::Write(_, item @ (Item::Share(..) | Item::Blob(..))) => file(self.files[&item]),
            Act::Write(..) => file(digest("companion")),
            Act::Read(_, item) => file(self.files[&item]),
            Act::Inspect(token) => Outcome::Token(Box::new(TokenSeen {
                serial: self.plan.tokens[usize::from(token.0)].serial.clone(),
                firmware: text("4.1"),
                certificates: Bytes::new(vec![1]).unwrap(),
                pin: text("not set"),
                so_pin: text("15 tries left"),
                dkek: text("none"),
                objects: Vec::new(),
            })),
            Act::Prove(_) | Act::Authenticate(_) | Act::ProveAgain(_) => {
                Outcome::Proof { evidence: Bytes::new(vec![1]).unwrap() }
            }
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
            Act::List(token) => Outcome::Objects(
                self.there.iter().filter(|(one, _)| *one == token).map(|(_, key)| text(&format!("{key:?}"))).collect(),
            ),
            Act::Make(_)
            | Act::Reveal(_)
            | Act::Open(_)
            | Act::Wipe(_)
            | Act::Initialise(_)
            | Act::TryPin(_)
            | Act::Describe(..)
            | Act::Label(_)
            | Act::Show
            | Act::PowerOff => Outcome::Done,
        }
    }

    /// The next event of a ceremony in which everything goes well; `None` at its end.
    fn next(&mut self) -> Option<Event> {
        Some(match self.waiting() {
            Waiting::Begin => Event::Began(Box::new(Began {
                format: 1,
                nonce: Octets([1; 32]),
                plan: self.plan.digest.into(),
                image: Octets([2; 32]),
                build: text("test"),
                rehearsal: true,
                commitments: Vec::new(),
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

    fn run(&mut self) -> Waiting {
        self.run_until(|_| false)
    }

    /// Runs until something is waited for, or to the end.
    fn run_until(&mut self, wanted: impl Fn(&Self) -> bool) -> Waiting {
        while !wanted(self) {
            let Some(event) = self.next() else { break };
            self.event(&event).unwrap_or_else(|unfit| panic!("{event:?} in {:?}: {unfit}", self.kind()));
            assert!(self.entries < ENTRIES_MAX, "no end: {:?}", self.waiting());
        }
        self.waiting()
    }

    /// Runs to this act and gives it another outcome.
    fn fails(act: impl Fn(&Act) -> bool, outcome: Outcome) -> Self {
        let mut room = Self::new();
        room.run_until(|room| matches!(room.waiting(), Waiting::Acting(next) if act(&next)));
        let Waiting::Acting(act) = room.waiting() else { panic!("{:?}", room.waiting()) };
        room.event(&Event::Came { act, outcome }).unwrap();
        room
    }
}

#[track_caller]
fn halts(act: impl Fn(&Act) -> bool, outcome: Outcome, words: &str) {
    let mut room = Room::fails(act, outcome);
    let Waiting::Halted(failure) = room.waiting() else { panic!("{:?}", room.waiting()) };
    assert!(failure.words.as_str().contains(words), "{failure:?}");
    let go = Event::Done(Answer::Go);
    assert_eq!(room.event(&go), Err(Unfit::Other), "halted is a latch");
    room.interrupt();
    assert_eq!(room.run(), Waiting::Closed, "a new boot goes on at the step that failed");
}

fn file(words: &str) -> Outcome {
    Outcome::File { len: 64, digest: Digest::of(words.as_bytes()).into() }
}

#[test]
fn everything_goes_well_from_the_first_entry_to_the_last() {
    let mut room = Room::new();
    assert_eq!(room.run(), Waiting::Closed);
    let facts = room.state.facts();
    assert!(facts.vault.is_empty() && facts.objections.is_empty());
    assert_eq!((facts.imported.len(), facts.keys.len(), facts.bags.len()), (2, 1, 1));
    assert_eq!(facts.keys.values().map(|key| key.statements.len()).sum::<usize>(), 2);
    assert_eq!(facts.attested.values().filter(|refused| refused.is_none()).count(), facts.attested.len());
    assert_eq!(room.event(&Event::Done(Answer::Go)), Err(Unfit::Other));
}

#[test]
fn power_fails_after_every_entry_and_the_ceremony_still_ends() {
    let mut at = 1;
    let mut running = Room::new();
    let event = running.next().unwrap();
    running.event(&event).unwrap();
    while running.waiting() != Waiting::Closed {
        let mut cut = running.clone();
        cut.interrupt();
        assert!(cut.state.facts().vault.is_empty() && cut.state.facts().proved.is_empty());
        assert_eq!(cut.run(), Waiting::Closed, "cut after entry {at}, in {:?}", running.kind());
        let (facts, uncut) = (cut.state.facts(), Room::new());
        assert_eq!(facts.imported.len(), uncut.plan.tokens.len());
        assert_eq!(facts.keys[&KeyIx(0)].statements.len(), 2);
        let event = running.next().unwrap();
        running.event(&event).unwrap();
        at += 1;
    }
    println!("figure: power cut after {at} entries, each run ended");
    assert!(at > 150, "{at}");
}

#[test]
fn a_token_of_an_earlier_boot_proves_itself_before_anything_secret_goes_to_it() {
    let mut room = Room::new();
    room.run_until(|room| room.kind() == StepKind::Generate(KeyIx(0)));
    room.interrupt();
    let before = room.done.len();
    room.run();
    let master: Vec<&Act> = room.done[before..]
        .iter()
        .map(|(_, act)| act)
        .filter(|act| conclave_ceremony::kinds::token_of(act) == Some(TokenId(0)))
        .collect();
    assert_eq!(master.first(), Some(&&Act::Authenticate(TokenId(0))));
    assert_eq!(master.iter().filter(|act| matches!(act, Act::Authenticate(_))).count(), 1);
}

#[test]
fn half_an_import_means_initialising_that_token_again_and_no_other() {
    let mut room = Room::new();
    room.run_until(|room| room.waiting() == Waiting::Acting(Act::Import(TokenId(1))));
    room.interrupt();
    let before = room.done.len();
    assert_eq!(room.run(), Waiting::Closed);
    let again: Vec<Act> = room.done[before..].iter().map(|(_, act)| *act).collect();
    assert!(again.contains(&Act::Initialise(TokenId(1))) && !again.contains(&Act::Initialise(TokenId(0))));
    assert!(again.contains(&Act::Import(TokenId(1))) && !again.contains(&Act::Import(TokenId(0))));
}

#[test]
fn shares_that_were_not_all_written_are_made_anew_under_other_names() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.kind(), StepKind::WriteShare(share) if share.0 == 1));
    room.interrupt();
    assert_eq!((room.kind(), room.state.facts().kcv), (StepKind::MakeShares, None));
    room.run();
    let written: Vec<Item> = room
        .done
        .iter()
        .filter_map(|(_, act)| if let Act::Write(_, item) = act { Some(*item) } else { None })
        .collect();
    let sets: Vec<u16> =
        written.iter().filter_map(|item| if let Item::Share(_, set) = item { Some(*set) } else { None }).collect();
    assert_eq!(sets, [1, 2, 2]);
}

#[test]
fn a_check_value_of_other_shares_halts() {
    halts(|act| matches!(act, Act::Combine(_)), Outcome::Kcv(Octets([8; 8])), "check value of the shares");
    halts(|act| matches!(act, Act::Import(TokenId(1))), Outcome::Kcv(Octets([8; 8])), "check value of BACKUP");
}

#[test]
fn a_file_that_is_not_the_one_written_halts() {
    halts(|act| matches!(act, Act::Read(_, Item::Share(..))), file("another"), "not the one written in this ceremony");
    halts(|act| matches!(act, Act::Write(_, Item::Blob(..))), file("another"), "the key blob was read back");
    halts(|act| matches!(act, Act::Write(_, Item::Share(..))), file("another"), "the share file was read back");
    halts(|act| matches!(act, Act::Write(_, Item::Plan)), file("another"), "the plan was read back");
}

#[test]
fn a_statement_with_another_signature_halts() {
    let outcome = Outcome::Signature(Bytes::new(vec![0x30, 6, 2, 1, 1, 2, 1, 1]).unwrap());
    halts(|act| matches!(act, Act::Sign(_, _, Signs::Statement)), outcome, "the statement signed by MASTER");
}

#[test]
fn an_outcome_of_another_kind_of_act_halts() {
    halts(|act| matches!(act, Act::Initialise(_)), Outcome::Kcv(KCV), "gave something else");
}

#[test]
fn a_copy_that_holds_something_else_than_its_master_halts() {
    let in_compare = |words: &str| Outcome::Objects(vec![text(words)]);
    let mut room = Room::new();
    room.run_until(|room| {
        matches!(room.kind(), StepKind::Compare(_)) && room.waiting() == Waiting::Acting(Act::List(TokenId(1)))
    });
    room.event(&Event::Came { act: Act::List(TokenId(1)), outcome: in_compare("key 9") }).unwrap();
    let Waiting::Halted(failure) = room.waiting() else { panic!("{:?}", room.waiting()) };
    assert_eq!(failure.words.as_str(), "BACKUP holds what its master does not: key 9");
}

#[test]
fn another_token_than_the_one_named_is_asked_for_again() {
    let seen = TokenSeen {
        serial: text("DENK9999999"),
        firmware: text("4.1"),
        certificates: Bytes::new(vec![1]).unwrap(),
        pin: text("-"),
        so_pin: text("-"),
        dkek: text("-"),
        objects: Vec::new(),
    };
    let mut room = Room::fails(|act| matches!(act, Act::Inspect(_)), Outcome::Token(Box::new(seen)));
    assert_eq!(room.waiting(), Waiting::Asked(Ask::Insert(Device::Token(TokenId(0)))));
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_wrong_passphrase_is_asked_for_again() {
    let failed = Outcome::Failed(Failure { next: Next::Type, words: text("wrong passphrase") });
    let mut room = Room::fails(|act| matches!(act, Act::Open(_)), failed);
    assert!(matches!(room.waiting(), Waiting::Asked(Ask::Type { .. })), "{:?}", room.waiting());
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn a_step_is_done_again_only_when_two_people_of_two_roles_decide_it() {
    let failed = Outcome::Failed(Failure { next: Next::Again, words: text("no answer") });
    let mut room = Room::fails(|act| matches!(act, Act::Wrap(..)), failed);
    let (operator, witness) = (PersonId(0), PersonId(1));
    let step = room.state.at();
    let again = |by| Event::Again { step, by, why: text("cable") };
    let (same, swapped, right) = (again((operator, operator)), again((witness, operator)), again((operator, witness)));
    assert_eq!(room.event(&same), Err(Unfit::SamePerson));
    assert_eq!(room.event(&swapped), Err(Unfit::Person));
    room.event(&right).unwrap();
    assert_eq!(room.run(), Waiting::Closed);
}

#[test]
fn one_person_cannot_agree_twice() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.waiting(), Waiting::Asked(Ask::Go { already: Some(_), .. })));
    let Waiting::Asked(Ask::Go { already: Some(first), .. }) = room.waiting() else { panic!() };
    assert_eq!(room.event(&Event::Said(first, Answer::Go)), Err(Unfit::SamePerson));
    let custodian = PersonId(2);
    assert_eq!(room.event(&Event::Said(custodian, Answer::Go)), Err(Unfit::Person));
}

#[test]
fn nobody_agrees_who_has_not_signed_in_again() {
    let mut room = Room::new();
    room.run_until(|room| matches!(room.kind(), StepKind::Prove(_)));
    room.interrupt();
    assert!(matches!(room.waiting(), Waiting::Asked(Ask::SignIn(_))));
    assert_eq!(room.event(&Event::Said(PersonId(0), Answer::Go)), Err(Unfit::Other));
}
