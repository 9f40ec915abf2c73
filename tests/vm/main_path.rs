//! The way a room takes from power-on to the devices, on a framebuffer. With `CONCLAVE_SCREENS` set it leaves a picture of
//! each screen in `target/screens`, for people to look at.

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::walk::{self, SOUND, iso};

#[track_caller]
fn main_path(size: &str, display: &str) {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-vga", "none", "-device", display].map(String::from));
    let mut machine = Machine::start(Firmware::Uefi, &arguments);
    let picture = |machine: &mut Machine, name: &str| machine.picture(&format!("{size}-{name}"));
    machine.wait_for(SOUND);
    picture(&mut machine, "1-medium");
    machine.press(&["f2"]);
    machine.wait_for("type the line below");
    picture(&mut machine, "2-keyboard");
    // The line is forgotten with its keys, which takes a moment in which no key is read.
    machine.press(&["esc"]);
    machine.wait_for(SOUND);
    machine.press(&["f1"]);
    machine.wait_for("help for this screen");
    picture(&mut machine, "3-help");
    machine.press(&["esc", "ret"]);
    machine.wait_for("where does your own copy");
    picture(&mut machine, "4-source");
    machine.press(&["1"]);
    machine.wait_for("type these groups");
    picture(&mut machine, "5-challenge");
    machine.press(&["esc", "ret"]);
    walk::answer(&mut machine, "3");
    picture(&mut machine, "6-met");
    machine.press(&["ret"]);
    machine.wait_for("every way out was tried and is absent");
    picture(&mut machine, "7-air-gap");
    machine.press(&["ret"]);
    machine.wait_for("compare with a watch");
    picture(&mut machine, "8-clock");
    machine.press(&["ret"]);
    machine.wait_for("► Devices");
    picture(&mut machine, "9-devices");
    walk::power_off(machine);
}

#[test]
fn a_room_gets_from_power_on_to_the_devices_on_a_small_framebuffer() {
    main_path("1280x800", "VGA");
}

#[test]
fn a_room_gets_from_power_on_to_the_devices_on_a_large_framebuffer() {
    main_path("2560x1600", "VGA,edid=on,xres=2560,yres=1600,vgamem_mb=32");
}
