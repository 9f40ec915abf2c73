//! Things that are brought to a ceremony and refused: plans, days, records. And a person that does not attest.

use std::collections::BTreeMap;

use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::{Answer, Event};
use conclave_ceremony::ids::{Device, DriveId, PersonId};
use conclave_ceremony::plan::{self, Role};
use conclave_ceremony::public::Text;
use conclave_ceremony::step::Waiting;
use conclave_ceremony::transcript;
use conclave_console::ceremony::begin::{Begun, Brought, NotBegun, Start};
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::ceremony::resume::NotResumed;
use conclave_console::civil::Wall;
use conclave_console::drives::Media;
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_console::preflight::Tree;
use conclave_console::preflight::challenge::{Challenged, Source};
use conclave_console::shown::Shown;
use conclave_publish::{Digest, FileName};
use conclave_sim::world::drives::Stick;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{PLAN_DRIVE, Robot, keys};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{
    MINIMAL_NAMES, SAFIRE_NAMES, STARTED, again, brought, chained, on_stick, resumed, resumed_from, start, with_names,
};

use super::{MEMO, MINIMAL, account, middle, shown_code, stage, types};

const RECORD: &str = "conclave.cbor";

fn name(name: &str) -> FileName {
    FileName::new(name.as_bytes()).unwrap()
}

/// A stick with a plan, at a port of its own.
fn with_plan(port: &str, serial: &str, bytes: &[u8]) -> Stick {
    let mut stick = Stick::new(port, serial, "PLAN");
    stick.files.extend(on_stick(bytes));
    stick
}

fn world(wall: Wall) -> World {
    World::new([7; 32], wall, std::sync::Arc::clone(&MEMO))
}

/// The words of the intake after Enter.
fn said(intake: &mut Intake, world: &mut World) -> String {
    assert!(matches!(intake.press(Key::Enter, &start(), world), Next::Stay));
    intake.wrong.clone().unwrap_or_default()
}

#[test]
fn a_plan_comes_from_one_drive_that_has_one_and_breaks_no_rule() {
    let (mut world, mut intake) = (world(STARTED), Intake::default());
    assert!(said(&mut intake, &mut world).starts_with("0 drives are plugged in; exactly one is read."));
    world.drives().plug(Stick::new("9-1", "EMPTY", "EMPTY"));
    assert!(said(&mut intake, &mut world).contains("EMPTY holds no file plan.toml"));
    world.drives().plug(with_plan("9-2", PLAN_DRIVE, MINIMAL));
    assert!(said(&mut intake, &mut world).starts_with("2 drives are plugged in"));
    world.drives().pull(&Shown::new("9-1"));
    // It begins after its end.
    let broken = String::from_utf8(MINIMAL.to_vec()).unwrap().replace("from = \"2026", "from = \"2036");
    world.drives().stick(&Shown::new("9-2")).unwrap().files.insert(name("plan.toml"), broken.into_bytes());
    assert_eq!(said(&mut intake, &mut world), "");
    let Way::Refused(refusals) = &intake.stage else { panic!("it would be taken") };
    assert!(refusals.iter().any(|refusal| refusal.to_string().contains("an end after the beginning")), "{refusals:?}");
    assert_eq!(said(&mut intake, &mut world), "");
    assert!(matches!(intake.stage, Way::Insert), "another try");
}

#[test]
fn a_plan_comes_in_with_its_own_names_or_not_at_all() {
    let (mut world, mut intake) = (world(STARTED), Intake::default());
    let mut stick = with_plan("9-1", PLAN_DRIVE, MINIMAL);
    stick.files.remove(&name("names.toml"));
    world.drives().plug(stick);
    assert!(said(&mut intake, &mut world).contains("holds plan.toml but no names.toml"));
    let one_short = MINIMAL_NAMES.split(|byte| *byte == b'\n').take(9).collect::<Vec<_>>().join(&b'\n');
    for names in [SAFIRE_NAMES, b"", b"witness = \"Walter Witness\"\n", MINIMAL, &one_short] {
        let bring = |world: &mut World, names: &[u8]| {
            world.drives().stick(&Shown::new("9-1")).unwrap().files.insert(name("names.toml"), names.to_vec());
        };
        bring(&mut world, names);
        assert_eq!(said(&mut intake, &mut world), "");
        let Way::Refused(refusals) = &intake.stage else { panic!("they would be taken") };
        assert!(refusals.iter().all(|refusal| refusal.to_string().starts_with("names.toml, line ")), "{refusals:?}");
        assert_eq!(said(&mut intake, &mut world), "");
        bring(&mut world, MINIMAL_NAMES);
        assert_eq!(said(&mut intake, &mut world), "");
        assert!(matches!(intake.stage, Way::Challenge(Challenged::Closed)), "its own are");
        assert!(matches!(intake.press(Key::Escape, &start(), &mut world), Next::Back));
        intake = Intake::default();
    }
}

#[test]
fn an_edited_plan_has_another_digest_than_the_witness_brought() {
    let edited = [MINIMAL, b"# a blank more\n"].concat();
    let [agreed, brought] = [MINIMAL, &edited].map(|bytes| plan::read(bytes).unwrap().digest);
    let (mut world, mut intake) = (world(STARTED), Intake::default());
    world.drives().plug(with_plan("9-1", PLAN_DRIVE, &edited));
    said(&mut intake, &mut world);
    assert_eq!(intake.digest, Some(brought));
    said(&mut intake, &mut world);
    intake.press(Key::Char('1'), &start(), &mut world);
    for group in agreed.groups().iter().take(8).map(ToString::to_string) {
        keys(&group).for_each(|key| drop(intake.press(key, &start(), &mut world)));
    }
    let Way::Challenge(challenged) = &intake.stage else { panic!("the challenge") };
    assert!(format!("{challenged:?}").contains("Differs"), "{challenged:?}");
}

#[test]
fn whoever_brought_the_wrong_plan_goes_back_with_esc_before_the_challenge_and_after_it() {
    for stage in [Challenged::Closed, Challenged::Met(Source::Paper)] {
        let (mut world, mut intake) = (world(STARTED), Intake::default());
        world.drives().plug(with_plan("9-1", PLAN_DRIVE, MINIMAL));
        said(&mut intake, &mut world);
        assert!(intake.digest.is_some());
        intake.stage = Way::Challenge(stage);
        assert!(matches!(intake.press(Key::Escape, &start(), &mut world), Next::Back));
    }
}

#[test]
fn with_the_clock_outside_the_plans_window_nothing_begins_and_nothing_goes_on() {
    // A year before the window of the example, and one after it.
    for wall in [Wall(1_735_689_599), Wall(2_082_758_400)] {
        let (mut world, mut intake) = (world(wall), Intake::default());
        world.drives().plug(with_plan("9-1", PLAN_DRIVE, MINIMAL));
        let words = said(&mut intake, &mut world);
        assert!(words.contains("the plan is for 2026-01-01T00:00:00Z to 2035-12-31T23:59:59Z"), "{words}");
        assert!(words.contains("go back to it with Esc") && matches!(intake.stage, Way::Insert), "{words}");
        let begun = Begun::new(brought(MINIMAL), start(), &mut world);
        assert!(matches!(begun, Err(NotBegun::OutsideWindow(_))));
    }
    let mut held = interrupted(3).0;
    let logs = [DriveId(0), DriveId(1)].map(|log| held.stick(log).unwrap().files.clone());
    let mut late = Stage::of(&plan::read(MINIMAL).unwrap(), world(Wall(2_082_758_400)), [3; 32]).unwrap();
    for (log, files) in [DriveId(0), DriveId(1)].into_iter().zip(logs) {
        late.stick(log).unwrap().files = files;
        late.plug(Device::Drive(log));
    }
    assert!(matches!(resumed(MINIMAL, &mut late.world), Err(NotResumed::OutsideWindow(_))));
}

#[test]
fn a_plan_that_does_not_begin_lets_its_drive_in_again() {
    // In the last second of the window when it is read, after it when it begins.
    let (mut world, mut intake) = (world(Wall(2_082_758_398)), Intake::default());
    world.drives().plug(with_plan("9-1", PLAN_DRIVE, MINIMAL));
    said(&mut intake, &mut world);
    world.drives().pull(&Shown::new("9-1"));
    intake.stage = Way::Challenge(Challenged::Met(Source::Paper));
    let words = said(&mut intake, &mut world);
    assert!(words.contains("the plan is for"), "{words}");
    world.drives().plug(with_plan("9-1", PLAN_DRIVE, MINIMAL));
    assert_eq!(world.drives().look().unwrap().len(), 1, "the gate lets it in");
}

/// A ceremony of another seed, cut by a power failure after some sign-ins, and its record.
pub fn interrupted(seed: u8) -> (Stage, Vec<u8>) {
    let planned = plan::read(MINIMAL).unwrap();
    let world = World::new([seed; 32], STARTED, std::sync::Arc::clone(&MEMO));
    let mut stage = Stage::of(&planned, world, [seed; 32]).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&planned), |stage, ceremony| {
        if ceremony.state().facts().present.len() == 3 {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    let record = ceremony.transcript().to_vec();
    stage.world.restart(usize::MAX);
    (stage, record)
}

#[test]
fn records_that_do_not_go_together_are_left_as_they_are() {
    let (mut stage, record) = interrupted(4);
    let (_, other) = interrupted(5);
    let mut goes_on = |on_b: Vec<u8>| {
        stage.stick(DriveId(1)).unwrap().files.insert(name(RECORD), on_b.clone());
        let refused = resumed(MINIMAL, &mut stage.world).err().unwrap();
        assert_eq!(stage.stick(DriveId(1)).unwrap().files[&name(RECORD)], on_b, "nothing was changed");
        conclave_console::wording::intake::not_resumed(&refused)
    };
    let words = goes_on(other);
    assert!(words.contains("The logs are of two ceremonies") && words.contains("Keep both log drives"), "{words}");
    // The last entry of one is another than the other's.
    let read = transcript::read(&record).unwrap();
    let mut last = read.entries.last().unwrap().clone();
    last.wall += 1;
    let kept = record.len() - transcript::append(&last.prev.into(), read.entries.last().unwrap()).unwrap().0.len();
    let (changed, _) = transcript::append(&last.prev.into(), &last).unwrap();
    let words = goes_on([&record[..kept], &changed].concat());
    assert!(words.contains(&format!("The logs part at entry {}", last.seq)), "{words}");

    // Neither is a drive with a record the beginning of another.
    let mut next = super::stage(MINIMAL);
    next.stick(DriveId(0)).unwrap().files = stage.stick(DriveId(0)).unwrap().files.clone();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut next.world).unwrap() else {
        panic!()
    };
    let mut seen = String::new();
    let ended = play(&mut next, &mut ceremony, &mut Robot::new(&plan::read(MINIMAL).unwrap()), |stage, ceremony| {
        let words = middle(ceremony);
        if words.contains("record of another ceremony") {
            seen = words;
            stage.world.tokens().darken();
        }
    });
    assert!(ended == Ended::Dark && seen.contains("empty it there, plug it in again."), "{ended:?}: {seen}");
}

#[test]
fn a_ceremony_goes_on_with_the_image_it_began_with_and_with_no_other() {
    let (mut stage, _) = interrupted(6);
    let mut other = again(&mut stage.world);
    other.image = Digest::of(b"another image");
    let refused = resumed_from(other.clone(), MINIMAL, &mut stage.world).err().unwrap();
    let words = conclave_console::wording::intake::not_resumed(&refused);
    for said in [start().image.to_string(), other.image.to_string(), "Power off and start from the medium".into()] {
        assert!(words.contains(&said), "{words}");
    }
    assert!(resumed(MINIMAL, &mut stage.world).is_ok());
}

/// The minimal plan as one that counts, with a day in its window.
fn counts() -> (String, Wall) {
    let plan = String::from_utf8(MINIMAL.to_vec()).unwrap();
    let plan = plan.replace("kind = \"rehearsal\"", "kind = \"production\"").replace("2035-12-31", "2026-01-15");
    (plan, Wall(1_767_700_000))
}

/// How each state of a tree is refused where it counts.
const NOT_REBUILT: [(Tree, &str); 3] = [
    (Tree::Dirty, "This image was built from changed sources, so"),
    (Tree::Moved, "This image was built from other packages than its commit locks, so"),
    (Tree::DirtyAndMoved, "from changed sources and from other packages than its commit locks, so"),
];

#[test]
fn a_ceremony_that_counts_does_not_begin_with_an_image_strangers_cannot_rebuild() {
    let (counts, day) = counts();
    assert!(Begun::new(brought(counts.as_bytes()), start(), &mut world(day)).is_ok());
    for (tree, words) in NOT_REBUILT {
        let start = || Start { tree, ..start() };
        assert!(Begun::new(brought(MINIMAL), start(), &mut world(day)).is_ok(), "a rehearsal may");
        let refused = Begun::new(brought(counts.as_bytes()), start(), &mut world(day)).err().unwrap().to_string();
        assert!(refused.contains(words) && refused.contains("start from a published image"), "{refused}");
    }
}

#[test]
fn a_ceremony_that_counts_does_not_go_on_with_an_image_strangers_cannot_rebuild() {
    let (counts, day) = counts();
    let planned = plan::read(counts.as_bytes()).unwrap();
    let mut stage = Stage::of(&planned, world(day), [3; 32]).unwrap();
    let Begun::Production(mut ceremony) = Begun::new(brought(counts.as_bytes()), start(), &mut stage.world).unwrap()
    else {
        panic!("it counts")
    };
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&planned), |stage, ceremony| {
        if ceremony.state().facts().present.len() == 3 {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    stage.world.restart(usize::MAX);
    for (tree, words) in NOT_REBUILT {
        let refused =
            resumed_from(Start { tree, ..again(&mut stage.world) }, counts.as_bytes(), &mut stage.world).err().unwrap();
        let words_said = conclave_console::wording::intake::not_resumed(&refused);
        assert!(words_said.contains(words) && words_said.contains("Nothing was changed"), "{words_said}");
    }
    assert!(resumed(counts.as_bytes(), &mut stage.world).is_ok());
}

#[test]
fn a_production_plan_takes_no_simulated_token() {
    let (bytes, day) = counts();
    let mut stage = Stage::of(&plan::read(bytes.as_bytes()).unwrap(), world(day), [3; 32]).unwrap();
    let Begun::Production(mut ceremony) = Begun::new(brought(bytes.as_bytes()), start(), &mut stage.world).unwrap()
    else {
        panic!("it counts")
    };
    let mut robot = Robot::new(ceremony.plan());
    let Ended::Stands(words) = play(&mut stage, &mut ceremony, &mut robot, |_, _| ()) else {
        panic!("{}", screen(&mut ceremony).join("\n"))
    };
    assert!(words.contains("Look at MASTER") || words.contains("Prove MASTER"), "{words}");
    assert!(words.contains("root"), "{words}");
}

#[test]
fn who_disagrees_at_the_end_says_why_and_the_record_is_closed_with_it() {
    let mut stage = stage(MINIMAL);
    let planned = plan::read(MINIMAL).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let (mut robot, why) = (Robot::new(&planned), "I did not see the second bag sealed.");
    let who = planned.people.iter().position(|person| person.roles.contains(&Role::Witness)).unwrap();
    robot.refuses.insert(planned.people[who].id.to_string(), why.to_owned());
    assert_eq!(play(&mut stage, &mut ceremony, &mut robot, |_, _| ()), Ended::Closed);
    let attested = &ceremony.state().facts().attested;
    assert_eq!(attested[&PersonId(who as u16)].as_ref().map(Text::as_str), Some(why));
    assert_eq!(attested.values().filter(|refused| refused.is_some()).count(), 1);
    let account = account(MINIMAL, ceremony.transcript(), &[ceremony.head()]);
    assert_eq!(account.refused, []);
    assert!(account.attested.iter().any(|finding| finding.words.contains(why)), "{:?}", account.attested);
}

/// The minimal plan with an alternate for the witness, and an alternate for the holder of the bag; and its names.
fn with_alternates() -> (String, String) {
    let alternate = |id: &str, role: &str, whose: &str| {
        format!(
            "\n[[person]]\nid = \"{id}\"\norganisation = \"example\"\nroles = [\"{role}\"]\n\
             alternate-for = \"{whose}\"\n"
        )
    };
    let people = alternate("witness-2", "witness", "witness") + &alternate("holder-2", "holder", "holder");
    let list = "witness-2 = \"Wendy Witness\"\nholder-2 = \"Hugo Holder\"\n";
    let [plan, names] = [MINIMAL, MINIMAL_NAMES].map(|file| String::from_utf8_lossy(file));
    with_names(&format!("{plan}{people}"), &format!("{names}{list}"))
}

#[test]
fn who_does_not_come_or_leaves_mid_step_is_replaced_and_the_record_says_by_whom() {
    let (plan, names) = with_alternates();
    let bytes = plan.into_bytes();
    let mut stage = stage(&bytes);
    let brought = Brought { plan: &bytes, names: names.as_bytes() };
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought, start(), &mut stage.world).unwrap() else { panic!() };
    let mut robot = Robot::new(ceremony.plan());
    robot.absent = vec!["witness".to_owned()];
    // The holder of the bag leaves while it is sealed, and the witness's alternate with them.
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if matches!(ceremony.waiting(), Waiting::Asked(Ask::BagNumber(_))) {
            stage.world.tokens().darken();
        }
    });
    assert_eq!(ended, Ended::Dark);
    stage.world.restart(0);
    let Begun::Rehearsal(mut ceremony) = resumed(&bytes, &mut stage.world).unwrap() else { panic!() };
    robot.absent = vec!["witness-2".to_owned(), "holder".to_owned()];
    let ended = play(&mut stage, &mut ceremony, &mut robot, |_, _| ());
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    super::verified(&bytes, ceremony.transcript(), ceremony.head());

    let entries = transcript::read(ceremony.transcript()).unwrap().entries;
    let absent = |event: &Event| matches!(event, Event::Said(_, Answer::Absent { .. }));
    let came: Vec<usize> = (0..entries.len()).filter(|at| absent(&entries[*at].event)).collect();
    assert_eq!(came.len(), 3);
    let heads = [];
    for at in came {
        let account = account(&bytes, ceremony.transcript(), &heads);
        assert!(account.attested.iter().any(|found| found.entry == Some(at as u64)
            && found.words.contains("instead of")
            && found.words.contains("document: passport")));
        // By a person that is no alternate; for a person that is there.
        for (who, whose) in [(PersonId(2), None), (PersonId(6), Some(PersonId(2)))] {
            let mut entries = entries.clone();
            let Event::Said(person, Answer::Absent { whose: left, .. }) = &mut entries[at].event else { panic!() };
            (*person, *left) = (who, whose.unwrap_or(*left));
            let refused = super::account(&bytes, &chained(entries), &heads).refused;
            assert!(
                refused.iter().any(|found| found.rule.name() == "people" && found.entry == Some(at as u64)),
                "{refused:?}"
            );
        }
    }
}

#[test]
fn who_objects_in_the_middle_is_recorded_word_for_word_and_no_secret_is() {
    let mut stage = stage(MINIMAL);
    let planned = plan::read(MINIMAL).unwrap();
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut robot = Robot::new(&planned);
    let why =
        format!("{} I do not agree.", "What was read aloud is not what I saw on the token. ".repeat(6).trim_end());
    assert!(why.len() > 300);
    // A person is about to agree to the erasing of a token, and a passphrase was shown and written down before.
    let mut objected = false;
    let mut passphrase = String::new();
    let mut code = String::new();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if ceremony.busy() || objected {
            return;
        }
        let (waiting, words) = (ceremony.waiting(), middle(ceremony));
        if words.contains("witness: remember") {
            code = shown_code(ceremony).unwrap().1;
        }
        let kind = ceremony.state().at();
        if !matches!(waiting, Waiting::Asked(Ask::Go { who: Some(_), .. })) || ceremony.state().facts().kcv.is_none() {
            return;
        }
        objected = true;
        let world = &mut stage.world;
        ceremony.press(Key::Function(3), world);
        assert!(
            middle(ceremony).contains("Anybody: who objects? Press the key beside the name."),
            "{}",
            middle(ceremony)
        );
        ceremony.press(Key::Char('2'), world);
        assert!(middle(ceremony).contains("witness: type your code and your objection."), "{}", middle(ceremony));
        // A secret on the table, typed where everybody reads it.
        passphrase = "acme adult able baboon cement dogsled".to_owned();
        types(ceremony, world, &[&code, &passphrase]);
        let words = middle(ceremony);
        assert!(words.contains("It was not recorded. Say it in other words"), "{words}");
        assert!(passphrase.split(' ').all(|word| !words.contains(word)), "it is wiped from the screen: {words}");
        // A name, which the record does without.
        types(ceremony, world, &["WALTER did not look."]);
        let words = middle(ceremony);
        assert!(words.contains("the name behind witness: say witness instead. It was not recorded."), "{words}");
        assert!(!words.contains("WALTER"), "it is wiped from the screen: {words}");
        // The code stands still; a wrong one does not take the words away that were typed with it.
        types(ceremony, world, &[&why[..40]]);
        while ceremony.busy() {
            ceremony.go_on(world);
        }
        [Key::Function(3), Key::Char('2')].into_iter().for_each(|key| ceremony.press(key, world));
        types(ceremony, world, &["zzzz", &why]);
        let words = middle(ceremony);
        assert!(words.contains(&why) && words.contains("This is not the code of witness: 1 wrong so far."), "{words}");
        code.chars().for_each(|typed| ceremony.press(Key::Char(typed), world));
        assert!(!middle(ceremony).contains("This is not"), "red goes with the next key: {}", middle(ceremony));
        [Key::Enter, Key::Enter].into_iter().for_each(|key| ceremony.press(key, world));
        while ceremony.busy() {
            ceremony.go_on(world);
        }
        assert_eq!((ceremony.waiting(), ceremony.state().at()), (waiting, kind), "it goes on where it was");
        // Esc leads back without a word on the record, and a line that is full says so.
        [Key::Function(3), Key::Char('2')].into_iter().for_each(|key| ceremony.press(key, world));
        types(ceremony, world, &[&code]);
        (0..500).for_each(|_| ceremony.press(Key::Char('n'), world));
        assert!(middle(ceremony).contains("(full: say it in fewer words)"), "{}", middle(ceremony));
        ceremony.press(Key::Escape, world);
        assert!(middle(ceremony).contains("type your sign-in code to agree."), "{}", middle(ceremony));
    });
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    assert!(objected && !String::from_utf8_lossy(ceremony.transcript()).contains(&passphrase));
    super::verified(MINIMAL, ceremony.transcript(), ceremony.head());
    let account = account(MINIMAL, ceremony.transcript(), &[]);
    let deviations: Vec<_> = account.attested.iter().filter(|found| found.rule.name() == "deviations").collect();
    assert!(deviations.len() == 2 && deviations[1].words.contains(&why), "{deviations:?}");
}

#[test]
fn another_bag_is_sealed_only_when_operator_and_witness_say_why() {
    let mut stage = stage(MINIMAL);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let planned = plan::read(MINIMAL).unwrap();
    let mut robot = Robot::new(&planned);
    let (mut asked, mut words) = (false, String::new());
    let mut codes = BTreeMap::new();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
        if ceremony.busy() {
            return;
        }
        if matches!(ceremony.waiting(), Waiting::Asked(Ask::Keyboard)) {
            // Keys of another layout, or none.
            for line in ["", "zy ZY 09 _ & / ! ] ` ^ }"] {
                types(ceremony, &mut stage.world, &[line]);
                let words = middle(ceremony);
                assert!(words.contains("Press Tab for the next layout") && words.contains("us, uk or de"), "{words}");
                assert!(words.contains(line), "what was typed stays to be compared: {words}");
            }
            for layout in ["uk", "de", "us"] {
                ceremony.press(Key::Tab, &mut stage.world);
                let words = middle(ceremony);
                assert!(words.contains(&format!("Layout in force: {layout}.")) && words.contains("Type: _"), "{words}");
            }
        }
        // A slip of the finger at the sign-in is taken back with Esc.
        if middle(ceremony).contains("which document was shown?") {
            for key in [Key::Char('3'), Key::Char('9'), Key::Escape] {
                ceremony.press(key, &mut stage.world);
            }
            assert!(middle(ceremony).contains("which document was shown?"), "{}", middle(ceremony));
        }
        if let Some((_, code)) = shown_code(ceremony) {
            codes.insert(ceremony.state().facts().present.len(), code);
        }
        if asked || !matches!(ceremony.waiting(), Waiting::Asked(Ask::BagNumber(_))) {
            return;
        }
        asked = true;
        assert!(screen(ceremony).iter().all(|row| !row.contains("2000001")), "the number is read from the bag");
        types(ceremony, &mut stage.world, &["2000009", "2000009"]);
        words = middle(ceremony);
        assert!(!words.contains("2000001"), "{words}");
        // One person for both roles, then two.
        types(ceremony, &mut stage.world, &[&codes[&0], &codes[&0], "It was torn."]);
        assert!(middle(ceremony).contains("This is not the code of witness: 1 wrong so far."), "{}", middle(ceremony));
        ceremony.press(Key::Escape, &mut stage.world);
        types(ceremony, &mut stage.world, &["2000009", "2000009", &codes[&0], &codes[&1], "It was torn."]);
    });
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    for words_of in ["Seal the planned bag and press Esc", "operator and a witness type their codes and say why"] {
        assert!(words.contains(words_of), "{words}");
    }
    super::verified(MINIMAL, ceremony.transcript(), ceremony.head());
    let account = account(MINIMAL, ceremony.transcript(), &[]);
    let deviation = account.attested.iter().find(|found| found.rule.name() == "deviations").unwrap();
    assert!(deviation.words.contains("2000009; operator and witness decided so: It was torn."), "{deviation:?}");
}
