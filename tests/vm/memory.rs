//! A typed secret is in memory while its field is open, and nowhere after.

use crate::ram::{Planted, find};
use conclave_tests::vm::machine::{Drive, Firmware, Machine};
use conclave_tests::vm::walk::{self, SOUND, iso};

/// Typed into the test line: short enough that the kernel's ring of events holds all its keys. The line counts as a
/// secret, because people try a keyboard with the passphrase they are about to use.
const TYPED: Planted<'static> = Planted { name: "the test line", bytes: b"xq7zkvj4" };

/// Where the secret stands now.
pub(crate) fn hits(machine: &mut Machine) -> Vec<String> {
    find(&machine.memory(), &[TYPED]).iter().map(ToString::to_string).collect()
}

/// Types the secret into the test line and leaves it open.
pub(crate) fn plant(machine: &mut Machine) {
    let text = str::from_utf8(TYPED.bytes).unwrap();
    machine.press(&["f2"]);
    machine.wait_for("type the line below");
    machine.type_text(text);
    machine.wait_for(&format!("layout us:  {text}_"));
}

#[track_caller]
fn wiped_when_its_field_closes(firmware: Firmware) {
    let mut arguments = Drive::Dvd.with(&iso());
    arguments.extend(["-m", "160"].map(String::from));
    let mut machine = Machine::start(firmware, &arguments);
    machine.wait_for(SOUND);
    plant(&mut machine);
    let open = hits(&mut machine);
    assert!(open.iter().any(|hit| hit.contains("a byte in every 1")), "the search would find it: {open:#?}");
    assert!(open.iter().any(|hit| hit.contains("key")), "and its keys: {open:#?}");
    machine.press(&["esc"]);
    machine.wait_for(SOUND);
    let closed = hits(&mut machine);
    assert!(closed.is_empty(), "after the field closed: {closed:#?}");

    walk::switch_off(&mut machine);
    let off = hits(&mut machine);
    assert!(off.is_empty(), "after power-off: {off:#?}");
}

#[test]
fn a_typed_secret_is_found_while_its_field_is_open_and_never_after() {
    wiped_when_its_field_closes(Firmware::Bios);
}

#[test]
fn nor_where_a_framebuffer_draws_it() {
    wiped_when_its_field_closes(Firmware::Uefi);
}
