//! The way through the screens, as a room walks it: shared by every test that begins behind the first of them.

use std::path::{Path, PathBuf};

use conclave_console::preflight::challenge::Digests;
use conclave_publish::Digest;
use conclave_sim::world::robot::groups_asked_for;
use serde_json::json;

use super::machine::Machine;

/// Said on the screen of a medium that was read to its end and is sound.
pub const SOUND: &str = "Self-check OK.";

/// The image, which `scripts/image` built.
pub fn iso() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/image/conclave.iso");
    assert!(path.is_file(), "no image at {}: run scripts/image", path.display());
    path
}

/// Presses the keys of a word, then Enter.
pub fn enter(machine: &mut Machine, word: &str) {
    machine.type_text(word);
    machine.press(&["ret"]);
}

/// From the source of the witness's copy, which `key` chooses, through the six groups.
pub fn answer(machine: &mut Machine, key: &str) {
    challenge(machine, &Digest::of(&std::fs::read(iso()).unwrap()).into(), key);
    machine.wait_for("Challenge met");
}

/// The source of a witness's copy, and the groups that are asked for.
pub fn challenge(machine: &mut Machine, digests: &Digests, key: &str) {
    machine.wait_for("where does your own copy");
    machine.press(&[key]);
    for group in groups_asked_for(&machine.wait_for("type these groups").join(" "), digests) {
        enter(machine, &group);
    }
}

/// From power-on to the air gap.
pub fn to_air_gap(machine: &mut Machine) -> Vec<String> {
    machine.wait_for(SOUND);
    machine.press(&["ret"]);
    answer(machine, "3");
    machine.press(&["ret"]);
    machine.wait_for("every way out was tried and is absent")
}

/// Down the air gap to the facts of the machine, which stand below the proofs.
pub fn to_facts(machine: &mut Machine) -> String {
    machine.press(&["down"; 14]);
    machine.wait_for("hypervisor").join("\n")
}

/// From power-on to the clock.
pub fn to_clock(machine: &mut Machine) -> Vec<String> {
    to_air_gap(machine);
    machine.press(&["ret"]);
    machine.wait_for("compare with a watch")
}

/// From power-on to the screen of the devices.
pub fn to_devices(machine: &mut Machine) -> Vec<String> {
    to_clock(machine);
    machine.press(&["ret"]);
    machine.wait_for("► Devices")
}

/// Switches off by the typed word, and leaves the machine as it is then, to be looked at.
pub fn switch_off(machine: &mut Machine) {
    machine.qmp().execute("set-action", json!({ "shutdown": "pause" }));
    machine.press(&["f10"]);
    machine.wait_for("type off and press Enter");
    enter(machine, "off");
    machine.qmp().event("SHUTDOWN");
}

/// Powers off by the typed word.
pub fn power_off(mut machine: Machine) {
    machine.press(&["f10"]);
    machine.wait_for("type off and press Enter");
    enter(&mut machine, "off");
    machine.wait_until_off();
}
