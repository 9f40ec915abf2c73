//! The main job: a whole ceremony on the shipped image, by its own screen and keyboard, on simulated tokens and sticks.
//!
//! The robot reads the screen as people do; the same one plays ceremonies in process.

use std::ops::ControlFlow;

use conclave_ceremony::script::StepKind;
use conclave_ceremony::{transcript, twin};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::brought;
use conclave_tests::vm::machine::Firmware;
use conclave_tests::vm::room::Room;
use conclave_tests::vm::{stick, walk};

use crate::album::Album;
use crate::judges::Left;
use crate::secrets::Secrets;

const PLAN: &[u8] = include_bytes!("../../docs/plans/safire/plan.toml");
/// Memory of the machine, in which secrets are looked for: little, for it is searched whole. **Units**: MiB.
const MEMORY_MIB: u32 = 160;

#[test]
fn a_whole_ceremony_is_run_by_screen_and_keyboard_alone() {
    // From a stick, in a laptop with a card reader: the stick with the plan comes in all the same.
    let mut room = Room::from_stick(brought(PLAN), Firmware::Uefi, MEMORY_MIB);
    room.walk_in();
    let mut robot = Robot::new(&room.plan);
    let (mut album, mut secrets) = (Album::new(&room.plan), Secrets::default());
    let mut counted = 0;
    let closed = room.play(&mut robot, |room, robot, screen| {
        let seconds = at_work(screen);
        if counted < 2 && seconds >= 2 {
            room.machine.picture("ceremony-at-work");
        }
        counted = counted.max(seconds);
        album.take(&mut room.machine, screen);
        secrets.look(room, robot, screen);
        ControlFlow::Continue(())
    });
    assert!(closed.is_continue());
    assert!(counted >= 2, "the longest act was seen for {counted} s");
    let last = room.machine.screen().join(" ");
    secrets.opens_blobs(&room);
    secrets.are_gone(&mut room.machine, "when it is closed");
    walk::switch_off(&mut room.machine);
    secrets.are_gone(&mut room.machine, "when it is off");
    room.machine.kill();

    room.sticks_are_judged(stick::judged);
    let log = room.on_logs("conclave.cbor");
    let record = transcript::read(&log).unwrap();
    assert_eq!((record.torn, record.entries.last().unwrap().step), (0, StepKind::Close));
    let words = record.head().groups().map(|group| group.to_string()).join(" ");
    assert!(last.split_whitespace().collect::<Vec<_>>().join(" ").contains(&words[..19]), "{words}: {last}");
    assert_eq!(String::from_utf8(room.on_logs("conclave.txt")).unwrap(), twin::twin(&room.plan, &record));
    assert_eq!(room.on_logs("plan.toml"), PLAN);
    assert_eq!(room.on_logs("names.toml"), brought(PLAN).names);
    for secret in robot.papers().values() {
        assert!(!log.windows(secret.len()).any(|part| part == secret.as_bytes()), "a secret is in the record");
    }
    println!("figure: {} entries, {} bytes of record, ceremony on the shipped image", record.entries.len(), log.len());

    let Room { plan, scratch: sticks, tokens, .. } = room;
    let left = Left { plan, sticks, tokens, papers: robot.papers().clone(), head: record.head() };
    left.is_verified();
    left.openssl_agrees();
    left.opensc_agrees();
}

/// The seconds a machine says it is at work for, while the loop that draws its screens does an act.
fn at_work(screen: &[String]) -> u32 {
    let seconds = |row: &String| row.split_once("At work for ")?.1.split_once(" s.")?.0.parse().ok();
    screen.iter().find_map(seconds).unwrap_or(0)
}
