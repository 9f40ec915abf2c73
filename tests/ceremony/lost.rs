//! A log drive is lost with the power: a spare of the plan takes its place, and the lost one is not taken again.

use std::sync::{Arc, LazyLock};

use conclave_ceremony::entry::Entry;
use conclave_ceremony::event::{Answer, Event};
use conclave_ceremony::ids::{Device, DriveId, PersonId};
use conclave_ceremony::plan;
use conclave_ceremony::public::{Octets, Text};
use conclave_ceremony::transcript::{self, Transcript};
use conclave_ceremony::verify::{Account, Verdict, also};
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::{Begun, Start};
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::challenge::Challenged;
use conclave_publish::{Digest, FileName};
use conclave_sim::world::drives::Fault;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{Robot, copies};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, again, brought, chained, meets, on_stick, resumed, start};
use smartcard_hsm::cvc::Simulated;

use super::{MEMO, MINIMAL, account, verified};

type Played = Ceremony<World, Simulated>;

const A: DriveId = DriveId(0);
const B: DriveId = DriveId(1);
const PUBLIC: DriveId = DriveId(5);
const SPARE: DriveId = DriveId(6);
const SPARE_2: DriveId = DriveId(7);
const WITNESS: PersonId = PersonId(1);

/// The minimal plan with two spares for log drives.
static PLAN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let spare = |name: &str, volume: &str| {
        format!(
            "\n[[drive]]\nname = \"{name}\"\nserial = \"CONCLAVE-{name}\"\nsize = 67108864\nvolume = \"{volume}\"\n\
             holds = \"transcript\"\nspare = true\ncustody = {{ keeper = \"operator\" }}\n"
        )
    };
    let spares = spare("SPARE", "C0DE-0005") + &spare("SPARE-2", "C0DE-0006");
    [MINIMAL, spares.as_bytes()].concat()
});

fn file(name: &str) -> FileName {
    FileName::new(name.as_bytes()).unwrap()
}

fn log(stage: &mut Stage, drive: DriveId) -> Vec<u8> {
    stage.stick(drive).unwrap().files.get(&file("conclave.cbor")).cloned().unwrap_or_default()
}

fn read(bytes: &[u8]) -> Transcript {
    transcript::read(bytes).unwrap()
}

fn rehearsal(begun: Begun<World>) -> Box<Played> {
    match begun {
        Begun::Rehearsal(ceremony) => ceremony,
        Begun::Production(_) => panic!("a rehearsal"),
    }
}

/// A ceremony that a power failure ends, and the record it has by then.
fn cut(seed: u8, mut now: impl FnMut(&mut Stage, &mut Played) -> bool) -> (Stage, Robot, Vec<u8>) {
    let planned = plan::read(&PLAN).unwrap();
    let world = World::new([seed; 32], STARTED, Arc::clone(&MEMO));
    let mut stage = Stage::of(&planned, world, [seed; 32]).unwrap();
    let mut ceremony = rehearsal(Begun::new(brought(&PLAN), start(), &mut stage.world).unwrap());
    let mut robot = Robot::new(&planned);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if now(stage, ceremony) {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    let record = ceremony.transcript().to_vec();
    power_back(&mut stage, &mut robot, usize::MAX);
    (stage, robot, record)
}

/// The power is back, nothing is plugged in.
fn power_back(stage: &mut Stage, robot: &mut Robot, kept: usize) {
    stage.world.restart(kept);
    robot.signed_out();
    (0..2).for_each(|at| stage.pull(Device::Token(conclave_ceremony::ids::TokenId(at))));
    (0..8).for_each(|at| stage.pull(Device::Drive(DriveId(at))));
}

fn after_sign_ins(_: &mut Stage, ceremony: &mut Played) -> bool {
    ceremony.state().facts().present.len() == 3
}

/// The plan is compared with one log drive in; then both log drives are asked for.
fn asked_for_logs(stage: &mut Stage, first: DriveId, start: &Start) -> Intake {
    let mut intake = Intake::default();
    stage.plug(Device::Drive(first));
    intake.press(Key::Enter, start, &mut stage.world);
    meets(&mut intake, &copies(&plan::read(&PLAN).unwrap()), start, &mut stage.world);
    intake.press(Key::Enter, start, &mut stage.world);
    assert!(matches!(intake.stage, Way::Logs(Some(_))), "{:?}", intake.wrong);
    intake
}

/// With these two: the offer is read and taken; the head is asked for.
fn asked_for_head(stage: &mut Stage, one: DriveId, spare: DriveId, start: &Start) -> Intake {
    let mut intake = asked_for_logs(stage, one, start);
    stage.plug(Device::Drive(spare));
    let before = log(stage, spare);
    intake.press(Key::Enter, start, &mut stage.world);
    let words = intake.wrong.clone().unwrap();
    assert!(
        matches!(intake.stage, Way::Logs(Some(_))) && words.contains("If it is lost, press Enter again"),
        "{words}"
    );
    assert_eq!(log(stage, spare), before, "nothing was written for one key");
    intake.press(Key::Enter, start, &mut stage.world);
    assert!(matches!(intake.stage, Way::Written(_)), "{:?}", intake.wrong);
    intake
}

/// Goes on with a spare; the witness types this head, or says that no person had written one down.
fn replaced(stage: &mut Stage, one: DriveId, spare: DriveId, head: Option<Digest>) -> Result<Box<Played>, String> {
    let start = again(&mut stage.world);
    let mut intake = asked_for_head(stage, one, spare, &start);
    match head {
        Some(head) => meets(&mut intake, &head.into(), &start, &mut stage.world),
        None => [Key::Enter, Key::Char('3')].iter().for_each(|key| drop(intake.press(*key, &start, &mut stage.world))),
    }
    match intake.press(Key::Enter, &start, &mut stage.world) {
        Next::Begun(begun) => Ok(rehearsal(begun)),
        Next::Stay | Next::Back => Err(intake.wrong.unwrap_or_default()),
    }
}

fn closes(stage: &mut Stage, robot: &mut Robot, ceremony: &mut Played) {
    let ended = play(stage, ceremony, robot, |_, _| ());
    assert_eq!(ended, Ended::Closed, "{}", screen(ceremony).join("\n"));
}

/// What an account of nothing becomes by a log that was found.
fn found(record: &[u8], log: &[u8]) -> Account {
    let mut account = Account::default();
    also(record, log, &mut account);
    account
}

#[test]
fn a_spare_holds_the_whole_record_before_two_roles_decide_and_the_ceremony_goes_on_with_it() {
    for (seed, one, lost) in [(31, A, B), (32, B, A)] {
        let (mut stage, mut robot, before) = cut(seed, after_sign_ins);
        let whole = read(&before);
        let mut ceremony = replaced(&mut stage, one, SPARE, Some(whole.head())).unwrap();
        for drive in [one, SPARE] {
            let stick = stage.stick(drive).unwrap();
            assert_eq!(stick.files[&file("plan.toml")], *PLAN, "{drive:?}");
            assert_eq!(log(&mut stage, drive), ceremony.transcript(), "{drive:?}");
        }
        let last = read(ceremony.transcript()).entries.pop().unwrap();
        let Event::Interrupted { lost: Some(told), .. } = last.event else { panic!("{last:?}") };
        assert_eq!((told.drive, told.spare), (lost, SPARE));
        assert_eq!(told.head, Octets::from(whole.heads[whole.heads.len() - 2]));

        let mut asked = String::new();
        let ended = play(&mut stage, &mut ceremony, &mut robot, |_, ceremony| {
            let words = screen(ceremony).join(" ");
            if words.contains("How it was lost") {
                asked = words;
            }
        });
        assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
        assert!(asked.contains("did not come back") && asked.contains("Code of"), "{asked}");
        let record = ceremony.transcript().to_vec();
        for name in ["conclave.cbor", "conclave.txt", "names.toml", "plan.toml"] {
            let [a, b] = [one, SPARE].map(|drive| stage.stick(drive).unwrap().files[&file(name)].clone());
            assert_eq!(a, b, "{name}");
        }
        assert_eq!(log(&mut stage, one), record);
        verified(&PLAN, &record, ceremony.head());
        let judged = account(&PLAN, &record, &[ceremony.head()]);
        assert_eq!(judged.verdict(), Verdict::Anchored);
        let decided = judged.attested.iter().find(|found| found.words.contains("takes the place of the lost")).unwrap();
        assert_eq!(decided.rule.name(), "deviations");

        // The lost one is found: it is the beginning of the record.
        let late = log(&mut stage, lost);
        assert_eq!(late, before);
        let account = found(&record, &late);
        assert!(account.changed.is_empty() && account.proved.len() == 1, "{account:?}");
        // A decision, and everything before it, belongs to the record.
        let entries = read(&record).entries;
        let decision = entries.iter().position(|entry| matches!(entry.event, Event::Replaced { .. })).unwrap();
        let change = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut entries = entries.clone();
            change(&mut entries);
            let account = account_of(entries);
            assert!(account.refused.iter().any(|found| found.rule.name() == "replaced"), "{:?}", account.refused);
        };
        change(&|entries| drop(entries.remove(decision)));
        change(&|entries| entries.insert(decision, entries[decision].clone()));
        change(&|entries| {
            let Event::Replaced { by, .. } = &mut entries[decision].event else { panic!() };
            by.1 = by.0;
        });
        let interruption = whole.entries.len();
        change(&|entries| {
            let last = entries[interruption].prev;
            let Event::Interrupted { lost: Some(lost), .. } = &mut entries[interruption].event else { panic!() };
            lost.head = last;
        });
        change(&|entries| {
            let Event::Interrupted { lost: Some(lost), .. } = &mut entries[interruption].event else { panic!() };
            lost.spare = PUBLIC;
        });
        robot.signed_out();
    }
}

fn account_of(entries: Vec<Entry>) -> Account {
    account(&PLAN, &chained(entries), &[])
}

#[test]
fn a_drive_that_was_lost_is_not_taken_again_and_a_second_spare_takes_the_place_of_the_first() {
    let (mut stage, mut robot, before) = cut(33, after_sign_ins);
    let mut ceremony = replaced(&mut stage, A, SPARE, Some(read(&before).head())).unwrap();
    // The power fails once more before two roles have decided.
    stage.world.tokens().darken();
    assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Dark);
    let undecided = log(&mut stage, A);
    power_back(&mut stage, &mut robot, usize::MAX);

    let start = again(&mut stage.world);
    for others in [[B, A], [B, SPARE]] {
        others.into_iter().for_each(|drive| stage.plug(Device::Drive(drive)));
        let words = resumed(&PLAN, &mut stage.world).err().unwrap().to_string();
        assert!(words.starts_with("LOG-B was lost") && words.contains("--also"), "{words}");
        others.into_iter().for_each(|drive| stage.pull(Device::Drive(drive)));
    }
    // With the lost one alone only its own screens go on: the other log drive is asked for.
    let mut intake = asked_for_logs(&mut stage, A, &start);
    intake.press(Key::Enter, &start, &mut stage.world);
    let words = intake.wrong.unwrap();
    assert!(
        words.contains("CONCLAVE-SPARE, is not plugged in") && words.contains("the spare SPARE-2 instead"),
        "{words}"
    );
    stage.pull(Device::Drive(A));

    // The first spare is lost, too.
    let head = read(&undecided).head();
    let mut ceremony = replaced(&mut stage, A, SPARE_2, Some(head)).unwrap();
    closes(&mut stage, &mut robot, &mut ceremony);
    assert_eq!(log(&mut stage, A), log(&mut stage, SPARE_2));
    verified(&PLAN, ceremony.transcript(), ceremony.head());
    let decided = |entry: &&Entry| matches!(entry.event, Event::Replaced { .. });
    assert_eq!(
        read(ceremony.transcript()).entries.iter().filter(decided).count(),
        1,
        "one decision, on what is true now"
    );
}

#[test]
fn logs_cut_back_to_before_an_objection_beside_a_lost_one_are_caught_by_the_head_or_by_the_lost_one() {
    let mut said = false;
    let (mut stage, mut robot, bytes) = cut(34, |stage, ceremony| {
        if !said && ceremony.state().facts().is_there(WITNESS) && ceremony.write(&mut stage.world).is_ok() {
            let words = Text::new("The seal of the bag is torn.").unwrap();
            said = ceremony.take(Event::Said(WITNESS, Answer::Objects(words)), &mut stage.world).is_ok();
            return false;
        }
        said
    });
    let whole = read(&bytes);
    let at = whole.entries.iter().position(|entry| matches!(entry.event, Event::Said(_, Answer::Objects(_)))).unwrap();
    let back = chained(whole.entries[..at].to_vec());
    assert!(bytes.starts_with(&back));
    stage.stick(A).unwrap().files.insert(file("conclave.cbor"), back.clone());

    // The head that a witness wrote down is of no entry.
    let start = again(&mut stage.world);
    let mut intake = asked_for_head(&mut stage, A, SPARE, &start);
    meets(&mut intake, &whole.heads[at].into(), &start, &mut stage.world);
    let Way::Written(asked) = &intake.stage else { panic!("{:?}", intake.wrong) };
    assert!(matches!(asked.written.challenged, Challenged::Differs(..)), "{:?}", asked.written.challenged);
    for key in [Key::Enter, Key::Char('3'), Key::Enter] {
        assert!(matches!(intake.press(key, &start, &mut stage.world), Next::Stay));
    }
    assert!(log(&mut stage, A) == back && log(&mut stage, SPARE).is_empty(), "nothing was written");
    [A, SPARE].into_iter().for_each(|drive| stage.pull(Device::Drive(drive)));

    // Where no person says that a head was written down, the verdict says it, and the lost log shows the objection.
    let mut ceremony = replaced(&mut stage, A, SPARE, None).unwrap();
    closes(&mut stage, &mut robot, &mut ceremony);
    let (record, lost) = (ceremony.transcript().to_vec(), log(&mut stage, B));
    let judged = account(&PLAN, &record, &[ceremony.head()]);
    assert_eq!((judged.refused.len(), judged.verdict()), (0, Verdict::Disputed), "{judged:?}");
    assert!(judged.against[0].words.contains("no person had written a head down"), "{:?}", judged.against);
    let account = found(&record, &lost);
    let words = &account.changed[0].words;
    assert!(
        account.changed.len() == 1 && words.contains(&format!("parts from this record after entry {}", at - 1)),
        "{words}"
    );
    assert!(words.contains(&whole.heads[at].to_string()), "{words}");
}

#[test]
fn a_log_that_is_found_is_told_from_one_cut_back_one_of_another_ceremony_and_no_log() {
    let (mut stage, mut robot, before) = cut(35, after_sign_ins);
    let mut ceremony = replaced(&mut stage, A, SPARE, Some(read(&before).head())).unwrap();
    closes(&mut stage, &mut robot, &mut ceremony);
    let record = ceremony.transcript().to_vec();
    let entries = read(&before).entries;
    let of = |len: usize| chained(entries[..len].to_vec());
    // It had the entry before the last for certain, and may have the last.
    for len in [entries.len(), entries.len() - 1] {
        let account = found(&record, &of(len));
        assert!(account.changed.is_empty() && account.foreign.is_empty() && account.proved.len() == 1, "{account:?}");
    }
    let account = found(&record, &of(entries.len() - 2));
    assert!(account.changed[0].words.contains("it was cut back"), "{account:?}");
    // An entry torn by the power cut is no entry.
    assert!(found(&record, &before[..before.len() - 1]).changed.is_empty());
    // The record is what was cut back.
    let account = found(&before, &record);
    assert!(account.changed[0].words.contains("this record ends there"), "{account:?}");
    let (_, _, other) = cut(36, after_sign_ins);
    let account = found(&record, &other);
    assert!(account.changed.is_empty() && account.foreign[0].words.contains("of another ceremony"), "{account:?}");
    for (bytes, words) in [(&b"conclave"[..], "cannot be read"), (b"", "no whole entry")] {
        assert!(found(&record, bytes).changed[0].words.contains(words), "{words}");
    }
}

#[test]
fn a_spare_with_files_of_its_own_and_a_log_drive_lost_too_early_are_refused_in_words() {
    let (mut stage, _, before) = cut(37, after_sign_ins);
    stage.stick(SPARE).unwrap().files.insert(file("holiday.jpg"), vec![1]);
    [A, SPARE].into_iter().for_each(|drive| stage.plug(Device::Drive(drive)));
    let words = resumed(&PLAN, &mut stage.world).err().unwrap().to_string();
    assert!(words.starts_with("SPARE is not empty: it holds holiday.jpg."), "{words}");
    assert_eq!((log(&mut stage, SPARE).len(), log(&mut stage, A)), (0, before));

    let (mut stage, _, before) = cut(38, |_, ceremony| ceremony.state().facts().logs.len() == 2);
    [A, SPARE].into_iter().for_each(|drive| stage.plug(Device::Drive(drive)));
    let words = resumed(&PLAN, &mut stage.world).err().unwrap().to_string();
    assert!(words.starts_with("LOG-B did not hold the whole record yet"), "{words}");
    assert_eq!((log(&mut stage, SPARE).len(), log(&mut stage, A)), (0, before));
}

#[test]
fn the_power_fails_at_every_operation_while_a_spare_is_filled_and_the_ceremony_ends_the_same() {
    let (fresh, robot, before) = cut(39, after_sign_ins);
    let head = read(&before).head();
    let mut whole = fresh.clone();
    whole.plug(Device::Drive(A));
    let first = {
        let start = again(&mut whole.world);
        whole.pull(Device::Drive(A));
        asked_for_head(&mut whole, A, SPARE, &start);
        whole.world.drives().ops()
    };
    let mut whole = fresh.clone();
    drop(replaced(&mut whole, A, SPARE, Some(head)).unwrap());
    let last = whole.world.drives().ops();
    let mut cuts = 0;
    for op in first..last {
        for kept in [0, 128, 256] {
            let (mut stage, mut robot) = (fresh.clone(), robot.clone());
            stage.world.drives().fail_at(op, Fault::PowerCut);
            let Err(_) = replaced(&mut stage, A, SPARE, Some(head)) else { continue };
            let kept = stage.world.drives().unsynced() * kept / 256;
            power_back(&mut stage, &mut robot, kept);
            // The spare counts as a log drive from the entry on that names it.
            let named = read(&log(&mut stage, A)).entries.len() > read(&before).entries.len();
            let mut ceremony = if named {
                [A, SPARE].into_iter().for_each(|drive| stage.plug(Device::Drive(drive)));
                rehearsal(resumed(&PLAN, &mut stage.world).unwrap_or_else(|error| panic!("{op}: {error}")))
            } else {
                replaced(&mut stage, A, SPARE, Some(head)).unwrap_or_else(|error| panic!("{op}: {error}"))
            };
            let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
                // The rest of the ceremony is cut elsewhere.
                let facts = ceremony.state().facts();
                if facts.signed_out.is_empty() && facts.undecided.is_none() {
                    stage.world.tokens().darken();
                }
            });
            assert_eq!(ended, Ended::Dark, "{op}: {}", screen(&mut ceremony).join("\n"));
            let record = ceremony.transcript();
            stage.world.restart(usize::MAX);
            assert!(log(&mut stage, A) == log(&mut stage, SPARE), "{op} {kept}");
            for (name, bytes) in on_stick(&PLAN) {
                assert_eq!(stage.stick(SPARE).unwrap().files.get(&name), Some(&bytes), "{op} {kept}: {name:?}");
            }
            let account = account(&PLAN, record, &[]);
            assert!(account.refused.is_empty(), "{op} {kept}: {:?}", account.refused);
            cuts += 1;
        }
    }
    println!("figure: {cuts} power cuts while a spare is filled");
    assert!(cuts > 30, "{cuts}");
}
