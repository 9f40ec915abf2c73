//! What goes wrong before anything is decided: every case has its words and a way on.

use std::fs;

use conclave_medium::{FIELD_AT, FIELD_LEN};
use conclave_tests::scratch::Scratch;

use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::walk::{self, SOUND, iso};

/// Where the version stands in the seal: behind `CONCLAVE-ISO-`.
const VERSION_AT: usize = FIELD_AT as usize + 13;

/// A second drive that is not started from, on USB.
fn stick(name: &str, path: &std::path::Path) -> Vec<String> {
    let file = format!("file={},format=raw,if=none,id={name},readonly=on", path.display());
    vec![
        "-drive".into(),
        file,
        "-device".into(),
        format!("usb-storage,id={name}-stick,drive={name},bus=xhci.0,removable=on"),
    ]
}

#[test]
fn of_two_versions_at_once_neither_is_hashed_until_one_is_taken_out() {
    let scratch = Scratch::new();
    let mut newer = fs::read(iso()).unwrap();
    newer[VERSION_AT] = b'2';
    fs::write(scratch.file("newer"), newer).unwrap();
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(stick("newer", &scratch.file("newer")));
    let mut machine = Machine::start(Firmware::Bios, &arguments);
    let screen = machine.wait_for("More than one drive carries").join("\n");
    assert!(screen.contains("take out all but the one") && !screen.contains(SOUND), "{screen}");
    machine.qmp().execute("device_del", serde_json::json!({ "id": "newer-stick" }));
    machine.qmp().event("DEVICE_DELETED");
    machine.press(&["ret"]);
    machine.wait_for(SOUND);
}

#[test]
fn a_medium_of_another_layout_is_named_and_another_copy_asked_for() {
    let scratch = Scratch::new();
    let mut newer = fs::read(iso()).unwrap();
    newer[VERSION_AT] = b'2';
    fs::write(scratch.file("medium"), newer).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&scratch.file("medium")));
    let screen = machine.wait_for("but of another layout version.").join("\n");
    assert!(screen.contains("or another copy"), "{screen}");
    walk::power_off(machine);
}

#[test]
fn a_medium_with_a_damaged_seal_says_so() {
    let scratch = Scratch::new();
    let mut damaged = fs::read(iso()).unwrap();
    damaged[FIELD_AT as usize + FIELD_LEN - 1] = b'x';
    fs::write(scratch.file("medium"), damaged).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Stick.with(&scratch.file("medium")));
    machine.wait_for("but its seal is damaged.");
    walk::power_off(machine);
}

#[test]
fn a_medium_that_was_not_written_to_its_end_says_how_much_is_missing() {
    let scratch = Scratch::new();
    let image = fs::read(iso()).unwrap();
    // The kernel BIOS starts lies before the end; what is cut off is the padding and half of what UEFI starts.
    let short = image.len() - (1 << 20);
    fs::write(scratch.file("medium"), &image[..short]).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&scratch.file("medium")));
    let screen = machine.wait_for("is cut off.").join("\n");
    let digits = |number: usize| format!("{} {:03} {:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    assert!(screen.contains(&format!("expected {} bytes", digits(image.len()))), "{screen}");
    walk::power_off(machine);
}

#[test]
fn the_smallest_framebuffer_shows_the_whole_digest_in_the_small_font() {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-vga", "none", "-device", "VGA,edid=on,xres=640,yres=480"].map(String::from));
    let mut machine = Machine::start(Firmware::Uefi, &arguments);
    let screen = machine.wait_for(SOUND);
    assert_eq!((screen.len(), screen[0].chars().count()), (30, 80));
    assert_eq!(crate::digest_on(&screen), conclave_publish::Digest::of(&fs::read(iso()).unwrap()).to_string());
}
