//! A ceremony in which much goes wrong and all is put right: its record holds entries that a faultless record does
//! not have.

use std::sync::{Arc, LazyLock};

use conclave_ceremony::act::{Act, Item};
use conclave_ceremony::ask::Ask;
use conclave_ceremony::event::{Answer, Event, Failure, Next, Outcome};
use conclave_ceremony::ids::{Device, DriveId, PersonId};
use conclave_ceremony::plan;
use conclave_ceremony::step::Waiting;
use conclave_console::ceremony::begin::{Begun, Brought};
use conclave_console::ports::Machine;
use conclave_sim::world::drives::Fault;
use conclave_sim::world::machine::World;
use conclave_sim::world::play::{Ended, play, screen};
use conclave_sim::world::robot::Robot;
use conclave_sim::world::stage::Stage;
use conclave_tests::ceremony::{MINIMAL_NAMES, STARTED, resumed, start, with_names};

use super::rules::line;

/// SO-PIN of the stage's used tokens.
const OLD_SO_PIN: &str = "3141592653589793";

/// Operations of a drive from an answer to where its entry is written and not yet synced.
const UNSYNCED: u64 = 2;

/// The log drive that is plugged in, and not known as one when the power fails.
const SECOND_LOG: DriveId = DriveId(1);

/// The drive that takes its place later.
const SPARE: DriveId = DriveId(6);

/// The person that objects.
const OPERATOR: PersonId = PersonId(0);

/// The person that came instead of the witness.
const ALTERNATE: PersonId = PersonId(5);

/// The faults.
enum Mishap {
    /// An act fails.
    Fails(fn(&Act) -> bool, Next),
    /// The power fails during an act.
    Cut(fn(&Act) -> bool),
    /// When the power is back a log drive is lost, and a spare takes its place.
    Lost,
    /// The power fails while the entry of a bag's number is written, and a part of it is on the drive.
    Torn,
    /// Another bag than the planned one is sealed.
    OtherBag,
    /// The codes of one person are typed wrong until their code is dead.
    Mistyped,
    /// A person objects.
    Objects,
    /// A person does not attest.
    Refuses,
}

/// In the order of the script; from the bundle on, nothing is signed any more.
const MISHAPS: &[Mishap] = &[
    Mishap::Cut(|act| *act == Act::Identify(SECOND_LOG)),
    Mishap::Fails(|act| matches!(act, Act::Inspect(_)), Next::Device),
    Mishap::Fails(|act| matches!(act, Act::Write(_, Item::Share(..))), Next::Again),
    Mishap::Fails(|act| matches!(act, Act::Open(_)), Next::Type),
    Mishap::Cut(|act| matches!(act, Act::Import(_))),
    // It proves itself by a key then, and its burnt PIN is changed.
    Mishap::Fails(|act| matches!(act, Act::Authenticate(_)), Next::Beside),
    Mishap::Fails(|act| matches!(act, Act::TryPin(_)), Next::LastTry),
    Mishap::Cut(|act| matches!(act, Act::Unwrap(..))),
    Mishap::Lost,
    Mishap::Mistyped,
    Mishap::Objects,
    Mishap::Fails(|act| matches!(act, Act::Write(_, Item::Bundle)), Next::Again),
    Mishap::Fails(|act| matches!(act, Act::Write(_, Item::Bundle)), Next::Device),
    Mishap::Fails(|act| matches!(act, Act::Write(_, Item::Bundle)), Next::Halt),
    Mishap::Cut(|act| matches!(act, Act::Write(_, Item::Bundle))),
    Mishap::Torn,
    Mishap::OtherBag,
    Mishap::Refuses,
];

/// The plan, without the names.
pub(super) fn plan() -> String {
    files().0
}

/// Tokens that were used before, one of them with an SO-PIN that unblocks, a witness with an alternate that comes, and a
/// spare for a log drive; and the names.
fn files() -> (String, String) {
    let plan = include_str!("../../docs/plans/minimal/plan.toml").replace("before = \"new\"", "before = \"used\"");
    let alternate = "[[person]]\nid = \"witness-2\"\norganisation = \"example-auditors\"\n\
                     roles = [\"witness\"]\nalternate-for = \"witness\"\n\n[[bag]]";
    let so_pin = "so-pin = { keeper = \"operator\" }";
    let unblocks = format!("{so_pin}\npin-tries = 5\nso-pin-may = \"unblock\"");
    let plan = plan.replacen("[[bag]]", alternate, 1).replacen(so_pin, &unblocks, 1);
    let spare = "\n[[drive]]\nname = \"SPARE\"\nserial = \"CONCLAVE-SPARE\"\nsize = 67108864\nvolume = \"C0DE-0005\"\n\
                 holds = \"transcript\"\nspare = true\ncustody = { keeper = \"operator\" }\n";
    let plan = plan + spare;
    with_names(&plan, &(String::from_utf8_lossy(MINIMAL_NAMES) + "witness-2 = \"Wendy Witness\"\n"))
}

/// Its record, which is closed; played once.
pub(super) static TRANSCRIPT: LazyLock<Vec<u8>> = LazyLock::new(transcript);

fn transcript() -> Vec<u8> {
    let (bytes, names) = files();
    let planned = plan::read(bytes.as_bytes()).unwrap();
    let world = World::new([11; 32], STARTED, Arc::default());
    let mut stage = Stage::of(&planned, world, [13; 32]).unwrap();
    let mut robot = Robot::new(&planned);
    robot.absent.push("witness".to_owned());
    for token in &planned.tokens {
        robot.brings(&format!("SO-PIN it has now of {}", token.name), OLD_SO_PIN);
    }
    let mut left = MISHAPS.iter().peekable();
    let brought = Brought { plan: bytes.as_bytes(), names: names.as_bytes() };
    let Begun::Rehearsal(mut ceremony) = Begun::new(brought, start(), &mut stage.world).unwrap() else {
        panic!("a rehearsal")
    };
    loop {
        let ended = play(&mut stage, &mut ceremony, &mut robot, |stage, ceremony| {
            // The last answer is on the log drives before anything else happens.
            if stage.world.dark()
                || (!ceremony.state().facts().logs.is_empty() && ceremony.write(&mut stage.world).is_err())
            {
                return;
            }
            let waiting = ceremony.waiting();
            let event = match (left.peek(), &waiting) {
                (Some(Mishap::Fails(at, next)), Waiting::Acting(act)) if at(act) => {
                    let failure = Failure { next: *next, words: line("It did not answer. Try another.") };
                    Some(Event::Came { act: *act, outcome: Outcome::Failed(failure) })
                }
                (Some(Mishap::Cut(at)), Waiting::Acting(act)) if at(act) => {
                    stage.world.tokens().darken();
                    None
                }
                (Some(Mishap::Torn), Waiting::Asked(Ask::BagNumber(_))) => {
                    let op = stage.world.drives().ops() + UNSYNCED;
                    stage.world.drives().fail_at(op, Fault::PowerCut);
                    None
                }
                (Some(Mishap::OtherBag), Waiting::Asked(Ask::BagNumber(bag))) => {
                    let (by, why) = ((OPERATOR, ALTERNATE), line("The planned bag was torn."));
                    Some(Event::Done(Answer::OtherBag { by, bag: *bag, why, number: line("2000009") }))
                }
                (Some(Mishap::Mistyped), Waiting::Asked(Ask::Objections)) => {
                    for times in [5, 10] {
                        ceremony.take(Event::Mistyped { times, whose: OPERATOR }, &mut stage.world).unwrap();
                    }
                    Some(Event::Mistyped { times: 15, whose: OPERATOR })
                }
                (Some(Mishap::Objects), Waiting::Asked(Ask::Objections)) => {
                    Some(Event::Said(OPERATOR, Answer::Objects(line("It took too long."))))
                }
                (Some(Mishap::Refuses), Waiting::Asked(Ask::Attest(asked))) => {
                    let person = ceremony.state().facts().stand_in(*asked);
                    Some(Event::Said(person, Answer::Refuses(line("It took too long."))))
                }
                _ => return,
            };
            left.next();
            if let Some(event) = event {
                ceremony.take(event, &mut stage.world).unwrap();
            }
        });
        match ended {
            Ended::Closed => break,
            Ended::Dark | Ended::Stands(_) => {}
            Ended::Circle(_) => panic!("{ended:?}\n{}", screen(&mut ceremony).join("\n")),
        }
        let kept = stage.world.drives().unsynced() / 2;
        stage.world.restart(kept);
        robot.signed_out();
        if left.next_if(|mishap| matches!(mishap, Mishap::Lost)).is_some() {
            stage.pull(Device::Drive(SECOND_LOG));
            stage.plug(Device::Drive(SPARE));
        }
        let Begun::Rehearsal(goes_on) = resumed(bytes.as_bytes(), &mut stage.world).unwrap() else {
            panic!("a rehearsal")
        };
        ceremony = goes_on;
    }
    assert_eq!(left.count(), 0, "not everything went wrong");
    ceremony.transcript().to_vec()
}
