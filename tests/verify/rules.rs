//! Each rule, broken by itself in the golden transcript and named for it. The chain is hashed again, so other rules
//! speak, too: this rule must be among them.

use std::collections::BTreeSet;

use conclave_ceremony::act::{Act, Item, Slot};
use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event, Failure, Next, Outcome};
use conclave_ceremony::ids::{Device, DriveId, KeyIx, PersonId, ShareId, TokenId};
use conclave_ceremony::plan::Role;
use conclave_ceremony::public::{Bytes, Octets, Text};
use conclave_ceremony::script::{Roles, Step, StepKind, Which};
use conclave_ceremony::seen::{Object, Stored};
use conclave_ceremony::verify::{Account, Finding};
use conclave_tests::ceremony::{chained, interrupted};

use super::golden::{self, judged};
use super::{named, refused_by};

const MASTER: TokenId = TokenId(0);
const BACKUP: TokenId = TokenId(1);

#[track_caller]
pub(super) fn breaks(rule: &str, change: impl FnOnce(&mut Vec<Entry>)) {
    let mut entries = golden::transcript().entries;
    change(&mut entries);
    refused_by(&judged(&chained(entries), &[]), rule);
}

/// The place of the outcome of an act.
pub(super) fn came(entries: &[Entry], wanted: Act) -> usize {
    let place = entries.iter().rposition(|entry| matches!(&entry.event, Event::Came { act, .. } if *act == wanted));
    place.unwrap_or_else(|| panic!("{wanted:?}"))
}

pub(super) fn outcome(entries: &mut [Entry], wanted: Act) -> &mut Outcome {
    let at = came(entries, wanted);
    let Event::Came { outcome, .. } = &mut entries[at].event else { panic!("an outcome") };
    outcome
}

/// The place of an answer.
pub(super) fn said(entries: &[Entry], wanted: &Answer) -> usize {
    let answer = |entry: &Entry| match &entry.event {
        Event::Said(_, answer) | Event::Done(answer) => answer == wanted,
        _ => false,
    };
    entries.iter().position(answer).unwrap_or_else(|| panic!("{wanted:?}"))
}

/// The place of the first entry that intends an act.
pub(super) fn intends(entries: &[Entry], wanted: Act) -> usize {
    entries.iter().position(|entry| entry.acts.contains(&wanted)).unwrap_or_else(|| panic!("{wanted:?}"))
}

pub(super) fn other_digest(outcome: &mut Outcome) {
    let Outcome::File { digest, .. } = outcome else { panic!("{outcome:?}") };
    digest.0[0] ^= 1;
}

pub(super) fn other_kcv(outcome: &mut Outcome) {
    let Outcome::Kcv(kcv) = outcome else { panic!("{outcome:?}") };
    kcv.0[0] ^= 1;
}

pub(super) fn line(words: &str) -> Text {
    Text::new(words).unwrap()
}

/// An object that no step puts on a token.
pub(super) fn foreign() -> Object {
    Object::File { file: 0xcf00, content: None }
}

#[test]
pub(super) fn order() {
    breaks("order", |entries| entries[21].step = StepKind::Keyboard);
    breaks("order", |entries| entries[21].step = StepKind::Log(DriveId(99)));
    // A whole step is left out: showing the public digests.
    breaks("order", |entries| {
        let shown = came(entries, Act::Show);
        let step = entries[shown].step;
        entries.retain(|entry| entry.step != step);
    });
}

#[test]
pub(super) fn script() {
    let promises = |change: &dyn Fn(&mut Vec<Step>)| {
        breaks("script", |entries| {
            let Event::Promised(script) = &mut entries[1].event else { panic!("entry 1 promises") };
            change(&mut script.steps);
        });
    };
    let kind = |kind| move |step: &Step| step.kind == kind;
    let at = |steps: &[Step], wanted| steps.iter().position(kind(wanted)).unwrap();
    promises(&|steps| drop(steps.remove(at(steps, StepKind::Objections))));
    promises(&|steps| drop(steps.remove(at(steps, StepKind::Attest(PersonId(1))))));
    promises(&|steps| steps.push(steps[4].clone()));
    promises(&|steps| {
        let of = at(steps, StepKind::Prove(MASTER));
        steps[of].roles = Roles::One(Role::Operator);
    });
    promises(&|steps| {
        let of = at(steps, StepKind::OpenShare(ShareId(0)));
        steps[of].roles = Roles::Person(PersonId(0));
    });
    promises(&|steps| {
        let more = Step { kind: StepKind::Publish(DriveId(2)), ..steps[0].clone() };
        steps.insert(5, more);
    });
}

#[test]
fn a_script_that_does_without_the_device_of_an_act_is_refused() {
    let wanted = StepKind::TryPin(MASTER);
    breaks("plugged-in", |entries| {
        let Event::Promised(script) = &mut entries[1].event else { panic!("entry 1 promises") };
        for step in &mut script.steps {
            if step.kind == wanted {
                step.devices.retain(|device| *device != Device::Token(MASTER));
            }
        }
        let takes = |event: &Event, device| *event == Event::Done(Answer::Inserted(device));
        entries.retain(|entry| entry.step != wanted || !takes(&entry.event, Device::Token(MASTER)));
    });
}

#[test]
fn a_script_in_another_order_is_as_good_and_one_in_which_a_step_rests_on_a_later_one_is_refused() {
    let entries = golden::transcript().entries;
    let swapped = |one: StepKind, other: StepKind| {
        let mut entries = entries.clone();
        let Event::Promised(script) = &mut entries[1].event else { panic!("entry 1 promises") };
        let place = |wanted| script.steps.iter().position(|step| step.kind == wanted).unwrap();
        let (from, to) = (place(one), place(other));
        script.steps.swap(from, to);
        let of = |entry: &Entry| [one, other].contains(&entry.step);
        let first = entries.iter().position(of).unwrap();
        let (moved, rest): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(of);
        let (ones, others): (Vec<Entry>, Vec<Entry>) = moved.into_iter().partition(|entry| entry.step == one);
        let mut entries = rest;
        let clocks = entries[first - 1].clone();
        for (at, entry) in (first..).zip(others.into_iter().chain(ones)) {
            entries.insert(at, Entry { wall: clocks.wall, mono: clocks.mono, ..entry });
        }
        judged(&chained(entries), &[])
    };
    let refused =
        |account: &Account| account.refused.iter().map(|finding| finding.rule.name()).collect::<BTreeSet<_>>();
    // Neither rests on the other: the order of attestations is a matter of the script. Only proofs bound to heads fail, since the
    // heads are others from entry 1 on.
    let account = swapped(StepKind::Attest(PersonId(1)), StepKind::Attest(PersonId(2)));
    let bound = BTreeSet::from(["births", "profile", "proofs", "statements"]);
    assert_eq!(refused(&account), bound, "{:?}", account.refused);
    let account = swapped(StepKind::Objections, StepKind::State(MASTER));
    assert!(refused(&account).contains("stands"), "{:?}", account.refused);
    super::every::refused_by("stands");
}

#[test]
pub(super) fn people() {
    let speaks = |at: usize, who: u16| {
        move |entries: &mut Vec<Entry>| {
            let Event::Said(person, _) = &mut entries[at].event else { panic!("entry {at}") };
            *person = PersonId(who);
        }
    };
    let entries = golden::transcript().entries;
    let typed = said(&entries, &Answer::Typed(Slot::Passphrase(ShareId(0))));
    let attests = said(&entries, &Answer::Attests);
    let prove = intends(&entries, Act::Prove(MASTER));
    breaks("people", speaks(prove, 99));
    breaks("people", speaks(typed, 3));
    breaks("people", speaks(attests, 0));
    let signed_in = entries.iter().position(|entry| matches!(entry.event, Event::Said(..))).unwrap();
    breaks("people", speaks(signed_in, 1));
    breaks("people", |entries| drop(entries.remove(signed_in)));
    breaks("people", |entries| entries[typed].event = Event::Done(Answer::Typed(Slot::Passphrase(ShareId(0)))));
    let bag = entries.iter().position(|entry| matches!(entry.event, Event::Done(Answer::BagNumber { .. }))).unwrap();
    breaks("people", |entries| entries.insert(bag, entries[bag].clone()));
    breaks("people", |entries| {
        let absent = Answer::Absent { by: None, whose: PersonId(0), document: line("passport") };
        entries[bag].event = Event::Said(PersonId(1), absent);
    });
}

#[test]
fn a_sign_in_that_no_person_could_confirm_stands_against_the_record() {
    let mut entries = golden::transcript().entries;
    let at = entries.iter().position(|entry| entry.step == StepKind::SignIn(PersonId(1))).unwrap();
    let operator = PersonId(0);
    let dead = [5, 10, 15].map(|times| Event::Mistyped { times, whose: operator });
    let back = Event::Said(operator, Answer::SignedIn { by: None, document: line("passport") });
    let before = entries[at].clone();
    let events = dead.into_iter().chain([back]).map(|event| Entry { event, ..before.clone() });
    entries.splice(at..at, events);
    let account = judged(&chained(entries), &[]);
    assert!(account.refused.iter().all(|finding| !["codes", "people", "order"].contains(&finding.rule.name())));
    let against = account.against.iter().map(|finding| finding.words.as_str()).collect::<Vec<_>>();
    let words = "operator signed in after a dead code, and there was no person of another role to confirm it";
    assert_eq!(against, [words]);
}

#[test]
pub(super) fn authorised() {
    let entries = golden::transcript().entries;
    let prove = intends(&entries, Act::Prove(MASTER));
    let by = |who: u16| move |entries: &mut Vec<Entry>| entries[prove].event = Event::Said(PersonId(who), Answer::Go);
    // The operator twice; a custodian for the witness; no person.
    breaks("authorised", by(0));
    breaks("authorised", by(2));
    breaks("authorised", |entries| entries[prove].event = Event::Done(Answer::Go));
    // One of two roles alone.
    breaks("authorised", |entries| drop(entries.remove(prove - 1)));
}

#[test]
pub(super) fn acts() {
    breaks("acts", |entries| {
        let at = intends(entries, Act::Prove(MASTER));
        entries[at].acts.push(Act::Show);
    });
    breaks("acts", |entries| {
        let at = intends(entries, Act::Wipe(None));
        entries[at].acts.remove(0);
    });
    breaks("acts", |entries| {
        let at = came(entries, Act::Inspect(MASTER));
        entries.insert(at, entries[at].clone());
    });
    breaks("attempts", |entries| {
        let (old, new) = (Item::Blob(KeyIx(0), 1), Item::Blob(KeyIx(0), 2));
        for entry in entries {
            let renumber = |act: &mut Act| match act {
                Act::Write(_, item) if *item == old => *item = new,
                _ => {}
            };
            entry.acts.iter_mut().for_each(renumber);
            if let Event::Came { act, .. } = &mut entry.event {
                renumber(act);
            }
        }
    });
}

#[test]
pub(super) fn plugged_in() {
    let inserted = |device| said(&golden::transcript().entries, &Answer::Inserted(device));
    breaks("plugged-in", |entries| drop(entries.remove(inserted(Device::Token(BACKUP)))));
    breaks("plugged-in", |entries| {
        entries[inserted(Device::Token(BACKUP))].event = Event::Done(Answer::Inserted(Device::Token(MASTER)));
    });
    breaks("plugged-in", |entries| {
        entries[inserted(Device::Token(MASTER))].event = Event::Done(Answer::Removed(Device::Token(MASTER)));
    });
}

#[test]
pub(super) fn times() {
    breaks("times", |entries| entries[100].mono = 0);
    breaks("times", |entries| entries[100].wall = entries[99].wall - 1);
    breaks("times", |entries| entries[170].wall += 20 * 365 * 86_400);
    breaks("times", |entries| entries[100].boot = 2);
    // No person sets a clock that was compared, and no clock goes on that far alone.
    breaks("times", |entries| entries[100..].iter_mut().for_each(|entry| entry.wall += 6 * 60));
    breaks("times", |entries| entries[100..].iter_mut().for_each(|entry| entry.mono += 6 * 60_000));
    breaks("times", |entries| entries[100..].iter_mut().for_each(|entry| entry.mono += u64::MAX / 2));
    let mut later = golden::transcript().entries;
    later[100..].iter_mut().for_each(|entry| (entry.wall, entry.mono) = (entry.wall + 7_200, entry.mono + 7_000_000));
    assert!(
        !named(&judged(&chained(later), &[]).refused).contains(&"times"),
        "a clock that was 200 s wrong in two hours"
    );
}

#[test]
pub(super) fn tokens() {
    breaks("certificates", |entries| {
        let Outcome::Token(other) = outcome(entries, Act::Inspect(BACKUP)).clone() else { panic!("a token") };
        let Outcome::Token(seen) = outcome(entries, Act::Inspect(MASTER)) else { panic!("a token") };
        seen.certificates = other.certificates;
    });
    breaks("certificates", |entries| {
        let Outcome::Token(seen) = outcome(entries, Act::Inspect(MASTER)) else { panic!("a token") };
        seen.serial = line("DENK0000009");
    });
    breaks("proofs", |entries| {
        let other = outcome(entries, Act::Prove(BACKUP)).clone();
        *outcome(entries, Act::Prove(MASTER)) = other;
    });
    // An attestation of its own, but an earlier one.
    breaks("proofs", |entries| {
        let earlier = outcome(entries, Act::Prove(BACKUP)).clone();
        *outcome(entries, Act::ProveAgain(BACKUP)) = earlier;
    });
    // A PIN goes to a token before its proof, which had not refused to authenticate its chip.
    breaks("burnt-pin", |entries| {
        let at = intends(entries, Act::TryPin(MASTER));
        entries[at].acts.insert(0, Act::ProveBeside(MASTER));
    });
    // The power failed, and the tokens were not asked to prove themselves again.
    breaks("proved-since-plugged-in", |entries| {
        let at = intends(entries, Act::Initialise(MASTER));
        let mut cut = entries[at].clone();
        (cut.acts, cut.boot) = (Vec::new(), 2);
        cut.event = interrupted(2, Octets([0; 32]), &cut);
        entries[at..].iter_mut().for_each(|entry| entry.boot = 2);
        entries.insert(at, cut);
    });
}

#[test]
pub(super) fn keys() {
    let generate = Act::Generate(MASTER, KeyIx(0));
    breaks("births", |entries| {
        let Outcome::Proof { evidence, .. } = outcome(entries, Act::Prove(MASTER)).clone() else { panic!("a proof") };
        let Outcome::Key { attestation, .. } = outcome(entries, generate) else { panic!("a key") };
        *attestation = evidence;
    });
    breaks("births", |entries| {
        let Outcome::Key { spki, .. } = outcome(entries, generate) else { panic!("a key") };
        *spki = Bytes::new(spki.get()[1..].to_vec()).unwrap();
    });
    breaks("profile", |entries| {
        let sign = Act::Sign(MASTER, KeyIx(0), conclave_ceremony::act::Signs::Certificate);
        let Outcome::Certificate(der) = outcome(entries, sign) else { panic!("a certificate") };
        let mut bytes = der.get().to_vec();
        bytes[100] ^= 1;
        *der = Bytes::new(bytes).unwrap();
    });
    breaks("one-key", |entries| {
        let at = came(entries, generate) + 1;
        let Event::Came { outcome: Outcome::Objects(objects), .. } = &mut entries[at].event else { panic!("a list") };
        objects.push(foreign());
    });
    // One key altogether for another, in every list: the lists agree with each other, and not with the key that was made.
    breaks("objects", |entries| {
        for entry in entries {
            let Event::Came { outcome: Outcome::Objects(objects), .. } = &mut entry.event else { continue };
            for object in objects {
                let Object::Key(key) = object else { panic!("a key") };
                key.stored = match key.stored {
                    Stored::Certificate(_) => Stored::Certificate(Octets([9; 32])),
                    other => other,
                };
            }
        }
    });
    breaks("copies", |entries| {
        let Outcome::Objects(objects) = outcome(entries, Act::List(BACKUP)) else { panic!("a list") };
        objects[0] = foreign();
    });
    breaks("statements", |entries| {
        let sign = Act::Sign(BACKUP, KeyIx(0), conclave_ceremony::act::Signs::Statement);
        *outcome(entries, sign) = Outcome::Done;
    });
}

#[test]
pub(super) fn secrets() {
    breaks("check-value", |entries| other_kcv(outcome(entries, Act::Import(BACKUP))));
    breaks("check-value", |entries| other_kcv(outcome(entries, Act::MakeShares)));
    breaks("import", |entries| {
        let import = Act::Import(BACKUP);
        let (at, outcome) = (intends(entries, import), came(entries, import));
        entries[at].acts.retain(|act| *act != import);
        entries.remove(outcome);
    });
    let share = Item::Share(ShareId(0), 1);
    let drive = |item| {
        let entries = golden::transcript().entries;
        let write = |act: &Act| if let Act::Write(drive, one) = act { (*one == item).then_some(*drive) } else { None };
        entries.iter().flat_map(|entry| &entry.acts).find_map(write).unwrap()
    };
    breaks("shares", |entries| other_digest(outcome(entries, Act::Write(drive(share), share))));
    breaks("shares", |entries| other_digest(outcome(entries, Act::Read(drive(share), share))));
    breaks("shares", |entries| other_digest(outcome(entries, Act::Seal(ShareId(0)))));
    let blob = Item::Blob(KeyIx(0), 1);
    breaks("blobs", |entries| other_digest(outcome(entries, Act::Write(drive(blob), blob))));
    breaks("blobs", |entries| other_digest(outcome(entries, Act::Read(drive(blob), blob))));
    breaks("pins", |entries| {
        *outcome(entries, Act::Reveal(Slot::Pin(MASTER, Which::So))) = Outcome::Kcv(Octets([0; 8]))
    });
}

#[test]
pub(super) fn files() {
    breaks("bundle", |entries| other_digest(outcome(entries, Act::Write(DriveId(5), Item::Bundle))));
    breaks("logs", |entries| other_digest(outcome(entries, Act::Write(DriveId(0), Item::Plan))));
    breaks("logs", |entries| other_digest(outcome(entries, Act::Write(DriveId(1), Item::Names))));
    breaks("registered", |entries| {
        let registered = Act::Identify(DriveId(2));
        let at = entries.iter().position(|entry| matches!(&entry.event, Event::Came { act, .. } if *act == registered));
        let Event::Came { outcome: Outcome::Drive { names, .. }, .. } = &mut entries[at.unwrap()].event else {
            panic!("a drive")
        };
        names.push(line("setup.exe"));
    });
}

#[test]
pub(super) fn bags() {
    let entries = golden::transcript().entries;
    let at = entries.iter().position(|entry| matches!(entry.event, Event::Done(Answer::BagNumber { .. }))).unwrap();
    let Event::Done(Answer::BagNumber { bag, number: planned }) = entries[at].event.clone() else { panic!() };
    let other = |by, number| {
        let event = Event::Done(Answer::OtherBag { by, bag, why: line("it was torn"), number });
        move |entries: &mut Vec<Entry>| entries[at].event = event
    };
    let (operator, witness, custodian) = (PersonId(0), PersonId(1), PersonId(2));
    breaks("bags", |entries| {
        entries[at].event = Event::Done(Answer::BagNumber { bag, number: line("2000009") });
    });
    breaks("bags", other((operator, operator), line("2000009")));
    breaks("bags", other((operator, custodian), line("2000009")));
    breaks("bags", other((operator, witness), planned));
    // By two roles another number is a deviation; only the signatures and hashes after it no longer fit.
    let mut entries = golden::transcript().entries;
    other((operator, witness), line("2000009"))(&mut entries);
    let account = judged(&chained(entries), &[]);
    assert!(account.refused.iter().all(|finding| !["bags", "people", "order"].contains(&finding.rule.name())));
    let deviation = account.attested.iter().find(|finding| finding.rule.name() == "deviations").unwrap();
    assert!(deviation.words.contains("2000009; operator and witness decided so: it was torn"), "{deviation:?}");
}

#[test]
fn an_objection_is_listed_as_a_deviation() {
    let mut entries = golden::transcript().entries;
    let at = said(&entries, &Answer::NoObjection);
    let event = Event::Said(PersonId(1), Answer::Objects(line("the seal was torn")));
    entries.insert(at, Entry { event, ..entries[at].clone() });
    let account = judged(&chained(entries), &[]);
    let listed = |rule| account.attested.iter().filter(move |found| found.rule.name() == rule);
    assert!(listed("deviations").any(|found| found.words.contains("objected: the seal was torn")));
    assert!(!listed("answers").any(|found| found.words.contains("the seal was torn")));
}

#[test]
pub(super) fn deviations() {
    breaks("again", |entries| {
        let mut again = entries[60].clone();
        again.acts.clear();
        again.event = Event::Again { by: (PersonId(0), PersonId(1)), why: line("to be sure"), step: again.step };
        entries.insert(60, again);
    });
    breaks("again", |entries| {
        let mut again = entries[60].clone();
        again.acts.clear();
        again.event = Event::Again { by: (PersonId(0), PersonId(0)), why: line("to be sure"), step: again.step };
        entries.insert(60, again);
    });
    breaks("interruption", |entries| {
        let mut cut = entries[60].clone();
        (cut.acts, cut.boot) = (Vec::new(), 2);
        cut.event = interrupted(2, Octets([0; 32]), &cut);
        entries[60..].iter_mut().for_each(|entry| entry.boot = 2);
        entries.insert(60, cut);
    });
}

/// The golden record with this act failed where it was last done, and its step then done once more without a decision.
fn failed_and_again(act: Act) -> Vec<u8> {
    let mut entries = golden::transcript().entries;
    let at = came(&entries, act);
    let step = entries[at].step;
    let first = entries.iter().position(|entry| entry.step == step).unwrap();
    let again = entries[first..=at].to_vec();
    let next = Next::Again;
    entries[at].event =
        Event::Came { act, outcome: Outcome::Failed(Failure { next, words: line("the drive did not keep it") }) };
    entries.splice(at + 1..at + 1, again);
    chained(entries)
}

#[test]
fn a_step_is_done_again_without_a_decision_where_nobody_has_signed_in_and_nowhere_else() {
    let log = judged(&failed_and_again(Act::Write(DriveId(0), Item::Names)), &[]);
    let about = |finding: &&Finding| ["order", "plugged-in", "again", "acts"].contains(&finding.rule.name());
    assert_eq!(log.refused.iter().find(about), None);
    refused_by(&judged(&failed_and_again(Act::Identify(DriveId(2))), &[]), "order");
}
