//! Faults before anything is decided: every case has its words and a way on.

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
    let screen = machine.wait_for("Each of these drives carries").join("\n");
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
    assert!(screen.contains("or a copy"), "{screen}");
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
    // The kernel lies before the end: only free space of the FAT image behind it is cut off, so that the machine starts.
    let short = image.len() - (64 << 10);
    fs::write(scratch.file("medium"), &image[..short]).unwrap();
    let mut machine = Machine::start(Firmware::Bios, &Drive::Dvd.with(&scratch.file("medium")));
    let screen = machine.wait_for("is cut off.").join("\n");
    let digits = |number: usize| format!("{} {:03} {:03}", number / 1_000_000, number / 1_000 % 1_000, number % 1_000);
    assert!(screen.contains(&format!("Expected {} bytes", digits(image.len()))), "{screen}");
    walk::power_off(machine);
}

/// A machine under UEFI with this many pixels on its screen.
fn with_pixels(width: u32, height: u32) -> Machine {
    let mut arguments = Drive::Dvd.with(&iso());
    let display = format!("VGA,edid=on,xres={width},yres={height}");
    arguments.extend(["-vga", "none", "-device", &display].map(String::from));
    Machine::start(Firmware::Uefi, &arguments)
}

#[track_caller]
fn shows_the_whole_digest(pixels: (u32, u32), characters: (usize, usize)) {
    let mut machine = with_pixels(pixels.0, pixels.1);
    let screen = machine.wait_for(SOUND);
    machine.picture(&format!("{}x{}-1-medium", pixels.0, pixels.1));
    assert_eq!((screen[0].chars().count(), screen.len()), characters);
    assert_eq!(crate::digest_on(&screen), conclave_publish::Digest::of(&fs::read(iso()).unwrap()).to_string());
}

#[test]
fn the_smallest_framebuffer_shows_the_whole_digest_in_the_small_font() {
    shows_the_whole_digest((640, 480), (80, 30));
}

#[test]
fn a_framebuffer_of_1024_by_768_has_room_for_more_in_the_small_font() {
    shows_the_whole_digest((1024, 768), (128, 48));
}

#[test]
fn a_framebuffer_too_small_for_the_screens_says_what_is_needed_and_can_be_switched_off() {
    let mut machine = with_pixels(640, 350);
    let screen = machine.wait_for("This screen has 80 x 21 characters; 80 x 25 are needed.");
    assert!(screen.iter().all(|row| !row.contains("Self-check")), "{}", screen.join("\n"));
    machine.picture("640x350-too-small");
    machine.press(&["f10"]);
    walk::enter(&mut machine, "off");
    machine.wait_until_off();
}
