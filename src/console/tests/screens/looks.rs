//! The looks before a plan comes in: the air gap, the clock, the devices.

use conclave_console::civil::Wall;
use conclave_console::key::Key;
use conclave_console::preflight::clock::Set;
use conclave_console::preflight::devices::Devices;
use conclave_console::preflight::{Act, Event, Preflight, Screen, step};
use conclave_console::shown::Shown;
use conclave_console::wording::preflight as text;

use super::fixtures::{after, air_gap, at, check, devices, press, rendered, typed};

#[test]
fn the_air_gap_names_every_proof_and_what_lies_unused() {
    let preflight = after(at(Screen::AirGap, vec![]));
    let shown = ["socket INET ", "absent (ENOSYS)", "/sys/kernel/debug", "8086:100e", "never opened"];
    check("air-gap", &preflight, "Witness", "every way out was tried", &shown);
    let more = |preflight: &Preflight| rendered(preflight, 80, 25).contains(text::MORE_BELOW);
    assert!(more(&preflight) && !rendered(&preflight, 80, 25).contains("hypervisor"));
    // However often Down is pressed, the last line stays the last, and the next Up moves.
    let down = (0..100).fold(preflight, |preflight, _| step(preflight, press(Key::Down)).0);
    let last = ["lockdown", "randomness", "microcode", "IOMMU", "hypervisor        no"];
    check("air-gap-end", &down, "Witness", "every way out was tried", &last);
    assert!(!more(&down) && more(&step(down, press(Key::Up)).0));
    let broken = after(at(Screen::AirGap, vec![air_gap(true)]));
    check("air-gap-broken", &broken, "Operator", "this kernel is not air-gapped", &["PRESENT", "not tried: EPERM"]);
    assert_eq!(step(broken, press(Key::Enter)).0.screen, Screen::AirGap, "nobody waves it through");
}

#[test]
fn the_clock_is_shown_set_and_refused() {
    let clock = |events: Vec<Event>| after(at(Screen::Clock, events));
    check("clock", &clock(vec![]), "Operator", "compare with a watch. Set", &["2026-11-21 21:05:00"]);
    let later = Event::Read { wall: Wall(1_795_298_700), mono_ms: 3_609_000 };
    let right = clock(vec![press(Key::Enter), later]);
    assert_eq!(right.clock.compared.map(|(wall, _)| wall), Some(Wall(1_795_295_100)), "when it was compared, not now");
    let early = clock(vec![Event::Read { wall: Wall(0), mono_ms: 9_500 }]);
    let words = ["before this image was made", "1970-01-01", "jumped by"];
    check("clock-early", &early, "Operator", "compare with a watch and set the clock: it cannot be right.", &words);
    assert_eq!(step(early, press(Key::Enter)).0.screen, Screen::Clock, "an impossible clock leads nowhere");
    let mistyped = clock(typed("21.11.2026").chain([press(Key::Enter)]).collect());
    check("clock-mistyped", &mistyped, "Operator", "compare with a watch", &["expected YYYY-MM-DD hh:mm"]);
    let preflight = clock(typed("2026-11-21 22:30").collect());
    assert_eq!(step(preflight, press(Key::Enter)).1, [Act::SetClock(Wall(1_795_300_200))]);
    for (name, set, said) in [
        ("clock-set", Set::Both, "The clock is set. The board"),
        ("clock-not-kept", Set::UntilPowerOff(Shown::new("EIO")), "until power-off only"),
        ("clock-not-set", Set::Not(Shown::new("EINVAL")), "was not set: EINVAL"),
    ] {
        check(name, &clock(vec![Event::Set(set)]), "Operator", "compare with a watch", &[said]);
    }
}

#[test]
fn the_devices_say_what_they_are_and_prove_nothing() {
    let nobody = after(at(Screen::Devices, vec![]));
    check("devices-not-looked-at", &nobody, "Operator", "wait: looking at the USB ports", &[]);
    let none = after(at(Screen::Devices, vec![Event::Seen(Devices::default())]));
    check("devices-none", &none, "Operator", "plug in a token or a drive", &["no token", "no drive"]);
    let preflight = after(at(Screen::Devices, vec![devices()]));
    let shown = [
        "CLONE ALARM: two tokens say they are DENK0404144",
        "not yet proven",
        "no answer for 10 s: pull it out",
        "15 502 147 584 bytes. FAT32 volume 4A17-E2B0",
        "It holds exFAT, not FAT32.",
        "Now: take it out; run conclave drive prepare on another computer.",
        "Flash ?[2JDisk",
        "no serial: cannot be used",
    ];
    check("devices", &preflight, "Operator", "pull out every token of the clone alarm", &shown);
    let down = [press(Key::Down), press(Key::Down), devices()]
        .into_iter()
        .fold(preflight, |preflight, event| step(preflight, event).0);
    let shown = [
        "one drive at a time: first take out 1-4",
        "USB2.0 Hub             id 05e3:0610",
        "network or radio: not let in",
    ];
    check("devices-scrolled", &down, "Operator", "pull out every token of the clone alarm", &shown);
    let far = (0..100).fold(down, |preflight, _| step(preflight, press(Key::Down)).0);
    assert!(rendered(&far, 80, 25).contains(shown[0]), "the last line stays in sight");
    let Event::Seen(mut genuine) = devices() else { panic!() };
    genuine.tokens.remove(1);
    let genuine = after(at(Screen::Devices, vec![Event::Seen(genuine)]));
    check("devices-genuine", &genuine, "Witness", "compare the serials with the labels", &["DENK0404144"]);
}
