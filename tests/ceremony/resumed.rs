//! A resume is a beginning: logs that were cut back or exchanged, another machine, a record that is closed.

use conclave_ceremony::event::{Answer, Event, Looked, Source, Weakness};
use conclave_ceremony::ids::{Device, DriveId, PersonId};
use conclave_ceremony::plan;
use conclave_ceremony::public::Text;
use conclave_ceremony::transcript::{self, Transcript};
use conclave_ceremony::verify::Verdict;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::{Begun, Start};
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::ceremony::resume::NotResumed;
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::challenge::Challenged;
use conclave_publish::FileName;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{Robot, copies};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{again, brought, chained, meets, resumed, resumed_from, start};
use smartcard_hsm::cvc::Simulated;

use super::{MINIMAL, account, middle, refused, stage, verified};

const LOGS: [DriveId; 2] = [DriveId(0), DriveId(1)];

fn record() -> FileName {
    FileName::new(b"conclave.cbor").unwrap()
}

fn read(bytes: &[u8]) -> Transcript {
    transcript::read(bytes).unwrap()
}

/// Both log drives hold this record.
fn exchanged(stage: &mut Stage, bytes: &[u8]) {
    for log in LOGS {
        stage.stick(log).unwrap().files.insert(record(), bytes.to_vec());
    }
}

/// A log drive is put in, the plan's digest met, both are read: the head is asked for.
fn asked_for_head(stage: &mut Stage, start: &Start) -> Intake {
    let mut intake = Intake::default();
    stage.pull(Device::Drive(LOGS[1]));
    stage.plug(Device::Drive(LOGS[0]));
    intake.press(Key::Enter, start, &mut stage.world);
    meets(&mut intake, &copies(&plan::read(MINIMAL).unwrap()), start, &mut stage.world);
    intake.press(Key::Enter, start, &mut stage.world);
    stage.plug(Device::Drive(LOGS[1]));
    intake.press(Key::Enter, start, &mut stage.world);
    assert!(matches!(intake.stage, Way::Written(_)), "{:?}", intake.wrong);
    intake
}

fn rehearsal(begun: Begun<World>) -> Box<Ceremony<World, Simulated>> {
    match begun {
        Begun::Rehearsal(ceremony) => ceremony,
        Begun::Production(_) => panic!("a rehearsal"),
    }
}

/// A ceremony, cut by a power failure after a witness had objected, and its record.
fn objected() -> (Stage, Vec<u8>) {
    let mut stage = stage(MINIMAL);
    let mut ceremony = rehearsal(Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap());
    let (mut robot, mut said) = (Robot::new(&plan::read(MINIMAL).unwrap()), false);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        let witness = PersonId(1);
        if said {
            stage.world.tokens().darken();
        } else if ceremony.state().facts().is_there(witness) && ceremony.write(&mut stage.world).is_ok() {
            let words = Text::new("The seal of the bag is torn.").unwrap();
            said = ceremony.take(Event::Said(witness, Answer::Objects(words)), &mut stage.world).is_ok();
        }
    });
    assert!(ended == Ended::Dark && said);
    let bytes = ceremony.transcript().to_vec();
    stage.world.restart(usize::MAX);
    (stage, bytes)
}

#[test]
fn logs_cut_back_to_before_an_objection_do_not_go_on_against_the_head_that_was_written_down() {
    let (mut stage, bytes) = objected();
    let whole = read(&bytes);
    let at = whole.entries.iter().position(|entry| matches!(entry.event, Event::Said(_, Answer::Objects(_)))).unwrap();
    let cut = chained(whole.entries[..at].to_vec());
    assert!(bytes.starts_with(&cut));
    exchanged(&mut stage, &cut);
    let start = again(&mut stage.world);
    let mut intake = asked_for_head(&mut stage, &start);
    meets(&mut intake, &whole.heads[at].into(), &start, &mut stage.world);
    let Way::Written(asked) = &intake.stage else { panic!("{:?}", intake.wrong) };
    assert!(
        matches!(asked.written.challenged, Challenged::Differs(Source::Paper, _)),
        "{:?}",
        asked.written.challenged
    );
    // Nor does it say now that no person wrote a head down.
    for key in [Key::Enter, Key::Char('3'), Key::Enter] {
        assert!(matches!(intake.press(key, &start, &mut stage.world), Next::Stay));
    }
    for log in LOGS {
        assert_eq!(stage.stick(log).unwrap().files[&record()], cut, "nothing was changed");
    }
    // With the logs as they were the same head is of an entry.
    exchanged(&mut stage, &bytes);
    let mut intake = asked_for_head(&mut stage, &start);
    meets(&mut intake, &whole.heads[at].into(), &start, &mut stage.world);
    assert!(matches!(intake.press(Key::Enter, &start, &mut stage.world), Next::Begun(_)), "{:?}", intake.wrong);
    let read = read(&stage.stick(LOGS[0]).unwrap().files[&record()]);
    let Event::Interrupted { written, looked, .. } = &read.entries.last().unwrap().event else { panic!("a resume") };
    assert_eq!((*written, looked), (Some(at as u64), &start_with_plan(&start)));
}

/// The checks of this boot, with the plan as it was read from the first log drive.
fn start_with_plan(start: &Start) -> Vec<Looked> {
    let drive = Text::new("CONCLAVE-LOG-A").unwrap();
    let plan = Looked::Plan { source: Source::Paper, drive };
    start.findings.iter().cloned().chain([plan]).collect()
}

#[test]
fn a_resume_at_which_nobody_had_written_a_head_down_is_anchored_and_stands_against_the_verdict() {
    let (mut stage, _) = refused::interrupted(21);
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let start = again(&mut stage.world);
    let mut intake = asked_for_head(&mut stage, &start);
    for key in [Key::Enter, Key::Char('3')] {
        intake.press(key, &start, &mut stage.world);
    }
    let Next::Begun(begun) = intake.press(Key::Enter, &start, &mut stage.world) else { panic!("{:?}", intake.wrong) };
    let mut ceremony = rehearsal(begun);
    let ended = play(&mut stage, &mut ceremony, &mut robot, |_, _| ());
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    let account = account(MINIMAL, ceremony.transcript(), &[ceremony.head()]);
    assert_eq!((account.refused.len(), account.verdict()), (0, Verdict::Disputed), "{account:?}");
    assert!(account.against[0].words.contains("no person had written a head down"), "{:?}", account.against);
}

#[test]
fn both_logs_exchanged_for_those_of_another_plan_do_not_go_on() {
    let (mut stage, _) = refused::interrupted(22);
    let other = String::from_utf8(MINIMAL.to_vec()).unwrap() + "# another\n";
    let mut theirs = Stage::of(&plan::read(other.as_bytes()).unwrap(), stage.world.clone(), [9; 32]).unwrap();
    let mut ceremony = rehearsal(Begun::new(brought(other.as_bytes()), start(), &mut theirs.world).unwrap());
    let mut robot = Robot::new(&plan::read(other.as_bytes()).unwrap());
    play(&mut theirs, &mut ceremony, &mut robot, |stage, ceremony| {
        if ceremony.state().facts().present.len() == 3 {
            stage.world.tokens().darken();
        }
    });
    exchanged(&mut stage, ceremony.transcript());
    let refused = resumed(MINIMAL, &mut stage.world).err().unwrap();
    assert!(matches!(refused, NotResumed::OtherPlan), "{refused}");
}

#[test]
fn what_stands_against_the_machine_of_a_later_boot_is_in_the_record() {
    let (mut stage, _) = refused::interrupted(23);
    let mut weak = again(&mut stage.world);
    let another = Text::new("model: another laptop").unwrap();
    weak.findings[1] =
        Looked::AirGap { weak: vec![Weakness::Hypervisor], absent: 30, machine: vec![another], hardware: vec![] };
    let ceremony = rehearsal(resumed_from(weak, MINIMAL, &mut stage.world).unwrap());
    let account = account(MINIMAL, ceremony.transcript(), &[]);
    let reported = account.reported.iter().any(|finding| finding.words.contains("another laptop"));
    assert!(reported && account.refused.is_empty(), "{account:?}");
}

#[test]
fn a_closed_record_that_is_put_in_shows_its_final_head_and_completes_the_log_that_a_cut_left_behind() {
    let mut stage = stage(MINIMAL);
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let mut ceremony = rehearsal(Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap());
    assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Closed);
    let (bytes, head) = (ceremony.transcript().to_vec(), ceremony.head());
    let whole = read(&bytes);
    // The power failed before the last entry came to the second log and the text beside it.
    let twin = FileName::new(b"conclave.txt").unwrap();
    let text = stage.stick(LOGS[1]).unwrap().files.remove(&twin).unwrap();
    let last = transcript::append(&whole.entries.last().unwrap().prev.into(), whole.entries.last().unwrap()).unwrap().0;
    stage.stick(LOGS[1]).unwrap().files.insert(record(), bytes[..bytes.len() - last.len()].to_vec());
    stage.world.restart(usize::MAX);
    let devices =
        (0..6).map(|at| Device::Drive(DriveId(at))).chain([Device::Token(conclave_ceremony::ids::TokenId(0))]);
    devices.for_each(|device| stage.pull(device));

    let (mut intake, again) = (Intake::default(), again(&mut stage.world));
    stage.plug(Device::Drive(LOGS[0]));
    intake.press(Key::Enter, &again, &mut stage.world);
    assert!(matches!(intake.stage, Way::Logs(None)), "{:?}", intake.wrong);
    stage.plug(Device::Drive(LOGS[1]));
    let Next::Begun(begun) = intake.press(Key::Enter, &again, &mut stage.world) else { panic!("{:?}", intake.wrong) };
    let mut shown = rehearsal(begun);
    while shown.busy() {
        shown.go_on(&mut stage.world);
    }
    let words: String = middle(&mut shown).chars().filter(|c| !"█▀▄".contains(*c)).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("switch off with F10 when everybody has written the head down."), "{words}");
    assert_eq!((shown.head(), shown.transcript()), (head, &bytes[..]));
    assert!(head.groups().iter().all(|group| words.contains(&group.to_string())), "{words}");
    for log in LOGS {
        let files = &stage.stick(log).unwrap().files;
        assert_eq!((&files[&record()], &files[&twin]), (&bytes, &text), "{log:?}");
    }
    verified(MINIMAL, shown.transcript(), head);
}

#[test]
fn a_closed_log_does_not_let_other_logs_in_without_a_challenge() {
    let (mut interrupted, open) = refused::interrupted(24);
    let mut stage = stage(MINIMAL);
    let mut robot = Robot::new(&plan::read(MINIMAL).unwrap());
    let mut ceremony = rehearsal(Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap());
    assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Closed);
    let start = again(&mut interrupted.world);
    exchanged(&mut interrupted, ceremony.transcript());
    let mut intake = Intake::default();
    interrupted.pull(Device::Drive(LOGS[1]));
    interrupted.plug(Device::Drive(LOGS[0]));
    intake.press(Key::Enter, &start, &mut interrupted.world);
    assert!(matches!(intake.stage, Way::Logs(None)), "{:?}", intake.wrong);
    exchanged(&mut interrupted, &open);
    interrupted.plug(Device::Drive(LOGS[1]));
    assert!(matches!(intake.press(Key::Enter, &start, &mut interrupted.world), Next::Stay));
    assert!(matches!(intake.stage, Way::Challenge(Challenged::Closed)), "{:?}", intake.wrong);
}
