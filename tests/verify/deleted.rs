//! The checks of the step code, deleted one by one: the record that a step without the check would have written,
//! chained again, and the rule that refuses it.

use conclave_ceremony::act::{Act, Item, Signs, Slot};
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event, Failure, Looked, Next, Outcome};
use conclave_ceremony::ids::{Device, DriveId, KeyIx, PersonId, ShareId, TokenId};
use conclave_ceremony::public::{Bytes, Octets};
use conclave_ceremony::script::{StepKind, Which};
use conclave_ceremony::step::Unfit;
use conclave_ceremony::transcript;
use conclave_tests::ceremony::{chained, interrupted};

use super::every;
use super::golden::{self, judged};
use super::rules::{came, foreign, intends, line, other_digest, other_kcv, outcome, said};

const MASTER: TokenId = TokenId(0);
const BACKUP: TokenId = TokenId(1);
const GENERATE: Act = Act::Generate(MASTER, KeyIx(0));
const SHARE: Item = Item::Share(ShareId(0), 1);
const BLOB: Item = Item::Blob(KeyIx(0), 1);

type Change = fn(&mut Vec<Entry>);

/// A check, the rule that refuses a record without it, and the record that is written without it.
struct Row(&'static str, &'static str, Change);

fn by(entries: &mut [Entry], at: usize, who: u16) {
    let Event::Said(person, _) = &mut entries[at].event else { panic!("entry {at}") };
    *person = PersonId(who);
}

fn insert(entries: &mut Vec<Entry>, at: usize, event: Event) {
    let entry = Entry { acts: Vec::new(), event, ..entries[at].clone() };
    entries.insert(at, entry);
}

fn place(entries: &[Entry], fits: impl Fn(&Event) -> bool) -> usize {
    entries.iter().position(|entry| fits(&entry.event)).unwrap()
}

/// The drive that an item is written to.
fn drive(entries: &[Entry], item: Item) -> DriveId {
    let write = |act: &Act| if let Act::Write(drive, one) = act { (*one == item).then_some(*drive) } else { None };
    entries.iter().flat_map(|entry| &entry.acts).find_map(write).unwrap()
}

/// The entry that an event that does not fit would have become. Exhaustive: a new refusal has its rows.
fn refusals(unfit: &Unfit) -> &'static [Row] {
    match unfit {
        Unfit::SamePerson => &[
            Row("one person agrees twice", "authorised", |entries| {
                let at = intends(entries, Act::Prove(MASTER));
                by(entries, at, 0);
            }),
            Row("one person decides twice that a step is done again", "again", |entries| again(entries, 0, 0)),
        ],
        Unfit::Person => &[
            Row("somebody of another role agrees", "authorised", |entries| {
                let at = intends(entries, Act::Prove(MASTER));
                by(entries, at, 2);
            }),
            Row("somebody who is not signed in agrees", "people", |entries| {
                let at = place(entries, |event| matches!(event, Event::Said(..)));
                entries.remove(at);
            }),
            Row("a secret is typed by who does not keep it", "people", |entries| {
                let at = said(entries, &Answer::Typed(Slot::Passphrase(ShareId(0))));
                by(entries, at, 3);
            }),
            Row("who is nobody's alternate comes for somebody", "people", |entries| {
                let at = place(entries, |event| matches!(event, Event::Said(..)));
                entries[at].event = Event::Said(
                    PersonId(1),
                    Answer::Absent { by: None, whose: PersonId(0), document: line("passport") },
                );
            }),
            Row("somebody attests in another's place", "people", |entries| {
                let at = said(entries, &Answer::Attests);
                by(entries, at, 0);
            }),
            Row("somebody who is not there objects", "people", |entries| {
                let at = said(entries, &Answer::NoObjection);
                insert(entries, at, Event::Said(PersonId(99), Answer::Objects(line("no"))));
            }),
            Row("a step is done again by others than operator and witness", "again", |entries| again(entries, 1, 0)),
        ],
        Unfit::BagNumber => &[
            Row("a bag is sealed that the plan does not name", "bags", |entries| {
                let at = place(entries, |event| matches!(event, Event::Done(Answer::BagNumber { .. })));
                let Event::Done(Answer::BagNumber { number, .. }) = &mut entries[at].event else { panic!() };
                *number = line("2000009");
            }),
            Row("two bags change places", "bags", |entries| {
                let at = place(entries, |event| matches!(event, Event::Done(Answer::BagNumber { .. })));
                let Event::Done(Answer::BagNumber { bag, number }) = entries[at].event.clone() else { panic!() };
                let by = (PersonId(0), PersonId(1));
                entries[at].event = Event::Done(Answer::OtherBag { by, bag, why: line("mixed up"), number });
            }),
        ],
        Unfit::Other => &[
            Row("something else is looked at", "order", |entries| {
                let at = place(entries, |event| matches!(event, Event::Looked(Looked::Medium { .. })));
                entries[at].event = Event::Looked(Looked::Clock { wall: entries[at].wall, mono: entries[at].mono });
            }),
            Row("another device is plugged in", "plugged-in", |entries| {
                let at = said(entries, &Answer::Inserted(Device::Token(BACKUP)));
                entries[at].event = Event::Done(Answer::Inserted(Device::Token(MASTER)));
            }),
            Row("a device the step does not name stays in", "plugged-in", |entries| {
                let at = place(entries, |event| matches!(event, Event::Done(Answer::Removed(Device::Token(_)))));
                entries.remove(at);
            }),
            Row("a secret is not asked for", "secrets", |entries| {
                let at = said(entries, &Answer::Typed(Slot::Passphrase(ShareId(0))));
                entries.remove(at);
            }),
            Row("an outcome of another act is taken", "acts", |entries| {
                let at = came(entries, GENERATE);
                let Event::Came { act, .. } = &mut entries[at].event else { panic!() };
                *act = Act::Generate(BACKUP, KeyIx(0));
            }),
            Row("something happens while acts are under way", "acts", |entries| {
                let at = came(entries, GENERATE);
                insert(entries, at, Event::Done(Answer::Go));
            }),
            Row("something follows the last entry", "close", |entries| {
                let last = entries[entries.len() - 1].clone();
                entries.push(Entry { event: Event::Done(Answer::NoObjection), ..last });
            }),
            Row("a step is passed over", "order", |entries| {
                let step = entries[came(entries, Act::Show)].step;
                entries.retain(|entry| entry.step != step);
            }),
            Row("the ceremony goes on from another head", "interruption", |entries| {
                let cut = interrupted(2, Octets([0; 32]), &entries[61]);
                insert(entries, 61, cut);
                entries[61..].iter_mut().for_each(|entry| entry.boot = 2);
            }),
        ],
    }
}

fn again(entries: &mut Vec<Entry>, one: u16, other: u16) {
    let step = entries[61].step;
    insert(entries, 61, Event::Again { by: (PersonId(one), PersonId(other)), why: line("to be sure"), step });
}

/// The power fails before the entry that intends an act, and everybody signs in again.
fn power_fails(entries: &mut Vec<Entry>, before: Act) {
    let at = intends(entries, before);
    let came = |entry: &&Entry| matches!(entry.event, Event::Said(_, Answer::SignedIn { .. }));
    let back: Vec<Event> = entries[..at].iter().filter(came).map(|entry| entry.event.clone()).collect();
    back.into_iter().rev().for_each(|event| insert(entries, at, event));
    let cut = interrupted(2, Octets([0; 32]), &entries[at]);
    insert(entries, at, cut);
    entries[at..].iter_mut().for_each(|entry| entry.boot = 2);
}

/// The outcomes that `judge.rs` would have let through. Kept by hand beside `judge.rs`: a comparison added there gets
/// its row.
const JUDGED: &[Row] = &[
    Row("a failure is no failure", "order", |entries| {
        let failure = Failure { next: Next::Halt, words: line("another token") };
        *outcome(entries, Act::Prove(MASTER)) = Outcome::Failed(failure);
    }),
    Row("a log drive got another plan", "logs", |entries| {
        other_digest(outcome(entries, Act::Write(DriveId(0), Item::Plan)))
    }),
    Row("another share file was written than was sealed", "shares", |entries| {
        let drive = drive(entries, SHARE);
        other_digest(outcome(entries, Act::Write(drive, SHARE)));
    }),
    Row("another share file was read than was written", "shares", |entries| {
        let drive = drive(entries, SHARE);
        other_digest(outcome(entries, Act::Read(drive, SHARE)));
    }),
    Row("another blob was written than was wrapped", "blobs", |entries| {
        let drive = drive(entries, BLOB);
        other_digest(outcome(entries, Act::Write(drive, BLOB)));
    }),
    Row("another blob was read than was written", "blobs", |entries| {
        let drive = drive(entries, BLOB);
        other_digest(outcome(entries, Act::Read(drive, BLOB)));
    }),
    Row("a drive that is not empty is registered", "registered", |entries| {
        let at = intends(entries, Act::Identify(DriveId(2)));
        let Event::Came { outcome: Outcome::Drive { names, .. }, .. } = &mut entries[at + 1].event else { panic!() };
        names.push(line("setup.exe"));
    }),
    Row("a drive with a folder is registered", "registered", |entries| {
        let at = intends(entries, Act::Identify(DriveId(2)));
        let Event::Came { outcome: Outcome::Drive { others, .. }, .. } = &mut entries[at + 1].event else { panic!() };
        *others = 1;
    }),
    Row("a token of another serial", "certificates", |entries| {
        let Outcome::Token(seen) = outcome(entries, Act::Inspect(MASTER)) else { panic!() };
        seen.serial = line("DENK0000009");
    }),
    Row("a new token that holds something", "new", |entries| {
        let Outcome::Token(seen) = outcome(entries, Act::Inspect(MASTER)) else { panic!() };
        seen.objects.push(foreign());
    }),
    Row("a counterfeit's proof", "proofs", |entries| {
        let other = outcome(entries, Act::Prove(BACKUP)).clone();
        *outcome(entries, Act::Prove(MASTER)) = other;
    }),
    Row("another check value when combined", "check-value", |entries| {
        let combine = entries.iter().flat_map(|entry| &entry.acts).find(|act| matches!(act, Act::Combine(_)));
        let combine = *combine.unwrap();
        other_kcv(outcome(entries, combine));
    }),
    Row("another check value of a token", "check-value", |entries| other_kcv(outcome(entries, Act::Import(BACKUP)))),
    Row("a key that is no public key", "births", |entries| {
        let Outcome::Key { spki, .. } = outcome(entries, GENERATE) else { panic!() };
        *spki = Bytes::new(spki.get()[1..].to_vec()).unwrap();
    }),
    Row("a statement that does not verify", "statements", |entries| {
        let Outcome::Signature(signature) = outcome(entries, Act::Sign(BACKUP, KeyIx(0), Signs::Statement)) else {
            panic!()
        };
        let mut bytes = signature.get().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        *signature = Bytes::new(bytes).unwrap();
    }),
    Row("two keys appear while one is made", "one-key", |entries| {
        let at = came(entries, GENERATE) + 1;
        let Event::Came { outcome: Outcome::Objects(objects), .. } = &mut entries[at].event else { panic!() };
        objects.push(foreign());
    }),
    Row("a key disappears while one is made", "one-key", |entries| {
        let at = came(entries, GENERATE) - 1;
        let Event::Came { outcome: Outcome::Objects(objects), .. } = &mut entries[at].event else { panic!() };
        objects.push(foreign());
    }),
    Row("a copy holds what its master does not", "copies", |entries| {
        let Outcome::Objects(objects) = outcome(entries, Act::List(BACKUP)) else { panic!() };
        objects[0] = foreign();
    }),
    Row("a copy holds more than its master", "copies", |entries| {
        let Outcome::Objects(objects) = outcome(entries, Act::List(BACKUP)) else { panic!() };
        objects.push(objects[0].clone());
    }),
    Row("a token gets no shares", "import", |entries| {
        let import = Act::Import(BACKUP);
        let (at, outcome) = (intends(entries, import), came(entries, import));
        entries[at].acts.retain(|act| *act != import);
        entries.remove(outcome);
    }),
    Row("a PIN is not shown to its keeper", "acts", |entries| {
        let reveal = Act::Reveal(Slot::Pin(MASTER, Which::So));
        let (at, outcome) = (intends(entries, reveal), came(entries, reveal));
        entries[at].acts.retain(|act| *act != reveal);
        entries.remove(outcome);
    }),
    Row("a secret is kept after its last step", "acts", |entries| {
        let at = intends(entries, Act::Wipe(None));
        entries[at].acts.remove(0);
        entries.remove(at + 1);
    }),
    Row("an earlier boot's proof counts", "proved-since-plugged-in", |entries| {
        power_fails(entries, Act::Initialise(MASTER));
    }),
    Row("a sealed share outlives the power", "shares", |entries| {
        let drive = drive(entries, SHARE);
        power_fails(entries, Act::Write(drive, SHARE));
    }),
];

/// A step is done once more before the public bundle is published, in a boot of its own, as the step code never would.
fn once_more(entries: &mut Vec<Entry>, kind: StepKind) {
    let at = entries.iter().position(|entry| matches!(entry.step, StepKind::Publish(_))).unwrap();
    let later = entries.split_off(at);
    let head = transcript::read(&chained(entries.clone())).unwrap().head();
    let last = entries[at - 1].clone();
    let said = |event| Entry { step: kind, acts: Vec::new(), event, ..last.clone() };
    let came = |entry: &&Entry| matches!(entry.event, Event::Said(_, Answer::SignedIn { .. }));
    let back: Vec<Entry> = entries.iter().filter(came).map(|entry| said(entry.event.clone())).collect();
    let step: Vec<Entry> = entries.iter().filter(|entry| entry.step == kind).cloned().collect();
    entries.push(said(interrupted(2, head.into(), &last)));
    entries.extend(back.into_iter().chain(step).chain(later));
    for entry in &mut entries[at..] {
        (entry.boot, entry.wall, entry.mono) = (2, last.wall, last.mono);
    }
}

/// Deeds that take away an earlier step, where that step is not done again.
const UNDONE: &[Row] = &[
    Row("a token is initialised when it holds its keys", "stands", |entries| {
        once_more(entries, StepKind::Initialise(BACKUP));
    }),
    Row("other shares are made when the tokens have theirs", "stands", |entries| {
        once_more(entries, StepKind::MakeShares);
    }),
    Row("a token is erased when it holds its keys", "stands", |entries| once_more(entries, StepKind::Prove(MASTER))),
    Row("a key is made again when it was copied", "stands", |entries| {
        once_more(entries, StepKind::Generate(KeyIx(0)));
    }),
    Row("a key is wrapped again and restored from nowhere", "stands", |entries| {
        once_more(entries, StepKind::Wrap(KeyIx(0)));
    }),
    Row("a token with PINs of its own is erased by the published one", "model", |entries| {
        once_more(entries, StepKind::Prove(MASTER));
    }),
    Row("a token with another SO-PIN than the newest is initialised", "model", |entries| {
        once_more(entries, StepKind::Pin(BACKUP, Which::So));
        once_more(entries, StepKind::Initialise(BACKUP));
    }),
    Row("a copy is restored under a number that another key has", "model", |entries| {
        for kind in [StepKind::Generate(KeyIx(0)), StepKind::Wrap(KeyIx(0)), StepKind::Restore(BACKUP)] {
            once_more(entries, kind);
        }
    }),
    Row("a share is written again that is no longer in memory", "shares", |entries| {
        once_more(entries, StepKind::WriteShare(ShareId(0)));
    }),
    Row("a drive that has a share is registered as empty", "model", |entries| {
        once_more(entries, StepKind::Register(DriveId(2)));
    }),
    Row("a copy is restored again and compared with nothing", "stands", |entries| {
        once_more(entries, StepKind::Restore(BACKUP));
    }),
];

#[test]
pub(super) fn without_any_one_check_of_the_step_code_the_record_is_refused_by_the_rule_named() {
    let refused = [Unfit::Other, Unfit::Person, Unfit::SamePerson, Unfit::BagNumber];
    let rows = refused.iter().flat_map(refusals).chain(JUDGED).chain(UNDONE);
    let (mut seen, mut count) = (std::collections::BTreeSet::new(), 0);
    for Row(check, rule, change) in rows {
        assert!(seen.insert(check), "{check} stands twice");
        let mut entries = golden::transcript().entries;
        change(&mut entries);
        let account = judged(&chained(entries), &[]);
        assert!(account.refused.iter().any(|finding| finding.rule.name() == *rule), "{check}: {:?}", account.refused);
        every::refused_by(rule);
        count += 1;
    }
    println!("figure: {count} checks of the step code, each deleted, each missed");
}

#[test]
pub(super) fn an_outcome_that_no_such_act_gives_is_refused() {
    let entries = golden::transcript().entries;
    let mut seen = std::collections::BTreeSet::new();
    for (at, entry) in entries.iter().enumerate() {
        let Event::Came { act, .. } = &entry.event else { continue };
        if !seen.insert(format!("{act:?}").split('(').next().unwrap().to_owned()) {
            continue;
        }
        for other in [Outcome::Done, Outcome::Kcv(Octets([1; 8])), Outcome::Objects(Vec::new())] {
            let mut changed = entries.clone();
            let Event::Came { outcome, .. } = &mut changed[at].event else { panic!() };
            if std::mem::discriminant(outcome) == std::mem::discriminant(&other) {
                continue;
            }
            *outcome = other;
            let account = judged(&chained(changed), &[]);
            assert!(
                account.refused.iter().any(|finding| finding.rule.name() == "outcomes"),
                "{act:?}: {:?}",
                account.refused
            );
            every::refused_by("outcomes");
        }
    }
    assert!(seen.len() > 18, "{seen:?}");
}
