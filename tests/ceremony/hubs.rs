//! Hubs in a ceremony: a hub that the plan names, another one, one that is built in, and the devices on each.

use conclave_ceremony::ask::Ask;
use conclave_ceremony::ids::{Device, DriveId, TokenId};
use conclave_ceremony::plan::{self, UsbId};
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::Ceremony;
use conclave_console::ceremony::begin::{Begun, Brought};
use conclave_console::ceremony::intake::{Intake, Next, Stage as Way};
use conclave_console::key::Key;
use conclave_console::ports::{Machine, Tokens};
use conclave_console::shown::Shown;
use conclave_publish::FileName;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::{Robot, copies};
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{MINIMAL_NAMES, again, meets, start};
use smartcard_hsm::cvc::Simulated;

use super::changed::admitted;
use super::{MINIMAL, middle, refused, stage, verified};

const MASTER: TokenId = TokenId(0);
const INSERT_MASTER: Waiting = Waiting::Asked(Ask::Insert(Device::Token(MASTER)));

const HUB: UsbId = UsbId { vendor: 0x05e3, product: 0x0610 };
/// The id of the plan's hub on USB 3.
const HALF: UsbId = UsbId { vendor: 0x05e3, product: 0x0620 };
const OTHER: UsbId = UsbId { vendor: 0x0409, product: 0x55aa };

const DO_NOW: &str = "plug its devices into the machine itself, or take the hub out.";

/// The minimal plan with a hub.
fn with_hub() -> Vec<u8> {
    let hub = format!("\n[[hub]]\nname = \"HUB-1\"\nusb = [\"{HUB}\", \"{HALF}\"]\nports = 4\n");
    [MINIMAL, hub.as_bytes()].concat()
}

/// The minimal plan with a hub that has two of its model inside.
fn with_two_inside() -> Vec<u8> {
    [with_hub(), b"number = 2\n".to_vec()].concat()
}

fn begun(stage: &mut Stage, plan: &[u8]) -> Ceremony<World, Simulated> {
    let brought = Brought { plan, names: MINIMAL_NAMES };
    let Begun::Rehearsal(ceremony) = Begun::new(brought, start(), &mut stage.world).unwrap() else { panic!() };
    admitted(plan, &mut stage.world);
    *ceremony
}

/// Plugs the master in behind a hub.
fn hang_master(stage: &mut Stage, port: &str) {
    let master = stage.place(MASTER).unwrap();
    stage.world.tokens().plug(master, &Shown::new(port));
}

/// A ceremony of this plan, in which the master is first brought to this port. Returned are the words in the middle of
/// the screen then, and after Enter. The robot goes on, and plugs a device that is not found into the machine itself.
fn played(plan: &[u8], port: &str, mut hubs: impl FnMut(&mut World)) -> [String; 2] {
    let mut stage = stage(plan);
    let mut ceremony = begun(&mut stage, plan);
    let mut said = None;
    let ended = play(&mut stage, &mut ceremony, &mut Robot::new(&plan::read(plan).unwrap()), |stage, ceremony| {
        if said.is_none() && ceremony.waiting() == INSERT_MASTER {
            hubs(&mut stage.world);
            hang_master(stage, port);
            ceremony.look(&mut stage.world);
            let before = middle(ceremony);
            ceremony.press(Key::Enter, &mut stage.world);
            said = Some([before, middle(ceremony)]);
        }
    });
    assert_eq!(ended, Ended::Closed, "{}", screen(&mut ceremony).join("\n"));
    verified(plan, ceremony.transcript(), ceremony.head());
    said.unwrap()
}

#[test]
fn a_token_on_a_hub_the_plan_does_not_name_is_not_seen_and_the_hub_is_named_with_what_to_do() {
    // A plan without hubs names none.
    for plan in [MINIMAL, &with_hub()] {
        let [before, after] = played(plan, "9-1.2", |world| world.plug_hub(&Shown::new("9-1"), OTHER, false));
        let words = format!("The hub 0409:55aa at 9-1 is not in the plan: {DO_NOW}");
        assert!(before.contains(&words) && after.contains(&words), "{before}\n{after}");
        assert!(
            before.contains("Plugged in: hub 0409:55aa at 9-1, LOG-A, LOG-B.") && !before.contains("MASTER found"),
            "{before}"
        );
    }
}

#[test]
fn the_hub_of_the_plan_is_called_by_its_name_and_what_hangs_on_it_is_used() {
    let [before, after] = played(&with_hub(), "9-1.2", |world| {
        world.plug_hub(&Shown::new("9-1"), HUB, false);
        world.plug_hub(&Shown::new("8-1"), HALF, false);
    });
    assert!(before.contains("MASTER found. Press Enter.") && !before.contains("not in the plan"), "{before}");
    assert!(
        before.contains("Plugged in: HUB-1, MASTER, LOG-A, LOG-B.") && before.matches("HUB-1").count() == 1,
        "{before}"
    );
    assert!(!after.contains("is asked for"), "{after}");
}

#[test]
fn a_hub_that_is_built_in_stays_and_is_not_said_to_be_plugged_in() {
    let [before, _] = played(MINIMAL, "9-1.2", |world| world.plug_hub(&Shown::new("9-1"), OTHER, true));
    assert!(before.contains("MASTER found. Press Enter.") && !before.contains("hub"), "{before}");
}

#[test]
fn a_second_hub_of_the_plans_model_is_another_hub() {
    let [before, _] = played(&with_hub(), "9-2.2", |world| {
        world.plug_hub(&Shown::new("9-2"), HUB, false);
        world.plug_hub(&Shown::new("9-1"), HUB, false);
    });
    // The first that came is the plan's, wherever it is.
    let words = format!("The plan has one hub of this id, HUB-1, and the hub 05e3:0610 at 9-1 is another: {DO_NOW}");
    assert!(before.contains(&words) && before.contains("MASTER found. Press Enter."), "{before}");
}

#[test]
fn both_hubs_inside_one_are_used_where_the_plan_says_two_and_a_third_is_another() {
    let plug = |ports: &'static [&str]| {
        move |world: &mut World| ports.iter().for_each(|port| world.plug_hub(&Shown::new(port), HUB, false))
    };
    let [before, _] = played(&with_two_inside(), "9-1.4.2", plug(&["9-1", "9-1.4"]));
    assert!(before.contains("Plugged in: HUB-1, MASTER, LOG-A, LOG-B."), "{before}");
    assert!(before.contains("MASTER found. Press Enter.") && !before.contains("is another"), "{before}");
    let [before, _] = played(&with_two_inside(), "9-2.1", plug(&["9-1", "9-1.4", "9-2"]));
    let words = format!("The plan has 2 hubs of this id, inside HUB-1, and the hub {HUB} at 9-2 is another: {DO_NOW}");
    assert!(before.contains(&words) && !before.contains("MASTER found"), "{before}");
    // A plan that does not say so has one.
    let [before, _] = played(&with_hub(), "9-1.4.2", plug(&["9-1", "9-1.4"]));
    let words = format!("The plan has one hub of this id, HUB-1, and the hub {HUB} at 9-1.4 is another: {DO_NOW}");
    assert!(before.contains(&words) && !before.contains("MASTER found"), "{before}");
}

#[test]
fn what_hung_on_an_unnamed_hub_before_the_plan_is_gone_after_it() {
    let mut stage = stage(MINIMAL);
    stage.world.plug_hub(&Shown::new("9-1"), OTHER, false);
    hang_master(&mut stage, "9-1.2");
    let at = stage.world.tokens().plugged().remove(0);
    assert!(stage.world.tokens().open(&at).is_ok());
    admitted(MINIMAL, &mut stage.world);
    assert!(stage.world.tokens().plugged().is_empty() && stage.world.tokens().open(&at).is_err());
    assert_eq!(stage.world.in_ports().len(), 1, "the hub");
    stage.world.admit(None);
    assert_eq!(stage.world.tokens().plugged(), [at]);
}

#[test]
fn a_ceremony_that_is_resumed_shuts_out_the_same_hubs() {
    let (mut stage, _) = refused::interrupted(9);
    let [a, b] = [DriveId(0), DriveId(1)];
    stage.pull(Device::Drive(b));
    stage.plug(Device::Drive(a));
    let (mut intake, start) = (Intake::default(), again(&mut stage.world));
    stage.world.plug_hub(&Shown::new("9-1"), OTHER, false);
    assert!(matches!(intake.press(Key::Enter, &start, &mut stage.world), Next::Stay));
    meets(&mut intake, &copies(&plan::read(MINIMAL).unwrap()), &start, &mut stage.world);
    assert!(matches!(intake.press(Key::Enter, &start, &mut stage.world), Next::Stay));
    assert!(matches!(intake.stage, Way::Logs(Some(_))), "{:?}", intake.wrong);
    // The other log drive hangs on the hub.
    let own = stage.stick(b).unwrap().clone();
    let mut hung = own.clone();
    hung.drive.port = Shown::new("9-1.1");
    stage.world.drives().plug(hung);
    assert!(matches!(intake.press(Key::Enter, &start, &mut stage.world), Next::Stay));
    assert!(intake.wrong.as_ref().is_some_and(|words| words.contains("LOG-B")), "{:?}", intake.wrong);
    let says = conclave_console::wording::plugged::of_logs(intake.plan.as_ref().unwrap(), &intake.plugged);
    let says = format!("{says:?}");
    assert!(says.contains(&format!("The hub 0409:55aa at 9-1 is not in the plan: {DO_NOW}")), "{says}");
    assert!(says.contains("Plugged in: hub 0409:55aa at 9-1, LOG-A."), "{says}");
    stage.world.drives().pull(&Shown::new("9-1.1"));
    stage.plug(Device::Drive(b));
    for key in [Key::Enter, Key::Enter, Key::Char('3')] {
        assert!(matches!(intake.press(key, &start, &mut stage.world), Next::Stay), "{:?}", intake.wrong);
    }
    assert!(matches!(intake.press(Key::Enter, &start, &mut stage.world), Next::Begun(_)), "{:?}", intake.wrong);
    assert!(stage.stick(a).unwrap().files.contains_key(&FileName::new(b"conclave.cbor").unwrap()));
}
