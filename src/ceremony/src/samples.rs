//! For tests: one entry of every kind, chained.

use conclave_publish::Kind;
use smartcard_hsm::object::PinState;
use smartcard_hsm::pkcs15::KeyKind;

use crate::act::{Act, Item, Signs, Slot};
use crate::entry::Entry;
use crate::event::{Answer, Began, Event, Failure, Looked, Lost, Next, Outcome, Source, Way, Weakness};
use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, StepId, TokenId};
use crate::plan::Role;
use crate::public::{Bytes, Octets, Text};
use crate::script::{Roles, Script, Step, StepKind, Which};
use crate::seen::{Description, DomainSeen, Family, KeySeen, Object, PinSeen, Shares, Stored, TokenSeen};
use crate::transcript::{FORMAT, GENESIS, append};

pub(crate) fn text(words: &str) -> Text {
    Text::new(words).unwrap()
}

fn bytes(len: usize) -> Bytes {
    Bytes::new(vec![0x30; len]).unwrap()
}

pub(crate) fn began() -> Began {
    Began {
        kind: Kind::Rehearsal,
        plan: Octets([1; 32]),
        build: text("0.1.0 of a revision"),
        image: Octets([2; 32]),
        nonce: Octets([3; 32]),
        format: FORMAT,
    }
}

/// One of every kind.
pub(crate) fn kinds() -> Vec<StepKind> {
    let (token, drive, key, share, person) = (TokenId(1), DriveId(2), KeyIx(3), ShareId(4), PersonId(5));
    vec![
        StepKind::Medium,
        StepKind::AirGap,
        StepKind::Clock,
        StepKind::Plan,
        StepKind::Log(drive),
        StepKind::SignIn(person),
        StepKind::Register(drive),
        StepKind::Inspect(token),
        StepKind::Prove(token),
        StepKind::Keyboard,
        StepKind::Pin(token, Which::So),
        StepKind::Passphrase(share),
        StepKind::MakeShares,
        StepKind::WriteShare(share),
        StepKind::Initialise(token),
        StepKind::OpenShare(share),
        StepKind::Import,
        StepKind::TryPin(token),
        StepKind::Generate(key),
        StepKind::Certify(key),
        StepKind::Wrap(key),
        StepKind::Restore(token),
        StepKind::Compare(token),
        StepKind::Objections,
        StepKind::State(token),
        StepKind::Publish(drive),
        StepKind::Show,
        StepKind::Bag(BagId(7)),
        StepKind::Attest(person),
        StepKind::Close,
    ]
}

/// A step of every kind, and of every way to authorise one.
pub(crate) fn script() -> Script {
    let roles = [
        Roles::Anyone,
        Roles::Person(PersonId(3)),
        Roles::One(Role::Custodian),
        Roles::Two(Role::Operator, Role::Witness),
        Roles::One(Role::Holder),
    ];
    let step = |(kind, roles)| Step {
        id: StepId(0),
        kind,
        roles,
        budget: 300,
        devices: vec![Device::Token(TokenId(1)), Device::Drive(DriveId(2))],
    };
    Script::from(kinds().into_iter().zip(roles.into_iter().cycle()).map(step).collect::<Vec<_>>())
}

pub(crate) fn acts() -> Vec<Act> {
    let (token, drive, key, share) = (TokenId(1), DriveId(2), KeyIx(3), ShareId(4));
    vec![
        Act::Identify(drive),
        Act::Write(drive, Item::Share(share, 1)),
        Act::Write(drive, Item::Blob(key, 300)),
        Act::Write(drive, Item::Plan),
        Act::Write(drive, Item::Names),
        Act::Write(drive, Item::Bundle),
        Act::Read(drive, Item::Blob(key, 1)),
        Act::Inspect(token),
        Act::Prove(token),
        Act::TrySet(token),
        Act::Authenticate(token),
        Act::ProveAgain(token),
        Act::ProveBeside(token),
        Act::ChangePin(token),
        Act::Reveal(Slot::NewPin(token)),
        Act::Make(Slot::Pin(token, Which::So)),
        Act::Make(Slot::Pin(token, Which::User)),
        Act::Reveal(Slot::Passphrase(share)),
        Act::MakeShares,
        Act::Seal(share),
        Act::Open(share),
        Act::Combine(Octets([6; 8])),
        Act::Wipe(None),
        Act::Wipe(Some(Slot::OldSoPin(token))),
        Act::Wipe(Some(Slot::Share(share))),
        Act::Initialise(token),
        Act::Import(token),
        Act::TryPin(token),
        Act::Generate(token, key),
        Act::Sign(token, key, Signs::Certificate),
        Act::Sign(token, key, Signs::Statement),
        Act::Describe(token, key),
        Act::Wrap(token, key),
        Act::Unwrap(token, key),
        Act::Label(token),
        Act::List(token),
        Act::Show,
        Act::PowerOff,
    ]
}

pub(crate) fn looked() -> Vec<Looked> {
    vec![
        Looked::Medium { source: Source::Paper },
        Looked::AirGap {
            weak: Weakness::ALL.to_vec(),
            absent: 9,
            machine: vec![text("a laptop")],
            hardware: vec![text("8086:15bc"), text("8086:02f0")],
        },
        Looked::Clock { wall: -1, mono: 90_000 },
        Looked::Plan { drive: text("CONCLAVE-PLAN"), source: Source::Own },
    ]
}

pub(crate) fn answers() -> Vec<Answer> {
    vec![
        Answer::Go,
        Answer::Word,
        Answer::Inserted(Device::Token(TokenId(1))),
        Answer::Removed(Device::Drive(DriveId(2))),
        Answer::SignedIn { by: None, document: text("passport") },
        Answer::SignedIn { by: Some(PersonId(1)), document: text("passport") },
        Answer::Absent { by: None, whose: PersonId(5), document: text("passport") },
        Answer::Absent { by: Some(PersonId(1)), whose: PersonId(5), document: text("passport") },
        Answer::Typed(Slot::Passphrase(ShareId(0))),
        Answer::KeyboardFits,
        Answer::BagNumber { bag: BagId(7), number: text("3234864") },
        Answer::OtherBag {
            by: (PersonId(0), PersonId(1)),
            bag: BagId(7),
            why: text("the planned bag is torn"),
            number: text("3234865"),
        },
        Answer::Objects(text("the seal of bag 2 is torn – look")),
        Answer::NoObjection,
        Answer::Attests,
        Answer::Refuses(text("I was out of the room")),
    ]
}

fn objects() -> Vec<Object> {
    let read = |kind, bits, label: Option<&str>| Description::Read { id: bytes(1), bits, kind, label: label.map(text) };
    let descriptions = [
        read(Family(KeyKind::Rsa), Some(2048), Some("signing")),
        read(Family(KeyKind::Ec), Some(256), None),
        read(Family(KeyKind::Aes), None, None),
        read(Family(KeyKind::Other(0xa9)), None, None),
        Description::Nothing,
        Description::Unreadable,
    ];
    let digest = Octets([7; 32]);
    let stored =
        [Stored::Certificate(digest), Stored::Attestation(digest), Stored::Other(digest), Stored::Nothing].into_iter();
    let keys = descriptions.into_iter().zip(stored.cycle()).zip(1..);
    let mut objects: Vec<Object> =
        keys.map(|((description, stored), number)| Object::Key(KeySeen { number, stored, description })).collect();
    objects.extend([Some(digest), None].map(|content| Object::File { file: 0xcf00, content }));
    objects
}

pub(crate) fn outcomes() -> Vec<Outcome> {
    let pins = [PinState::Verified, PinState::Blocked, PinState::Transport, PinState::NeverSet, PinState::OtherTokens]
        .map(PinSeen);
    let shares = |kcv| Shares { kcv, total: 3, outstanding: 0 };
    let domains = [
        DomainSeen::Empty,
        DomainSeen::Dkek(shares(None)),
        DomainSeen::Dkek(shares(Some(Octets([8; 8])))),
        DomainSeen::Agreed(shares(None)),
    ];
    let mut outcomes = plain_outcomes();
    outcomes.extend(pins.into_iter().zip(domains.into_iter().cycle()).map(|(pin, dkek)| {
        let (serial, certificates) = (text("DENK0000001"), bytes(700));
        let seen = TokenSeen { pin, dkek, serial, so_pin: pin, objects: objects(), firmware: (3, 5), certificates };
        Outcome::Token(Box::new(seen))
    }));
    outcomes
}

fn plain_outcomes() -> Vec<Outcome> {
    let failed = |next| Outcome::Failed(Failure { next, words: text("nothing came back") });
    vec![
        Outcome::Done,
        Outcome::Drive { free: 1 << 33, names: vec![text("conclave.cbor")], others: 3 },
        Outcome::File { len: 64, digest: Octets([7; 32]) },
        Outcome::Token(Box::new(TokenSeen {
            pin: PinSeen(PinState::TriesLeft(3)),
            dkek: DomainSeen::None,
            serial: text("DENK0000001"),
            so_pin: PinSeen(PinState::TriesLeft(15)),
            objects: vec![],
            firmware: (4, 1),
            certificates: bytes(700),
        })),
        Outcome::Proof { way: Way::Key, evidence: bytes(300) },
        Outcome::Proof { way: Way::TripleDes, evidence: bytes(81) },
        Outcome::Kcv(Octets([8; 8])),
        Outcome::Key { spki: bytes(91), attestation: bytes(500) },
        Outcome::Certificate(bytes(900)),
        Outcome::Signature(bytes(70)),
        Outcome::Objects(objects()),
        failed(Next::Device),
        failed(Next::Type),
        failed(Next::LastTry),
        failed(Next::Beside),
        failed(Next::Again),
        failed(Next::Halt),
    ]
}

pub(crate) fn events() -> Vec<Event> {
    let mut events = vec![Event::Began(Box::new(began())), Event::Promised(script())];
    events.extend(looked().into_iter().map(Event::Looked));
    events.extend(answers().into_iter().map(|answer| Event::Said(PersonId(260), answer)));
    events.push(Event::Done(Answer::Go));
    events.extend(acts().into_iter().map(|act| Event::Came { act, outcome: Outcome::Done }));
    events.extend(outcomes().into_iter().map(|outcome| Event::Came { act: Act::Show, outcome }));
    let interrupted = |boot, torn: Option<Octets<32>>, written| {
        let (head, looked) = (Octets([9; 32]), looked());
        let lost = torn.map(|head| Lost { head, drive: DriveId(1), spare: DriveId(260) });
        Event::Interrupted { boot, head, lost, torn, looked, written }
    };
    events.push(interrupted(2, None, None));
    events.push(interrupted(3, Some(Octets([10; 32])), Some(41)));
    let by = (PersonId(0), PersonId(1));
    events.push(Event::Mistyped { times: 5, whose: PersonId(260) });
    events.push(Event::Replaced { by, why: text("it fell into the lift shaft") });
    events.push(Event::Again { by, why: text("the stick fell out"), step: StepKind::WriteShare(ShareId(1)) });
    events
}

/// The entries of these events, each with two acts, chained.
pub(crate) fn chained(events: Vec<Event>) -> Vec<Entry> {
    let (acts, kinds) = (acts(), kinds());
    let mut head = GENESIS;
    let mut entries = Vec::new();
    for (at, event) in events.into_iter().enumerate() {
        let seq = at as u64;
        let pair = acts.iter().cycle().skip(at).take(if at == 0 { 0 } else { 2 });
        let (mono, wall) = (1000 * seq, 1_790_000_000 + seq as i64);
        let entry = Entry {
            seq,
            acts: pair.copied().collect(),
            boot: 1,
            mono,
            prev: head.into(),
            step: kinds[at % kinds.len()],
            wall,
            event,
        };
        (_, head) = append(&head, &entry).unwrap();
        entries.push(entry);
    }
    entries
}

/// The bytes of these entries.
pub(crate) fn written(entries: &[Entry]) -> Vec<u8> {
    entries.iter().flat_map(|entry| append(&entry.prev.into(), entry).unwrap().0).collect()
}
