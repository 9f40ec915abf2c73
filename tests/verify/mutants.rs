//! Every field of every kind of entry, changed, and the chain hashed again over it: refused, or named as not
//! proved.

use std::collections::BTreeSet;

use ciborium::Value;
use conclave_ceremony::act::{Act, Item, Signs, Slot};
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Began, Event, Failure, Looked, Next, Outcome};
use conclave_ceremony::ids::Device;
use conclave_ceremony::script::Which;
use conclave_ceremony::seen::TokenSeen;
use conclave_ceremony::transcript::read;
use conclave_ceremony::verify::{Account, Given, Verdict, verify};
use conclave_publish::Digest;
use conclave_tests::ceremony::chained;
use serde::de::DeserializeOwned;

use super::variants::{fields, variants};
use super::{golden, troubled};

/// Fields, by step and field, that only the heads of witnesses fix: no signature and no rule shows their change where
/// nothing was signed after them. Each stands in the lists of reported or attested facts, or is a time within the
/// window.
const NOT_PROVED: &[&str] = &[
    "entry 156.mono",
    "entry 156.wall",
    "entry 157.mono",
    "entry 157.wall",
    "entry 158.mono",
    "entry 158.wall",
    "entry 159.mono",
    "entry 159.wall",
    "entry 160.mono",
    "entry 160.wall",
    "entry 161.event.Came.outcome.Drive.free",
    "entry 161.event.Came.outcome.Drive.names[more]",
    "entry 161.mono",
    "entry 161.wall",
    "entry 162.mono",
    "entry 162.wall",
    "entry 163.mono",
    "entry 163.wall",
    "entry 164.mono",
    "entry 164.wall",
    "entry 165.mono",
    "entry 165.wall",
    "entry 166.mono",
    "entry 166.wall",
    "entry 167.mono",
    "entry 167.wall",
    "entry 168.mono",
    "entry 168.wall",
    "entry 171.mono",
    "entry 171.wall",
];

/// The same of a record in which much went wrong, by kind of event.
const NOT_PROVED_OF_TROUBLE: &[&str] = &[
    "Again.event.Again.why",
    "Again.mono",
    "Again.wall",
    "Came.event.Came.outcome.Failed.next",
    "Came.event.Came.outcome.Failed.words",
    "Came.mono",
    "Came.wall",
    "Done.event.Done.OtherBag.number",
    "Done.event.Done.OtherBag.why",
    "Done.mono",
    "Done.wall",
    "Interrupted.event.Interrupted.looked[0].Medium.source",
    "Interrupted.event.Interrupted.looked[1].AirGap.absent",
    "Interrupted.event.Interrupted.looked[1].AirGap.hardware[more]",
    "Interrupted.event.Interrupted.looked[1].AirGap.machine[0]",
    "Interrupted.event.Interrupted.looked[1].AirGap.machine[fewer]",
    "Interrupted.event.Interrupted.looked[1].AirGap.machine[more]",
    "Interrupted.event.Interrupted.looked[2].Clock.mono",
    "Interrupted.event.Interrupted.looked[2].Clock.wall",
    "Interrupted.event.Interrupted.looked[3].Plan.drive",
    "Interrupted.event.Interrupted.looked[3].Plan.source",
    "Interrupted.event.Interrupted.torn",
    "Interrupted.mono",
    "Interrupted.wall",
    "Said.event.Said[1].Refuses",
    "Said.event.Said[1].SignedIn.document",
    "Said.mono",
    "Said.wall",
];

/// One change of a value, at a path.
struct Mutant {
    path: String,
    value: Value,
}

/// The value with each of its parts changed, one at a time.
fn changed(value: &Value, path: &str) -> Vec<Mutant> {
    let one = |value: Value| vec![Mutant { path: path.to_owned(), value }];
    match value {
        Value::Integer(number) => one(Value::from(i64::try_from(*number).unwrap() + 1)),
        Value::Bytes(bytes) => {
            let flip = |at: usize| {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1;
                Mutant { path: path.to_owned(), value: Value::Bytes(bytes) }
            };
            // Beginning, middle and end: length and signature of the value in it.
            BTreeSet::from([0, bytes.len() / 2, bytes.len() - 1]).into_iter().map(flip).collect()
        }
        Value::Text(text) => {
            let other = match text.as_str() {
                "Attests" => "NoObjection",
                "Go" => "Word",
                "NoObjection" => "Go",
                "KeyboardFits" => "Go",
                "So" => "User",
                "User" => "So",
                "Certificate" => "Statement",
                "Statement" => "Certificate",
                "Plan" => "Bundle",
                "Names" => "Plan",
                "Bundle" => "Names",
                "Done" => return Vec::new(),
                "Word" => "Go",
                "Device" => "Again",
                "Beside" => "Device",
                "Type" => "Device",
                "Again" => "Device",
                "Halt" => "Again",
                "MakeShares" => "Show",
                "Paper" => "Phone",
                "None" => "Empty",
                "NeverSet" => "Blocked",
                "Ec" => "Rsa",
                "Show" => "PowerOff",
                words => return one(Value::Text(format!("{words}x"))),
            };
            one(Value::Text(other.to_owned()))
        }
        // A field that may be left out, and was.
        Value::Null => one(Value::Bytes(vec![1; 32])),
        Value::Bool(yes) => one(Value::Bool(!yes)),
        // A text and an act alike, and an object of a token.
        Value::Array(items) if items.is_empty() => {
            let file = [("file", Value::from(1)), ("content", Value::Null)].map(|(key, value)| (key.into(), value));
            let more = [Value::Text("Show".to_owned()), Value::Map(vec![("File".into(), Value::Map(file.into()))])];
            more.map(|one| Mutant { path: format!("{path}[more]"), value: Value::Array(vec![one]) }).into()
        }
        Value::Array(items) => {
            let mut mutants = Vec::new();
            for at in 0..items.len() {
                for Mutant { path, value } in changed(&items[at], &format!("{path}[{at}]")) {
                    let mut items = items.clone();
                    items[at] = value;
                    mutants.push(Mutant { path, value: Value::Array(items) });
                }
            }
            if let Some(last) = items.last() {
                let (mut fewer, mut more) = (items.clone(), items.clone());
                fewer.pop();
                more.push(last.clone());
                mutants.push(Mutant { path: format!("{path}[fewer]"), value: Value::Array(fewer) });
                mutants.push(Mutant { path: format!("{path}[more]"), value: Value::Array(more) });
            }
            mutants
        }
        Value::Map(pairs) => {
            let mut mutants = Vec::new();
            for at in 0..pairs.len() {
                let name = pairs[at].0.as_text().unwrap();
                if matches!(name, "seq" | "prev") {
                    continue;
                }
                for Mutant { path, value } in changed(&pairs[at].1, &format!("{path}.{name}")) {
                    let mut pairs = pairs.clone();
                    pairs[at].1 = value;
                    mutants.push(Mutant { path, value: Value::Map(pairs) });
                }
            }
            mutants
        }
        _ => Vec::new(),
    }
}

/// The kind of an entry: the names in its event and acts, without their values.
fn kind(value: &Value) -> String {
    match value {
        Value::Map(pairs) => {
            pairs.iter().map(|(key, value)| format!("{}{}", key.as_text().unwrap(), kind(value))).collect()
        }
        Value::Array(items) => items.iter().map(kind).collect(),
        Value::Text(text) if text.starts_with(char::is_uppercase) && !text.contains(' ') => text.clone(),
        _ => String::new(),
    }
}

/// The changed fields, and the changes that no rule shows.
#[derive(Default)]
struct Changed {
    /// Kinds of entry, before and after the last signature: each is changed once.
    kinds: BTreeSet<(String, bool)>,
    mutants: usize,
    /// No entry any more, or another spelling of the same: refused by the reader.
    unreadable: usize,
    /// Names of fields.
    fields: BTreeSet<String>,
}

impl Changed {
    /// Changes a record, and returns which entries and fields no rule shows.
    fn survivors(&mut self, plan: &[u8], transcript: &[u8]) -> Vec<(usize, String)> {
        let judged = |transcript: &[u8], heads: &[Digest]| -> Account {
            verify(Given { names: None, transcript, plan, files: &Default::default(), heads })
        };
        let (entries, head) = (read(transcript).unwrap().entries, read(transcript).unwrap().head());
        let genuine = judged(transcript, &[]);
        assert_eq!((&genuine.refused, genuine.closed), (&vec![], true));
        let signed = usize::try_from(genuine.signed.unwrap()).unwrap();
        let mut survivors = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let value = Value::serialized(entry).unwrap();
            if !self.kinds.insert((kind(&value), at > signed)) {
                continue;
            }
            for Mutant { path, value } in changed(&value, "") {
                self.mutants += 1;
                let Some(changed) = value.deserialized::<Entry>().ok().filter(|changed| changed != entry) else {
                    self.unreadable += 1;
                    continue;
                };
                self.fields.extend(path.split(['.', '[']).map(str::to_owned));
                let mut all = entries.clone();
                all[at] = changed;
                let bytes = chained(all);
                let account = judged(&bytes, &[]);
                if account.verdict() == Verdict::Refused || !account.closed {
                    continue;
                }
                // Nothing that is not so is called proved.
                assert_eq!(account.proved, genuine.proved, "entry {at}{path}");
                let with_head = judged(&bytes, &[head]);
                let shown = with_head.verdict() < Verdict::Disputed
                    && with_head.changed.iter().any(|it| it.rule.name() == "heads");
                assert!(shown, "entry {at}{path}, head given: {with_head:?}");
                survivors.push((at, path));
            }
        }
        survivors
    }
}

#[test]
fn every_field_of_every_kind_of_entry_is_fixed_or_named_as_not_proved() {
    let mut changed = Changed::default();
    let survivors = changed.survivors(golden::PLAN, golden::TRANSCRIPT);
    let survivors: BTreeSet<String> = survivors.iter().map(|(at, path)| format!("entry {at}{path}")).collect();
    println!("{} named as not proved: {survivors:#?}", survivors.len());
    assert!(
        survivors.iter().map(String::as_str).eq(NOT_PROVED.iter().copied()),
        "the list of what is not proved changed"
    );
    let few = changed.mutants;

    // The golden record is faultless. All other kinds of entry stand in a record of a ceremony in which much went
    // wrong.
    let plan = troubled::plan();
    let survivors = changed.survivors(plan.as_bytes(), &troubled::TRANSCRIPT);
    let entries = read(&troubled::TRANSCRIPT).unwrap().entries;
    let survivors: BTreeSet<String> =
        survivors.iter().map(|(at, path)| format!("{}{path}", variant(&entries[*at].event))).collect();
    println!(
        "figure: {} kinds of entry, {few} and {} mutants, {} of them no entry any more",
        changed.kinds.len(),
        changed.mutants - few,
        changed.unreadable
    );
    println!("{} named as not proved: {survivors:#?}", survivors.len());
    assert!(
        survivors.iter().map(String::as_str).eq(NOT_PROVED_OF_TROUBLE.iter().copied()),
        "the list of what is not proved changed"
    );

    for name in [fields::<Entry>(), fields::<Began>(), fields::<TokenSeen>(), fields::<Failure>()].concat() {
        assert!(changed.fields.contains(name) || ["seq", "prev"].contains(&name), "{name} was never changed");
    }
}

/// The name of a variant.
fn variant(value: &impl core::fmt::Debug) -> String {
    format!("{value:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap().to_owned()
}

/// Every variant of a type is among these, but for those no record has.
#[track_caller]
fn all<T: DeserializeOwned + core::fmt::Debug>(seen: impl IntoIterator<Item = T>, but: &[&str]) {
    let seen: BTreeSet<String> = seen.into_iter().map(|value| variant(&value)).collect();
    let wanted = variants::<T>().iter().filter(|name| !but.contains(name)).map(|name| (*name).to_owned());
    assert_eq!(seen, wanted.collect());
}

#[test]
fn the_two_records_hold_every_kind_of_thing_a_record_can_hold() {
    let mut entries = golden::transcript().entries;
    entries.extend(read(&troubled::TRANSCRIPT).unwrap().entries);
    let events = || entries.iter().map(|entry| entry.event.clone());
    let answers = || {
        events().filter_map(|event| match event {
            Event::Said(_, answer) | Event::Done(answer) => Some(answer),
            _ => None,
        })
    };
    let outcomes =
        || events().filter_map(|event| if let Event::Came { outcome, .. } = event { Some(outcome) } else { None });
    let acts = || entries.iter().flat_map(|entry| entry.acts.clone());
    let slots = || {
        let of_acts = acts().filter_map(|act| match act {
            Act::Make(slot) | Act::Reveal(slot) | Act::Wipe(Some(slot)) => Some(slot),
            _ => None,
        });
        of_acts.chain(answers().filter_map(|answer| if let Answer::Typed(slot) = answer { Some(slot) } else { None }))
    };
    all::<Event>(events(), &[]);
    all::<Looked>(
        events().filter_map(|event| if let Event::Looked(looked) = event { Some(looked) } else { None }),
        &[],
    );
    all::<Answer>(answers(), &[]);
    all::<Outcome>(outcomes(), &[]);
    all::<Next>(
        outcomes().filter_map(|outcome| if let Outcome::Failed(why) = outcome { Some(why.next) } else { None }),
        &[],
    );
    // No step switches off: people do, when the record is closed.
    all::<Act>(acts(), &["PowerOff"]);
    all::<Slot>(slots(), &[]);
    all::<Which>(slots().filter_map(|slot| if let Slot::Pin(_, which) = slot { Some(which) } else { None }), &[]);
    all::<Item>(acts().filter_map(|act| if let Act::Write(_, item) = act { Some(item) } else { None }), &[]);
    all::<Signs>(acts().filter_map(|act| if let Act::Sign(.., signs) = act { Some(signs) } else { None }), &[]);
    all::<Device>(
        answers().filter_map(|answer| match answer {
            Answer::Inserted(device) | Answer::Removed(device) => Some(device),
            _ => None,
        }),
        &[],
    );
}
