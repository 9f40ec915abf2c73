//! Things of a ceremony in words, by the names the plan gives them: for the text twin and for what a verifier finds.

use core::fmt::Display;

use crate::act::{Act, Item, Signs, Slot};
use crate::codes;
use crate::event::{Answer, Event, Looked, Lost, Next, Outcome, Source, Way};
use crate::ids::{BagId, Device, DriveId, KeyIx, PersonId, ShareId, TokenId};
use crate::kind::about;
use crate::plan::Plan;
use crate::plan::names::Names;
use crate::public::Text;
use crate::script::{Script, StepKind, Which};

/// Words by the ids of one plan; what the plan does not have is called by its number.
#[derive(Clone, Copy, Debug)]
pub struct Say<'a> {
    plan: &'a Plan,
    names: Option<&'a Names>,
}

fn named(name: Option<impl Display>, what: &str, number: u16) -> String {
    name.map_or_else(|| format!("{what} number {number}, which the plan does not have"), |name| name.to_string())
}

/// What a drive holds, by name as far as the record does.
pub(crate) fn held(names: &[Text], others: u32) -> String {
    let more = match others {
        0 => None,
        1 => Some("1 other name".to_owned()),
        _ => Some(format!("{others} other names")),
    };
    match more {
        Some(more) if names.is_empty() => more,
        Some(more) => format!("{} and {more}", list(names)),
        None => list(names),
    }
}

fn list(things: &[impl ToString]) -> String {
    let lines: Vec<String> = things.iter().map(ToString::to_string).collect();
    if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
}

impl<'a> Say<'a> {
    /// Words of ids only: for what can be published.
    pub const fn of(plan: &'a Plan) -> Self {
        Self { plan, names: None }
    }

    /// The same with the names of people, if they are there.
    pub const fn with(self, names: Option<&'a Names>) -> Self {
        Self { names, ..self }
    }

    /// A person, by id; with names, by name and organisation, too.
    pub fn person(self, id: PersonId) -> String {
        let person = self.plan.person(id).map(|person| {
            let name = |id| self.names.and_then(|names| names.of(id));
            let both = name(&person.id).zip(name(&person.organisation));
            both.map_or_else(|| person.id.to_string(), |(name, of)| format!("{} ({name}, {of})", person.id))
        });
        named(person, "person", id.0)
    }

    /// A token, by name and serial.
    pub fn token(self, id: TokenId) -> String {
        let token = self.plan.token(id);
        named(token.map(|token| format!("token {} ({})", token.name, token.serial)), "token", id.0)
    }

    /// A drive, by name.
    pub fn drive(self, id: DriveId) -> String {
        named(self.plan.drive(id).map(|drive| format!("drive {}", drive.name)), "drive", id.0)
    }

    /// A device.
    pub fn device(self, device: Device) -> String {
        match device {
            Device::Token(id) => self.token(id),
            Device::Drive(id) => self.drive(id),
        }
    }

    /// A key, by label.
    pub fn key(self, id: KeyIx) -> String {
        named(self.plan.key(id).map(|key| format!("key {}", key.label.as_str())), "key", id.0)
    }

    /// A share, counted from one as on its file.
    pub fn share(self, id: ShareId) -> String {
        format!("share {}", u32::from(id.0) + 1)
    }

    /// A bag, by its number.
    pub fn bag(self, id: BagId) -> String {
        named(self.plan.bag(id).map(|bag| format!("bag {}", bag.number)), "bag", id.0)
    }

    /// A place in the Vault.
    pub fn slot(self, slot: Slot) -> String {
        match slot {
            Slot::Pin(token, Which::User) => format!("the PIN of {}", self.token(token)),
            Slot::Pin(token, Which::So) => format!("the SO-PIN of {}", self.token(token)),
            Slot::OldSoPin(token) => format!("the old SO-PIN of {}", self.token(token)),
            Slot::NewPin(token) => format!("the new PIN of {}", self.token(token)),
            Slot::Passphrase(share) => format!("the passphrase of {}", self.share(share)),
            Slot::Share(share) => format!("the clear {}", self.share(share)),
        }
    }

    /// A file.
    pub fn item(self, item: Item) -> String {
        match item {
            Item::Share(share, attempt) => format!("the file of {}, set {attempt}", self.share(share)),
            Item::Blob(key, attempt) => format!("the blob of {}, attempt {attempt}", self.key(key)),
            Item::Plan => "the plan".to_owned(),
            Item::Names => "the names".to_owned(),
            Item::Bundle => "the public bundle".to_owned(),
        }
    }

    /// An act, as an order.
    pub fn act(self, act: Act) -> String {
        match act {
            Act::Identify(drive) => format!("identify {}", self.drive(drive)),
            Act::Write(drive, item) => format!("write {} to {}", self.item(item), self.drive(drive)),
            Act::Read(drive, item) => format!("read {} from {}", self.item(item), self.drive(drive)),
            Act::Inspect(token) => format!("inspect {}", self.token(token)),
            Act::Prove(token) => format!("erase {} and have it prove itself", self.token(token)),
            Act::TrySet(token) => format!("have {} refuse to set a PIN by its SO-PIN", self.token(token)),
            Act::Authenticate(token) => format!("have {} authenticate its chip", self.token(token)),
            Act::ProveAgain(token) => format!("have {} prove itself beside its keys", self.token(token)),
            Act::ProveBeside(token) => {
                format!(
                    "log in to {} by a PIN that is burnt by it, have it prove itself beside its keys",
                    self.token(token)
                )
            }
            Act::ChangePin(token) => {
                format!("change the burnt PIN of {}, power it anew, use the new PIN", self.token(token))
            }
            Act::Make(slot) => format!("make {}", self.slot(slot)),
            Act::Reveal(slot) => format!("show {} to its keeper until it was typed back", self.slot(slot)),
            Act::MakeShares => "make all shares".to_owned(),
            Act::Seal(share) => format!("seal {}", self.share(share)),
            Act::Open(share) => format!("open {}", self.share(share)),
            Act::Combine(kcv) => format!("combine the shares and compare their check value with {kcv}"),
            Act::Wipe(None) => "wipe every secret".to_owned(),
            Act::Wipe(Some(slot)) => format!("wipe {}", self.slot(slot)),
            Act::Initialise(token) => format!("initialise {} for good", self.token(token)),
            Act::Import(token) => format!("import all shares into {}", self.token(token)),
            Act::TryPin(token) => {
                format!("power {} anew, use both its PINs, wipe its SO-PIN", self.token(token))
            }
            Act::Generate(token, key) => format!("make {} on {}", self.key(key), self.token(token)),
            Act::Sign(token, key, Signs::Certificate) => {
                format!("sign the certificate of {} on {}", self.key(key), self.token(token))
            }
            Act::Sign(token, key, Signs::Statement) => {
                format!("sign the statement of {} on {}", self.key(key), self.token(token))
            }
            Act::Describe(token, key) => {
                format!("write description and certificate of {} to {}", self.key(key), self.token(token))
            }
            Act::Wrap(token, key) => format!("wrap {} on {}", self.key(key), self.token(token)),
            Act::Unwrap(token, key) => format!("restore {} on {}", self.key(key), self.token(token)),
            Act::Label(token) => format!("label {}", self.token(token)),
            Act::List(token) => format!("list the objects of {}", self.token(token)),
            Act::Show => "show fingerprints and head".to_owned(),
            Act::PowerOff => "switch off".to_owned(),
        }
    }

    /// A step, by its name.
    pub fn kind(self, kind: StepKind) -> String {
        about(self.plan, kind).name
    }

    /// A step, by its number as people count it, and its name.
    pub fn step(self, script: Option<&Script>, kind: StepKind) -> String {
        match script.and_then(|script| script.of(kind)) {
            Some(step) => format!("step {}: {}", u32::from(step.id.0) + 1, self.kind(kind)),
            None => format!("not in the script: {}", self.kind(kind)),
        }
    }

    /// What happened.
    pub fn event(self, event: &Event) -> String {
        match event {
            Event::Began(began) => format!(
                "the transcript of a ceremony of kind {} began: format {}, nonce {}, plan {}, image {}, build {}",
                began.kind, began.format, began.nonce, began.plan, began.image, began.build,
            ),
            Event::Promised(script) => {
                format!("the script was promised: {} steps, SHA-256 {}", script.steps.len(), script.digest())
            }
            Event::Looked(looked) => looked_at(looked),
            Event::Said(person, answer) => format!("{} {}", self.person(*person), self.answer(answer)),
            Event::Done(answer) => format!("somebody {}", self.answer(answer)),
            Event::Came { act, outcome } => format!("{}: {}", self.act(*act), self.outcome(outcome)),
            Event::Interrupted { boot, head, lost, torn, looked, written } => {
                let lost = lost.map_or_else(String::new, |lost| self.lost(lost));
                let torn = torn.map_or_else(String::new, |torn| format!(", a torn tail was kept, SHA-256 {torn}"));
                let written = match written {
                    Some(entry) => format!("a witness typed the head of entry {entry} from their own copy"),
                    None => NO_HEAD_WRITTEN.to_owned(),
                };
                let looked = looked.iter().map(looked_at).collect::<Vec<_>>().join("; ");
                format!(
                    "the machine was started again, boot {boot}; the logs ended with head {head}{torn}{lost}; {written}; {looked}"
                )
            }
            Event::Again { by: (first, second), why, step } => format!(
                "{} and {} decided to do the step \"{}\" again: {why}",
                self.person(*first),
                self.person(*second),
                self.kind(*step)
            ),
            Event::Replaced { by: (first, second), why } => {
                let (first, second) = (self.person(*first), self.person(*second));
                format!("{first} and {second} decided that the spare takes the place of the lost log drive: {why}")
            }
            Event::Mistyped { times, whose } => {
                let dead = if *times >= codes::DEAD { "; the code is dead" } else { "" };
                format!("{times} wrong sign-in codes were typed for {}{dead}", self.person(*whose))
            }
        }
    }

    /// What became of a log drive.
    fn lost(self, Lost { head, drive, spare }: Lost) -> String {
        let [drive, spare] = [drive, spare].map(|drive| self.device(Device::Drive(drive)));
        format!(
            "; {drive} is lost, the last head known to be on it is {head}; {spare} took its place with the whole log"
        )
    }

    /// What a person did.
    pub fn answer(self, answer: &Answer) -> String {
        match answer {
            Answer::Go => "agreed".to_owned(),
            Answer::Word => "typed the word that the step wants".to_owned(),
            Answer::Inserted(device) => format!("plugged in {}", self.device(*device)),
            Answer::Removed(device) => format!("took out {}", self.device(*device)),
            Answer::SignedIn { by, document } => {
                format!("signed in, document: {document}{}", self.confirmed(*by))
            }
            Answer::Absent { by, whose, document } => {
                format!("came instead of {}, document: {document}{}", self.person(*whose), self.confirmed(*by))
            }
            Answer::Typed(slot) => format!("typed {}", self.slot(*slot)),
            Answer::KeyboardFits => "found that the keys type what they say".to_owned(),
            Answer::BagNumber { bag, number } => {
                format!("sealed {} and typed its number twice: {number}", self.bag(*bag))
            }
            Answer::OtherBag { bag, number, by: (one, other), why } => format!(
                "sealed another bag in place of {} and typed its number twice: {number}; {} and {} decided so: {why}",
                self.bag(*bag),
                self.person(*one),
                self.person(*other)
            ),
            Answer::Objects(words) => format!("objected: {words}"),
            Answer::NoObjection => "found no further objection".to_owned(),
            Answer::Attests => "attested".to_owned(),
            Answer::Refuses(words) => format!("refused to attest: {words}"),
        }
    }

    fn confirmed(self, by: Option<PersonId>) -> String {
        by.map_or_else(String::new, |by| format!("; {} confirmed it", self.person(by)))
    }

    /// What an act gave.
    pub fn outcome(self, outcome: &Outcome) -> String {
        match outcome {
            Outcome::Done => "done".to_owned(),
            Outcome::Drive { free, names, others } => {
                format!("it is the planned one, {free} bytes free, files: {}", held(names, *others))
            }
            Outcome::File { len, digest } => format!("{len} bytes, SHA-256 {digest}"),
            Outcome::Token(seen) => format!(
                "serial {}, firmware {}.{}, PIN: {}, SO-PIN: {}, DKEK: {}, objects: {}, certificates: {:?}",
                seen.serial,
                seen.firmware.0,
                seen.firmware.1,
                seen.pin,
                seen.so_pin,
                seen.dkek,
                list(&seen.objects),
                seen.certificates
            ),
            Outcome::Proof { way, evidence } => {
                let how = match way {
                    Way::Key => "by the request of a throw-away key",
                    Way::Aes => "by chip authentication with AES",
                    Way::TripleDes => "by chip authentication with 3DES",
                };
                format!("proof {how}, of {evidence:?}")
            }
            Outcome::Kcv(kcv) => format!("check value {kcv}"),
            Outcome::Key { spki, attestation } => format!("public key of {spki:?}, attestation of {attestation:?}"),
            Outcome::Certificate(der) => format!("certificate of {der:?}"),
            Outcome::Signature(bytes) => format!("signature of {bytes:?}"),
            Outcome::Objects(objects) => list(objects),
            Outcome::Failed(failure) => {
                let next = match failure.next {
                    Next::Device => "another device is wanted",
                    Next::Type => "something is typed again",
                    Next::LastTry => "the PIN is typed again, and a word that spends its last try",
                    Next::Beside => "the token proves itself in another way",
                    Next::Again => "two roles may decide to do it again",
                    Next::Halt => "the ceremony halts",
                };
                format!("failed, {next}: {}", failure.words)
            }
        }
    }
}

fn looked_at(looked: &Looked) -> String {
    match looked {
        Looked::Medium { source } => {
            format!("the medium's digest was compared by challenge with a copy from {}", copy(*source))
        }
        Looked::AirGap { weak, absent, machine, hardware } => {
            let against = weak.iter().map(|weakness| format!("; {}", weakness.words())).collect::<String>();
            format!(
                "{absent} ways out were tried and are absent{against}; machine: {}; network hardware without a driver: {}",
                list(machine),
                list(hardware)
            )
        }
        Looked::Clock { wall, .. } => format!("the clock was compared with a watch at {wall} seconds since 1970, UTC"),
        Looked::Plan { drive, source } => {
            let copy = copy(*source);
            format!("the plan was read from drive {drive}, its digest compared by challenge with a copy from {copy}")
        }
    }
}

/// The words of a resume at which no head was typed.
pub(crate) const NO_HEAD_WRITTEN: &str = "no person had written a head down";

/// The place a copy of a digest came from.
const fn copy(source: Source) -> &'static str {
    match source {
        Source::Paper => "paper",
        Source::Phone => "a phone or another computer",
        Source::Own => "the witness's own rebuild or reading",
        Source::Nobody => "nowhere: no person was asked",
    }
}
