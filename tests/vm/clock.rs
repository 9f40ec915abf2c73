//! The clock: set by hand, kept on the board, refused where it cannot be right.

use serde_json::json;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::walk::{self, iso};

/// The clock on the board, as the board has it.
fn board(machine: &mut Machine) -> String {
    let time = machine.qmp().execute("qom-get", json!({ "path": "/machine", "property": "rtc-time" }));
    let part = |name: &str| time[name].as_i64().unwrap();
    format!("{}-{:02}-{:02} {:02}", part("tm_year") + 1900, part("tm_mon") + 1, part("tm_mday"), part("tm_hour"))
}

#[test]
fn a_clock_before_the_image_is_refused_until_it_is_set_by_hand_and_the_board_keeps_it() {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-rtc", "base=2001-02-03T04:05:06"].map(String::from));
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    let screen = walk::to_clock(&mut machine).join("\n");
    assert!(screen.contains("before this image was made") && screen.contains("2001-02-03 04:"), "{screen}");
    assert_eq!(board(&mut machine), "2001-02-03 04");

    machine.press(&["ret"]);
    walk::enter(&mut machine, "2036-02-29 25:00");
    let screen = machine.wait_for("hours go from 00 to 23").join("\n");
    assert!(screen.contains("compare with a watch"), "an impossible clock leads nowhere: {screen}");
    machine.press(&["esc"]);
    walk::enter(&mut machine, "-01:30");
    walk::enter(&mut machine, "2036-02-29 12:34");
    let screen = machine.wait_for("The clock is set. The board").join("\n");
    assert!(screen.contains("UTC           2036-02-29 14:04:") && !screen.contains("jumped"), "{screen}");
    assert_eq!(board(&mut machine), "2036-02-29 14");
    machine.press(&["ret"]);
    machine.wait_for("► Devices");
}
