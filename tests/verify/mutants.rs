//! Every field of every kind of entry, changed, and the chain hashed anew over it: refused, or named as not proved.

use std::collections::BTreeSet;

use ciborium::Value;
use conclave_ceremony::entry::Entry;
use conclave_ceremony::verify::Verdict;
use conclave_tests::ceremony::chained;

use super::golden::{self, judged};

/// Fields whose change no signature and no rule shows where nothing was signed after them, by step and field: what only the
/// heads of witnesses fix. Each stands in the lists of what is reported or attested, or is a time within the window.
const NOT_PROVED: &[&str] = &[
    "entry 154.mono",
    "entry 154.wall",
    "entry 155.mono",
    "entry 155.wall",
    "entry 156.mono",
    "entry 156.wall",
    "entry 157.mono",
    "entry 157.wall",
    "entry 158.mono",
    "entry 158.wall",
    "entry 159.event.Came.outcome.Drive.free",
    "entry 159.mono",
    "entry 159.wall",
    "entry 160.event.Came.outcome.File.digest",
    "entry 160.event.Came.outcome.File.len",
    "entry 160.mono",
    "entry 160.wall",
    "entry 161.mono",
    "entry 161.wall",
    "entry 162.mono",
    "entry 162.wall",
    "entry 163.mono",
    "entry 163.wall",
    "entry 164.event.Done.BagNumber.number",
    "entry 164.mono",
    "entry 164.wall",
    "entry 165.mono",
    "entry 165.wall",
    "entry 166.mono",
    "entry 166.wall",
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
            // Beginning, middle and end: length and signature of what stands in it.
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
                "Companion" => "Plan",
                "Bundle" => "Companion",
                "Done" => return Vec::new(),
                "MakeShares" => "Show",
                "Show" => "PowerOff",
                words => return one(Value::Text(format!("{words}x"))),
            };
            one(Value::Text(other.to_owned()))
        }
        Value::Bool(yes) => one(Value::Bool(!yes)),
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

/// What kind of entry this is: the names in its event and acts, without their values.
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

#[test]
fn every_field_of_every_kind_of_entry_is_fixed_or_named_as_not_proved() {
    let entries = golden::transcript().entries;
    let genuine = judged(golden::TRANSCRIPT, &[]);
    let head = golden::transcript().head();
    let (mut seen, mut mutants, mut unreadable) = (BTreeSet::new(), 0, 0);
    let mut survivors = BTreeSet::new();
    let signed = usize::try_from(genuine.signed.unwrap()).unwrap();
    for (at, entry) in entries.iter().enumerate() {
        let value = Value::serialized(entry).unwrap();
        if !seen.insert((kind(&value), at > signed)) {
            continue;
        }
        for Mutant { path, value } in changed(&value, "") {
            mutants += 1;
            // What is no entry any more, or another spelling of the same, is refused by the reader.
            let Some(changed) = value.deserialized::<Entry>().ok().filter(|changed| changed != entry) else {
                unreadable += 1;
                continue;
            };
            let mut all = entries.clone();
            all[at] = changed;
            let bytes = chained(all);
            let account = judged(&bytes, &[]);
            if account.verdict() == Verdict::Refused {
                continue;
            }
            // Nothing that is not so is called proved.
            assert_eq!(account.proved, genuine.proved, "entry {at}{path}");
            assert_eq!(judged(&bytes, &[head]).verdict(), Verdict::Refused, "entry {at}{path}, head given");
            survivors.insert(format!("entry {at}{path}"));
        }
    }
    println!("{} kinds of entry, {mutants} mutants, {unreadable} of them no entry any more", seen.len());
    println!("{} named as not proved: {survivors:#?}", survivors.len());
    assert!(
        survivors.iter().map(String::as_str).eq(NOT_PROVED.iter().copied()),
        "the list of what is not proved changed"
    );
}
