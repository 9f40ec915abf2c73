use ciborium::Value;

use super::*;
use crate::event::Source;
use crate::samples::{acts, answers, began, chained, events, looked, outcomes, text, written};
use crate::variants::{fields, variants};

fn sample() -> Vec<Entry> {
    chained(events())
}

/// The bytes of three entries.
fn three() -> Vec<u8> {
    written(&sample()[..3])
}

#[track_caller]
fn damaged(bytes: &[u8], at: usize, seq: u64, what: Wrong) {
    assert_eq!(read(bytes), Err(Damage { at, seq, what }));
}

#[track_caller]
fn no_entry(bytes: &[u8], reason: &str) {
    let Err(Damage { what: Wrong::NotAnEntry { reason: found }, .. }) = read(bytes) else {
        panic!("{:?}", read(bytes))
    };
    assert_eq!(found, reason);
}

/// `three()` with the last entry replaced.
fn last(replaced: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
    let two = written(&sample()[..2]).len();
    let all = three();
    [&all[..two], &replaced(all[two..].to_vec())].concat()
}

fn value(bytes: &[u8]) -> Value {
    ciborium::from_reader(bytes).unwrap()
}

fn bytes_of(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

/// The last entry, its map edited.
fn edited(edit: impl FnOnce(&mut Vec<(Value, Value)>)) -> Vec<u8> {
    last(|entry| {
        let mut value = value(&entry);
        edit(value.as_map_mut().unwrap());
        bytes_of(&value)
    })
}

#[test]
fn every_kind_of_entry_is_read_back() {
    let entries = sample();
    let bytes = written(&entries);
    let transcript = read(&bytes).unwrap();
    assert_eq!((transcript.entries.len(), transcript.len, transcript.torn), (entries.len(), bytes.len(), 0));
    assert_eq!(transcript.entries, entries);
    let last = &entries[entries.len() - 1];
    assert_eq!(transcript.head(), append(&last.prev.into(), last).unwrap().1);
    assert_eq!(read(b""), Ok(Transcript::default()));
}

#[test]
fn the_samples_have_every_variant() {
    fn all<T: serde::de::DeserializeOwned + serde::Serialize>(samples: &[T]) {
        let named = |sample: &T| match Value::serialized(sample).unwrap() {
            Value::Text(name) => name,
            Value::Map(map) => map[0].0.as_text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        let names: Vec<String> = samples.iter().map(named).collect();
        for variant in variants::<T>() {
            assert!(names.iter().any(|name| name == variant), "no sample of {variant}");
        }
    }
    all(&events());
    all(&looked());
    all(&answers());
    all(&outcomes());
    all(&acts());
}

#[test]
fn every_map_has_its_keys_in_canonical_order() {
    fn walk(value: &Value) {
        match value {
            Value::Map(map) => {
                let keys: Vec<Vec<u8>> = map.iter().map(|(key, _)| bytes_of(key)).collect();
                assert!(keys.is_sorted(), "{map:?}");
                map.iter().for_each(|(_, value)| walk(value));
            }
            Value::Array(items) => items.iter().for_each(walk),
            _ => {}
        }
    }
    sample().iter().for_each(|entry| walk(&value(&encode(entry))));
}

#[test]
fn the_fields_of_an_entry_are_those_of_the_document() {
    assert_eq!(fields::<Entry>(), ["seq", "acts", "boot", "mono", "prev", "step", "wall", "event"]);
}

#[test]
fn a_tail_cut_at_any_byte_is_torn_and_the_entries_before_it_stand() {
    let bytes = three();
    let two = written(&sample()[..2]).len();
    for cut in two + 1..bytes.len() {
        let transcript = read(&bytes[..cut]).unwrap();
        assert_eq!((transcript.entries.len(), transcript.len, transcript.torn), (2, two, cut - two), "{cut}");
        let zeros = [&bytes[..cut], &[0; 512]].concat();
        let transcript = read(&zeros).unwrap();
        assert_eq!((transcript.entries.len(), transcript.torn), (2, cut - two + 512), "{cut} and zeros");
    }
}

#[test]
fn a_tail_of_nothing_but_zeros_is_torn() {
    let transcript = read(&[three(), vec![0; 4096]].concat()).unwrap();
    assert_eq!((transcript.entries.len(), transcript.torn), (3, 4096));
    no_entry(&[three(), vec![0; ENTRY_LEN_MAX + 1]].concat(), "invalid type: integer `0`, expected map");
}

#[test]
fn damage_is_told_by_its_one_defect() {
    let two = written(&sample()[..2]).len();
    let head = read(&three()).unwrap().heads[1];
    // Entries.
    damaged(&last(|entry| [entry.clone(), entry].concat()), three().len(), 3, Wrong::Seq { found: 2 });
    damaged(&[written(&sample()[..1]), last(|e| e)[two..].to_vec()].concat(), two_of(1), 1, Wrong::Seq { found: 2 });
    damaged(&written(&sample()[1..3]), 0, 0, Wrong::Seq { found: 1 });
    let mut other = sample()[2].clone();
    other.prev = Octets([0xaa; 32]);
    let foreign = Wrong::Prev { expected: head, found: Digest::new([0xaa; 32]) };
    damaged(&last(|_| encode(&other)), two, 2, foreign);
    // Beginnings.
    let mut twice = sample()[2].clone();
    twice.event = Event::Began(Box::new(began()));
    damaged(&last(|_| encode(&twice)), two, 2, Wrong::Beginning);
    let mut none = sample()[0].clone();
    none.event = sample()[1].event.clone();
    damaged(&encode(&none), 0, 0, Wrong::Beginning);
    let mut format = sample()[0].clone();
    format.event = Event::Began(Box::new(crate::event::Began { format: 1, ..began() }));
    damaged(&encode(&format), 0, 0, Wrong::Format { found: 1 });
    // Length.
    let much = vec![0; TRANSCRIPT_LEN_MAX + 1];
    damaged(&much, 0, 0, Wrong::TooMuch { found: TRANSCRIPT_LEN_MAX + 1 });
}

/// Bytes of the first `n` entries.
fn two_of(n: usize) -> usize {
    written(&sample()[..n]).len()
}

#[test]
fn another_encoding_of_the_same_entry_is_refused() {
    let two = two_of(2);
    let other = |bytes: &[u8]| damaged(bytes, two, 2, Wrong::NotDeterministic);
    other(&edited(|map| map.swap(0, 1)));
    other(&edited(|map| map.push((Value::Text("use".to_owned()), Value::from(1)))));
    // a8 63 "seq" 02: the number in two bytes, the map of unknown length, a tag.
    other(&last(|entry| [&entry[..5], &[0x18, 0x02], &entry[6..]].concat()));
    other(&last(|entry| [b"\xbf", &entry[1..], b"\xff"].concat()));
    other(&last(|entry| [b"\xc1", &entry[..]].concat()));
}

#[test]
fn what_is_no_entry_is_refused_with_its_reason() {
    let set = |name: &str, to: Value| {
        edited(|map| map.iter_mut().find(|(key, _)| key.as_text() == Some(name)).unwrap().1 = to)
    };
    let event = |variant: &str, value: Value| Value::Map(vec![(Value::Text(variant.to_owned()), value)]);
    no_entry(&edited(|map| drop(map.remove(0))), "missing field `seq`");
    no_entry(&edited(|map| map.push(map[0].clone())), "duplicate field `seq`");
    no_entry(&set("seq", Value::from(-1)), "unexpected negative integer");
    no_entry(&set("boot", Value::from(65_536)), "invalid value: integer `65536`, expected u16");
    no_entry(&set("prev", Value::Bytes(vec![0; 31])), "invalid length 31, expected a byte array of length 32");
    no_entry(&set("prev", Value::Bytes(vec![0; 33])), "invalid length 33, expected a byte array of length 32");
    no_entry(&set("prev", Value::Text("00".repeat(16))), "invalid type: string, expected bytes");
    no_entry(&set("mono", Value::Float(1.0)), "invalid type: floating point `1.0`, expected integer");
    no_entry(&set("acts", Value::Array(vec![Value::Text("Reboot".to_owned())])), &unknown::<crate::act::Act>("Reboot"));
    no_entry(&set("event", event("Told", Value::Null)), &unknown::<Event>("Told"));
    let source = |words: &str| {
        let medium = Value::Map(vec![(Value::Text("source".to_owned()), Value::Text(words.to_owned()))]);
        set("event", event("Looked", event("Medium", medium)))
    };
    assert!(read(&source("Paper")).is_ok());
    no_entry(&source("paper"), &unknown::<Source>("paper"));
    let document = |words: &str| {
        let signed_in = Value::Map(vec![(Value::Text("document".to_owned()), Value::Text(words.to_owned()))]);
        set("event", event("Done", event("SignedIn", signed_in)))
    };
    assert!(read(&document("passport")).is_ok());
    no_entry(&document(""), "expected 1 to 400 bytes of text, found 0");
    no_entry(&document(&"x".repeat(401)), "expected 1 to 400 bytes of text, found 401");
    no_entry(&document("a\nb"), "U+000A at byte 1 cannot be written down: leave it out");
    no_entry(&document("a\u{202e}b"), "U+202E at byte 1 cannot be written down: leave it out");
    no_entry(
        &edited(|map| map.push((Value::from(1), Value::Null))),
        "invalid type: integer `1`, expected str or bytes",
    );
    let in_pieces = last(|entry| [&entry[..1], b"\x7f\x61s\x62eq\xff", &entry[5..]].concat());
    no_entry(&in_pieces, "invalid type: string, expected str or bytes");
    let values = |entry: Vec<u8>| value(&entry).into_map().unwrap().into_iter().map(|(_, value)| value).collect();
    no_entry(&last(|entry| bytes_of(&Value::Array(values(entry)))), "invalid type: sequence, expected map");
    no_entry(b"\x1c", "no CBOR from byte 0 of it on");
    let deep: Vec<u8> = [vec![0xa1, 0x61, b'x'], vec![0x81; 100], vec![0]].concat();
    no_entry(&deep, "nested too deeply");
    // A length nobody can have: nothing is allocated for it, and it is too much for a torn tail.
    let long = last(|_| [b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(), vec![b'x'; ENTRY_LEN_MAX]].concat());
    no_entry(&long, "invalid type: string, expected map");
}

fn unknown<T: serde::de::DeserializeOwned>(found: &str) -> String {
    let names: Vec<String> = variants::<T>().iter().map(|name| format!("`{name}`")).collect();
    format!("unknown variant `{found}`, expected one of {}", names.join(", ")).chars().take(REASON_LEN_MAX).collect()
}

#[test]
fn a_changed_byte_in_an_entry_before_the_last_is_never_taken() {
    let bytes = three();
    let two = two_of(2);
    for at in 0..two {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let read = read(&changed);
        assert!(read.as_ref().is_err() || read.as_ref().is_ok_and(|read| read.torn > 0), "byte {at}: {read:?}");
    }
}

#[test]
fn an_entry_is_appended_to_its_own_head_only() {
    let entries = sample();
    assert_eq!(append(&GENESIS, &entries[0]).unwrap().1, entries[1].prev.into());
    let other = Digest::of(b"other");
    let found = entries[1].prev.into();
    assert_eq!(append(&other, &entries[1]), Err(AppendError::Head { expected: other, found }));
}

#[test]
fn an_entry_nobody_could_read_is_not_written() {
    let mut entry = sample()[1].clone();
    entry.acts.clear();
    let lines = |n| {
        let machine = vec![text(&"x".repeat(400)); n];
        Event::Looked(crate::event::Looked::AirGap { weak: Vec::new(), absent: 30, machine, hardware: Vec::new() })
    };
    entry.event = lines(324);
    let (bytes, _) = append(&entry.prev.into(), &entry).unwrap();
    assert!(bytes.len() > ENTRY_LEN_MAX - 403, "the longest");
    assert!(decode(&bytes).is_ok());
    entry.event = lines(325);
    let found = bytes.len() + 403;
    assert_eq!(append(&entry.prev.into(), &entry), Err(AppendError::Length { found }));
}

/// Names between braces or quotes, and fields, of the document.
const CDDL: &str = include_str!("../../../../docs/transcript.cddl");

#[test]
fn the_document_names_every_variant_and_field() {
    use crate::{act, event, ids, script, seen};
    let lines = CDDL.lines().map(|line| line.split(';').next().unwrap_or_default());
    let names = lines.collect::<Vec<_>>().join("\n");
    let words: std::collections::BTreeSet<&str> =
        names.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect();
    let enums = [
        variants::<Event>(),
        variants::<event::Looked>(),
        variants::<Source>(),
        variants::<event::Answer>(),
        variants::<event::Outcome>(),
        variants::<event::Way>(),
        variants::<event::Next>(),
        variants::<act::Act>(),
        variants::<act::Slot>(),
        variants::<act::Item>(),
        variants::<act::Signs>(),
        variants::<ids::Device>(),
        variants::<script::Which>(),
        variants::<script::Roles>(),
        variants::<script::StepKind>(),
        variants::<crate::plan::Role>(),
        fields::<Entry>(),
        fields::<event::Began>(),
        fields::<script::Step>(),
        fields::<seen::TokenSeen>(),
        fields::<seen::Shares>(),
        fields::<seen::KeySeen>(),
        variants::<seen::PinSeen>(),
        variants::<seen::DomainSeen>(),
        variants::<seen::Object>(),
        variants::<seen::Stored>(),
        variants::<seen::Description>(),
        variants::<seen::Family>(),
        fields::<event::Failure>(),
    ];
    for name in enums.iter().copied().flatten() {
        assert!(words.contains(name), "docs/transcript.cddl does not name {name}");
    }
    // The other way round: it names nothing that is not there.
    let capital = words.iter().filter(|word| word.starts_with(char::is_uppercase));
    for word in capital {
        assert!(
            enums.iter().any(|names| names.contains(word)),
            "docs/transcript.cddl names {word}, which is not there"
        );
    }
}
