//! Whole ceremonies in this process: every key pressed, every act done, on simulated tokens and drives.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may stop")]

mod burnt;
mod changed;
mod codes;
mod faults;
mod hubs;
mod keys;
mod legible;
mod lost;
mod moments;
mod pins;
mod proved;
mod refused;
mod resumed;
mod run;
mod screens;
mod signed;
mod sticks;
mod trial;
mod used;
mod zoo;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use conclave_ceremony::ids::PersonId;
use conclave_ceremony::plan;
use conclave_ceremony::verify::{Account, Given, verify};
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::{Begun, Brought};
use conclave_console::key::Key;
use conclave_console::ports::Machine;
use conclave_publish::Digest;
use conclave_sim::memo::Memo;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{self, Robot, keys};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{STARTED, brought, resumed, start, with_names};
use screens::Screens;
use smartcard_hsm::cvc::RootKind;

const MINIMAL: &[u8] = include_bytes!("../../docs/plans/minimal/plan.toml");
const SAFIRE: &[u8] = include_bytes!("../../docs/plans/safire/plan.toml");

/// Keys of share files are derived once for all of these ceremonies.
static MEMO: LazyLock<Arc<Memo>> = LazyLock::new(Arc::default);

fn stage(plan: &[u8]) -> Stage {
    let world = World::new([7; 32], STARTED, Arc::clone(&MEMO));
    Stage::of(&plan::read(plan).unwrap(), world, [3; 32]).unwrap()
}

/// The words in the middle of a screen, in one line.
fn middle<R: RootKind>(ceremony: &mut Ceremony<World, R>) -> String {
    let rows = screen(ceremony);
    robot::middle(&rows).join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The person that signs in and the code on the screen, while it is shown.
fn shown_code<R: RootKind>(ceremony: &mut Ceremony<World, R>) -> Option<(PersonId, String)> {
    let scene = ceremony.scene();
    let (signs, secret) = (scene.desk.signs?, scene.secret?);
    Some((signs.person, String::from_utf8(secret.expose().to_vec()).unwrap()))
}

/// Types lines.
fn types<R: RootKind>(ceremony: &mut Ceremony<World, R>, world: &mut World, lines: &[&str]) {
    lines.iter().flat_map(|line| keys(line)).for_each(|key| ceremony.press(key, world));
}

/// The verdict on a record, without the files beside it.
fn account(plan: &[u8], transcript: &[u8], heads: &[Digest]) -> Account {
    verify(Given { names: None, transcript, plan, files: &BTreeMap::new(), heads })
}

/// The verifier finds nothing to refuse, and with the last head everything is anchored.
#[track_caller]
fn verified(plan: &[u8], transcript: &[u8], head: Digest) {
    let account = account(plan, transcript, &[head]);
    assert_eq!(account.refused, [], "a genuine record");
    assert!(account.closed && account.witnessed == account.entries.checked_sub(1), "{account:?}");
    assert!(!account.proved.is_empty());
}

/// Plays a ceremony to its end, every screen asked.
fn whole(brought: Brought<'_>) -> Screens {
    let Brought { plan, .. } = brought;
    let mut stage = stage(plan);
    let begun = Begun::new(brought, start(), &mut stage.world).unwrap();
    let Begun::Rehearsal(mut ceremony) = begun else { panic!("the examples are rehearsals") };
    let mut robot = Robot::new(&plan::read(plan).unwrap());
    let mut screens = Screens::default();
    let ended = play(&mut stage, &mut ceremony, &mut robot, |_, ceremony| screens.look(ceremony));
    if ended != Ended::Closed {
        panic!("{ended:?}\n{}", screen(&mut ceremony).join("\n"));
    }
    for _ in 0..ceremony.state().facts().keys.len() {
        ceremony.press(Key::Down, &mut stage.world);
        screens.look(&mut ceremony);
    }
    screens.scan();
    verified(plan, ceremony.transcript(), ceremony.head());
    screens
}

#[test]
fn the_minimal_plan_is_played_from_its_first_entry_to_close() {
    whole(brought(MINIMAL)).compare("minimal");
}

#[test]
fn the_safire_plan_is_played_from_its_first_entry_to_close() {
    whole(brought(SAFIRE)).compare("safire");
}

#[test]
fn nothing_is_cut_off_however_long_the_names_are() {
    let longer = |plan: String, (form, name, len): (&str, &str, usize)| {
        let short = format!("{form}\"{name}\"");
        assert!(plan.contains(&short), "{short}");
        plan.replace(&short, &format!("{form}\"{name}{}\"", &"-x".repeat(len)[..len - name.len()]))
    };
    let people = ["operator", "witness", "custodian-1", "custodian-2", "holder"].map(|name| ("= ", name, 24));
    let drives = ["LOG-A", "SHARE-1", "BLOBS", "PUBLIC"].map(|name| ("= ", name, 24));
    let serials =
        ["CONCLAVE-LOG-A", "CONCLAVE-SHARE-1", "CONCLAVE-BLOBS", "CONCLAVE-PUBLIC"].map(|name| ("= ", name, 40));
    let others = [
        ("title = ", "One key on two tokens", 64),
        ("name = ", "MASTER", 24),
        ("master = ", "MASTER", 24),
        ("label = ", "signing", 40),
        ("purpose = ", "signing", 64),
        ("number = ", "2000001", 24),
        ("bag = ", "2000001", 24),
        ("place = ", "second-site", 24),
        ("organisation = ", "example-auditors", 24),
        ("organisation = ", "example", 24),
    ];
    let all = people.into_iter().chain(drives).chain(serials).chain(others);
    let plan = all.fold(String::from_utf8(MINIMAL.to_vec()).unwrap(), longer);
    let ids =
        ["operator", "witness", "custodian-1", "custodian-2", "holder", "second-site", "example-auditors", "example"];
    let long = |text: &str, len: usize| text.to_owned() + &"-x".repeat(len)[..len - text.len()];
    let list = ids.map(|id| format!("{} = \"{}\"\n", long(id, 24), long(&format!("The name of {id}"), 64)));
    let (plan, names) = with_names(&plan, &list.concat());
    whole(Brought { plan: plan.as_bytes(), names: names.as_bytes() });
}

#[test]
fn a_ceremony_whose_power_fails_again_and_again_ends_where_it_would_have() {
    let mut stage = stage(MINIMAL);
    let plan = plan::read(MINIMAL).unwrap();
    let mut robot = Robot::new(&plan);
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought(MINIMAL), start(), &mut stage.world).unwrap() else {
        panic!()
    };
    let mut boots = 1;
    loop {
        let mut turns = 0;
        let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
            turns += 1;
            // Every boot lasts a little longer than the one before; before the log drives are in there is nothing to resume.
            if ceremony.state().facts().logs.len() == 2 && turns > 30 + 4 * boots {
                stage.world.tokens().darken();
            }
        });
        match ended {
            Ended::Dark => boots += 1,
            Ended::Closed => break,
            ended => panic!("boot {boots}: {ended:?}\n{}", screen(&mut ceremony).join("\n")),
        }
        stage.world.restart(0);
        let begun = resumed(MINIMAL, &mut stage.world).unwrap_or_else(|error| panic!("boot {boots}: {error}"));
        let Begun::Rehearsal(goes_on) = begun else { panic!() };
        ceremony = goes_on;
    }
    assert!(boots > 5, "{boots} boots");
    assert_eq!(ceremony.state().facts().boot, boots);
    verified(MINIMAL, ceremony.transcript(), ceremony.head());
}
