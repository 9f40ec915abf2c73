//! One ceremony on the shipped image, with ten power cuts: it ends closed, verified, with both logs alike.

use std::ops::ControlFlow;

use conclave_ceremony::event::Event;
use conclave_ceremony::{compile, transcript};
use conclave_sim::world::robot::Robot;
use conclave_tests::ceremony::brought;
use conclave_tests::vm::machine::Firmware;
use conclave_tests::vm::room::Room;
use conclave_tests::vm::{stick, walk};

use crate::album::step_under_way;
use crate::judges::Left;

const PLAN: &[u8] = include_bytes!("../../docs/plans/minimal/plan.toml");
/// How often the power fails.
const CUTS: usize = 10;
/// The first step it fails at or after: both log drives are logs by then.
const FIRST: usize = 7;

#[test]
fn a_ceremony_whose_power_fails_ten_times_ends_where_it_would_have() {
    let mut room = Room::start(brought(PLAN), Firmware::Bios, Firmware::Bios.memory_mib());
    let mut robot = Robot::new(&room.plan);
    room.walk_in();
    let steps = compile::compile(&room.plan).unwrap().steps.len();
    for cut in 0..CUTS {
        let step = FIRST + cut * (steps - FIRST) / CUTS;
        // Now while a device works, now while a person is asked.
        let during_act = cut % 2 == 0;
        let ended = room.play(&mut robot, |_, _, screen| {
            let acts = screen.iter().any(|row| row.contains(": wait: "));
            let due = step_under_way(screen).is_some_and(|at| at >= step) && acts == during_act;
            if due { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(ended.is_break(), "it was closed before cut {cut}");
        room.cut_power();
        robot.resumes = true;
        room.walk_in();
    }
    assert!(room.play(&mut robot, |_, _, _| ControlFlow::Continue(())).is_continue());
    walk::switch_off(&mut room.machine);
    room.machine.kill();

    room.sticks_are_judged(stick::judged_when_pulled);
    let record = transcript::read(&room.on_logs("conclave.cbor")).unwrap();
    let cut: Vec<usize> = record
        .entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| is_interruption(&entry.event))
        .map(|(at, _)| at)
        .collect();
    println!("figure: power cut before entries {cut:?} of {}, on the shipped image", record.entries.len());
    assert_eq!((cut.len(), record.torn), (CUTS, 0));
    let Room { plan, scratch: sticks, tokens, .. } = room;
    Left { plan, sticks, tokens, papers: robot.papers().clone(), head: record.head() }.is_verified();
}

fn is_interruption(event: &Event) -> bool {
    matches!(event, Event::Interrupted { .. })
}
