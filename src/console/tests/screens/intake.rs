//! A plan that comes in.

use conclave_ceremony::plan::{self, UsbId};
use conclave_console::ceremony::intake::{Intake, Stage};
use conclave_console::key::Key;
use conclave_console::ports::{Plugged, What};
use conclave_console::preflight::Screen;
use conclave_console::preflight::challenge::{Challenged, Differ, Digests, Of, Source};
use conclave_console::run::Showing;
use conclave_console::shown::{Serial, Shown};
use conclave_console::wording::preflight as text;
use conclave_publish::Digest;

use super::fixtures::{after, at, check_with, digest, shown};

/// The digests of a plan and its script.
fn digests() -> Digests {
    Digests { own: digest(), script: Some(Digest::of(b"a script")) }
}

#[test]
fn every_stage_of_a_plan_that_comes_in_names_its_keys() {
    let look = after(at(Screen::Devices, vec![]));
    let mut intake = Intake::default();
    let back = "Enter: go on   Esc: to the devices";
    check_with(Some(&intake), "intake-insert", &look, "Operator", "plug in the drive with the plan", &[back]);
    intake.plan = plan::read(include_bytes!("../../../../docs/plans/minimal/plan.toml")).ok();
    intake.stage = Stage::Logs(Some(Source::Paper));
    check_with(Some(&intake), "intake-logs", &look, "Operator", "plug in both log drives", &[back, "interrupted"]);
    intake.digest = Some(digest());
    let words = digest().words();
    let whole: Vec<&str> = words.split(' ').collect();
    let mut challenged = Challenged::Closed;
    let next = |challenged: &mut Challenged, keys: &[Key]| {
        for key in keys {
            challenged.pressed(Of::Plan, *key, &digests());
        }
        challenged.clone()
    };
    let stages = [
        (
            "closed",
            next(&mut challenged, &[]),
            "compare with your own copy",
            "Enter: begin the challenge  Esc: devices",
        ),
        ("source", next(&mut challenged, &[Key::Enter]), "where does your own copy", "1 2 3: choose   Esc: back"),
        ("met", Challenged::Met(Source::Paper), "the plan is the one you brought", back),
    ];
    for (name, stage, says, keys) in stages {
        let shows = !stage.hides_digest();
        intake.stage = Stage::Challenge(stage);
        let mut contains = vec!["F1 help  F2 keyboard us  F10 off", keys];
        contains.extend(whole.iter().filter(|_| shows));
        check_with(Some(&intake), &format!("intake-{name}"), &look, "Witness", says, &contains);
    }
    let mut challenge = next(&mut challenged, &[Key::Char('1')]).drew(Of::Plan, Digest::of(b"drawn").bytes());
    intake.stage = Stage::Challenge(challenge.clone());
    let keys = "Enter: next  Up Down: lines  Esc: stop";
    check_with(
        Some(&intake),
        "intake-open",
        &look,
        "Witness",
        "type these groups of the digests of plan and script",
        &[keys, "script's group"],
    );
    // Of the plan it speaks in the plan's words, of the medium nowhere.
    for key in (0..8).flat_map(|_| "0000".chars().map(Key::Char).chain([Key::Enter])) {
        challenge.pressed(Of::Plan, key, &digests());
    }
    intake.stage = Stage::Challenge(challenge);
    let said = ["6 of 6 groups differ from this plan, 2 of 2 differ from its script.", "Enter: new groups"];
    check_with(Some(&intake), "intake-differs", &look, "Witness", "check your copy", &said);
    for stage in [Challenged::Source, Challenged::Differs(Source::Own, Differ { own: 0, script: 1 })] {
        intake.stage = Stage::Challenge(stage);
        let screen = shown(&Showing::Intake(&look, &intake), 80, 25);
        let body = screen.lines().skip(2).collect::<Vec<_>>().join(" ");
        assert!(body.contains("plan") && !body.contains("medium") && !body.contains("image"), "{screen}");
    }
}

#[test]
fn what_is_plugged_in_while_a_plan_comes_in_is_named() {
    let look = after(at(Screen::Devices, vec![]));
    let plugged = |port, serial, what| Plugged { port: Shown::new(port), serial: Serial::new(serial), what };
    let mut intake = Intake::default();
    check_with(Some(&intake), "intake-insert", &look, "Operator", "plug in the drive", &["Plugged in: nothing."]);
    intake.plugged = vec![plugged("1-1", "60A44C42", What::Drive), plugged("1-2", "", What::Drive)];
    let says = ["Plugged in: drive with serial 60A44C42, drive without a serial."];
    check_with(Some(&intake), "intake-plugged", &look, "Operator", "plug in the drive", &says);
    let planned = include_str!("../../../../docs/plans/minimal/plan.toml").replace("CONCLAVE-LOG-A", "60A44C42");
    let hub = "\n[[hub]]\nname = \"HUB-1\"\nusb = [\"05e3:0610\", \"05e3:0620\"]\nports = 4\n";
    intake.plan = Some(plan::read((planned + hub).as_bytes()).unwrap());
    intake.stage = Stage::Logs(Some(Source::Paper));
    let says = ["Plugged in: LOG-A, drive without a serial."];
    check_with(Some(&intake), "intake-logs-plugged", &look, "Operator", "plug in both log drives", &says);
    let hub = |port, product, shut_out| {
        let id = UsbId { vendor: 0x05e3, product };
        plugged(port, "", What::Hub { id, shut_out })
    };
    let mut hubs = Intake::default();
    (hubs.plan, hubs.stage) = (intake.plan.take(), Stage::Logs(Some(Source::Paper)));
    // Both halves of the plan's, a second one of its model, one of another.
    hubs.plugged =
        vec![hub("1-1", 0x0610, false), hub("1-2", 0x0610, true), hub("1-3", 0x0101, true), hub("2-1", 0x0620, false)];
    let screen = shown(&Showing::Intake(&look, &hubs), 80, 25).split_whitespace().collect::<Vec<_>>().join(" ");
    for says in [
        "Plugged in: HUB-1, hub 05e3:0610 at 1-2, hub 05e3:0101 at 1-3.",
        "The plan has one hub of this id, HUB-1, and the hub 05e3:0610 at 1-2 is another: plug its devices into the \
         machine itself, or take the hub out.",
        "The hub 05e3:0101 at 1-3 is not in the plan: plug its devices into the machine itself, or take the hub out.",
    ] {
        assert!(screen.contains(says), "{says}: {screen}");
    }
    let two = hubs.plan.as_mut().unwrap();
    two.hubs[0].number = 2;
    let screen = shown(&Showing::Intake(&look, &hubs), 80, 25).split_whitespace().collect::<Vec<_>>().join(" ");
    let says = "The plan has 2 hubs of this id, inside HUB-1, and the hub 05e3:0610 at 1-2 is another: plug its";
    assert!(screen.contains(says), "{screen}");
    hubs.stage = Stage::Insert;
    let screen = shown(&Showing::Intake(&look, &hubs), 80, 25).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(screen.contains("Plugged in: hub 05e3:0610 at 1-1, hub 05e3:0610 at 1-2,"), "{screen}");
    (intake.stage, intake.digest) = (Stage::Challenge(Challenged::Met(Source::Paper)), Some(digest()));
    let says = ["Plugged in: drive with serial 60A44C42, drive without a serial."];
    check_with(Some(&intake), "intake-take-out", &look, "Witness", "the plan is the one you brought", &says);
}

#[test]
fn every_rule_a_plan_breaks_can_be_read() {
    // No token has a serial, and no drive a volume. The refusals name lines of the plan: the lines that only explain are left
    // out, so that one more of them moves no golden screen.
    let explains = |line: &&str| line.is_empty() || line.starts_with('#');
    let plan = include_str!("../../../../docs/plans/safire/plan.toml").lines().filter(|line| !explains(line));
    let plan = plan.collect::<Vec<_>>().join("\n");
    let plan = ["serial", "volume"].iter().fold(plan, |plan, key| {
        let (key, none) = (format!("{key} = "), format!("{key} = \"?\""));
        plan.lines().map(|line| if line.starts_with(&key) { &none } else { line }).collect::<Vec<_>>().join("\n")
    });
    let refusals = plan::read(plan.as_bytes()).unwrap_err();
    assert!(refusals.len() > 8, "{refusals:?}");
    let look = after(at(Screen::Devices, vec![]));
    let (mut intake, last) = (Intake::default(), refusals.last().unwrap().to_string());
    intake.stage = Stage::Refused(refusals.clone());
    let keys = "Enter: go on  Up Down: scroll  Esc: back";
    check_with(Some(&intake), "intake-refused", &look, "Operator", "take the drive out", &[keys]);
    let shows = |intake: &Intake, words: &str| {
        let screen = shown(&Showing::Intake(&look, intake), 80, 25);
        screen.split_whitespace().collect::<Vec<_>>().join(" ").contains(words)
    };
    assert!(shows(&intake, text::MORE_BELOW) && !shows(&intake, &last));
    intake.above = refusals.len() - 1;
    assert!(shows(&intake, &last) && !shows(&intake, text::MORE_BELOW));
}
