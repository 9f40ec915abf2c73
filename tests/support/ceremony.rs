//! How every ceremony of the tests begins: a medium, an air gap, a clock and a plan that were looked at and found sound.

use conclave_ceremony::event::Looked;
use conclave_ceremony::public::Text;
use conclave_publish::Digest;
use conclave_room::ceremony::begin::Start;
use conclave_room::civil::Wall;

/// Within the window of the example plans: 2026-11-21.
pub const STARTED: Wall = Wall(1_795_295_100);

/// What is known of the machine before a plan is in.
pub fn start() -> Start {
    let text = |words| Text::new(words).unwrap();
    Start {
        image: Digest::of(b"an image"),
        build: text("0.1.0 test"),
        findings: vec![
            Looked::Medium { source: text("a printed copy") },
            Looked::AirGap { absent: 30, hardware: vec![], machine: vec![text("kernel 6.1")] },
            Looked::Clock { wall: STARTED.0 },
            Looked::Plan { source: text("a printed copy"), drive: text("PLAN") },
        ],
    }
}
