//! The screen of PID 1 when the screens end by themselves, and the ways on from there.

use std::path::Path;
use std::time::Duration;

use conclave_tests::scratch::Scratch;
use serde_json::json;

use crate::gdb::Debugger;
use conclave_tests::tool::wait_for;
use conclave_tests::vm::nbd::{Op, serve};
use conclave_tests::vm::walk::{SOUND, iso};

use crate::drives::Plugged;
use crate::memory;
use conclave_tests::vm::machine::{Drive, Firmware, Machine};

/// Moments that are tried until the screens are caught at work; they draw for milliseconds after each key.
const MOMENTS_MAX: u64 = 2_000;

/// Stops the machine while its only busy program, the screens, is at work, and makes it go on at address 0.
fn crash(machine: &mut Machine, port: &Path) {
    let mut debugger = Debugger::connect(port);
    for moment in 0..MOMENTS_MAX {
        if debugger.is_in_a_program() {
            return debugger.send_astray();
        }
        debugger.go();
        // A key that means nothing here: all it does is that the screen is drawn.
        let key = json!({ "keys": [{ "type": "qcode", "data": "f5" }], "hold-time": 5 });
        machine.qmp().execute("send-key", key);
        // Each time a little later, so that each piece of work after a key is met some time.
        std::thread::sleep(Duration::from_millis(moment % 40));
        debugger.stop();
    }
    panic!("the screens were never caught at work");
}

#[test]
fn screens_that_crash_leave_words_no_page_of_theirs_and_two_ways_on() {
    let scratch = Scratch::new();
    let port = scratch.file("debugger");
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-m".into(), "160".into(), "-gdb".into(), format!("unix:{},server=on,wait=off", port.display())]);
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    machine.wait_for(SOUND);
    let [first, second] = ["first", "second"].map(|name| serve(&scratch.file(name), vec![0; 1 << 20]));
    let first = Plugged::of(&mut machine, "first", &scratch.file("first"), 2, "S1", first);
    // QEMU itself reads one sector.
    wait_for("the stick to be let in", || first.disk.log().iter().any(|op| *op != Op::Read(0..512)));
    // It waits, and will be the first in the order of ports.
    let second = Plugged::of(&mut machine, "second", &scratch.file("second"), 1, "S2", second);
    memory::plant(&mut machine);
    assert!(!memory::hits(&mut machine).is_empty(), "the search would find it");

    crash(&mut machine, &port);
    let screen = machine.wait_for("HALT.").join("\n");
    assert!(screen.contains("It was stopped by signal 11."), "{screen}");
    assert!(screen.contains("P  power off") && screen.contains("R  fresh start"), "{screen}");
    assert!(!screen.contains(SOUND) && !screen.contains("layout us"), "nothing of the old screen is left: {screen}");
    let left = memory::hits(&mut machine);
    assert!(left.is_empty(), "the kernel wiped its pages: {left:#?}");

    // The stick that was in is out again: the appliance waits for the other one now, and does not read this one
    // meanwhile.
    let before = first.disk.log().len();
    machine.press(&["x", "r"]);
    let screen = machine.wait_for("take out all but the one").join("\n");
    assert!(screen.contains("USB disk at USB port 2-2"), "{screen}");
    // The kernel may tell it to keep its bytes when it is put out.
    let after = &first.disk.log()[before..];
    assert!(after.iter().all(|op| *op == Op::Flush), "{after:?}");
    second.pull(&mut machine);
    machine.press(&["ret"]);
    machine.wait_for(SOUND);
    crash(&mut machine, &port);
    machine.wait_for("HALT.");
    machine.press(&["p"]);
    machine.wait_until_off();
}
